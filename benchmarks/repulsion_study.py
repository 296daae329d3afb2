"""Why a CMM of this size does not learn with the published weight of the repulsion of answers.

    python benchmarks/repulsion_study.py 4x4             # 6 runs of a minute on one core

A CMM on 4x4 Sudoku with the losses of cells and halting, and the repulsion between answers alone.
"weight 20": with that weight, 300 steps. "1,000 late": 300 steps without, then 150 with 1,000.
(Without it, and with 1,000 from the start: "plain" and "only repulsion_answer, 1,000" of
cmm-4x4.csv.)

Columns: as in cmm_study.py; ``exact_before``, the accuracy before the last piece of training; and
for each tenth of that piece ``cells_N`` and ``repulsion_N``, the means of the two losses, without
their weights, since the tenth before.
"""

import time
from dataclasses import asdict, replace

import torch
from cmm_study import PLAIN, at_the_end
from study import accuracy, data, study

from hrm_course.data import PuzzleStream
from hrm_course.training import CMMTrainConfig, train
from hrm_course.zoo import RECIPES

SEEN = 1e-9  # a weight that does nothing but have the loss computed and logged
CONDITIONS = {  # pieces of training: weight and steps
    "weight 20": [(20.0, 300)],
    "1,000 late": [(SEEN, 300), (1_000.0, 150)],
}


def one_run(size: str, condition: str, seed: int) -> dict:
    """Trains one model, in one piece or in two, and measures it."""
    recipe = RECIPES["cmm-sudoku-4x4"]
    known, fresh = data("cmm-sudoku-4x4")
    plain = {k: v for k, v in asdict(recipe.training).items() if k != "terms"}
    plain |= {"seed": seed, "exploration": 0.5, "warmup": 50}
    torch.manual_seed(seed)
    model, started = recipe.build(), time.process_time()
    for piece, (weight, steps) in enumerate(CONDITIONS[condition]):
        before = accuracy(model.eval(), recipe.task, *fresh)
        pace = plain | {"steps": steps, "evaluate_every": steps // 10}
        training = CMMTrainConfig(**pace, terms=replace(PLAIN, repulsion_answer=weight))
        stream = PuzzleStream(recipe.task, *known, recipe.batch_size, seed + 100 * piece, False)
        model, log = train(model.requires_grad_(True), stream, training, progress=False)
    row = {
        "parameters": model.num_parameters(),
        "steps": sum(steps for _, steps in CONDITIONS[condition]),
    }
    row["cpu_seconds"] = round(time.process_time() - started)
    row |= {"exact_before": before["exact_8"]} | accuracy(model, recipe.task, *fresh)
    row |= at_the_end(model, torch.from_numpy(recipe.task.encode(fresh[0][:8])))
    for n, line in enumerate(log[:10], start=1):
        row[f"cells_{n}"] = line["loss_cells"]
        row[f"repulsion_{n}"] = line["loss_repulsion_answer"]
    return row


if __name__ == "__main__":
    study(__doc__, "repulsion", {"4x4": tuple(CONDITIONS)}, one_run)
