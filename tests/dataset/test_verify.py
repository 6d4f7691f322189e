"""Every planted fault is found, and named by file and row."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from paletteot import cli
from paletteot.dataset import layout, sources, verify
from paletteot.errors import DataError
from paletteot.tables import row_digests
from tests.dataset import made

TEST = "plans/test_unseen-00000-of-00001.parquet"
TRAIN = "plans/train-00001-of-00002.parquet"
PALETTES = "palettes/full-00000-of-00001.parquet"
IMAGES = "images/full-00000-of-00001.parquet"


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return made.release(tmp_path_factory.mktemp("release") / "one")


@pytest.fixture
def copy(release, tmp_path):
    return Path(shutil.copytree(release, tmp_path / "copy"))


def run(folder: Path, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli.app, ["verify", str(folder), *options])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout


def rewrite(folder: Path, name: str, change, *, seal: bool) -> None:
    """Change the rows of a file; seal: as a careful forger, who renews digests and checksums."""
    frame = change(pl.read_parquet(folder / name))
    if seal:
        frame = frame.with_columns(digest=pl.Series(row_digests(frame)))
    frame.write_parquet(folder / name)
    if seal:
        layout.write_checksums(folder)


def in_row(row: int, column: str, change):
    """Return a change of one value."""

    def apply(frame: pl.DataFrame) -> pl.DataFrame:
        values = frame[column].to_list()
        values[row] = change(values[row])
        return frame.with_columns(pl.Series(column, values, dtype=frame.schema[column]))

    return apply


def plus(index: int, amount: float):
    return lambda values: [value + amount * (place == index) for place, value in enumerate(values)]


def swapped(one: int, other: int, columns: list[str] | None = None):
    def apply(frame: pl.DataFrame) -> pl.DataFrame:
        order = list(range(len(frame)))
        order[one], order[other] = other, one
        return frame[order] if columns is None else frame.with_columns(frame[order].select(columns))

    return apply


def test_a_release_is_what_it_claims(release):
    code, shown = run(release)
    assert code == 0
    assert "version 1.0.0 is what it claims: 17 plans recomputed, largest L1 marginal error" in shown


@pytest.mark.parametrize("where", [0.2, 0.4, 0.6, 0.8])
@pytest.mark.parametrize("name", [TEST, TRAIN, PALETTES, IMAGES])
def test_any_altered_byte_names_its_file(copy, name, where):
    content = bytearray((copy / name).read_bytes())
    content[int(len(content) * where)] ^= 0x10
    (copy / name).write_bytes(content)
    code, shown = run(copy)
    assert code == 1
    assert f"{name}: SHA-256 must be" in shown


@pytest.mark.parametrize("bit", [0, 30, 60])
def test_an_altered_byte_of_a_potential_names_its_row(copy, bit):
    """Even where the change is far below what a certificate can see."""
    g = pl.read_parquet(copy / TEST)["g"].to_numpy()[2]
    content = (copy / TEST).read_bytes()
    assert content.count(g.tobytes()) == 1
    place = content.index(g.tobytes()) + 8 * 3 + bit // 8
    altered = bytearray(content)
    altered[place] ^= 1 << bit % 8
    (copy / TEST).write_bytes(altered)
    code, shown = run(copy)
    assert code == 1
    assert f"{TEST}: SHA-256 must be" in shown
    assert f"{TEST} row 2: digest must be" in shown
    assert f"{TEST} row 1:" not in shown


@pytest.mark.parametrize("seal", [False, True])
def test_a_potential_changed_by_a_thousandth_names_its_row(copy, seal):
    rewrite(copy, TEST, in_row(1, "g", plus(4, 1e-3)), seal=seal)
    code, shown = run(copy)
    assert code == 1
    assert f"{TEST} row 1: g must have sum_j b_j g_j = 0, but has" in shown
    rewrite(copy, TEST, in_row(1, "g", lambda g: list(np.array(g) - 1e-3 * weights_of(copy, 1)[4])), seal=seal)
    code, shown = run(copy)
    assert code == 1
    assert f"{TEST} row 1: target_error must be at most 1e-09, but the plan rebuilt from g has" in shown
    assert f"{TEST} row 0:" not in shown


def weights_of(folder: Path, row: int) -> np.ndarray:
    target = pl.read_parquet(folder / TEST)["target"][row]
    palettes = pl.read_parquet(folder / PALETTES)
    return palettes.filter(pl.col("image_id") == target)["weights"].to_numpy()[0]


@pytest.mark.parametrize("seal", [False, True])
def test_a_swapped_row_is_named(copy, seal):
    rewrite(copy, TEST, swapped(1, 2), seal=seal)
    code, shown = run(copy)
    assert code == 1
    assert f"{TEST} row 2: pair_id must be above that of the row before it" in shown


@pytest.mark.parametrize("seal", [False, True])
def test_swapped_potentials_are_named(copy, seal):
    rewrite(copy, TEST, swapped(0, 3, ["g", "source_error", "target_error", "primal", "dual", "gap"]), seal=seal)
    code, shown = run(copy)
    assert code == 1
    for row in (0, 3):
        assert f"{TEST} row {row}: " in shown
    assert f"{TEST} row 1:" not in shown


def moved(copy: Path, start: str, row: int, end: str, split: str, *, seal: bool) -> None:
    source = pl.read_parquet(copy / start)
    rewrite(copy, start, lambda frame: frame[[at for at in range(len(frame)) if at != row]], seal=seal)
    extra = source[[row]].with_columns(split=pl.lit(split))
    if split != "train":
        extra = extra.with_columns(cold_iterations=pl.lit(5, pl.Int32), cold_converged=pl.lit(True))
    rewrite(copy, end, lambda frame: pl.concat([frame, extra]), seal=seal)


@pytest.mark.parametrize("seal", [False, True])
def test_a_pair_moved_across_splits_is_named(copy, seal):
    moved(copy, TRAIN, 1, TEST, "test_unseen", seal=seal)
    code, shown = run(copy)
    assert code == 1
    assert f"{TEST} row 4: picture 'picture-1' of group 'photograph-0' is on the side train" in shown
    assert "README.md: split train of plans must have 6 rows, but has 5" in shown


def test_a_pair_moved_with_its_old_split_is_named(copy):
    frame = pl.read_parquet(copy / TRAIN)
    rewrite(copy, TEST, lambda test: pl.concat([test, frame[[0]]]), seal=True)
    code, shown = run(copy)
    assert code == 1
    assert f"{TEST} row 4: split must be test_unseen, as the file's name says, but is 'train'" in shown
    assert f"{TEST} row 4: cold_iterations and cold_converged must have a value in split test_unseen" in shown


CAREFUL = {
    "a picture with itself": (
        TEST, in_row(0, "target", lambda _: "picture-7"), "row 0: source and target must differ, but both are"
    ),
    "a pair twice": (TEST, swapped(1, 0, ["source", "target"]), None),
    "the same pair again": (
        TEST, lambda frame: frame.with_columns(source=pl.lit("picture-7"), target=pl.lit("picture-8")),
        f"row 1: the pair must occur once, but is that of {TEST} row 0 too",
    ),
    "a pair number twice": (TEST, in_row(2, "pair_id", lambda number: number - 1), "row 2: pair_id must"),
    "a picture that is not there": (
        TEST, in_row(2, "source", lambda _: "ghost"), "row 2: picture 'ghost' has no palette"
    ),
    "an eps of zero": (TEST, in_row(2, "eps", lambda _: 0.0), "row 2: eps must be a positive number"),
    "a potential that is none": (
        TEST, in_row(1, "g", lambda g: [float("nan"), *g[1:]]), "row 1: g must be finite, and 0 where"
    ),
    "a primal value": (TEST, in_row(3, "primal", lambda v: v + 1e-6), "row 3: primal is stated as"),
    "a dual value": (TEST, in_row(3, "dual", lambda v: v + 1e-6), "row 3: dual is stated as"),
    "a gap": (TEST, in_row(3, "gap", lambda _: 1e-6), "row 3: gap is stated as"),
    "a source error": (TEST, in_row(3, "source_error", lambda _: 1e-3), "row 3: source_error is stated as"),
    "a cold count that is gone": (
        TEST, in_row(1, "cold_iterations", lambda _: None), "row 1: cold_iterations and cold_converged must have"
    ),
    "weights that do not sum to one": (
        PALETTES, in_row(3, "weights", plus(0, 0.1)), "row 3: palette: weights must sum to 1"
    ),
    "a centroid": (PALETTES, in_row(7, "centroids", lambda x: [[50.0, 0, 0], *x[1:]]), None),
    "a group": (PALETTES, in_row(3, "group", lambda _: "photograph-9"), "row 3: group must be 'photograph-1', as in"),
    "a palette without a picture": (
        PALETTES, in_row(2, "image_id", lambda _: "ghost"), f"row 2: image_id 'ghost' is not in {IMAGES}"
    ),
    "a picture twice": (IMAGES, in_row(2, "image_id", lambda _: "picture-1"), "row 2: image_id 'picture-1' must be"),
}  # fmt: skip


@pytest.mark.parametrize("fault", CAREFUL)
def test_a_careful_forger_is_found(copy, fault):
    """Who renews digests and checksums, but cannot make the figures agree."""
    name, change, words = CAREFUL[fault]
    rewrite(copy, name, change, seal=True)
    code, shown = run(copy, "--all")
    assert code == 1
    if words:
        assert f"{name} {words}" in shown
    assert "SHA-256" not in shown


def test_an_altered_centroid_is_found_in_the_plans_that_rest_on_it(copy):
    rewrite(copy, PALETTES, CAREFUL["a centroid"][1], seal=True)
    _, shown = run(copy, "--all")
    wrong = {line.split(":")[0] for line in shown.splitlines() if "the plan rebuilt from g" in line}
    assert wrong == {f"{TEST} row {row}" for row in (0, 1, 2)}


def to_float32(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("g").cast(pl.Array(pl.Float32, made.K)).cast(pl.Array(pl.Float64, made.K)))


def test_a_column_that_this_version_does_not_know_is_no_fault(copy):
    """As a later minor version may have it; its values are covered by the digest all the same."""
    rewrite(copy, TEST, lambda frame: frame.select(pl.exclude("digest"), pl.lit(7.5).alias("later")), seal=True)
    code, shown = run(copy)
    assert code == 0, shown
    rewrite(copy, TEST, in_row(1, "later", lambda _: 8.5), seal=False)
    assert f"{TEST} row 1: digest must be" in run(copy)[1]


def test_potentials_rounded_to_float32_name_the_cause(copy):
    rewrite(copy, TEST, to_float32, seal=True)
    code, shown = run(copy)
    assert code == 1
    assert f"{TEST} row 0: g and that of every other row is rounded to float32: the formats numpy and torch of" in shown
    assert f"{TEST} row 0: target_error must be at most 1e-09" in shown
    shard = pl.read_parquet(copy / TEST)
    shard.with_columns(pl.col("g").cast(pl.Array(pl.Float32, made.K))).write_parquet(copy / TEST)
    code, shown = run(copy)
    assert code == 1
    assert "column g must be Array(Float64" in shown
    assert "hand float64 back as float32; use with_format('arrow')" in shown


def test_palettes_in_lists_are_named(copy):
    """`load_palettes` reads them where they are somebody's own; a release has arrays, as its card says."""
    lists = pl.read_parquet(copy / PALETTES).with_columns(pl.col("weights").cast(pl.List(pl.Float64)))
    lists.write_parquet(copy / PALETTES)
    layout.write_checksums(copy)
    code, shown = run(copy)
    assert code == 1
    assert f"{PALETTES}: column weights must be Array(Float64, shape=(k,)), but is List(Float64)" in shown


