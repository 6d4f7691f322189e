"""The page of colour transfer in a real browser without a network, served over loopback by `paletteot app`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

import paletteot.transfer.run as run
from paletteot.app import studio
from paletteot.transfer import cube
from paletteot.transfer.photo import Photo
from tests.app import files
from tests.integration import browser as chromium
from tests.integration.process import PATIENCE, free_port

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".parts" / "app" / "bin" / "python"
"""In an environment of its own: gradio's pins are not ours."""
COMMAND = "from paletteot.cli import app; app()"

pytestmark = [
    chromium.needed,
    pytest.mark.skipif(not PYTHON.exists(), reason=f"no gradio at {PYTHON} (`make parts` brings it)"),
]


class Served:
    """The page as a process with folders of its own, in which nothing may be left."""

    def __init__(self, folder: Path) -> None:
        self.temporary, self.home, self.cwd = (folder / name for name in ("temporary", "home", "cwd"))
        for one in (self.temporary, self.home, self.cwd):
            one.mkdir()
        port = free_port()
        self.base = f"http://127.0.0.1:{port}/"
        settings = folder / "matplotlib"  # where it is installed, gradio imports it, and it writes there
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GRADIO", "XDG"))}
        self.process = subprocess.Popen(
            [str(PYTHON), "-c", COMMAND, "app", "--port", str(port)], cwd=self.cwd, text=True,
            env=kept | {"PYTHONPATH": str(ROOT / "src"), "TMPDIR": str(self.temporary), "HOME": str(self.home)}
            | {"MPLCONFIGDIR": str(settings)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()

    def sent(self) -> set[str]:
        """Return the names of the files that the page has now."""
        return {one.name for one in self.temporary.rglob("*") if one.is_file()}

    def left(self) -> list[Path]:
        return [one for folder in (self.temporary, self.home, self.cwd) for one in folder.rglob("*")]

    def end(self) -> tuple[int, str]:
        """End the page as a process manager does; return its exit code and what it said since it began."""
        self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said


class Visitor:
    """A browser on the page."""

    def __init__(self, driver: webdriver.Chrome, served: Served, taken: Path) -> None:
        self.driver, self.served, self.taken = driver, served, taken

    def open(self) -> None:
        self.driver.get("about:blank")
        self.driver.get(self.served.base)
        self.until(lambda: self.named("Example: a rocket"))

    def until(self, seen: Callable[[], Any]) -> Any:
        ignored = [StaleElementReferenceException, IndexError]
        return WebDriverWait(self.driver, PATIENCE, 0.05, ignored).until(lambda _: seen())

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def named(self, text: str) -> WebElement | None:
        return next((one for one in self.all("button") if one.text.startswith(text)), None)

    def send(self, side: str, file: Path) -> None:
        """Choose a file, by the input that the area to drop one on has, or that of an area in use."""
        self.until(lambda: self.all(f"#picture-{side} input[type=file]"))[0].send_keys(str(file))

    def source(self, name: str) -> str:
        """Return the address of a picture that the page shows; empty where it shows none."""
        return next((str(one.get_attribute("src")) for one in self.all(f"#{name} img")), "")

    def changed(self, name: str, before: str = "") -> str:
        """Wait for a picture that the page has not shown before, and return its address."""
        return str(self.until(lambda: (now := self.source(name)) != before and now))

    def press(self, *keys: str) -> None:
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self) -> str:
        """Return what the keyboard is on, as a screen reader has it."""
        element = self.driver.switch_to.active_element
        if element.tag_name == "body":
            return ""
        return str(element.get_attribute("aria-label") or element.text or element.get_attribute("id"))

    def choose_start(self, name: str) -> None:
        self.all("#start input")[0].click()
        self.until(lambda: next((one for one in self.all("#start [role=option]") if one.text == name), None)).click()

    def tab_to(self, name: str) -> None:
        for _ in range(60):
            if name in self.focused():
                return
            self.press(Keys.TAB)
        raise AssertionError(f"the keyboard does not reach {name}")

    def download(self, suffix: str) -> Path:
        """Wait for a whole file, and return it."""
        return Path(self.until(lambda: list(self.taken.glob(f"*{suffix}")))[0])

    def errors(self) -> list[str]:
        return [one.text for one in self.all(".toast-message-text") if one.text]

    def error(self, name: str) -> str:
        """Wait for what the page says of a file, and return it."""
        return str(self.until(lambda: next((one for one in self.errors() if one.startswith(f"{name}: ")), None)))

    def width(self) -> int:
        return int(self.driver.execute_script("return document.documentElement.scrollWidth"))

    def complaints(self) -> list[str]:
        """Return every error that the console has, and every request that left the page."""
        events = [json.loads(one["message"])["message"] for one in self.driver.get_log("performance")]
        asked = [one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"]
        away = [url for url in asked if not url.startswith((self.served.base, "about:", "blob:", "data:"))]
        return [one["message"] for one in self.driver.get_log("browser") if one["level"] == "SEVERE"] + away


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("served"))
    yield made
    if made.process.poll() is None:
        made.process.kill()
    made.process.communicate()


@pytest.fixture(scope="module")
def driver(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(chromium.BROWSER)
    profile = f"--user-data-dir={tmp_path_factory.mktemp('profile')}"
    for flag in (*chromium.FLAGS, "--headless=new", "--window-size=1280,1000", profile):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options, webdriver.ChromeService(executable_path=str(chromium.DRIVER)))
    yield opened
    opened.quit()


@pytest.fixture
def visitor(served, driver, tmp_path) -> Iterator[Visitor]:
    taken = tmp_path / "taken"
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(taken)})
    driver.get("about:blank")
    for log in ("browser", "performance"):
        driver.get_log(log)
    visit = Visitor(driver, served, taken)
    visit.open()
    yield visit
    assert visit.complaints() == []


