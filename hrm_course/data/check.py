"""What ``hrm-course data check`` says of a data set in the published format."""

from collections.abc import Generator, Iterator
from hashlib import blake2b
from pathlib import Path

import numpy as np

from ..tasks import Maze, Sudoku
from ..tasks.shapes import tasks_for
from .dataset import Dataset, read_dataset, read_identifiers

CHUNK = 10_000  # examples looked at together


def check_lines(folder: str | Path, examples: int = 1000) -> Generator[str, None, bool]:
    """The lines that describe a published data set; at the end returns whether all is right.

    Every token is looked at; that an answer solves its puzzle is tried on the first ``examples`` of
    each part, where the boards are Sudoku or mazes.

    Raises:
        FileNotFoundError, ValueError: as `read_dataset`.
    """
    parts = [part for part in ("train", "test") if (Path(folder) / part).is_dir()]
    if not parts:
        raise FileNotFoundError(f"{folder} has neither a folder train nor a folder test.")
    data = {part: read_dataset(folder, part) for part in parts}
    right = True
    for part in parts:
        for _ in data[part].batches(CHUNK):
            pass  # raises at a token outside the vocabulary
        puzzles, groups = len(data[part].puzzle_identifiers), len(data[part].group_indices) - 1
        yield (
            f"{part}: {many(len(data[part]), 'example')} of {data[part].seq_len} cells and "
            f"{data[part].vocab_size} tokens, {many(puzzles, 'puzzle')}, {many(groups, 'group')}"
        )
        if task := _task_of(data[part]):
            wrong = _wrong_labels(task, data[part], examples)
            right = right and not wrong
            first = min(len(data[part]), examples)
            yield (
                f"  {many(len(wrong), 'label')} of the first {first:,} wrong, first example {wrong[0]}"
                if wrong
                else f"  the labels of the first {first:,} solve their puzzles"
            )
    for problem in _names(folder, data):
        right = False
        yield problem
    if len(parts) == 2:
        for fault, problem in _shared(data["train"], data["test"]):
            right = right and not fault
            yield problem
    return right


def _task_of(data: Dataset) -> Sudoku | Maze | None:
    """The task of the boards' size in which most of the first labels are right."""
    try:
        tasks = tasks_for(data.seq_len, data.vocab_size)
    except ValueError:
        return None
    return min(tasks, key=lambda task: len(_wrong_labels(task, data, 20)))


def _wrong_labels(task: Sudoku | Maze, data: Dataset, examples: int) -> list[int]:
    pairs = zip(data.inputs[:examples], data.labels[:examples], strict=True)
    return [i for i, pair in enumerate(pairs) if not _solves(task, *pair)]


def _solves(task: Sudoku | Maze, puzzle: np.ndarray, answer: np.ndarray) -> bool:
    try:
        return task.is_solution(task.decode(puzzle), task.decode(answer))
    except ValueError:
        return False


def _names(folder: str | Path, data: dict[str, Dataset]) -> Iterator[str]:
    """What is wrong with the names of the puzzle identifiers."""
    try:
        names = read_identifiers(folder)
    except (ValueError, OSError) as error:
        yield str(error)
        return
    for part, its in data.items():
        if len(names) != its.num_puzzle_identifiers:
            yield (
                f"identifiers.json has {many(len(names), 'name')}; dataset.json in {part} says "
                f"{its.num_puzzle_identifiers}"
            )
    if names[:1] != ["<blank>"]:
        yield f"identifiers.json must begin with '<blank>', not with {names[:1]}"
    if len(set(names)) < len(names):
        yield f"{many(len(names) - len(set(names)), 'name')} of identifiers.json occur twice"


def _shared(train: Dataset, test: Dataset) -> Iterator[tuple[bool, str]]:
    """Test puzzles that are training puzzles, which is a fault, or images of training puzzles."""
    if train.seq_len != test.seq_len or train.vocab_size != test.vocab_size:
        yield True, "train and test have boards of different sizes or vocabularies"
        return
    known = set(_keys(train))
    same = sum(key in known for key in _keys(test))
    if same:
        yield True, f"{same:,} of {many(len(test), 'test example')} are in train as well"
    task = _task_of(train)
    if isinstance(task, Sudoku) and task.side > 4:  # all grids of 4x4 are images of two
        known = set(_fingerprints(task, train, train.puzzle_indices[train.group_indices[:-1]]))
        rows = np.arange(len(test))
        images = sum(key in known for key in _fingerprints(task, test, rows)) - same
        if images > 0:
            of = many(len(test), "test example")
            yield False, f"{images:,} of {of} are probably images of training puzzles"


def _keys(data: Dataset) -> Iterator[bytes]:
    """Of each example, question and answer: ARC may ask the same of different tasks."""
    for start in range(0, len(data), CHUNK):
        rows = slice(start, start + CHUNK)
        both = np.concatenate((data.inputs[rows], data.labels[rows]), axis=1).astype(np.uint16)
        yield from (blake2b(row.tobytes(), digest_size=12).digest() for row in both)


def _fingerprints(task: Sudoku, data: Dataset, rows: np.ndarray) -> Iterator[int]:
    for start in range(0, len(rows), CHUNK):
        boards = task.decode(data.inputs[rows[start : start + CHUNK]])
        yield from task.fingerprint(boards).tolist()


def many(n: int, what: str) -> str:
    """``1 puzzle``, ``2 puzzles``."""
    return f"{n:,} {what}{('es' if what.endswith('s') else 's') * (n != 1)}"
