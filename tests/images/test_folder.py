from __future__ import annotations

import hashlib
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from paletteot.errors import DataError
from paletteot.images import folder as module
from paletteot.images import groups as groups_file
from paletteot.images.decode import SUFFIXES
from paletteot.images.folder import SLUG, Folder, image_id
from paletteot.images.grading import IDENTITY
from paletteot.images.source import Picture

NAMES = [
    "a.png", "b.PNG", "Urlaub/IMG_0001.jpg", "Urlaub/IMG_0002.JPeG", "Urlaub/am Meer/IMG_0001.jpg", "ärger/日本.webp",
    "x/y/z/c.tiff",
]  # fmt: skip
KINDS = {".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tiff": "TIFF", ".png": "PNG"}


def photograph(file: Path, seed: int = 0) -> None:
    """Write a small picture of noise, another for each seed and name."""
    number = int(hashlib.sha256(f"{seed} {file.name}{file.parent.name}".encode()).hexdigest()[:8], 16)
    pixels = np.random.default_rng(number).integers(0, 256, (4, 5, 3)).astype(np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file, KINDS[file.suffix.lower()])


@pytest.fixture
def tree(tmp_path) -> Path:
    for name in NAMES:
        photograph(tmp_path / "tree" / name)
    return tmp_path / "tree"


@pytest.fixture
def groups(tmp_path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        (tmp_path / "groups.csv").write_text(text)
        return tmp_path / "groups.csv"

    return write


def found(root: Path, *, seed: int = 0, group_by: Path | None = None, grading: float = 1) -> list[Picture]:
    source = Folder(str(root), None if group_by is None else str(group_by))
    return source.pictures(3, grading=grading, seed=seed)


def skipped(root: Path, seed: int = 0) -> dict[str, str]:
    source = Folder(str(root))
    source.pictures(3, grading=0, seed=seed)
    return source.skipped


def places(pictures: list[Picture]) -> list[str]:
    return [picture.place for picture in pictures]


def refusal(*arguments: object) -> str:
    with pytest.raises(DataError) as caught:
        Folder(*(None if one is None else str(one) for one in arguments)).pictures(3, grading=0, seed=0)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# What is found, and in which order.


def test_every_picture_of_the_tree_is_found(tree):
    (tree / "notes.txt").write_text("no picture")
    assert sorted(places(found(tree))) == sorted(NAMES)
    assert skipped(tree) == {}


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_a_suffix_counts_in_any_case(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(b"one")
    (tmp_path / f"b{suffix.upper()}").write_bytes(b"two")
    assert sorted(places(found(tmp_path))) == [f"a{suffix}", f"b{suffix.upper()}"]


def test_a_picture_says_where_it_came_from(tree):
    (picture,) = [one for one in found(tree) if one.place == "Urlaub/am Meer/IMG_0001.jpg"]
    digits = hashlib.sha256(b"Urlaub/am Meer/IMG_0001.jpg").hexdigest()[:8]
    assert picture.image_id == f"folder-IMG-0001-{digits}"
    assert (picture.source, picture.licence, picture.attribution) == ("folder", "not stated", picture.place)
    assert picture.crop is None
    named = Folder(str(tree), None, "CC0-1.0").pictures(1, grading=0, seed=0)
    assert {one.licence for one in named} == {"CC0-1.0"}


def test_the_order_depends_on_the_seed(tree):
    assert found(tree, seed=1) == found(tree, seed=1)
    assert len({tuple(places(found(tree, seed=seed))) for seed in range(8)}) > 5


def test_how_many_are_wanted_changes_nothing(tree):
    assert Folder(str(tree)).pictures(1, grading=1, seed=4) == Folder(str(tree)).pictures(99, grading=1, seed=4)


@given(seed=st.integers(0, 2**32), order=st.permutations(NAMES))
@settings(max_examples=12)
def test_the_order_does_not_depend_on_when_files_were_made_or_where_the_folder_lies(tmp_path_factory, seed, order):
    one, two = (tmp_path_factory.mktemp(name) for name in ("one", "two"))
    for root, names in ((one, NAMES), (two, order)):
        for name in names:
            photograph(root / name)
    assert found(one, seed=seed) == found(two, seed=seed)


class Reversed:
    """os.scandir, backwards."""

    def __init__(self, folder: Path):
        with SCANDIR(folder) as entries:
            self.entries = list(entries)[::-1]

    def __enter__(self) -> Reversed:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self):
        return iter(self.entries)


SCANDIR = os.scandir


def test_the_order_does_not_depend_on_the_file_system(tree, monkeypatch):
    photograph(tree / "copies/a.png")
    (tree / "copies/b.png").write_bytes((tree / "copies/a.png").read_bytes())
    (tree / "gone.jpg").symlink_to("nothing.jpg")
    pictures, reasons = found(tree, seed=3), skipped(tree, seed=3)
    monkeypatch.setattr(os, "scandir", Reversed)
    assert found(tree, seed=3) == pictures
    assert list(skipped(tree, seed=3).items()) == list(reasons.items())
    assert len(reasons) == 2


def test_a_picture_depends_on_the_seed_and_itself_alone(tree):
    before = {picture.place: picture for picture in found(tree, seed=2)}
    for name in ("new.png", "Urlaub/new.jpg"):
        photograph(tree / name)
    (tree / "a.png").unlink()
    after = {picture.place: picture for picture in found(tree, seed=2)}
    for place in before.keys() & after.keys():
        assert before[place] == after[place]
    other = {picture.place: picture for picture in found(tree, seed=3)}
    assert all(after[place].grading != other[place].grading for place in after)


def test_gradings_differ_and_none_is_the_identity(tree):
    assert len({tuple(picture.grading.values()) for picture in found(tree)}) == len(NAMES)
    assert all(picture.grading == IDENTITY for picture in found(tree, grading=0))


# Names.


@given(place=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=120))
def test_an_image_id_is_a_short_name_that_any_file_system_takes(place):
    assert re.fullmatch(r"folder-([A-Za-z0-9]+-)*[0-9a-f]{8}", image_id(place))
    assert len(image_id(place)) <= len("folder-") + SLUG + len("-12345678")


