"""The site in a real browser without a network, from disk and over loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from paletteot.report.site.facts import slug
from tests.integration.browser import BROWSER, DRIVER, FLAGS, needed
from tests.report import made

pytestmark = needed


class Quiet(SimpleHTTPRequestHandler):
    """A static host that prints nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Visitor:
    """A browser on the site, which remembers what went wrong."""

    def __init__(self, browser: webdriver.Chrome, base: str) -> None:
        self.browser, self.base = browser, base
        browser.get("about:blank")
        for log in ("browser", "performance"):  # what the browser's own first page asked for
            browser.get_log(log)

    def open(self, path: str) -> None:
        self.browser.get("about:blank")
        self.browser.get(self.base + path)

    def one(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return [one for one in self.browser.find_elements(By.CSS_SELECTOR, selector) if one.is_displayed()]

    def texts(self, selector: str) -> list[str]:
        return [one.text for one in self.all(selector)]

    def wait(self, selector: str) -> WebElement:
        return WebDriverWait(self.browser, 60).until(lambda _: next(iter(self.all(selector)), None))

    def draw_every_chart(self) -> int:
        """Scroll each chart into view until it is drawn; returns how many there are."""
        charts = self.all(".chart")
        for chart in charts:
            self.browser.execute_script("arguments[0].scrollIntoView({behavior: 'instant'})", chart)
            drawn = partial(chart.find_elements, By.CSS_SELECTOR, "svg.marks")
            WebDriverWait(self.browser, 60).until(lambda _, drawn=drawn: drawn())
        return len(charts)

    def complaints(self) -> list[str]:
        """Return what the console says, and every request that was not for a file of the site."""
        events = [json.loads(one["message"])["message"] for one in self.browser.get_log("performance")]
        asked = [one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"]
        away = [url for url in asked if not url.startswith((self.base, "about:blank"))]
        return [one["message"] for one in self.browser.get_log("browser")] + away


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    return made.report(tmp_path_factory.mktemp("report")) / "site"


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in (
        *FLAGS,
        "--headless=new",
        "--window-size=1280,900",
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options, webdriver.ChromeService(executable_path=str(DRIVER)))
    yield opened
    opened.quit()


@pytest.fixture(params=["disk", "loopback"])
def visitor(request, site, browser) -> Iterator[Visitor]:
    if request.param == "disk":
        visit = Visitor(browser, f"{site.as_uri()}/")
        yield visit
    else:
        with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            visit = Visitor(browser, f"http://127.0.0.1:{server.server_port}/")
            yield visit
            server.shutdown()
    assert visit.complaints() == []


def test_the_ranking_is_sorted_and_filtered(visitor):
    visitor.open("index.html")
    assert len(visitor.texts(".board h2")) == 1
    assert visitor.texts(".board h2")[0].startswith("Track B")
    header = next(one for one in visitor.all(".board th[scope=col]") if one.text.startswith("ms"))
    before = visitor.texts(".board tbody th")
    start = next(one for one in visitor.all(".board th[scope=col]") if one.text.startswith("start"))
    start.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    assert start.get_attribute("aria-sort") == "ascending"
    assert header.get_attribute("aria-sort") == "none"
    names = visitor.texts(".board tbody th")
    assert names != before
    assert sorted(names) == sorted(before)
    start.find_element(By.TAG_NAME, "button").send_keys(Keys.SPACE)
    assert start.get_attribute("aria-sort") == "descending"
    assert visitor.texts(".board tbody th") == names[::-1]

    Select(visitor.one("select[name=track]")).select_by_value("A")
    Select(visitor.one("select[name=split]")).select_by_value("test_seen")
    assert visitor.texts(".board h2") == ["Track A: starts test_seen"]
    visitor.one("input[name=start]").send_keys("NET")
    assert visitor.texts(".board tbody th") == ["net"]
    assert visitor.one("#shown").text == "1 row"
    Select(visitor.one("select[name=split]")).select_by_value("validation_unseen")
    assert visitor.one("#shown").text == "Track A is not judged on validation_unseen."


def test_numbers_are_sorted_by_value(visitor):
    visitor.open("index.html")
    Select(visitor.one("select[name=track]")).select_by_value("A")
    header = next(one for one in visitor.all(".board th[scope=col]") if one.text.startswith("iterations"))
    header.find_element(By.TAG_NAME, "button").click()
    place = visitor.all(".board th[scope=col]").index(header)
    shown = [float(row.find_elements(By.CSS_SELECTOR, "th, td")[place].text) for row in visitor.all(".board tbody tr")]
    assert shown == sorted(shown)
    assert len(shown) == 8


def test_a_start_is_opened_from_the_ranking_and_its_charts_are_drawn(visitor):
    visitor.open("index.html")
    assert visitor.draw_every_chart() >= 2
    next(one for one in visitor.all(".board tbody a") if one.text == "net").click()
    assert visitor.wait("h1").text == "net"
    assert visitor.draw_every_chart() == 2
    assert {"net-5", "net-6", "net-7"} <= set(visitor.texts("h3"))
    visitor.one(".home").click()
    assert visitor.wait("h1").text.startswith("Who saves")


def test_a_point_says_who_it_is_when_the_mouse_is_over_it(visitor):
    visitor.open("index.html")
    visitor.draw_every_chart()
    point = visitor.wait(".board .plot .mark-symbol path")
    webdriver.ActionChains(visitor.browser).move_to_element(point).perform()
    assert "iterations" in visitor.wait("#vg-tooltip-element.visible").text


def test_a_problem_is_opened(visitor):
    visitor.open("problems.html")
    Select(visitor.one("#explorer select")).select_by_visible_text("net")
    title = visitor.wait("#problem h2").text
    visitor.wait("#problem svg.marks")
    rows = visitor.all(".extremes tbody tr")
    assert len(rows) == 10
    assert [row.get_attribute("aria-current") for row in rows] == ["true"] + [None] * 9
    rows[-1].find_element(By.TAG_NAME, "a").click()
    WebDriverWait(visitor.browser, 60).until(lambda _: visitor.one("#problem h2").text != title)
    assert visitor.browser.switch_to.active_element == visitor.one("#problem h2")
    assert len(visitor.all("#problem .palette svg")) == 2
    assert len(visitor.browser.find_elements(By.CSS_SELECTOR, "#problem .palette rect")) == 32
    assert len(visitor.all("#problem tbody tr")) == 8
    visitor.browser.back()
    WebDriverWait(visitor.browser, 60).until(lambda _: visitor.one("#problem h2").text == title)


def test_the_page_of_the_data_draws_palettes(visitor):
    visitor.open("data.html")
    assert len(visitor.all(".gallery svg")) == 4
    assert visitor.draw_every_chart() == 1


@pytest.mark.parametrize("name", made.STRANGERS)
def test_a_strangers_name_runs_nothing(visitor, name):
    visitor.open("index.html")
    Select(visitor.one("select[name=track]")).select_by_value("A")
    assert name in visitor.texts(".board tbody th")
    visitor.draw_every_chart()
    visitor.open(f"methods/{slug(name)}.html")
    assert visitor.one("h1").text == name
    visitor.draw_every_chart()
    visitor.open("problems.html")
    Select(visitor.one("#explorer select")).select_by_visible_text(name)
    visitor.wait("#problem svg.marks")
    assert name in visitor.texts("#problem tbody th")
    assert not visitor.browser.find_elements(By.CSS_SELECTOR, "img")


def test_the_keyboard_reaches_the_content_first(visitor):
    visitor.open("index.html")
    visitor.one("body").send_keys(Keys.TAB)
    skip = visitor.browser.switch_to.active_element
    assert skip.text == "Skip to the content"
    skip.send_keys(Keys.ENTER)
    assert visitor.browser.switch_to.active_element == visitor.one("main")


def test_a_slider_shows_more_of_the_picture_before(visitor):
    visitor.open("transfer.html")
    swap, over = visitor.one(".swap"), visitor.one(".swap .over")
    slider = visitor.one(".swap input[type=range]")
    covered = "return getComputedStyle(arguments[0]).clipPath"
    half = visitor.browser.execute_script(covered, over)
    slider.send_keys(Keys.END)
    assert visitor.browser.execute_script("return arguments[0].style.getPropertyValue('--at')", swap) == "100%"
    assert visitor.browser.execute_script(covered, over) != half
    slider.send_keys(Keys.HOME)
    assert visitor.browser.execute_script("return arguments[0].style.getPropertyValue('--at')", swap) == "0%"
    loaded = "return [...document.images].every((one) => one.complete && one.naturalWidth > 0)"
    WebDriverWait(visitor.browser, 60).until(lambda _: visitor.browser.execute_script(loaded))


@pytest.mark.parametrize("path", ["index.html", "problems.html", "data.html", "transfer.html", "methods/net.html"])
def test_on_a_telephone_only_tables_scroll_sideways(visitor, path):
    metrics = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    visitor.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        visitor.open(path)
        visitor.draw_every_chart()
        assert visitor.browser.execute_script("return document.documentElement.scrollWidth") <= 360
    finally:
        visitor.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_charts_follow_the_background(visitor):
    visitor.open("data.html")
    visitor.draw_every_chart()
    fills = "return [...document.querySelectorAll('.plot svg path[fill]')].map((one) => one.getAttribute('fill'))"
    light = set(visitor.browser.execute_script(fills))
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    try:
        visitor.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": dark})
        WebDriverWait(visitor.browser, 60).until(lambda _: "#56b4e9" in visitor.browser.execute_script(fills))
    finally:
        visitor.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert "#0072b2" in light
