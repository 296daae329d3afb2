"""A stream of training batches that can be entered at any step."""

import numpy as np
import torch
from torch import Tensor


class PuzzleStream:
    """Batches of puzzles, each row under a random symmetry of the task.

    ``stream[step]`` depends on the seed and the step alone, so a resumed run sees what an
    uninterrupted one would have seen.

    Args:
        task: gives ``augment`` and ``encode``.
        puzzles, solutions: integer arrays ``[n, cells]``.
        batch_size: rows in a batch.
        seed: seeds the choice of rows and symmetries.
        symmetries: False leaves every puzzle as it is.
    """

    def __init__(self, task, puzzles, solutions, batch_size: int, seed: int, symmetries=True):
        if len(puzzles) != len(solutions) or len(puzzles) == 0:
            raise ValueError(
                f"Puzzles and solutions must come in pairs; got {len(puzzles)} and {len(solutions)}."
            )
        self.task, self.puzzles, self.solutions = task, puzzles, solutions
        self.batch_size, self.seed, self.symmetries = batch_size, seed, symmetries

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self.seed, step])
        rows = rng.integers(len(self.puzzles), size=self.batch_size)
        puzzles, solutions = self.puzzles[rows], self.solutions[rows]
        if self.symmetries:
            puzzles, solutions = self.task.augment(puzzles, solutions, rng)
        return {
            "inputs": torch.from_numpy(self.task.encode(puzzles)),
            "labels": torch.from_numpy(self.task.encode(solutions)),
        }
