"""The source of photographs inside packages, on small packages and clients of the test's own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paletteot.pairs as pairs
from paletteot.config import params as config
from paletteot.dataset import licences
from paletteot.errors import DataError
from paletteot.files import sha256, sha256_of
from paletteot.images import catalogue, crops, packages, sample
from paletteot.images.packages import Packages
from tests.images import packaged

ROOT = Path(__file__).parents[2]
NEAR = 12
"""Bits by which perceptual hashes of near-duplicates differ at most; of the others no two differ by less than 14."""
SEEDS = st.integers(0, 2**32)


@pytest.fixture
def world(tmp_path, monkeypatch) -> packaged.World:
    made = packaged.World(tmp_path / "machine")
    made.put(monkeypatch)
    return made


def kept(cache: Path) -> set[str]:
    return {file.name for file in (cache / "photographs").iterdir()}


def refusal(cache: Path) -> str:
    source = Packages(cache)
    with pytest.raises(DataError) as caught:
        source.fetch(source.pictures(24, grading=0, seed=1))
    assert "\n" not in str(caught.value)
    assert "bundled, which needs pip alone, folder, unsplash and huggingface" in str(caught.value)
    return str(caught.value)


# the table


def test_every_photograph_has_a_row_of_its_own():
    rows = catalogue.photographs()
    assert list(rows) == sorted(rows, key=lambda row: row.name)
    for field in ("name", "sha256"):
        assert len({getattr(row, field) for row in rows}) == len(rows)
    assert {row.package for row in rows} == set(catalogue.packages())
    for row in rows:
        assert row.name.replace("-", "").replace("_", "").isalnum()
        assert len(bytes.fromhex(row.sha256)) == 32
        assert len(bytes.fromhex(row.phash)) == 8
        assert min(row.width, row.height) >= 200
        assert row.author.strip()
        assert row.member.strip()
        assert not row.link or row.link.startswith(("https://", "http://"))


def test_the_licences_of_the_table_let_palettes_be_passed_on_and_none_is_a_programs():
    found = {row.licence for row in catalogue.photographs()}
    assert found <= licences.PASSED_ON
    assert not [licence for licence in found if "GPL" in licence or licence == "MIT"]
    assert found & licences.SHARE_ALIKE


def test_what_asks_for_attribution_names_its_author():
    for row in catalogue.photographs():
        if row.licence.startswith("CC-BY"):
            assert row.author not in ("", "not named"), row.name
        if row.package == "smartcrop":
            assert row.link.startswith("https://500px.com/photo/")


def test_groups_hold_all_photographs_of_a_named_photographer():
    """Agencies, games and universities are no photographers: theirs are grouped by place."""
    many = {
        "not named", "NASA", "Massachusetts Institute of Technology", "Budgie Desktop Developers", "rawpixel.com",
        "National Park Service",
    }  # fmt: skip
    groups: dict[str, set[str]] = {}
    for row in catalogue.photographs():
        if row.author not in many:
            groups.setdefault(row.author, set()).add(row.group)
    assert {author: found for author, found in groups.items() if len(found) > 1} == {}


def test_groups_hold_near_duplicates():
    rows = catalogue.photographs()
    near = {
        (one.group, other.group)
        for one, other in combinations(rows, 2)
        if (int(one.phash, 16) ^ int(other.phash, 16)).bit_count() <= NEAR
    }
    assert near
    assert all(one == other for one, other in near)


def test_a_group_is_named_by_its_first_photograph():
    members: dict[str, list[str]] = {}
    for row in catalogue.photographs():
        members.setdefault(row.group, []).append(row.name)
    assert all(group == min(names) for group, names in members.items())
    assert len(members) >= 300


def test_archives_are_pinned_where_versions_stay():
    for one in catalogue.packages().values():
        assert one.client in ("apt-get", "npm")
        assert bool(one.suite) == (one.client == "apt-get")
        assert len(one.sha256) == (0 if one.name.startswith("wordpress") else 64)


# the sample


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_a_photograph_gives_three_to_six_of_two_thousand_pictures(seed):
    order = sample.order(catalogue.photographs(), 2000, seed)
    assert len(order) == 2000
    times = Counter(one.name for one in order)
    assert len(times) == len(catalogue.photographs())
    assert set(times.values()) <= {3, 4, 5, 6}


@settings(max_examples=8, deadline=None)
@given(SEEDS, st.sampled_from([200, 500, 2000]))
def test_large_subjects_and_packages_have_less_than_their_share(seed, count):
    rows = catalogue.photographs()
    order = sample.order(rows, count, seed)
    for field in ("subject", "package"):
        there = Counter(getattr(row, field) for row in rows)
        shares = Counter(getattr(row, field) for row in order)
        largest = max(there, key=lambda one: there[one])
        assert shares[largest] / count < 0.9 * there[largest] / len(rows)
        if count == 2000:
            assert set(shares) == set(there)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(6, 700), st.integers(0, 600))
def test_picture_i_depends_on_the_seed_and_the_table_alone(seed, count, more):
    source = Packages(Path("nowhere"))
    first = source.pictures(count, grading=0, seed=seed)
    assert len(first) == count
    assert source.pictures(count + more, grading=0, seed=seed)[:count] == first


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_a_first_picture_has_not_to_wait_for_another_of_the_same_photograph(seed):
    """Any first pictures hold every photograph within one of what its weight says."""
    rows = catalogue.photographs()
    found = sample.weights(rows)
    order = sample.order(rows, 1000, seed)
    for count in (6, 64, 333, 1000):
        times = Counter(one.name for one in order[:count])
        expected = {row.name: count * weight / sum(found) for row, weight in zip(rows, found, strict=True)}
        assert all(abs(times[name] - share) < 1.3 for name, share in expected.items())


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_a_small_sample_can_be_split(seed):
    made = Packages(Path("nowhere")).pictures(12, grading=0, seed=seed)
    assert len({picture.group for picture in made}) >= 5


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_crops_lie_in_their_photographs(seed):
    rows = {row.name: row for row in catalogue.photographs()}
    for picture in Packages(Path("nowhere")).pictures(300, grading=0, seed=seed):
        left, top, right, bottom = picture.crop
        row = rows[picture.photograph]
        assert 0 <= left < right <= row.width
        assert 0 <= top < bottom <= row.height
        assert right - left >= crops.SMALLEST * row.width - 1


def test_the_benchmarks_own_sample_has_45_photographs_on_each_unseen_side():
    params = config.load(ROOT / "params.yaml")
    assert params.images.source == "packages"
    made = Packages(Path("nowhere")).pictures(params.images.count, grading=0, seed=params.images.seed)
    named = [(one.image_id, one.group, one.photograph) for one in made]
    side_of = pairs.sides(*map(list, zip(*named, strict=True)), params.pairs)
    for side in ("validation", "test"):
        assert len({photograph for name, _, photograph in named if side_of[name] == side}) >= 45
        assert len({group for name, group, _ in named if side_of[name] == side}) >= 30
    groups = {side: {group for name, group, _ in named if side_of[name] == side} for side in set(side_of.values())}
    assert not groups["train"] & groups["test"]
    assert not groups["validation"] & (groups["train"] | groups["test"])


def test_a_picture_says_what_may_be_done_with_it():
    for picture in Packages(Path("nowhere")).pictures(482, grading=0, seed=3):
        row = next(row for row in catalogue.photographs() if row.name == picture.photograph)
        assert picture.source == f"{row.package} {catalogue.packages()[row.package].version}"
        assert (picture.licence, picture.place, picture.group) == (row.licence, row.member, row.group)
        assert picture.attribution.startswith(row.author)
        assert row.link in picture.attribution
        assert picture.attribution.endswith("; cropped")
    graded = Packages(Path("nowhere")).pictures(1, grading=1, seed=3)
    assert graded[0].attribution.endswith("; cropped and graded")


# fetching


def test_photographs_come_out_of_packages_and_are_not_fetched_twice(world, tmp_path):
    source = Packages(tmp_path / "cache")
    made = source.pictures(24, grading=0, seed=1)
    assert source.fetch(made) == {}
    assert kept(tmp_path / "cache") == {row.sha256 for row in world.photographs}
    assert [call.split()[0] for call in world.calls()] == ["apt-get", "apt-get", "npm"]
    assert source.fetch(made) == {}
    assert world.calls() == []
    for picture in made:
        assert source.open(picture).sha256 in kept(tmp_path / "cache")


def test_only_packages_that_the_pictures_are_of_are_fetched(world, tmp_path):
    source = Packages(tmp_path / "cache")
    [first] = source.pictures(1, grading=0, seed=1)
    source.fetch([first])
    assert len(world.calls()) == 1
    assert len(kept(tmp_path / "cache")) == 4


def test_a_photograph_that_was_lost_comes_from_the_archive_that_is_here(world, tmp_path):
    source = Packages(tmp_path / "cache")
    made = source.pictures(24, grading=0, seed=1)
    source.fetch(made)
    world.calls()
    (tmp_path / "cache/photographs" / world.photographs[0].sha256).unlink()
    source.fetch(made)
    assert world.calls() == []
    assert len(kept(tmp_path / "cache")) == 12


def test_a_kill_between_photographs_keeps_those_that_are_whole(world, tmp_path, monkeypatch):
    source, write, written = Packages(tmp_path / "cache"), packages.write_bytes, []

    def killed(file: Path, content: bytes) -> None:
        if len(written) == 6:
            raise KeyboardInterrupt
        written.append(file)
        write(file, content)

    made = source.pictures(24, grading=0, seed=1)
    with monkeypatch.context() as patch:
        patch.setattr(packages, "write_bytes", killed)
        with pytest.raises(KeyboardInterrupt):
            source.fetch(made)
    times = {file: file.stat().st_mtime_ns for file in written}
    assert len(kept(tmp_path / "cache")) == 6
    world.calls()
    source.fetch(made)
    assert len(world.calls()) == 1  # of the third package; two archives are here
    assert len(kept(tmp_path / "cache")) == 12
    assert {file: file.stat().st_mtime_ns for file in written} == times


KILLED = """
import os, signal, sys
from pathlib import Path
from paletteot import files
put = files._put
def killing(fresh, path):
    if path.parent.name == "photographs" and len(list(path.parent.glob("[0-9a-f]*"))) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    put(fresh, path)
