"""From HRM to TRM, one change at a time, on 6x6 Sudoku: the rows of the TRM paper's tables 1 and 2.

    python benchmarks/variants_study.py 6x6       # 36 runs of about two minutes on one core
    python benchmarks/variants_study.py 6x6-long  # 6 runs of about six: three times the steps

The TRM of the comparison is far smaller than the published one: hidden size 64, T = 2, n = 4, 800
steps of 64 puzzles (2,400 in the long study). Rows that are numbers in the paper are scaled with
it: "4 layers, n=3" becomes four layers with n = 2, "T=2, n=2" becomes T = 1, n = 2. HRM has one
block in each network, so that it has as many parameters.

Columns: ``published``, the accuracy on Sudoku-Extreme in the paper; exact accuracy on held-out
6x6 puzzles after some segments.
"""

import time
from dataclasses import replace

import torch
from study import accuracy, data, study

from hrm_course.models.variants import TABLE_1, TABLE_2, Recurrent
from hrm_course.training import RECIPES, PuzzleStream, train

ROWS = TABLE_1 | {name: row for name, row in TABLE_2.items() if name != "y and z"}
SCALED = {
    "HRM": dict(num_layers=1, H_cycles=2, L_cycles=2),
    "4 layers, n=3": dict(num_layers=4, L_cycles=2),
    "T=2, n=2": dict(H_cycles=1, L_cycles=2),
    "self-attention": dict(mixer="attention", position_code="rope", num_heads=4),
}
RECIPE = RECIPES["trm-sudoku-6x6"]
STEPS = {"6x6": 800, "6x6-long": 2400}


def one_run(size: str, condition: str, seed: int) -> dict:
    """Trains one model and measures it."""
    if condition == "no hierarchy":
        model, published, config, changes = Recurrent, "", {}, {}
    else:
        row = ROWS[condition]
        model, published, changes = row.model, row.accuracy, row.training
        config = SCALED.get(condition, row.config)
    steps = STEPS[size]
    common = dict(steps=steps, seed=seed, exploration=0.5, ema=0.99, evaluate_every=steps)
    recipe = replace(
        RECIPE,
        model=model,
        changes=dict(H_cycles=2, L_cycles=4) | config,
        training=replace(RECIPE.training, **common | changes),
    )
    known, fresh = data("trm-sudoku-6x6")
    stream = PuzzleStream(recipe.task, *known, recipe.batch_size, seed)
    torch.manual_seed(seed)
    started = time.process_time()
    best, _ = train(recipe.build(), stream, recipe.training, progress=False)
    seconds = round(time.process_time() - started)
    found = {"published": published, "parameters": best.num_parameters(), "cpu_seconds": seconds}
    return found | accuracy(best, recipe.task, *fresh)


if __name__ == "__main__":
    long = ("self-attention", "two networks")  # rows that failed, or may only have been slow
    study(__doc__, "variants", {"6x6": (*ROWS, "no hierarchy"), "6x6-long": long}, one_run)
