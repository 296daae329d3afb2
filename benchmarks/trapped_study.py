"""What traps a reasoner at rest in wrong states? Trained on one kind of board, tested on another.

    python benchmarks/trapped_study.py 4x4  # 15 runs of about a minute on one core

The recipe trm-sudoku-4x4 with other training puzzles, tested on boards with 8 to 10 blanks from
grids never trained on. "12 grids" are the first twelve of the 240 training grids.

Columns: of 600 boards, how many are wrong after 32 segments (``wrong``), how many of these had
been right before (``lost``) and how many are at rest (``at_rest``, residual below 0.01). Then the
wrong boards, at most 64, once more from 16 random states each: how many find the answer from at
least one (``rescued`` of ``tried``), and from what share of all starts (``share``).
"""

import time
from dataclasses import asdict, replace

import torch
from study import study

from hrm_course.data import PuzzleStream
from hrm_course.data.streams import split_grids
from hrm_course.dynamics import orbit
from hrm_course.training import train
from hrm_course.training.evaluate import failures
from hrm_course.zoo import RECIPES

CONDITIONS = {  # blanks, grids
    "8-10 blanks": ((8, 10), 240),
    "3-6 blanks": ((3, 6), 240),
    "2-4 blanks": ((2, 4), 240),
    "8-10 blanks, 40 grids": ((8, 10), 40),
    "8-10 blanks, 12 grids": ((8, 10), 12),
}
STARTS = 16


def one_run(size: str, condition: str, seed: int) -> dict:
    """Trains one model and looks at its wrong answers."""
    recipe = RECIPES["trm-sudoku-4x4"]
    task, (blanks, grids) = recipe.task, CONDITIONS[condition]
    known, fresh = split_grids(task)
    test = task.generate(600, recipe.blanks, seed=5, grids=fresh)
    shown = task.generate(5_000, blanks, seed=1, grids=known[:grids])
    training = replace(recipe.training, seed=seed, evaluate_every=recipe.training.steps)
    started = time.process_time()
    torch.manual_seed(seed)
    stream = PuzzleStream(task, *shown, recipe.batch_size, seed, symmetries=False)
    model, _ = train(recipe.build(), stream, training, progress=False)
    seconds = round(time.process_time() - started)
    found = asdict(failures(model, task, *test, segments=32))
    return {"cpu_seconds": seconds, **found, **restarts(model, task, *test, seed)}


@torch.no_grad()
def restarts(model, task, puzzles, solutions, seed: int) -> dict[str, float]:
    """The wrong boards from random states: normal numbers, of the size that states have."""
    inputs, labels = (torch.from_numpy(task.encode(boards)) for boards in (puzzles, solutions))
    wrong = (model.solve(inputs, segments=32).tokens != labels).any(1)
    inputs, labels = inputs[wrong][:64], labels[wrong][:64]
    if len(inputs) == 0:
        return {"rescued": 0, "tried": 0, "share": 0.0}
    c = model.config
    generator = torch.Generator().manual_seed(seed)
    right = []
    for _ in range(STARTS):
        z = torch.randn(len(inputs), 2, c.length, c.hidden_size, generator=generator)
        z = orbit(model.segment_map(inputs), z, 32)[-1]
        right.append((model.read_out(z[:, 0]).logits.argmax(-1) == labels).all(1))
    right = torch.stack(right)  # [starts, boards]
    return {
        "rescued": int(right.any(0).sum()),
        "tried": len(inputs),
        "share": round(right.double().mean().item(), 3),
    }


if __name__ == "__main__":
    study(__doc__, "trapped", {"4x4": list(CONDITIONS)}, one_run)
