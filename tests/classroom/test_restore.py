"""What is done without a kernel: cells put back in their places, marks written, bad folders."""

import copy
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell

from hrm_course.classroom.grade import grade, restore
from hrm_course.classroom.marks import Mark, export, feedback, totals

from .conftest import MASTERS, answered, find, grade_id


def test_bad_folders_get_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="no such folder"):
        grade(tmp_path / "none", MASTERS, tmp_path / "out")
    (tmp_path / "class").mkdir()
    with pytest.raises(ValueError, match="no submissions"):
        grade(tmp_path / "class", MASTERS, tmp_path / "out")
    (tmp_path / "class" / "a*b").mkdir()
    with pytest.raises(ValueError, match="rename this folder"):
        grade(tmp_path / "class", MASTERS, tmp_path / "out")


@given(st.randoms(use_true_random=False))
def test_restore_puts_every_cell_in_its_place(handout, master, choose: random.Random):
    """Whatever was deleted, moved, doubled, changed or added."""
    submitted = answered(handout, master)
    cells = [cell for cell in submitted.cells if choose.random() < 0.7]
    cells += [copy.deepcopy(cell) for cell in cells if choose.random() < 0.2]
    own = [new_code_cell(f"own = {index}") for index in range(choose.randrange(4))]
    cells += own
    choose.shuffle(cells)
    for cell in cells:
        if grade_id(cell) and choose.random() < 0.3:
            cell.source = "changed"
    last = {grade_id(cell): cell.source for cell in cells if grade_id(cell)}
    submitted.cells = cells
    restored, missing = restore(submitted, handout)

    ids = [grade_id(cell) for cell in handout.cells if grade_id(cell)]
    assert [grade_id(cell) for cell in restored.cells if grade_id(cell)] == ids
    assert missing == set(ids) - set(last)
    for name in ids:
        original, cell = find(handout, name), find(restored, name)
        assert cell.metadata == original.metadata
        if original.metadata.nbgrader.solution:
            assert cell.source == last.get(name, "")
        else:
            assert cell.source == original.source
    sources = [cell.source for cell in restored.cells]
    assert all(cell.source in sources for cell in own)
    assert len({cell.id for cell in restored.cells}) == len(restored.cells)


def test_restore_keeps_a_picture_in_an_open_answer(handout):
    submitted = copy.deepcopy(handout)
    answer = find(submitted, "q4-proof")
    answer.source, answer.attachments = "![](attachment:p.png)", {"p.png": {"image/png": "AAAA"}}
    restored, _ = restore(submitted, handout)
    assert find(restored, "q4-proof").attachments == answer.attachments


def test_marks_of_several_notebooks_are_kept_apart(tmp_path):
    marks = [
        Mark("ada", "02-b", "q1", 1, 2, "partly right", "q1: a | b"),
        Mark("bob", "01-a", "q1", 3, 3, "right"),
        Mark("ada", "01-a", "q1", None, 3, "to mark by hand"),
    ]
    assert totals(marks)[1] == [
        ("ada", "01-a", 0, 3, 3),
        ("ada", "02-b", 1, 2, 0),
        ("bob", "01-a", 3, 3, 0),
    ]
    page = feedback([mark for mark in marks if mark.student == "ada"])
    assert page.index("## 01-a") < page.index("## 02-b")
    assert "| q1 | 1 of 2 | q1: a \\| b |" in page
    names = [path.name for path in export(marks, tmp_path)]
    assert names == ["marks.csv", "totals.csv", "ada.md", "bob.md"]
