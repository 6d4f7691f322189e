"""Put other photographs in."""

from __future__ import annotations

import shlex
from contextlib import chdir
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer

from paletteot.errors import ParamsError
from paletteot.splits import EVALUATED


def images(
    source: Annotated[str, typer.Option(help="packages, bundled, unsplash, folder or huggingface")],
    location: Annotated[str | None, typer.Option(help="the archive, the folder, or the Hugging Face id")] = None,
    count: Annotated[int | None, typer.Option(help="how many pictures")] = None,
    pairs: Annotated[
        int | None, typer.Option(help="how many pairs: four fifths train, the rest in four equal parts", min=20)
    ] = None,
    group_by: Annotated[str | None, typer.Option(help="folder: CSV of file,group; huggingface: a column")] = None,
    licence: Annotated[
        str | None, typer.Option(help="what may be done with the pictures (folder, huggingface)")
    ] = None,
    split: Annotated[str | None, typer.Option(help="split, or CONFIG/SPLIT (huggingface)")] = None,
    grading: Annotated[float, typer.Option(help="strength of colour gradings; 0 leaves colours alone")] = 0.0,
    allow_fewer: Annotated[
        bool, typer.Option("--allow-fewer", help="go on with fewer pictures than asked for")
    ] = False,
    workspace: Annotated[
        Path | None, typer.Option(help="folder for the pipeline with these pictures; default .workspaces/SOURCE")
    ] = None,
    here: Annotated[
        bool, typer.Option("--here", help="work in the project at hand, in place of its own pictures")
    ] = False,
) -> None:
    """Choose where pictures come from and make them, in a workspace of their own.

    What the choice asks for goes into the workspace's params.yaml once the pictures are there; `dvc repro` in it then
    makes everything else from them.
    """
    import paletteot.project.workspace as workspaces
    from paletteot.files import replacing
    from paletteot.project import paths

    if here and workspace is not None:
        raise ParamsError("--here and --workspace: only one of them can be given")
    chosen: dict[str, Any] = {
        "source": source, "location": _absolute(location, source), "group_by": group_by, "licence": licence,
        "split": split, "grading": grading, "allow_fewer": allow_fewer or None, "count": count,
    }  # fmt: skip
    if source == "folder":
        chosen["group_by"] = _absolute(group_by, source)
    folder = Path() if here else (workspace or workspaces.FOLDER / source).expanduser()
    base = folder if (folder / paths.PARAMS).is_file() else Path()
    text = _changed(base / paths.PARAMS, chosen, _sizes(pairs) if pairs else {})
    if not here:
        workspaces.check(Path.cwd(), folder)
        workspaces.prepare(Path.cwd(), folder)
    with replacing(folder / paths.PARAMS) as fresh:  # which takes its place when the pictures are there
        fresh.write_text(text, encoding="utf-8")
        if workspaces.stage(folder, "--params", fresh.name, "images").returncode:
            raise ParamsError(f"the images stage failed, as said above; {folder / paths.PARAMS} was not changed")
    if workspaces.dvc(folder, "commit", "--quiet", "--force", "images").returncode:
        raise ParamsError(
            f"{folder / paths.IMAGES} and {folder / paths.PARAMS} are written, but dvc could not record them, as said "
            "above; `dvc repro` makes the pictures again"
        )
    step = "" if here else f"cd {shlex.quote(str(folder))} && "
    print(f"pictures are in {folder / paths.IMAGES}; make everything else from them: {step}dvc repro")


def _absolute(location: str | None, source: str) -> str | None:
    """Return where something is, whatever folder is stood in; a data set of the hub is nowhere on this machine."""
    from paletteot.images import hf_stream

    if location is None or source in ("packages", "bundled"):
        return location
    if source == "huggingface" and not hf_stream.is_here(location):
        return location
    return str(Path(location).expanduser().resolve())


def _sizes(pairs: int) -> dict[str, int]:
    each = pairs // 20
    return {"train": pairs - 4 * each, **dict.fromkeys(EVALUATED, each), "total": pairs}


def _changed(file: Path, chosen: dict[str, Any], sizes: dict[str, int]) -> str:
    """Return a params.yaml with the choice put in, its comments kept; raises ParamsError where that is not legal."""
    from ruamel.yaml import YAML

    import paletteot.images.sources as sources
    from paletteot.config import params as config
    from paletteot.project import paths
    from paletteot.project.parameters import load_params

    with chdir(file.parent):
        load_params()
    yaml = YAML()
    yaml.width = 200
    params = yaml.load(file)
    section = params["images"]
    for field, value in chosen.items():
        if value is None:
            if field != "count":
                section.pop(field, None)
        elif field in section:
            section[field] = value
        else:
            section.insert(1, field, value)  # below the source
    params["pairs"].update(sizes)
    text = StringIO()
    yaml.dump(params, text)
    sources.create(config.parse(text.getvalue(), file).images, paths.ORIGINALS)
    return text.getvalue()
