"""A master with four questions, and what students make of it."""

import copy
from pathlib import Path

import nbformat
import pytest

from hrm_course.classroom.release import read_master, student_version

MASTERS = Path(__file__).parents[1] / "fixtures" / "class" / "solutions"
NAME = "00-fixture"
SEED = 7


def grade_id(cell) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def find(notebook, name):
    return next(cell for cell in notebook.cells if grade_id(cell) == name)


@pytest.fixture(scope="session")
def masters() -> Path:
    return MASTERS


@pytest.fixture(scope="session")
def master() -> nbformat.NotebookNode:
    return read_master(MASTERS / f"{NAME}.ipynb", SEED)


@pytest.fixture(scope="session")
def handout(master) -> nbformat.NotebookNode:
    return student_version(master)


@pytest.fixture
def broken(tmp_path):
    """A folder with the fixture's master after a change; the change gets the notebook."""

    def make(change) -> Path:
        notebook = nbformat.read(MASTERS / f"{NAME}.ipynb", as_version=4)
        change(notebook)
        nbformat.write(notebook, tmp_path / f"{NAME}.ipynb")
        return tmp_path

    return make


def answered(handout, master, **sources) -> nbformat.NotebookNode:
    """The handout with the master's answers; ``q1_double="..."`` replaces one of them."""
    notebook = copy.deepcopy(handout)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            name = grade_id(cell)
            cell.source = sources.get(name.replace("-", "_"), find(master, name).source)
    return notebook
