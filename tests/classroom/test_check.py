"""The checks answer in sentences; the numbers of a class are its own and stay what they are."""

import signal
import threading
from copy import deepcopy
from functools import partial

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


@pytest.mark.parametrize("actual", [[1.0, 2.1], [1.0, 2 + 1j], [1.0, float("inf")]])
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


def test_an_endless_answer_is_stopped(monkeypatch):
    monkeypatch.setattr(Check, "seconds", 0.2)

    def search():
        try:
            while True:
                pass
        except BaseException:
            while True:
                pass

    handler = signal.getsignal(signal.SIGVTALRM)
    with pytest.raises(AssertionError, match=r"^q2: `search` was still busy after .* every loop"):
        with Check("q2") as check:
            check.call(search)
    with pytest.raises(AssertionError, match=r"^q2: your code was still busy"), Check("q2"):
        search()
    assert signal.getsignal(signal.SIGVTALRM) is handler
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_outside_of_the_main_thread_a_check_works_without_a_limit():
    said = []

    def work():
        try:
            with Check("q2") as check:
                check.that(False, "look again.")
        except AssertionError as error:
            said.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert said == ["q2: look again."]


@pytest.mark.parametrize(
    "use",
    [
        lambda check: check.call(lambda: [1, 2]).shape,  # a list where a tensor is expected
        lambda check: len(check.call(lambda: (i for i in range(3)))),
        lambda check: check.call(lambda: "text") + 1,
        lambda check: torch.ones(2) @ check.call(lambda: torch.ones(3, 3)),
        lambda check: check.call(lambda: torch.ones(2, requires_grad=True)).numpy(),
        lambda check: (lambda: 1 / 0)(),  # called without check.call
        lambda check: np.testing.assert_array_equal(1, 2),  # an AssertionError of somebody else
    ],
)
def test_whatever_is_raised_in_a_check_becomes_a_sentence(use):
    with pytest.raises(AssertionError, match=r"^q2: the check can't work with your answer \("):
        with Check("q2") as check:
            use(check)


def test_own_sentences_and_interrupts_pass_through():
    with pytest.raises(AssertionError, match=r"^q2: look again\.$"), Check("q2") as check:
        check.that(False, "look again.")
    with pytest.raises(KeyboardInterrupt), Check("q2"):
        raise KeyboardInterrupt
    with Check("q2") as check:
        assert check.call(lambda: 7) == 7


def test_call_catches_an_exit():
    def leave():
        raise SystemExit(1)

    assert "`leave` raised SystemExit: 1" in sentence(q.call, leave)


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        (lambda z: z.add_(1), torch.zeros(3)),
        (lambda z: z.requires_grad_(), torch.zeros(3)),
        (lambda z: z.__setitem__(0, 2), np.zeros(3)),
        (lambda z: z.append(0), [0]),
        (lambda z: z.__setitem__(-1, 1.0), [0.5, 0.5]),
        (lambda z: z[0].mul_(2), [torch.ones(2)]),
        (lambda z: z["state"].zero_(), {"state": torch.ones(2)}),
        (lambda z: z.resize_(1), torch.zeros(3)),
    ],
)
def test_call_notices_a_changed_argument_and_names_it(change, argument):
    def my_step(z, h=0.1):
        change(z)
        return 1.0

    again = deepcopy(argument)
    assert "`my_step` has changed `z`, which was handed in" in sentence(q.call, my_step, argument)
    assert "`my_step` has changed `z`" in sentence(q.call, my_step, h=0.2, z=again)


def test_call_lets_unchanged_arguments_pass():
    z = torch.tensor([1.0, float("nan")])
    generator = torch.Generator().manual_seed(0)
    q.call(
        lambda *args: torch.rand(2, generator=args[1]), z, generator, [z, {"a": np.ones(2)}], str
    )
    assert torch.func.vmap(lambda row: q.call(torch.sin, row))(torch.ones(2, 3)).shape == (2, 3)


@pytest.mark.parametrize(
    "bad",
    [
        torch.ones(0) > 0,
        np.zeros(0),
        [],
        float("nan"),
        np.nan,
        [True, False],
        torch.tensor(float("nan")),
        torch.tensor([1.0, float("nan")]),
    ],
)
def test_that_refuses_what_is_empty_or_nan(bad):
    assert sentence(q.that, bad, "look again.") == "q2: look again."


def test_close_knows_the_precision_of_an_answer():
    third = torch.tensor([1 / 3, 200 / 3])
    for answer in (third, third.numpy(), third.tolist()):
        q.close(answer, [1 / 3, 200 / 3], "never seen")
        sentence(q.close, answer, [1 / 3, 200 / 3 + 1e-2], "far off")
    q.close(torch.tensor(5.0).log().item(), np.log(5), "never seen")
    sentence(q.close, 1.6094, np.log(5), "rounded by hand is not float32")
    sentence(q.close, 300_001, 300_000, "a count is exact")
    sentence(q.close, torch.tensor(300_001.0), 300_000, "a count is exact")
    q.close(1e9 + 1e-5, 1e9, "never seen: doubles have sixteen digits")
    sentence(
        q.close, [float("inf"), 5.0], [float("inf"), 1.0], "an infinite number excuses nothing"
    )


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.bool, torch.int8, torch.complex64]
)
def test_close_takes_every_kind_of_tensor(dtype):
    q.close(torch.tensor([1, 0], dtype=dtype), [1.0, 0.0], "never seen")
    q.close(
        [torch.tensor(1, dtype=dtype), torch.tensor(0.5, requires_grad=True)], [1, 0.5], "never"
    )
    assert "NaN in your answer" in sentence(q.close, [float("nan")], [1.0], "look again.")


def test_tensor_and_number_take_numbers_in_every_form():
    for answer in (
        [[1, 2]],
        np.array([[1, 2]]),
        torch.tensor([[1.0, 2.0]], requires_grad=True),
        [torch.tensor([1, 2])],
    ):
        found = q.tensor(answer, "the matrix A", (1, 2))
        assert found.dtype == torch.float64 and found.tolist() == [[1.0, 2.0]]
    for answer in (
        3,
        np.int64(3),
        np.float32(3),
        torch.tensor(3),
        3 + 0j,
        torch.tensor(3.0, requires_grad=True),
    ):
        assert q.number(answer, "n") == 3.0
    says = partial(sentence, q.tensor)
    assert (
        says([[1, 2]], "the matrix A", (2, 2))
        == "q2: the matrix A must have the shape [2, 2], not [1, 2]."
    )
    assert says("no", "A").endswith("numbers are expected, not a value of type str.")
    assert says([[1], [1, 2]], "A").endswith("not a value of type list.")
    assert says([1j], "A").endswith("real numbers are expected, not complex ones.")
    assert says([float("nan")], "A").endswith("there is a NaN in it.")
    assert says(..., "A").endswith("A is still empty.")


def test_parts_takes_apart_what_comes_together():
    assert q.parts((1, 2), 2, "never seen") == (1, 2) and q.parts([1, 2], 2, "") == (1, 2)
    assert len(q.parts(torch.ones(2), 2, "never seen")) == 2
    for bad in (1, (1, 2, 3), "ab", torch.tensor(1.0)):
        assert sentence(q.parts, bad, 2, "return two things.") == "q2: return two things."


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
