"""A class hands in; whatever it hands in, everybody gets marks."""

import copy
import csv

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from hrm_course.classroom import grade as grading
from hrm_course.classroom.grade import grade
from hrm_course.cli import main

from .conftest import MASTERS, NAME, SEED, answered, find, grade_id

pytestmark = pytest.mark.slow
TIMEOUT = 4
HANG = "def double(z):\n    while True:\n        pass"
STUBBORN = """def steps(z):
    while True:
        try:
            while True:
                print("x" * 1000)
        except BaseException:
            pass"""
WARNS = """import sys, warnings
def double(z):
    warnings.warn("careful")
    print("to stderr", file=sys.stderr)
    return 2 * np.asarray(z)"""


def without(notebook, *names):
    notebook = copy.deepcopy(notebook)
    notebook.cells = [cell for cell in notebook.cells if grade_id(cell) not in names]
    return notebook


def tampered(notebook):
    """Checks emptied, points raised, graded cells declared ungraded, another class seed."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader", {})
        if meta.get("grade") and not meta["solution"]:
            cell.source = "pass"
            meta.update(points=100, grade=grade_id(cell) != "q1-double-check", locked=False)
    find(notebook, "class-seed").source = "CLASS_SEED = 1"
    notebook.cells.append(new_code_cell("odd", metadata={"nbgrader": "not what it should be"}))
    notebook.metadata.kernelspec = {"name": "no-such-kernel", "display_name": "?"}
    return notebook


def stripped(notebook):
    """Saved by a program that keeps no metadata."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        cell.metadata = {}
    return notebook


def moved(notebook):
    """An answer, with its warnings, in the student's own cell: the cell made for it is gone."""
    notebook = without(notebook, "q1-double")
    notebook.cells.insert(1, new_code_cell("import numpy as np\n" + WARNS))
    return notebook


@pytest.fixture(scope="module")
def hand_in(tmp_path_factory, handout, master):
    """The folder of submissions."""
    folder = tmp_path_factory.mktemp("class") / "submissions"
    # the number a student finds for this class: 7 * 7; for class 0 it would be 5 * 5
    square = 'n = draw(CLASS_SEED, "q2", 3, 9)\nsquare = 49'
    right = answered(handout, master, q2_square=square)
    wrong = {
        "q1_double": "def double(z):\n    return z + 3",  # right for 3, the visible check
        "q2_square": "n = 10\nsquare = 10",
        "q3_steps": "def steps(z):\n    return 3 * (z > 1)",  # 1 and 8 right, the hidden 9 not
    }
    raises = {
        "q1_double": "def double(z):\n    raise KeyError('oops')",
        "q2_square": "print('x' * 3_000_000)\n1 / 0",
    }
    notebooks = {
        "Anna Müller": right,
        "deletes": without(right, "q1-double-check", "q3-steps-check", "q3-steps-hidden"),
        "exits": answered(handout, master, q2_square="import os\nos._exit(1)"),
        "moved": moved(right),
        "never": answered(handout, master, q1_double=HANG, q2_square=square, q3_steps=STUBBORN),
        "raises": answered(handout, master, **raises),
        "stripped": stripped(right),
        "tampers": tampered(answered(handout, master, **wrong)),
        "untouched": handout,
    }
    for student, notebook in notebooks.items():
        (folder / student).mkdir(parents=True)
        nbformat.write(notebook, folder / student / f"{NAME}.ipynb")
    for student in ("absent", "empty-file", "text", ".hidden"):
        (folder / student).mkdir()
    (folder / "empty-file" / f"{NAME}.ipynb").write_text("")
    (folder / "text" / f"{NAME}.ipynb").write_text("I could not do it.")
    (folder / "text" / "notes.txt").write_text("")
    (folder / "text" / "77-other.ipynb").write_text("{}")
    (folder / "text" / ".DS_Store").write_text("")
    return folder


@pytest.fixture(scope="module")
def out(hand_in):
    """Where the class was graded, once, by the command."""
    folder = hand_in.parent / "out"
    command = ["grade", str(hand_in), "--out", str(folder), "--solutions", str(MASTERS)]
    assert main([*command, "--class-seed", str(SEED), "--timeout", str(TIMEOUT)]) == 0
    return folder


