"""From the master of an exercise (``solutions/``) to the notebook of the student (``exercises/``).

A master is a notebook in nbgrader's source format. nbgrader's own preprocessors take out what
a student must not see; what is added here are the class seed, errors that name the cell, and
a result that is the same to the byte each time.
"""

import hashlib
import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from .outputs import METADATA, name_cell, read_notebook

CODE_STUB = "...  # your code here"  # a function left alone returns None, a value stays Ellipsis
TEXT_STUB = "*Your answer here.*"
SEED_TAG = "class-seed"
REGIONS = {"SOLUTION": "solution", "HIDDEN TESTS": "grade", "MARK SCHEME": "task"}
DELIMITER = re.compile(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)")


def release(
    solutions: str | Path = "solutions",
    exercises: str | Path = "exercises",
    class_seed: int | None = None,
    check: bool = False,
) -> list[Path]:
    """The exercise files that were out of date; they are written anew unless ``check``.

    Only the folder ``solutions`` has to be private to hold the solutions back: the exercises,
    the book and the library work without it. An exercise without a master is reported by
    ``check`` and never deleted.

    Args:
        solutions: the folder of the masters, ``NN-name.ipynb``.
        exercises: the folder of the student's versions, with the same file names.
        class_seed: the value of ``CLASS_SEED`` for this class; None keeps the master's.
        check: write nothing.

    Raises:
        ValueError: there is no master, or a master is faulty; the sentence names file and cell.
    """
    exercises = Path(exercises)
    wanted = {}
    for path in find_masters(solutions):
        handout = student_version(read_master(path, class_seed))
        wanted[exercises / path.name] = nbformat.writes(handout) + "\n"
    stale = [path for path, text in wanted.items() if not _holds(path, text)]
    if check:
        return sorted(stale + [path for path in exercises.glob("*.ipynb") if path not in wanted])
    exercises.mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8", newline="\n")
    return sorted(stale)


def find_masters(solutions: str | Path) -> list[Path]:
    """The notebooks in the folder ``solutions``, in the order of their names.

    Raises:
        ValueError: there are none.
    """
    masters = sorted(Path(solutions).glob("*.ipynb"))
    if not masters:
        raise ValueError(
            f"{solutions}: no solution notebooks here; name the folder that holds NN-name.ipynb."
        )
    return masters


def read_master(path: Path, class_seed: int | None = None) -> NotebookNode:
    """The master at ``path``, checked, without outputs, with the class seed put in.

    The cell tagged ``class-seed`` becomes a locked cell, so that grading restores it.

    Raises:
        ValueError: a fault in the notebook or in its nbgrader metadata; names file and cell.
    """
    master = read_notebook(path)
    master.metadata = nbformat.from_dict(METADATA)
    for cell in master.cells:
        if SEED_TAG in cell.metadata.get("tags", []):
            if class_seed is not None:
                cell.source = f"CLASS_SEED = {class_seed}"
            locked = nbformat.from_dict({"grade_id": SEED_TAG, "locked": True})
            cell.metadata.setdefault("nbgrader", locked)
        if "nbgrader" in cell.metadata:
            _complete(cell.metadata.nbgrader)
    _check_cells(path, master.cells)
    _set_ids(master.cells)
    return master


def student_version(master: NotebookNode) -> NotebookNode:
    """What a student gets: ``master`` without solutions, hidden tests, mark schemes, outputs."""
    from nbgrader import preprocessors as pp  # takes a second: only where it is needed
    from traitlets.config import Config

    notebook, config = nbformat.from_dict(master), Config(stubs())
    resources = {}
    for step in (
        pp.LockCells,
        pp.ClearSolutions,
        pp.ClearOutput,
        pp.ClearHiddenTests,
        pp.ClearMarkScheme,
        pp.ComputeChecksums,
        pp.CheckCellMetadata,
    ):
        made: Any = step(config=config)
        notebook, resources = made.preprocess(notebook, resources)
    return notebook


def stubs() -> dict:
    """nbgrader's configuration of what stands in place of a solution."""
    return {"ClearSolutions": {"code_stub": {"python": CODE_STUB}, "text_stub": TEXT_STUB}}


def _complete(meta: NotebookNode) -> None:
    """Fill in what nbgrader requires and an author may leave out."""
    for flag in ("grade", "solution", "locked", "task"):
        meta[flag] = bool(meta.get(flag, False))
    meta["locked"] = meta["locked"] or meta["task"] or (meta["grade"] and not meta["solution"])
    meta["schema_version"] = 3
    meta.pop("checksum", None)


def _check_cells(path: Path, cells: list[NotebookNode]) -> None:
    """Raise a ValueError that names the file and the first cell at fault."""
    seen = set()
    for index, cell in enumerate(cells):
        fault = _fault(cell, seen)
        if fault:
            raise ValueError(f"{path}: {name_cell(index, cell)} {fault}.")


def _fault(cell: NotebookNode, seen: set[str]) -> str | None:
    """What is wrong with a cell, or None; ``seen`` collects the grade ids."""
    meta = cell.metadata.get("nbgrader", {})
    if meta:
        grade_id = str(meta.get("grade_id", ""))
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", grade_id):
            return "needs a grade_id of letters, digits, - and _, such as q1-orbit"
        if grade_id in seen:
            return f"has the grade id {grade_id} that an earlier cell has"
        seen.add(grade_id)
        if (meta.grade or meta.task) and not _is_points(meta.get("points")):
            return "needs points: a number that is not negative"
        if cell.cell_type != "code" and not meta.task and meta.grade != meta.solution:
            return "is a text cell, so it must be both graded and a solution, or a task"
    return _region_fault(cell.source, meta)


def _region_fault(source: str, meta: dict) -> str | None:
    inside = None
    for edge, region in DELIMITER.findall(source):
        if edge == "BEGIN" and inside:
            return f"begins {region} before {inside} has ended"
        if edge == "END" and inside != region:
            return f"ends {region}, which was not begun"
        if not meta.get(REGIONS[region]):
            return f"holds a region {region}, so its nbgrader metadata must say {REGIONS[region]}"
        inside = region if edge == "BEGIN" else None
    return f"begins {inside} and never ends it" if inside else None


def _is_points(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _set_ids(cells: list[NotebookNode]) -> None:
    """Cell ids that depend on the content alone: the grade id, or a hash of the source."""
    taken = {cell.metadata.nbgrader.grade_id for cell in cells if "nbgrader" in cell.metadata}
    for cell in cells:
        if "nbgrader" in cell.metadata:
            cell.id = cell.metadata.nbgrader.grade_id
            continue
        digest, copy = hashlib.sha256(cell.source.encode()).hexdigest()[:8], 0
        while (name := f"text-{digest}" + (f"-{copy}" if copy else "")) in taken:
            copy += 1
        taken.add(name)
        cell.id = name


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text
