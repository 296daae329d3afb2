"""The data of HRM and TRM as published: folders of token arrays. Tables are read by `tables`,
and batches in the published order are made by `streams`.

A folder has the parts ``train`` and ``test``, each with ``dataset.json`` and five arrays. Their rows
are *examples*; the examples of one *puzzle* stand together (one for Sudoku and mazes, several for
ARC), and so do the puzzles of one *group*: an original and its augmented variants.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import files
from ..files import existing, read_json
from ..tasks import Maze, arguments

ARRAYS = ("inputs", "labels", "puzzle_identifiers", "puzzle_indices", "group_indices")
IGNORE = -100  # the label of cells that the loss leaves out


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
        for name in ARRAYS:
            array = getattr(self, name)
            axes = 2 if name in ("inputs", "labels") else 1
            if not isinstance(array, np.ndarray) or array.dtype.kind not in "iu":
                raise ValueError(f"{name} must be an array of whole numbers.")
            if array.ndim != axes:
                raise ValueError(f"{name} must have {axes} axes; its shape is {list(array.shape)}.")
        arguments.whole("vocab_size", self.vocab_size, 1)
        arguments.whole("num_puzzle_identifiers", self.num_puzzle_identifiers, 1)
        if self.ignore_label_id is not None:
            arguments.whole("ignore_label_id", self.ignore_label_id, IGNORE)
        if self.inputs.shape != self.labels.shape:
            raise ValueError(
                f"inputs and labels must both be [examples, cells]; they are "
                f"{list(self.inputs.shape)} and {list(self.labels.shape)}."
            )
        puzzles = len(self.puzzle_identifiers)
        for name, end in (("puzzle_indices", len(self)), ("group_indices", puzzles)):
            indices = getattr(self, name)
            if (
                len(indices) < 2
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

        Raises:
            ValueError: these are no whole numbers, or they do not fit each other.
        """
        inputs, labels = arguments.numbers("inputs", inputs), arguments.numbers("labels", labels)
        vocab_size = arguments.whole("vocab_size", vocab_size, 1)
        rows = np.arange(len(inputs) if inputs.ndim else 0)
        starts = _starts(_one_a_row("puzzles", puzzles, rows))
        groups = _one_a_row("groups", groups, rows)[starts[:-1]]
        more.setdefault("puzzle_identifiers", np.zeros(len(groups), dtype=np.int32))
        if vocab_size <= 256 and all(
            0 <= a.min(initial=0) <= a.max(initial=0) < 256 for a in (inputs, labels)
        ):
            inputs, labels = inputs.astype(np.uint8), labels.astype(np.uint8)
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
            ValueError: there is no such example, or a token is outside the vocabulary.
        """
        rows = arguments.numbers("rows", rows)
        size = arguments.whole("size", 0 if size is None else size, 0, arguments.MANY)
        if rows.ndim != 1 or rows.min(initial=0) < 0 or rows.max(initial=0) >= len(self):
            raise ValueError(f"rows must be a list of numbers from 0 to {len(self) - 1}.")
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
        more = max(0, size - len(rows))
        return {
            "inputs": np.pad(inputs, ((0, more), (0, 0))),
            "labels": np.pad(labels, ((0, more), (0, 0)), constant_values=IGNORE),
            "puzzle_identifiers": np.pad(ids, (0, more)),
        }

    def batches(self, batch_size: int) -> Iterator[dict[str, np.ndarray]]:
        """All examples in order, as for a test; the last batch is padded to ``batch_size``."""
        batch_size = arguments.whole("batch_size", batch_size, 1, arguments.MANY)
        for start in range(0, len(self), batch_size):
            yield self.batch(np.arange(start, min(start + batch_size, len(self))), batch_size)


def _one_a_row(name: str, values, rows: np.ndarray) -> np.ndarray:
    """The rising numbers ``[rows]`` of puzzles or groups; None counts the rows."""
    if values is None:
        return rows
    values = arguments.numbers(name, values)
    if values.shape != rows.shape or np.any(np.diff(values) < 0):
        raise ValueError(f"{name} must be {len(rows)} rising numbers, one for each example.")
    return values


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
    pairs = arguments.pairs(puzzles, solutions, task.cells, task.vocab_size - 2)
    puzzles, solutions = pairs[:, 0], pairs[:, 1]
    if len(puzzles) == 0:
        raise ValueError("A data set needs puzzles; there are none.")
    variants = arguments.whole("variants", variants, 0, arguments.MANY)
    seed = arguments.whole("seed", seed, 0)
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
        ValueError: the dialect or a part is unknown, or there is not one name for each identifier.
        OSError: the disk is full, or the place can't be written to; an older data set is kept.
    """
    if dialect not in ("trm", "hrm"):
        raise ValueError(f"The dialect is 'trm' or 'hrm', not {dialect!r}.")
    if not isinstance(parts, dict) or not parts.keys() <= {"train", "test"}:
        raise ValueError("The parts are a dict with the keys 'train' and 'test' (or one of them).")
    named = isinstance(identifiers, list | tuple)
    if not named or not all(isinstance(name, str) for name in identifiers):
        raise ValueError("The identifiers are a list of names.")
    for part, data in parts.items():
        if not isinstance(data, Dataset):
            raise ValueError(f"The part {part!r} must be a Dataset, not {type(data).__name__}.")
        if len(identifiers) != data.num_puzzle_identifiers:
            raise ValueError(
                f"{len(identifiers)} names for {data.num_puzzle_identifiers} puzzle identifiers."
            )
    files.write_together(_contents(Path(folder), parts, dialect, list(identifiers)))


