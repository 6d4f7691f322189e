"""Begin a contestant of your own, and check it."""

from __future__ import annotations

import keyword
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from paletteot.cli.contestants import Memory, Reference, Sandbox, Seconds, Stranger, Trust, Weights, maker
from paletteot.errors import ParamsError
from paletteot.guests.mode import Mode


def new_warm_start(
    name: Annotated[str, typer.Argument(help="how it is to be called: a Python identifier such as my_idea")],
) -> None:
    """Write a contestant that works, and its test, into this folder."""
    from paletteot.files import write_text
    from paletteot.guests import contestants

    if not name.isidentifier() or keyword.iskeyword(name):
        raise ParamsError(f"the name must be a Python identifier, such as my_idea, but is {name!r}")
    if name in (taken := contestants.names()):
        raise ParamsError(f"the name must be none of {', '.join(taken)}, but is {name!r}")
    code, test = Path(f"{name}.py"), Path(f"test_{name}.py")
    for file in (code, test):
        if file.exists():
            raise ParamsError(f"{file}: exists already; nothing was written")
    if find_spec(name):
        raise ParamsError(f"the name must not be that of a Python module, but there is a module {name!r}")
    cls = "".join(word[:1].upper() + word[1:] for word in name.split("_"))
    templates = files("paletteot.cli") / "templates"
    for file, template in ((code, "warm_start.py.txt"), (test, "test_warm_start.py.txt")):
        text = (templates / template).read_text(encoding="utf-8")
        write_text(file, Template(text).substitute(name=name, cls=cls))
    typer.echo(f"{code} and {test}; now: paletteot check {code}:{cls} --trust")


def check(
    contestant: Reference,
    weights: Weights = None,
    trust: Trust = False,
    seconds: Seconds = 60,
    memory: Memory = 8,
    sandbox: Sandbox = Mode.AUTO,
) -> None:
    """Check that a contestant keeps the contract, and say everything that is not as it must be."""
    from paletteot.benchmark import conformance

    make, taken = maker(contestant, weights, trust=trust, seconds=seconds, memory=memory, sandbox=sandbox)
    wrong = conformance.check(make, taken)
    for line, checks in wrong.items():
        typer.echo(f"{', '.join(checks)}: {line}")
    if isinstance(make, Stranger):
        typer.echo(make)
    if wrong:
        typer.echo(f"{contestant} breaks the contract", err=True)
        raise typer.Exit(1)
    typer.echo(f"{contestant} keeps the contract: {', '.join(['name', *conformance.CHECKS])}")
