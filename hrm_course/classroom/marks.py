"""What grading found: one `Mark` a student and question, as CSV and as feedback."""

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from itertools import groupby
from pathlib import Path

RIGHT = "right"
PARTLY = "partly right"
WRONG = "wrong"
HIDDEN = "wrong in a hidden check"
STOPPED = "stopped"
BY_HAND = "to mark by hand"
EMPTY = "no answer"
MISSING = "not submitted"
UNREADABLE = "not readable"
UNKNOWN = "unknown file"
FAILED = "not graded"

FOR_STUDENTS = {
    HIDDEN: "The visible checks pass, a check with other inputs does not: try more cases.",
    BY_HAND: "This answer is read by a person.",
    EMPTY: "There is no answer yet.",
}


@dataclass(frozen=True)
class Mark:
    """What one student has for one question.

    ``points`` is None where a person has to mark; ``sentence`` is the first sentence of the
    check that failed, or what else an instructor should know.
    """

    student: str
    notebook: str
    question: str
    points: float | None
    max_points: float
    status: str
    sentence: str = ""


def export(marks: Iterable[Mark], folder: str | Path) -> list[Path]:
    """The files written: ``marks.csv``, ``totals.csv`` and ``feedback/STUDENT.md``.

    The feedback holds the sentences of visible checks only: what a hidden check says stays
    in ``marks.csv``, which is for the instructor.

    Args:
        marks: the result of `hrm_course.classroom.grade.grade`.
        folder: where the files go.
    """
    marks, folder = list(marks), Path(folder)
    header = [field.name for field in fields(Mark)]
    files = [
        _write_csv(folder / "marks.csv", header, [astuple(mark) for mark in marks]),
        _write_csv(folder / "totals.csv", *totals(marks)),
    ]
    for student, own in _grouped(marks, "student"):
        path = folder / "feedback" / f"{student}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(feedback(own), encoding="utf-8")
        files.append(path)
    return files


def totals(marks: Iterable[Mark]) -> tuple[list[str], list[tuple]]:
    """A header and one row a student and notebook: points so far, maximum, points still open."""
    rows, marks = [], [mark for mark in marks if mark.status != UNKNOWN]
    for student, own in _grouped(marks, "student"):
        for notebook, part in _grouped(own, "notebook"):
            points = sum(mark.points or 0 for mark in part)
            left = sum(mark.max_points for mark in part if mark.points is None)
            rows.append((student, notebook, points, sum(m.max_points for m in part), left))
    return ["student", "notebook", "points", "max_points", "to_mark_by_hand"], rows


def feedback(marks: Iterable[Mark]) -> str:
    """One student's marks as a page of Markdown."""
    marks = list(marks)
    lines = [f"# Feedback for {marks[0].student}"]
    for notebook, part in _grouped(marks, "notebook"):
        lines += ["", f"## {notebook}", "", "| question | points | remark |", "|---|---|---|"]
        for mark in part:
            points = "open" if mark.points is None else f"{mark.points:g}"
            remark = FOR_STUDENTS.get(mark.status, mark.sentence or mark.status)
            cells = mark.question, f"{points} of {mark.max_points:g}", remark
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _grouped(marks: Iterable[Mark], name: str) -> list[tuple[str, list[Mark]]]:
    """The marks by the value of one field, in the order of the values."""
    ordered = sorted(marks, key=lambda mark: getattr(mark, name))
    return [(key, list(group)) for key, group in groupby(ordered, lambda m: getattr(m, name))]


def _write_csv(path: Path, header: list[str], rows: Iterable[tuple]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(map(_plain, rows))
    return path


def _plain(row: tuple) -> list[str]:
    """2 for 2.0, and nothing for None."""
    return [f"{x:g}" if isinstance(x, int | float) else x or "" for x in row]