@pytest.fixture(scope="module")
def marks(out):
    with (out / "marks.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def look_up(marks):
    """The points of q1, q2, q3, q4, their status and the rows, for a student."""

    def look(student):
        rows = [row for row in marks if row["student"] == student and row["question"]]
        assert [row["question"] for row in rows] == ["q1", "q2", "q3", "q4"]
        assert [row["max_points"] for row in rows] == ["2", "1", "3", "4"]
        return [row["points"] for row in rows], [row["status"] for row in rows], rows

    return look


RIGHT = ["right", "right", "right", "to mark by hand"]


@pytest.mark.parametrize("student", ["Anna Müller", "deletes", "stripped", "moved"])
def test_a_right_answer_gets_all_points(look_up, student):
    points, states, _ = look_up(student)
    assert points == ["2", "1", "3", ""] and states == RIGHT


def test_a_deleted_check_is_put_back_and_noted(look_up):
    _, _, rows = look_up("deletes")
    assert ["put back" in row["sentence"] for row in rows] == [True, False, True, False]


def test_an_untouched_notebook_gets_nothing_and_says_why(look_up):
    points, states, rows = look_up("untouched")
    assert points == ["0", "0", "0", "0"] and states == ["wrong"] * 3 + ["no answer"]
    assert "`double` is not written yet" in rows[0]["sentence"]
    assert rows[1]["sentence"] == "q2: the square of n is still empty."


def test_wrong_answers_lose_their_points_and_emptied_checks_do_not_help(look_up):
    points, states, rows = look_up("tampers")
    hidden = "wrong in a hidden check"
    assert points == ["0", "0", "1", ""]
    assert states == [hidden, "wrong", hidden, "to mark by hand"]
    assert rows[0]["sentence"] == "q1: SECRET array of ones"  # for the instructor
    assert rows[1]["sentence"] == "q2: a square of n > 1 is larger than n."


def test_an_answer_that_raises_says_what(look_up):
    points, states, rows = look_up("raises")
    assert points == ["0", "0", "3", ""] and states[:3] == ["wrong", "wrong", "right"]
    assert rows[0]["sentence"] == "q1: `double` raised KeyError: 'oops'"
    assert rows[1]["sentence"] == "NameError: name 'square' is not defined"


def test_endless_printing_is_not_kept(out):
    path = out / "course" / "autograded" / "raises" / NAME / f"{NAME}.ipynb"
    assert path.stat().st_size < 100_000


def test_an_answer_that_never_returns_is_stopped_and_the_next_one_is_graded(look_up):
    points, states, rows = look_up("never")
    assert points == ["0", "1", "0", ""] and states[:3] == ["stopped", "right", "stopped"]
    for row in (rows[0], rows[2]):
        assert row["sentence"] == f"Stopped: the cell took more than {TIMEOUT} s."


def test_an_answer_that_kills_python_keeps_what_came_before(look_up):
    points, states, _ = look_up("exits")
    assert points == ["2", "0", "0", ""] and states[1:3] == ["stopped", "stopped"]


@pytest.mark.parametrize(
    ("student", "state"),
    [("absent", "not submitted"), ("empty-file", "not readable"), ("text", "not readable")],
)
def test_without_a_notebook_there_are_no_points(look_up, student, state):
    points, states, _ = look_up(student)
    assert points == ["0"] * 4 and states == [state] * 4


def test_unknown_files_are_named(marks):
    unknown = [row for row in marks if row["status"] == "unknown file"]
    assert [(row["student"], row["notebook"]) for row in unknown] == [
        ("text", "77-other.ipynb"),
        ("text", "notes.txt"),
    ]
    assert all(NAME in row["sentence"] for row in unknown)


def test_totals_add_up(out):
    with (out / "totals.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    students = [row["student"] for row in rows]
    assert len(set(students)) == len(students) == 12
    rows = dict(zip(students, rows, strict=True))
    assert rows["Anna Müller"] == {
        "student": "Anna Müller",
        "notebook": NAME,
        "points": "6",
        "max_points": "10",
        "to_mark_by_hand": "4",
    }
    assert rows["untouched"]["points"] == rows["absent"]["points"] == "0"
    assert rows["untouched"]["to_mark_by_hand"] == "0"


def test_feedback_shows_visible_sentences_only(out):
    pages = {path.stem: path.read_text("utf-8") for path in (out / "feedback").glob("*.md")}
    assert len(pages) == 12
    assert not any("SECRET" in page or str(out.parent) in page for page in pages.values())
    assert "| q1 | 0 of 2 | The visible checks pass" in pages["tampers"]
    assert "| q2 | 0 of 1 | q2: a square of n > 1 is larger than n. |" in pages["tampers"]
    assert "| q3 | 1 of 3 | The visible checks pass" in pages["tampers"]
    assert "| q4 | open of 4 |" in pages["tampers"]
    assert "| q4 | 0 of 4 | There is no answer yet. |" in pages["untouched"]


def test_a_folder_is_graded_into_once(out, hand_in):
    with pytest.raises(ValueError, match="name a new folder"):
        grade(hand_in, MASTERS, out)


def test_a_failure_of_nbgrader_costs_one_notebook(tmp_path, handout, monkeypatch):
    """Nobody knows every way to fail; the class goes on all the same."""
    for student in ("first", "second"):
        (tmp_path / "class" / student).mkdir(parents=True)
        nbformat.write(handout, tmp_path / "class" / student / f"{NAME}.ipynb")
    run = grading._Course._run

    def fail_first(self, converter, assignment, student="*"):
        if student == "first":
            raise RuntimeError("something new")
        run(self, converter, assignment, student)

    monkeypatch.setattr(grading._Course, "_run", fail_first)
    found = grade(tmp_path / "class", MASTERS, tmp_path / "out", SEED, TIMEOUT)
    assert [mark.status for mark in found[:4]] == ["not graded"] * 4
    assert [mark.status for mark in found[4:]] == ["wrong"] * 3 + ["no answer"]


def test_a_notebook_has_a_time_limit_as_a_whole(tmp_path, handout, master, monkeypatch):
    monkeypatch.setattr(grading, "NOTEBOOK_CELLS", 1)
    (tmp_path / "class" / "one").mkdir(parents=True)
    notebook = answered(handout, master, q2_square="while True:\n    pass")
    nbformat.write(notebook, tmp_path / "class" / "one" / f"{NAME}.ipynb")
    found = grade(tmp_path / "class", MASTERS, tmp_path / "out", SEED, timeout=6)
    assert [mark.status for mark in found[:3]] == ["right", "stopped", "stopped"]
    assert "had used its 6 s" in found[2].sentence
