"""Where the rows of a contestant come from."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """Of a contestant's rows: data version, code commit, hardware, and the MLflow run of its weights; '' is not known.

    run, url: the run's id, and its page where a tracking server has one. claimed: whether the seconds of the start are
    what its makers say, not measured here. by: who made it, where that is not this package.
    """

    data: str = ""
    code: str = ""
    hardware: str = ""
    run: str = ""
    url: str = ""
    claimed: bool = False
    by: str = ""

    @property
    def href(self) -> str:
        """The page of the run where it is one that a browser may follow, else ''."""
        return web_address(self.url)


NOT_KNOWN = Origin()


def web_address(text: str) -> str:
    """Return a link of http or https as it is, anything else (javascript:, a path) as ''."""
    return text if re.match(r"https?://[^\s/]", text) else ""
