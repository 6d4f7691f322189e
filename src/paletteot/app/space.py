"""The page as a Hugging Face Space: its own few files, and this package beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from paletteot.errors import DataError, PaletteOTError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

OWN = ("README.md", "app.py", "requirements.txt")
"""What a Space has of its own; the package needs no index of packages that has it."""
PACKAGE = "paletteot"


class SpaceError(PaletteOTError):
    """A Space was not published."""


def contents(folder: Path) -> dict[str, Path]:
    """Return what goes into the Space, name -> file. folder: its own files; raises DataError where one is missing."""
    if missing := [name for name in OWN if not (folder / name).is_file()]:
        raise DataError(f"{folder}: must hold {', '.join(OWN)}, but has no {', '.join(missing)}")
    package = Path(str(files(PACKAGE)))
    code = {
        f"{PACKAGE}/{file.relative_to(package).as_posix()}": file
        for file in sorted(package.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }
    return {name: folder / name for name in OWN} | code


@contextmanager
def built(folder: Path) -> Iterator[Path]:
    """Give a folder that holds the Space and nothing else; raises as `contents` does."""
    found = contents(folder)
    with TemporaryDirectory() as temporary:
        root = Path(temporary)
        for name, file in found.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            copyfile(file, root / name)
        yield root


def publish(api: HfApi, folder: Path, repo_id: str, *, private: bool = False) -> str:
    """Upload the Space as one commit, and return where it stands; what it had before and has not now goes.

    Calls create_repo and upload_folder of the client. Raises DataError as `contents` does, SpaceError where the hub
    refuses.
    """
    from huggingface_hub.errors import HfHubHTTPError

    with built(folder) as root:
        try:
            api.create_repo(repo_id, repo_type="space", space_sdk="gradio", private=private, exist_ok=True)
            api.upload_folder(
                repo_id=repo_id,
                repo_type="space",
                folder_path=root,
                commit_message="The page as it is now",
                delete_patterns="*",
            )
        except (HfHubHTTPError, OSError, ValueError) as error:
            raise SpaceError(f"{repo_id}: the hub refused: {' '.join(str(error).split())[:300]}") from None
    return f"{api.endpoint}/spaces/{repo_id}"
