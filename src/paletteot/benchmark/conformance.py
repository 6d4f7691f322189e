"""What every contestant must do, whoever it is: the contract, checked on problems of many shapes.

Each check takes a contestant and a way to make another like it, and yields a line for each thing that is not as it must
be: what was expected and what came.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

import numpy as np

from paletteot.benchmark.records.words import is_taken, scripts
from paletteot.benchmark.specimens import EPS, batch, problem, several
from paletteot.errors import DataError, PaletteOTError
from paletteot.ot import sinkhorn
from paletteot.ot.problem import Array, Problem, Problems
from paletteot.warmstarts.contract import HungError, NoAnswerError, Start, WarmStart, passes

TOLERANCE = 0.01
"""LAB units by which rounding may move a potential: networks that reckon in float32 move theirs by a few 1e-3."""

VALUE_TOLERANCE = 1e-6
"""LAB units by which the values of two answers may differ that are equally good but not the same (`different`)."""

PASSES_TOLERANCE = 2
"""Passes by which rounding may move a number of them that depends on the problem."""

REACH = 1e6
"""LAB units beyond which potentials have fewer than nine digits behind the point."""

SIZES = ((1, 1), (2, 2), (1, 9), (9, 1), (8, 40), (300, 130))
"""Numbers of source and target atoms."""

LONGEST = {"name": 80, "summary": 300, "citation": 300}
"""Characters of what a contestant says of itself: it stands in tables."""

REAL = "iuf"
"""Kinds of dtypes that can be compared with others, if not accepted."""

Make = Callable[[], WarmStart]
Check = Callable[[WarmStart, Make], Iterator[str]]


class UnfitError(Exception):
    """An answer cannot be compared with others; the lines say why."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


def check(make: Make, taken: Collection[str] = ()) -> dict[str, list[str]]:
    """Return what is wrong with a contestant: each line, and the checks that say it; nothing where all is well.

    make: makes the contestant; called twice. taken: names that others have. A contestant that does not answer in time
    is not asked again.
    """
    wrong: dict[str, list[str]] = {}
    try:
        contestant = make()
    except Exception as error:
        return {said(error): ["making it"]}
    for name, one in {"name": lambda who, _: names(who, taken), **CHECKS}.items():
        try:
            lines = list(one(contestant, make))
        except HungError as error:
            wrong.setdefault(f"{said(error)}; it was not asked any more", []).append(name)
            break
        except UnfitError as error:
            lines = error.lines
        except Exception as error:  # whatever a contestant raises is a finding
            lines = [said(error)]
        for line in lines:
            wrong.setdefault(line, []).append(name)
    return wrong


def names(contestant: WarmStart, taken: Collection[str] = ()) -> Iterator[str]:
    """Check that it says who it is, in one line each, and takes nobody's name."""
    for field in ("name", "summary", "citation"):
        value = getattr(contestant, field, None)
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            yield f"{field} must be one line of text, but is {value!r}"
        elif len(value) > LONGEST[field]:
            yield f"{field} must have at most {LONGEST[field]} characters, but has {len(value)}"
        elif field == "name" and not value.isidentifier():
            yield f"name must be a Python identifier, but is {value!r}"
        elif field == "name" and len(found := scripts(value)) > 1:
            yield f"name must be written in one script, but {value!r} has letters of {' and '.join(found)}"
        elif field == "name" and is_taken(value, taken):
            yield f"name must be nobody else's, but is {value!r}"


def contract(contestant: WarmStart, _make: Make) -> Iterator[str]:
    """Check every field of what start returns."""
    yield from faults(contestant.start(several()), several())


def sizes(contestant: WarmStart, _make: Make) -> Iterator[str]:
    """Check that source and target may have any number of atoms, one and some hundreds among them."""
    for k, l in SIZES:
        for line in faults(contestant.start(batch([problem(k + l, k, l)])), batch([problem(k + l, k, l)])):
            yield f"{line}, for {k} and {l} atoms"