def _contents(
    folder: Path, parts: dict[str, Dataset], dialect: str, identifiers: list[str]
) -> Iterator[tuple[Path, str | bytes]]:
    """The files of a data set, one after the other."""
    for part, data in parts.items():
        puzzles = len(data.puzzle_identifiers)
        facts = {
            "pad_id": 0,
            "ignore_label_id": None if data.ignore_label_id is None else int(data.ignore_label_id),
            "blank_identifier_id": 0,
            "vocab_size": int(data.vocab_size),
            "seq_len": data.seq_len,
            "num_puzzle_identifiers": int(data.num_puzzle_identifiers),
            "total_groups": len(data.group_indices) - 1,
            "mean_puzzle_examples": len(data) / puzzles,
            "sets": ["all"],
        }
        if dialect == "trm":
            facts["total_puzzles"] = puzzles
        for name in ARRAYS:
            array = getattr(data, name)
            content = io.BytesIO()
            np.save(content, array if name in ("inputs", "labels") else array.astype(np.int32))
            yield folder / part / f"all__{name}.npy", content.getvalue()
        yield folder / part / "dataset.json", json.dumps(facts, indent=1) + "\n"
    yield folder / "identifiers.json", json.dumps(identifiers) + "\n"


def read_dataset(folder: str | Path, part: str = "train") -> Dataset:
    """One part of a published folder of either dialect; inputs and labels stay on the disk until
    they are used.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is damaged or does not fit the others.
    """
    if part not in ("train", "test"):
        raise ValueError(f"The parts of a data set are 'train' and 'test', not {part!r}.")
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
    groups = len(data.group_indices) - 1
    counts = {"seq_len": (data.seq_len,), "total_groups": (groups,)}
    # TRM's builders of Sudoku and mazes write the number of groups here, that of ARC the puzzles.
    counts["total_puzzles"] = (len(data.puzzle_identifiers), groups)
    for name, right in counts.items():
        if facts.get(name, right[0]) not in right:
            raise ValueError(
                f"{where}: dataset.json says {name} {facts[name]}, the arrays {right[0]}."
            )
    return data


def read_identifiers(folder: str | Path) -> list[str]:
    """The names of the puzzle identifiers, from ``identifiers.json``. Raises as `read_dataset`."""
    names = read_json(Path(folder) / "identifiers.json", list)
    if not all(isinstance(name, str) for name in names):
        raise ValueError(f"{Path(folder) / 'identifiers.json'} must hold names, which are strings.")
    return names


def _read_facts(path: Path) -> dict:
    facts = read_json(path)
    for name in ("vocab_size", "num_puzzle_identifiers"):
        if type(facts.get(name)) is not int:
            raise ValueError(f"{path} must say {name} as a whole number.")
    sets = facts.setdefault("sets", ["all"])
    if not (isinstance(sets, list) and len(sets) == 1 and isinstance(sets[0], str)):
        raise ValueError(f'{path} must name one set, as in "sets": ["all"]; it says {sets}.')
    if any(facts.get(name, 0) != 0 for name in ("pad_id", "blank_identifier_id")):
        raise ValueError(f"{path}: pad_id and blank_identifier_id must be 0, as published.")
    return facts


_FOREIGN = {  # how a file begins that is no array: what it is, and what to do
    b"version https://git-lfs": "is a Git LFS pointer, not the array itself: run git lfs pull there",
    b"<!DOCTYPE": "is a web page, not an array: download the file itself",
    b"<html": "is a web page, not an array: download the file itself",
    b"PK": "is an archive (.npz) of arrays: save each array of it as a file .npy",
    b"\x80": "is a pickle, which could run code: save the array with numpy.save",
}


def _read_array(path: Path) -> np.ndarray:
    path = existing(path)
    with path.open("rb") as file:
        head = file.read(40).lstrip()
    for start, words in _FOREIGN.items():
        if head.lower().startswith(start.lower()):
            raise ValueError(f"{path} {words}.")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # NumPy's reader raises many kinds, from EOFError to TokenError
        # ... and for an array of Python objects advises to load it, though that could run code
        objects = "allow_pickle" in str(error) or "Python objects" in str(error)
        reason = "it holds Python objects" if objects else str(error).rstrip(".")
        if not head.startswith(b"\x93NUMPY"):
            reason = "it does not begin as a file of numpy.save does"
        raise ValueError(f"{path} is damaged or no array: {reason}.") from None
    return array
