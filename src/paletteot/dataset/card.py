"""The card of a release: YAML that `datasets` reads, and the page that people read, both from the schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow.parquet as pq
from datasets import DatasetInfo, Features, SplitDict, SplitInfo
from datasets.info import DatasetInfosDict
from huggingface_hub import DatasetCard, DatasetCardData

from paletteot.dataset import pictures, schema, templates
from paletteot.dataset.layout import CHECKSUMS, WHOLE
from paletteot.dataset.pictures import Pictures
from paletteot.dataset.responsible import Said
from paletteot.splits import SPLITS
from paletteot.tables import columns_markdown

if TYPE_CHECKING:
    from paletteot.dataset.release import ReleaseFacts

Frames = Mapping[str, Mapping[str, pl.DataFrame]]

LISTED = 1000
"""Photographs that the card lists one by one; of more it gives the licences, and the table images has the rest."""

OUTPUTS = {
    "images": "the manifest, with the SHA-256 of every picture",
    "palettes": "palettes",
    "pairs": "pairs",
    "plans": "plans",
}
"""Of each stage before the release: what it left."""


def text(
    folder: Path, frames: Frames, taken: Pictures, said: Said, made_of: Mapping[str, str], facts: ReleaseFacts
) -> str:
    """Return README.md of the release whose shards lie in a folder.

    frames: table -> split -> rows. taken: what the pictures are. said: what the release says of limits and uses.
    made_of: SHA-256 of manifest, palettes and pairs.
    """
    ordered = {table: dict(sorted(splits.items(), key=lambda one: _place(one[0]))) for table, splits in frames.items()}
    counts = {table: {split: len(frame) for split, frame in splits.items()} for table, splits in ordered.items()}
    k = frames["palettes"][WHOLE].schema["weights"].size  # type: ignore[attr-defined]
    card = DatasetCard.from_template(
        _yaml(folder, counts, open=taken.open),
        template_str=(files(templates) / "card.md.j2").read_text(encoding="utf-8"),
        facts=facts,
        k=k,
        counts=counts,
        rows={table: sum(splits.values()) for table, splits in counts.items()},
        tables={name: columns_markdown(table) for name, table in schema.released(k).items()},
        gauge=schema.GAUGE,
        tolerance=facts.params["plans"]["tolerance"],
        stages=_stages(facts, made_of),
        sides=pictures.sides(ordered["plans"], frames["images"][WHOLE]),
        taken=taken,
        photographs=[{key: _cell(value) for key, value in row.items()} for row in taken.listed],
        listed=LISTED,
        said=said,
    )
    return str(card).rstrip() + "\n"


def _yaml(folder: Path, counts: Mapping[str, Mapping[str, int]], *, open: bool) -> DatasetCardData:
    data = DatasetCardData(
        pretty_name="PaletteOT",
        license="mit" if open else "other",
        size_categories=_size(sum(counts["plans"].values())),
        tags=["optimal-transport", "sinkhorn", "color-palettes", "benchmark"],
        configs=[
            {
                "config_name": table,
                **({"default": True} if table == "plans" else {}),
                "data_files": [{"split": split, "path": f"{table}/{split}-*.parquet"} for split in splits],
            }
            for table, splits in counts.items()
        ],
    )
    DatasetInfosDict({table: _info(folder, table, splits) for table, splits in counts.items()}).to_dataset_card_data(
        data
    )
    return data


def _info(folder: Path, table: str, splits: Mapping[str, int]) -> DatasetInfo:
    shards = {split: sorted((folder / table).glob(f"{split}-*.parquet")) for split in splits}
    sizes = {split: sum(shard.stat().st_size for shard in found) for split, found in shards.items()}
    first = next(iter(shards.values()))[0]
    return DatasetInfo(
        features=Features.from_arrow_schema(pq.read_schema(first)),
        splits=SplitDict({name: SplitInfo(name, sizes[name], count) for name, count in splits.items()}),
        download_size=sum(sizes.values()),
        dataset_size=sum(sizes.values()),
    )


def _stages(facts: ReleaseFacts, made_of: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {
            "name": stage,
            "params": ", ".join(f"{key} {_plain(value)}" for key, value in _settings(facts.params, stage).items()),
            "out": out,
            "hash": f"`{made_of[stage]}`" if stage in made_of else f"in `{CHECKSUMS}`",
        }
        for stage, out in OUTPUTS.items()
    ]


def _settings(params: Mapping[str, Any], stage: str) -> dict[str, Any]:
    return {**(params["transport"] if stage == "plans" else {}), **params[stage]}


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _cell(value: object) -> object:
    return " ".join(value.replace("|", "\\|").split()) if isinstance(value, str) else value


def _size(rows: int) -> str:
    bounds = (("n<1K", 1e3), ("1K<n<10K", 1e4), ("10K<n<100K", 1e5), ("100K<n<1M", 1e6))
    return next((name for name, below in bounds if rows < below), "n>1M")


def _place(split: str) -> int:
    order = list[str](SPLITS)
    return order.index(split) if split in order else len(order)
