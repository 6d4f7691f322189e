"""The release in Croissant, the vocabulary that data set search engines and loaders read (mlcommons.org/croissant)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import mlcroissant as mlc
import polars as pl

from paletteot.dataset.pictures import Pictures
from paletteot.dataset.responsible import Said
from paletteot.tables import Column, Table, innermost

if TYPE_CHECKING:
    from paletteot.dataset.release import ReleaseFacts

PARQUET = "application/x-parquet"
"""`application/vnd.apache.parquet` would validate too, but mlcroissant cannot read it."""

CONFORMS = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]

CONTEXT = {
    "arrayShape": "cr:arrayShape",
    "containedIn": "cr:containedIn",
    "description": {"@container": "@language"},
    "isArray": "cr:isArray",
    "name": {"@container": "@language"},
    "prov": "http://www.w3.org/ns/prov#",
}
"""What version 1.1 has in the context, and mlcroissant 1.1.1 does not write there; and the terms of provenance."""


def text(tables: Mapping[str, Table], taken: Pictures, said: Said, facts: ReleaseFacts) -> str:
    """Return croissant.json: one record set for each table, fields from the schema.

    taken: what the pictures are. said: what the release says of limits and uses.
    """
    repository = mlc.FileObject(
        id="repo",
        name="repo",
        description="The git repository of the release.",
        content_url=f"https://huggingface.co/datasets/{facts.hub_id}/tree/v{facts.version}",
        encoding_formats=["git+https"],
        sha256="https://github.com/mlcommons/croissant/issues/80",  # what hubs put for a repository, which has no hash
    )
    authors = mlc.Organization(name="The PaletteOT authors", url=facts.contact)
    metadata = mlc.Metadata(
        ctx=mlc.Context(conforms_to=CONFORMS[0]),
        conforms_to=CONFORMS,
        name=facts.hub_id.split("/")[-1],
        description=(
            "Colour palettes of photographs, ordered pairs of them, and the exact potentials of entropic optimal "
            "transport between them, with what proves each."
        ),
        url=f"https://huggingface.co/datasets/{facts.hub_id}",
        version=facts.version,
        date_published=datetime.fromisoformat(facts.published),
        creators=[authors],
        publisher=[authors],
        license=["https://spdx.org/licenses/MIT"] if taken.open else [row["name"] for row in taken.licences],
        keywords=["optimal transport", "Sinkhorn", "warm start", "colour palettes", "benchmark"],
        cite_as=f"The PaletteOT authors, PaletteOT, version {facts.version}",
        distribution=[repository, *(_files(table) for table in tables)],
        record_sets=[_records(name, table) for name, table in tables.items()],
        data_limitations=said.limitations,
        data_biases=said.biases,
        personal_sensitive_information=said.personal,
        data_use_cases=said.uses,
        data_social_impact=said.social_impact,
        data_release_maintenance_plan=said.maintenance,
        extra_properties={
            "rai:hasSyntheticData": said.synthetic,
            "prov:wasDerivedFrom": [{"@type": "prov:Entity", **one} for one in said.derived_from],
            "prov:wasGeneratedBy": [{"@type": "prov:Activity", **one} for one in said.generated_by],
        },
    )
    made = metadata.to_json()
    made["@context"] = {**made["@context"], **CONTEXT}
    return json.dumps(made, indent=2, default=str) + "\n"


def _files(table: str) -> mlc.FileSet:
    return mlc.FileSet(
        id=f"{table}-shards",
        name=f"{table}-shards",
        contained_in=["repo"],
        encoding_formats=[PARQUET],
        includes=[f"{table}/*.parquet"],
    )


def _records(name: str, table: Table) -> mlc.RecordSet:
    return mlc.RecordSet(id=name, name=name, fields=[_field(name, column, table[column]) for column in table])


def _field(table: str, name: str, column: Column) -> mlc.Field:
    return mlc.Field(
        id=f"{table}/{name}",
        name=name,
        description=column.sentence,
        data_types=[_type(column.dtype)],
        source=mlc.Source(file_set=f"{table}-shards", extract=mlc.Extract(column=name)),
        **_shape(column.dtype),
    )


def _shape(dtype: pl.DataType | type[pl.DataType]) -> dict[str, object]:
    if not isinstance(dtype, pl.Array):
        return {}
    return {"is_array": True, "array_shape": ", ".join(map(str, dtype.shape))}


def _type(dtype: pl.DataType | type[pl.DataType]) -> mlc.DataType:
    kinds = {
        pl.String: mlc.DataType.TEXT,
        pl.Boolean: mlc.DataType.BOOL,
        pl.Int32: mlc.DataType.INT32,
        pl.Float64: mlc.DataType.FLOAT64,
    }
    return next(found for kind, found in kinds.items() if innermost(dtype) == kind)