files._put = killing
import pytest
from paletteot.images import catalogue
from paletteot.images.packages import Packages
from tests.images import packaged
machine, cache = map(Path, sys.argv[1:])
world = packaged.World.__new__(packaged.World)
world.__dict__ |= __import__("pickle").loads((machine / "world").read_bytes())
world.put(pytest.MonkeyPatch())
source = Packages(cache)
source.fetch(source.pictures(24, grading=0, seed=1))
"""


def test_a_process_that_is_killed_leaves_no_half_photograph(world, tmp_path):
    import pickle

    (world.folder / "world").write_bytes(pickle.dumps(vars(world)))
    cache = tmp_path / "cache"
    done = subprocess.run([sys.executable, "-c", KILLED, str(world.folder), str(cache)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    whole = [file for file in (cache / "photographs").iterdir() if not file.name.startswith(".")]
    assert len(whole) == 3
    assert all(sha256(file) == file.name for file in whole)
    source = Packages(cache)
    source.fetch(source.pictures(24, grading=0, seed=1))
    assert {row.sha256 for row in world.photographs} <= kept(cache)


@pytest.mark.parametrize("name", ["meadow=1.0", "thaw@3.0.0"])
def test_an_archive_of_another_hash_is_refused(world, tmp_path, name):
    package = name.replace("@", "=").partition("=")[0]
    world.ship(name, packaged.deb(world.files[package]) + b"\n")
    message = refusal(tmp_path / "cache")
    assert message.startswith(f"source packages: {package} ")
    assert f"SHA-256 must be {world.packages[package].sha256}, but is " in message


def test_a_photograph_of_another_hash_is_refused(world, tmp_path):
    changed = {name: content + b"?" for name, content in world.files["harbour"].items()}
    world.ship("harbour=2.0-1", packaged.deb({"share/all.rcc": packaged.rcc(changed)}))
    message = refusal(tmp_path / "cache")
    lost = next(row for row in world.photographs if row.package == "harbour")
    assert f"lacks 4 photographs, as {lost.member} of SHA-256 {lost.sha256}" in message
    assert not (tmp_path / "cache/photographs").exists()


@pytest.mark.parametrize("private", [True, False])
def test_another_version_with_the_same_photographs_will_do(world, tmp_path, private):
    """Wherever in it they lie."""
    (world.folder / "meadow=1.0").unlink()
    other = packaged.deb({f"moved/{name}": content for name, content in world.files["meadow"].items()}, "gz")
    world.ship("private/meadow" if private else "meadow", other)
    source = Packages(tmp_path / "cache")
    source.fetch(source.pictures(24, grading=0, seed=1))
    assert len(kept(tmp_path / "cache")) == 12


def test_a_version_that_the_machine_has_not_comes_by_lists_of_our_own(world, tmp_path):
    (world.folder / "meadow=1.0").rename(world.folder / "private/meadow=1.0")
    source = Packages(tmp_path / "cache")
    source.fetch(source.pictures(24, grading=0, seed=1))
    listed = (tmp_path / "cache/apt/sources.list").read_text().splitlines()
    assert [line.split("debian/ ")[1] for line in listed] == ["new main", "old main"]
    assert all("http://mirror.invalid/debian/" in line for line in listed)
    asked = world.calls()
    assert sum(call.endswith("update") for call in asked) == 1
    assert all(str(tmp_path / "cache/apt") in call for call in asked if "Dir::" in call)


def test_a_package_that_cannot_be_had_is_one_line(world, tmp_path):
    (world.folder / "harbour=2.0-1").unlink()
    message = refusal(tmp_path / "cache")
    assert message.startswith("source packages: harbour 2.0-1 cannot be had: apt-get: Version of harbour=2.0-1 was not")
    assert "Unable to locate package" in message


@pytest.mark.parametrize("client", ["apt-get", "npm"])
def test_a_machine_without_a_client_is_told_before_anything_is_fetched(world, tmp_path, monkeypatch, client):
    (world.folder / "bin" / client).unlink()
    monkeypatch.setenv("PATH", str(world.folder / "bin"))
    message = refusal(tmp_path / "cache")
    assert message.startswith(f"source packages: needs {client}, which this machine has not; other sources: bundled")
    assert world.calls() == []


def test_a_damaged_archive_is_fetched_again(world, tmp_path):
    source = Packages(tmp_path / "cache")
    made = source.pictures(24, grading=0, seed=1)
    source.fetch(made)
    for row in world.photographs:
        (tmp_path / "cache/photographs" / row.sha256).unlink()
    archive = tmp_path / "cache/archives/meadow/meadow=1.0"
    archive.write_bytes(archive.read_bytes()[:-50])
    world.calls()
    source.fetch(made)
    assert world.calls() == ["apt-get download meadow=1.0"]
    assert len(kept(tmp_path / "cache")) == 12


def test_a_photograph_that_was_changed_since_is_one_line(world, tmp_path):
    source = Packages(tmp_path / "cache")
    [first] = source.pictures(1, grading=0, seed=1)
    source.fetch([first])
    row = next(row for row in world.photographs if row.name == first.photograph)
    file = tmp_path / "cache/photographs" / row.sha256
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match="differs from the one recorded; remove it, and it is fetched again"):
        Packages(tmp_path / "cache").open(first)
    file.unlink()
    with pytest.raises(DataError, match="cannot be read: No such file"):
        Packages(tmp_path / "cache").open(first)


def test_what_the_table_says_is_what_the_test_packages_hold(world):
    """The world of these tests is one: its hashes are those of its files."""
    assert {row.sha256 for row in world.photographs} == {
        sha256_of(content) for files in world.files.values() for content in files.values()
    }
