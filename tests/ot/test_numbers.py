from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import paletteot
from paletteot.errors import PaletteOTError, ProblemError
from paletteot.ot import accelerated, newton, numbers, sinkhorn
from paletteot.ot.problem import Problem
from paletteot.ot.schedule import schedule

POINTS = np.array([[10.0, 0, 0], [50, 20, -20], [90, 0, 40]])
THIRDS = np.full(3, 1 / 3)
PROBLEM = Problem(POINTS, THIRDS, POINTS[::-1] + 1, THIRDS, 1.0)

NOT_NUMBERS = [
    "0.1", b"1", None, 1j, np.complex64(1), np.array([0.1]), np.array(1j), np.eye(9), [1.0], {}, object(),
    np.datetime64("2020-01-01"), np.timedelta64(1, "s"), 10**400, np.array("1"),
]  # fmt: skip

ANY = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.complex_numbers(), st.fractions(),
    st.decimals(allow_nan=True), st.lists(st.floats(), max_size=3), st.dictionaries(st.text(), st.none(), max_size=1),
    st.sampled_from(NOT_NUMBERS), st.sampled_from([np.float32(0.5), np.int8(3), np.array(2.0), np.bool_(True)]),
)  # fmt: skip

QUESTIONS = {
    "eps": lambda value: Problem(POINTS, THIRDS, POINTS, THIRDS, value),
    "tolerance of solve": lambda value: paletteot.solve(PROBLEM, tolerance=value),
    "tolerance of newton": lambda value: newton.solve(PROBLEM, tolerance=value, max_steps=3),
    "max_steps": lambda value: newton.solve(PROBLEM, max_steps=value),
    "atol": lambda value: sinkhorn.reference(PROBLEM, atol=value, max_iterations=9),
    "atol in the log domain": lambda value: sinkhorn.reference_log_domain(PROBLEM, atol=value, max_iterations=9),
    "atols": lambda value: sinkhorn.reference_at(PROBLEM, atols=value, max_iterations=9),
    "one of atols": lambda value: sinkhorn.reference_at(PROBLEM, atols=(value,), max_iterations=9),
    "max_iterations": lambda value: sinkhorn.reference(PROBLEM, max_iterations=value),
    "max_iterations of plain": lambda value: accelerated.plain(PROBLEM, max_iterations=value),
    "tolerances": lambda value: accelerated.plain(PROBLEM, tolerances=value, max_iterations=9),
    "one of tolerances": lambda value: accelerated.anderson(PROBLEM, tolerances=(value,), max_iterations=9),
    "memory": lambda value: accelerated.anderson(PROBLEM, memory=value),
    "omega": lambda value: accelerated.relaxed(PROBLEM, omega=value, max_iterations=9),
    "hottest": lambda value: schedule(PROBLEM, 3, value),
    "centroids": lambda value: Problem(value, THIRDS, POINTS, THIRDS),
    "weights": lambda value: Problem(POINTS, value, POINTS, THIRDS),
    "g": lambda value: sinkhorn.reference(PROBLEM, [value] * 3, max_iterations=9),
}


@pytest.mark.parametrize("question", QUESTIONS)
@given(value=ANY)
def test_whatever_is_given_is_a_number_or_refused_in_one_line(question, value):
    said = ""
    try:
        QUESTIONS[question](value)
    except PaletteOTError as error:
        said = str(error)
    assert "\n" not in said
    assert len(said) < 300


@pytest.mark.parametrize("value", NOT_NUMBERS, ids=repr)
@pytest.mark.parametrize("question", ["eps", "tolerance of solve", "atol", "max_iterations", "memory", "omega"])
def test_what_is_no_number_is_refused(question, value):
    with pytest.raises(ProblemError, match=f"{question.split()[0]} must be"):
        QUESTIONS[question](value)


@pytest.mark.parametrize(
    "eps", [Decimal("0.5"), Fraction(1, 2), np.float32(0.5), np.array(0.5), np.float16(0.5), np.array(0.5, ">f4")]
)
def test_a_number_of_any_type_is_the_same_number(eps):
    problem = Problem(POINTS, THIRDS, POINTS + 1, THIRDS, eps)
    assert type(problem.eps) is float
    plain = Problem(POINTS, THIRDS, POINTS + 1, THIRDS, 0.5)
    np.testing.assert_array_equal(paletteot.solve(problem).g, paletteot.solve(plain).g)


def test_torch_numbers_are_numbers():
    torch = pytest.importorskip("torch")
    assert numbers.real(torch.tensor(0.5), "eps") == 0.5
    assert numbers.whole(torch.tensor(5), "memory") == 5
    for value in (torch.tensor([0.5]), torch.tensor(1j), torch.ones(2, 2)):
        with pytest.raises(ProblemError, match="eps must be a number, but is"):
            numbers.real(value, "eps")
    np.testing.assert_array_equal(numbers.reals(torch.ones(3), "g"), np.ones(3))


@pytest.mark.parametrize("value", [3, 3.0, np.int8(3), np.float32(3), Decimal(3), np.array(3)])
def test_whole_numbers_of_any_type(value):
    assert numbers.whole(value, "memory", 1, 20) == 3


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (2.5, "memory must be a whole number, but is 2.5"),
        (float("inf"), "memory must be a whole number, but is inf"),
        (0, "memory must be from 1 to 20, but is 0"),
        ("3", "memory must be a whole number, but is '3'"),
    ],
)
def test_what_is_not_whole_is_refused(value, words):
    with pytest.raises(ProblemError, match=words):
        numbers.whole(value, "memory", 1, 20)


@pytest.mark.parametrize("value", [[[1.0], [1.0, 2.0]], ["1", "2"], [1j], np.array(["a"]), [None, object()]])
def test_what_is_no_array_of_numbers_is_refused(value):
    with pytest.raises(ProblemError, match="g must be an array of real numbers, but is"):
        numbers.reals(value, "g")


def test_an_array_that_is_one_already_is_not_copied():
    array = np.ones(3)
    assert numbers.reals(array, "g") is array


def test_a_message_does_not_show_a_whole_array():
    with pytest.raises(ProblemError) as caught:
        numbers.real(np.eye(9), "eps")
    assert len(str(caught.value)) < 120
    assert "\n" not in str(caught.value)
