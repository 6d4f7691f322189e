from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import altair as alt
import numpy as np
import polars as pl
import pytest
import yaml

import docs
from paletteot.benchmark.boards import leaderboard, seed_view
from paletteot.errors import DataError
from paletteot.report import dvc_html, figures, headline
from paletteot.report.build import build, harmless, losses, plot_data
from paletteot.report.site.facts import slug
from tests.benchmark import fake
from tests.report import made

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def evaluations():
    return made.evaluations()


def test_metrics_hold_what_repeats_and_nothing_else(report, evaluations):
    metrics = json.loads((report / "metrics.json").read_text())
    assert set(metrics) == {"test_unseen", "test_seen", "track_b", "track_c", "rival", "seed_view"}
    half = metrics["test_unseen"]["half"]
    assert half["rank"] == 1
    assert not {"init_ms", "total_ms"} & set(half)
    counts = evaluations["cold"].split("validation_seen").iterations["iterations"]
    assert metrics["seed_view"]["cold"]["max"] == seed_view.maxima(counts).max()


def test_a_second_report_is_the_same_and_leaves_no_old_figure(report, tmp_path):
    shutil.copytree(report, tmp_path / "again")
    (tmp_path / "again" / "figures" / "iterations_gone.png").touch()
    made.report(tmp_path / "again")
    one, two = (
        {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        for folder in (report, tmp_path / "again")
    )
    assert one == two


def test_figures_are_pictures_of_every_method_and_curve(report):
    names = {file.name for file in (report / "figures").iterdir()}
    assert names == {
        "headline.png", "ratios.png", "loss_net.png", "demo_1.jpg", "demo_2.jpg",
        *(f"iterations_{name}.png" for name in ("half", "net", "one", "two")),
        *(f"iterations_{slug(name)}.png" for name in made.STRANGERS),
    }  # fmt: skip
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in (report / "figures").glob("*.png"))


def test_the_loss_of_the_training_has_an_axis_of_its_own():
    chart = figures.curves("net", made.CURVES["net"]).to_dict()
    titles = [layer["encoding"]["y"]["title"] for layer in chart["layer"]]
    assert titles == ["loss, train", "loss, validation_unseen"]
    assert chart["resolve"] == {"scale": {"y": "independent"}}


@pytest.mark.parametrize(("other", "field"), [(3, "problems:Q"), (2, "share:Q")])
def test_histograms_of_unequally_many_show_shares(other, field):
    counts = {"one": np.array([10, 20, 30]), "two": np.arange(1, other + 1)}
    chart = figures.overlaid(counts, "iterations").to_dict()
    assert {layer["encoding"]["y"]["field"] for layer in chart["layer"]} == {field.partition(":")[0]}
    rows = [row for rows in chart["datasets"].values() for row in rows]
    assert sum(row["share"] for row in rows if row["start"] == "two") == pytest.approx(1)


def test_wrong_evaluations_leave_the_last_report_whole(report, evaluations, tmp_path):
    shutil.copytree(report, tmp_path / "old")
    before = {file: file.read_bytes() for file in (tmp_path / "old").rglob("*") if file.is_file()}
    wrong = {"net": pl.DataFrame({"step": [1], "train_loss": [2.0]})}
    with pytest.raises(
        DataError, match=r"curves/net\.csv: columns must be seed, epoch and \*_loss, but are step, train_loss"
    ):
        build(evaluations, fake.bootstrap(), wrong, made.facts(list(evaluations)), tmp_path / "old")
    assert before == {file: file.read_bytes() for file in (tmp_path / "old").rglob("*") if file.is_file()}


