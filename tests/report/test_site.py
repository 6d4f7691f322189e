from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paletteot.benchmark.boards import leaderboard
from paletteot.benchmark.boards import photographs as photographs_board
from paletteot.benchmark.records.evaluation import web_address
from paletteot.report.site import boards, build, charts, ladder, photographs, problems, tables
from paletteot.report.site.facts import slug
from tests.benchmark import fake
from tests.report import made

POLICY = {
    "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self'", "base-uri": "'none'",
    "form-action": "'none'",
}  # fmt: skip


class Page(HTMLParser):
    """What a browser would make of a page: elements with their attributes, the text, and the JSON in it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file, self.raw = file, file.read_text()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.json: list[object] = []
        self.inside = ""
        self.feed(self.raw.replace("<wbr>", ""))

    def handle_starttag(self, tag, attrs):
        self.inside = tag
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, _tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside == "script":
            self.json.append(json.loads(data))
        elif data.strip():
            self.text.append(" ".join(data.split()))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def site(report) -> dict[str, Page]:
    folder = report / "site"
    return {str(file.relative_to(folder)): Page(file) for file in sorted(folder.rglob("*.html"))}


@pytest.fixture(scope="module")
def board() -> leaderboard.Leaderboard:
    return leaderboard.make(made.evaluations(), fake.bootstrap())


@pytest.fixture(scope="module")
def medians(board):
    evaluations = made.evaluations()
    return {family: evaluations[method] for family, method in board.medians.items()}


def test_there_is_a_page_for_every_start_and_for_the_data(site):
    families = ("cold", "half", "one", "two", "net", *made.STRANGERS)
    pages = {
        "index.html",
        "problems.html",
        "data.html",
        "transfer.html",
        *(f"methods/{slug(name)}.html" for name in families),
    }
    assert set(site) == pages


def test_every_link_leads_to_a_page_or_is_a_run(site):
    for page in site.values():
        for tag in ("a", "link", "script"):
            for one in page.all(tag):
                address = one.get("href") or one.get("src") or ""
                if address.startswith("https://mlflow.example/"):
                    assert one["rel"] == "noreferrer"
                    continue
                path = unquote(address.partition("#")[0])
                assert not path or (page.file.parent / path).is_file(), address


def test_the_policy_allows_no_request_and_nothing_needs_more(site):
    for page in site.values():
        (policy,) = (one["content"] for one in page.all("meta") if one.get("http-equiv"))
        assert dict(rule.split(" ", 1) for rule in policy.split("; ")) == POLICY
        attributes = [name for _, found in page.elements for name in found]
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert all(one.get("src") or one.get("type") == "application/json" for one in page.all("script"))
        assert not {"style", "iframe", "object", "base"} & {tag for tag, _ in page.elements}


def test_pictures_are_the_sites_own_and_said_in_words(site):
    for name, page in site.items():
        shown = page.all("img")
        assert bool(shown) == (name == "transfer.html")
        assert all((page.file.parent / str(one["src"])).is_file() and one["alt"] for one in shown)


def test_the_page_of_transfer_names_who_made_the_pictures_and_what_it_took(site):
    page = site["transfer.html"]
    text = " ".join(page.text)
    assert "A: Ann Ö, CC-BY-3.0" in text
    assert made.CLOSING in text
    assert "400 iterations from the network, its own 5 passes included; 900 from cold" in text
    assert "apart by at most 0.25 Delta E" in text
    assert "Nothing had to be transported" in text
    assert len([one for one in page.all("input") if one["type"] == "range" and one["aria-label"]]) == 2
    assert made.SCRIPT in text


def test_a_page_with_all_that_it_loads_is_small(site):
    for page in site.values():
        folder = next(folder for folder in page.file.parents if folder.name == "site")
        loaded = [page.file, *(folder / name for name in ("vega.js", "site.js", "site.css", "icon.svg"))]
        assert sum(file.stat().st_size for file in loaded) < 2_000_000


def test_pages_can_be_read_aloud(site):
    for name, page in site.items():
        assert page.all("html") == [{"lang": "en"}]
        assert len(page.all("h1")) == 1, name
        assert len(page.all("caption")) == len(page.all("table"))
        assert all("scope" in one for one in page.all("th"))
        columns = [one for one in page.all("th") if one["scope"] == "col"]
        assert len([one for one in columns if one["aria-sort"] == "none"]) == len(columns) == len(page.all("button"))
        regions = [one for one in page.all("div") if one.get("role") == "region"]
        assert all(one["tabindex"] == "0" and one["aria-label"] for one in regions)
        plots = [one for one in page.all("div") if one.get("class") == "plot"]
        assert all(one["role"] == "img" and "aria-label" in one for one in plots)
        if name != "problems.html":  # whose one chart is of a pair that is chosen later
            assert all(one["aria-label"] for one in plots)
        body = next(place for place, (tag, _) in enumerate(page.elements) if tag == "body")
        assert page.elements[body + 1] == ("a", {"class": "skip", "href": "#main"})
        ids = [found["id"] for _, found in page.elements if "id" in found]
        assert len(ids) == len(set(ids))
        labels = [found["aria-labelledby"] for _, found in page.elements if "aria-labelledby" in found]
        assert set(labels) <= set(ids)


@pytest.mark.parametrize("name", made.STRANGERS)
def test_a_strangers_name_is_shown_as_typed(site, report, name):
    for page in site.values():
        assert name not in page.raw or "<" not in name
    assert " ".join(name.split()) in site["index.html"].text
    own = site[f"methods/{slug(name)}.html"]
    assert own.text.count(name) >= 2
    (payload, _) = site["problems.html"].json
    assert name in payload["starts"]
    assert name in [row["family"] for row in pl.read_csv(report / "leaderboard.csv").iter_rows(named=True)] or (
        name == made.FORMULA and "'=HYPERLINK" in (report / "leaderboard.csv").read_text()
    )
    assert name not in (report / "leaderboard.md").read_text() or "<" not in name


def test_what_nobody_here_measured_is_marked(site):
    ranking = site["index.html"].text
    assert [line for line in ranking if re.fullmatch(r"\d+\.\d\d claimed", line)]
    assert "not known" in ranking
    own = " ".join(site[f"methods/{slug(made.CLOSING)}.html"].text)
    assert "the time of the start is what its makers say" in own
    assert "Learned not known" in own
    assert "Works by" not in own
    assert "makers say" not in " ".join(site["methods/net.html"].text)


def test_what_a_stranger_says_of_a_start_is_text_and_its_link_no_script(site):
    page = site[f"methods/{slug(made.CLOSING)}.html"]
    assert page.text.count(made.CLOSING) >= 5  # title and heading, summary, citation, authors
    assert "javascript:alert(1)" in page.text
    assert not [one for one in page.all("a") if "javascript" in (one["href"] or "")]


def test_the_first_screen_ranks_with_intervals_and_says_who_ties(site, board):
    text = site["index.html"].text
    first = board.b.filter(pl.col("rank") == 1).row(0, named=True)
    assert f"{first['ratio_1e-5']:.3f} ({first['low_1e-5']:.3f} to {first['high_1e-5']:.3f})" in text
    shared = [line for line in text if re.search(r"Not told apart: (.*; )?one with two\b", line)]
    assert len(shared) >= 2  # under Track A and B
    ranks = [line for line in text if re.fullmatch(r"\d+ =", line)]
    assert len(ranks) >= 4


def test_every_row_of_the_ranking_names_its_origin(board):
    facts = made.facts(list(made.evaluations()))
    sections = list(boards.sections(board, made.evaluations(), facts))
    assert (sections[0].track, sections[0].split) == ("B", "test_unseen")
    assert {(one.track, one.split) for one in sections} == {
        ("B", "test_unseen"), ("B", "validation_unseen"), ("A", "test_unseen"), ("A", "test_seen"),
        ("C", "test_unseen"),
    }  # fmt: skip
    for one in sections:
        for row in one.table.rows:
            assert (row["data"].text, row["hardware"].text) == ("1.2.3", "a machine, 2 cores")
            assert row["code"].text == ("c0ffee" * 6)[:10]
            learned = row["start"].text == "net"
            assert row["run"].text == (made.RUN[:8] if learned else "")
            assert row["run"].href.startswith("https://mlflow.example/") == learned
            assert len(row["seeds"].text.split()) == (3 if learned else 0)


def test_strips_hold_the_interval_on_one_scale(board):
    rows = board.a.filter(pl.col("split") == "test_unseen")
    cells = tables.track_a(rows, made.facts(list(made.evaluations())))
    strips = {row["start"].text: row["ratio"].strip for row in cells}
    assert len({strip.one for strip in strips.values()}) == 1
    for row in cells:
        strip = row["ratio"].strip
        ends = [strip.low, strip.median, strip.high]
        assert ends == sorted(ends)
        assert (strip.low >= 0 and strip.high <= 100) or row["start"].text == "cold"
        assert (strip.high < strip.one) == (row["start"].text != "cold")
        assert len(strip.seeds) == (2 if row["start"].text == "net" else 0)


@settings(max_examples=25)  # Altair checks each against the schema of Vega-Lite
@given(st.lists(st.tuples(st.floats(1, 1e4), st.floats(0.01, 1e3)), min_size=1, max_size=12))
def test_nobody_beats_those_on_the_pareto_line_in_both(points):
    names = [f"s{place}" for place in range(len(points))]
    frame = pl.DataFrame({"start": names, "iterations": [i for i, _ in points], "ms": [m for _, m in points]})
    words = charts.pareto(frame.with_columns(learned=pl.lit(False)), "x").words
    best = set(words.rpartition("than ")[2].rstrip(".").split(", "))
    for name, (i, m) in zip(names, points, strict=True):
        beaten = any((j <= i and n < m) or (j < i and n <= m) for j, n in points)
        twin = points.count((i, m)) > 1
        assert (name in best) == (not beaten) or twin


def test_the_pareto_plot_tells_learned_ones_by_colour_and_by_shape(board):
    spec = next(boards.sections(board, made.evaluations(), made.facts(list(made.evaluations())))).figure.spec
    encoding = spec["layer"][1]["encoding"]
    assert len(set(encoding["color"]["scale"]["range"])) == len(set(encoding["shape"]["scale"]["range"])) == 3
    assert spec["width"] == "container"


def test_picked_pairs_are_the_extremes(medians):
    picked = problems.picks(medians)
    assert picked["start"].unique(maintain_order=True).to_list() == list(medians)
    net = picked.filter(pl.col("start") == "net")
    part, cold = (medians[name].split("test_unseen").counts for name in ("net", "cold"))
    ordered = np.sort(part / cold)
    kinds = {kind: net.filter(pl.col("kind") == kind)["ratio"].to_numpy() for kind in ("worst", "best")}
    np.testing.assert_allclose(kinds["worst"], ordered[::-1][: problems.EACH])
    np.testing.assert_allclose(kinds["best"], ordered[: problems.EACH])
    alone = picked.filter((pl.col("start") == "cold") & (pl.col("kind") == "worst"))
    assert alone["cold"].to_list() == sorted(cold, reverse=True)[: problems.EACH]


def test_the_explorer_holds_palettes_and_curves_of_its_pairs(medians, board):
    picked = problems.picks(medians)
    facts = made.facts(list(made.evaluations()))
    payload = problems.payload(picked, medians, board.b, fake.pairs(), facts.palettes)
    assert set(payload["pairs"]) == set(map(str, picked["pair_id"]))
    for pair in payload["pairs"].values():
        assert {pair["source"], pair["target"]} <= set(payload["palettes"])
        for iterations, own, _, curve, fast in pair["runs"]:
            assert curve[0][0] == own
            assert curve[-1][0] == own + iterations
            assert len(fast) == 2
    for one in payload["palettes"].values():
        assert len(one["colours"]) == 6 * len(one["weights"])
        assert sum(one["weights"]) == pytest.approx(problems.SHARES, rel=0.01)


def test_swatches_are_the_colours_of_the_palette():
    facts = made.facts([])
    grey = type(facts.palettes)(["p"], ["h"], ["g"], np.array([[[100.0, 0, 0], [0, 0, 0]]]), np.array([[0.25, 0.75]]))
    assert problems.swatches(grey, ["p"]) == {
        "p": {"photograph": "h", "colours": "000000ffffff", "weights": [7500, 2500]}
    }


@given(st.text(min_size=1), st.text(min_size=1))
def test_file_names_of_starts_are_safe_and_differ(one, other):
    assert re.fullmatch(r"[a-z0-9_-]{1,60}", slug(one))
    assert (slug(one) == slug(other)) == (one == other)


@pytest.mark.parametrize("text", ["javascript:alert(1)", "data:text/html,x", "//host/x", "/etc/passwd", "https:", ""])
def test_only_web_addresses_become_links(text):
    assert web_address(text) == ""
    assert web_address("https://example.org/a") == "https://example.org/a"


def test_the_ladder_shows_each_family_at_every_stop(site, board):
    facts = made.facts(list(made.evaluations()))
    found = ladder.section(made.rungs(), facts)
    rows = {row["start"].text: row for row in found["table"].rows}
    assert set(rows) == set(board.medians)
    stops = [f"to 1e-{power}" for power in range(2, 7)]
    assert list(found["table"].columns) == ["start", *stops, "iterations", "capped"]
    mine = made.rungs().filter(pl.col("method") == "net")["ratio_median"]
    assert [rows["net"][stop].key for stop in stops] == pytest.approx(mine.to_list())
    assert rows["half"]["to 1e-2"].text == "1.200 (1.190 to 1.210)"
    assert rows["cold"]["iterations"].text == "300 / 600 / 900 / 1,200 / ≥ 1,500"
    assert rows["cold"]["capped"].text == "30"
    assert "half 1.200 to" in found["figure"].words
    assert "As the stop tightens" in site["index.html"].text


def test_the_ratios_of_photographs_are_drawn_and_their_ends_named(site, board):
    bootstrap, evaluations = fake.bootstrap(), made.evaluations()
    rows = photographs_board.rows(board.b, evaluations, bootstrap)
    found = photographs.section(rows)
    table, spec = found["table"], found["figure"].spec
    assert list(table.columns) == [
        "start", "photographs", "problems", "min", "Q1", "median", "Q3", "max", "best", "worst",
    ]  # fmt: skip
    assert {row["photographs"].text for row in table.rows} == {"12"}
    first = rows.filter(pl.col("family") == table.rows[0]["start"].text)
    assert (table.rows[0]["best"].text, table.rows[0]["worst"].text) == (
        first["photograph"][0], first["photograph"][-1],
    )  # fmt: skip
    ends = [table.rows[0][name].key for name in ("min", "Q1", "median", "Q3", "max")]
    assert ends == sorted(ends)
    assert ends[0] == pytest.approx(first["ratio"].min())
    drawn = max(spec["datasets"].values(), key=len)
    assert len(drawn) == 12 * photographs.DRAWN
    assert "By photograph" in site["index.html"].text
    assert photographs.section(rows.clear()) is None


def test_every_table_of_the_site_names_the_photographs_of_its_problems(site):
    captions = [line for line in site["index.html"].text if re.search(r"\d problems", line)]
    assert len(captions) == 8  # of five boards, the ladder and the seed's view; the rival's line
    assert all(re.search(r"(64|128) problems of 12 photographs", line) for line in captions)
    ours = " ".join(site["methods/half.html"].text)
    assert "64 problems of 12 photographs" in ours
    assert "12 photographs" in " ".join(site["data.html"].text)


def test_of_few_photographs_the_site_shows_no_interval():
    evaluations = made.evaluations()
    board = leaderboard.make(evaluations, fake.bootstrap(photographs=2))
    for one in boards.sections(board, evaluations, made.facts(list(evaluations))):
        assert "64 problems of 2 photographs" in one.table.caption
        if one.track != "C":
            assert "2 photographs: no interval worth reading, nor a rank." in one.ties
        for row in one.table.rows:
            cells = [cell for name, cell in row.items() if name in ("ratio", "to 1e-5", "to 1e-9")]
            assert all(re.fullmatch(r"\d\.\d{3}", cell.text) and cell.strip is None for cell in cells)


def test_without_a_ladder_its_section_is_left_out(board):
    facts = made.facts(list(made.evaluations()))
    path, _, words = next(build.pages(replace(board, ladder=None), made.evaluations(), {}, fake.bootstrap(), facts))
    assert path == "index.html"
    assert words["ladder"] is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.floats(0.01, 0.2))
def test_names_beside_lines_keep_apart_and_in_order_and_move_no_more_than_they_must(places, gap):
    places = sorted(places)
    moved = np.array(ladder.spread(places, gap))
    assert (np.diff(moved) >= gap - 1e-9).all()
    assert moved.mean() == pytest.approx(np.mean(places), abs=1e-9)
    if (np.diff(places) >= gap).all():
        np.testing.assert_allclose(moved, places)


def test_published_numbers_stand_beside_ours(site):
    text = site["index.html"].text
    assert {"cold, published", "plan network, published", "cold, ours", "net, ours"} <= set(text)
    assert {"884", "2,264", "3,031", "4,217", "20,000"} <= set(text)


def test_the_page_of_the_data_says_how_it_was_made(site):
    text = site["data.html"].text
    assert "12 of <a> test" in text
    assert "The data, version 1.2.3" in text
    assert {"g", "centroids", "licence", "test_unseen"} <= set(text)
