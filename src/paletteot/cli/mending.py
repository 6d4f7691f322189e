"""Mend what a crash has left."""

from __future__ import annotations

import typer


def mend() -> None:
    """Put dvc.lock back where a crash has left it empty or torn; else keep a copy of it for that."""
    from paletteot.project import lock

    if not lock.mend():
        typer.echo("nothing to mend")
