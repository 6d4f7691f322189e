"""Who submits what: the small YAML beside a submitted file, read as data and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from paletteot.benchmark.records.words import Name, Person, Seconds, bounded, is_taken, typed, url
from paletteot.splits import Judged

LARGEST = 16_384
"""Most bytes of a YAML file."""

DEEPEST = 4
"""Levels of nesting: a mapping of lists needs two."""

SHOWN = 60
"""Characters of what was given that a line repeats."""


def _file(text: str) -> str:
    if text in (".", "..") or {"/", "\\"} & set(text):
        raise ValueError("must be the name of a file beside this one, without a folder")
    return text


class Said(BaseModel):
    """What a contestant says of its submission. seconds: of one start, claimed, since it was not measured here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    authors: list[Person] = Field(min_length=1, max_length=100)
    link: Annotated[str, bounded(500), AfterValidator(typed), AfterValidator(url)]
    track: Literal["A", "B"]
    split: Judged
    data_version: Annotated[str, bounded(20)]
    seconds: Seconds
    hardware: Annotated[str, bounded(200), AfterValidator(typed)]
    file: Annotated[str, bounded(200), AfterValidator(typed), AfterValidator(_file)]


def parse(content: bytes) -> tuple[dict[str, object], list[str]]:
    """Return the mapping that the content of a YAML file holds, and what is wrong with it; empty where something is."""
    try:
        text = content.decode("utf-8")
        if problems := _shape(text):
            return {}, problems
        mapping = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # ValueError: no UTF-8, a 13th month, endless digits
        return {}, [f"not YAML: {' '.join(str(error).split())[:200]}"]
    return mapping, []


def _shape(text: str) -> list[str]:
    """Return what is wrong with the structure of a text, before anything is built from it."""
    depth, problems = 0, []
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            return ["aliases (*name) are not allowed"]
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            return [f"must not be nested deeper than {DEEPEST} levels"]
    root = yaml.compose(text, yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        return [f"must be a mapping of the fields {', '.join(Said.model_fields)}"]
    for field, times in Counter(str(key.value) for key, _ in root.value).items():
        if times > 1:
            problems.append(f"{_short(field)}: must be given once, but is given {times} times")
    return problems


def check(mapping: dict[str, object], taken: Collection[str], version: str) -> tuple[Said | None, list[str]]:
    """Return what a mapping says where it is legal, and what is wrong with each field where it is not.

    taken: names of contestants that are there already. version: of the data set that a submission must be for.
    """
    try:
        said = Said.model_validate(mapping)
        complaints = []
    except ValidationError as error:
        said = None
        complaints = [_line(one["loc"], one["type"], one["msg"], one["input"]) for one in error.errors()]
    given = mapping.get("name")
    if isinstance(given, str) and is_taken(given, taken):
        complaints.append(f"name: must not be that of a contestant which is there already, but is {_short(given)}")
    given = mapping.get("data_version")
    if isinstance(given, str) and given != version:
        complaints.append(f"data_version: must be {version}, the version of this data set, but is {_short(given)}")
    return said if not complaints else None, complaints


def _line(place: tuple[int | str, ...], kind: str, message: str, given: object) -> str:
    field = ".".join(map(str, place))[:SHOWN]
    field = field if field.isprintable() else repr(field)
    if kind == "missing":
        return f"{field}: is missing"
    if kind == "extra_forbidden":
        return f"{field}: is not a field; legal fields are {', '.join(Said.model_fields)}"
    return f"{field}: {message.removeprefix('Value error, ')}, but is {_short(given)}"


def _short(value: object) -> str:
    """Return a value on one line of ordinary length, with nothing in it that a terminal would obey."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
