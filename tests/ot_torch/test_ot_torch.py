from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from paletteot import ot_torch as batched
from paletteot.errors import ProblemError
from paletteot.ot import accelerated, newton, sinkhorn
from paletteot.ot.problem import Array, Problem, Problems
from paletteot.ot.schedule import schedule
from paletteot.ot_torch import Stack, extrapolation
from tests.conftest import batch, palette

K, L = 20, 17
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]
SOLVERS = {
    "reference": batched.reference,
    "plain": batched.plain,
    "relaxed": batched.relaxed,
    "anderson": batched.anderson,
    "newton": batched.newton,
}
DESCENTS = ["plain", "relaxed", "anderson"]


def pad(x: Array, a: Array, size: int) -> tuple[Array, Array]:
    """Return a palette with atoms of weight zero, nowhere, at seeded places among the others."""
    points, weights = np.full((size, 3), np.nan), np.zeros(size)
    places = np.sort(np.random.default_rng(len(a)).permutation(size)[: len(a)])
    points[places], weights[places] = x, a
    return points, weights


def ragged(seed: int, n: int = 12, eps: float = 0.5, k: int = K, l: int = L, smallest: int = 5) -> Problems:
    """Return problems whose palettes have from ``smallest`` to k and l atoms."""
    rng = np.random.default_rng(seed)
    sources = [pad(*palette(rng, int(rng.integers(smallest, k + 1))), k) for _ in range(n)]
    targets = [pad(*palette(rng, int(rng.integers(smallest, l + 1))), l) for _ in range(n)]
    x, a = (np.stack(part) for part in zip(*sources, strict=True))
    y, b = (np.stack(part) for part in zip(*targets, strict=True))
    return Problems(x, a, y, b, eps, np.arange(n), np.arange(n, 2 * n))


def take(problems: Problems, rows: Array | list[int]) -> Problems:
    parts = (problems.x, problems.a, problems.y, problems.b)
    x, a, y, b = (part[rows] for part in parts)
    return Problems(x, a, y, b, problems.eps, problems.source[rows], problems.target[rows])


def singles(problems: Problems) -> list[Problem]:
    return [problems[row] for row in range(len(problems))]


def counts(run: object) -> Array:
    return np.asarray(run.steps if isinstance(run, batched.Solutions) else run.iterations)  # type: ignore[attr-defined]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("eps", [0.1, 0.5])
def test_the_reference_counts_as_the_single_one(device, eps):
    problems = ragged(0, n=20, eps=eps)
    run = batched.reference(Stack.of(problems, device), max_iterations=3000)
    one = [sinkhorn.reference(problem, max_iterations=3000) for problem in singles(problems)]
    np.testing.assert_array_equal(run.iterations.cpu(), [r.iterations for r in one])
    np.testing.assert_array_equal(run.converged.cpu(), [r.converged for r in one])
    np.testing.assert_allclose(run.g.cpu(), np.stack([r.g for r in one]), atol=1e-9)
    np.testing.assert_allclose(run.error.cpu(), [r.errors[-1] for r in one], rtol=1e-6, atol=1e-12)
    assert len(set(run.iterations.tolist())) > 10  # they did leave the batch at different times


def test_the_reference_counts_from_far_away_and_at_the_cap():
    problems = ragged(1, eps=0.1)
    g = np.random.default_rng(1).normal(size=problems.b.shape) * 300  # exp(g / eps) overflows by far
    run = batched.reference(Stack.of(problems), g, max_iterations=800)
    one = [sinkhorn.reference(p, g[row], max_iterations=800) for row, p in enumerate(singles(problems))]
    np.testing.assert_array_equal(run.iterations, [r.iterations for r in one])
    assert set(run.converged.tolist()) == {True, False}
    np.testing.assert_array_equal(run.converged, run.iterations < 800)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("omega", [0.9, 1.8, 1.95])
def test_relaxed_counts_as_the_single_one(omega, device):
    problems = ragged(2)
    options = {"omega": omega, "tolerances": (1e-5, 1e-9) if omega > 1 else (1e-2, 1e-3)}
    run = batched.relaxed(Stack.of(problems, device), **options)
    one = [accelerated.relaxed(p, **options) for p in singles(problems)]
    np.testing.assert_array_equal(run.iterations.cpu(), [r.iterations for r in one])
    np.testing.assert_array_equal(run.undone.cpu(), [r.undone for r in one])
    assert run.converged.all()
    assert omega < 1.95 or run.undone.sum() > 0  # the safeguard was at work


