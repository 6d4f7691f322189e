"""The command that shows the page."""

from __future__ import annotations

import sys

import pytest
from typer.testing import CliRunner

from paletteot.app import serving
from paletteot.cli import app


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True),
        ("0.0.0.0", False), ("::", False), ("192.168.1.7", False), ("desk.lan", False),
    ],
)  # fmt: skip
def test_who_else_can_reach_the_page_is_said(host, own, monkeypatch):
    asked = []
    monkeypatch.setattr(serving, "serve", lambda *given, **named: asked.append((*given[:2], named)))
    done = CliRunner().invoke(app, ["app", "--host", host, "--port", "8000"])
    assert done.exit_code == 0
    assert ("warning: " in done.output) != own
    assert asked == [(host, 8000, {"browser": False})]


def test_without_gradio_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    for name in ("paletteot.app.page", "paletteot.app.acting"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    done = CliRunner().invoke(app, ["app"])
    assert done.exit_code == 1
    assert done.output == "error: this needs gradio: pip install 'paletteot[app]'\n"
