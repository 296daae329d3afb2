"""The checks answer in sentences; the numbers of a class are its own and stay what they are."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hrm_course.classroom import Check, draw

q = Check("q2")


def sentence(check, *args, **kwargs) -> str:
    with pytest.raises(AssertionError) as caught:
        check(*args, **kwargs)
    assert str(caught.value).startswith("q2: ")
    return str(caught.value)


def test_call_hands_on_arguments_and_result():
    assert q.call(lambda a, b=0: a + b, 1, b=2) == 3
    assert q.call(lambda: 0) == 0 and q.call(lambda: []) == []  # empty is not nothing


@pytest.mark.parametrize("nothing", [None, ...])
def test_call_says_what_is_not_written_yet(nothing):
    def orbit():
        return nothing

    assert "`orbit` is not written yet" in sentence(q.call, orbit)
    assert "not written yet" in sentence(q.call, nothing)


def test_call_says_what_a_function_raised():
    def broken(z):
        if z:
            raise KeyError("no such state\nand a second line")
        raise NotImplementedError

    assert "`broken` raised KeyError: 'no such state" in sentence(q.call, broken, 1)
    assert "not written yet" in sentence(q.call, broken, 0)
    assert "not a value of type float" in sentence(q.call, 3.0)


@pytest.mark.parametrize("good", [True, 1, np.True_, np.ones(3), torch.tensor([True, True])])
def test_that_lets_the_truth_pass(good):
    q.that(good, "never seen")


@pytest.mark.parametrize(
    "bad", [False, 0, None, ..., np.array([1, 0]), torch.tensor([True, False]), torch.tensor(False)]
)
def test_that_fails_with_the_sentence(bad):
    assert sentence(q.that, bad, "look again.") == "q2: look again."


@pytest.mark.parametrize(
    "actual",
    [
        [1.0, 2.0],
        np.array([1, 2]),
        torch.tensor([1.0, 2.0], requires_grad=True),
        [1 + 1e-9, 2.0],
        (1 + 0j, 2),
    ],
)
def test_close_accepts_any_kind_of_numbers(actual):
    q.close(actual, torch.tensor([1.0, 2.0]), "never seen")


@pytest.mark.parametrize("actual", [[1.0, 2.1], [1.0, float("nan")], [1.0, 2 + 1j]])
def test_close_fails_with_the_sentence_alone(actual):
    assert sentence(q.close, actual, [1.0, 2.0], "look again.") == "q2: look again."


def test_close_has_an_absolute_tolerance():
    q.close(100.4, 100, "never seen", atol=0.5)
    sentence(q.close, 1e6 + 1, 1e6, "far off")  # a relative tolerance would let this pass


def test_close_names_shapes_and_types_and_never_the_expected_value():
    text = sentence(q.close, np.zeros(3), np.full((2, 3), 0.123), "look again.")
    assert "look again." in text and "[3]" in text and "[2, 3]" in text and "0.123" not in text
    assert "type str" in sentence(q.close, "3", 3.0, "look again.")
    assert "type list" in sentence(q.close, [[1], [1, 2]], 3.0, "look again.")
    assert "still empty" in sentence(q.close, ..., 3.0, "look again.")


def test_value_hands_back_an_answer_or_says_what_is_empty():
    assert q.value(0, "the count") == 0
    for nothing in (None, ...):
        assert sentence(q.value, nothing, "the count") == "q2: the count is still empty."


def test_draw_never_changes():
    # Written down once: a class keeps its numbers on every machine and in every release.
    assert draw(0, "q2", 3, 9) == 5
    assert draw(7, "q2", 3, 9) == 7
    assert draw(7, "q2", 0.0, 1.0) == 0.6
    assert draw(7, "q2", 0.0, 1.0, digits=4) == 0.6043


@given(st.integers(), st.text(), st.integers(-50, 50), st.integers(0, 50))
def test_draw_of_integers_stays_in_range(seed, question, low, width):
    number = draw(seed, question, low, low + width)
    assert isinstance(number, int) and low <= number <= low + width
    assert number == draw(seed, question, low, low + width)


@given(st.integers(), st.floats(-5, 5), st.floats(0, 5), st.integers(0, 6))
def test_draw_of_decimals_stays_in_range(seed, low, width, digits):
    assert low <= draw(seed, "q", low, low + width, digits) <= low + width


def test_draw_reaches_every_number_and_depends_on_class_and_question():
    assert {draw(seed, "q1", 1, 6) for seed in range(100)} == {1, 2, 3, 4, 5, 6}
    assert len({draw(seed, "q1", 0.0, 1.0, 8) for seed in range(100)}) == 100
    assert len({draw(0, f"q{i}", 0.0, 1.0, 8) for i in range(100)}) == 100
    mean = np.mean([draw(seed, "q1", 0.0, 1.0, 8) for seed in range(1000)])
    assert abs(mean - 0.5) < 0.05  # five standard errors of a uniform number


def test_draw_refuses_an_empty_range():
    with pytest.raises(ValueError, match="low <= high"):
        draw(0, "q1", 2, 1)
