"""What a task has to offer so that everything in the course works on it, and a test of it."""

from typing import Any, Protocol

import numpy as np


class Task(Protocol):
    """The smallest task: `train` needs the first four, scores the fifth, verifiers the last.

    ``generate(n, seed)`` gives puzzles and solutions, integers ``[n, cells]``; ``encode`` makes
    tokens from 0 to ``vocab_size - 1`` of them, ``[n, seq_len]`` int64, and ``decode`` takes them
    back; ``is_solution(puzzle, answer)`` knows the rules. ``augment(puzzles, solutions, rng)`` is
    asked for only where a `PuzzleStream` has symmetries.
    """

    @property
    def seq_len(self) -> int: ...
    @property
    def vocab_size(self) -> int: ...
    def generate(self, n: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]: ...
    def encode(self, boards: Any) -> np.ndarray: ...
    def decode(self, tokens: Any) -> np.ndarray: ...
    def is_solution(self, puzzle: Any, answer: Any) -> bool: ...


NAMES = ("seq_len", "vocab_size", "generate", "encode", "decode", "is_solution")


def faults(task: Any, n: int = 64, seed: int = 0) -> list[str]:
    """What keeps ``task`` from being a `Task`, one sentence each; nothing when all is well.

    Looks at ``n`` puzzles of ``seed`` and at as many of the next seed. That solutions are unique
    it can't see: where there are several, count what ``is_solution`` accepts.
    """
    lacking = [name for name in NAMES if not hasattr(task, name)]
    if lacking:
        return [f"The task lacks {', '.join(lacking)}."]
    try:
        first, again, other = (task.generate(n, seed=s) for s in (seed, seed, seed + 1))
        (puzzles, solutions), shape = map(np.asarray, first), (n, task.seq_len)
    except Exception as error:
        return [f"generate(n, seed=...) can't be used: {type(error).__name__}: {error}"]
    for name, board in (("puzzles", puzzles), ("solutions", solutions)):
        if board.shape != shape or board.dtype.kind not in "iu":
            found = f"{board.dtype} {list(board.shape)}"
            return [f"The {name} must be whole numbers {list(shape)}, not {found}."]
    return [
        sentence
        for fault, sentence in (
            (_differ(first, again), "The same seed must give the same puzzles again."),
            (
                _shared(puzzles, np.asarray(other[0])) > 0.05,
                "More than 5 % of the puzzles of one seed are among those of the next: a model that "
                "remembers would pass for one that reasons. Take larger puzzles.",
            ),
            (not _tokens_fit(task, puzzles, solutions), _TOKENS.format(task.vocab_size)),
            (
                not all(task.is_solution(*pair) for pair in zip(puzzles, solutions, strict=True)),
                "is_solution refuses a solution that generate has made.",
            ),
            (_believes_anything(task, puzzles, solutions, seed), _BELIEVES),
        )
        if fault
    ]


_TOKENS = (
    "encode must give int64 tokens from 0 to {} - 1, as many as there are cells, and decode the "
    "same boards again."
)
_BELIEVES = (
    "is_solution accepts answers with a wrong cell, or the answers to other puzzles: it must look at "
    "the puzzle and at the rules."
)


def _differ(first, again) -> bool:
    return not all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def _shared(puzzles: np.ndarray, others: np.ndarray) -> float:
    """The share of ``others`` that occur among ``puzzles``."""
    known = {board.tobytes() for board in puzzles}
    return float(np.mean([board.tobytes() in known for board in others]))


def _tokens_fit(task, *boards: np.ndarray) -> bool:
    for board in boards:
        tokens = np.asarray(task.encode(board))
        if tokens.dtype != np.int64 or tokens.shape != board.shape:
            return False
        if tokens.min() < 0 or tokens.max() >= task.vocab_size:
            return False
        if not np.array_equal(task.decode(tokens), board):
            return False
    return True


def _believes_anything(task, puzzles, solutions, seed: int) -> bool:
    """Whether half of the spoilt answers pass: one cell changed, or the answer of a neighbour."""
    rng, values = np.random.default_rng(seed), np.unique(solutions)
    spoilt = solutions.copy()
    for row in spoilt:
        cell = rng.integers(len(row))
        row[cell] = rng.choice(values[values != row[cell]])
    for answers in (spoilt, np.roll(solutions, 1, axis=0)):
        taken = [task.is_solution(*pair) for pair in zip(puzzles, answers, strict=True)]
        if np.mean(taken) >= 0.5:
            return True
    return False
