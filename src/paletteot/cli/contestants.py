"""Which contestant a word on the command line means, and whether its code may run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paletteot.errors import ParamsError
from paletteot.guests.mode import Mode

if TYPE_CHECKING:
    from paletteot.guests.code import Code
    from paletteot.guests.copies import Copy
    from paletteot.guests.process import Limits
    from paletteot.warmstarts.contract import WarmStart

Reference = Annotated[
    str, typer.Argument(metavar="CONTESTANT", help="a name, built in (or name-seed) or installed, or FILE.py:CLASS")
]
Trust = Annotated[bool, typer.Option("--trust", help="run code from outside the package, as you")]
Weights = Annotated[Path | None, typer.Option(help="what a learned contestant reads; default: params.yaml")]
Seconds = Annotated[float, typer.Option(help="what code from outside may take for an answer", min=0.1)]
Memory = Annotated[float, typer.Option(help="GB that code from outside may use; 0 for any", min=0)]
Sandbox = Annotated[
    Mode, typer.Option("--sandbox", help="run code from outside in bubblewrap: where it works, nowhere else, or not")
]


@dataclass(frozen=True)
class Stranger:
    """A contestant from outside the package. copy: its code and weights as they were hashed. limits: of its process."""

    copy: Copy
    limits: Limits

    @property
    def code(self) -> Code:
        """Its class, where it runs."""
        return self.copy.code

    def __call__(self) -> WarmStart:
        """Make it, in a process of its own."""
        from paletteot.guests.contestant import Guest

        return Guest(self.copy, limits=self.limits)

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of what runs, code and weights, by the names of the files."""
        return dict(self.copy.hashes)

    def verify(self) -> None:
        """Raise DataError where what ran is not what was hashed any more: said after a run, before it is believed."""
        from paletteot.guests.copies import verify

        verify(self.copy)

    def __str__(self) -> str:
        """Say where it runs."""
        from paletteot.guests import sandbox

        return f"{self.copy.label} ran {sandbox.find(self.limits.sandbox)}"


def maker(
    reference: str, weights: Path | None, *, trust: bool, seconds: float, memory: float, sandbox: Mode
) -> tuple[Callable[[], WarmStart], tuple[str, ...]]:
    """Return what makes a contestant, a Stranger where it is not built in, and the names that it must not have.

    Raises ParamsError for a word that means nothing, for code from outside the package that is not trusted, for files
    that are not there, and for a sandbox that is required and not there.
    """
    import paletteot.warmstarts as warmstarts
    from paletteot.guests import code as outside
    from paletteot.guests import contestants
    from paletteot.guests.copies import take
    from paletteot.warmstarts.contract import family

    if ":" in reference or reference.endswith(".py"):
        code = outside.in_file(reference)
    elif (name := family(reference)) in warmstarts.entries():
        return partial(warmstarts.create, name, weights), ()
    else:
        code = outside.installed()[contestants.check_name(reference, "a contestant that is not FILE.py:CLASS")]
    trusted(code, trust=trust)
    from paletteot.guests.process import Limits
    from paletteot.guests.sandbox import find

    find(sandbox)
    return Stranger(take(code, weights), Limits(seconds, memory, sandbox=sandbox)), tuple(warmstarts.entries())


def trusted(code: Code, *, trust: bool) -> None:
    """Raise ParamsError for code from outside the package that is not trusted."""
    if not trust:
        raise ParamsError(
            f"{code.label} is code from outside the package, and running it can do whatever you can: read it, then say "
            "--trust"
        )
