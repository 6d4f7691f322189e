"""Pages of contestants from outside the pipeline: of some tracks and splits only, with seconds as claimed."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from paletteot.benchmark.records.evaluation import About, Origin
from paletteot.report.build import build
from paletteot.report.site.facts import slug
from tests.benchmark import fake
from tests.benchmark.test_guests_on_boards import submitted
from tests.report import made

WHO = About(authors="Ada <b>; Émile; https://example.org/x", learned=None, kernel_only=None)
WHERE = Origin("1.2.3", "c0ffee", "here; the start on a laptop, as claimed", claimed=True, by=WHO.authors)
ENTRIES = {
    "../../etc/passwd": ("test_unseen", ("iterations",)),
    "=1+1": ("test_unseen", ("accelerated",)),
    "a|b": ("test_seen", ("iterations",)),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guests")
    ours = {name: one for name, one in made.evaluations().items() if name not in made.STRANGERS}
    theirs = {name: replace(submitted(name, *entry), about=WHO, origin=WHERE) for name, entry in ENTRIES.items()}
    build({**ours, **theirs}, fake.bootstrap(), made.CURVES, made.facts(list(ours)), folder)
    site = folder / "site"
    return {file.relative_to(site).as_posix(): file.read_text() for file in site.rglob("*.html")}


@pytest.mark.parametrize("name", ENTRIES)
def test_a_guest_has_a_page_that_says_what_is_claimed(pages, name):
    text = pages[f"methods/{slug(name)}.html"]
    assert "Ada &lt;b&gt;; Émile" in text
    assert "the start on a laptop, as claimed" in text
    assert "not known" in text
    assert ("Worst and best pairs" in text) == (ENTRIES[name] == ("test_unseen", ("iterations",)))


def test_the_ranking_marks_claimed_seconds_and_the_explorer_has_those_of_track_a(pages):
    assert len(re.findall(r"\d claimed</td>", pages["index.html"])) == len(ENTRIES)
    payload = pages["problems.html"].split('id="payload">')[1].split("</script>")[0]
    assert {*ENTRIES} & {*json.loads(payload)["starts"]} == {"../../etc/passwd"}
