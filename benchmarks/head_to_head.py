"""HRM, TRM, CMM, plain recurrence and a feed-forward net, at equal parameters and equal compute.

    python benchmarks/head_to_head.py 6x6         # 18 runs of about two minutes on one core
    python benchmarks/head_to_head.py 9x9         # 18 runs of about four
    python benchmarks/head_to_head.py maze        # 18 runs of about five
    python benchmarks/head_to_head.py efficiency  # 45 runs of about two: few or many puzzles

All have the hidden size, the kind of block and, to 2 %, the number of parameters of the TRM of
that size. Compute is counted in operations: the multiplications and additions of all matrix
products in one training step, forward, backward and without gradient, as PyTorch's
`FlopCounterMode` counts them. The TRM gets a number of steps, every other model as many as have
the same operations in sum. Nothing else is tuned for any of them: step length, decay, average of the
weights and exploration are those of the TRM's recipe.

"CMM" has the terms of the recipes, "CMM without terms" none. On 9x9 the training puzzles have 30
to 50 blanks, and the columns ``easy`` (30 to 40), ``moderate`` (40 to 50) and ``hard`` (minimal,
needs guesses) are measured after 8 segments. "efficiency" trains on the first 100, 300, 1,000,
3,000 or 10,000 training puzzles of 6x6, shown under random symmetries as everywhere.
"""

import functools
import time
from dataclasses import asdict, replace

import torch
from study import TEST_SEED, accuracy, data, study
from torch.utils.flop_counter import FlopCounterMode

from hrm_course.data import PuzzleStream
from hrm_course.models import CMM, HRM, TRM, FeedForward
from hrm_course.models.variants import Recurrent
from hrm_course.tasks import Sudoku
from hrm_course.training import CMMTrainConfig, evaluate, train
from hrm_course.training.distributed import Share
from hrm_course.training.loop import Training, train_step
from hrm_course.zoo import RECIPES, Recipe

STEPS = {"6x6": 800, "9x9": 1_200, "maze": 1_200, "efficiency": 800}  # of the TRM
BASE = {
    "6x6": RECIPES["trm-sudoku-6x6"],
    "efficiency": RECIPES["trm-sudoku-6x6"],
    "9x9": replace(RECIPES["trm-sudoku-9x9-easy"], blanks=(30, 50)),
    "maze": RECIPES["trm-maze-9x9"],
}
PREFIX = {"puzzle_embedding_size": 64}  # a place for the halting head, as in the recipes
MODELS = {
    "TRM": (TRM, PREFIX),
    "HRM": (HRM, PREFIX | {"num_layers": 1}),
    "CMM": (CMM, PREFIX),
    "CMM without terms": (CMM, PREFIX),
    "plain recurrence": (Recurrent, PREFIX),
    "feed-forward": (FeedForward, {}),
}
PUZZLES = (100, 300, 1_000, 3_000, 10_000)
FEW = ("TRM", "CMM without terms", "feed-forward")  # compared by sample efficiency
EVERY = 8
LEVELS = {"easy": (30, 40), "moderate": (40, 50)}


def recipe_of(size: str, model: str, seed: int, steps: int) -> Recipe:
    """Model and schedule of one run."""
    kind, changes = MODELS[model]
    base = BASE[size]
    training = replace(base.training, steps=steps, seed=seed, exploration=0.5, evaluate_every=steps)
    if model == "CMM":
        terms = RECIPES["cmm-sudoku-6x6"].training.terms
        training = CMMTrainConfig(**asdict(training), terms=terms)
    return replace(base, model=kind, changes=changes, training=training)


def operations(recipe: Recipe, stream: PuzzleStream) -> int:
    """Additions and multiplications of the matrix products in a training step, the mean over
    ``EVERY`` steps: a CMM has some terms in every eighth step only.
    """
    torch.manual_seed(0)
    training = Training(recipe.build(), recipe.training, stream[0], Share())
    with FlopCounterMode(display=False) as counter:
        for step in range(EVERY):
            train_step(training, stream[step])
    return counter.get_total_flops() // EVERY


def puzzles_of(size: str, count: int | None):
    """The training puzzles, and those to measure on."""
    if size == "9x9":
        base = BASE["9x9"]
        return base.train_set(), base.task.generate(400, base.blanks, TEST_SEED)
    known, fresh = data({"maze": "trm-maze-9x9"}.get(size, "trm-sudoku-6x6"))
    return tuple(part[:count] for part in known), fresh


def one_run(size: str, condition: str, seed: int) -> dict:
    """Trains one model and measures it."""
    model, count = condition, None
    if size == "efficiency":
        model, number = condition.rsplit(" ", 1)
        count = int(number)
    known, fresh = puzzles_of(size, count)
    recipe = recipe_of(size, model, seed, steps=1)
    stream = PuzzleStream(recipe.task, *known, recipe.batch_size, seed)
    each = operations(recipe, stream)
    full = operations(recipe_of(size, "TRM", seed, steps=1), stream)
    recipe = recipe_of(size, model, seed, steps=round(STEPS[size] * full / each))
    torch.manual_seed(seed)
    began = time.process_time()
    best, _ = train(recipe.build(), stream, recipe.training, progress=False)
    row = {
        "parameters": best.num_parameters(),
        "steps": recipe.training.steps,
        "million_operations_a_step": round(each / 1e6),
        "cpu_seconds": round(time.process_time() - began),
    }
    if isinstance(best, FeedForward):
        row |= {"exact_8": round(evaluate(best, recipe.task, *fresh).exact, 4)}
    else:
        row |= accuracy(best, recipe.task, *fresh)
    if size == "9x9":
        for level, boards in levels().items():
            row[level] = round(evaluate(best, recipe.task, *boards).exact, 4)
    return row


@functools.cache
def levels() -> dict:
    """400 fresh 9x9 boards of each level."""
    task = Sudoku()
    found = {level: task.generate(400, blanks, TEST_SEED) for level, blanks in LEVELS.items()}
    return found | {"hard": task.hard(400, TEST_SEED, guesses=1)}


if __name__ == "__main__":
    few = tuple(f"{model} {n}" for n in PUZZLES for model in FEW)
    study(
        __doc__,
        "head",
        {**dict.fromkeys(("6x6", "9x9", "maze"), tuple(MODELS)), "efficiency": few},
        one_run,
    )
