"""From HRM to TRM, one change at a time, on 6x6 Sudoku: the rows of the TRM paper's tables 1 and 2.

    python benchmarks/variants_study.py 6x6       # 36 runs of about two minutes on one core
    python benchmarks/variants_study.py 6x6-long  # 6 runs of about six: three times the steps
    python benchmarks/variants_study.py row       # one row again, seed 0, its weights kept: 2 min
    python benchmarks/variants_study.py settings  # what each row is built of: a second

The TRM of the comparison is far smaller than the published one: hidden size 64, T = 2, n = 4, 800
steps of 64 puzzles (2,400 in the long study). Rows that are numbers in the paper are scaled with
it: "4 layers, n=3" becomes four layers with n = 2, "T=2, n=2" becomes T = 1, n = 2. HRM has one
block in each network, so that it has as many parameters.

Columns: ``published``, the accuracy on Sudoku-Extreme in the paper; exact accuracy on held-out
6x6 puzzles after some segments. "row" is T=2, n=2, the cheapest: its log, and the weights at the
end, so that whoever reads the table can measure one of its models.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from study import accuracy, data, study

from hrm_course.data import PuzzleStream
from hrm_course.models import HRM
from hrm_course.models.variants import TABLE_1, TABLE_2, OneStepGradient, Recurrent
from hrm_course.training import evaluate, train
from hrm_course.training.log import write_table
from hrm_course.zoo import RECIPES, Recipe

ROWS = TABLE_1 | {name: row for name, row in TABLE_2.items() if name != "y and z"}
SCALED = {
    "HRM": dict(num_layers=1, H_cycles=2, L_cycles=2),
    "4 layers, n=3": dict(num_layers=4, L_cycles=2),
    "T=2, n=2": dict(H_cycles=1, L_cycles=2),
    "self-attention": dict(mixer="attention", position_code="rope", num_heads=4),
}
RECIPE = RECIPES["trm-sudoku-6x6"]
STEPS = {"6x6": 800, "6x6-long": 2400}
RESULTS = Path(__file__).parent / "results"


def recipe_of(size: str, condition: str, seed: int) -> Recipe:
    """Model, data and schedule of one run."""
    if condition == "no hierarchy":
        model, config, changes = Recurrent, {}, {}
    else:
        row = ROWS[condition]
        model, config, changes = row.model, SCALED.get(condition, row.config), row.training
    steps = STEPS[size]
    common = dict(steps=steps, seed=seed, exploration=0.5, ema=0.99, evaluate_every=steps)
    return replace(
        RECIPE,
        model=model,
        changes=dict(H_cycles=2, L_cycles=4) | config,
        training=replace(RECIPE.training, **common | changes),
    )


def one_run(size: str, condition: str, seed: int) -> dict:
    """Trains one model and measures it."""
    recipe = recipe_of(size, condition, seed)
    known, fresh = data("trm-sudoku-6x6")
    stream = PuzzleStream(recipe.task, *known, recipe.batch_size, seed)
    torch.manual_seed(seed)
    started = time.process_time()
    best, _ = train(recipe.build(), stream, recipe.training, progress=False)
    seconds = round(time.process_time() - started)
    published = ROWS[condition].accuracy if condition in ROWS else ""
    found = {"published": published, "parameters": best.num_parameters(), "cpu_seconds": seconds}
    return found | accuracy(best, recipe.task, *fresh)


def one_row(condition: str = "T=2, n=2", every: int = 100) -> None:
    """One run followed on the way: its log and its weights go to results/variants-6x6-row/."""
    recipe = recipe_of("6x6", condition, seed=0)
    known, fresh = data("trm-sudoku-6x6")

    def scores(model) -> dict[str, float]:
        return {"exact": evaluate(model, recipe.task, *fresh, segments=8).exact}

    stream = PuzzleStream(recipe.task, *known, recipe.batch_size, 0)
    torch.manual_seed(0)
    config = replace(recipe.training, evaluate_every=every)
    model, log = train(recipe.build(), stream, config, scores)
    model.save_pretrained(RESULTS / "variants-6x6-row")
    write_table(log, RESULTS / "variants-6x6-row" / "log.csv")


def settings() -> None:
    """What each row of the study is built of: results/variants-6x6-settings.csv."""
    rows = []
    for condition in (*ROWS, "no hierarchy"):
        model = recipe_of("6x6", condition, 0).build()
        c = model.config
        back = 2 if isinstance(model, HRM | OneStepGradient) else c.L_cycles + 1
        row = {"condition": condition, "T": c.H_cycles, "n": c.L_cycles, "layers": c.num_layers}
        row |= {"mixer": c.mixer, "calls_back": back, "parameters": model.num_parameters()}
        rows.append(row)
    write_table(rows, RESULTS / "variants-6x6-settings.csv")


if __name__ == "__main__":
    torch.set_num_threads(1)
    alone = {"row": one_row, "settings": settings}
    if sys.argv[1:] and sys.argv[1] in alone:
        alone[sys.argv[1]]()
    else:
        long = ("self-attention", "two networks")  # rows that failed, or may only have been slow
        study(__doc__, "variants", {"6x6": (*ROWS, "no hierarchy"), "6x6-long": long}, one_run)
