"""The page as a Hugging Face Space."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import HfApi, SpaceCard
from huggingface_hub.errors import HfHubHTTPError
from typer.testing import CliRunner

from paletteot.app import space
from paletteot.cli import app
from paletteot.errors import DataError
from tests.integration.process import PATIENCE, free_port, running

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "space"
PYTHON = ROOT / ".parts" / "app" / "bin" / "python"
REPO = "org/page"


def pins(file: Path) -> dict[str, str]:
    """Return the lines of a file of requirements, by names as indexes spell them."""
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return {_name(line): line for line in lines}


def _name(line: str) -> str:
    return re.split(r"[<>=~!\[ ]", line)[0].lower().replace("_", "-")


class Stub:
    """The two documented calls of HfApi that publishing makes, with their real signatures checked."""

    endpoint = "https://hub.example"

    def __init__(self, fail: str = "") -> None:
        self.fail, self.calls = fail, []
        self.files: list[str] = []

    def _call(self, name: str, **given: object) -> None:
        inspect.signature(getattr(HfApi, name)).bind(self, **given)
        assert given["repo_type"] == "space"
        self.calls.append(name)
        if name == self.fail:
            raise HfHubHTTPError("403 Forbidden", response=SimpleNamespace(headers={}, request=None, text=""))  # type: ignore[arg-type]

    def create_repo(self, repo_id: str, **given: object) -> None:
        self._call("create_repo", repo_id=repo_id, **given)
        assert given["space_sdk"] == "gradio"

    def upload_folder(self, **given: object) -> None:
        self._call("upload_folder", **given)
        folder = Path(str(given["folder_path"]))
        self.files = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def test_the_front_matter_is_what_the_hub_wants_and_as_pinned():
    card = SpaceCard.load(FOLDER / "README.md").data.to_dict()
    wanted = {"sdk": "gradio", "app_file": "app.py", "license": "mit", "python_version": "3.11"}
    assert wanted.items() <= card.items()
    assert f"gradio=={card['sdk_version']}" == pins(ROOT / "constraints.txt")["gradio"]
    assert len(card["short_description"]) <= 60
    assert {card["colorFrom"], card["colorTo"]} <= {
        "red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray",
    }  # fmt: skip
    assert len(card["emoji"]) == 1


def test_the_requirements_are_those_of_pyproject_as_they_are_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    declared = [*project["dependencies"], *extras["learned"], *extras["deep"], *extras["heic"]]
    tested = pins(ROOT / "constraints.txt")
    wanted = {_name(one): tested[_name(one)] for one in declared}
    wanted["pillow"] = next(one for one in declared if _name(one) == "pillow")  # gradio takes none as new as ours
    assert pins(FOLDER / "requirements.txt") == wanted


def test_what_would_go_is_listed_and_nothing_is_sent(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(HfApi, "create_repo", None)
    done = CliRunner().invoke(app, ["publish", "space", REPO, "--dry-run"])
    assert done.exit_code == 0, done.output
    *listed, last = done.output.splitlines()
    assert last == f"would go to the Space {REPO}; nothing was sent"
    sizes = {name: int(size) for size, name in (line.split() for line in listed)}
    assert sizes["app.py"] == (FOLDER / "app.py").stat().st_size
    assert {"README.md", "requirements.txt", "paletteot/app/style.css", "paletteot/py.typed"} <= set(sizes)
    assert not [name for name in sizes if "__pycache__" in name or name.endswith(".pyc")]


def test_the_space_goes_whole():
    api = Stub()
    assert space.publish(api, FOLDER, REPO) == f"https://hub.example/spaces/{REPO}"  # type: ignore[arg-type]
    assert api.calls == ["create_repo", "upload_folder"]
    assert api.files == sorted(space.contents(FOLDER))


@pytest.mark.parametrize("call", ["create_repo", "upload_folder"])
def test_what_the_hub_says_is_one_line(call):
    with pytest.raises(space.SpaceError, match="org/page: the hub refused: 403 Forbidden"):
        space.publish(Stub(call), FOLDER, REPO)  # type: ignore[arg-type]


def test_a_folder_that_is_no_space_is_refused(tmp_path):
    (tmp_path / "app.py").touch()
    with pytest.raises(DataError, match=r"must hold README\.md, app\.py, requirements\.txt, but has no README\.md"):
        space.publish(Stub(), tmp_path, REPO)  # type: ignore[arg-type]


@pytest.mark.skipif(not PYTHON.exists(), reason=f"no gradio at {PYTHON} (`make parts` brings it)")
def test_the_space_runs_with_nothing_but_its_files(tmp_path):
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with space.built(FOLDER) as root:
        found = subprocess.run(
            [str(PYTHON), "-c", "import app, paletteot.app.page as page; print(page.__file__, len(page.page().fns))"],
            cwd=root, env=kept, capture_output=True, text=True, timeout=PATIENCE, check=True,
        ).stdout.split()  # fmt: skip
        assert Path(found[0]).is_relative_to(root)
        assert int(found[1]) >= 10
        serving = kept | {"GRADIO_SERVER_PORT": str(port), "TMPDIR": str(tmp_path)}
        with running([str(PYTHON), "app.py"], port, cwd=root, env=serving):
            assert list(tmp_path.glob("paletteot-*"))
    assert list(tmp_path.iterdir()) == []
