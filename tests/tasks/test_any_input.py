"""Every public function of tasks and data: the same numbers of any kind give the same, all else a sentence."""

import inspect
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hrm_course import tasks
from hrm_course.data import arc, dataset, hub, streams, tables
from hrm_course.data.arc import Variant
from hrm_course.data.dataset import (
    Dataset,
    build,
    read_dataset,
    read_identifiers,
    write_dataset,
)
from hrm_course.data.hub import fetch
from hrm_course.data.streams import DatasetStream
from hrm_course.files import read_json
from hrm_course.tasks import Maze, Sudoku

SIX, MAZE = Sudoku((2, 3)), Maze(5)
P, S = SIX.generate(2, 12, seed=1)
MP, MS = MAZE.generate(2, seed=1)
GRID = np.array([[1, 0, 2], [3, 4, 0]])
TASK = SimpleNamespace(id="a", train=[(GRID, GRID.T)], test=[(GRID, GRID)])
DATA = build(SIX, P, S)
FEW = dict(vocab_size=8)
ROWS = np.arange(12).reshape(2, 6)
STARTS = np.array([0, 1, 2])
BITS, DIFFERING = tasks.Parity(4), (tasks.LatinSquare(3), tasks.Colouring(8, (1, 3), 3))


class Call:
    """A public function with good arguments; those in ``free`` may be anything."""

    def __init__(self, function, *arguments, free=(), **named):
        self.function, self.arguments, self.named = function, arguments, named
        self.places = [i for i in (*range(len(arguments)), *named) if i not in free]

    def __call__(self, place=None, value=None):
        arguments, named = list(self.arguments), dict(self.named)
        if place is not None:
            (named if isinstance(place, str) else arguments)[place] = value
        return self.function(*arguments, **named)

    def good(self, place):
        return self.named[place] if isinstance(place, str) else self.arguments[place]


