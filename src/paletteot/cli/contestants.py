"""Which contestant a word on the command line means, and whether its code may run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paletteot.errors import ParamsError

if TYPE_CHECKING:
    from paletteot.guests.code import Code
    from paletteot.guests.process import Limits
    from paletteot.warmstarts.contract import WarmStart

Reference = Annotated[
    str, typer.Argument(metavar="CONTESTANT", help="a name, built in (or name-seed) or installed, or FILE.py:CLASS")
]
Trust = Annotated[bool, typer.Option("--trust", help="run code from outside the package, as you")]
Weights = Annotated[Path | None, typer.Option(help="what a learned contestant reads; default: params.yaml")]
Seconds = Annotated[float, typer.Option(help="what code from outside may take for an answer", min=0.1)]
Memory = Annotated[float, typer.Option(help="GB that code from outside may use; 0 for any", min=0)]


@dataclass(frozen=True)
class Stranger:
    """A contestant from outside the package. weights: the file that it reads. limits: of its process."""

    code: Code
    weights: Path | None
    limits: Limits

    def __call__(self) -> WarmStart:
        """Make it, in a process of its own."""
        from paletteot.guests.contestant import Guest

        return Guest(self.code, self.weights, self.limits)

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of its code and weights, by the names of the files; raises ParamsError without weights."""
        from paletteot.files import sha256
        from paletteot.guests import code as outside

        files = dict(outside.sources(self.code))
        if self.weights:
            if not self.weights.exists():
                raise ParamsError(f"--weights: {self.weights}: no such file")
            inside = sorted(self.weights.rglob("*")) if self.weights.is_dir() else [self.weights]
            files |= {f"weights/{one.relative_to(self.weights.parent)}": one for one in inside if one.is_file()}
        return {name: sha256(file) for name, file in files.items()}


def maker(
    reference: str, weights: Path | None, *, trust: bool, seconds: float, memory: float
) -> tuple[Callable[[], WarmStart], tuple[str, ...]]:
    """Return what makes a contestant, a Stranger where it is not built in, and the names that it must not have.

    Raises ParamsError for a word that means nothing, and for code from outside the package that is not trusted.
    """
    import paletteot.warmstarts as warmstarts
    from paletteot.guests import code as outside
    from paletteot.guests import contestants
    from paletteot.warmstarts.contract import family

    if ":" in reference or reference.endswith(".py"):
        code = outside.in_file(reference)
    elif (name := family(reference)) in warmstarts.entries():
        return partial(warmstarts.create, name, weights), ()
    else:
        code = outside.installed()[contestants.check_name(reference, "a contestant that is not FILE.py:CLASS")]
    trusted(code, trust=trust)
    from paletteot.guests.process import Limits

    return Stranger(code, weights, Limits(seconds, memory)), tuple(warmstarts.entries())


def trusted(code: Code, *, trust: bool) -> None:
    """Raise ParamsError for code from outside the package that is not trusted."""
    if not trust:
        raise ParamsError(
            f"{code.label} is code from outside the package, and running it can do whatever you can: read it, then say "
            "--trust"
        )
