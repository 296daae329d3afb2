"""The data of HRM and TRM as published: tables of puzzles (CSV) and folders of token arrays.

A folder has the parts ``train`` and ``test``, each with ``dataset.json`` and five arrays. Their rows
are *examples*; the examples of one *puzzle* stand together (one for Sudoku and mazes, several for
ARC), and so do the puzzles of one *group*: an original and its augmented variants.
"""

import bisect
import csv
import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .maze import Maze

COLUMNS = ["source", "question", "answer", "rating"]
ARRAYS = ("inputs", "labels", "puzzle_identifiers", "puzzle_indices", "group_indices")
IGNORE = -100  # the label of cells that the loss leaves out


# ---- tables -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """The good rows of a table, and a sentence for each bad one."""

    puzzles: np.ndarray  # [n, cells]
    solutions: np.ndarray  # [n, cells]
    ratings: np.ndarray  # [n], how hard, as the publishers count
    sources: list[str]
    problems: list[str]  # "FILE:LINE: what is wrong"


def read_csv(path: str | Path, task, rows: int | None = None, seed: int = 0) -> Table:
    """The puzzles of a CSV file with the columns source, question, answer and rating.

    Args:
        path: the file.
        task: the `Sudoku` or `Maze` that reads a question and checks its answer. An answer has to
            obey the rules; whether it is the only one is not checked.
        rows: stop after so many good rows, taken in random order; None takes all, in the order
            of the file.
        seed: seeds that order.

    Raises:
        ValueError: the columns are others, or no row is good.
        FileNotFoundError: there is no such file.
    """
    path = Path(path)
    good, problems = [], []
    with path.open("rb") as file:
        header = file.readline().decode(errors="replace").lstrip("\ufeff").strip()
        if header.split(",") != COLUMNS:
            raise ValueError(
                f"{path}:1: the columns must be {','.join(COLUMNS)}; they are {header[:80]!r}."
            )
        starts = np.cumsum([file.tell()] + [len(line) for line in file])[:-1]
        order = range(len(starts)) if rows is None else _shuffled(len(starts), seed)
        for i in order:
            if rows is not None and len(good) >= rows:
                break
            file.seek(starts[i])
            try:
                good.append(_parse_row(file.readline(), task))
            except ValueError as error:
                problems.append(f"{path}:{i + 2}: {error}")
    if not good:
        first = f" The first bad one: {problems[0]}" if problems else ""
        raise ValueError(f"{path} has no good row.{first}")
    puzzles, solutions, ratings, sources = zip(*good, strict=True)
    return Table(np.stack(puzzles), np.stack(solutions), np.array(ratings), list(sources), problems)


def _shuffled(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(n)


def _parse_row(line: bytes, task) -> tuple[np.ndarray, np.ndarray, int, str]:
    """One line by itself, so that a stray quotation mark spoils no other."""
    try:
        fields = next(csv.reader([line.decode().rstrip("\r\n")], strict=True), [])
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"this is no line of a CSV file ({error}).") from None
    if len(fields) != len(COLUMNS):
        raise ValueError(f"{len(fields)} fields instead of {len(COLUMNS)}.")
    source, question, answer, rating = fields
    puzzle, solution = task.parse(question), task.parse(answer)
    if not task.is_solution(puzzle, solution):
        raise ValueError("the answer does not solve the question.")
    if not rating.strip().isdecimal():
        raise ValueError(f"the rating {rating[:20]!r} is not a whole number.")
    return puzzle, solution, int(rating), source


def write_csv(path: str | Path, task, puzzles, solutions, source: str = "generated") -> None:
    """Writes puzzles and solutions ``[n, cells]`` as `read_csv` reads them, `difficulty` as rating."""
    with Path(path).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for pair in zip(puzzles, solutions, strict=True):
            question, answer = (task.format(board).replace("\n", "") for board in pair)
            writer.writerow([source, question, answer, task.difficulty(pair[0])])


# ---- folders of arrays --------------------------------------------------------------------