CALLS = {
    "Sudoku": Call(lambda box: Sudoku(box).box, (2, 3)),
    "Sudoku.generate": Call(SIX.generate, 2, blanks=12, seed=3, grids=S),
    "Sudoku.hard": Call(SIX.hard, 1, seed=3, guesses=0),
    "Sudoku.all_grids": Call(Sudoku((2, 2)).all_grids),
    "Sudoku.search": Call(SIX.search, P[0], limit=1),
    "Sudoku.solve": Call(SIX.solve, P[0]),
    "Sudoku.difficulty": Call(SIX.difficulty, P[0]),
    "Sudoku.candidates": Call(SIX.candidates, P),
    "Sudoku.rounds": Call(SIX.rounds, P),
    "Sudoku.is_minimal": Call(SIX.is_minimal, P[0]),
    "Sudoku.is_solution": Call(SIX.is_solution, P[0], S[0], free=[1]),
    "Sudoku.check": Call(SIX.check, P[0]),
    "Sudoku.augment": Call(SIX.augment, P, S, 3),
    "Sudoku.fingerprint": Call(SIX.fingerprint, P),
    "Sudoku.encode": Call(SIX.encode, P),
    "Sudoku.decode": Call(SIX.decode, P + 1),
    "Sudoku.parse": Call(SIX.parse, SIX.format(P[0])),
    "Sudoku.format": Call(SIX.format, P[0]),
    "Maze": Call(lambda size: Maze(size).size, 7),
    "Maze.generate": Call(MAZE.generate, 2, seed=3, loops=0, min_path=2),
    "Maze.solve": Call(MAZE.solve, MP[0]),
    "Maze.paths": Call(MAZE.paths, MP[0]),
    "Maze.difficulty": Call(MAZE.difficulty, MP[0]),
    "Maze.is_solution": Call(MAZE.is_solution, MP[0], MS[0], free=[1]),
    "Maze.check": Call(MAZE.check, MP[0]),
    "Maze.augment": Call(MAZE.augment, MP, MS, 3),
    "Maze.split": Call(MAZE.split, MP, 1, by="maze"),
    "Maze.encode": Call(MAZE.encode, MP),
    "Maze.decode": Call(MAZE.decode, MP + 1),
    "Maze.parse": Call(MAZE.parse, MAZE.format(MP[0])),
    "Maze.format": Call(MAZE.format, MP[0]),
    "Parity": Call(lambda length: tasks.Parity(length).length, 4),
    "Parity.generate": Call(BITS.generate, 2, 3),
    "LatinSquare": Call(lambda side: tasks.LatinSquare(side).side, 4),
    "Colouring": Call(lambda *ring: tasks.Colouring(*ring).nodes, 6, (1,), 2),
    **{
        f"{type(task).__name__}.{name}": call
        for task, P, S in ((BITS, *BITS.generate(2)), *((t, *t.generate(2)) for t in DIFFERING))
        for name, call in {
            "encode": Call(task.encode, P),
            "decode": Call(task.decode, P + 1),
            "is_solution": Call(task.is_solution, P[0], S[0], free=[1]),
        }.items()
    },
    **{
        f"{type(task).__name__}.{name}": call
        for task, P, S in ((t, *t.generate(2)) for t in DIFFERING)
        for name, call in {
            "generate": Call(task.generate, 2, blanks=3, seed=3),
            "solutions": Call(task.solutions, P[0], limit=2),
            "augment": Call(task.augment, P, S, 3),
        }.items()
    },
    "arc.attempts": Call(arc.attempts, [GRID, GRID.T, GRID], trust=[0.5, 1.0, 0.5], k=1),
    "arc.score": Call(arc.score, [[GRID], [GRID]], [GRID, GRID.T]),
    "arc.load_tasks": Call(arc.load_tasks, "arc-1"),
    "arc.read_tasks": Call(arc.read_tasks, "own.json", "solutions.json", free=[0, 1]),
    "arc.encode": Call(arc.encode, GRID, 1, 2),
    "arc.decode": Call(arc.decode, arc.encode(GRID)),
    "arc.check": Call(arc.check, GRID),
    "arc.Variant": Call(Variant, 3, tuple(range(10))),
    "arc.Variant.__call__": Call(Variant(3), GRID),
    "arc.Variant.undo": Call(Variant(3).undo, GRID),
    "arc.Variant.name": Call(Variant(3).name, "a", dialect="hrm", free=[0]),
    "arc.Variant.random": Call(Variant.random, 3),
    "arc.parse_name": Call(arc.parse_name, "a|||t1|||0123456789"),
    "arc.variants": Call(arc.variants, TASK.train, 2, 3),
    "arc.build": Call(arc.build, [TASK], [TASK], n=2, seed=3, dialect="trm"),
    "dataset.Dataset": Call(Dataset, ROWS % 8, ROWS % 8, STARTS[:2] * 0, STARTS, STARTS, **FEW),
    "dataset.Dataset.from_rows": Call(
        Dataset.from_rows, ROWS % 8, ROWS % 8, groups=[0, 0], puzzles=[0, 1], **FEW
    ),
    "dataset.Dataset.batch": Call(DATA.batch, np.array([1, 0]), 3),
    "dataset.Dataset.batches": Call(lambda size: list(DATA.batches(size)), 2),
    "dataset.build": Call(build, SIX, P, S, variants=1, seed=3, free=[0]),
    "dataset.write_dataset": Call(
        write_dataset, "out", {"test": DATA}, "trm", ["<blank>"], free=[0]
    ),
    "dataset.read_dataset": Call(read_dataset, "data", "train", free=[0]),
    "dataset.read_identifiers": Call(read_identifiers, "data", free=[0]),
    "files.read_json": Call(read_json, "own.json", dict, free=[0, 1]),
    "streams.DatasetStream": Call(
        lambda batch, seed, epochs, step: DatasetStream(DATA, batch, seed, epochs)[step], 2, 3, 2, 4
    ),
    "tables.read_csv": Call(tables.read_csv, "a.csv", SIX, rows=1, seed=3, free=[0, 1]),
    "tables.write_csv": Call(tables.write_csv, "b.csv", SIX, P, S, free=[0, 1]),
    "hub.fetch": Call(fetch, "owner/name", "file", "here", "dataset", free=[2]),
}
# are given back, not called; or tested in test_templates, or with recipes in training and zoo
RESULTS = {
    "Search",
    "Task",
    "Task.generate",
    "Task.encode",
    "Task.decode",
    "Task.is_solution",
    "faults",
    "arc.Task",
    "tables.Table",
    "streams.PuzzleStream",
    "streams.PuzzleStream.in_play",
    "streams.split_grids",
    "streams.training_and_test",
}
SAME = {  # keep what they are given, which has to be of Python's or NumPy's own kinds; or load
    "Parity",
    "LatinSquare",
    "Colouring",
    "arc.Variant",
    "dataset.Dataset",
    "arc.load_tasks",
    "hub.fetch",
}


@pytest.fixture(scope="module", autouse=True)
def files(tmp_path_factory):
    """The files that the calls read, in the folder they are made in, and no network."""
    patch = pytest.MonkeyPatch()
    patch.chdir(tmp_path_factory.mktemp("here"))
    patch.setitem(sys.modules, "huggingface_hub", None)
    pair = {"input": GRID.tolist(), "output": GRID.tolist()}
    with open("own.json", "w") as file:
        json.dump({"train": [pair], "test": [{"input": pair["input"]}]}, file)
    with open("solutions.json", "w") as file:
        json.dump({"own": [pair["output"]]}, file)
    write_dataset("data", {"train": DATA})
    tables.write_csv("a.csv", SIX, P, S)
    yield
    patch.undo()


