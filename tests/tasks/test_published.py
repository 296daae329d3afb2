import builtins
import json
import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrm_course.tasks import Maze, Sudoku
from hrm_course.tasks.published import (
    ARRAYS,
    Dataset,
    DatasetStream,
    build,
    read_csv,
    read_dataset,
    read_identifiers,
    write_csv,
    write_dataset,
)

SUDOKU = Sudoku()
PUZZLES, SOLUTIONS = SUDOKU.generate(12, 40, seed=3)
TASKS = {"sudoku": (SUDOKU, PUZZLES, SOLUTIONS), "maze": (Maze(7), *Maze(7).generate(12, 1))}


# ---- tables -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TASKS)
def test_a_table_goes_round(name, tmp_path):
    task, puzzles, solutions = TASKS[name]
    write_csv(tmp_path / "a.csv", task, puzzles, solutions, source="ours, mostly")
    table = read_csv(tmp_path / "a.csv", task)
    assert np.array_equal(table.puzzles, puzzles) and np.array_equal(table.solutions, solutions)
    assert table.ratings.tolist() == [task.difficulty(p) for p in puzzles]
    assert table.sources == ["ours, mostly"] * 12 and table.problems == []


def test_blanks_are_dots_or_zeros(tmp_path):
    file = tmp_path / "a.csv"
    write_csv(file, SUDOKU, PUZZLES, SOLUTIONS)
    question = SUDOKU.format(PUZZLES[0])
    file.write_text(file.read_text().replace(question, question.replace(".", "0")))
    assert np.array_equal(read_csv(file, SUDOKU).puzzles, PUZZLES)


def test_bad_rows_are_reported_with_their_line_and_lose_no_good_one(tmp_path):
    file = tmp_path / "a.csv"
    write_csv(file, SUDOKU, PUZZLES, SOLUTIONS)
    lines = file.read_text().splitlines()
    question, answer = (SUDOKU.format(boards[1]) for boards in (PUZZLES, SOLUTIONS))
    wrong = SUDOKU.format(SOLUTIONS[2])
    bad = {
        3: ("x,1,2", "3 fields instead of 4"),
        5: (f"x,{question[:-1]},{answer},0", "has 81 characters; this text has 80"),
        6: (f"x,{question},{wrong},0", "does not solve"),
        8: (f'x,"{question},{answer},0', "no line of a CSV file"),
        9: (f"x,{question.replace('.', '?')},{answer},0", "'?'"),
        11: (f"x,{question},{answer},hard", "'hard' is not a whole number"),
        12: ("", "0 fields"),
        14: (f"x,{question[:40]}\xff,{answer},0", "no line of a CSV file"),
        15: (f"x,{answer[:1] * 81},{answer},0", "contradict"),
        17: (f"x,{question},{question},0", "does not solve"),
    }
    for line, (text, _) in bad.items():
        lines.insert(line - 1, text)
    file.write_bytes("\r\n".join(lines).encode("latin-1"))
    table = read_csv(file, SUDOKU)
    assert np.array_equal(table.puzzles, PUZZLES)
    assert len(table.problems) == len(bad)
    for problem, (line, (_, words)) in zip(table.problems, bad.items(), strict=True):
        assert problem.startswith(f"{file}:{line}: ") and words in problem


def test_a_random_sample_of_good_rows(tmp_path):
    file = tmp_path / "a.csv"
    write_csv(file, SUDOKU, PUZZLES, SOLUTIONS)
    with file.open("a") as end:
        end.write("bad\n" * 12)
    few, same, other = (read_csv(file, SUDOKU, 5, seed) for seed in (0, 0, 1))
    assert len(few.puzzles) == 5 and np.array_equal(few.puzzles, same.puzzles)
    assert not np.array_equal(few.puzzles, other.puzzles)
    assert len(read_csv(file, SUDOKU, 100).puzzles) == 12
    known = {row.tobytes() for row in PUZZLES}
    assert all(row.tobytes() in known for row in few.puzzles)


def test_a_foreign_table_is_refused(tmp_path):
    file = tmp_path / "a.csv"
    for content, words in [
        (b"puzzle,solution\n1,2\n", ":1: the columns must be source,question,answer,rating"),
        (b"", ":1: the columns"),
        (b"source,question,answer,rating\n", "no good row"),
        (b"source,question,answer,rating\nx\n", "no good row.*:2: 1 fields"),
    ]:
        file.write_bytes(content)
        with pytest.raises(ValueError, match=words):
            read_csv(file, SUDOKU)
    with pytest.raises(FileNotFoundError):
        read_csv(tmp_path / "b.csv", SUDOKU)


