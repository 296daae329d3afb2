"""What students get: no answer, no hidden test, the same bytes each time."""

import json
import os
import re

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell

from hrm_course.classroom.release import release, student_version

from .conftest import NAME, SEED, find

SECRETS = ["SECRET", "BEGIN", "END ", "n**2", "2 * np", "z / 2", "log2"]


def test_nothing_that_is_secret_is_handed_out(handout):
    text = nbformat.writes(handout)
    assert [secret for secret in SECRETS if secret in text] == []


def test_the_visible_part_is_handed_out_as_it_is(master, handout):
    assert len(handout.cells) == len(master.cells)
    assert "`double(3)` must be 6" in find(handout, "q1-double-check").source
    assert find(handout, "imports").source == find(master, "imports").source


def test_stubs_run_and_are_empty(handout):
    space = {"draw": lambda *args: 3, "CLASS_SEED": 0}
    for name in ("q1-double", "q2-square"):
        exec(find(handout, name).source, space)
    assert space["double"](3) is None
    assert space["square"] is ...
    assert find(handout, "q4-proof").source == "*Your answer here.*"


def test_outputs_are_cleared_and_check_cells_locked(handout):
    for cell in handout.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None
        if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code":
            assert cell.metadata.editable is False and cell.metadata.deletable is False


def test_the_class_seed_is_put_in_and_locked(handout):
    cell = find(handout, "class-seed")
    assert cell.source == f"CLASS_SEED = {SEED}"
    assert cell.metadata.nbgrader.locked


def test_release_writes_once_and_the_same_bytes(masters, tmp_path):
    (path,) = release(masters, tmp_path / "one", SEED)
    (again,) = release(masters, tmp_path / "two", SEED)
    assert path.read_bytes() == again.read_bytes() and path.read_bytes().endswith(b"}\n")
    assert release(masters, tmp_path / "one", SEED) == []


def test_ids_do_not_depend_on_the_ids_of_the_master(masters, tmp_path, broken):
    def rename(notebook):
        for index, cell in enumerate(notebook.cells):
            cell.id = f"other-{index}"

    (path,) = release(masters, tmp_path / "one")
    (other,) = release(broken(rename), tmp_path / "two")
    assert path.read_bytes() == other.read_bytes()


def test_equal_text_cells_get_different_ids(tmp_path, broken):
    def double(notebook):
        notebook.cells.append(new_markdown_cell(notebook.cells[0].source))

    (path,) = release(broken(double), tmp_path / "out")
    ids = [cell.id for cell in nbformat.read(path, as_version=4).cells]
    assert len(set(ids)) == len(ids) and ids[-1] == ids[0] + "-1"


def test_a_master_without_cell_ids_is_fine(masters, tmp_path, broken):
    folder = broken(lambda notebook: None)
    path = folder / f"{NAME}.ipynb"
    old = json.loads(path.read_text())
    old["nbformat_minor"] = 4
    for cell in old["cells"]:
        del cell["id"]
    path.write_text(json.dumps(old))
    (ours,) = release(folder, tmp_path / "one")
    (theirs,) = release(masters, tmp_path / "two")
    assert ours.read_bytes() == theirs.read_bytes()


def test_check_lists_what_is_stale_and_writes_nothing(masters, tmp_path):
    assert release(masters, tmp_path, check=True) == [tmp_path / f"{NAME}.ipynb"]
    assert list(tmp_path.iterdir()) == []
    (path,) = release(masters, tmp_path)
    assert release(masters, tmp_path, check=True) == []
    assert release(masters, tmp_path, SEED, check=True) == [path]
    orphan = tmp_path / "99-without-master.ipynb"
    orphan.write_text("{}")
    assert release(masters, tmp_path, check=True) == [orphan]
    path.write_text(path.read_text() + " ")
    assert release(masters, tmp_path, check=True) == [path, orphan]
    release(masters, tmp_path)
    assert orphan.exists()