def public_names():
    """Everything that can be called, as the reference of the library lists it."""
    for name in tasks.__all__:
        yield name, getattr(tasks, name)
    for module in (arc, dataset, hub, streams, tables):
        for part, value in vars(module).items():
            mine = getattr(value, "__module__", None) == module.__name__
            if callable(value) and mine and not part.startswith("_"):
                yield f"{module.__name__.rsplit('.', 1)[-1]}.{part}", value


def test_every_public_function_is_tried():
    found = set()
    for name, thing in public_names():
        found.add(name)
        if inspect.isclass(thing):
            ours = [vars(c) for c in thing.__mro__ if c.__module__.startswith("hrm_course")]
            parts = {n for part in ours for n in part}
            methods = {n for n in parts if callable(getattr(thing, n)) and n[0] != "_"}
            found |= {f"{name}.{method}" for method in methods | {"__call__"} & parts}
    assert found | {"files.read_json"} == CALLS.keys() | RESULTS


def kinds(value):
    """The same numbers in other kinds: integers of every width, floats, lists, tensors."""
    if isinstance(value, int):
        yield from (np.int8(value), np.uint64(value), np.int64(value), torch.tensor(value))
        yield np.array(value)
    elif isinstance(value, np.ndarray):
        for kind in ("int8", "uint8", "uint64", "float16", "float32", "float64"):
            yield value.astype(kind)
        yield from (value.tolist(), torch.from_numpy(value), np.asfortranarray(value), value[...])
        yield torch.from_numpy(value).to(torch.uint8)


def plain(result):
    """A result in a form that can be compared."""
    if isinstance(result, np.ndarray | torch.Tensor | np.generic):
        return np.asarray(result).tolist()
    if isinstance(result, tuple | list):
        return [plain(part) for part in result]
    if isinstance(result, dict):
        return {key: plain(part) for key, part in result.items()}
    if hasattr(result, "__dataclass_fields__"):
        return {key: plain(getattr(result, key)) for key in result.__dataclass_fields__}
    return result


@pytest.mark.parametrize("name", [n for n in CALLS if n not in SAME])
def test_the_same_numbers_of_any_kind_give_the_same(name):
    call = CALLS[name]
    expected = plain(call())
    for place in (*range(len(call.arguments)), *call.named):
        for value in kinds(call.good(place)):
            assert plain(call(place, value)) == expected, (place, value)


class Odd:
    def __repr__(self):
        return "an odd thing"


NEVER = [  # no argument of any function may be one of these
    "text",  # the first, as a name is text
    Odd(),
    2.5,
    -1,
    float("nan"),
    1j,
    b"12",
    [[1, 2], [3]],
    ["a", "b"],
    [None],
    {1: 2},
    np.array(3.5),
    np.array([0.5] * 36),
    np.array([1j] * 36),
    np.full(36, np.inf, dtype=np.float16),
    np.full(36, np.nan),
    np.array(["1"] * 36),
    np.array([object()] * 36),
    np.full((2, 36), 2**63, dtype=np.uint64),
    np.full((2, 36), -1),
    torch.full((2, 36), 0.5, requires_grad=True),
    np.datetime64("2020-01-01"),
]
PERHAPS = [None, True, 0, 10**30, [], "", (), np.zeros((0, 36)), np.zeros(0), np.array(1), "1" * 36]
PERHAPS += [np.zeros((2, 2, 2, 2))]


@pytest.mark.parametrize("name", CALLS)
def test_everything_else_gets_a_sentence(name):
    call = CALLS[name]
    for place in call.places:
        for value in NEVER[name == "arc.parse_name" :]:
            with pytest.raises((ValueError, OSError)) as raised:
                call(place, value)
                pytest.fail(f"{name} accepts {value!r} at {place}")
            assert len(str(raised.value)) > 20 and str(raised.value)[-1] in ".)", raised.value
        for value in PERHAPS:
            try:
                call(place, value)
            except (ValueError, OSError) as error:
                assert len(str(error)) > 20 and str(error)[-1] in ".)", error


@pytest.mark.parametrize("name", [n for n in CALLS if n.endswith("is_solution")])
def test_what_is_no_board_is_no_solution(name):
    assert CALLS[name]() is True
    for value in NEVER + PERHAPS:
        assert CALLS[name](1, value) is False
