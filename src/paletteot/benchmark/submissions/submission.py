"""Taking part with a file: potentials made elsewhere, checked as a whole, then judged as any other start."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from paletteot.benchmark.records.facts import Claim, Measured, RecordFacts, Terms, version_of
from paletteot.benchmark.submissions import rows, said, unpack
from paletteot.benchmark.submissions.said import Said
from paletteot.dataset.load import Pairs
from paletteot.errors import DataError
from paletteot.files import sha256_of
from paletteot.ot.problem import Array, Problems
from paletteot.warmstarts.contract import Start, WarmStart


class SubmissionError(DataError):
    """A submission is not legal; problems: a line for each thing that is wrong, with the name of its file."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Submission:
    """A legal submission.

    said: what its YAML says. frame: rows of schema.submission, in the order of the split's pairs. sha256: of the YAML
    and of the Parquet file, by their names.
    """

    said: Said
    frame: pl.DataFrame
    sha256: dict[str, str]

    @property
    def version(self) -> str:
        """Twelve hex digits that any change of either file changes."""
        return version_of(self.sha256, "")

    def recorded(self, terms: Terms, measured: Measured) -> RecordFacts:
        """Return what its record says of it."""
        one = self.said
        return RecordFacts(
            name=one.name, by=tuple(one.authors), link=one.link, tracks=(one.track,), splits=(one.split,),
            terms=terms, version=self.version, submitted=self.sha256,
            claimed=Claim(seconds=one.seconds, hardware=one.hardware), measured=measured,
        )  # fmt: skip

    def maker(self, pairs: Pairs) -> Filed:
        """Return what makes the contestant of its potentials. pairs: of its split."""
        omega = self.frame["omega"].to_numpy() if "omega" in self.frame.columns else None
        passes = self.frame["iterations"].to_numpy().astype(np.int64)
        return Filed(
            self.said.name, self.version, pairs.source, pairs.target, self.frame["g"].to_numpy(), omega, passes
        )


@dataclass(eq=False)
class Filed:
    """Potentials of the pairs of a split as a contestant, which can start them and no others.

    source, target: (m,) rows of each pair's palettes. g: (m, l). omega: (m,) or None. passes: (m,). timed: that its
    starts were made elsewhere, and looking one up takes no time of theirs.
    """

    name: str
    version: str
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    g: Array
    omega: Array | None
    passes: NDArray[np.int64]
    summary: str = "submitted as a file"
    citation: str = ""
    timed: bool = False

    def __call__(self) -> WarmStart:
        """Return itself: it is made already."""
        return self

    def __hash__(self) -> int:
        return hash(self.version)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filed) and self.version == other.version

    def start(self, problems: Problems) -> Start:
        """Return what was submitted, and nothing that can be used for a pair that was not."""
        known = {pair: row for row, pair in enumerate(zip(self.source.tolist(), self.target.tolist(), strict=True))}
        asked = zip(problems.source.tolist(), problems.target.tolist(), strict=True)
        rows = np.array([known.get(pair, -1) for pair in asked], dtype=np.int64)
        there = rows >= 0
        g = np.full(problems.b.shape, np.nan)
        if there.any():
            g[there] = self.g[rows[there]]
        omega = None if self.omega is None else np.where(there, self.omega[rows], 1.0)
        return Start(g, omega, np.where(there, self.passes[rows], 0))


def read(path: Path, pairs_of: Callable[[str], Pairs], *, taken: Collection[str], version: str) -> Submission:
    """Read and check a submission: a YAML file, and the Parquet file beside it that it names.

    pairs_of: gives the labelled pairs of a split. taken: names of contestants that are there already. version: of the
    data set. Nothing is run, and nothing in the files is executed. Raises SubmissionError with all that is wrong.
    """
    yaml = _content(path, said.LARGEST)
    mapping, problems = said.parse(yaml)
    if problems:
        raise SubmissionError([f"{path.name}: {problem}" for problem in problems])
    facts, complaints = said.check(mapping, taken, version)
    problems = [f"{path.name}: {problem}" for problem in complaints]
    wrong = {problem.partition(":")[0].partition(".")[0] for problem in complaints}
    if wrong & {"split", "file"} or not {"split", "file"} <= set(mapping):
        raise SubmissionError(problems)  # which rows there should be, or where, is not known
    file, pairs = path.with_name(str(mapping["file"])), pairs_of(str(mapping["split"]))
    n, k = len(pairs), pairs.palettes.a.shape[1]
    try:
        content = _content(file, unpack.most_bytes(n, k))
    except SubmissionError as error:
        raise SubmissionError([*problems, *error.problems]) from None
    frame, found = rows.parse(content, n, k)
    problems += [f"{file.name}: {problem}" for problem in found or rows.check(frame, pairs)]
    if problems or facts is None:
        raise SubmissionError(problems)
    sha256 = {path.name: sha256_of(yaml), file.name: sha256_of(content)}
    return Submission(facts, rows.arranged(frame, pairs), sha256)


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