class Reader(HTMLParser):
    """What a page asks for and what it is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *one) for one in attrs]


def test_bins_hold_every_problem_once():
    counts = np.array([0, 1, 9, 10, 11, 99, 100, 1000, 20_000])
    bars = figures.binned(counts)
    assert bars["problems"].sum() == len(counts)
    for low, high, problems in bars.iter_rows():
        inside = np.maximum(counts, 1)
        assert problems == ((inside >= low - 0.005) & (inside < high - 0.005)).sum()


def test_the_headline_tells_learned_ones_by_colour_and_by_shape(evaluations):
    board = leaderboard.make(evaluations, fake.bootstrap()).b
    spec = headline.chart(board).to_dict()
    dot = spec["spec"]["layer"][1]["encoding"]
    assert dot["color"]["scale"]["domain"] == dot["shape"]["scale"]["domain"] == [
        "not learned", "learned", "not known",
    ]  # fmt: skip
    assert len(set(dot["shape"]["scale"]["range"])) == len(set(dot["color"]["scale"]["range"])) == 3
    assert spec["spec"]["layer"][0]["encoding"]["x"]["scale"]["type"] == "log"
    data = headline.data(board)
    assert data["kind"].to_list().count("learned") == 2  # one family, to two errors
    assert data["start"].to_list().count("cold + plain") == 2


def test_the_tables_of_every_track_are_written(report, evaluations):
    board = leaderboard.make(evaluations, fake.bootstrap())
    texts = leaderboard.to_csv(board)
    for name, track in (("leaderboard", board.a), ("accelerated", board.b), ("newton", board.c)):
        assert (report / f"{name}.csv").read_text() == texts[name]
        assert len(pl.read_csv(report / f"{name}.csv")) == len(track)
    block = docs.block(report)
    assert f"| net | {board.duel.learned[1]} | yes |" in block
    assert "| cold | plain | no | 1.000 (1.000 to 1.000) |" in block
    assert block.count("64 problems of 12 photographs.") == 3  # two tables, and the rival's line
    assert re.search(r"^Rival: net \+ ", block, re.M)
    assert "net-" not in block


def test_a_histogram_is_bars_that_stand_on_zero(evaluations):
    spec = figures.histogram(evaluations, "half").to_dict()
    assert [layer["encoding"]["y2"] for layer in spec["layer"]] == [{"datum": 0}] * 2
    assert spec["layer"][0]["encoding"]["x"]["scale"]["type"] == "log"
    counts = evaluations["half"].split("test_unseen").counts
    assert f"{np.median(counts):,.0f}" in spec["title"]["subtitle"][2]


def test_dvc_is_given_bins_of_every_method(evaluations):
    data = plot_data({name: one for name, one in evaluations.items() if name not in ("net-6", "net-7")})
    assert data.columns == ["start", "iterations", "high", "problems"]
    assert data.group_by("start").agg(pl.col("problems").sum())["problems"].to_list() == [64] * 8


def test_dvc_is_given_the_losses_of_every_network():
    data = losses(made.CURVES | {"other": made.CURVES["net"].with_columns(pl.col("train_loss") + 1)})
    assert data.columns == ["network", "seed", "epoch", "split", "loss"]
    assert data.filter(network="net", split="train")["loss"].to_list() == made.LOSSES["train_loss"]
    assert data.filter(network="other", split="train", seed=6)["loss"].to_list() == [3.0, 2.0]
    assert data.filter(network="other", split="validation_unseen", epoch=2)["loss"].to_list() == [1.5, 1.5]
    assert losses({}).columns == data.columns


def test_dvc_draws_the_plots_without_a_network(report, tmp_path):
    """DVC itself fills template and frame; what it writes loads nothing from anywhere."""
    shutil.copytree(report, tmp_path / "reports")
    plots = yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"plots": plots}))
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "init", "-q", "--no-scm"], cwd=tmp_path, check=True)
    shutil.copytree(ROOT / ".dvc" / "plots", tmp_path / ".dvc" / "plots")
    subprocess.run(
        [*dvc, "plots", "show", "--html-template", "reports/plots/offline.html", "-o", "shown"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    text = (tmp_path / "shown" / "index.html").read_text()
    assert not [one for one in Reader(text).attributes if one[1] in ("src", "href")]
    specs = [json.JSONDecoder().raw_decode(part)[0] for part in text.split("var spec = ")[1:]]
    assert len(specs) == len(plots)
    rows = [row for spec in specs for row in spec["data"]["values"]]
    assert {row["start"] for row in rows if "start" in row} == {
        "cold",
        "half",
        "net",
        "one",
        "two",
        *map(harmless, made.STRANGERS),
    }
    assert {(row["network"], row["split"]) for row in rows if "network" in row} == {
        ("net", "train"), ("net", "validation_unseen")
    }  # fmt: skip
    for spec in specs:
        assert "DVC_METRIC" not in json.dumps(spec)
        alt.Chart.from_dict(spec)


def test_the_frame_holds_vega_once_and_dvcs_places():
    frame = dvc_html.offline_template()
    assert frame.count("{plot_divs}") == frame.count("{refresh_tag}") == 1
    assert frame.count("</script") == 1
    assert "{scripts}" not in frame  # where DVC would put its addresses
    assert "vegaEmbed" in frame
