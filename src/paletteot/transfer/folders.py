"""A folder of pictures in the colours of one: a map for each, or one for all, as the frames of a film need."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from paletteot.errors import DataError, PaletteOTError, ParamsError
from paletteot.images.decode import SUFFIXES
from paletteot.transfer import cube, saving
from paletteot.transfer.jobs import Wanted, through_lut, write_cubes
from paletteot.transfer.matching import make
from paletteot.transfer.options import EXACT, Options
from paletteot.transfer.photo import Photo
from paletteot.transfer.run import Look, Side

Change = Callable[[Photo], Photo]
Item = TypeVar("Item")


def folder(wanted: Wanted) -> list[str]:
    """Move the colours of each picture of a folder and return what to say of it.

    A picture that cannot be read or written is named and passed over; raises DataError at the end where there were any.
    """
    files = pictures(wanted.a)
    places = targets(files, wanted.pictures[0]) if wanted.pictures else {}
    if wanted.lut is not None:
        table = cube.read(wanted.lut)
        _each(places, lambda photo: through_lut(photo, table))
        return [f"{len(files)} pictures through {wanted.lut.name}"]
    assert wanted.b is not None  # or there were no LUT
    other = Photo.of(wanted.b)
    look = _looks(files, Side.of(other, wanted.options), wanted.options, one_map=wanted.one_map)
    _each(places, lambda photo: look(photo).on(photo))
    if wanted.cubes:
        write_cubes(wanted, look(Photo.of(files[0])), f"{wanted.a.name} in the colours of {other.name}")
    return [f"{len(files)} pictures in the colours of {other.name}"]


def pictures(place: Path) -> list[Path]:
    """Return the pictures of a folder by name; hidden ones and those in folders below are left out.

    Raises DataError where there is no such folder, or no picture in it.
    """
    try:
        entries = sorted(place.iterdir())
    except OSError as error:
        raise DataError(f"{place}: cannot be read: {error.strerror}") from None
    found = [file for file in entries if file.suffix.lower() in SUFFIXES and file.name[0] != "." and file.is_file()]
    if not found:
        raise DataError(f"{place}: no picture there, no file ending in {', '.join(sorted(SUFFIXES))}")
    return found


def targets(files: Sequence[Path], out: Path) -> dict[Path, Path]:
    """Return where each picture is written: under its own name, as .png where its format is only read.

    Raises ParamsError where the folder is the one that is read or is none, or two pictures have one place.
    """
    if out.exists() and not out.is_dir():
        raise ParamsError(f"--out must be a folder, as {files[0].parent} is, but {out} is a file")
    if out.exists() and out.samefile(files[0].parent):
        raise ParamsError(f"--out must not be the folder that is read, but is {out}")
    taken: dict[Path, Path] = {}
    for file in files:
        place = out / (file.name if file.suffix.lower() in saving.FORMATS else f"{file.stem}.png")
        if place in taken:
            raise ParamsError(f"{taken[place]} and {file} would both be written to {place}: rename one")
        taken[place] = file
    return {file: place for place, file in taken.items()}


def _looks(files: Sequence[Path], target: Side, options: Options, *, one_map: bool) -> Callable[[Photo], Look]:
    """Return what gives the map of a picture; one for all takes their colours together, greys apart from coloured."""
    start = None if options.start == EXACT else make(options.start)
    if not one_map:
        return lambda photo: Look.between(Side.of(photo, options), target, options, start, grey=photo.grey)
    source = Side.of_all((Photo.of(file) for file in _progress(files, "palette")), len(files), options)
    made: dict[bool, Look] = {}

    def shared(photo: Photo) -> Look:
        if photo.grey not in made:
            made[photo.grey] = Look.between(source, target, options, start, grey=photo.grey)
        return made[photo.grey]

    return shared


def _each(places: dict[Path, Path], change: Change) -> None:
    failed = 0
    for file, place in _progress(list(places.items()), "pictures"):
        try:
            photo = Photo.of(file)
            saving.check(place, photo)
            change(photo).save(place)
        except PaletteOTError as error:
            failed += 1
            tqdm.write(str(error), file=sys.stderr)
    if failed:
        raise DataError(f"{failed} of {len(places)} pictures could not be moved, as said above; the others are written")


def _progress(items: Sequence[Item], label: str) -> Iterator[Item]:
    yield from tqdm(items, desc=label, unit="picture", file=sys.stderr, delay=1.0, leave=False, disable=None)
