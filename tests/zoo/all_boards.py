"""Every board of every recipe, looked at once, which takes minutes. The table is all_boards.csv.

    PYTHONPATH=. python tests/zoo/all_boards.py            # writes the table anew
    PYTHONPATH=. python tests/zoo/all_boards.py NAME ...   # only the rows of these recipes

The tests look at a sample of the boards, and compare the sample, and the cards of the models, with
the table: so they notice when the boards are no longer those that were looked at.
"""

import csv
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from hrm_course.tasks import Maze
from hrm_course.training.identity import checksum
from hrm_course.zoo import RECIPES

TABLE = Path(__file__).parent / "all_boards.csv"
SAMPLE = dict(train_puzzles=60, test_puzzles=15)


def sample(name):
    """The recipe with few boards."""
    return replace(RECIPES[name], **SAMPLE)


def sample_checksum(recipe) -> str:
    parts = recipe.train_set(), recipe.test_set(), *recipe.parts().values()
    return checksum(np.concatenate([np.concatenate(part) for part in parts]))


def keys(task, puzzles) -> np.ndarray:
    """A number for each puzzle that symmetries do not change; for mazes of the walls alone."""
    if not isinstance(task, Maze):
        return task.fingerprint(puzzles)
    walls = (puzzles == 0)[:, task.images]  # [n, 8, cells]
    return np.array([hash(min(map(bytes, images))) for images in walls])


def images(recipe) -> int:
    """How many test puzzles, of all parts, are images of a training puzzle."""
    trained = keys(recipe.task, recipe.train_set()[0])
    parts = recipe.test_set(), *recipe.parts().values()
    return sum(int(np.isin(keys(recipe.task, part[0]), trained).sum()) for part in parts)


def symmetric() -> list[str]:
    """The recipes that show boards under symmetries: all but 4x4 Sudoku."""
    return sorted(name for name, recipe in RECIPES.items() if recipe.symmetries)


NOT_OF_BOARDS = {"model", "expansion", "training", "hidden_size", "batch_size", "changes", "start"}


def alike() -> list[list[str]]:
    """These recipes, those together that make the same boards: only their models differ."""
    groups: dict[str, list[str]] = {}
    for name in symmetric():
        recipe = RECIPES[name]
        facts = {k: v for k, v in vars(recipe).items() if k not in NOT_OF_BOARDS}
        groups.setdefault(f"{type(recipe).__name__} {facts}", []).append(name)
    return list(groups.values())


def table() -> dict[str, dict[str, str]]:
    """The rows by the names of their recipes."""
    with TABLE.open(newline="") as file:
        return {row["recipe"]: row for row in csv.DictReader(file)}


def main(names: list[str]) -> None:
    rows, done = (table() if names else {}), {}
    for name in names or symmetric():
        recipe = RECIPES[name]
        said = sample_checksum(sample(name)), recipe.train_puzzles, recipe.test_puzzles
        if said not in done:  # several models learn from the same boards
            done[said] = {
                "training": recipe.train_puzzles,
                "test": recipe.test_puzzles + sum(len(p[0]) for p in recipe.parts().values()),
                "images": images(recipe),
                "test_sha256": recipe.checksum(),
                "sample": said[0],
            }
        rows[name] = {"recipe": name} | done[said]
        print(rows[name], flush=True)
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[name]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[name] for name in sorted(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
