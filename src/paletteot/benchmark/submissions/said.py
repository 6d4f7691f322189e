"""Who submits what: the small YAML beside a submitted file, read as data and nothing else."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection
from typing import Annotated, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from paletteot.splits import Judged
from paletteot.warmstarts.contract import family

LARGEST = 16_384
"""Most bytes of a YAML file."""

DEEPEST = 4
"""Levels of nesting: a mapping of lists needs two."""

SHOWN = 60
"""Characters of what was given that a line repeats."""


def _typed(text: str) -> str:
    """Return text that shows as it was typed: no line ends, control or direction characters, no space at its ends."""
    if not text.isprintable() or text != text.strip():
        raise ValueError("must be one line of printable characters, without spaces at its ends")
    return text


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in text:
        raise ValueError("must be an http or https URL")
    return text


def _file(text: str) -> str:
    if text in (".", "..") or {"/", "\\"} & set(text):
        raise ValueError("must be the name of a file beside this one, without a folder")
    return text


def _text(longest: int) -> StringConstraints:
    return StringConstraints(strict=True, min_length=1, max_length=longest)


Name = Annotated[str, _text(80), AfterValidator(_typed)]
Line = Annotated[str, StringConstraints(strict=True, max_length=500), AfterValidator(_typed)]
Seconds = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False, strict=True)]


class Facts(BaseModel):
    """What a contestant says of its submission. seconds: of one start, claimed, since it was not measured here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    authors: list[Name] = Field(min_length=1, max_length=100)
    link: Annotated[str, _text(500), AfterValidator(_typed), AfterValidator(_url)]
    track: Literal["A", "B"]
    split: Judged
    data_version: Annotated[str, _text(20)]
    seconds: Seconds
    hardware: Annotated[str, _text(200), AfterValidator(_typed)]
    file: Annotated[str, _text(200), AfterValidator(_typed), AfterValidator(_file)]


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
        return [f"must be a mapping of the fields {', '.join(Facts.model_fields)}"]
    for field, times in Counter(str(key.value) for key, _ in root.value).items():
        if times > 1:
            problems.append(f"{_short(field)}: must be given once, but is given {times} times")
    return problems


def check(mapping: dict[str, object], taken: Collection[str], version: str) -> tuple[Facts | None, list[str]]:
    """Return the facts of a mapping where they are legal, and what is wrong with each field where it is not.

    taken: names of contestants that are there already. version: of the data set that a submission must be for.
    """
    try:
        facts = Facts.model_validate(mapping)
        complaints = []
    except ValidationError as error:
        facts = None
        complaints = [_line(one["loc"], one["type"], one["msg"], one["input"]) for one in error.errors()]
    given = mapping.get("name")
    if isinstance(given, str) and folded(family(folded(given))) in {folded(name) for name in taken}:
        complaints.append(f"name: must not be that of a contestant which is there already, but is {_short(given)}")
    given = mapping.get("data_version")
    if isinstance(given, str) and given != version:
        complaints.append(f"data_version: must be {version}, the version of this data set, but is {_short(given)}")
    return facts if not complaints else None, complaints


def folded(name: str) -> str:
    """Return a name without what the eye does not tell apart: case, width and composition of its characters."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _line(place: tuple[int | str, ...], kind: str, message: str, given: object) -> str:
    field = ".".join(map(str, place))[:SHOWN]
    field = field if field.isprintable() else repr(field)
    if kind == "missing":
        return f"{field}: is missing"
    if kind == "extra_forbidden":
        return f"{field}: is not a field; legal fields are {', '.join(Facts.model_fields)}"
    return f"{field}: {message.removeprefix('Value error, ')}, but is {_short(given)}"


def _short(value: object) -> str:
    """Return a value on one line of ordinary length, with nothing in it that a terminal would obey."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