def test_a_shard_cut_short_is_named(copy):
    (copy / TEST).write_bytes((copy / TEST).read_bytes()[:-100])
    code, shown = run(copy)
    assert code == 1
    assert f"{TEST}: not a whole Parquet file" in shown


def test_a_release_of_which_no_shard_can_be_read_is_named_file_by_file(copy):
    for shard in (copy / "plans").iterdir():
        shard.write_bytes(shard.read_bytes()[:50])
    code, shown = run(copy)
    assert code == 1
    for shard in (copy / "plans").iterdir():
        assert f"plans/{shard.name}: not a whole Parquet file" in shown


def test_rows_that_cannot_be_read_are_named(copy):
    """A column whose page header is lost: the row group is named."""
    import pyarrow.parquet as pq

    start = pq.ParquetFile(copy / TEST).metadata.row_group(0).column(5).data_page_offset
    content = bytearray((copy / TEST).read_bytes())
    content[start : start + 8] = b"\xff" * 8
    (copy / TEST).write_bytes(content)
    code, shown = run(copy)
    assert code == 1
    assert f"{TEST}: column g of rows 0 to 3 cannot be read" in shown


@pytest.mark.parametrize("name", [TEST, PALETTES, IMAGES, "README.md", "croissant.json"])
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    code, shown = run(copy)
    assert code == 1
    assert f"{name}: " in shown
    assert "no such file" in shown


