"""What the studies share: many trained models, kept run by run, and a table of them all.

Every run is a file of its own under ``--out``, so that a study that was interrupted goes on where
it was; several processes share the work with ``--part 1/2`` and ``--part 2/2``. All finished
runs are written to ``benchmarks/results/NAME-SIZE.csv``, one row each.
"""

import argparse
import csv
import functools
import json
from collections.abc import Callable
from pathlib import Path

import torch
from tqdm import tqdm

from hrm_course.data.streams import split_grids
from hrm_course.training.evaluate import by_depth
from hrm_course.zoo import RECIPES, MazeRecipe

TEST_SEED = 2_000_003  # neither the training puzzles nor those on which recipes were chosen
SEGMENTS = (2, 8, 16)


@functools.cache
def data(recipe_name: str):
    """The training puzzles of a recipe, and 400 fresh ones to measure on (mazes: held-out ones)."""
    recipe = RECIPES[recipe_name]
    if isinstance(recipe, MazeRecipe):
        return recipe.train_set(), recipe.test_set(400)
    grids = split_grids(recipe.task)[1] if not recipe.symmetries else None
    return recipe.train_set(), recipe.task.generate(400, recipe.blanks, TEST_SEED, grids)


def accuracy(model, task, puzzles, solutions, depths=SEGMENTS) -> dict[str, float]:
    """Exact accuracy at several depths, from one pass over the puzzles."""
    scores = by_depth(model, task, puzzles, solutions, depths[-1])
    return {f"exact_{n}": round(scores[n - 1].exact, 4) for n in depths}


def study(
    what: str,
    name: str,
    conditions: dict[str, tuple[str, ...]],
    one_run: Callable[[str, str, int], dict],
) -> None:
    """Makes the runs that the command line asks for, seed after seed, and writes the table.

    Args:
        what: the docstring of the script.
        name: of the table.
        conditions: for each size the names of what is compared, in the order of the table.
        one_run: ``one_run(size, condition, seed)`` trains and measures, and returns a row.
    """
    parser = argparse.ArgumentParser(
        description=what, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("size", choices=conditions)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--part", default="1/1", help="such as 2/3: every third run from the 2nd")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    size, runs = arguments.size, arguments.out / name / arguments.size
    part, parts = map(int, arguments.part.split("/"))
    jobs = [(condition, seed) for seed in arguments.seeds for condition in conditions[size]]
    for condition, seed in tqdm(jobs[part - 1 :: parts]):
        file = runs / condition / f"seed{seed}.json"
        if not file.exists():
            row = {"condition": condition, "seed": seed} | one_run(size, condition, seed)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(row))
    rows = [json.loads(file.read_text()) for file in runs.glob("*/seed*.json")]
    rows.sort(key=lambda row: (conditions[size].index(row["condition"]), row["seed"]))
    table = Path(__file__).parent / "results" / f"{name}-{size}.csv"
    table.parent.mkdir(exist_ok=True)
    with table.open("w", newline="") as file:
        columns = list(dict.fromkeys(key for row in rows for key in row))
        writer = csv.DictWriter(file, fieldnames=columns)
        writer.writeheader()
        writer.writerows(rows)
