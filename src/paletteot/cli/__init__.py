"""The command line: thin covers over the rooms. Commands import what they need, so that --help is quick."""

from __future__ import annotations

import typer

from paletteot.cli import (
    colours,
    data,
    images,
    judging,
    mending,
    remaking,
    seed_checkpoint,
    serving,
    solving,
    submitting,
    taking_part,
    timing,
    transferring,
)  # fmt: skip
from paletteot.endings import one_line
from paletteot.extras import needed

app = typer.Typer(
    help="A data set and benchmark for learning to warm-start optimal transport between colour palettes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class _OneLine(typer.core.TyperGroup):
    """End with one line and an exit code on an error or a signal."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        with one_line(), needed():
            return super().invoke(ctx)


@app.callback(cls=_OneLine)
def paletteot() -> None:
    """Work on palettes, plans and contestants from the root of a project."""


for command in (
    images.images, colours.palette, transferring.transfer, solving.solve, judging.evaluate, judging.leaderboard,
    data.verify, taking_part.new_warm_start, taking_part.check, submitting.submit, timing.time_solvers,
    seed_checkpoint.import_seed_checkpoint, mending.mend, remaking.data,
):  # fmt: skip
    app.command()(command)
app.command()(serving.app)
app.add_typer(data.release, name="release")
app.add_typer(data.publish, name="publish")
