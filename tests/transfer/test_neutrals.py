from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from paletteot.ot.problem import Problem
from paletteot.transfer.neutrals import LEAST, protect, shares
from tests.conftest import palette

WHITE, BLACK, RED, YELLOW = [100.0, 0, 0], [0.0, 0, 0], [50.0, 70, 50], [85.0, 5, 80]


def problem(source, a, target, b):
    return Problem(np.array(source, float), np.array(a, float), np.array(target, float), np.array(b, float), 0.1)


def test_white_that_both_have_stays_and_the_rest_is_transported():
    made = protect(problem([WHITE, YELLOW], [0.9, 0.1], [WHITE, RED], [0.6, 0.4]), 1.0)
    np.testing.assert_allclose(made.kept, [1, 0], atol=1e-12)
    assert made.rest is not None
    np.testing.assert_allclose(made.rest.a, [0, 1])
    np.testing.assert_allclose(made.rest.b, [0, 1])
    assert made.mass == np.float64(0.1)


def test_white_of_which_the_other_has_hardly_any_is_transported():
    assert shares(problem([WHITE, YELLOW], [0.9, 0.1], [WHITE, RED], [0.01, 0.99]))[0] == 0


def test_what_has_colour_is_never_kept_even_where_both_have_it():
    assert shares(problem([RED, WHITE], [0.5, 0.5], [RED, WHITE], [0.5, 0.5]))[0] == 0


def test_a_grey_of_another_lightness_is_another_grey():
    assert shares(problem([BLACK, RED], [0.5, 0.5], [WHITE, RED], [0.5, 0.5]))[0] == 0


def test_where_all_is_kept_nothing_is_left_to_transport():
    made = protect(problem([WHITE], [1], [WHITE], [1]), 1.0)
    assert made.rest is None
    assert made.mass == 0


def test_where_the_other_has_nothing_else_all_of_it_is_wanted_again():
    made = protect(problem([WHITE, YELLOW], [0.5, 0.5], [WHITE], [1]), 1.0)
    assert made.rest is not None
    np.testing.assert_allclose(made.rest.b, [1])


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_mass_is_neither_made_nor_lost(seed, strength):
    rng = np.random.default_rng(seed)
    (x, a), (y, b) = palette(rng, 12, 3.0), palette(rng, 9, 3.0)
    x[:4, 1:] *= 0.05
    y[:4, 1:] *= 0.05
    whole = Problem(x, a, y, b, 0.5)
    made = protect(whole, strength)
    assert ((made.kept >= 0) & (made.kept <= 1)).all()
    np.testing.assert_allclose(made.matched.sum(axis=1), a * made.kept, atol=1e-12)
    left = made.mass * made.rest.a if made.rest is not None else np.zeros(len(a))
    np.testing.assert_allclose(made.matched.sum(axis=1) + left, a, atol=13 * LEAST)
    if strength == 0:
        np.testing.assert_allclose(left, a)
