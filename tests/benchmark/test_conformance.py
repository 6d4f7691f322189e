"""The conformance test: every built-in contestant passes it, and each way to break the contract is found."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from paletteot import warmstarts
from paletteot.benchmark import conformance
from paletteot.benchmark.specimens import several
from paletteot.ot.problem import Array, Problems
from paletteot.warmstarts.contract import HungError, Start
from tests.warmstarts import reading


@pytest.mark.parametrize("name", warmstarts.entries())
def test_every_built_in_contestant_passes(name: str, tmp_path: Path) -> None:
    assert conformance.check(partial(warmstarts.create, name, reading.file(name, tmp_path))) == {}


def distance(problems: Problems) -> Array:
    """Return an honest answer: distances of target atoms to the mean of the source."""
    mean = np.einsum("nk,nkc->nc", problems.a, problems.x)
    return np.asarray(np.linalg.norm(problems.y - mean[:, None], axis=-1))


class Honest:
    """Keeps the contract; what breaks it is derived from this."""

    name, summary, citation = "honest", "distance to the source's mean", "none"

    def start(self, problems: Problems) -> Start:
        return Start(self.g(problems))

    def g(self, problems: Problems) -> Array:
        return distance(problems)


def test_an_honest_one_passes_and_is_made_twice() -> None:
    asked: list[Honest] = []

    def make() -> Honest:
        asked.append(Honest())
        return asked[-1]

    assert conformance.check(make) == {}
    assert len(asked) == 2


class Writes(Honest):
    def g(self, problems):
        problems.x[:] = 0
        return distance(problems)


class WritesQuietly(Honest):
    def g(self, problems):
        g = distance(problems)
        if problems.b.flags.writeable:
            np.multiply(problems.b, 1 + 1e-12, out=problems.b)
        return g


class Float32(Honest):
    def g(self, problems):
        return distance(problems).astype(np.float32)


class Complex(Honest):
    def g(self, problems):
        return distance(problems) + 0j


class Texts(Honest):
    def g(self, problems):
        return np.full(problems.b.shape, "g")


class NotANumber(Honest):
    def g(self, problems):
        return np.where(problems.y[..., 0] > 50, np.nan, distance(problems))


class Infinite(Honest):
    def g(self, problems):
        return np.where(problems.b > 0.05, -np.inf, distance(problems))


class OneNumberEach(Honest):
    def g(self, problems):
        return distance(problems)[:, 0]


class Squeezes(Honest):
    def g(self, problems):
        return distance(problems).squeeze()


class Lists(Honest):
    def g(self, problems):
        return distance(problems).tolist()


class NoStart(Honest):
    def start(self, problems):
        return distance(problems)


class RemembersTheLast(Honest):
    last = 0.0

    def g(self, problems):
        g = distance(problems) * (1 + self.last)
        self.last = 1e-3 * len(problems)
        return g


class RemembersTheOther(Honest):
    """Depends on what it was asked before this, however often it was asked this."""

    before, last = 0, b""

    def g(self, problems):
        if problems.x.tobytes() != self.last:
            self.before, self.last = len(self.last), problems.x.tobytes()
        return distance(problems) * (1 + 1e-9 * self.before)


class Improves(Honest):
    """Answers better what it has met before."""

    def __init__(self) -> None:
        self.met: set[bytes] = set()

    def g(self, problems):
        g = distance(problems) * (0.9 if problems.x.tobytes() in self.met else 1.0)
        self.met.add(problems.x.tobytes())
        return g


class OneBuffer(Honest):
    """Hands out the same memory every time."""

    def __init__(self) -> None:
        self.memory = np.zeros(10_000)

    def g(self, problems):
        g = self.memory[: problems.b.size].reshape(problems.b.shape)
        g[:] = distance(problems)
        return g


class Unseeded(Honest):
    def __init__(self) -> None:
        self.noise = np.random.default_rng().normal()

    def g(self, problems):
        return distance(problems) * self.noise


class Ordered(Honest):
    def g(self, problems):
        return distance(problems) + np.arange(problems.b.shape[1])


class SourceOrdered(Honest):
    def g(self, problems):
        return np.linalg.norm(problems.y - problems.x[:, :1], axis=-1)


class CountsPadding(Honest):
    def g(self, problems):
        return np.linalg.norm(problems.y - problems.x.mean(1, keepdims=True), axis=-1)


class MixesTheBatch(Honest):
    def g(self, problems):
        return distance(problems) * problems.x[..., 0].mean() / 50


class TrustsLabels(Honest):
    """Takes a label for a place in a table of its own."""

    def g(self, problems):
        return distance(problems) * (1 + problems.source[:, None])


class FarOff(Honest):
    def g(self, problems):
        return distance(problems) + 1e13


class Heavy(Honest):
    """Works with as many atoms as the benchmark has, and no more."""

    def g(self, problems):
        table = np.zeros((128, 128))
        table[: problems.a.shape[1], : problems.b.shape[1]] = problems.a[0][:, None] * problems.b[0]
        return distance(problems)


class NoSingle(Honest):
    def g(self, problems):
        return distance(problems) / (problems.b.shape[1] > 1) if problems.b.shape[1] > 1 else 1 / np.zeros((1, 0))


class Raises(Honest):
    def g(self, problems):  # noqa: ARG002
        raise ValueError("I do not\nwant to")


class Hangs(Honest):
    """As a guest does that takes too long: `tests/warmstarts/test_guest.py` has one that really hangs."""

    asked = 0

    def start(self, problems):  # noqa: ARG002
        Hangs.asked += 1
        raise HungError("hangs", "it did not answer within 1 s")


class Nameless(Honest):
    name = ""
    summary = "two\nlines"
    citation = None


class Misnamed(Honest):
    name = "my idea"


class Imposter(Honest):
    name = "cold"


def spent(iterations: object) -> type[Honest]:
    class Spends(Honest):
        def start(self, problems: Problems) -> Start:
            return Start(distance(problems), iterations=iterations(len(problems)))  # type: ignore[operator]

    return Spends


def relaxed(omega: Callable[[int], object]) -> type[Honest]:
    class Relaxes(Honest):
        def start(self, problems: Problems) -> Start:
            return Start(distance(problems), omega=omega(len(problems)))  # type: ignore[arg-type]

    return Relaxes


BROKEN = [
    (Writes, "inputs", "start must leave what it is given as it is, but changed x"),
    (Writes, "inputs", "start must take arrays that are read-only, but: start raised ValueError: assignment destin"),
    (WritesQuietly, "inputs", "start must leave what it is given as it is, but changed b"),
    (Float32, "contract", "g must be float64, but is float32"),
    (Complex, "contract", "g must be float64, but is complex128"),
    (Texts, "contract", "g must be float64, but is <U1"),
    (NotANumber, "contract", "g must be finite where b is positive, but holds nan"),
    (Infinite, "contract", "g must be finite where b is positive, but holds -inf"),
    (OneNumberEach, "contract", "g must have shape (6, 12), but has (6,)"),
    (Squeezes, "batches", "g must have shape (1, 12), but has (12,)"),
    (Lists, "contract", "g must be an array, but is list"),
    (NoStart, "contract", "start must return a Start, but returned ndarray"),
    (RemembersTheLast, "repeats", "the same problems must get the same g when asked again at once, but got another"),
    (RemembersTheOther, "repeats", "the same problems must get the same g after other ones were asked, but got"),
    (Improves, "repeats", "the same problems must get the same g when asked again at once, but got another"),
    (OneBuffer, "repeats", "an answer must stay as it was given, but changed when the next problems were asked"),
    (Unseeded, "repeats", "the same problems must get the same g from one made anew, but got another: are its seeds"),
    (Ordered, "order", "g must be the same with its atoms in another order, up to a constant and 0.01 LAB, but"),
    (SourceOrdered, "order", "g must be the same with its atoms in another order"),
    (CountsPadding, "padding", "g must be the same with and without atoms of weight zero"),
    (MixesTheBatch, "batches", "g must be the same alone and in a batch"),
    (TrustsLabels, "batches", "g must be the same alone and in a batch"),
    (FarOff, "gauge", "g must lie within 1e+06 LAB of 0, as a large constant costs digits, but reaches 1e+13"),
    (Heavy, "sizes", "start raised ValueError: could not broadcast input array from shape (300,130)"),
    (NoSingle, "sizes", "g must have shape (1, 1), but has (1, 0), for 1 and 1 atoms"),
    (Raises, "contract", "start raised ValueError: I do not want to"),
    (Hangs, "contract", "it did not answer within 1 s; it was not asked any more"),
    (Nameless, "name", "name must be one line of text, but is ''"),
    (Nameless, "name", r"summary must be one line of text, but is 'two\nlines'"),
    (Nameless, "name", "citation must be one line of text, but is None"),
    (Misnamed, "name", "name must be a Python identifier, but is 'my idea'"),
    (Imposter, "name", "name must be nobody else's, but is 'cold'"),
    (spent(lambda _: -1), "contract", "iterations must be from 0 to 1000000, but hold -1"),
    (spent(lambda _: 2.0), "contract", "iterations must be whole numbers, but are float64"),
    (spent(lambda _: None), "contract", "iterations must be whole numbers, but are object"),
    (spent(lambda n: np.zeros(n + 1, int)), "contract", "iterations must be one number or (6,), but have shape (7,)"),
    (spent(lambda n: n), "batches", "iterations must be the same alone and in a batch, up to 2, but are 1 and 6"),
    (relaxed(lambda n: np.full(n, 2.5)), "contract", "omega must lie between 0 and 2, but holds 2.5"),
    (relaxed(lambda n: np.full(n, np.nan)), "contract", "omega must lie between 0 and 2, but holds nan"),
    (relaxed(lambda n: np.ones(n, np.float32)), "contract", "omega must be float64, but is float32"),
    (relaxed(lambda n: np.ones((n, 1))), "contract", "omega must have shape (6,), but has (6, 1)"),
    (relaxed(lambda _: 1.8), "contract", "omega must be an array, but is float"),
]  # fmt: skip


@pytest.mark.parametrize(("cheat", "check", "words"), BROKEN, ids=lambda one: getattr(one, "__name__", None))
def test_a_broken_contract_is_found_by_its_check(cheat: type[Honest], check: str, words: str) -> None:
    wrong = conformance.check(cheat, warmstarts.entries())
    assert all("\n" not in line for line in wrong)
    assert any(line.startswith(words) and check in checks for line, checks in wrong.items()), wrong


def test_every_failure_is_in_one_report_and_none_twice() -> None:
    class Both(Ordered):
        citation = ""

        def start(self, problems: Problems) -> Start:
            return Start(self.g(problems).astype(np.float32), iterations=-3)

    lines = list(conformance.check(Both))
    assert any("float32" in line for line in lines)
    assert any("in another order" in line for line in lines)
    assert any("iterations must be from 0 to 1000000" in line for line in lines)
    assert any("citation" in line for line in lines)


def test_a_count_that_depends_on_the_constant_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def reference(_problem: object, g: Array) -> SimpleNamespace:
        return SimpleNamespace(iterations=int(g.mean()))

    monkeypatch.setattr(conformance.sinkhorn, "reference", reference)
    (line,) = conformance.check(Honest)
    assert line.startswith("a constant added to g must not change the iterations, but changes ")


def test_what_hangs_is_asked_once() -> None:
    Hangs.asked = 0
    conformance.check(Hangs)
    assert Hangs.asked == 1


def test_one_that_cannot_be_made_is_one_line() -> None:
    def make() -> Honest:
        raise RuntimeError("no weights")

    assert conformance.check(make) == {"start raised RuntimeError: no weights": ["making it"]}


def test_specimens_share_palettes_as_their_labels_say() -> None:
    problems = several()
    for one, other in ((0, 1), (2, 3)):
        assert problems.source[one] == problems.source[other]
        np.testing.assert_array_equal(problems.x[one], problems.x[other])
    assert (problems.b == 0).any()
