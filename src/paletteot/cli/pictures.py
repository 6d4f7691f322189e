"""Put other photographs in."""

from __future__ import annotations

import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer

from paletteot.errors import ParamsError
from paletteot.splits import EVALUATED


def images(
    source: Annotated[str, typer.Option(help="bundled, unsplash, folder or huggingface")],
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
) -> None:
    """Choose where pictures come from, write that to params.yaml, and make them.

    `dvc repro` then makes everything else from them.
    """
    from paletteot.project import lock

    chosen: dict[str, Any] = {
        "source": source, "location": location, "group_by": group_by, "licence": licence, "split": split,
        "grading": grading, "allow_fewer": allow_fewer or None, "count": count,
    }  # fmt: skip
    if source in ("folder", "unsplash") and location is not None:
        chosen["location"] = str(Path(location).expanduser().resolve())
    _write(chosen, _sizes(pairs) if pairs else {})
    lock.mend()
    done = subprocess.run([sys.executable, "-m", "dvc", "repro", "--quiet", "images"], check=False)
    if done.returncode:
        raise ParamsError("the images stage failed, as said above; params.yaml holds your choice, mend and run again")


def _sizes(pairs: int) -> dict[str, int]:
    each = pairs // 20
    return {"train": pairs - 4 * each, **dict.fromkeys(EVALUATED, each), "total": pairs}


def _write(chosen: dict[str, Any], sizes: dict[str, int]) -> None:
    """Write the choice into params.yaml, its comments kept, if all of it is legal; else raise ParamsError."""
    from ruamel.yaml import YAML

    import paletteot.images.sources as sources
    from paletteot.config import params as config
    from paletteot.files import write_text
    from paletteot.project import paths
    from paletteot.project.parameters import load_params

    load_params()
    yaml = YAML()
    yaml.width = 200
    params = yaml.load(paths.PARAMS)
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
    sources.create(config.parse(text.getvalue(), paths.PARAMS).images, paths.ORIGINALS)
    write_text(paths.PARAMS, text.getvalue())
