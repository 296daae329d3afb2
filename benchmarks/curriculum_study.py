"""Easy puzzles first, or all at once? On 9x9 Sudoku of every level.

    python benchmarks/curriculum_study.py 9x9-hard  # 6 runs of about six minutes on one core

The recipe trm-sudoku-9x9-hard in 1,000 steps: "all at once" draws from all training puzzles,
"easy first" from the third with the fewest blanks, then more, and from step 500 on from all.

Columns: exact accuracy after 8 segments on 200 held-out puzzles of each level, in the course of
training; ``hard_cells``, the cells of the hard ones that are right at the end.
"""

import functools
import time
from dataclasses import replace

import torch
from study import study

from hrm_course.tasks import Sudoku
from hrm_course.training import Machine, evaluate, train
from hrm_course.zoo import RECIPES

CONDITIONS = {"all at once": 0, "easy first": 500}
STEPS = 1_000


@functools.cache
def levels() -> dict:
    """200 puzzles of each level, which no recipe trains or tests on."""
    task = Sudoku((3, 3))
    return {
        "easy": task.generate(200, (30, 40), seed=98),
        "moderate": task.generate(200, (40, 50), seed=97),
        "hard": task.hard(200, seed=99),
    }


def one_run(size: str, condition: str, seed: int) -> dict:
    """Trains one model and measures it on the way."""
    recipe = replace(RECIPES[f"trm-sudoku-{size}"], curriculum=CONDITIONS[condition])
    training = replace(recipe.training, steps=STEPS, ema=0.98, seed=seed, evaluate_every=200)
    rows: list[dict] = []

    def scores(model) -> dict[str, float]:
        found = {level: evaluate(model, recipe.task, *part) for level, part in levels().items()}
        step = 200 * (len(rows) + 1)
        rows.append({f"{level}_{step}": score.exact for level, score in found.items()})
        rows[-1]["hard_cells"] = round(found["hard"].cells, 4)
        return {}

    started = time.process_time()
    torch.manual_seed(seed)
    model = Machine(compile=True).take(recipe.build())
    train(model, recipe.stream(seed), training, scores, progress=False)
    seconds = round(time.process_time() - started)
    columns = {key: value for row in rows for key, value in row.items()}
    return {"cpu_seconds": seconds, **columns}


if __name__ == "__main__":
    study(__doc__, "curriculum", {"9x9-hard": list(CONDITIONS)}, one_run)