@given(one=st.text("ab-_ ./", min_size=1), two=st.text("ab-_ ./", min_size=1))
def test_places_that_look_alike_have_names_of_their_own(one, two):
    assert (image_id(one) == image_id(two)) == (one == two)


def test_names_that_are_alike_all_the_same_are_reported(tree, monkeypatch):
    monkeypatch.setattr(module, "image_id", lambda place: f"folder-{len(place)}")
    pictures, reasons = found(tree), skipped(tree)
    assert len({picture.image_id for picture in pictures}) == len(pictures) == len(NAMES) - len(reasons)
    assert all("its image_id" in reason for reason in reasons.values())
    assert reasons


# Groups.


def test_a_group_is_the_folder_or_in_the_root_the_file(tree):
    assert {picture.place: picture.group for picture in found(tree)} == {
        "a.png": "a.png", "b.PNG": "b.PNG", "Urlaub/IMG_0001.jpg": "Urlaub", "Urlaub/IMG_0002.JPeG": "Urlaub",
        "Urlaub/am Meer/IMG_0001.jpg": "Urlaub/am Meer", "ärger/日本.webp": "ärger", "x/y/z/c.tiff": "x/y/z",
    }  # fmt: skip


def test_a_csv_file_gives_the_groups(tree, groups):
    rows = [f'{"./" if number else ""}{name},"g, {number % 3}",{number}' for number, name in enumerate(NAMES)]
    file = groups("\n".join(["file,group,note", *rows]))
    expected = {name: f"g, {number % 3}" for number, name in enumerate(NAMES)}
    assert {picture.place: picture.group for picture in found(tree, group_by=file)} == expected


