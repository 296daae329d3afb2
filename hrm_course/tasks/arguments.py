"""What the functions of `tasks` accept: numbers of any kind, and a sentence for everything else."""

import operator
from typing import Any

import numpy as np

MANY = 10_000_000  # puzzles, rows, epochs: more is a slip


def whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """A whole number of any integer kind (Python's, NumPy's, a tensor's) as Python's own.

    Raises:
        ValueError: it is no whole number, or not from ``least`` to ``most``.
    """
    try:
        number = operator.index(value)
    except (TypeError, ValueError, RuntimeError):
        number = None
    if number is None or number < least or (most is not None and number > most):
        end = "on" if most is None else f"to {most:,}"
        raise ValueError(f"{name} must be a whole number from {least:,} {end}, not {value!r}.")
    return number


def share(name: str, value: Any) -> float:
    """A number from 0 to 1.

    Raises:
        ValueError: it is none.
    """
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError):
        number = np.nan
    if isinstance(value, str | bytes) or not 0 <= number <= 1:
        raise ValueError(f"{name} must be a number from 0 to 1, not {value!r}.")
    return number


def seeded(seed: Any) -> np.random.Generator:
    """The generator of an integer, of a sequence of integers, or the generator that it is.

    Raises:
        ValueError: it is none of these, or negative.
    """
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, list | tuple):
        return np.random.default_rng([whole("seed", part, 0) for part in seed])
    return np.random.default_rng(whole("seed", seed, 0))


def numbers(what: str, values: Any) -> np.ndarray:
    """Whole numbers as an array, whatever their kind was: ``[...]`` int64.

    Raises:
        ValueError: text, complex numbers, rows of different lengths, or fractions.
    """
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        array = np.array(None)
    if array.size == 0 and array.dtype.kind == "f":  # as NumPy takes an empty list
        return array.astype(np.int64)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{what} must be an array of whole numbers, all rows equally long.")
    if array.dtype.kind == "f":
        array = array.astype(np.float64)
        odd = array[(array != np.round(array)) | (np.abs(array) > 2**52)]  # NaN and infinity, too
        if odd.size:
            raise ValueError(f"{what} must be an array of whole numbers; it holds {odd.flat[0]}.")
    if array.dtype.kind == "u" and array.max(initial=0) > np.iinfo(np.int64).max:
        raise ValueError(f"{what} holds numbers that are too large.")
    return array.astype(np.int64)


def boards(what: str, values: Any, cells: int, most: int) -> np.ndarray:
    """Boards ``[cells]`` or ``[n, cells]`` of numbers from 0 to ``most``, as int64.

    Raises:
        ValueError: they are others.
    """
    array = numbers(what, values)
    if array.ndim not in (1, 2) or array.shape[-1] != cells:
        raise ValueError(
            f"{what} must be [{cells}] or [n, {cells}] numbers; their shape is {list(array.shape)}."
        )
    within(what, array, most)
    return array


def board(what: str, values: Any, cells: int, most: int) -> np.ndarray:
    """One board ``[cells]`` of numbers from 0 to ``most``, as int64.

    Raises:
        ValueError: it is none.
    """
    array = boards(what, values, cells, most)
    if array.ndim != 1:
        raise ValueError(f"{what} must be one board of {cells} numbers, not {len(array)} boards.")
    return array


def pairs(puzzles: Any, solutions: Any, cells: int, most: int) -> np.ndarray:
    """Puzzles beside their solutions ``[n, 2, cells]``, each ``[cells]`` or ``[n, cells]``.

    Raises:
        ValueError: they are no boards, or not equally many.
    """
    both = boards("puzzles", puzzles, cells, most), boards("solutions", solutions, cells, most)
    if both[0].shape != both[1].shape:
        raise ValueError(
            f"There must be one solution for each puzzle; their shapes are {list(both[0].shape)} "
            f"and {list(both[1].shape)}."
        )
    return np.stack([np.atleast_2d(side) for side in both], axis=1)


def within(what: str, array: np.ndarray, most: int) -> None:
    """Refuses numbers that are not from 0 to ``most``."""
    if array.size and (array.min() < 0 or array.max() > most):
        raise ValueError(
            f"{what} must hold numbers from 0 to {most}; it holds {array.min()} to {array.max()}."
        )
