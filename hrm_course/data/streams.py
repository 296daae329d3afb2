"""Streams of training batches that can be entered at any step."""

import bisect
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..settings import check_fields, choice, whole
from ..tasks import Maze, Sudoku, arguments
from .dataset import Dataset

HELD_OUT_GRIDS = 48  # of the 288 grids of 4x4 Sudoku


@dataclass(eq=False)
class PuzzleStream:
    """Batches of puzzles, each row under a random symmetry of the task.

    ``stream[step]`` depends on the seed and the step alone, so a resumed run sees what an
    uninterrupted one would have seen.

    Args:
        task: a `Task`; one that gives ``augment``, where there are symmetries.
        puzzles, solutions: integer arrays ``[n, cells]``.
        batch_size: rows in a batch.
        seed: seeds the choice of rows and symmetries.
        symmetries: False leaves every puzzle as it is.
        curriculum: steps until all puzzles are in play. Before that only the first ones of the
            list are, a third at the start, then more and more; 0 plays with all at once.

    Raises:
        ValueError: puzzles without solutions, or a number out of range.
    """

    task: Any
    puzzles: np.ndarray
    solutions: np.ndarray
    batch_size: int = whole(least=1, most=10**6)
    seed: int = whole(least=0, most=2**63 - 1)
    symmetries: bool = choice(True, among=(True, False))
    curriculum: int = whole(0, least=0, most=10**9)

    def __post_init__(self):
        check_fields(self)
        self.puzzles, self.solutions = np.asarray(self.puzzles), np.asarray(self.solutions)
        shapes = list(self.puzzles.shape), list(self.solutions.shape)
        if shapes[0] != shapes[1] or shapes[0][1:] != [self.task.seq_len] or shapes[0][0] == 0:
            raise ValueError(
                f"Puzzles and solutions must come in pairs, [n, {self.task.seq_len}] each; got "
                f"{shapes[0]} and {shapes[1]}."
            )

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self.seed, step])
        rows = rng.integers(self.in_play(step), size=self.batch_size)
        puzzles, solutions = self.puzzles[rows], self.solutions[rows]
        if self.symmetries:
            puzzles, solutions = self.task.augment(puzzles, solutions, rng)
        return {
            "inputs": torch.from_numpy(self.task.encode(puzzles)),
            "labels": torch.from_numpy(self.task.encode(solutions)),
        }

    def in_play(self, step: int) -> int:
        """How many puzzles, from the head of the list, ``stream[step]`` draws from."""
        share = min(1.0, step / self.curriculum) if self.curriculum else 1.0
        return max(1, round(len(self.puzzles) * (1 + 2 * share) / 3))


def split_grids(task: Sudoku) -> tuple[np.ndarray, np.ndarray]:
    """The 288 grids of 4x4 Sudoku, shuffled once and for all: 240 to train on, 48 held out."""
    grids = task.all_grids()
    order = np.random.default_rng(0).permutation(len(grids))
    return grids[order[HELD_OUT_GRIDS:]], grids[order[:HELD_OUT_GRIDS]]


def training_and_test(
    task: Sudoku | Maze, train: int, test: int, seed: int = 0, blanks: int | tuple[int, int] = 45
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Fresh puzzles with their solutions ``[n, cells]``: those to train on, those to test on.

    Sudoku: each puzzle has a grid of its own; 4x4 has few, so there the grids are split. Mazes:
    no test maze has the walls of a training maze, turned or flipped.

    Raises:
        ValueError: the task can't give so many.
    """
    if isinstance(task, Sudoku):
        grids = split_grids(task) if task.side == 4 else (None, None)
        return [
            task.generate(n, blanks, 2 * seed + part, grids[part])
            for part, n in enumerate((train, test))
        ]
    count = train + test
    for tries in range(4):
        puzzles, solutions = task.generate(count * 2**tries, seed)
        held_out = task.split(puzzles, test / count)
        parts = [np.flatnonzero(~held_out)[:train], np.flatnonzero(held_out)[:test]]
        if len(parts[0]) == train and len(parts[1]) == test:
            return [(puzzles[rows], solutions[rows]) for rows in parts]
    raise ValueError(
        f"Mazes of size {task.size} have too few layouts for {train:,} to train on and {test:,} to "
        f"test on. Take larger mazes or fewer."
    )


class DatasetStream:
    """Training batches in the published order, to be entered at any step.

    In an epoch every group gives one of its puzzles, drawn anew, with all its examples in random
    order, until the batch is full: a puzzle that does not fit is cut off, and the last batch of an
    iteration, if it is short, is dropped. ``stream[step]`` depends on the seed and the step alone.

    Args:
        data: the training part.
        batch_size: examples in a batch.
        seed: the official configurations have 0.
        epochs_per_iteration: so many epochs follow each other without dropping a short batch.

    Raises:
        ValueError: the batch is larger than an iteration.
    """

    def __init__(
        self, data: Dataset, batch_size: int, seed: int = 0, epochs_per_iteration: int = 1
    ):
        self.data, self.batch_size = (
            data,
            arguments.whole("batch_size", batch_size, 1, arguments.MANY),
        )
        self.seed = arguments.whole("seed", seed, 0)
        self.epochs_per_iteration = arguments.whole(
            "epochs_per_iteration", epochs_per_iteration, 1, arguments.MANY
        )
        self._plan = functools.lru_cache(maxsize=2)(self._make_plan)
        self._first_steps = [0]  # of each iteration
        if not self._plan(0):
            raise ValueError(
                f"{epochs_per_iteration} epochs do not fill a batch of {batch_size}. Take a smaller "
                f"batch or more epochs_per_iteration."
            )

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        step, firsts = arguments.whole("step", step, 0, 10**12), self._first_steps
        while step >= firsts[-1]:
            firsts.append(firsts[-1] + len(self._plan(len(firsts) - 1)))
        iteration = bisect.bisect_right(firsts, step) - 1
        batch = self.data.batch(self._plan(iteration)[step - firsts[iteration]])
        return {name: torch.from_numpy(array) for name, array in batch.items()}

    def _make_plan(self, iteration: int) -> list[np.ndarray]:
        """The examples of every batch of one iteration."""
        groups, puzzles = self.data.group_indices, self.data.puzzle_indices
        rng = np.random.Generator(np.random.Philox(self.seed + 1 + iteration))
        # Published: these draws are NumPy's global ones. A generator of their own makes a resumed
        # run repeatable and leaves the others as published.
        order_in_puzzle = np.random.default_rng([self.seed, iteration])
        epochs = [rng.permutation(len(groups) - 1) for _ in range(self.epochs_per_iteration)]
        walk = np.concatenate(epochs)
        picks = rng.integers(groups[walk], groups[walk + 1])
        firsts, sizes = puzzles[picks], np.diff(puzzles)[picks]
        if np.all(sizes == 1):
            full = len(picks) // self.batch_size
            return list(firsts[: full * self.batch_size].reshape(full, self.batch_size))
        plan, batch, room = [], [], self.batch_size
        for first, size in zip(firsts, sizes, strict=True):
            batch.append(first + order_in_puzzle.permutation(size)[:room])
            room -= len(batch[-1])
            if room == 0:
                plan.append(np.concatenate(batch))
                batch, room = [], self.batch_size
        return plan