def test_a_csv_file_may_list_what_is_skipped(tree, groups):
    (tree / "copy.png").write_bytes((tree / "a.png").read_bytes())
    (tree / "gone.jpg").symlink_to("nothing.jpg")
    file = groups("\n".join(["file,group", *(f"{name},g" for name in [*NAMES, "copy.png", "gone.jpg"])]))
    assert len(found(tree, group_by=file)) == len(NAMES)


def test_a_picture_that_the_csv_file_does_not_list_is_named(tree, groups):
    file = groups("\n".join(["file,group", *(f"{name},g" for name in NAMES[:-1])]))
    assert refusal(tree, file) == f"{file}: no group for {NAMES[-1]}"


def test_a_file_of_the_csv_file_that_is_absent_is_named(tree, groups):
    file = groups("\n".join(["file,group", *(f"{name},g" for name in [*NAMES, "q/absent.jpg"])]))
    assert refusal(tree, file) == f"{file}: lists q/absent.jpg, but {tree}/q/absent.jpg is no picture there"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a CSV file"), ("file\na.png\n", "column group is missing; there are file"),
        ("path,group\na.png,g\n", "column file is missing; there are path, group"),
        ("file,group\na.png,\n", "row 1: file and group must not be empty"),
        ("file,group\na.png,g\n,g\n", "row 2: file and group must not be empty"),
        ("file,group\na.png,g\na.png,h\n", "row 2: a.png is in group 'h', but was in 'g'"),
        ("file,group\na.png,g,h,i\n", "row 1: 4 values, where 2 are wanted"),
        ("file,group\na.png\n", "row 1: 1 values, where 2 are wanted"),
        ("file;group\na.png;g\n", "column file is missing; there are file;group (divided by semicolons, where commas"),
        ("sep=;\nfile;group\na.png;g\n", "there are sep=; (divided by semicolons, where commas are wanted)"),
        ("file\tgroup\na.png\tg\n", "(divided by tabs, where commas are wanted)"),
        ("file,group,file\na.png,g,b.png\n", "column file is there twice"),
        ('file,group\n"a.png,g\n', "not a CSV file: unexpected end of data"),
        ("\n \n", "not a CSV file: there is nothing in it"),
        ("file,group\nUrlaub\\IMG_0001.jpg,g\n", "is no picture there; write / where it has \\"),
    ],
)  # fmt: skip
def test_a_csv_file_that_does_not_fit_is_refused(tree, groups, text, words):
    assert words in refusal(tree, groups(text))
    assert refusal(tree, groups(text)).startswith(f"{groups(text)}: ")


def test_a_csv_file_that_is_missing_or_no_text_is_refused(tree, tmp_path):
    (tmp_path / "binary.csv").write_bytes(b"file,group\n\xff\xfe\xfd,g\n")
    said = {
        "missing.csv": "cannot be read: No such file", "tree": "cannot be read: Is a directory",
        "binary.csv": "not a CSV file in UTF-8: line 2 is not; save it as CSV UTF-8",
    }  # fmt: skip
    for name, words in said.items():
        assert refusal(tree, tmp_path / name).startswith(f"{tmp_path / name}: {words}")


@pytest.mark.parametrize(
    ("encoding", "words"),
    [("utf-16", "as UTF-16 does; save it as CSV UTF-8"), ("utf-16-le", "as UTF-16 does"), ("cp1252", "line 8 is not;")],
)
def test_a_csv_file_in_another_encoding_is_refused_with_what_to_do(tree, tmp_path, encoding, words):
    text = "\r\n".join(["file,group", *(f"{name},g" for name in NAMES if name.isascii()), "ä.png,g"])
    (tmp_path / "groups.csv").write_bytes(text.encode(encoding))
    assert words in refusal(tree, tmp_path / "groups.csv")


