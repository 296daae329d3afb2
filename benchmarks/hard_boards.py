"""Makes the hard and sparse Sudokus of the course, by many climbs from random grids.

    python benchmarks/hard_boards.py train --climbs 102  # about 4 minutes of one core
    python benchmarks/hard_boards.py test --climbs 18

Every climb is a file of its own under ``--out``, so that what was interrupted goes on where it was.
All of them together become ``hrm_course/zoo/boards/PART.csv.gz``; the same climbs give the same
file on every machine, and its checksum is printed. A board that is the image of another one under a
symmetry of Sudoku is left out, of the test part also images of training boards. The test part has
at most 250 boards of a class of blanks and guesses, and ordinary boards for the easy classes.
"""

import argparse
import gzip
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from climbs import climb, solver
from tqdm import tqdm

from hrm_course import files
from hrm_course.tasks import Sudoku
from hrm_course.zoo.boards import FOLDER, Boards, checksum, classes, stored

ORDER = {  # climb by climb
    "train": ("guesses", "blanks", "guesses", "both", "guesses", "blanks"),
    "test": ("guesses", "blanks", "full", "both", "guesses", "blanks"),
}
MOST = 250  # held-out boards of a class
SEED = 4_000_037  # of the ordinary held-out boards


def climbs(part: str, n: int, folder: Path) -> list[list]:
    """The boards of ``n`` climbs; those that lie in ``folder`` are read."""
    boards = []
    for i in tqdm(range(n)):
        file = folder / part / f"{i:05}.json"
        if not file.exists():
            files.write(file, json.dumps(climb(ORDER[part][i % 6], f"{part} {i}")))
        boards += json.loads(file.read_text())
    return boards


def distinct(boards: list[list], others: np.ndarray) -> list[list]:
    """The first of each kind of ``boards``, and none of the kind of ``others [n, 81]``."""
    task = Sudoku()
    seen = set(task.fingerprint(others).tolist()) if len(others) else set()
    chosen = []
    kinds = task.fingerprint(np.array([puzzle for puzzle, _, _ in boards])).tolist()
    for board, kind in zip(boards, kinds, strict=True):
        if kind not in seen:
            chosen.append(board)
        seen.add(kind)
    return chosen


def ordinary() -> list[list]:
    """Boards for the easy classes: with 45 to 54 blanks, and minimal ones of any difficulty."""
    task = Sudoku()
    made = task.generate(250, (45, 54), SEED), task.hard(500, SEED, guesses=0)
    pairs = [pair for part in made for pair in zip(*(rows.tolist() for rows in part), strict=True)]
    return [[puzzle, solution, solver().count(puzzle)[1]] for puzzle, solution in pairs]


def held_out(boards: list[list]) -> list[list]:
    """The first `MOST` boards of each class, class by class."""
    rows = classes(Boards(*map(np.array, zip(*boards, strict=True)))).values()
    return [boards[i] for mine in rows for i in np.flatnonzero(mine)[:MOST]]


def pack(boards: Iterable, part: str) -> str:
    """Writes boards, as `climb` gives them, as the stored ``part``; returns its `checksum`."""
    task = Sudoku()
    lines = [f"{task.format(p)},{task.format(s)},{guesses}" for p, s, guesses in boards]
    text = "\n".join(["puzzle,solution,guesses", *lines, ""])
    files.write(FOLDER / f"{part}.csv.gz", gzip.compress(text.encode(), mtime=0))
    stored.cache_clear()
    return checksum(part)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=("train", "test"))
    parser.add_argument("--climbs", type=int, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/boards"))
    arguments = parser.parse_args()
    found = climbs(arguments.part, arguments.climbs, arguments.out)
    if arguments.part == "train":
        found = distinct(found, np.zeros((0, 81), np.int64))
    else:
        found = held_out(distinct(ordinary() + found, stored("train").puzzles))
    print(f"{len(found):,} boards, SHA-256 {pack(found, arguments.part)}")
