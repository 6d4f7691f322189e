"""Make the data set again from what git holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import typer

from paletteot.errors import DataError

NAMED = 5
"""Files that differ and are named."""


def data() -> None:
    """Make plans and release from the palettes and pairs that git holds, and compare every file with the published one.

    No photograph is needed, and no DVC. Killed and started again, it goes on where it was.
    """
    import paletteot.project.workspace as workspaces
    from paletteot.dataset import layout, versions
    from paletteot.project import paths, provenance, releasing
    from paletteot.project.parameters import load_params

    params = load_params()
    published = versions.read(paths.RELEASE_MANIFEST)
    version, wanted = published["version"], published["files"]
    if version != params.dataset.version:
        raise DataError(
            f"{paths.RELEASE_MANIFEST}: is of data set {version}, but params.yaml says {params.dataset.version}; "
            "`dvc repro release` makes that one"
        )
    whole = f"{layout.WHOLE}-00000-of-00001.parquet"
    held = {paths.MANIFEST: f"images/{whole}", paths.PALETTES: f"palettes/{whole}", paths.PAIRS: ""}
    for file, name in held.items():  # the first two go into it as they are
        _check(file, wanted.get(name), version)
    if not _there(paths.PLANS, wanted) and workspaces.stage(Path(), "plans").returncode:
        raise typer.Exit(1)  # the stage has said why
    releasing.build(params)
    made = layout.hashes(paths.RELEASE)
    made.pop(layout.UNCOMMITTED, None)
    differ = [name for name in _data_first({*made, *wanted}) if made.get(name) != wanted.get(name)]
    if differ:
        more = f" and {len(differ) - NAMED} more" if len(differ) > NAMED else ""
        change, reasons = versions.compare(published, paths.RELEASE)
        same = "; every value is the same" if change < versions.Change.MINOR else f"; {reasons[0]}"
        raise DataError(
            f"{paths.RELEASE}: not data set {version}: {', '.join(differ[:NAMED])}{more} "
            f"{'differs' if len(differ) == 1 else 'differ'} from {paths.RELEASE_MANIFEST}{same}"
        )
    changed = ", by code or parameters that no commit has" if provenance.uncommitted() else ""
    typer.echo(
        f"this is data set {version}: {len(made)} files in {paths.RELEASE}, all as in {paths.RELEASE_MANIFEST}{changed}"
    )


def _check(file: Path, wanted: str | None, version: str) -> None:
    from paletteot.files import sha256

    if not file.is_file():
        raise DataError(f"{file}: no such file; git holds it (`git checkout {file}`)")
    if wanted is not None and sha256(file) != wanted:
        raise DataError(f"{file}: not that of data set {version}: SHA-256 must be {wanted}, but is {sha256(file)}")


def _there(plans: Path, wanted: Mapping[str, str]) -> bool:
    """Return whether all shards are there and as they must be, from a run before."""
    from paletteot.dataset import layout

    found = {f"plans/{name}": digest for name, digest in layout.hashes(plans).items()} if plans.is_dir() else {}
    return found == {name: digest for name, digest in wanted.items() if name.startswith("plans/")}


def _data_first(names: set[str]) -> list[str]:
    """Return names of files, those of tables first: where they differ, texts that tell of them do too."""
    return sorted(names, key=lambda name: ("/" not in name, name))
