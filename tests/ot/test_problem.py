from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from paletteot.errors import PaletteOTError, ProblemError
from paletteot.ot.problem import Problem, Problems


def test_cost_is_the_euclidean_distance_in_lab(make_problem):
    problem = make_problem(k=7, l=5)
    np.testing.assert_allclose(problem.cost, cdist(problem.x, problem.y), rtol=1e-14)
    assert problem.cost.shape == (7, 5)


def test_atoms_of_weight_zero_leave_the_support(make_problem):
    whole = make_problem(k=4)
    padded = Problem(
        np.vstack([whole.x, [[0, 0, 0]]]), np.append(whole.a, 0), whole.y, whole.b, whole.eps
    )  # fmt: skip
    kept = padded.on_support()
    np.testing.assert_array_equal(kept.x, whole.x)
    assert kept.a.all()


def test_a_batch_gives_back_its_problems(make_problem):
    problem = make_problem()
    again = Problems.of(problem)[0]
    for field in ("x", "a", "y", "b", "eps"):
        np.testing.assert_array_equal(getattr(again, field), getattr(problem, field))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": np.full((3, 3), np.nan)}, "source palette: centroids must be finite"),
        ({"y": np.zeros((3, 2))}, r"target palette: centroids must have shape \(k, 3\)"),
        ({"a": np.full(3, 0.5)}, "source palette: weights must sum to 1, but sum to 1.5"),
        ({"b": np.array([0.5, 0.6, -0.1])}, "target palette: weights must be finite and at least 0"),
        ({"b": np.array([0.5, 0.5, np.nan])}, "target palette: weights must be finite"),
        ({"a": np.full(2, 0.5)}, r"source palette: weights must have shape \(3,\)"),
        ({"eps": 0.0}, "eps must be a positive number of LAB units, but is 0.0"),
        ({"eps": float("nan")}, "eps must be a positive number"),
    ],
)
def test_bad_arrays_get_one_clear_line(change, words):
    good = {"x": np.eye(3), "a": np.full(3, 1 / 3), "y": np.eye(3), "b": np.full(3, 1 / 3), "eps": 0.1}
    with pytest.raises(ProblemError, match=words) as caught:
        Problem(**(good | change))
    assert isinstance(caught.value, PaletteOTError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("scale", [1e160, 1e306])
def test_supports_too_far_apart_are_refused(scale):
    x, a = np.eye(3), np.full(3, 1 / 3)
    with pytest.raises(ProblemError, match=r"centroids must lie within 1e\+150 LAB units of each other"):
        Problem(x * scale, a, -x * scale, a)


def test_far_away_together_or_of_no_weight_they_are_legal():
    x, a = np.eye(3), np.full(3, 1 / 3)
    assert np.isfinite(Problem(x * 1e149, a, -x * 1e149, a).cost).all()
    assert not Problem(np.full((3, 3), 1e300), a, np.full((3, 3), 1e300), a).cost.any()
    Problem(x * 1e200, np.array([1.0, 0, 0]), x * 1e200, np.array([1.0, 0, 0]))


@pytest.mark.parametrize("eps", [5e-324, 1e-151, 1e151, 1.7e308])
def test_an_eps_that_overflows_is_refused(eps):
    x, a = np.eye(3), np.full(3, 1 / 3)
    with pytest.raises(ProblemError, match=r"eps must be from 1e-150 to 1e\+150 LAB units"):
        Problem(x, a, x, a, eps)
