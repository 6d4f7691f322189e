"""What is said of each example: ``facts.json`` beside its pictures, written and read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from paletteot.errors import DataError
from paletteot.files import write_json

FACTS = "facts.json"


class Fact(BaseModel):
    """Of one example.

    sheet, before, after, gives: names of its files. width, height: of A, pixels. iterations: of the reference iteration
    from the network, its own passes included; own: those; cold: from cold; null where nothing was transported.
    largest: CIEDE2000 between the two results.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sheet: str = Field(pattern=r"^[\w.-]+$")
    before: str = Field(pattern=r"^[\w.-]+$")
    after: str = Field(pattern=r"^[\w.-]+$")
    gives: str = Field(pattern=r"^[\w.-]+$")
    source: str
    target: str
    source_attribution: str
    target_attribution: str
    source_licence: str
    target_licence: str
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    iterations: int | None
    own: int | None
    cold: int | None
    largest: float = Field(ge=0)

    @property
    def files(self) -> tuple[str, str, str, str]:
        """Names of its pictures, the sheet first."""
        return self.sheet, self.before, self.after, self.gives


_FACTS = TypeAdapter(list[Fact])


def write(folder: Path, facts: Sequence[Fact]) -> None:
    """Write the facts of a demo into its folder."""
    write_json(folder / FACTS, [one.model_dump() for one in facts])


def read(folder: Path) -> list[Fact]:
    """Return the facts of a demo; raises DataError, in one line, where they or a picture are missing or broken."""
    file = folder / FACTS
    try:
        facts = _FACTS.validate_python(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise DataError(f"{file}: no such file; `dvc repro demo` makes it") from None
    except (OSError, ValidationError, ValueError) as error:
        raise DataError(f"{file}: must be what the stage demo wrote: {' '.join(str(error).split())[:200]}") from None
    for one in facts:
        for name in one.files:
            if not (folder / name).is_file():
                raise DataError(f"{folder / name}: no such file; `dvc repro demo` makes it")
    return facts
