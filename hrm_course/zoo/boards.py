"""Hard and sparse 9x9 Sudokus, stored with the course; ``benchmarks/hard_boards.py`` made them.

Random minimal boards seldom need more than 30 guesses and seldom have more than 58 blanks.
"""

import functools
import gzip
import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

FOLDER = Path(__file__).parent / "boards"
CELLS = 81
SPARSE, FULL = 61, 54  # boards with at least, at most so many blanks


class Boards(NamedTuple):
    """Puzzles and solutions ``[n, 81]``, and the guesses ``[n]`` that each puzzle needs."""

    puzzles: np.ndarray
    solutions: np.ndarray
    guesses: np.ndarray


def checksum(part: str) -> str:
    """SHA-256 of the stored table, uncompressed."""
    return hashlib.sha256(gzip.decompress((FOLDER / f"{part}.csv.gz").read_bytes())).hexdigest()


@functools.cache
def stored(part: str) -> Boards:
    """The boards of the "train" or the "test" part that come with the course."""
    with gzip.open(FOLDER / f"{part}.csv.gz", "rt") as file:
        rows = [line.split(",") for line in file][1:]
    puzzles, solutions = (
        np.array([list(row[i].replace(".", "0")) for row in rows], dtype=np.int64) for i in (0, 1)
    )
    return Boards(puzzles, solutions, np.array([int(row[2]) for row in rows]))


BLANKS = {"to_54": (0, FULL), "55_to_60": (FULL + 1, SPARSE - 1), "above_60": (SPARSE, CELLS)}
GUESSES = {"0": (0, 0), "1_to_6": (1, 6), "7_to_50": (7, 50), "above_50": (51, 10**6)}


def classes(boards: Boards) -> dict[str, np.ndarray]:
    """Which boards ``[n]`` belong to each class of blanks and guesses that has any."""
    blanks, found = (boards.puzzles == 0).sum(1), {}
    for few, (low, high) in BLANKS.items():
        for hard, (least, most) in GUESSES.items():
            rows = (blanks >= low) & (blanks <= high)
            rows &= (boards.guesses >= least) & (boards.guesses <= most)
            if rows.any():
                found[f"blanks_{few}_guesses_{hard}"] = rows
    return found
