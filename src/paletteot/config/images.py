"""Where pictures come from."""

from __future__ import annotations

from pydantic import Field

from paletteot.config.section import Section


class ImagesParams(Section):
    """Where pictures come from and how they are cropped and graded."""

    source: str
    location: str | None = Field(None, description="archive of unsplash, folder, or Hugging Face id; else none")
    group_by: str | None = Field(None, description="folder: CSV file of file,group; huggingface: a column")
    licence: str | None = Field(None, description="folder, huggingface: what may be done with the pictures")
    split: str | None = Field(None, description="huggingface: the split, with a config before it as CONFIG/SPLIT")
    allow_fewer: bool = Field(False, description="whether fewer pictures than count may do")
    count: int = Field(ge=6)
    long_side: int = Field(ge=16, le=4096)
    jpeg_quality: int = Field(ge=1, le=100)
    grading: float = Field(ge=0, le=2)
    seed: int = Field(ge=0)
