"""Tables of puzzles (CSV): those that HRM and TRM publish, and others with a question and an answer."""

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import files
from ..tasks import arguments

COLUMNS = ["source", "question", "answer", "rating"]
NAMES = {  # what else a column is called
    "question": ("question", "puzzle", "puzzles", "quiz", "quizzes"),
    "answer": ("answer", "answers", "solution", "solutions"),
    "rating": ("rating", "difficulty"),
    "source": ("source", "id"),
}


@dataclass(frozen=True)
class Table:
    """The good rows of a table, and a sentence for each bad one."""

    puzzles: np.ndarray  # [n, cells]
    solutions: np.ndarray  # [n, cells]
    ratings: np.ndarray  # [n], how hard, as the publishers count; NaN where the table does not say
    sources: list[str]
    problems: list[str]  # "FILE:LINE: what is wrong"


@dataclass(frozen=True)
class _Layout:
    """Where a line has what."""

    separator: str
    fields: int
    places: dict[str, int]  # column -> which field

    def pick(self, fields: list[str], column: str) -> str:
        return fields[self.places[column]] if column in self.places else ""


def read_csv(path: str | Path, task, rows: int | None = None, seed: int = 0) -> Table:
    """The puzzles of a CSV file that has a column for the question and one for the answer.

    These may be called question, puzzle or quizzes, and answer or solution(s), in any order and
    quoted or not, separated by commas, semicolons or tabs. The columns rating (or difficulty) and
    source (or id) may be missing, others are skipped. Empty lines do not count.

    Args:
        path: the file, in UTF-8.
        task: the `Sudoku` or `Maze` that reads a question and checks its answer. An answer has to
            obey the rules; whether it is the only one is not checked.
        rows: stop after so many good rows, taken in random order; None takes all, in the order
            of the file.
        seed: seeds that order.

    Raises:
        ValueError: there are no such columns, or no row is good.
        FileNotFoundError: there is no such file.
    """
    path, rng = Path(path), arguments.seeded(seed)
    rows = None if rows is None else arguments.whole("rows", rows, 0)
    good, problems = [], []
    with path.open("rb") as file:
        layout = _layout(file.readline(), path)
        starts = np.cumsum([file.tell()] + [len(line) for line in file])[:-1]
        order = range(len(starts)) if rows is None else rng.permutation(len(starts))
        for i in order:
            if rows is not None and len(good) >= rows:
                break
            file.seek(starts[i])
            line = file.readline()
            if not line.strip(b'\r\n ,;\t"'):
                continue
            try:
                good.append(_parse_row(line, layout, task))
            except ValueError as error:
                problems.append(f"{path}:{i + 2}: {error}")
    if not good:
        first = f" The first bad one: {problems[0]}" if problems else ""
        raise ValueError(f"{path} has no good row.{first}")
    puzzles, solutions, ratings, sources = zip(*good, strict=True)
    return Table(np.stack(puzzles), np.stack(solutions), np.array(ratings), list(sources), problems)


def _layout(line: bytes, path: Path) -> _Layout:
    """What the first line of a table says. Raises ValueError."""
    header = line.decode(errors="replace").lstrip("\ufeff").strip()
    for separator in ",;\t":
        columns = [
            name.strip().lower() for name in next(csv.reader([header], delimiter=separator), [])
        ]
        found = {
            column: next((columns.index(name) for name in names if name in columns), None)
            for column, names in NAMES.items()
        }
        places = {column: place for column, place in found.items() if place is not None}
        if {"question", "answer"} <= places.keys():
            return _Layout(separator, len(columns), places)
    hint = " The file is in UTF-16: save it as UTF-8." if "\0" in header else ""
    raise ValueError(
        f"{path}:1: the columns must be {','.join(COLUMNS)}, or at least puzzle,solution; they are "
        f"{header[:80]!r}.{hint}"
    )


def _parse_row(line: bytes, layout: _Layout, task) -> tuple[np.ndarray, np.ndarray, float, str]:
    """One line by itself, so that a stray quotation mark spoils no other."""
    try:
        text = line.decode().rstrip("\r\n")
        fields = next(csv.reader([text], delimiter=layout.separator, strict=True), [])
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"this is no line of a CSV file ({error}).") from None
    if len(fields) != layout.fields:
        raise ValueError(f"{len(fields)} fields instead of {layout.fields}.")
    puzzle, solution = (task.parse(layout.pick(fields, side)) for side in ("question", "answer"))
    if not task.is_solution(puzzle, solution):
        raise ValueError("the answer does not solve the question.")
    return puzzle, solution, _rating(layout.pick(fields, "rating")), layout.pick(fields, "source")


def _rating(text: str) -> float:
    text = text.strip()
    if text.lower() in ("", "na", "nan"):  # as R and pandas write what is missing
        return math.nan
    try:
        rating = float(text)
    except ValueError:
        rating = math.nan
    if not math.isfinite(rating):
        raise ValueError(f"the rating {text[:20]!r} is not a number.")
    return rating


def write_csv(path: str | Path, task, puzzles, solutions, source: str = "generated") -> None:
    """Writes puzzles and solutions ``[n, cells]`` as `read_csv` reads them, `difficulty` as rating.

    Raises:
        ValueError: they are no boards, or not equally many.
        OSError: the file can't be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for pair in arguments.pairs(puzzles, solutions, task.cells, task.vocab_size - 2):
        question, answer = (task.format(board).replace("\n", "") for board in pair)
        writer.writerow([source, question, answer, task.difficulty(pair[0])])
    files.write(path, text.getvalue())
