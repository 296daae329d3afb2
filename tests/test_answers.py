"""What the checks of the exercises say to right and to wrong answers.

``fixtures/answers/NN-name.py`` holds whole answer cells as students leave them, each under a line

    # %% q1-jacobian wrong: rows and columns swapped -> your matrix is transposed

that names the answer cell, the kind, what the answer does and, after ``->``, words of the
sentence that it must get. The kinds: a ``wrong`` answer fails its visible check, a ``hidden``
one passes it and fails the hidden tests, a ``right`` one, in another form than the master's,
passes both.

A master is run once, as another class has it. After each check a copy of the process (fork)
tries each planted answer, so that none can disturb another.
"""

import io
import json
import os
import re
import signal
import sys
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest.mock import patch

import nbformat
import pytest

from hrm_course.classroom import Check

ROOT = Path(__file__).parents[1]
FILES = sorted((Path(__file__).parent / "fixtures" / "answers").glob("*.py"))
HIDDEN = re.compile(
    r"^ *### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS\n?", re.DOTALL | re.MULTILINE
)
HEAD = re.compile(r"^# %% (\S+) (wrong|hidden|right)(?:: (.*?))?(?: -> (.*))?\n", re.MULTILINE)
QUICK = "01-maps-and-flows"  # the one that `make quick` tries
CLASS_SEED = 2027
SECONDS = 60  # processor time; an answer that takes longer is stopped, and fails


@dataclass(frozen=True)
class Planted:
    """An answer: its cell, its kind, what it does, words of its sentence, and its code."""

    cell: str
    kind: str
    what: str
    words: str | None
    source: str


def planted(path: Path) -> list[Planted]:
    before, *parts = HEAD.split(path.read_text(encoding="utf-8"))
    answers = [Planted(*parts[i : i + 5]) for i in range(0, len(parts), 5)]
    lines = path.read_text(encoding="utf-8").count("# %%")
    assert not before and len(answers) == lines, f"{path.name}: a line # %% that is none of ours"
    return answers


def grader(cell) -> dict:
    return cell.metadata.get("nbgrader", {}) if cell.cell_type == "code" else {}


def is_answer(cell) -> bool:
    return bool(grader(cell).get("solution") and not grader(cell).get("grade"))


def run(source: str, names: dict) -> None:
    with redirect_stdout(io.StringIO()):
        exec(compile(source, "<cell>", "exec"), names)


def replay(cells) -> dict:
    """The names that ``cells`` leave behind."""
    names = {"__name__": "__main__"}
    for cell in cells:
        run(cell.source, names)
    return names


def judge(answer: Planted, check: str, names: dict) -> tuple[str, str]:
    """The kind that the check finds the answer to be of, and its sentence."""
    seconds = 0.3 if "come to an end" in (answer.words or "") else Check.seconds
    try:
        run(answer.source, names)
        with patch.object(Check, "seconds", seconds):
            run(HIDDEN.sub("", check), names)
    except AssertionError as error:
        return "wrong", str(error)
    try:
        run(check, names)
    except AssertionError as error:
        return "hidden", str(error)
    return "right", ""


def apart(function, *arguments) -> tuple[str, str]:
    """``function(*arguments)`` in a copy of this process."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pytest-xdist has threads
        child = os.fork()
    if child == 0:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            found = function(*arguments)
        except BaseException as error:
            found = "raised", f"{type(error).__name__}: {error}"
        os.write(write, json.dumps(found).encode()[:60_000])
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return tuple(json.loads(text or b'["raised", "Python was stopped"]'))


@cache
def play(path: Path) -> dict[Planted, tuple[str, str]]:
    """What each planted answer of a notebook gets; the master's own answers pass on the way."""
    notebook = nbformat.read(ROOT / "solutions" / f"{path.stem}.ipynb", 4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    answers, found, names, tried = planted(path), {}, replay([]), None
    for index, cell in enumerate(cells):
        if "class-seed" in cell.metadata.get("tags", []):
            cell.source = f"CLASS_SEED = {CLASS_SEED}"
        run(cell.source, names)
        if is_answer(cell):
            tried = grader(cell)["grade_id"]
        if grader(cell).get("grade"):
            for answer in answers:
                if answer.cell == tried and sys.platform == "linux":
                    found[answer] = apart(judge, answer, cell.source, names)
                elif answer.cell == tried:
                    found[answer] = judge(answer, cell.source, replay(cells[: index + 1]))
            tried = None
    return found


def answer_cells(path: Path) -> list[str]:
    notebook = nbformat.read(ROOT / "solutions" / f"{path.stem}.ipynb", 4)
    return [grader(cell)["grade_id"] for cell in notebook.cells if is_answer(cell)]


QUESTIONS = [
    pytest.param(
        path, cell, id=f"{path.stem}/{cell}", marks=[pytest.mark.slow] * (path.stem != QUICK)
    )
    for path in FILES
    for cell in answer_cells(path)
]


def test_every_exercise_has_planted_answers_and_each_belongs_to_a_cell():
    masters = {path.stem for path in (ROOT / "solutions").glob("*.ipynb")}
    assert {path.stem for path in FILES} == masters
    for path in FILES:
        assert {answer.cell for answer in planted(path)} <= set(answer_cells(path)), path.name


@pytest.mark.parametrize(("path", "cell"), QUESTIONS)
def test_answers_get_what_they_deserve(path, cell):
    """Right ones pass for another class; wrong ones get sentences that say what is wrong."""
    found = {answer: got for answer, got in play(path).items() if answer.cell == cell}
    question = cell.split("-")[0]
    for answer, (kind, sentence) in found.items():
        assert kind == answer.kind, f"{answer.what}: {kind}, {sentence or 'it passes'}"
        assert kind == "right" or sentence.startswith(f"{question}: "), sentence
        assert (answer.words or "") in sentence, f"{answer.what}: {sentence}"
    told = {shape(sentence) for kind, sentence in found.values() if kind == "wrong"}
    assert len(told) >= 3, f"three wrong answers with different sentences are wanted: {told}"


def shape(sentence: str) -> str:
    """The sentence without its numbers: another number is not another sentence."""
    return re.sub(r"[-+]?\d[\d.e+-]*", "#", sentence)