@contextmanager
def telephone(driver: webdriver.Chrome) -> Iterator[None]:
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        yield
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_only_this_machine_is_listened_to(served):
    assert served.said == f"the page is at {served.base} until Ctrl-C\n"


def test_no_other_file_of_this_machine_is_given(served):
    secret = served.cwd / "secret.txt"
    secret.write_text("secret")
    try:
        for file in (secret, Path("/etc/hosts"), Path(studio.__file__), served.temporary / ".." / "cwd" / "secret.txt"):
            assert httpx2.get(f"{served.base}gradio_api/file={file}").status_code in (403, 404)
    finally:
        secret.unlink()


def test_two_pictures_are_sent_moved_and_taken_along(visitor, tmp_path):
    a, b = tmp_path / "a photo.png", tmp_path / "b.jpg"
    Image.fromarray(files.pixels(300, 1600, seed=1)).save(a)
    Image.fromarray(files.pixels(200, 300, seed=2)[..., ::-1]).save(b)
    visitor.send("a", a)
    visitor.changed("picture-a")
    assert visitor.source("result") == ""
    visitor.send("b", b)
    first = visitor.changed("result")
    visitor.changed("plan")
    strips = visitor.until(lambda: len(found := visitor.all(".strip[aria-label]")) == 2 and found)
    assert [one.get_attribute("aria-label").partition(":")[0] for one in strips] == [
        "Palette of a photo.png", "Palette of b.jpg",
    ]  # fmt: skip
    assert "transport:" in visitor.all("#facts")[0].text

    visitor.all("#strength input[type=range]")[0].send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    visitor.changed("result", first)
    assert visitor.all("#strength input[type=number]")[0].get_attribute("value") == "0.9"
    wanted = run.transfer(a, b, strength=0.9)

    visitor.named("Download picture").click()
    with Image.open(visitor.download(".png")) as taken:
        np.testing.assert_array_equal(np.asarray(taken), wanted.pixels)
    visitor.named("Download LUT").click()
    table = cube.read(visitor.download(".cube"))
    assert table.title == "a photo.png in the colours of b.jpg"
    assert np.abs(table.apply(Photo.of(a).pixels).astype(int) - wanted.pixels).mean() < 1.5
    visitor.named("Download palettes").click()
    with zipfile.ZipFile(BytesIO(visitor.download(".zip").read_bytes())) as archive:
        assert {"A_a photo.json", "B_b.ase"} <= set(archive.namelist())
    assert visitor.errors() == []


def test_the_start_is_counted_beside_cold(visitor):
    visitor.named("Example: coffee").click()
    visitor.changed("result")
    visitor.choose_start("gaussian")
    visitor.until(lambda: "from cold:" in visitor.all("#facts")[0].text)
    assert "from gaussian:" in visitor.all("#facts")[0].text