def test_relaxed_undoes_as_the_single_one_on_hard_problems():
    problems = ragged(0, eps=0.05)  # among them standstills, steps back, and one run that ends at the cap
    run = batched.relaxed(Stack.of(problems), max_iterations=4000)
    one = [accelerated.relaxed(p, max_iterations=4000) for p in singles(problems)]
    np.testing.assert_array_equal(run.iterations, [r.iterations for r in one])
    np.testing.assert_array_equal(run.undone, [r.undone for r in one])
    np.testing.assert_array_equal(run.converged, [r.converged for r in one])
    np.testing.assert_allclose(run.g, np.stack([r.g for r in one]), atol=1e-8)
    assert not run.converged.all()


def test_relaxed_takes_an_omega_for_each_problem():
    problems = ragged(3)
    omega = np.linspace(1.2, 1.9, len(problems))
    run = batched.relaxed(Stack.of(problems), omega=omega)
    one = [accelerated.relaxed(p, omega=w) for p, w in zip(singles(problems), omega, strict=True)]
    np.testing.assert_array_equal(run.iterations, [r.iterations for r in one])


def test_plain_counts_as_the_single_one():
    problems = ragged(4)
    run = batched.plain(Stack.of(problems))
    np.testing.assert_array_equal(run.iterations, [accelerated.plain(p).iterations for p in singles(problems)])


@pytest.mark.parametrize("memory", [1, 5, 10, 20])
def test_anderson_counts_as_the_single_one(memory):
    # From cold on hard problems the steps amplify rounding: there two orders of the atoms give the single solver
    # other counts too. From an epsilon schedule, at a larger eps, they do not.
    problems = ragged(5, n=40, eps=1.0)
    g = np.stack([schedule(problem, 10) for problem in singles(problems)])
    run = batched.anderson(Stack.of(problems), g, memory=memory)
    one = np.stack([accelerated.anderson(p, g[i], memory=memory).iterations for i, p in enumerate(singles(problems))])
    gap = np.abs(run.iterations.numpy() - one)
    assert (gap == 0).mean() >= 0.95
    assert gap.max() <= 2
    assert run.converged.all()


def test_anderson_at_a_standstill_is_plain(monkeypatch):
    monkeypatch.setattr(extrapolation, "PATIENCE", -1)
    batch = Stack.of(ragged(4))
    run, plain = batched.anderson(batch), batched.plain(batch)
    torch.testing.assert_close(run.iterations, plain.iterations)
    torch.testing.assert_close(run.g, plain.g)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("memory", [3, 10])
@pytest.mark.parametrize("passes", [0, 1, 2, 7, 14])
def test_anderson_takes_the_single_ones_steps(memory, passes, device):
    problems = ragged(6, eps=0.1)
    options = {"memory": memory, "max_iterations": passes, "tolerances": (1e-14,)}
    run = batched.anderson(Stack.of(problems, device), **options)
    one = [accelerated.anderson(p, **options) for p in singles(problems)]
    np.testing.assert_allclose(run.error.cpu(), [r.error for r in one], rtol=1e-5, atol=1e-13)
    np.testing.assert_array_equal(run.undone.cpu(), [r.undone for r in one])


def test_anderson_undoes_bad_steps_and_converges():
    problems = ragged(7, n=16, eps=0.05)
    run = batched.anderson(Stack.of(problems))
    assert run.undone.sum() > 0
    assert run.converged.all()


@pytest.mark.parametrize("device", DEVICES)
def test_newton_takes_the_single_ones_steps(device):
    problems = ragged(8, n=16, eps=0.5)
    run = batched.newton(Stack.of(problems, device))
    one = [newton.solve(problem, sinkhorn.cold(problem)) for problem in singles(problems)]
    np.testing.assert_array_equal(run.steps.cpu(), [s.steps for s in one])
    np.testing.assert_allclose(run.g.cpu(), np.stack([s.g for s in one]), atol=1e-6)
    assert run.converged.all()


def test_newton_leaves_out_what_it_cannot_solve():
    problems = ragged(9, n=6, eps=0.1)
    batch = Stack.of(problems)
    g = batched.newton(batch).g
    g[1:] = batch.start(None)[1:]
    run = batched.newton(batch, g, max_steps=2)
    assert run.converged[0]
    assert not run.converged[1:].any()
    assert run.steps.tolist() == [0, 2, 2, 2, 2, 2]


