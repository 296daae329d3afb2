"""What an exercise notebook needs: checks that answer in sentences, and numbers for a class."""

import hashlib
import inspect
import signal
import threading
from collections.abc import Callable, Sequence
from numbers import Number
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np

if TYPE_CHECKING:  # a notebook without tensors does not wait for PyTorch
    import torch

EMPTY = (None, ...)
SINGLE = 1e-5  # how far, of the largest number, float32 answers may be off


class Check:
    """The checks of one question; a check that fails raises an AssertionError with a sentence.

    As a context, ``with Check("q2") as q:``, it does so whatever happens in between: an answer
    that a check can't work with, and one that never ends, get a sentence too. Nothing but the
    author's own sentences, names, types and shapes reaches the reader: an expected value is
    never shown.

    Args:
        question: the id of the question, such as ``"q2"``; every sentence begins with it.
    """

    seconds = 30.0  # processor time that a context may use, where the system can measure it

    def __init__(self, question: str):
        self.question = question
        self._running, self._previous = "your code", None

    def __enter__(self) -> Self:
        # Processor time, not the clock: a busy machine makes no answer wrong.
        timed = hasattr(signal, "setitimer")
        if timed and threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGVTALRM, _interrupt)
            again = self.seconds / 10  # a bare `except:` of the student's may swallow the first
            signal.setitimer(signal.ITIMER_VIRTUAL, self.seconds, again)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: Any) -> None:
        __tracebackhide__ = True
        if self._previous is not None:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
            signal.signal(signal.SIGVTALRM, self._previous)
        if isinstance(error, _Endless):
            used = f"was still busy after {self.seconds:.0f} s"
            self._fail(f"{self._running} {used}: does every loop in it come to an end?", error)
        ours = isinstance(error, AssertionError) and str(error).startswith(f"{self.question}: ")
        if isinstance(error, Exception) and not ours:
            kinds = "is it of the kind and the shape that the text asks for?"
            self._fail(f"the check can't work with your answer ({_reason(error)}): {kinds}", error)

    def call(self, function: Callable, *args, **kwargs) -> Any:
        """The result of ``function(*args, **kwargs)``.

        Raises:
            AssertionError: there is no function yet, it raises, it returns nothing, or it has
                changed a tensor, an array, a list or a dictionary that was handed in.
        """
        __tracebackhide__ = True
        if _is_empty(function):
            self._fail("the function is not written yet.")
        if not callable(function):
            self._fail(f"a function is expected here, not {_kind(function)}.")
        name = f"`{getattr(function, '__name__', 'your function')}`"
        before, self._running = [_freeze(value) for value in (*args, *kwargs.values())], name
        try:
            result = function(*args, **kwargs)
        except NotImplementedError:
            result = None
        except (Exception, SystemExit) as error:
            self._fail(f"{name} raised {_reason(error)}", error)
        self._running = "your code"
        after = [_freeze(value) for value in (*args, *kwargs.values())]
        for which, now, then in zip(_names(function, args, kwargs), after, before, strict=True):
            if now != then:
                advice = "work on a copy, or make a new one"
                self._fail(f"{name} has changed {which}, which was handed in: {advice}.")
        if _is_empty(result):
            self._fail(f"{name} is not written yet, or its `return` is missing: nothing came back.")
        return result

    def that(self, condition: Any, sentence: str) -> None:
        """Nothing when ``condition`` holds; for an array it must hold everywhere.

        Raises:
            AssertionError: with ``sentence`` when it does not hold, is empty or is NaN.
        """
        __tracebackhide__ = True
        holds = condition is not ... and condition
        if isinstance(condition, list | tuple) or getattr(condition, "ndim", 0):
            values = _numbers(condition)
            holds = values is not None and values.size and (values == values).all() and values.all()
        if not holds or holds != holds:  # NaN differs from itself
            self._fail(sentence)

    def close(self, actual: Any, expected: Any, sentence: str, atol: float = 1e-8) -> None:
        """Nothing when two numbers, arrays or tensors agree to ``atol`` everywhere.

        An answer of no more than float32 precision may be off by 1e-5 of the largest number
        expected as well, unless it consists of whole numbers.

        Raises:
            AssertionError: with ``sentence``, and the two shapes when they differ.
        """
        __tracebackhide__ = True
        self.value(actual, "an answer that is a number or an array")
        got, want = _numbers(actual), _numbers(expected)
        if got is None or want is None:
            self._fail(f"{sentence} (Numbers are expected here, not {_kind(actual)}.)")
        if got.shape != want.shape:
            shapes = f"your answer has shape {list(got.shape)}, expected is {list(want.shape)}"
            self._fail(f"{sentence} (Shapes differ: {shapes}.)")
        if np.isnan(got).any() and not np.isnan(want).any():
            self._fail(f"{sentence} (There is a NaN in your answer.)")
        largest = np.abs(want[np.isfinite(want)]).max(initial=0.0)
        rtol = SINGLE if _is_single(got) else 1e-12
        self.that(np.isclose(got, want, rtol=0, atol=atol + rtol * largest), sentence)

    def value(self, answer: Any, what: str) -> Any:
        """The answer itself.

        Raises:
            AssertionError: ``answer`` is still ``...`` or ``None``; names ``what`` is asked for.
        """
        __tracebackhide__ = True
        if _is_empty(answer):
            self._fail(f"{what} is still empty.")
        return answer

    def number(self, answer: Any, what: str) -> float:
        """The answer as a Python number, be it one of Python, of NumPy or of PyTorch.

        Raises:
            AssertionError: it is empty, not one real number, or NaN; names ``what`` is asked for.
        """
        __tracebackhide__ = True
        return self.tensor(answer, what, ()).item()

    def tensor(self, answer: Any, what: str, shape: Sequence[int] | None = None) -> "torch.Tensor":
        """The answer as a tensor of doubles without a graph, whatever kind of numbers it holds.

        Args:
            answer: a number, a list, an array or a tensor.
            what: how a sentence calls it, such as "the matrix A".
            shape: the shape that it must have, if any.

        Raises:
            AssertionError: it is empty, holds no real numbers or a NaN, or has another shape.
        """
        __tracebackhide__ = True
        import torch

        array = _numbers(self.value(answer, what))
        if array is None:
            self._fail(f"{what}: numbers are expected, not {_kind(answer)}.")
        if array.imag.any():
            self._fail(f"{what}: real numbers are expected, not complex ones.")
        if shape is not None and array.shape != tuple(shape):
            self._fail(f"{what} must have the shape {list(shape)}, not {list(array.shape)}.")
        if np.isnan(array).any():
            self._fail(f"{what}: there is a NaN in it.")
        return torch.tensor(array.real, dtype=torch.float64)

    def parts(self, answer: Any, count: int, sentence: str) -> tuple:
        """The ``count`` things that a function returned together.

        Raises:
            AssertionError: with ``sentence`` when there are more or fewer.
        """
        __tracebackhide__ = True
        several = isinstance(answer, tuple | list) or getattr(answer, "ndim", 0)
        self.that(several and len(answer) == count, sentence)
        return tuple(answer)

    def _fail(self, sentence: str, cause: BaseException | None = None) -> NoReturn:
        __tracebackhide__ = True
        raise AssertionError(f"{self.question}: {sentence}") from cause


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