def test_a_start_that_cannot_be_had_leaves_the_result(visitor):
    """The page's own environment has no torch; where it has, there is nothing to refuse."""
    visitor.named("Example: coffee").click()
    result = visitor.changed("result")
    visitor.choose_start("dual")
    told = visitor.until(lambda: visitor.errors() or "from dual:" in visitor.all("#facts")[0].text)
    if told is not True:
        assert told == ["this needs torch: pip install 'paletteot[learned]'"]
        visitor.until(lambda: "The result is still that" in visitor.all("#facts")[0].text)
        assert visitor.source("result") == result


def test_what_is_no_picture_is_said_in_one_line_and_takes_nothing_away(visitor, tmp_path):
    visitor.named("Example: a rocket").click()
    result, first = visitor.changed("result"), visitor.source("picture-a")
    for name, (_, words) in files.REFUSED.items():
        if name == "heavy.bmp":  # refused on its way
            continue
        visitor.send("a", files.written(tmp_path, name))
        said = visitor.error(name)
        assert words in said
        assert "\n" not in said
        visitor.until(lambda: visitor.source("picture-a") == first)
        assert name not in visitor.served.sent()
    assert visitor.source("result") == result


def test_a_picture_that_is_taken_away_takes_no_part(visitor, tmp_path):
    visitor.named("Example: coffee").click()
    result = visitor.changed("result")
    visitor.all("#picture-a [aria-label='Remove Image']")[0].click()
    visitor.until(lambda: not visitor.source("picture-a") and len(visitor.all(".strip[aria-label]")) == 1)
    visitor.all("#strength input[type=range]")[0].send_keys(Keys.ARROW_LEFT)
    visitor.named("Download LUT").click()
    assert visitor.until(visitor.errors) == ["choose two pictures first"]
    assert visitor.source("result") == result
    visitor.send("a", files.written(tmp_path, "clear.png"))
    visitor.changed("result", result)


def test_a_file_that_is_too_large_is_refused_on_its_way(visitor, tmp_path):
    visitor.send("a", files.written(tmp_path, "heavy.bmp"))
    (said,) = visitor.until(visitor.errors)
    assert "maximum allowed size of 40" in said
    assert "heavy.bmp" in said
    assert "heavy.bmp" not in visitor.served.sent()
    sent = {"files": ("heavy.bmp", files.REFUSED["heavy.bmp"][0]())}  # by who has no browser
    assert httpx2.post(f"{visitor.served.base}gradio_api/upload", files=sent).status_code == 413
    assert "heavy.bmp" not in visitor.served.sent()


def test_the_name_of_a_file_runs_nothing(visitor, tmp_path):
    file = tmp_path / "<img src=x onerror=document.title='run'>.png"
    file.write_bytes(files.written(tmp_path, "corrupt.png").read_bytes())
    visitor.send("a", file)
    visitor.until(visitor.errors)
    assert visitor.driver.title.startswith("PaletteOT")
    assert visitor.all(".toast-message-text img") == []


def test_the_keyboard_does_it_all(visitor):
    visitor.tab_to("Example: a rocket")
    visitor.press(Keys.ENTER)
    first = visitor.changed("result")
    visitor.tab_to("range slider for sigma")
    visitor.press(Keys.ARROW_RIGHT)
    visitor.changed("result", first)
    visitor.tab_to("Download LUT")
    visitor.press(Keys.ENTER)
    assert cube.read(visitor.download(".cube")).size == 33


def test_on_a_telephone_nothing_scrolls_sideways(visitor):
    with telephone(visitor.driver):
        visitor.open()
        assert visitor.width() <= 390
        visitor.named("Example: a rocket").click()
        visitor.changed("result")
        visitor.changed("plan")
        assert visitor.width() <= 390


def test_the_page_is_dark_where_the_machine_is(visitor):
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = visitor.driver.execute_script(ground)
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    try:
        visitor.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": dark})
        visitor.open()
        assert visitor.driver.execute_script(ground) != light
    finally:
        visitor.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_nothing_that_was_sent_is_left_when_the_page_ends(served, visitor):
    visitor.named("Example: a rocket").click()
    visitor.changed("result")
    assert served.sent()
    visitor.driver.get("about:blank")
    code, said = served.end()
    assert (code, said) == (0, "closed; nothing of what was sent is kept\n")
    assert served.left() == []


def test_a_port_that_is_taken_is_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [str(PYTHON), "-c", COMMAND, "app", "--port", str(port)], cwd=tmp_path, capture_output=True, text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, timeout=PATIENCE, check=False,
        )  # fmt: skip
    said = f"error: --host and --port must be free to listen on, but 127.0.0.1:{port} is not\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)