@dataclass(frozen=True)
class Dataset:
    """One part of a data set: examples, sorted into puzzles, sorted into groups.

    Attributes:
        inputs, labels: token numbers ``[examples, seq_len]``; a label ``ignore_label_id`` is a cell
            that the loss leaves out.
        puzzle_identifiers: which row of a puzzle table each puzzle uses ``[puzzles]``, 0 = blank.
        puzzle_indices: where each puzzle's examples begin, and their number ``[puzzles + 1]``.
        group_indices: where each group's puzzles begin, and their number ``[groups + 1]``.

    Raises:
        ValueError: the arrays do not fit each other; the sentence says which.
    """

    inputs: np.ndarray
    labels: np.ndarray
    puzzle_identifiers: np.ndarray
    puzzle_indices: np.ndarray
    group_indices: np.ndarray
    vocab_size: int
    num_puzzle_identifiers: int = 1
    ignore_label_id: int | None = 0

    def __post_init__(self):
        if any(getattr(self, name).dtype.kind not in "iu" for name in ARRAYS):
            raise ValueError(f"{', '.join(ARRAYS)} must be arrays of whole numbers.")
        if self.inputs.ndim != 2 or self.inputs.shape != self.labels.shape:
            raise ValueError(
                f"inputs and labels must both be [examples, cells]; they are "
                f"{list(self.inputs.shape)} and {list(self.labels.shape)}."
            )
        puzzles = len(self.puzzle_identifiers)
        for name, end in (("puzzle_indices", len(self)), ("group_indices", puzzles)):
            indices = getattr(self, name)
            if (
                indices.ndim != 1
                or len(indices) < 2
                or indices[0] != 0
                or indices[-1] != end
                or np.any(np.diff(indices.astype(np.int64)) < 1)
            ):
                raise ValueError(f"{name} must rise from 0 to {end}, without empty parts.")
        if len(self.puzzle_indices) != puzzles + 1:
            raise ValueError(
                f"{puzzles} puzzle_identifiers, but puzzle_indices for {len(self.puzzle_indices) - 1}."
            )
        ids = self.puzzle_identifiers
        if ids.min() < 0 or ids.max() >= self.num_puzzle_identifiers:
            raise ValueError(
                f"puzzle_identifiers must be 0 to {self.num_puzzle_identifiers - 1}; they are "
                f"{ids.min()} to {ids.max()}."
            )

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def seq_len(self) -> int:
        return self.inputs.shape[1]

    @classmethod
    def from_rows(cls, inputs, labels, vocab_size: int, groups=None, puzzles=None, **more):
        """A data set from token arrays ``[examples, seq_len]``.

        Args:
            inputs, labels: the tokens.
            vocab_size: how many tokens there are.
            groups: the number of each row's group ``[examples]``, rising; by default every row is
                a group.
            puzzles: the number of each row's puzzle, rising; by default every row is a puzzle.
            more: other attributes, such as ``puzzle_identifiers`` (one a puzzle).
        """
        rows = np.arange(len(inputs))
        starts = _starts(rows if puzzles is None else np.asarray(puzzles))
        groups = (rows if groups is None else np.asarray(groups))[starts[:-1]]
        more.setdefault("puzzle_identifiers", np.zeros(len(groups), dtype=np.int32))
        small = np.uint8 if vocab_size <= 256 else np.int64
        inputs, labels = (np.asarray(a).astype(small) for a in (inputs, labels))
        return cls(
            inputs,
            labels,
            puzzle_indices=starts,
            group_indices=_starts(groups),
            vocab_size=vocab_size,
            **more,
        )

    def batch(self, rows: np.ndarray, size: int | None = None) -> dict[str, np.ndarray]:
        """Examples as a model takes them: inputs and labels ``[B, seq_len]``, puzzle_identifiers
        ``[B]``, labels to leave out -100.

        Args:
            rows: numbers of the examples.
            size: fills up to this many rows with padding that counts nowhere.

        Raises:
            ValueError: a token is outside the vocabulary.
        """
        rows = np.asarray(rows)
        inputs, labels = (a[rows].astype(np.int64) for a in (self.inputs, self.labels))
        wrong = ((inputs >= self.vocab_size) | (labels >= self.vocab_size)).any(1)
        if wrong.any() or min(inputs.min(initial=0), labels.min(initial=0)) < 0:
            raise ValueError(
                f"Tokens must be 0 to {self.vocab_size - 1}; one of the examples "
                f"{rows.min()} to {rows.max()} has another."
            )
        if self.ignore_label_id is not None:
            labels[labels == self.ignore_label_id] = IGNORE
        puzzles = np.searchsorted(self.puzzle_indices, rows, side="right") - 1
        ids = self.puzzle_identifiers[puzzles].astype(np.int64)
        more = max(0, (size or 0) - len(rows))
        return {
            "inputs": np.pad(inputs, ((0, more), (0, 0))),
            "labels": np.pad(labels, ((0, more), (0, 0)), constant_values=IGNORE),
            "puzzle_identifiers": np.pad(ids, (0, more)),
        }

    def batches(self, batch_size: int) -> Iterator[dict[str, np.ndarray]]:
        """All examples in order, as for a test; the last batch is padded to ``batch_size``."""
        for start in range(0, len(self), batch_size):
            yield self.batch(np.arange(start, min(start + batch_size, len(self))), batch_size)