def order(contestant: WarmStart, _make: Make) -> Iterator[str]:
    """Check that the order of the atoms of source and target does not matter."""
    rng, one = np.random.default_rng(0), problem(0, 11, 13)
    i, j = rng.permutation(11), rng.permutation(13)
    shuffled = Problem(one.x[i], one.a[i], one.y[j], one.b[j], EPS)
    (g,), (passes,) = asked(contestant, batch([one]))
    (found,), (found_passes,) = asked(contestant, batch([shuffled]))
    yield from different("with its atoms in another order", shuffled, (found, found_passes), (g[j], passes))


def padding(contestant: WarmStart, _make: Make) -> Iterator[str]:
    """Check that atoms of weight zero take no part, wherever they would lie."""
    alone = [problem(seed, k, l) for seed, (k, l) in enumerate([(8, 12), (14, 5), (14, 12)])]
    g, passes = asked(contestant, batch(alone, 16, 15))
    for row, one in enumerate(alone):
        (expected,), (own,) = asked(contestant, batch([one]))
        found = g[row, : len(one.b)], passes[row]
        if lines := different("with and without atoms of weight zero", one, found, (expected, own)):
            yield from lines
            return


def batches(contestant: WarmStart, _make: Make) -> Iterator[str]:
    """Check that a batch is its problems one by one."""
    problems = several()
    g, passes = asked(contestant, problems)
    for row in range(len(problems)):
        (alone,), (own,) = asked(contestant, Problems.of(problems[row]))
        if lines := different("alone and in a batch", problems[row], (alone, own), (g[row], passes[row])):
            yield from lines
            return


def repeats(contestant: WarmStart, make: Make) -> Iterator[str]:
    """Check that the same question gets the same answer, to the bit: again, after another one, and from a new one."""
    problems = several(13)  # which no other check asks
    start = contestant.start(problems)
    first, kept = usable(start, problems), start.g
    if not np.array_equal(asked(contestant, problems)[0], first, equal_nan=True):
        yield "the same problems must get the same g when asked again at once, but got another"
    asked(contestant, batch([problem(9, 17, 5)]))
    if not np.array_equal(kept, first, equal_nan=True):
        yield "an answer must stay as it was given, but changed when the next problems were asked"
    if not np.array_equal(asked(contestant, problems)[0], first, equal_nan=True):
        yield "the same problems must get the same g after other ones were asked, but got another"
    if not np.array_equal(asked(make(), problems)[0], first, equal_nan=True):
        yield "the same problems must get the same g from one made anew, but got another: are its seeds fixed?"


def inputs(contestant: WarmStart, _make: Make) -> Iterator[str]:
    """Check that what it is given stays as it is, and may be read-only."""
    problems, untouched = several(), several()
    g, _ = asked(contestant, problems)
    for field in ("x", "a", "y", "b", "source", "target"):
        if not np.array_equal(getattr(problems, field), getattr(untouched, field)):
            yield f"start must leave what it is given as it is, but changed {field}"
        getattr(untouched, field).flags.writeable = False
    try:
        found, _ = asked(contestant, untouched)
    except Exception as error:
        yield f"start must take arrays that are read-only, but: {said(error)}"
        return
    if not np.array_equal(found, g, equal_nan=True):
        yield "read-only arrays must get the same g as others, but got another"


def gauge(contestant: WarmStart, _make: Make) -> Iterator[str]:
    """Check that the constant in g changes no count, and is not so large as to cost digits."""
    problems = several()
    g, _ = asked(contestant, problems)
    if (reach := np.abs(g[problems.b > 0]).max()) > REACH:
        yield f"g must lie within {REACH:g} LAB of 0, as a large constant costs digits, but reaches {reach:.2g}"
    for row in range(3):
        one = problems[row]
        starts = g[row], sinkhorn.fix_gauge(g[row], one.b)
        here, there = (sinkhorn.reference(one, start).iterations for start in starts)
        if abs(here - there) > 1:  # one may be rounding: docs/protocol.md, 2
            yield f"a constant added to g must not change the iterations, but changes {there} to {here}"
            return