def change(name, **fields):
    """A change of the cell ``name``: its source, or an entry of its nbgrader metadata."""

    def apply(notebook):
        cell = find(notebook, name)
        for key, value in fields.items():
            if key == "source":
                cell.source = value(cell.source)
            elif value is None:
                cell.metadata.nbgrader.pop(key)
            else:
                cell.metadata.nbgrader[key] = value

    return apply


def cut(line):
    return lambda source: re.sub(rf"^.*{line}.*\n?", "", source, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("fault", "where", "why"),
    [
        (change("q2-square", grade_id="q1-double"), "cell 8 (q1-double)", "an earlier cell has"),
        (change("q1-double-check", points=None), "cell 6 (q1-double-check)", "needs points"),
        (change("q1-double-check", points=-1), "cell 6 (q1-double-check)", "needs points"),
        (change("q1-double-check", points=True), "cell 6 (q1-double-check)", "needs points"),
        (change("q1-double", grade_id=None), "cell 5 (def double(z):)", "needs a grade_id"),
        (change("q1-double", grade_id="q 1"), "cell 5 (q 1)", "needs a grade_id"),
        (change("q1-double", source=cut("END")), "cell 5", "begins SOLUTION and never ends"),
        (change("q1-double", source=cut("BEGIN")), "cell 5", "ends SOLUTION, which was not begun"),
        (change("q1-double", source=lambda s: s.replace("END", "BEGIN")), "cell 5", "before"),
        (change("q1-double-check", source=cut("END")), "cell 6", "HIDDEN TESTS and never ends"),
        (change("q1-double-check", grade=False), "cell 6", "metadata must say grade"),
        (change("q4-further", task=False), "cell 16", "metadata must say task"),
        (change("q1-double", solution=False), "cell 5", "metadata must say solution"),
        (change("q4-proof", solution=False), "cell 15 (q4-proof)", "both graded and a solution"),
        (change("q4-proof", grade=False), "cell 15 (q4-proof)", "both graded and a solution"),
    ],
)
def test_a_fault_is_named_with_file_and_cell(broken, tmp_path, fault, where, why):
    with pytest.raises(ValueError) as caught:
        release(broken(fault), tmp_path / "out")
    assert f"{NAME}.ipynb: {where}" in str(caught.value) and why in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_region_in_an_ordinary_cell_is_a_fault(broken, tmp_path):
    def fault(notebook):
        notebook.cells[0].source = "### BEGIN SOLUTION\n### END SOLUTION"

    with pytest.raises(ValueError, match=r"cell 1 .* must say solution"):
        release(broken(fault), tmp_path / "out")


def test_bad_folders_and_files_get_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="no solution notebooks here"):
        release(tmp_path, tmp_path)
    (tmp_path / "01-text.ipynb").write_text("no notebook")
    with pytest.raises(ValueError, match=r"01-text\.ipynb: this is not a Jupyter notebook"):
        release(tmp_path, tmp_path / "out")


def test_the_metadata_an_author_leaves_out_is_filled_in(broken, tmp_path, masters):
    def lean(notebook):
        for cell in notebook.cells:
            if "nbgrader" in cell.metadata:
                meta = cell.metadata.nbgrader
                cell.metadata.nbgrader = {
                    key: meta[key] for key in ("grade_id", "points") if key in meta
                } | {key: True for key in ("grade", "solution", "task", "locked") if meta[key]}

    (lean_path,) = release(broken(lean), tmp_path / "one")
    (path,) = release(masters, tmp_path / "two")
    assert lean_path.read_bytes() == path.read_bytes()


def test_the_result_is_what_nbgrader_generates(master, tmp_path):
    """The independent reference: nbgrader's own command, database and all."""
    from hrm_course.classroom.grade import _Course

    environment = dict(os.environ)
    course = _Course(tmp_path / "course", timeout=10)
    course.add(NAME, master)
    assert os.environ == environment, "what runs after grading finds another environment"
    path = tmp_path / "course" / "release" / NAME / f"{NAME}.ipynb"
    theirs = nbformat.read(path, as_version=4)
    ours = student_version(master)
    assert [dict(cell) for cell in theirs.cells] == [dict(cell) for cell in ours.cells]