def _starts(numbers: np.ndarray) -> np.ndarray:
    """Where each run of equal numbers begins, and the end."""
    changes = np.flatnonzero(np.diff(numbers)) + 1
    return np.concatenate(([0], changes, [len(numbers)])).astype(np.int32)


def build(task, puzzles, solutions, variants: int = 0, seed: int = 0) -> Dataset:
    """A data set of `Sudoku` or `Maze` puzzles as the official builders make them: a group holds
    a puzzle followed by its variants.

    Args:
        task: the task.
        puzzles, solutions: ``[n, cells]``.
        variants: random symmetries of a Sudoku (published: 1000), or how many of the seven other
            images of a maze (published: 0 or 7).
        seed: seeds the symmetries.

    Raises:
        ValueError: there are no puzzles, or more than seven variants of a maze are asked for.
    """
    if len(puzzles) == 0 or len(puzzles) != len(solutions):
        raise ValueError(
            f"A data set needs puzzles with solutions; got {len(puzzles)} and {len(solutions)}."
        )
    if not isinstance(task, Maze):
        pairs = [(puzzles, solutions)]
        pairs += [task.augment(puzzles, solutions, [seed, k]) for k in range(variants)]
    elif variants <= 7:
        pairs = [(puzzles[:, image], solutions[:, image]) for image in task.images[: variants + 1]]
    else:
        raise ValueError(f"A maze has seven other images; {variants} variants are too many.")
    inputs, labels = (
        task.encode(np.stack(side, axis=1)).reshape(-1, task.cells)
        for side in zip(*pairs, strict=True)
    )
    groups = np.repeat(np.arange(len(puzzles)), variants + 1)
    return Dataset.from_rows(inputs, labels, task.vocab_size, groups)


def write_dataset(
    folder: str | Path,
    parts: dict[str, Dataset],
    dialect: str = "trm",
    identifiers: tuple[str, ...] | list[str] = ("<blank>",),
) -> None:
    """Writes a folder that the official code reads.

    Args:
        folder: made if it is missing.
        parts: "train" and "test" (or one of them).
        dialect: "trm" or "hrm"; HRM's dataset.json lacks ``total_puzzles``.
        identifiers: the names of the puzzle identifiers, the first of them ``<blank>``.

    Raises:
        ValueError: the dialect is unknown, or there is not one name for each identifier.
    """
    if dialect not in ("trm", "hrm"):
        raise ValueError(f"The dialect is 'trm' or 'hrm', not {dialect!r}.")
    folder = Path(folder)
    for part, data in parts.items():
        if len(identifiers) != data.num_puzzle_identifiers:
            raise ValueError(
                f"{len(identifiers)} names for {data.num_puzzle_identifiers} puzzle identifiers."
            )
        puzzles = len(data.puzzle_identifiers)
        facts = {
            "pad_id": 0,
            "ignore_label_id": data.ignore_label_id,
            "blank_identifier_id": 0,
            "vocab_size": data.vocab_size,
            "seq_len": data.seq_len,
            "num_puzzle_identifiers": data.num_puzzle_identifiers,
            "total_groups": len(data.group_indices) - 1,
            "mean_puzzle_examples": len(data) / puzzles,
            "sets": ["all"],
        }
        if dialect == "trm":
            facts["total_puzzles"] = puzzles
        (folder / part).mkdir(parents=True, exist_ok=True)
        for name in ARRAYS:
            array = getattr(data, name)
            kept = array if name in ("inputs", "labels") else array.astype(np.int32)
            np.save(folder / part / f"all__{name}.npy", kept)
        (folder / part / "dataset.json").write_text(json.dumps(facts, indent=1) + "\n")
    (folder / "identifiers.json").write_text(json.dumps(list(identifiers)) + "\n")


def read_dataset(folder: str | Path, part: str = "train") -> Dataset:
    """One part of a published folder of either dialect; inputs and labels stay on the disk until
    they are used.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is damaged or does not fit the others.
    """
    where = Path(folder) / part
    facts = _read_facts(where / "dataset.json")
    arrays = {name: _read_array(where / f"{facts['sets'][0]}__{name}.npy") for name in ARRAYS}
    try:
        data = Dataset(
            **arrays,
            vocab_size=facts["vocab_size"],
            num_puzzle_identifiers=facts["num_puzzle_identifiers"],
            ignore_label_id=facts.get("ignore_label_id"),
        )
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    counts = {"seq_len": data.seq_len, "total_groups": len(data.group_indices) - 1}
    counts["total_puzzles"] = len(data.puzzle_identifiers)
    for name, count in counts.items():
        if facts.get(name, count) != count:
            raise ValueError(
                f"{where}: dataset.json says {name} {facts[name]}, the arrays {count}."
            )
    return data


