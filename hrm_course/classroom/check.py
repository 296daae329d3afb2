"""What an exercise notebook needs: checks that answer in sentences, and numbers for a class."""

import hashlib
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

EMPTY = (None, ...)


class Check:
    """The checks of one question; a check that fails raises an AssertionError with a sentence.

    Nothing but the author's own sentences, names, types and shapes reaches the reader:
    an expected value is never shown.

    Args:
        question: the id of the question, such as ``"q2"``; every sentence begins with it.
    """

    def __init__(self, question: str):
        self.question = question

    def call(self, function: Callable, *args, **kwargs) -> Any:
        """The result of ``function(*args, **kwargs)``.

        Raises:
            AssertionError: there is no function yet, it returns nothing, or it raises.
        """
        __tracebackhide__ = True
        if _is_empty(function):
            self._fail("the function is not written yet.")
        if not callable(function):
            self._fail(f"a function is expected here, not {_kind(function)}.")
        name = getattr(function, "__name__", "your function")
        try:
            result = function(*args, **kwargs)
        except NotImplementedError:
            result = None
        except Exception as error:
            lines = str(error).splitlines() or ["(no message)"]
            reason = f"`{name}` raised {type(error).__name__}: {lines[0]}"
            raise AssertionError(f"{self.question}: {reason}") from error
        if _is_empty(result):
            self._fail(
                f"`{name}` is not written yet, or its `return` is missing: nothing came back."
            )
        return result

    def that(self, condition: Any, sentence: str) -> None:
        """Nothing when ``condition`` holds; for an array it must hold everywhere.

        Raises:
            AssertionError: with ``sentence`` when it does not hold.
        """
        __tracebackhide__ = True
        if getattr(condition, "ndim", 0):
            condition = condition.all()
        if condition is ... or not condition:
            self._fail(sentence)

    def close(self, actual: Any, expected: Any, sentence: str, atol: float = 1e-8) -> None:
        """Nothing when two numbers, arrays or tensors agree to ``atol`` everywhere.

        Raises:
            AssertionError: with ``sentence``, and the two shapes when they differ.
        """
        __tracebackhide__ = True
        self.value(actual, "an answer that is a number or an array")
        got, want = _numbers(actual), _numbers(expected)
        if got is None:
            self._fail(f"{sentence} (Numbers are expected here, not {_kind(actual)}.)")
        if got.shape != want.shape:
            shapes = f"your answer has shape {list(got.shape)}, expected is {list(want.shape)}"
            self._fail(f"{sentence} (Shapes differ: {shapes}.)")
        self.that(np.isclose(got, want, rtol=0, atol=atol), sentence)

    def value(self, answer: Any, what: str) -> Any:
        """The answer itself.

        Raises:
            AssertionError: ``answer`` is still ``...`` or ``None``; names ``what`` is asked for.
        """
        __tracebackhide__ = True
        if _is_empty(answer):
            self._fail(f"{what} is still empty.")
        return answer

    def _fail(self, sentence: str) -> NoReturn:
        __tracebackhide__ = True
        raise AssertionError(f"{self.question}: {sentence}")


def draw(class_seed: int, question: str, low: float, high: float, digits: int = 2) -> int | float:
    """A number between ``low`` and ``high`` (both included) that this class alone has.

    It depends on the class seed and the name only, on every machine. Two numbers for one
    question take two names: ``draw(CLASS_SEED, "q2-r", ...)``, ``draw(CLASS_SEED, "q2-z0", ...)``.

    Args:
        class_seed: the number in the notebook's cell tagged ``class-seed``.
        question: the name of the question or of the number.
        low, high: the ends of the range; an integer comes back when both are integers.
        digits: decimals of a number that is not an integer.

    Raises:
        ValueError: the range is empty.
    """
    if not low <= high:
        raise ValueError(f"draw needs low <= high, not {low} and {high}.")
    digest = hashlib.sha256(f"{class_seed}/{question}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64  # in [0, 1], the same on every machine
    if isinstance(low, int) and isinstance(high, int):
        return min(low + int(share * (high - low + 1)), high)
    return min(max(round(low + share * (high - low), digits), low), high)


def _is_empty(value: Any) -> bool:
    return any(value is nothing for nothing in EMPTY)


def _kind(value: Any) -> str:
    return f"a value of type {type(value).__name__}"


def _numbers(value: Any) -> np.ndarray | None:
    """``value`` as a complex array, or None when it is not made of numbers."""
    try:
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    except Exception:  # ragged lists, lists of tensors that carry gradients, ...
        return None
    return array.astype(complex) if array.dtype.kind in "biufc" else None