@given(st.binary(max_size=400))
def test_any_bytes_give_rows_or_a_sentence(content):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.csv"
        write_csv(file, Maze(7), *TASKS["maze"][1:])
        file.write_bytes(file.read_bytes() + content)
        table = read_csv(file, Maze(7))
        assert len(table.puzzles) >= 12 and np.array_equal(table.puzzles[:12], TASKS["maze"][1])
        lines = content.split(b"\n")  # the last one only if it is not empty
        assert len(table.puzzles) + len(table.problems) == 12 + len(lines) - (lines[-1] == b"")


# ---- folders ------------------------------------------------------------------------------


def ragged(seed=0, groups=7, vocab=12):
    """A data set whose groups and puzzles have different sizes; example i holds i in cell 0."""
    rng = np.random.default_rng(seed)
    puzzles_in_group = rng.integers(1, 4, size=groups)
    examples_in_puzzle = rng.integers(1, 5, size=puzzles_in_group.sum())
    m, puzzles = examples_in_puzzle.sum(), len(examples_in_puzzle)
    inputs = rng.integers(0, vocab, size=(m, 6))
    return Dataset(
        inputs.astype(np.uint8),
        inputs[:, ::-1].astype(np.uint8),
        puzzle_identifiers=np.arange(1, puzzles + 1),
        puzzle_indices=np.concatenate(([0], np.cumsum(examples_in_puzzle))),
        group_indices=np.concatenate(([0], np.cumsum(puzzles_in_group))),
        vocab_size=vocab,
        num_puzzle_identifiers=puzzles + 1,
    )


@pytest.mark.parametrize("name", TASKS)
def test_a_group_is_a_puzzle_followed_by_its_variants(name):
    task, puzzles, solutions = TASKS[name]
    data = build(task, puzzles, solutions, variants=5, seed=2)
    assert len(data) == 72 and data.seq_len == task.cells and data.vocab_size == task.vocab_size
    assert data.inputs.dtype == np.uint8 and not data.puzzle_identifiers.any()
    assert np.array_equal(data.group_indices, np.arange(0, 73, 6))
    assert np.array_equal(data.puzzle_indices, np.arange(73))
    for g in range(12):
        rows = data.inputs[6 * g : 6 * g + 6].astype(int)
        assert np.array_equal(rows[0], puzzles[g] + 1)
        assert len(np.unique(rows, axis=0)) > 1
        for row, label in zip(rows, data.labels[6 * g : 6 * g + 6].astype(int), strict=True):
            assert task.is_solution(task.decode(row), task.decode(label))
    assert np.array_equal(build(task, puzzles, solutions, 5, 2).inputs, data.inputs)
    assert len(build(task, puzzles, solutions)) == 12


@pytest.mark.parametrize("dialect", ["trm", "hrm"])
def test_a_folder_goes_round(dialect, tmp_path):
    data = ragged()
    names = ["<blank>", *(f"p{i}" for i in range(1, data.num_puzzle_identifiers))]
    write_dataset(tmp_path, {"train": data, "test": ragged()}, dialect, names)
    again = read_dataset(tmp_path)
    for name in ARRAYS:
        assert np.array_equal(getattr(again, name), getattr(data, name))
    assert isinstance(again.inputs, np.memmap) and again.puzzle_indices.dtype == np.int32
    assert (again.vocab_size, again.ignore_label_id) == (12, 0)
    assert read_identifiers(tmp_path) == names
    facts = json.loads((tmp_path / "test" / "dataset.json").read_text())
    expected = {"pad_id", "ignore_label_id", "blank_identifier_id", "vocab_size", "seq_len"}
    expected |= {"num_puzzle_identifiers", "total_groups", "mean_puzzle_examples", "sets"}
    assert set(facts) == expected | ({"total_puzzles"} if dialect == "trm" else set())
    assert facts["sets"] == ["all"] and facts["seq_len"] == 6 and facts["total_groups"] == 7


def test_inputs_may_be_wide_integers(tmp_path):
    """The official Sudoku builder writes int64."""
    write_dataset(tmp_path, {"train": build(*TASKS["sudoku"])})
    for name in ("inputs", "labels"):
        path = tmp_path / "train" / f"all__{name}.npy"
        np.save(path, np.load(path).astype(np.int64))
    batch = read_dataset(tmp_path).batch([3])
    assert np.array_equal(batch["labels"][0], SOLUTIONS[3] + 1)


