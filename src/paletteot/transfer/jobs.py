"""A transfer between files: what is asked, and what is written where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from paletteot.errors import DataError, ParamsError
from paletteot.transfer import cube, explaining, saving
from paletteot.transfer.masks import mask as opened_mask
from paletteot.transfer.options import Options
from paletteot.transfer.photo import Photo
from paletteot.transfer.run import Look, Side, Transfer
from paletteot.transfer.words import facts

CUBE = ".cube"


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    a: a picture, or a folder of them. b: the picture that has the colours; None where lut, a .cube, takes its place.
    out: pictures, .cube files, or a folder where a is one. lut_size: nodes a side. explain: a picture of palettes and
    plan. one_map: whether a folder's pictures share one map. mask_a, mask_b: pictures, white where theirs takes part.
    Raises ParamsError for what does not go together, before anything is read.
    """

    a: Path
    b: Path | None
    options: Options
    out: Sequence[Path] = ()
    lut: Path | None = None
    lut_size: int = cube.DEFAULT_SIZE
    explain: Path | None = None
    one_map: bool = False
    mask_a: Path | None = None
    mask_b: Path | None = None

    def __post_init__(self) -> None:
        if not self.files:
            raise ParamsError("--out must name a file to write, or --explain one, but neither is given")
        if (self.b is None) == (self.lut is None):
            raise ParamsError("B, a picture, or --lut, a .cube, must be given, and not both")
        if self.lut is not None and (self.cubes or self.explain or self.mask_a or self.mask_b):
            raise ParamsError("--lut changes whole pictures into pictures: no .cube, --explain or mask goes with it")
        if self.lut_size not in cube.SIZES:
            raise ParamsError(f"--lut-size must be one of {', '.join(map(str, cube.SIZES))}, but is {self.lut_size}")
        if not self.a.exists():
            raise DataError(f"{self.a}: no such file or folder")
        (self._check_folder if self.a.is_dir() else self._check_picture)()

    def _check_picture(self) -> None:
        if self.one_map:
            raise ParamsError(f"--one-map is for a folder of pictures, but A is {self.a}")
        for file in self.pictures:
            if file.suffix.lower() not in saving.FORMATS:
                legal = ", ".join([*saving.FORMATS, CUBE])
                raise ParamsError(f"--out must end in one of {legal}, but is {file}")
        if self.explain is not None:
            explaining.check(self.explain)

    def _check_folder(self) -> None:
        for name, file in (("--mask-a", self.mask_a), ("--mask-b", self.mask_b), ("--explain", self.explain)):
            if file is not None:
                raise ParamsError(f"{name} is for one picture, but A is the folder {self.a}")
        for file in self.pictures:
            if file.suffix.lower() in saving.FORMATS:
                raise ParamsError(f"--out must name a folder for the pictures of {self.a}, but is {file}")
        if len(self.pictures) != (0 if self.cubes and self.one_map and not self.pictures else 1):
            raise ParamsError(
                f"--out must name one folder for the pictures of {self.a}, but names {len(self.pictures)}"
            )
        if self.cubes and not self.one_map:
            raise ParamsError("--out of a .cube needs --one-map: without it each picture has a map of its own")

    @property
    def cubes(self) -> list[Path]:
        """The 3D LUTs that are written."""
        return [file for file in self.out if file.suffix.lower() == CUBE]

    @property
    def pictures(self) -> list[Path]:
        """The pictures that are written, or their folder."""
        return [file for file in self.out if file.suffix.lower() != CUBE]

    @property
    def files(self) -> list[Path]:
        """All that is written."""
        return [*self.out, *filter(None, [self.explain])]

    @property
    def inputs(self) -> list[Path]:
        """All that is read."""
        return [one for one in (self.a, self.b, self.lut, self.mask_a, self.mask_b) if one is not None]


def picture(wanted: Wanted) -> list[str]:
    """Move a picture's colours, write what is wanted, and return what to say of it, line by line."""
    photo = _opened(wanted)
    if wanted.lut is not None:
        through_lut(photo, cube.read(wanted.lut)).save(wanted.pictures[0])
        return [f"{photo.name} through {wanted.lut.name}"]
    assert wanted.b is not None  # or there were no LUT
    other, options = Photo.of(wanted.b), wanted.options
    mask = None if wanted.mask_a is None else opened_mask(wanted.mask_a, photo)
    theirs = None if wanted.mask_b is None else opened_mask(wanted.mask_b, other)
    source, target = Side.of(photo, options, mask), Side.of(other, options, theirs)
    look = Look.between(source, target, options, grey=photo.grey)
    if wanted.pictures or wanted.explain:
        moved = look.on(photo, mask)
        for file in wanted.pictures:
            moved.save(file)
        if wanted.explain is not None:
            explaining.write(wanted.explain, photo, other, Transfer(moved, look), options)
    write_cubes(wanted, look, f"{photo.name} in the colours of {other.name}")
    return [f"{photo.name} in the colours of {other.name}", *facts(look.match, options)]


def _opened(wanted: Wanted) -> Photo:
    photo = Photo.of(wanted.a)
    for file in wanted.pictures:
        saving.check(file, photo)
    return photo


def through_lut(photo: Photo, table: cube.Cube) -> Photo:
    """Return a picture with the colours of a 3D LUT; a grey one stays grey."""
    return replace(photo, pixels=table.apply(photo.pixels))


def write_cubes(wanted: Wanted, look: Look, title: str) -> None:
    """Write the map of a look as the 3D LUTs that are wanted."""
    for file in wanted.cubes:
        cube.write(file, cube.sampled(look.map, wanted.lut_size, title))