class _Endless(BaseException):
    """Raised in code that has used up its time; no ``except Exception`` catches it."""


def _interrupt(signum: int, frame: Any) -> NoReturn:
    raise _Endless


def _is_empty(value: Any) -> bool:
    return any(value is nothing for nothing in EMPTY)


def _kind(value: Any) -> str:
    return f"a value of type {type(value).__name__}"


def _reason(error: BaseException) -> str:
    lines = str(error).splitlines() or ["(no message)"]
    return f"{type(error).__name__}: {lines[0][:200]}"


def _names(function: Callable, args: tuple, kwargs: dict) -> list[str]:
    """How a sentence calls each argument of a call."""
    try:
        names = [f"`{name}`" for name in inspect.signature(function).parameters]
    except (TypeError, ValueError):  # some functions written in C
        names = []
    counted = [f"argument {index + 1}" for index in range(len(args))]
    return names[: len(args)] + counted[len(names) :] + [f"`{name}`" for name in kwargs]


def _freeze(value: Any) -> Any:
    """What ``value`` holds, for a comparison later on, where it is of a kind that can change."""
    if _is_tensor(value):
        array = _numbers(value)  # None inside of torch.func, where nothing can be read
        return value.requires_grad, _freeze(array)
    if isinstance(value, np.ndarray):
        return value.shape, value.tobytes()
    if isinstance(value, list | tuple):
        return [_freeze(item) for item in value]
    if isinstance(value, dict):
        return {key: _freeze(item) for key, item in value.items()}
    return value if isinstance(value, Number | str) else None


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "detach") and hasattr(value, "resolve_conj")


def _numbers(value: Any) -> np.ndarray | None:
    """``value`` as a complex array, or None when it is not made of numbers."""
    try:
        if _is_tensor(value):
            value = value.detach().cpu().resolve_conj().resolve_neg()
            value = (value if value.is_complex() else value.double()).numpy()
        if isinstance(value, list | tuple):  # item by item: tensors may carry gradients
            value = [_numbers(item) for item in value]
        array = np.asarray(value)
    except Exception:  # ragged lists and whatever else is no array
        return None
    return array.astype(complex) if array.dtype.kind in "biufc" else None


def _is_single(array: np.ndarray) -> bool:
    """Whether no number needs more than float32, and not all of them are whole."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool((array.astype(np.complex64) == array).all() and (array != array.round()).any())