def test_a_batch_ignores_padding_and_names_the_puzzle():
    data = ragged()
    rows = np.array([5, 0, 9])
    batch = data.batch(rows, size=5)
    assert {k: v.dtype for k, v in batch.items()} == dict.fromkeys(batch, np.dtype(np.int64))
    assert np.array_equal(batch["inputs"][:3], data.inputs[rows]) and not batch["inputs"][3:].any()
    labels = data.labels[rows].astype(int)
    assert (labels == 0).any()
    assert np.array_equal(batch["labels"][:3], np.where(labels == 0, -100, labels))
    assert (batch["labels"][3:] == -100).all() and batch["puzzle_identifiers"][3:].tolist() == [
        0,
        0,
    ]
    for row, identifier in zip(rows, batch["puzzle_identifiers"], strict=False):
        puzzle = identifier - 1
        assert data.puzzle_indices[puzzle] <= row < data.puzzle_indices[puzzle + 1]


def test_test_batches_hold_every_example_once():
    data = ragged()
    batches = list(data.batches(4))
    assert all(len(b["inputs"]) == 4 for b in batches)
    inputs = np.concatenate([b["inputs"] for b in batches])
    assert np.array_equal(inputs[: len(data)], data.inputs) and len(inputs) - len(data) < 4


def damage_file(name, content):
    return lambda folder: (folder / "train" / name).write_bytes(content)


def edit(**changes):
    def change(folder):
        path = folder / "train" / "dataset.json"
        facts = json.loads(path.read_text()) | changes
        path.write_text(json.dumps({k: v for k, v in facts.items() if v != "gone"}))

    return change


def replace_array(name, array):
    return lambda folder: np.save(folder / "train" / f"all__{name}.npy", array)


@pytest.mark.parametrize(
    "damage, error, words",
    [
        (
            lambda f: (f / "train" / "all__labels.npy").unlink(),
            FileNotFoundError,
            "all__labels.npy",
        ),
        (lambda f: (f / "train" / "dataset.json").unlink(), FileNotFoundError, "dataset.json"),
        (damage_file("dataset.json", b"{"), ValueError, "dataset.json is damaged"),
        (damage_file("dataset.json", b"[1]"), ValueError, "does not hold a JSON dict"),
        (damage_file("dataset.json", b"\xff\xfe"), ValueError, "dataset.json is damaged"),
        (damage_file("all__inputs.npy", b""), ValueError, "all__inputs.npy is damaged"),
        (damage_file("all__inputs.npy", b"\x93NUMPY"), ValueError, "all__inputs.npy is damaged"),
        (replace_array("inputs", np.zeros((3, 6), int)), ValueError, r"\[3, 6\] and"),
        (replace_array("inputs", np.zeros((3, 6))), ValueError, "whole numbers"),
        (
            replace_array("labels", np.array([{}], dtype=object)),
            ValueError,
            "labels.npy is damaged",
        ),
        (
            replace_array("group_indices", np.array([0, 3, 2])),
            ValueError,
            "group_indices must rise",
        ),
        (replace_array("puzzle_indices", np.array([0, 1])), ValueError, "puzzle_indices must rise"),
        (replace_array("puzzle_identifiers", np.array([0])), ValueError, "group_indices must rise"),
        (edit(num_puzzle_identifiers=1), ValueError, "puzzle_identifiers must be 0 to 0"),
        (edit(vocab_size="gone"), ValueError, "must say vocab_size"),
        (edit(seq_len=81), ValueError, "says seq_len 81, the arrays 6"),
        (edit(total_puzzles=1), ValueError, "says total_puzzles 1"),
        (edit(sets=["a", "b"]), ValueError, "must name one set"),
        (edit(pad_id=7), ValueError, "must be 0, as published"),
    ],
)
def test_a_damaged_folder_gets_a_sentence(damage, error, words, tmp_path):
    data = ragged()
    write_dataset(tmp_path, {"train": data}, identifiers=["x"] * data.num_puzzle_identifiers)
    read_dataset(tmp_path)
    damage(tmp_path)
    with pytest.raises(error, match=words):
        read_dataset(tmp_path)


class Payload:
    def __reduce__(self):
        return exec, ("import builtins; builtins.hrm_course_was_attacked = True",)


def test_a_pickle_is_never_executed(tmp_path):
    write_dataset(tmp_path, {"train": build(*TASKS["maze"])})
    (tmp_path / "train" / "all__inputs.npy").write_bytes(pickle.dumps(Payload()))
    with pytest.raises(ValueError, match=r"inputs\.npy is damaged"):
        read_dataset(tmp_path)
    assert not hasattr(builtins, "hrm_course_was_attacked")