@given(
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    quoted=st.booleans(),
    blank=st.lists(st.tuples(st.integers(0, len(NAMES) + 1), st.sampled_from(["", ",,", " , ,"])), max_size=3),
    group=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=5),
)
def test_a_csv_file_as_any_program_writes_it_is_read(tmp_path_factory, end, mark, quoted, blank, group):
    quoted = quoted or any(character in group for character in '",\r\n')
    value = '"' + group.replace('"', '""') + '"' if quoted else group
    lines = ["file,group,note", *(f"{name},{value}," for name in NAMES)]
    for at, line in blank:
        lines.insert(at, line)
    file = tmp_path_factory.mktemp("csv") / "groups.csv"
    file.write_bytes(mark + (end.join(lines) + end).encode())
    assert groups_file.read(file) == dict.fromkeys(NAMES, group)


@pytest.mark.parametrize("name", ["[v1]", "a?c", "all*"])
def test_a_name_that_looks_like_a_pattern_is_a_name(tmp_path, name):
    for folder in (name, "v", "abc", "allthat"):
        own = folder == name
        photograph(tmp_path / folder / ("own[1].png" if own else "other.png"))
        (tmp_path / f"{folder}.csv").write_text(f"file,group\n{'own[1].png,own' if own else 'other.png,other'}\n")
    pictures = found(tmp_path / name, group_by=tmp_path / f"{name}.csv")
    assert [(picture.place, picture.group) for picture in pictures] == [("own[1].png", "own")]


# What is not taken.


def test_hidden_files_and_folders_are_not_there(tree):
    for name in (".hidden.png", ".thumbnails/a.png", "Urlaub/.trash/a.jpg"):
        photograph(tree / name)
    assert sorted(places(found(tree))) == sorted(NAMES)
    assert skipped(tree) == {}


def test_a_link_out_of_the_tree_is_not_followed(tree, tmp_path):
    photograph(tmp_path / "outside/secret.png")
    photograph(tmp_path / "tree-like/secret.png")
    (tree / "out.png").symlink_to("../outside/secret.png")
    (tree / "beside.png").symlink_to(tmp_path / "tree-like/secret.png")
    (tree / "album").symlink_to(tmp_path / "outside")
    (tree / "indirect.png").symlink_to("out.png")
    assert sorted(places(found(tree))) == sorted(NAMES)
    out = "a link out of the folder"
    assert skipped(tree) == {"album": "a link to a folder", "beside.png": out, "indirect.png": out, "out.png": out}


def test_a_link_to_a_file_of_the_tree_is_followed(tree):
    photograph(tree / ".annex/object.png")
    (tree / "linked.png").symlink_to(".annex/object.png")
    assert "linked.png" in places(found(tree))


def test_a_folder_reached_by_a_link_is_read(tree, tmp_path):
    (tmp_path / "link").symlink_to(tree)
    photograph(tree / ".annex/object.png")
    (tree / "linked.png").symlink_to(".annex/object.png")
    assert found(tmp_path / "link") == found(tree)


def test_links_in_a_circle_do_not_hang(tree):
    (tree / "Urlaub/up").symlink_to("..")
    (tree / "self.png").symlink_to("self.png")
    (tree / "ping.png").symlink_to("pong.png")
    (tree / "pong.png").symlink_to("ping.png")
    assert sorted(places(found(tree))) == sorted(NAMES)
    nothing = "no regular file that can be read"
    assert skipped(tree) == {
        "Urlaub/up": "a link to a folder", "ping.png": nothing, "pong.png": nothing, "self.png": nothing,
    }  # fmt: skip


def test_a_link_to_nothing_and_a_pipe_are_reported(tree):
    (tree / "gone.png").symlink_to("nothing.png")
    os.mkfifo(tree / "pipe.jpg")
    assert sorted(skipped(tree)) == ["gone.png", "pipe.jpg"]


def test_a_name_that_is_not_utf_8_is_reported(tree):
    content = (tree / "a.png").read_bytes()
    (tree / os.fsdecode(b"caf\xe9.png")).write_bytes(content + b"1")
    (tree / os.fsdecode(b"m\xfcll")).mkdir()
    (tree / os.fsdecode(b"m\xfcll") / "b.png").write_bytes(content + b"2")
    assert sorted(places(found(tree))) == sorted(NAMES)
    assert skipped(tree) == {r"caf\xe9.png": "its name is not UTF-8", r"m\xfcll": "its name is not UTF-8"}