def first_steps(name: str, problems: Problems) -> object:
    """Run a solver while rounding is not yet amplified, and so that some problems leave the batch on the way."""
    batch = Stack.of(problems)
    if name == "reference":
        return batched.reference(batch, atol=1e-2)
    if name == "newton":
        return batched.newton(batch, tolerance=1e-3, max_steps=8)
    return SOLVERS[name](batch, tolerances=(1e-2, 1e-3), max_iterations=15 if name == "anderson" else 60)


@pytest.mark.parametrize("name", SOLVERS)
@settings(max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_padding_changes_nothing(name, seed):
    problems = ragged(seed, n=3, eps=5.0, smallest=4)
    wide = Problems(
        *(np.pad(part, [(0, 0), (0, 3), (0, 0)][: part.ndim], constant_values=fill)
          for part, fill in ((problems.x, 7.0), (problems.a, 0.0), (problems.y, np.inf), (problems.b, 0.0))),
        problems.eps, problems.source, problems.target,
    )  # fmt: skip
    narrow_run, wide_run = first_steps(name, problems), first_steps(name, wide)
    np.testing.assert_array_equal(counts(narrow_run), counts(wide_run))
    np.testing.assert_allclose(narrow_run.g, wide_run.g[:, :L], atol=1e-7)
    assert (wide_run.g[torch.as_tensor(wide.b == 0)] == 0).all()
    np.testing.assert_allclose((wide_run.g * torch.as_tensor(wide.b)).sum(1), 0, atol=1e-10)
    if name != "relaxed":  # its source side is not exact
        errors = [sinkhorn.marginal_error(problems[row], g) for row, g in enumerate(narrow_run.g.numpy())]
        np.testing.assert_allclose(errors, wide_run.error, rtol=1e-6)


@pytest.mark.parametrize("name", SOLVERS)
@settings(max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_no_problem_depends_on_the_others(name, seed):
    problems = ragged(seed, n=6, eps=5.0)
    order = np.random.default_rng(seed).permutation(6)
    together, shuffled = first_steps(name, problems), first_steps(name, take(problems, order))
    alone = [first_steps(name, take(problems, [row])) for row in range(6)]
    np.testing.assert_array_equal(counts(shuffled), counts(together)[order])
    np.testing.assert_array_equal(np.concatenate([counts(run) for run in alone]), counts(together))
    np.testing.assert_allclose(shuffled.g, together.g[order], atol=1e-7)
    np.testing.assert_allclose(np.concatenate([run.g for run in alone]), together.g, atol=1e-7)


@pytest.mark.parametrize("name", DESCENTS)
def test_a_kernel_in_single_precision_reaches_every_tolerance(name):
    problems = ragged(10, eps=1.0)
    batch = Stack.of(problems)
    run = SOLVERS[name](batch, kernel_dtype=torch.float32, tolerances=(1e-5, 1e-9, 1e-11))
    assert run.converged.all()
    recomputed = [sinkhorn.marginal_error(problem, run.g[row].numpy()) for row, problem in enumerate(singles(problems))]
    assert max(recomputed) <= 1.1e-11
    double = SOLVERS[name](batch, tolerances=(1e-5, 1e-9, 1e-11))
    if name == "plain":  # no memory to be lost between the two kernels
        assert (run.iterations - double.iterations).abs().max() <= 1
    assert (run.iterations.diff(dim=1) >= 0).all()


def test_the_reference_on_a_kernel_in_single_precision():
    problems = ragged(11, eps=0.3)
    single = batched.reference(Stack.of(problems), kernel_dtype=torch.float32)
    double = batched.reference(Stack.of(problems))
    assert (single.iterations - double.iterations).abs().max() <= 2
    again = [sinkhorn.reference(p, single.g[row].numpy()) for row, p in enumerate(singles(problems))]
    assert all(run.iterations == 0 for run in again)  # the stop holds in float64


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
def test_bad_starts_are_refused(solver):
    batch = Stack.of(ragged(12, n=3))
    g = torch.zeros(3, L, dtype=torch.float64)
    g[2, int(batch.b[2].nonzero()[0])] = torch.nan
    with pytest.raises(ProblemError, match=r"g must be finite where the target weight is positive, .* problem 2$"):
        solver(batch, g)
    with pytest.raises(ProblemError, match=r"g must have shape \(3, 17\), but has \(2, 17\)"):
        solver(batch, g[:2])


def test_a_start_off_the_support_is_ignored_and_the_callers_tensors_are_kept():
    problems = ragged(13, n=4)
    batch = Stack.of(problems)
    g = torch.where(batch.b > 0, 1.0, torch.nan)
    before = g.clone()
    for solver in SOLVERS.values():
        assert solver(batch, g).g.isfinite().all()
    torch.testing.assert_close(g, before, equal_nan=True)
    torch.testing.assert_close(batch.b, torch.as_tensor(problems.b))
    torch.testing.assert_close(batch.a, torch.as_tensor(problems.a))


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
def test_every_tensor_is_made_on_the_device_of_the_batch(solver):
    batch = Stack.of(ragged(18, n=4, eps=1.0))
    with torch.device("meta"):  # where a tensor made without naming a device would be, and not mix with the others
        run = solver(batch.to("cpu"), np.zeros((4, L)))
    assert {part.device.type for part in vars(run).values()} == {"cpu"}
    assert run.converged.all()


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
def test_an_empty_batch_gives_an_empty_answer(solver):
    assert len(solver(Stack.of(take(ragged(14, n=1), []))).g) == 0


def test_one_atom_each():
    one = torch.ones(1, 1, 3, dtype=torch.float64)
    batch = Stack(0 * one, one[:, :, 0], one, one[:, :, 0], 0.1)
    for solver in SOLVERS.values():
        run = solver(batch)
        assert run.converged.all()
        assert run.g.tolist() == [[0.0]]
    assert batch.plan(batch.start(None)).item() == pytest.approx(1)


@pytest.mark.parametrize(
    ("field", "change", "message"),
    [
        ("a", lambda a: a.mul_(0.5), "source palettes: weights must sum to 1"),
        ("b", lambda b: b.mul_(-1), "target palettes: weights must be finite and at least 0"),
        ("x", lambda x: x.nan_to_num_().mul_(torch.nan), "source palettes: centroids must be finite"),
        ("y", lambda y: y.resize_(3, L, 2), "target palettes must have shapes"),
    ],
)
def test_illegal_problems_are_refused(field, change, message):
    batch = Stack.of(ragged(15, n=3))
    change(getattr(batch, field))
    with pytest.raises(ProblemError, match=message):
        Stack(batch.x, batch.a, batch.y, batch.b, batch.eps)


def test_illegal_settings_are_refused():
    batch = Stack.of(ragged(16, n=3))
    with pytest.raises(ProblemError, match="eps must be a positive number"):
        Stack(batch.x, batch.a, batch.y, batch.b, 0.0)
    with pytest.raises(ProblemError, match="must be float64"):
        Stack(batch.x.float(), batch.a, batch.y, batch.b)
    with pytest.raises(ProblemError, match="as many"):
        Stack(batch.x[:2], batch.a[:2], batch.y, batch.b)
    with pytest.raises(ProblemError, match="memory must be from 1"):
        batched.anderson(batch, memory=0)
    with pytest.raises(ProblemError, match="omega must be between 0 and 2"):
        batched.relaxed(batch, omega=[1.0, 2.0, 1.0])
    with pytest.raises(ProblemError, match="omega must be one number or have shape"):
        batched.relaxed(batch, omega=[1.0, 1.5])
    with pytest.raises(ProblemError, match="tolerances must be positive and fall"):
        batched.plain(batch, tolerances=(1e-9, 1e-5))
    with pytest.raises(ProblemError, match="kernel_dtype must be"):
        batched.plain(batch, kernel_dtype=torch.float16)


def test_the_other_solvers_do_not_import_torch():
    code = "import sys, paletteot.ot.exact; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("constant", [1e6, 1e17, -1e300])
def test_a_batch_does_not_see_a_constant(constant):
    rng = np.random.default_rng(0)
    problems = Stack.of(batch([Problem(*palette(rng, 9), *palette(rng, 8), 0.5) for _ in range(3)]))
    g = rng.normal(size=(3, 8))
    here, there = (batched.reference(problems, start) for start in ((g + constant) - constant, g + constant))
    assert there.iterations.tolist() == here.iterations.tolist()
    np.testing.assert_allclose(there.error, here.error, rtol=1e-4)
    wide = g.copy()
    wide[1, 0] = constant
    if abs(constant) > 1e6:
        with pytest.raises(ProblemError, match=r"g must spread over at most .* in problem 1"):
            batched.reference(problems, wide)
