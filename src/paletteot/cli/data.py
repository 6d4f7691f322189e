"""Check, version and publish the data set."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

SHOWN = 10
"""Faults of one file that are printed."""

release = typer.Typer(help="Look after the versions of the data set.", no_args_is_help=True)
publish = typer.Typer(help="Publish a verified release, or the page of colour transfer.", no_args_is_help=True)

Source = Annotated[Path, typer.Option(help="release folder")]
OnlyIds = Annotated[
    bool,
    typer.Option("--only-ids", help="only what may go where a source forbids the rest: photo ids and how to rebuild"),
]


def verify(
    source: Annotated[str, typer.Argument(metavar="RELEASE", help="folder, ORG/NAME[@REVISION], or URL")],
    version: Annotated[str | None, typer.Option(help="version that it must have, X.Y.Z")] = None,
    threads: Annotated[int, typer.Option(help="threads; 0 for one per core", min=0)] = 0,
    every: Annotated[bool, typer.Option("--all", help=f"print every fault, not just {SHOWN} of a file")] = False,
) -> None:
    """Check a release: files, tables, splits, and the certificate of every row."""
    import paletteot.engine as engine
    from paletteot.dataset import sources
    from paletteot.dataset import verify as verification

    report = verification.verify(sources.release(source, version), threads=engine.cores(threads))
    printed: Counter[str] = Counter()
    for fault in report.faults:
        printed[fault.file] += 1
        if every or printed[fault.file] <= SHOWN:
            typer.echo(str(fault))
    for file, count in printed.items():
        if count > SHOWN and not every:
            typer.echo(f"{file}: {count - SHOWN} more")
    if report.faults:
        typer.echo(f"{source}: version {report.version} is NOT what it claims: {len(report.faults)} faults", err=True)
        raise typer.Exit(1)
    typer.echo(
        f"{source}: version {report.version} is what it claims: {report.plans} plans recomputed, "
        f"largest L1 marginal error {report.worst:.2e}"
    )


@release.callback()
def _release() -> None:
    """Look after the versions of the data set."""


@release.command()
def check(source: Source = Path("data/release")) -> None:
    """Compare a release with the last tagged one; refuse a version that says less than the change."""
    from paletteot.cli import publishing

    typer.echo(publishing.check(source))


@publish.command()
def hf(
    repo_id: Annotated[str, typer.Argument(help="ORG/NAME on the hub")],
    source: Source = Path("data/release"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="list what would go")] = False,
    only_ids: OnlyIds = False,
    private: Annotated[bool, typer.Option(help="make a new repository private")] = False,
) -> None:
    """Publish a release on the Hugging Face hub, tagged with its version."""
    from paletteot.cli import publishing

    for line in publishing.to_hub(source, repo_id, dry_run=dry_run, only_ids=only_ids, private=private):
        typer.echo(line)


@publish.command()
def dvc(
    remote: Annotated[str, typer.Argument(help="name of a DVC remote")],
    url: Annotated[str | None, typer.Option(help="where the remote is, to configure it")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be done")] = False,
) -> None:
    """Push a release to a DVC remote and tag the commit that names it."""
    from paletteot.cli import publishing

    for line in publishing.to_dvc(remote, url, dry_run=dry_run):
        typer.echo(line)


@publish.command()
def space(
    repo_id: Annotated[str, typer.Argument(help="ORG/NAME of the Space on the hub")] = "paletteot/paletteot",
    source: Annotated[Path, typer.Option(help="folder of the Space's own files")] = Path("space"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="list what would go")] = False,
    private: Annotated[bool, typer.Option(help="make a new Space private")] = False,
) -> None:
    """Publish the page of `paletteot app` as a Hugging Face Space, with this package in it."""
    from paletteot.cli import publishing

    for line in publishing.to_space(source, repo_id, dry_run=dry_run, private=private):
        typer.echo(line)
