"""Grade a class: submissions in, marks out.

nbgrader does the work, in a scratch course with one assignment a notebook, so that whatever a
submission does it spoils its own marks only. What is added here: cells that were deleted or
edited are put back first, a notebook has a time limit as a whole, a warning costs no points,
and it is known whether a visible or a hidden check failed.

Submissions are programs. They run with the rights of whoever grades and can read what that
person can read, the solutions included; grade a class you do not trust in a container.
"""

import logging
import os
import re
import sys
import time
import uuid
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from unittest.mock import patch

import nbformat
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader import preprocessors as pp
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning
from traitlets import Integer
from traitlets.config import Config

from . import marks as status
from .marks import Mark
from .outputs import ONE_THREAD, QUIET, read_notebook, write_notebook
from .release import find_masters, read_master, stubs, student_version

NOTEBOOK_CELLS = 5  # a whole notebook may take as long as this many cells at their limit
PRINT_LIMIT = 1_000_000  # characters that one cell may print


def grade(
    submissions: str | Path,
    solutions: str | Path,
    workdir: str | Path,
    class_seed: int | None = None,
    timeout: int = 60,
    progress: Callable[[str], None] = lambda line: None,
) -> list[Mark]:
    """One mark a student and question, for every notebook that somebody handed in.

    Args:
        submissions: a folder with ``STUDENT/NN-name.ipynb``.
        solutions: the folder of the masters.
        workdir: a new folder; ``workdir/course`` becomes an ordinary nbgrader course with the
            executed submissions and a gradebook.
        class_seed: the number with which the exercises were released.
        timeout: seconds that one cell may take; the notebook as a whole may take five times
            as long.
        progress: is told a line for each notebook graded.

    Raises:
        ValueError: there are no masters or no submissions, a master is faulty, or ``workdir``
            is in use.
    """
    students = _students(Path(submissions))
    masters = {path.stem: path for path in find_masters(solutions)}
    files = [path for own in students.values() for path in own if path.suffix == ".ipynb"]
    handed_in = {path.stem for path in files} & set(masters)
    course = Path(workdir).resolve() / "course"
    if course.exists():
        raise ValueError(f"{workdir}: a class was graded here already; name a new folder.")
    classroom = _Course(course, timeout)
    for name in sorted(handed_in):
        classroom.add(name, read_master(masters[name], class_seed))
    found = []
    for student, files in students.items():
        own = {path.stem: path for path in files if path.suffix == ".ipynb"}
        for name in sorted(handed_in):
            start = time.perf_counter()
            found += classroom.grade(student, name, own.get(name))
            progress(f"{student}/{name}: {time.perf_counter() - start:.0f} s")
        strange = [path for path in files if path.suffix != ".ipynb" or path.stem not in masters]
        found += [_unknown(student, path, masters) for path in strange]
    return found


def restore(submitted: NotebookNode, released: NotebookNode) -> tuple[NotebookNode, set[str]]:
    """The submission in the order and with the locked cells of ``released``; the ids missing.

    What the student added stays where it was, after the same cell of the exercise. A deleted
    answer comes back empty, not as the stub: the stub would hide an answer that was written
    in another cell.
    """
    ids = [cell.metadata.nbgrader.grade_id for cell in released.cells if _grade_id(cell)]
    last = {_grade_id(cell): index for index, cell in enumerate(submitted.cells)}
    own, added, place = {}, {"": []}, ""
    for index, cell in enumerate(submitted.cells):
        grade_id = _grade_id(cell)
        if grade_id in ids and last[grade_id] == index:  # of a cell given twice, the last counts
            own[grade_id], place = cell, grade_id
            added[place] = []
        else:
            cell.metadata.pop("nbgrader", None)
            added[place].append(cell)
    cells = added[""]
    for original in released.cells:
        grade_id = _grade_id(original)
        if grade_id:
            cell = nbformat.from_dict(original)
            if utils.is_solution(cell):
                answer = own.get(grade_id, {})
                cell.source = answer.get("source", "")
                cell.update({key: answer[key] for key in ("attachments",) if key in answer})
            cells += [cell, *added.get(grade_id, [])]
    for index, cell in enumerate(cells):
        cell.id = f"cell-{index}"
    notebook = nbformat.from_dict({**released, "cells": cells})
    return notebook, set(ids) - set(own)


