"""The exercises as a student first meets them: untouched."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from hrm_course.classroom.release import release

ROOT = Path(__file__).parents[1]
EXERCISES = sorted((ROOT / "exercises").glob("*.ipynb"))


def test_they_are_what_the_solutions_make():
    assert release(ROOT / "solutions", ROOT / "exercises", check=True) == []


def test_each_chapter_has_one():
    chapters = {p.name for p in (ROOT / "book").glob("*.ipynb") if p.name != "index.ipynb"}
    assert {path.name for path in EXERCISES} == chapters


@pytest.mark.parametrize("path", EXERCISES, ids=lambda p: p.stem)
def test_they_give_nothing_away(path):
    text = path.read_text()
    assert not re.search(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)", text)


@pytest.mark.parametrize("path", EXERCISES, ids=lambda p: p.stem)
def test_untouched_every_check_fails_with_its_own_sentence_and_nothing_else_raises(path):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.metadata["tags"] = [*cell.metadata.get("tags", ()), "raises-exception"]
    NotebookClient(notebook, timeout=120, kernel_name="python3", store_widget_state=False).execute()
    sentences = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        graded = cell.metadata.get("nbgrader", {})
        errors = [o for o in cell.outputs if o.output_type == "error"]
        if graded.get("grade") and not graded.get("solution"):
            assert errors and errors[0].ename == "AssertionError", cell.source[:80]
            sentences.append(errors[0].evalue)
        else:
            assert not errors, f"{errors and errors[0].evalue} in {cell.source[:80]}"
    assert len(sentences) >= 5
    assert len(set(sentences)) == len(sentences), "two checks say the same"
    assert all(re.match(r"q\d+", sentence) for sentence in sentences), sentences