def test_a_file_that_nobody_listed_is_named(copy):
    (copy / "plans" / "extra.parquet").write_bytes(b"x")
    (copy / ".git").mkdir()
    (copy / ".git" / "config").touch()
    code, shown = run(copy)
    assert code == 1
    assert shown.splitlines() == ["plans/extra.parquet: is not in checksums.sha256"]


def test_a_version_that_is_none_is_named(copy):
    (copy / "VERSION").write_text("newest\n")
    layout.write_checksums(copy)
    with pytest.raises(DataError, match=r"VERSION: must be one line X\.Y\.Z, but is 'newest'"):
        sources.release(copy)


def test_a_card_that_does_not_say_its_rows_is_named(copy):
    (copy / "README.md").write_text("# nothing\n")
    layout.write_checksums(copy)
    code, shown = run(copy)
    assert code == 1
    assert "README.md: must say in its YAML how many rows each split of plans has" in shown


def test_many_faults_of_a_file_are_cut_short_unless_all_are_asked_for(copy, monkeypatch):
    monkeypatch.setattr("paletteot.cli.data.SHOWN", 3)
    rewrite(copy, TEST, lambda frame: frame.with_columns(eps=0.0), seal=False)
    code, few = run(copy)
    assert code == 1
    assert few.splitlines()[-1] == f"{TEST}: 6 more"
    every = run(copy, "--all")[1].splitlines()
    assert every[:3] == few.splitlines()[:3]
    assert len(every) == 9  # the file, and of each of its four rows digest and eps


def test_another_version_than_asked_for_is_refused(release):
    done = CliRunner().invoke(cli.app, ["verify", str(release), "--version", "2.0.0"])
    assert done.exit_code == 1
    assert "version must be 2.0.0, but is 1.0.0" in done.stderr


def test_threads_change_no_result(release):
    one, two = (verify.verify(sources.release(release), threads=threads) for threads in (1, 3))
    assert one == two
