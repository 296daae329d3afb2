"""Why some models lose boards with depth: too little practice, or a cell with two jobs?

    python benchmarks/prefix_study.py 6x6       # 12 runs of about three minutes on one core
    python benchmarks/prefix_study.py maze-9x9  # 9 of about 20; the middle row is the recipe

The halting head reads position 0. Without a prefix that is the first cell of the board, which
has an answer of its own to give; a prefix token is a position that is no cell. And with little
exploration a puzzle halts after a segment or two in training, so that late segments see few.
Both are varied. 6x6: 1,200 steps; mazes: all else as in the recipe.

Columns: exact accuracy on held-out boards after some segments; of the boards that are wrong after
8 segments, how many there are (``wrong``), how many are wrong in the first cell (``first``), and
nowhere else (``only_first``); ``mean_segments``, how many segments a puzzle takes with early
halting.
"""

import time
from dataclasses import replace
from pathlib import Path

import torch
from study import accuracy, data, study

from hrm_course.data import PuzzleStream
from hrm_course.models import TRM
from hrm_course.training import train
from hrm_course.zoo import RECIPES, run

PREFIX = {"puzzle_embedding_size": 64}
CONDITIONS = {
    f"{name}, exploration {exploration}": (changes, exploration)
    for exploration in (0.1, 0.5, 1.0)
    for name, changes in (("no prefix", {}), ("prefix", PREFIX))
}


def one_run(size: str, condition: str, seed: int) -> dict:
    """Trains one model and measures it."""
    changes, exploration = CONDITIONS[condition]
    name = "trm-maze-9x9" if size.startswith("maze") else "trm-sudoku-6x6"
    recipe = RECIPES[name]
    schedule = {} if size.startswith("maze") else {"steps": 1_200, "ema": 0.98}
    training = replace(recipe.training, seed=seed, exploration=exploration, **schedule)
    training = replace(training, evaluate_every=training.steps)
    known, fresh = data(name)
    started = time.process_time()
    if replace(training, seed=0) == replace(recipe.training, evaluate_every=training.steps) and (
        changes == recipe.changes
    ):  # the recipe itself
        folder = Path("runs") / name / f"seed{seed}"
        run(name, seed, folder, progress=False)
        best = TRM.from_pretrained(folder)
    else:
        recipe = replace(recipe, changes=changes, training=training)
        stream = PuzzleStream(recipe.task, *known, recipe.batch_size, seed)
        torch.manual_seed(seed)
        best, _ = train(recipe.build(), stream, training, progress=False)
    seconds = round(time.process_time() - started)
    found = {"parameters": best.num_parameters(), "cpu_seconds": seconds}
    scores = accuracy(best, recipe.task, *fresh, depths=(1, 2, 4, 8, 16, 32))
    return found | scores | faults(best, recipe.task, *fresh)


def faults(model, task, puzzles, solutions) -> dict[str, float]:
    """Where the boards that are wrong after 8 segments are wrong."""
    inputs = torch.from_numpy(task.encode(puzzles))
    labels = torch.from_numpy(task.encode(solutions))
    wrong = model.solve(inputs, segments=8).tokens != labels
    wrong = wrong[wrong.any(1)]
    halting = model.solve(inputs, segments=8, halt=True)
    return {
        "wrong": len(wrong),
        "first": int(wrong[:, 0].sum()),
        "only_first": int((wrong[:, 0] & (wrong.sum(1) == 1)).sum()),
        "mean_segments": round(halting.segments.float().mean().item(), 2),
    }


if __name__ == "__main__":
    sudoku = [condition for condition in CONDITIONS if not condition.endswith("1.0")]
    mazes = ["no prefix, exploration 0.5", "prefix, exploration 0.5", "prefix, exploration 1.0"]
    study(__doc__, "prefix", {"6x6": sudoku, "maze-9x9": mazes}, one_run)