CHECKS: Mapping[str, Check] = {
    "contract": contract, "sizes": sizes, "order": order, "padding": padding, "batches": batches, "repeats": repeats,
    "inputs": inputs, "gauge": gauge,
}  # fmt: skip


def faults(start: object, problems: Problems) -> list[str]:
    """Return what is wrong with the fields of an answer, a line each."""
    if not isinstance(start, Start):
        return [f"start must return a Start, but returned {type(start).__name__}"]
    n, lines = len(problems), []
    for field, shape in (("g", problems.b.shape), ("omega", (n,))):
        value = getattr(start, field)
        if field == "omega" and value is None:
            continue
        if not isinstance(value, np.ndarray):
            lines.append(f"{field} must be an array, but is {type(value).__name__}")
            continue
        if value.dtype != np.float64:
            lines.append(f"{field} must be float64, but is {value.dtype}")
            if value.dtype.kind not in REAL:
                continue
        if value.shape != shape:
            lines.append(f"{field} must have shape {shape}, but has {value.shape}")
        elif field == "g" and not (finite := np.isfinite(value) | (problems.b == 0)).all():
            lines.append(f"g must be finite where b is positive, but holds {value[~finite][0]}")
        elif field == "omega" and not ((value > 0) & (value < 2)).all():
            lines.append(f"omega must lie between 0 and 2, but holds {value[~((value > 0) & (value < 2))][0]:g}")
    try:
        passes(start.iterations, n)
    except DataError as error:
        lines.append(str(error))
    return lines


def asked(contestant: WarmStart, problems: Problems) -> tuple[Array, Array]:
    """Return g, (n, l), and passes, (n,), as a contestant answers; raises UnfitError where they are of no use."""
    start = contestant.start(problems)
    g = usable(start, problems)
    claimed = np.asarray(start.iterations)
    if claimed.dtype.kind not in REAL or claimed.shape not in ((), (len(problems),)):
        raise UnfitError(faults(start, problems))
    return g, np.broadcast_to(claimed.astype(np.float64), len(problems))  # differences of unsigned ones would wrap


def usable(start: object, problems: Problems) -> Array:
    """Return a copy of the g of an answer, (n, l) float64; raises UnfitError where it cannot be compared."""
    g = start.g if isinstance(start, Start) else None
    if not isinstance(g, np.ndarray) or g.shape != problems.b.shape or g.dtype.kind not in REAL:
        raise UnfitError(faults(start, problems))
    if not np.isfinite(g[problems.b > 0]).all():
        raise UnfitError(faults(start, problems))
    return g.astype(np.float64)


def different(how: str, one: Problem, found: tuple[Array, np.float64], expected: tuple[Array, np.float64]) -> list[str]:
    """Return what differs between two answers, g (l,) and passes, to what is the same problem, a line each.

    Potentials that differ are the same answer still where both are worth the same in the unregularised dual: the best
    ones there are not unique (network simplex).
    """
    kept, on, lines = one.on_support(), one.b > 0, []
    g, other = (sinkhorn.fix_gauge(answer[0][on], kept.b) for answer in (found, expected))
    apart = float(np.abs(g - other).max())
    values = [float(kept.a @ (kept.cost - potential).min(axis=1)) for potential in (g, other)]
    if apart > TOLERANCE and abs(values[0] - values[1]) > VALUE_TOLERANCE:
        lines.append(f"g must be the same {how}, up to a constant and {TOLERANCE} LAB, but differs by {apart:.2g}")
    if abs(found[1] - expected[1]) > PASSES_TOLERANCE:
        lines.append(
            f"iterations must be the same {how}, up to {PASSES_TOLERANCE}, but are {found[1]:g} and {expected[1]:g}"
        )
    return lines


def said(error: Exception) -> str:
    """Return what an exception says, in one line."""
    if isinstance(error, NoAnswerError):
        return error.what
    text = " ".join(str(error).split())
    return text if isinstance(error, PaletteOTError) else f"start raised {type(error).__name__}: {text}"
