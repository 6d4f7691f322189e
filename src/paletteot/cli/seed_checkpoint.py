"""Bring the seed's own checkpoint into the benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paletteot.cli.outputs import check_out


def import_seed_checkpoint(
    file: Annotated[Path, typer.Argument(help="the seed's model_state_dict_k_128.pt")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="where the weights go; default: models/seed.safetensors")
    ] = None,
) -> None:
    """Turn the seed's checkpoint into a file of weights that the contestant seed_checkpoint reads."""
    from paletteot.networks.plan_network import PlanNetwork
    from paletteot.project import paths

    target = check_out(out or paths.MODELS / "seed.safetensors", [file])
    PlanNetwork.from_checkpoint(file).save(target)
    typer.echo(f"weights of seed_checkpoint in {target}")
