"""The exercises as a student first meets them: untouched."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from hrm_course.classroom.release import release

ROOT = Path(__file__).parents[1]
EXERCISES = sorted((ROOT / "exercises").glob("*.ipynb"))


def every(test):
    return pytest.mark.parametrize("path", EXERCISES, ids=lambda p: p.stem)(test)


def code_cells(path) -> list:
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def is_check(cell) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def failures(path) -> list[str]:
    """What the checks say when the cells are run one after the other; other cells must not raise."""
    names, sentences = {"__name__": "__main__"}, []
    for cell in code_cells(path):
        try:
            with redirect_stdout(io.StringIO()):
                exec(compile(cell.source, path.name, "exec"), names)
            assert not is_check(cell), f"passes an empty answer: {cell.source[:80]}"
        except AssertionError as error:
            assert is_check(cell), f"{error} in {cell.source[:80]}"
            sentences.append(str(error))
    return sentences


def test_they_are_what_the_solutions_make():
    assert release(ROOT / "solutions", ROOT / "exercises", check=True) == []


def test_each_chapter_has_one():
    chapters = {p.name for p in (ROOT / "book").glob("*.ipynb") if p.name != "index.ipynb"}
    assert {path.name for path in EXERCISES} == chapters


@every
def test_they_give_nothing_away(path):
    assert not re.search(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)", path.read_text())


@every
def test_untouched_every_check_fails_with_its_own_sentence_and_nothing_else_raises(path):
    sentences = failures(path)
    assert len(sentences) >= 5
    assert len(set(sentences)) == len(sentences), "two checks say the same"
    assert all(re.match(r"q\d+: ", sentence) for sentence in sentences), sentences
    assert not any("can't work with" in sentence for sentence in sentences), sentences


def test_a_kernel_says_the_same():
    """JupyterLab runs cells in a kernel; what is seen there is what the test above has seen."""
    path = EXERCISES[0]
    notebook = nbformat.read(path, 4)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True)
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    errors = [output for output in outputs if output.output_type == "error"]
    assert {error.ename for error in errors} == {"AssertionError"}
    assert [error.evalue for error in errors] == failures(path)
