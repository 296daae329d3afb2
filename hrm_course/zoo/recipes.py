"""Named training runs: task, model, data and schedule of everything the course trains."""

import functools
import hashlib
import re
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from ..data import PuzzleStream, split_grids, training_and_test
from ..models import CMM, HRM, TRM, FeedForward, Solver
from ..tasks import Maze, Sudoku
from ..training import CMMTerms, CMMTrainConfig, StartsTrainConfig, TrainConfig, evaluate
from .boards import classes, stored

TEST_SEED = 1_000_003  # the test sets; training puzzles are drawn with the seed TRAIN_SEED
TRAIN_SEED = 1
KINDS_6 = (  # for the cards of 6x6; benchmarks/results/grids-split-6x6.csv
    "; up to symmetry there are 49 grids, so each test grid is the image of a training grid. Models "
    "trained without every fourth of these kinds solve its puzzles as well as the others: TRM 94.9 "
    "to 97.3 % against 95.1 to 98.1, feed-forward 62.0 to 64.0 % against 60.1 to 60.3 (3 seeds, two "
    "thirds of the steps)"
)
LEVELS = {"easy": (30, 40), "moderate": (40, 50)}  # blanks of 9x9 puzzles


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One model on one task. The two kinds below say which boards there are.

    ``train_puzzles`` of them are made once and shown under random symmetries.
    """

    model: type[Solver] = TRM
    train_puzzles: int = 20_000
    test_puzzles: int = 1_000
    expansion: float = 3
    training: TrainConfig
    hidden_size: int = 64
    batch_size: int = 64
    changes: dict = field(default_factory=dict)  # of the model's configuration, beside the above

    curriculum = 0  # steps until all training puzzles are in play, see `PuzzleStream`
    symmetries = True  # whether the training puzzles are turned, relabeled and so on

    @property
    def task(self) -> Sudoku | Maze:
        raise NotImplementedError

    def train_set(self) -> tuple[np.ndarray, np.ndarray]:
        """The training puzzles and solutions, before symmetries."""
        raise NotImplementedError

    def test_set(self, n: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The held-out puzzles and solutions (the first ``n`` of them)."""
        raise NotImplementedError

    def parts(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Further held-out puzzles and solutions under names of their own, to be told apart."""
        return {}

    def describe(self) -> tuple[str, str]:
        """The task, and how training and test puzzles are kept apart, in words."""
        raise NotImplementedError

    def checksum(self) -> str:
        """SHA-256 of the whole test set and its parts, so that a card can say on which boards it
        was measured.
        """
        parts = self.test_set(), *self.parts().values()
        boards = np.concatenate([board for part in parts for board in part]).astype(np.uint8)
        return hashlib.sha256(boards.tobytes()).hexdigest()

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

    def stream(self, seed: int) -> PuzzleStream:
        """The training batches."""
        return PuzzleStream(
            self.task, *self.train_set(), self.batch_size, seed, self.symmetries, self.curriculum
        )

    def scorer(self, n: int | None = None):
        """A function model -> scores on the test set, for the log of `train`."""
        puzzles, solutions = self.test_set(n)

        def scores(model) -> dict[str, float]:
            score = evaluate(model, self.task, puzzles, solutions, self.training.segments)
            return {"exact": round(score.exact, 4), "cells": round(score.cells, 4)}

        return scores


@dataclass(frozen=True, kw_only=True)
class SudokuRecipe(Recipe):
    """``blanks`` is the range of empty cells. On 4x4 the split is by solution grid, and there are
    no symmetries: one would carry a grid across the split.
    """

    box: tuple[int, int]
    blanks: tuple[int, int]
    train_blanks: tuple[int, int] | None = None  # of the training puzzles, where they differ

    @property
    def known_blanks(self) -> tuple[int, int]:
        """The fewest and the most blanks of the training puzzles."""
        return self.train_blanks or self.blanks

    @property
    def symmetries(self) -> bool:
        return self.box != (2, 2)

    @property
    def task(self) -> Sudoku:
        return Sudoku(self.box)

    def train_set(self) -> tuple[np.ndarray, np.ndarray]:
        return self._puzzles(0, self.train_puzzles, TRAIN_SEED, self.known_blanks)

    def test_set(self, n: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        return self._puzzles(1, n or self.test_puzzles, TEST_SEED, self.blanks)

    def _puzzles(self, part: int, n: int, seed: int, blanks: tuple[int, int]):
        grids = split_grids(self.task)[part] if self.box == (2, 2) else None
        return self.task.generate(n, blanks, seed, grids)

    def describe(self) -> tuple[str, str]:
        (h, w), (low, high) = self.box, self.blanks
        task = f"{h * w}x{h * w} Sudoku with {low} to {high} blanks and exactly one solution"
        if self.train_blanks:
            task += " (training puzzles: {} to {} blanks)".format(*self.train_blanks)
        if self.symmetries:
            split = (
                "training and test puzzles are drawn with different seeds, and no test puzzle is "
                "the image of a training puzzle under a symmetry; training puzzles are shown under "
                "random symmetries"
            )
            return task, split + (KINDS_6 if self.box == (2, 3) else "")
        return task, (
            "240 of the 288 complete 4x4 grids for training, the other 48 for testing, no "
            "symmetries; each held-out grid is still the image of some training grid under a "
            "symmetry of Sudoku"
        )


@dataclass(frozen=True, kw_only=True)
class HardSudokuRecipe(SudokuRecipe):
    """Every level of difficulty. Test puzzles are minimal (no given can be spared) and need
    guesses. Of the training puzzles a share, ``minimal``, is minimal, with guesses or without, and
    the others have ``blanks``; those with the fewest blanks come first.
    """

    minimal: float = 1 / 3
    curriculum: int = 0

    @property
    def known_blanks(self) -> tuple[int, int]:
        return self.blanks[0], self.task.cells * 3 // 4  # few minimal puzzles have more

    def train_set(self) -> tuple[np.ndarray, np.ndarray]:
        minimal = round(self.train_puzzles * self.minimal)
        return _levels(self.box, self.train_puzzles - minimal, self.blanks, minimal)

    def test_set(self, n: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        puzzles, solutions = _hard(self.box, self.test_puzzles)
        return puzzles[:n], solutions[:n]

    def parts(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Easy and moderate puzzles, and the test set by the guesses that a solver needs."""
        return _parts(self.box, self.test_puzzles)

    def describe(self) -> tuple[str, str]:
        (h, w), (low, high) = self.box, self.blanks
        task = f"minimal {h * w}x{h * w} Sudoku that needs guesses, with exactly one solution"
        task += (
            f" (training puzzles: {self.minimal:.0%} minimal, the others {low} to {high} blanks, "
            f"the fullest boards first until step {self.curriculum:,})"
        )
        return task, super().describe()[1]


@functools.cache
def _levels(box: tuple[int, int], n: int, blanks: tuple[int, int], minimal: int):
    """Puzzles with ``blanks`` and minimal ones, the fullest first."""
    task = Sudoku(box)
    both = task.generate(n, blanks, TRAIN_SEED), task.hard(minimal, TRAIN_SEED, guesses=0)
    puzzles, solutions = (np.concatenate(part) for part in zip(*both, strict=True))
    order = np.argsort((puzzles == 0).sum(1), kind="stable")
    return puzzles[order], solutions[order]


@functools.cache
def _hard(box: tuple[int, int], n: int):
    return Sudoku(box).hard(n, TEST_SEED, guesses=1)


@functools.cache
def _parts(box: tuple[int, int], n: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    task, (puzzles, solutions) = Sudoku(box), _hard(box, n)
    found = {level: task.generate(n, blanks, TEST_SEED) for level, blanks in LEVELS.items()}
    guesses = np.array([task.difficulty(puzzle) for puzzle in puzzles])
    for name, low, high in (("2", 2, 2), ("3_to_6", 3, 6), ("7_or_more", 7, 10_000)):
        rows = (low <= guesses) & (guesses <= high)
        if rows.any():
            found[f"guesses_{name}"] = puzzles[rows], solutions[rows]
    return found


@dataclass(frozen=True, kw_only=True)
class ExpertSudokuRecipe(SudokuRecipe):
    """9x9 boards as people bring them, from newspapers to the hardest. The training puzzles are
    boards with ``blanks``, minimal ones, and the stored hard and sparse ones, in the ``shares``
    given; of the hard ones half need more than fifty guesses, and a third get up to eight further
    givens.

    The weights begin as those of the shipped model ``start``.
    """

    start: str | None = None
    shares: tuple[float, float, float, float] = (0.15, 0.3, 0.35, 0.2)  # the last: sparse

    @property
    def known_blanks(self) -> tuple[int, int]:
        return self.blanks[0], int((stored("train").puzzles == 0).sum(1).max())

    def build(self):
        model = super().build()
        if self.start:
            model.load_state_dict(Solver.from_pretrained(self.start).state_dict())
        return model

    def train_set(self) -> tuple[np.ndarray, np.ndarray]:
        return _expert(self.train_puzzles, self.blanks, self.shares)

    def test_set(self, n: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Minimal puzzles that need guesses: those of trm-sudoku-9x9-hard."""
        puzzles, solutions = _hard(self.box, self.test_puzzles)
        return puzzles[:n], solutions[:n]

    def parts(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """The stored held-out boards by blanks and guesses, a quarter of the test set each."""
        boards, most = stored("test"), -(-self.test_puzzles // 4)
        found = {name: np.flatnonzero(rows)[:most] for name, rows in classes(boards).items()}
        return {name: (boards.puzzles[i], boards.solutions[i]) for name, i in found.items()}

    def describe(self) -> tuple[str, str]:
        low, high = self.blanks
        full, minimal, hard, sparse = (f"{share:.0%}" for share in self.shares)
        task = (
            f"minimal 9x9 Sudoku that needs guesses, with exactly one solution (training puzzles: "
            f"{full} with {low} to {high} blanks, {minimal} minimal, {hard} with more than six "
            f"guesses, {sparse} with more than 60 blanks)"
        )
        return task, super().describe()[1]


@functools.cache
def _expert(n: int, blanks: tuple[int, int], shares: tuple[float, ...]):
    """The training puzzles of `ExpertSudokuRecipe`; stored ones are taken again where there are
    fewer than asked for.
    """
    task, boards, rng = Sudoku(), stored("train"), np.random.default_rng(TRAIN_SEED)
    full, minimal, hard, sparse = (round(n * share) for share in shares)
    is_sparse = (boards.puzzles == 0).sum(1) > 60

    def some(rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        rows = np.resize(rng.permutation(np.flatnonzero(rows)), count)
        return boards.puzzles[rows], boards.solutions[rows]

    levels = (boards.guesses > 6) & (boards.guesses <= 50) & ~is_sparse, boards.guesses > 50
    halves = [
        some(rows, count) for rows, count in zip(levels, (hard // 2, -(-hard // 2)), strict=True)
    ]
    puzzles, solutions = (np.concatenate(part) for part in zip(*halves, strict=True))
    for puzzle, solution in zip(puzzles[::3], solutions[::3], strict=True):
        more = rng.choice(np.flatnonzero(puzzle == 0), rng.integers(1, 9), replace=False)
        puzzle[more] = solution[more]
    kinds = (
        task.generate(full, blanks, TRAIN_SEED),
        task.hard(minimal, TRAIN_SEED, guesses=0),
        (puzzles, solutions),
        some(is_sparse, sparse),
    )
    return tuple(np.concatenate(part) for part in zip(*kinds, strict=True))


@dataclass(frozen=True, kw_only=True)
class MazeRecipe(Recipe):
    """Perfect mazes of ``size * size`` cells. No test maze has the walls of a training maze, turned
    or flipped.
    """

    size: int

    @property
    def task(self) -> Maze:
        return Maze(self.size)

    def train_set(self) -> tuple[np.ndarray, np.ndarray]:
        return _mazes(self.size, self.train_puzzles, self.test_puzzles)[0]

    def test_set(self, n: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        puzzles, solutions = _mazes(self.size, self.train_puzzles, self.test_puzzles)[1]
        return puzzles[:n], solutions[:n]

    def describe(self) -> tuple[str, str]:
        return f"perfect mazes of {self.size}x{self.size} cells, one way from start to goal", (
            "no test maze has the walls of a training maze, turned or flipped; training mazes are "
            "shown under random symmetries of the square"
        )


@functools.cache
def _mazes(size: int, train: int, test: int):
    return training_and_test(Maze(size), train, test, TRAIN_SEED)


_TRM_4 = SudokuRecipe(
    box=(2, 2), blanks=(8, 10), expansion=4, training=TrainConfig(steps=400, lr=3e-3)
)
_FF_6 = SudokuRecipe(box=(2, 3), blanks=(16, 20), training=TrainConfig(steps=1_200))
_TRM_9 = SudokuRecipe(box=(3, 3), blanks=(30, 40), training=TrainConfig(steps=1_500))

# The halting head reads position 0. Without a prefix that is the first cell of the board, in a maze
# always a wall; a prefix token is a position that is no cell. And exploration makes late segments
# practise: with little, puzzles halt after one or two, and some seeds lose boards with depth
# (benchmarks/results, the study of prefixes).
_PREFIX = {"puzzle_embedding_size": 64}
_TRM_6 = replace(_FF_6, changes=_PREFIX, training=TrainConfig(steps=1_200, exploration=0.5))
_TRM_9_HARD = HardSudokuRecipe(
    box=(3, 3),
    blanks=(30, 50),
    train_puzzles=15_000,
    changes=_PREFIX,
    curriculum=2_000,
    training=TrainConfig(steps=4_000, ema=0.995, exploration=0.5),
)
_TRM_9_EXPERT = ExpertSudokuRecipe(
    box=(3, 3),
    blanks=(20, 54),
    train_puzzles=12_000,
    changes=_PREFIX,
    start="trm-sudoku-9x9-hard",
    training=StartsTrainConfig(
        steps=15_000, lr=1.5e-3, final_lr=0.05, ema=0.998, segments=16, exploration=0.5
    ),
)


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
    "cmm-sudoku-9x9-hard": _cmm(_TRM_9_HARD),
    # HRM's two networks have one block each, so that it has as many parameters as the TRM. As
    # published, there is no average of its weights.
    "hrm-sudoku-4x4": replace(
        _TRM_4,
        model=HRM,
        changes={"num_layers": 1},
        training=TrainConfig(steps=800, lr=3e-3, ema=0),
    ),
    # A segment of HRM calls its networks, of one block each, six times, looks six calls ahead and
    # has a gradient in two: 16 units of one block, 8 of two, where the TRM has 12. So 3/2 the steps.
    "hrm-sudoku-6x6": replace(
        _TRM_6,
        model=HRM,
        changes=_PREFIX | {"num_layers": 1},
        training=replace(_TRM_6.training, steps=1_800),
    ),
    "hrm-sudoku-9x9-hard": replace(
        _TRM_9_HARD,
        model=HRM,
        changes=_PREFIX | {"num_layers": 1},
        curriculum=3_000,
        training=replace(_TRM_9_HARD.training, steps=6_000),
    ),
    "trm-sudoku-4x4": _TRM_4,
    # Made to fail: what it learned on nearly full boards leaves it trapped on emptier ones, at rest
    # in wrong states beside the right ones.
    "trm-sudoku-4x4-trapped": replace(_TRM_4, train_blanks=(2, 4)),
    "trm-sudoku-6x6": _TRM_6,
    "trm-sudoku-9x9-easy": _TRM_9,
    "trm-sudoku-9x9-hard": _TRM_9_HARD,
    # To be trained with --bfloat16 --compile, where the processor computes in it, for an hour.
    "trm-sudoku-9x9-expert": _TRM_9_EXPERT,
    "trm-maze-9x9": MazeRecipe(
        size=9,
        training=TrainConfig(steps=3_000, ema=0.995, exploration=0.5),
        changes=_PREFIX,
    ),
    # A segment runs the network six times, three of them with a backward pass, which costs twice
    # a forward pass: 6 + 2 * 3 = 12 units. One pass with its gradient is 3. So the baseline gets
    # four times the steps.
    "feedforward-sudoku-4x4": _baseline(_TRM_4, 1_600),
    "feedforward-sudoku-6x6": _baseline(_FF_6, 4_800),
    "feedforward-sudoku-9x9-easy": _baseline(_TRM_9, 6_000),
    "feedforward-sudoku-9x9-hard": replace(
        _baseline(_TRM_9_HARD, 16_000), changes={}, curriculum=8_000
    ),
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
