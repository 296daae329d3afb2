"""How far a model gets on 9x9 Sudokus of each class of blanks and guesses, thinking longer and
starting more often.

    python benchmarks/by_class.py trm-sudoku-9x9-hard --boards 100
    python benchmarks/by_class.py runs/trm-sudoku-9x9-expert/seed0 --name expert --starts 16

A folder without a finished model may hold the checkpoint of a run: then its averaged weights are
measured. The table becomes ``benchmarks/results/classes-NAME.csv``, one row a class; the first row,
"hard", has minimal boards that need guesses, from the test set of the recipes.

Columns: ``exact_N``, the share of boards that are right after N segments from the usual start;
``best_K``, the share after 32 segments if the answer of the start that the halting head trusts most
is taken, of the usual start and K - 1 random ones; ``any_K``, the share that some start gets right.
"""

import argparse
import csv
import io
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor
from tqdm import tqdm

from hrm_course import files
from hrm_course.models import Solver, by_halting_head, from_starts
from hrm_course.training.checkpoint import FILE
from hrm_course.zoo import RECIPES

DEPTHS, THINK = (8, 16, 32, 64), 32
RECIPE = RECIPES["trm-sudoku-9x9-expert"]


def averaged(folder: Path) -> Solver:
    """The averaged weights in a checkpoint of the recipe."""
    model = RECIPE.build()
    with safe_open(folder / FILE, framework="pt") as file:
        names = [name for name in file.keys() if name.startswith("average.")]
        tensors = {name.removeprefix("average."): file.get_tensor(name) for name in names}
        print("checkpoint at step", file.metadata()["step"], file=sys.stderr)
    model.load_state_dict(tensors)
    return model.eval().requires_grad_(False)


def measure(model: Solver, inputs: Tensor, labels: Tensor, starts: int, seed: int) -> dict:
    """One row of the table, for boards ``[n, cells]`` as tokens."""
    generator = torch.Generator().manual_seed(seed)
    trace = model.solve(inputs, DEPTHS[-1], trace=True).trace
    row = {f"exact_{depth}": _exact(trace.tokens[depth - 1], labels) for depth in DEPTHS}
    traces = from_starts(model, inputs, THINK, starts, generator)
    answers = [(trace.tokens[-1], trace.halt_logit[-1]) for trace in traces]
    tokens, trust = (torch.stack(part) for part in zip(*answers, strict=True))
    right = (tokens == labels).all(-1)  # [starts, n]
    for k in (k for k in (2, 4, 8, 16) if k <= starts):
        chosen = by_halting_head(trust[:k])
        row[f"best_{k}"] = right[chosen, torch.arange(len(labels))].double().mean().item()
        row[f"any_{k}"] = right[:k].any(0).double().mean().item()
    return row


def _exact(tokens: Tensor, labels: Tensor) -> float:
    return (tokens == labels).all(-1).double().mean().item()


def boards(most: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Up to ``most`` held-out boards of each class, and of the recipes' hard ones."""
    hard = replace(RECIPE, test_puzzles=most).test_set()  # a longer list begins with the shorter
    parts = {"hard": hard, **RECIPE.parts()}
    return {name: tuple(rows[:most] for rows in part) for name, part in parts.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="a shipped model, or the folder of a run")
    parser.add_argument("--name", help="of the table; left out: the model's")
    parser.add_argument("--boards", type=int, default=250, help="of each class at most (250)")
    parser.add_argument("--starts", type=int, default=4, help="how many to choose from (4)")
    parser.add_argument("--bfloat16", action="store_true", help="faster, where the processor can")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    folder = Path(arguments.model)
    unfinished = (folder / FILE).exists() and not (folder / "config.json").exists()
    model = averaged(folder) if unfinished else Solver.from_pretrained(arguments.model)
    if arguments.bfloat16:
        model = model.computing_in("bfloat16")
    rows = []
    for i, (name, part) in enumerate(tqdm(boards(arguments.boards).items())):
        inputs, labels = (torch.from_numpy(RECIPE.task.encode(rows)) for rows in part)
        found = measure(model, inputs, labels, arguments.starts, seed=i)
        row = {"class": name, "n": len(inputs)} | {k: round(v, 4) for k, v in found.items()}
        rows.append(row)
        print(*row.values(), flush=True)
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    name = arguments.name or folder.name
    files.write(Path(__file__).parent / "results" / f"classes-{name}.csv", table.getvalue())