@given(st.sampled_from([*ARRAYS, "dataset"]), st.floats(0, 1), st.integers(0, 255), st.booleans())
def test_a_flipped_or_missing_byte_is_noticed_or_harmless(name, where, byte, cut):
    with tempfile.TemporaryDirectory() as folder:
        write_dataset(folder, {"train": build(*TASKS["maze"])})
        (file,) = Path(folder, "train").glob(f"*{name}.*")
        content = bytearray(file.read_bytes())
        at = int(where * min(len(content) - 1, 140))  # the head of the file
        content[at] = byte
        file.write_bytes(content[:at] if cut else content)
        try:
            list(read_dataset(folder).batches(5))
        except ValueError as error:
            assert len(str(error)) > 20


def test_bad_arguments_get_a_sentence(tmp_path):
    task, puzzles, solutions = TASKS["maze"]
    data = build(task, puzzles, solutions)
    for call, words in [
        (lambda: build(task, puzzles, solutions, variants=8), "seven other images"),
        (lambda: build(task, puzzles[:0], solutions[:0]), "needs puzzles"),
        (lambda: build(task, puzzles, solutions[:3]), "12 and 3"),
        (lambda: write_dataset(tmp_path, {"train": data}, "cmm"), "'trm' or 'hrm'"),
        (lambda: write_dataset(tmp_path, {"train": data}, identifiers=[]), "0 names for 1"),
        (lambda: DatasetStream(data, 13), "do not fill a batch of 13"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
    bad = Dataset.from_rows(np.full((2, 3), 9), np.full((2, 3), 1), vocab_size=5)
    with pytest.raises(ValueError, match="Tokens must be 0 to 4"):
        bad.batch([0])


# ---- the training order -------------------------------------------------------------------


def reference_batches(data, batch_size, seed, epochs, iterations):
    """The published walk, one draw after the other: (puzzle, number of its examples) a batch."""
    groups, puzzles = data.group_indices, data.puzzle_indices
    for iteration in range(1, iterations + 1):
        rng = np.random.Generator(np.random.Philox(seed=seed + iteration))
        walk = np.concatenate([rng.permutation(len(groups) - 1) for _ in range(epochs)])
        batch, room = [], batch_size
        for group in walk:
            puzzle = rng.integers(groups[group], groups[group + 1])
            count = min(int(puzzles[puzzle + 1] - puzzles[puzzle]), room)
            batch.append((int(puzzle), count))
            room -= count
            if room == 0:
                yield batch
                batch, room = [], batch_size


@given(st.integers(0, 50), st.integers(1, 9), st.integers(1, 3), st.booleans())
def test_the_published_order(seed, batch_size, epochs, single):
    if single:
        data = Dataset.from_rows(*[np.arange(40)[:, None]] * 2, 41, groups=np.arange(40) // 4)
    else:
        data = ragged(seed)
    expected = list(reference_batches(data, batch_size, seed, epochs, iterations=4))
    stream = DatasetStream(data, batch_size, seed, epochs)
    rows = [r for i in range(4) for r in stream._plan(i)]
    assert len(rows) == len(expected)
    cut = np.diff(data.puzzle_indices)
    for step, (batch, puzzles) in enumerate(zip(rows, expected, strict=True)):
        found, start = [], 0
        for puzzle, count in puzzles:
            part = batch[start : start + count]
            low, high = data.puzzle_indices[puzzle : puzzle + 2]
            assert len(set(part.tolist())) == count and low <= part.min() and part.max() < high
            assert count == cut[puzzle] or (puzzle, count) == puzzles[-1]
            found.append(part)
            start += count
        assert start == len(batch) == batch_size
        got = stream[step]["inputs"].numpy()
        assert np.array_equal(got, data.inputs[batch])


def test_a_step_depends_on_the_seed_and_the_step_alone():
    data = ragged()
    steps = [7, 0, 30, 7, 3]
    entered = [DatasetStream(data, 5, seed=1)[s]["inputs"] for s in steps]
    one = DatasetStream(data, 5, seed=1)
    assert all((one[s]["inputs"] == batch).all() for s, batch in zip(steps, entered, strict=True))
    other = DatasetStream(data, 5, seed=2)
    assert any((one[s]["inputs"] != other[s]["inputs"]).any() for s in steps)


def test_examples_of_a_puzzle_come_in_changing_order():
    data = Dataset.from_rows(*[np.arange(4)[:, None]] * 2, 4, groups=[0] * 4, puzzles=[0] * 4)
    stream = DatasetStream(data, 3)
    assert len({tuple(stream[step]["inputs"][:, 0].tolist()) for step in range(60)}) > 12  # of 24
