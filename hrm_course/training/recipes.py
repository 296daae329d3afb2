"""Named training runs: task, model, data and schedule of everything the course trains."""

import re
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from ..models import CMM, HRM, TRM, FeedForward, Solver
from ..tasks import Sudoku
from .cmm_terms import CMMTerms, CMMTrainConfig
from .data import PuzzleStream, split_grids
from .evaluate import evaluate
from .loop import TrainConfig

TEST_SEED = 1_000_003  # the test sets; training puzzles are drawn with the seed TRAIN_SEED
TRAIN_SEED = 1


@dataclass(frozen=True)
class Recipe:
    """One model on one task.

    ``blanks`` is the range of empty cells; ``train_puzzles`` of them are made once and shown under
    random symmetries. On 4x4 there are no symmetries and the split is by solution grid.
    """

    model: type[Solver]
    box: tuple[int, int]
    blanks: tuple[int, int]
    train_puzzles: int
    test_puzzles: int
    expansion: float
    training: TrainConfig
    hidden_size: int = 64
    batch_size: int = 64
    changes: dict = field(default_factory=dict)  # of the model's configuration, beside the above

    @property
    def task(self) -> Sudoku:
        return Sudoku(self.box)

    def build(self):
        """The untrained model. Seed the global generator first."""
        task = self.task
        shape = dict(
            vocab_size=task.vocab_size,
            seq_len=task.seq_len,
            hidden_size=self.hidden_size,
            expansion=self.expansion,
            mixer="tokens",
            position_code="none",
            H_cycles=2,
            L_cycles=2,
            inner_multiple=32,
        )
        return self.model(self.model.config_class(**shape | self.changes))

    def train_set(self) -> tuple[np.ndarray, np.ndarray]:
        """The training puzzles and solutions, before symmetries."""
        grids = split_grids(self.task)[0] if self.box == (2, 2) else None
        return self.task.generate(self.train_puzzles, self.blanks, TRAIN_SEED, grids)

    def test_set(self, n: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The held-out puzzles and solutions (the first ``n`` of them)."""
        grids = split_grids(self.task)[1] if self.box == (2, 2) else None
        return self.task.generate(n or self.test_puzzles, self.blanks, TEST_SEED, grids)

    def stream(self, seed: int) -> PuzzleStream:
        """The training batches."""
        puzzles, solutions = self.train_set()
        return PuzzleStream(
            self.task, puzzles, solutions, self.batch_size, seed, symmetries=self.box != (2, 2)
        )

    def scorer(self, n: int | None = None):
        """A function model -> scores on the test set, for the log of `train`."""
        puzzles, solutions = self.test_set(n)

        def scores(model) -> dict[str, float]:
            score = evaluate(model, self.task, puzzles, solutions, self.training.segments)
            return {"exact": round(score.exact, 4), "cells": round(score.cells, 4)}

        return scores


_TRM_4 = Recipe(TRM, (2, 2), (8, 10), 20_000, 1_000, 4, TrainConfig(steps=400, lr=3e-3))
_TRM_6 = Recipe(TRM, (2, 3), (16, 20), 20_000, 1_000, 3, TrainConfig(steps=1_200))
_TRM_9 = Recipe(TRM, (3, 3), (30, 40), 20_000, 1_000, 3, TrainConfig(steps=1_500))


def _baseline(recipe: Recipe, steps: int) -> Recipe:
    return replace(recipe, model=FeedForward, training=replace(recipe.training, steps=steps))


# A CMM in place of the TRM, with three weights of ours. With the re-implemented weight of the
# repulsion between answers, 1,000, a model of this size does not learn 4x4 at all; with the others
# it does. A CMM without terms is more accurate than with them: benchmarks/results has the tables.
_TERMS = CMMTerms(repulsion_input=1.0, repulsion_answer=0.1, unstable=1.0)


def _cmm(recipe: Recipe) -> Recipe:
    training = CMMTrainConfig(**asdict(recipe.training), terms=_TERMS)
    return replace(recipe, model=CMM, training=training)


RECIPES = {
    "cmm-sudoku-4x4": _cmm(_TRM_4),
    "cmm-sudoku-6x6": _cmm(_TRM_6),
    "cmm-sudoku-9x9-easy": _cmm(_TRM_9),
    # HRM's two networks have one block each, so that it has as many parameters as the TRM. As
    # published, there is no average of its weights.
    "hrm-sudoku-4x4": replace(
        _TRM_4,
        model=HRM,
        changes={"num_layers": 1},
        training=TrainConfig(steps=800, lr=3e-3, ema=0),
    ),
    "trm-sudoku-4x4": _TRM_4,
    "trm-sudoku-6x6": _TRM_6,
    "trm-sudoku-9x9-easy": _TRM_9,
    # A segment runs the network six times, three of them with a backward pass, which costs twice
    # a forward pass: 6 + 2 * 3 = 12 units. One pass with its gradient is 3. So the baseline gets
    # four times the steps.
    "feedforward-sudoku-4x4": _baseline(_TRM_4, 1_600),
    "feedforward-sudoku-6x6": _baseline(_TRM_6, 4_800),
    "feedforward-sudoku-9x9-easy": _baseline(_TRM_9, 6_000),
}


def full_name(name: str) -> str:
    """The name of the recipe that ``name`` stands for: trm-sudoku4 is short for trm-sudoku-4x4.

    Raises:
        ValueError: there is no such recipe; the message lists all names.
    """
    long = re.sub(r"-sudoku(\d)$", r"-sudoku-\1x\1", name)
    for full in RECIPES:
        if full == name or full.removesuffix("-easy") == long:
            return full
    raise ValueError(f"There is no recipe {name!r}; there are {sorted(RECIPES)}.")
