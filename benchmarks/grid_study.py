"""6x6 Sudoku has few grids up to symmetry: which of them do training and test share?

    python benchmarks/grid_study.py count  # half a minute on one core
    python benchmarks/grid_study.py 6x6    # 6 runs of about two minutes on one core

Two grids are of one kind if a symmetry of the board (digits renamed, bands and rows in them
swapped, stacks and columns in them swapped) makes one of the other.

"count" writes ``grids-6x6.csv``, one row a kind: how many of the 39,168 grids with the first row
1 to 6 it has, how many of the 20,000 training grids (seed 1) and of the 1,000 test grids of the
recipes are of it, and how many test grids are the very grid of a training puzzle (``same``).

"6x6" trains the recipes of TRM and of the feed-forward net, with two thirds of their steps, on
puzzles of some kinds only, and measures on 700 fresh puzzles of each sort: of kinds that training
had and of kinds that it had not (``exact_known``, ``exact_new``, after 8 segments). Every fourth
kind, by size, is held out. Kinds may differ in difficulty, so the shipped model, which was trained
on all of them, is measured on the same puzzles (``shipped_known``, ``shipped_new``).
"""

import functools
import sys
import time
from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import numpy as np
import torch
from study import TEST_SEED, study

from hrm_course.data import PuzzleStream
from hrm_course.models import Solver
from hrm_course.training import evaluate, train
from hrm_course.training.log import write_table
from hrm_course.zoo import RECIPES
from hrm_course.zoo.recipes import TRAIN_SEED

RESULTS = Path(__file__).parent / "results"
RECIPE = RECIPES["trm-sudoku-6x6"]
ROWS = np.array(  # the orders of six rows in three bands of two
    [
        [2 * band + r for band, order in zip(bands, orders, strict=True) for r in order]
        for bands in permutations(range(3))
        for orders in product(((0, 1), (1, 0)), repeat=3)
    ]
)
COLUMNS = np.array(  # the orders of six columns in two stacks of three
    [
        [3 * stack + c for stack, order in zip(stacks, orders, strict=True) for c in order]
        for stacks in permutations(range(2))
        for orders in product(permutations(range(3)), repeat=2)
    ]
)
HELD_OUT = 4  # every fourth kind


def renamed(grids: np.ndarray) -> np.ndarray:
    """Complete boards ``[n, 36]`` with the digits renamed so that the first row is 1 to 6."""
    names = grids[:, :6].argsort(axis=1) + 1
    return np.take_along_axis(names, grids - 1, axis=1).astype(np.uint8)


def relatives(grid: np.ndarray) -> set[bytes]:
    """All boards of the kind of ``grid [36]`` with the first row 1 to 6."""
    moved = grid.reshape(6, 6)[ROWS[:, None, :, None], COLUMNS[None, :, None, :]]
    return {board.tobytes() for board in renamed(moved.reshape(-1, 36).astype(int))}


class Kinds:
    """Numbers kinds in the order in which they come."""

    def __init__(self):
        self.number, self.sizes = {}, []

    def of(self, grids: np.ndarray) -> np.ndarray:
        """The kind ``[n]`` of each of the complete boards ``[n, 36]``."""
        found = []
        for grid in renamed(grids):
            if grid.tobytes() not in self.number:
                family = relatives(grid)
                self.number.update(dict.fromkeys(family, len(self.sizes)))
                self.sizes.append(len(family))
            found.append(self.number[grid.tobytes()])
        return np.array(found)


def count() -> None:
    """Writes the table of kinds, the largest first."""
    known, fresh = RECIPE.train_set()[1], RECIPE.test_set()[1]
    kinds = Kinds()
    of_known, of_fresh = kinds.of(known), kinds.of(fresh)
    seen = {grid.tobytes() for grid in known}
    same = np.array([grid.tobytes() in seen for grid in fresh])
    rows = [
        {
            "grids": kinds.sizes[k],
            "training": int((of_known == k).sum()),
            "test": int((of_fresh == k).sum()),
            "same": int((same & (of_fresh == k)).sum()),
        }
        for k in sorted(range(len(kinds.sizes)), key=lambda k: -kinds.sizes[k])
    ]
    write_table([{"kind": n} | row for n, row in enumerate(rows, 1)], RESULTS / "grids-6x6.csv")


@functools.cache
def every_kind() -> Kinds:
    """All kinds: the training puzzles of the recipe have them."""
    kinds = Kinds()
    kinds.of(RECIPE.train_set()[1])
    return kinds


@functools.cache
def split(n: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Puzzles and solutions of kinds to train on, and of kinds that are held out.

    There are ``n`` puzzles in all; the same kinds are held out whatever ``n`` and ``seed`` are.
    """
    kinds = every_kind()
    puzzles, solutions = RECIPE.task.generate(n, RECIPE.blanks, seed)
    order = sorted(range(len(kinds.sizes)), key=lambda k: (kinds.sizes[k], _first(kinds, k)))
    new = np.isin(kinds.of(solutions), order[::HELD_OUT])
    return [(puzzles[rows], solutions[rows]) for rows in (~new, new)]


def _first(kinds: Kinds, k: int) -> bytes:
    """The least board of a kind: its name, whatever came first."""
    return min(board for board, number in kinds.number.items() if number == k)


def one_run(size: str, condition: str, seed: int) -> dict:
    """Trains one model on some kinds of grids and measures it on both sorts."""
    (known, _), fresh = split(26_000, TRAIN_SEED), split(2_400, TEST_SEED)
    recipe = RECIPES[f"{condition}-sudoku-{size}"]
    steps = recipe.training.steps * 2 // 3
    training = replace(recipe.training, steps=steps, seed=seed, evaluate_every=steps)
    stream = PuzzleStream(recipe.task, *known, recipe.batch_size, seed)
    torch.manual_seed(seed)
    started = time.process_time()
    model, _ = train(recipe.build(), stream, training, progress=False)
    found = {"steps": steps, "cpu_seconds": round(time.process_time() - started)}
    shipped = Solver.from_pretrained(f"{condition}-sudoku-{size}")
    for which, one in (("exact", model), ("shipped", shipped)):
        for sort, (puzzles, solutions) in zip(("known", "new"), fresh, strict=True):
            score = evaluate(one, recipe.task, puzzles[:700], solutions[:700], segments=8)
            found[f"{which}_{sort}"] = round(score.exact, 4)
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:] == ["count"]:
        count()
    else:
        study(__doc__, "grids-split", {"6x6": ("trm", "feedforward")}, one_run)