class Execute(pp.Execute):
    """nbgrader's execution of a submission, made to survive whatever a submission does."""

    total = Integer(help="seconds for the whole notebook").tag(config=True)

    def preprocess(self, nb, resources, km=None):
        self.deadline = time.monotonic() + self.total
        self.stopped = None
        return super().preprocess(nb, resources, km)

    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type != "code":
            return cell, resources
        if not self.stopped and time.monotonic() > self.deadline:
            self.stopped = f"the notebook had used its {self.total} s before this cell"
        if self.stopped:
            cell.outputs = [_stop(self.stopped)]
            return cell, resources
        source, self.marker, self.printed = cell.source, uuid.uuid4().hex, 0
        cell.source = _announce_hidden(source, self.marker)
        try:
            super().preprocess_cell(cell, resources, index)
        except DeadKernelError:
            self.stopped = "Python itself was stopped by this cell or an earlier one"
            cell.outputs = [_stop(self.stopped)]
        except CellTimeoutError:  # the output could not be read in time
            cell.outputs = [_stop(f"the cell took more than {self.timeout} s")]
        cell.source = source
        cell.metadata["hidden"] = any(self.marker in out.get("text", "") for out in cell.outputs)
        if utils.is_grade(cell):
            # An error alone costs points: nbgrader gives none for a warning on stderr either,
            # and reads the value of the last line as points.
            cell.outputs = [out for out in cell.outputs if out.output_type == "error"]
        return cell, resources

    def process_message(self, msg, cell, cell_index):
        """Forget what a cell prints beyond a limit: a loop that prints would fill the memory."""
        text = msg["content"].get("text", "") if msg["msg_type"] == "stream" else ""
        self.printed += len(text)
        if text and self.printed > PRINT_LIMIT and self.marker not in text:
            return None
        return super().process_message(msg, cell, cell_index)


class _Course:
    """A scratch nbgrader course in ``folder``."""

    def __init__(self, folder: Path, timeout: int):
        self.folder, self.masters, self.released = folder, {}, {}
        self.config = Config(stubs())
        self.config.CourseDirectory.root = str(folder)
        self.config.Autograde.autograde_preprocessors = [
            Execute,
            pp.LimitOutput,
            pp.SaveAutoGrades,
            pp.CheckCellMetadata,
        ]
        self.config.Execute.timeout = timeout
        self.config.Execute.total = NOTEBOOK_CELLS * timeout
        self.config.Execute.extra_arguments = QUIET
        self.config.Execute.shutdown_kernel = "immediate"
        self.config.Execute.error_on_timeout = {
            "ename": "Stopped",
            "evalue": f"the cell took more than {timeout} s",
            "traceback": [],
        }

    def add(self, name: str, master: NotebookNode) -> None:
        """Make the master an assignment of the course."""
        path = self.folder / "source" / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True)
        write_notebook(master, path)
        self._run(GenerateAssignment, name)
        self.masters[name], self.released[name] = master, student_version(master)

    def grade(self, student: str, name: str, path: Path | None) -> list[Mark]:
        """The marks of one student for one notebook; ``path`` is None when there is none."""
        if path is None:
            return self._nothing(student, name, status.MISSING, "")
        try:
            submitted = read_notebook(path)
        except ValueError as error:
            sentence = str(error).replace(str(path), path.name)
            return self._nothing(student, name, status.UNREADABLE, sentence)
        staged = self.folder / "submitted" / student / name / f"{name}.ipynb"
        staged.parent.mkdir(parents=True)
        try:
            notebook, missing = restore(submitted, self.released[name])
            write_notebook(notebook, staged)
            self._run(Autograde, name, student)
            return self._read(student, name, missing)
        except Exception as error:  # whatever a submission has done, the next one is graded
            sentence = f"Could not be graded ({type(error).__name__}); see course/nbgrader.log."
            return self._nothing(student, name, status.FAILED, sentence)

    def _run(self, converter: type, assignment: str, student: str = "*") -> None:
        course = CourseDirectory(config=self.config)
        course.assignment_id, course.student_id = assignment, student
        # nbgrader calls the command alembic, which lies beside this Python
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        app = converter(coursedir=course, config=self.config)
        log = logging.FileHandler(self.folder / "nbgrader.log", encoding="utf-8")
        app.log.addHandler(log)
        try:
            # not nbgrader's own setenv, which forgets what the variables were
            with patch.dict(os.environ, PATH=path, **ONE_THREAD), warnings.catch_warnings():
                warnings.simplefilter("ignore", SAWarning)  # nbgrader's own, of no consequence
                app.start()
        finally:
            app.log.removeHandler(log)
            log.close()

    def _read(self, student: str, name: str, missing: set[str]) -> list[Mark]:
        path = self.folder / "autograded" / student / name / f"{name}.ipynb"
        cells = {_grade_id(cell): cell for cell in read_notebook(path).cells}
        with Gradebook(f"sqlite:///{self.folder / 'gradebook.db'}") as book:
            grades = book.find_submission_notebook(name, name, student).grades
            scores = {grade.name: grade.auto_score for grade in grades}
        marks = []
        for question, parts in _questions(self.masters[name]).items():
            auto = [part for part in parts if not _is_manual(part)]
            hand = [part for part in parts if _is_manual(part)]
            if auto:
                points = sum(scores[_grade_id(part)] or 0 for part in auto)
                state, sentence = _judge([cells[_grade_id(part)] for part in auto], points)
                if missing & set(map(_grade_id, auto)):
                    sentence = f"{sentence} (A check cell was missing; it was put back.)".strip()
                total = sum(map(_points, auto))
                marks.append(Mark(student, name, question, points, total, state, sentence))
            if hand:
                answers = [part for part in hand if utils.is_solution(part)] or hand
                is_open = any(scores[_grade_id(part)] is None for part in answers)
                points, state = (None, status.BY_HAND) if is_open else (0, status.EMPTY)
                total = sum(map(_points, hand))
                marks.append(Mark(student, name, question, points, total, state))
        return marks

    def _nothing(self, student: str, name: str, state: str, sentence: str) -> list[Mark]:
        return [
            Mark(student, name, question, 0, sum(map(_points, parts)), state, sentence)
            for question, parts in _questions(self.masters[name]).items()
        ]


