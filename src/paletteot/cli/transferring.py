"""Move one picture's colours onto another, or onto a folder of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paletteot.cli.outputs import check_out
from paletteot.errors import ParamsError
from paletteot.transfer.options import EXACT, Options

PLAIN = Options()
NETWORK = "dual"
"""The start of --network-only and --use-as-warm-start, where none is named."""


def transfer(
    a: Annotated[Path, typer.Argument(metavar="A", help="picture whose colours are moved, or a folder of them")],
    b: Annotated[Path | None, typer.Argument(metavar="[B]", help="picture that has the colours wanted")] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help=".png, .jpg, .webp, .tif, or .cube; repeatable; a folder for a folder"
        ),
    ] = None,
    explain: Annotated[Path | None, typer.Option(metavar="FILE", help="draw palettes and plan: .png or .jpg")] = None,
    lut: Annotated[
        Path | None, typer.Option(metavar="FILE", help="apply this .cube instead of the colours of B")
    ] = None,
    lut_size: Annotated[int, typer.Option(help="nodes a side of --out .cube: 17, 33 or 65")] = 33,
    one_map: Annotated[bool, typer.Option("--one-map", help="one map for all pictures of the folder A")] = False,
    k: Annotated[int, typer.Option(help="colours of either palette")] = PLAIN.k,
    eps: Annotated[float, typer.Option(help="entropic regularisation, LAB units")] = PLAIN.eps,
    cost: Annotated[
        str | None, typer.Option(help="squared (lightness twice), or distance, as a --start needs it")
    ] = PLAIN.cost,
    method: Annotated[str, typer.Option(help="smooth, or hard: one new colour for each of the palette")] = PLAIN.method,
    sigma: Annotated[
        float, typer.Option(help="how far colours move together, LAB units; larger is smoother")
    ] = PLAIN.sigma,
    strength: Annotated[float, typer.Option(help="share of the way, 0 to 1")] = PLAIN.strength,
    keep_luminance: Annotated[bool, typer.Option("--keep-luminance", help="leave L* as it is")] = PLAIN.keep_luminance,
    neutrals: Annotated[
        float, typer.Option(help="how far greys, black and white that both have are kept, 0 to 1")
    ] = PLAIN.neutrals,
    mask_a: Annotated[Path | None, typer.Option(metavar="FILE", help="white where A is moved")] = None,
    mask_b: Annotated[Path | None, typer.Option(metavar="FILE", help="white where B's colours are taken")] = None,
    start: Annotated[
        str, typer.Option(help="none, or what Sinkhorn is counted from: cold, dual (the network), ...")
    ] = PLAIN.start,
    network_only: Annotated[
        bool, typer.Option("--network-only", help="the plan straight from the network, or from --start")
    ] = False,
    use_as_warm_start: Annotated[
        bool, typer.Option("--use-as-warm-start", help="the plan after Sinkhorn from there")
    ] = False,
    seed: Annotated[int, typer.Option(help="seed of the clustering", min=0)] = PLAIN.seed,
) -> None:
    """Move the colours of picture B onto picture A."""
    from paletteot.transfer import folders, jobs

    options = PLAIN.but(
        k=k, eps=eps, cost=cost, method=method, sigma=sigma, strength=strength, keep_luminance=keep_luminance,
        neutrals=neutrals, start=_start(start, network_only, use_as_warm_start), network_only=network_only,
        seed=seed,
    )  # fmt: skip
    wanted = jobs.Wanted(a, b, options, out or [], lut, lut_size, explain, one_map, mask_a, mask_b)
    for file in wanted.cubes if a.is_dir() else wanted.files:
        check_out(file, wanted.inputs, "--explain" if file is explain else "--out")
    said, *lines = (folders.folder if a.is_dir() else jobs.picture)(wanted)
    typer.echo("\n".join([f"{', '.join(map(str, wanted.files))}: {said}", *lines]))


def _start(start: str, network_only: bool, use_as_warm_start: bool) -> str:
    """Return the start that is asked for; raises ParamsError for what is none, or contradicts itself."""
    from paletteot.transfer.matching import starts

    if network_only and use_as_warm_start:
        raise ParamsError("--network-only leaves Sinkhorn out and --use-as-warm-start runs it: give one of them")
    if start not in starts():
        raise ParamsError(f"--start must be one of {', '.join(starts())}, but is {start!r}")
    return NETWORK if start == EXACT and (network_only or use_as_warm_start) else start
