"""What publishing needs of git, DVC and the hub."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import paletteot.engine as engine
from paletteot.dataset import hub, layout, licences, sources, verify, versions
from paletteot.dataset.sources import Release
from paletteot.errors import PaletteOTError
from paletteot.project import paths
from paletteot.project.parameters import load_params

CHANGELOG = Path("CHANGELOG.md")
TAG = "dataset-v"


class PublishingError(PaletteOTError):
    """git or DVC did not do what publishing needs."""


def check(folder: Path) -> str:
    """Return how a release follows the last tagged one.

    Raises VersionError when its version says less than the change, or the changelog says nothing of it.
    """
    now = sources.release(folder).version
    if now != (wanted := load_params().dataset.version):
        raise versions.VersionError(
            f"{folder}: is version {now}, but params.yaml says {wanted}; run `dvc repro release`"
        )
    heading = f"## dataset {now}"
    if not CHANGELOG.is_file() or heading not in CHANGELOG.read_text(encoding="utf-8").splitlines():
        raise versions.VersionError(f"{CHANGELOG}: must have a section '{heading}', but has none")
    tag = last_tag()
    if tag is None:
        return f"{now}: the first version, there is no tag {TAG}X.Y.Z"
    shown = _git("show", f"{tag}:{paths.RELEASE_MANIFEST.as_posix()}")
    if shown.returncode:
        raise PublishingError(f"git: tag {tag} has no {paths.RELEASE_MANIFEST}, so there is nothing to compare with")
    return versions.check(json.loads(shown.stdout), folder)


def last_tag() -> str | None:
    """Return the tag of the highest version of the data set, None where there is none."""
    tags = [tag.removeprefix(TAG) for tag in _git("tag", "--list", f"{TAG}*").stdout.split()]
    numbers = [tag for tag in tags if tag.replace(".", "").isdigit() and tag.count(".") == 2]
    return TAG + max(numbers, key=versions.parse) if numbers else None


def to_hub(folder: Path, repo_id: str, *, dry_run: bool, only_ids: bool, private: bool) -> Iterator[str]:
    """Publish a verified release on the hub; gives lines that say what goes, or would go."""
    from huggingface_hub import HfApi

    release = _publishable(folder, check_licence=not only_ids)
    with hub.only_ids(release, paths.PARAMS) if only_ids else nullcontext(release) as chosen:
        for name in sorted([*chosen.checksums, "checksums.sha256"]):
            yield f"{chosen.fetch(name).stat().st_size:>12}  {name}"
        if dry_run:
            yield f"would go to {repo_id} as v{chosen.version}; nothing was sent"
        else:
            yield f"published: {hub.publish(HfApi(), chosen, repo_id, private=private)}"


def to_space(folder: Path, repo_id: str, *, dry_run: bool, private: bool) -> Iterator[str]:
    """Publish the page of colour transfer as a Space of the hub; gives lines that say what goes, or would go.

    folder: the Space's own files.
    """
    from huggingface_hub import HfApi

    from paletteot.app import space

    for name, file in space.contents(folder).items():
        yield f"{file.stat().st_size:>12}  {name}"
    if dry_run:
        yield f"would go to the Space {repo_id}; nothing was sent"
    else:
        yield f"published: {space.publish(HfApi(), folder, repo_id, private=private)}"


def to_dvc(remote: str, url: str | None, *, dry_run: bool) -> Iterator[str]:
    """Push the release to a DVC remote that verifies, and tag the commit; gives lines that say what is done.

    Raises PublishingError when git or DVC refuse, or the commit does not hold what a reader of the tag needs: the
    hashes, where the data is, and the tables that git holds.
    """
    release = _publishable(paths.RELEASE, check_licence=True)
    tag = f"{TAG}{release.version}"
    _tagged_elsewhere(tag)
    for step in _configuration(remote, url):
        yield f"dvc {' '.join(step)}"
        if not dry_run:
            _must(_dvc(*step), f"dvc {' '.join(step)}")
    if not dry_run:
        _committed()
    push = ("push", "--remote", remote, paths.RELEASE.as_posix())
    yield f"dvc {' '.join(push)}"
    yield f"git tag {tag}"
    if dry_run:
        yield "nothing was done"
        return
    _must(_dvc(*push), f"dvc {' '.join(push)}")
    if not _git("tag", "--list", tag).stdout.strip():
        _must(_git("tag", tag), f"git tag {tag}")


def _configuration(remote: str, url: str | None) -> list[tuple[str, ...]]:
    """Return what is left to do so that a reader finds the remote, and DVC checks what it pulls from there."""
    known = [line.split()[0] for line in _dvc("remote", "list").stdout.splitlines() if line.strip()]
    if remote not in known and url is None:
        legal = ", ".join(known) or "(none)"
        raise PublishingError(f"dvc: remote must be one of {legal}, or given with --url, but is {remote!r}")
    steps: list[tuple[str, ...]] = []
    if remote not in known:
        steps.append(("remote", "add", remote, str(url)))
    if not _dvc("config", "core.remote").stdout.strip():
        steps.append(("remote", "default", remote))  # without one `dvc get` brings an empty folder, and says nothing
    if _dvc("config", f"remote.{remote}.verify").stdout.strip().lower() != "true":
        steps.append(("remote", "modify", remote, "verify", "true"))  # or a pull accepts a damaged object
    return steps


def _publishable(folder: Path, *, check_licence: bool) -> Release:
    release = sources.release(folder)
    if release.folder is None:
        raise PublishingError(f"{folder}: must be a folder")
    if (marker := folder / layout.UNCOMMITTED).is_file():
        changed = ", ".join(marker.read_text(encoding="utf-8").split("\n")[:5]).strip(", ")
        raise PublishingError(
            f"{folder}: built with changes that no commit has ({changed}); commit them, then run "
            "`dvc repro --force --single-item release`"
        )
    report = verify.verify(release, threads=engine.cores(0))
    if report.faults:
        raise PublishingError(
            f"{folder}: not what it claims: {report.faults[0]} ({len(report.faults)} faults; paletteot verify)"
        )
    if check_licence:
        licences.check(hub.images_of(release))
    return release


def _tagged_elsewhere(tag: str) -> None:
    """Refuse a release whose tag is on another commit."""
    head = _git("rev-parse", "HEAD")
    if head.returncode:
        raise PublishingError("git: publishing needs a git repository with a commit, for the tag")
    if _git("tag", "--list", tag).stdout.strip() and _git("rev-list", "-n1", tag).stdout != head.stdout:
        raise PublishingError(f"git: tag {tag} names another commit: a version is superseded, never edited")


def _committed() -> None:
    """Refuse a commit that does not hold the hashes, the tables that git holds, or not where the data is."""
    needed = ("dvc.lock", "*.dvc", ".dvc", *(file.as_posix() for file in paths.HELD_BY_GIT))
    changed = [line[3:] for line in _git("status", "--porcelain", "--", *needed).stdout.splitlines()]
    if changed:
        raise PublishingError(f"git: commit {', '.join(changed)}, then run this again: readers of the tag need it")


def _must(done: subprocess.CompletedProcess[str], what: str) -> None:
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no word"]
        raise PublishingError(f"{what}: {said[-1]}")


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)


def _dvc(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "dvc", *arguments], capture_output=True, text=True, check=False)
