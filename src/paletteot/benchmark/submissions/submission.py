"""Taking part with a file: potentials made elsewhere, checked as a whole, then judged as any other start."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from paletteot.benchmark.records.facts import Claim, Measured, RecordFacts, version_of
from paletteot.benchmark.submissions import rows as submission_rows
from paletteot.benchmark.submissions import said as submission_facts
from paletteot.benchmark.submissions import unpack as submission_unpack
from paletteot.benchmark.submissions.said import Facts
from paletteot.benchmark.tracks.accelerated import accelerations, track_b
from paletteot.benchmark.tracks.asking import ask
from paletteot.benchmark.tracks.base import plain
from paletteot.benchmark.tracks.runner import track_a
from paletteot.dataset.load import Pairs
from paletteot.errors import DataError
from paletteot.files import sha256_of
from paletteot.ot.problem import Array, Problems
from paletteot.warmstarts.contract import Start


class SubmissionError(DataError):
    """A submission is not legal; problems: a line for each thing that is wrong, with the name of its file."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Submission:
    """A legal submission.

    facts: what its YAML says. frame: rows of schema.submission, in the order of the split's pairs. sha256: of the YAML
    and of the Parquet file, by their names.
    """

    facts: Facts
    frame: pl.DataFrame
    sha256: dict[str, str]

    @property
    def version(self) -> str:
        """Twelve hex digits that any change of either file changes."""
        return version_of(self.sha256)

    def recorded(self, measured: Measured) -> RecordFacts:
        """Return what its record says of it."""
        said = self.facts
        return RecordFacts(
            name=said.name, by=tuple(said.authors), link=said.link, tracks=(said.track,), split=said.split,
            data_version=said.data_version, version=self.version, submitted=self.sha256,
            claimed=Claim(seconds=said.seconds, hardware=said.hardware), measured=measured,
        )  # fmt: skip

    def part(self, rows: slice) -> Part:
        """Return some rows as a contestant for their pairs."""
        frame = self.frame[rows]
        omega = frame["omega"].to_numpy() if "omega" in frame.columns else None
        return Part(self.facts.name, frame["g"].to_numpy(), omega, frame["iterations"].to_numpy().astype(np.int64))


@dataclass
class Part:
    """Some rows of a submission as a contestant, which can start their pairs and no others."""

    name: str
    g: Array
    omega: Array | None
    iterations: NDArray[np.int64] | int
    summary: str = "submitted as a file"
    citation: str = ""

    def start(self, problems: Problems) -> Start:  # noqa: ARG002 - the contract's; the answer is there already
        """Return what was submitted."""
        return Start(self.g, self.omega, self.iterations)


def read(path: Path, pairs_of: Callable[[str], Pairs], *, taken: Collection[str], version: str) -> Submission:
    """Read and check a submission: a YAML file, and the Parquet file beside it that it names.

    pairs_of: gives the labelled pairs of a split. taken: names of contestants that are there already. version: of the
    data set. Nothing is run, and nothing in the files is executed. Raises SubmissionError with all that is wrong.
    """
    yaml = _content(path, submission_facts.LARGEST)
    mapping, problems = submission_facts.parse(yaml)
    if problems:
        raise SubmissionError([f"{path.name}: {problem}" for problem in problems])
    facts, complaints = submission_facts.check(mapping, taken, version)
    problems = [f"{path.name}: {problem}" for problem in complaints]
    wrong = {problem.partition(":")[0].partition(".")[0] for problem in complaints}
    if wrong & {"split", "file"} or not {"split", "file"} <= set(mapping):
        raise SubmissionError(problems)  # which rows there should be, or where, is not known
    file, pairs = path.with_name(str(mapping["file"])), pairs_of(str(mapping["split"]))
    n, k = len(pairs), pairs.palettes.a.shape[1]
    try:
        content = _content(file, submission_unpack.most_bytes(n, k))
    except SubmissionError as error:
        raise SubmissionError([*problems, *error.problems]) from None
    frame, found = submission_rows.parse(content, n, k)
    problems += [f"{file.name}: {problem}" for problem in found or submission_rows.check(frame, pairs)]
    if problems or facts is None:
        raise SubmissionError(problems)
    sha256 = {path.name: sha256_of(yaml), file.name: sha256_of(content)}
    return Submission(facts, submission_rows.arranged(frame, pairs), sha256)


def _content(path: Path, most: int) -> bytes:
    """Return the bytes of a file; raises SubmissionError where it is none or larger than it can be."""
    try:
        if not path.is_file():
            raise SubmissionError([f"{path.name}: no such file"])
        with path.open("rb") as stream:
            content = stream.read(most + 1)
    except OSError as error:
        raise SubmissionError([f"{path.name}: cannot be read: {error.strerror}"]) from None
    if len(content) > most:
        raise SubmissionError([f"{path.name}: must be at most {most} bytes, but is larger"])
    return content


def judge(part: Part, pairs: Pairs, track: str, *, eps: float, atol: float, max_iterations: int) -> pl.DataFrame:
    """Judge a part on its pairs under Track A or B; returns the columns of all tables of that track.

    Seconds are those of the iterations alone: the start was made elsewhere. Under Track B the rows of plain Sinkhorn
    from cold stand among them.
    """
    starts = replace(ask(part, pairs, eps), seconds=0.0)
    if track == "A":
        return track_a(starts, atol=atol, max_iterations=max_iterations)
    ours = track_b(starts, accelerations(starts), max_iterations=max_iterations)
    return pl.concat([ours, plain(pairs, eps=eps, max_iterations=max_iterations)])