def _students(folder: Path) -> dict[str, list[Path]]:
    """The files of each student, without those that begin with a dot."""
    if not folder.is_dir():
        raise ValueError(
            f"{folder}: no such folder; name the one that holds STUDENT/NN-name.ipynb."
        )
    students = {
        path.name: sorted(p for p in path.iterdir() if p.is_file() and p.name[0] != ".")
        for path in sorted(folder.iterdir())
        if path.is_dir() and path.name[0] != "."
    }
    if not students:
        raise ValueError(f"{folder}: no submissions; they are expected at STUDENT/NN-name.ipynb.")
    for name in students:
        if not re.fullmatch(r"[\w.@ -]+", name):
            raise ValueError(
                f"{folder / name}: rename this folder, with letters, digits, spaces and . @ _ - only."
            )
    return students


def _unknown(student: str, path: Path, masters: Iterable[str]) -> Mark:
    sentence = f"Not graded: the notebooks of this class are {', '.join(sorted(masters))}."
    return Mark(student, path.name, "", 0, 0, status.UNKNOWN, sentence)


def _questions(master: NotebookNode) -> dict[str, list[NotebookNode]]:
    """The cells that carry points, by question: what stands before the first ``-`` of the id."""
    questions = {}
    for cell in master.cells:
        if utils.is_grade(cell) or utils.is_task(cell):
            questions.setdefault(_grade_id(cell).split("-")[0], []).append(cell)
    return questions


def _judge(cells: list[NotebookNode], points: float) -> tuple[str, str]:
    """The status of a question's executed check cells, and the first sentence of what failed."""
    for cell in cells:
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if any(error.ename == "Stopped" for error in errors):
            return status.STOPPED, f"Stopped: {errors[-1].evalue}."
        if errors:
            sentence = _first_line(errors[0].evalue)
            if errors[0].ename != "AssertionError":
                sentence = f"{errors[0].ename}: {sentence}"
            visible = status.PARTLY if points else status.WRONG
            return status.HIDDEN if cell.metadata.get("hidden") else visible, sentence
    return status.RIGHT, ""


def _grade_id(cell: NotebookNode) -> str:
    """The grade id of a cell, empty when it has none; a submission may hold anything there."""
    meta = cell.metadata.get("nbgrader")
    grade_id = meta.get("grade_id") if isinstance(meta, dict) else None
    return grade_id if isinstance(grade_id, str) else ""


def _points(cell: NotebookNode) -> float:
    return float(cell.metadata.nbgrader.points)


def _is_manual(cell: NotebookNode) -> bool:
    return utils.is_task(cell) or utils.is_solution(cell)


def _stop(reason: str) -> NotebookNode:
    return new_output("error", ename="Stopped", evalue=reason, traceback=[])


def _announce_hidden(source: str, marker: str) -> str:
    """``source`` with a statement that prints ``marker`` where the hidden tests begin."""
    begin = re.compile(r"^([ \t]*).*BEGIN HIDDEN TESTS.*$", re.MULTILINE)
    return begin.sub(rf"\1__import__('builtins').print('{marker}')", source, count=1)


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0][:300]