def test_a_folder_that_cannot_be_read_is_reported(tree, monkeypatch):
    def forbidding(folder: Path) -> object:
        if Path(folder).name == "Urlaub":
            raise PermissionError(13, "Permission denied")
        return SCANDIR(folder)

    monkeypatch.setattr(os, "scandir", forbidding)
    assert skipped(tree) == {"Urlaub": "the folder cannot be read: Permission denied"}


@pytest.mark.parametrize("seed", range(4))
def test_of_files_with_the_same_content_the_first_in_the_order_is_kept(tree, seed):
    copies = ["a.png", "copy.png", "Urlaub/copy.jpg", "z/another.gif"]
    expected = [place for place in _order(seed, [*NAMES, *copies[1:]]) if place in copies]
    for name in copies[1:]:
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_bytes((tree / "a.png").read_bytes())
    kept = [place for place in places(found(tree, seed=seed)) if place in copies]
    assert kept == expected[:1]
    assert skipped(tree, seed=seed) == dict.fromkeys(sorted(expected[1:]), f"the same file as {kept[0]}")


def _order(seed: int, names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())


def test_only_files_of_equal_size_are_read(tmp_path, monkeypatch):
    for name, content in {"a.png": b"1", "b.png": b"22", "c.png": b"33", "d.png": b"4444"}.items():
        (tmp_path / name).write_bytes(content)
    read: list[str] = []
    monkeypatch.setattr(module, "sha256", lambda file: read.append(file.name) or file.name)
    assert len(found(tmp_path)) == 4
    assert sorted(read) == ["b.png", "c.png"]


def test_a_file_that_cannot_be_read_is_reported(tmp_path, monkeypatch):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(name.encode())

    def failing(file: Path) -> str:
        if file.name == "a.png":
            raise OSError(5, "Input/output error")
        return file.name

    monkeypatch.setattr(module, "sha256", failing)
    assert places(found(tmp_path)) == ["b.png"]
    assert skipped(tmp_path) == {"a.png": "cannot be read: Input/output error"}


def test_what_is_reported_is_of_the_last_time(tree):
    source = Folder(str(tree))
    (tree / "gone.png").symlink_to("nothing.png")
    source.pictures(1, grading=0, seed=0)
    (tree / "gone.png").unlink()
    source.pictures(1, grading=0, seed=0)
    assert source.skipped == {}


def test_a_folder_without_pictures_says_what_it_looked_for(tmp_path):
    (tmp_path / "notes.txt").touch()
    (tmp_path / "empty").mkdir()
    message = refusal(tmp_path)
    assert message.startswith(f"{tmp_path}: no picture there")
    assert all(suffix in message for suffix in SUFFIXES)


def test_a_folder_that_is_missing_or_a_file_is_named(tmp_path):
    (tmp_path / "file.png").touch()
    for name in ("missing", "file.png"):
        assert refusal(tmp_path / name) == f"{tmp_path / name}: no such folder"


# Opening.


def test_a_picture_is_opened_in_another_process_too(tree):
    source = Folder(str(tree))
    pictures = source.pictures(3, grading=1, seed=0)
    assert source.fetch(pictures) == {}
    for one in (source, pickle.loads(pickle.dumps(source))):
        for picture in pictures:
            original = one.open(picture)
            assert original.pixels.shape == (4, 5, 3)
            assert original.sha256 == hashlib.sha256((tree / picture.place).read_bytes()).hexdigest()


def test_a_picture_that_is_damaged_or_gone_is_named(tree):
    source = Folder(str(tree))
    by_place = {picture.place: picture for picture in source.pictures(3, grading=0, seed=0)}
    (tree / "a.png").write_bytes((tree / "a.png").read_bytes()[:40])
    (tree / "b.PNG").unlink()
    for place in ("a.png", "b.PNG"):
        with pytest.raises(DataError, match=re.escape(f"{tree / place}: cannot be read")):
            source.open(by_place[place])