def read_identifiers(folder: str | Path) -> list[str]:
    """The names of the puzzle identifiers, from ``identifiers.json``. Raises as `read_dataset`."""
    return _read_json(Path(folder) / "identifiers.json", list)


def _read_json(path: Path, kind: type):
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; a published data set has it.")
    try:
        value = json.loads(path.read_text())
    except ValueError:  # no JSON, no text
        value = None
    if not isinstance(value, kind):
        raise ValueError(f"{path} is damaged: it does not hold a JSON {kind.__name__}.")
    return value


def _read_facts(path: Path) -> dict:
    facts = _read_json(path, dict)
    for name in ("vocab_size", "num_puzzle_identifiers"):
        if not isinstance(facts.get(name), int):
            raise ValueError(f"{path} must say {name} as a whole number.")
    sets = facts.setdefault("sets", ["all"])
    if not (isinstance(sets, list) and len(sets) == 1 and isinstance(sets[0], str)):
        raise ValueError(f'{path} must name one set, as in "sets": ["all"]; it says {sets}.')
    if any(facts.get(name, 0) != 0 for name in ("pad_id", "blank_identifier_id")):
        raise ValueError(f"{path}: pad_id and blank_identifier_id must be 0, as published.")
    return facts


def _read_array(path: Path) -> np.ndarray:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; a published data set has it.")
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # NumPy's reader raises many kinds, from EOFError to TokenError
        raise ValueError(f"{path} is damaged: {error}") from None


# ---- the published training order ---------------------------------------------------------


class DatasetStream:
    """Training batches in the published order, to be entered at any step.

    In an epoch every group gives one of its puzzles, drawn anew, with all its examples in random
    order, until the batch is full: a puzzle that does not fit is cut off, and the last batch of an
    iteration, if it is short, is dropped. ``stream[step]`` depends on the seed and the step alone.

    Args:
        data: the training part.
        batch_size: examples in a batch.
        seed: the official configurations have 0.
        epochs_per_iteration: so many epochs follow each other without dropping a short batch.

    Raises:
        ValueError: the batch is larger than an iteration.
    """

    def __init__(
        self, data: Dataset, batch_size: int, seed: int = 0, epochs_per_iteration: int = 1
    ):
        self.data, self.batch_size, self.seed = data, batch_size, seed
        self.epochs_per_iteration = epochs_per_iteration
        self._plan = functools.lru_cache(maxsize=2)(self._make_plan)
        self._first_steps = [0]  # of each iteration
        if not self._plan(0):
            raise ValueError(
                f"{epochs_per_iteration} epochs do not fill a batch of {batch_size}. Take a smaller "
                f"batch or more epochs_per_iteration."
            )

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        firsts = self._first_steps
        while step >= firsts[-1]:
            firsts.append(firsts[-1] + len(self._plan(len(firsts) - 1)))
        iteration = bisect.bisect_right(firsts, step) - 1
        batch = self.data.batch(self._plan(iteration)[step - firsts[iteration]])
        return {name: torch.from_numpy(array) for name, array in batch.items()}

    def _make_plan(self, iteration: int) -> list[np.ndarray]:
        """The examples of every batch of one iteration."""
        groups, puzzles = self.data.group_indices, self.data.puzzle_indices
        rng = np.random.Generator(np.random.Philox(self.seed + 1 + iteration))
        # Published: these draws are NumPy's global ones. A generator of their own makes a resumed
        # run repeatable and leaves the others as published.
        order_in_puzzle = np.random.default_rng([self.seed, iteration])
        epochs = [rng.permutation(len(groups) - 1) for _ in range(self.epochs_per_iteration)]
        walk = np.concatenate(epochs)
        picks = rng.integers(groups[walk], groups[walk + 1])
        firsts, sizes = puzzles[picks], np.diff(puzzles)[picks]
        if np.all(sizes == 1):
            full = len(picks) // self.batch_size
            return list(firsts[: full * self.batch_size].reshape(full, self.batch_size))
        plan, batch, room = [], [], self.batch_size
        for first, size in zip(firsts, sizes, strict=True):
            batch.append(first + order_in_puzzle.permutation(size)[:room])
            room -= len(batch[-1])
            if room == 0:
                plan.append(np.concatenate(batch))
                batch, room = [], self.batch_size
        return plan
