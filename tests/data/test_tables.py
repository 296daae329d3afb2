"""Tables of puzzles: ours, the published ones, and what other people's look like."""

import csv
import io
import math
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrm_course.data.tables import read_csv, write_csv
from hrm_course.tasks import Maze, Sudoku

SUDOKU = Sudoku()
PUZZLES, SOLUTIONS = SUDOKU.generate(12, 40, seed=3)
TASKS = {"sudoku": (SUDOKU, PUZZLES, SOLUTIONS), "maze": (Maze(7), *Maze(7).generate(12, 1))}


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
        9: (f"x,{question.replace('.', '!', 1)},{answer},0", "this text has 80"),
        11: (f"x,{question},{answer},hard", "'hard' is not a number"),
        12: (f"x,{question.replace('.', 'Z', 1)},{answer},0", "is 'Z'"),
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
        (b"puzzle,size\n1,2\n", ":1: the columns must be source,question,answer,rating"),
        ("puzzle,solution".encode("utf-16"), "in UTF-16: save it as UTF-8"),
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
        lines = [line for line in content.split(b"\n") if line.strip(b'\r ,;\t"')]
        assert len(table.puzzles) + len(table.problems) == 12 + len(lines)


# ---- other people's tables ----------------------------------------------------------------


def table_of(columns, separator=",", quoting=csv.QUOTE_MINIMAL, ends="\n"):
    """Our puzzles under other names of columns."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=ends)
    writer.writerow(columns)
    for i, pair in enumerate(zip(PUZZLES, SOLUTIONS, strict=True)):
        question, answer = map(SUDOKU.format, pair)
        known = {"id": i, "": i, "clues": 41, "difficulty": "2.5", "rating": "3.0"}
        known |= dict.fromkeys(("question", "puzzle", "quizzes"), question.replace(".", "0"))
        known |= dict.fromkeys(("answer", "solution", "solutions"), answer)
        writer.writerow([known[name.strip().lower()] for name in columns])
    return text.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        table_of(["quizzes", "solutions"]),
        table_of(["puzzle", "solution"]),
        table_of(["id", "puzzle", "solution", "clues", "difficulty"]),
        table_of(["rating", "answer", "clues", "question"]),
        table_of(["", "quizzes", "solutions"], quoting=csv.QUOTE_NONNUMERIC),  # pandas, R
        table_of(["Question", " Answer "], quoting=csv.QUOTE_ALL, ends="\r\n"),
        table_of(["puzzle", "solution", "difficulty"], ";"),
        table_of(["puzzle", "solution"], "\t"),
        "\ufeff" + table_of(["puzzle", "solution"], quoting=csv.QUOTE_ALL),
        table_of(["puzzle", "solution"]).replace("\n", "\n\n \n,\n"),
    ],
    ids=lambda text: repr(text[:30]),
)
def test_tables_of_other_people(text, tmp_path):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8", newline="")
    table = read_csv(tmp_path / "a.csv", SUDOKU)
    assert np.array_equal(table.puzzles, PUZZLES) and np.array_equal(table.solutions, SOLUTIONS)
    assert table.problems == []
    rating = 2.5 if "difficulty" in text else 3 if "rating" in text else math.nan
    assert np.array_equal(table.ratings, np.full(12, rating), equal_nan=True)


@pytest.mark.parametrize(("rating", "number"), [("3.0", 3), ("", math.nan), ("NA", math.nan)])
def test_ratings_may_be_fractions_or_missing(rating, number, tmp_path):
    write_csv(tmp_path / "a.csv", SUDOKU, PUZZLES, SOLUTIONS)
    rows = (tmp_path / "a.csv").read_text().splitlines()
    rows = rows[:1] + [row.rsplit(",", 1)[0] + "," + rating for row in rows[1:]]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    table = read_csv(tmp_path / "a.csv", SUDOKU)
    assert np.array_equal(table.ratings, np.full(12, number), equal_nan=True)
    assert table.problems == []


def test_a_full_disk_keeps_the_old_table(tmp_path, monkeypatch):
    write_csv(tmp_path / "a.csv", SUDOKU, PUZZLES, SOLUTIONS)
    before = (tmp_path / "a.csv").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"a\.csv can't be written: No space left"):
        write_csv(tmp_path / "a.csv", SUDOKU, PUZZLES[:3], SOLUTIONS[:3])
    assert (tmp_path / "a.csv").read_bytes() == before
