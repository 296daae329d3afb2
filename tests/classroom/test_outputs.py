"""Executing a notebook in place: on success only, and naming the cell that failed."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from hrm_course.classroom.outputs import METADATA, refresh


@pytest.fixture
def notebook(tmp_path):
    def write(*sources, **metadata):
        cells = [new_markdown_cell("# Title"), *[new_code_cell(source) for source in sources]]
        path = tmp_path / "nb.ipynb"
        nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
        return path

    return write


def test_outputs_are_stored_with_minimal_metadata(notebook):
    path = notebook(
        "import os\nprint(os.environ['OMP_NUM_THREADS'])\nprint(os.path.exists('nb.ipynb'))",
        "print('a', end='')\nprint('b')\n1 + 1",
        widgets={"state": {}},
    )
    assert refresh(path) > 0
    stored = nbformat.read(path, as_version=4)
    assert stored.metadata == METADATA
    assert stored.cells[1].outputs[0].text == "1\nTrue\n"
    assert [out.output_type for out in stored.cells[2].outputs] == ["stream", "execute_result"]
    assert [cell.execution_count for cell in stored.cells[1:]] == [1, 2]
    assert all(cell.metadata == {} for cell in stored.cells)
    first = path.read_bytes()
    refresh(path)
    assert path.read_bytes() == first
    assert [file.name for file in path.parent.iterdir()] == ["nb.ipynb"]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("# Wrong\n1 / 0", r"nb.ipynb: cell 3 \(# Wrong\) raised ZeroDivisionError: division"),
        ("while True: pass", r"nb.ipynb: cell 3 \(while True: pass\) took more than 3 s"),
        ("import os\nos._exit(1)", r"nb.ipynb: the kernel died in cell 3 \(import os\)"),
    ],
)
def test_a_failure_names_the_cell_and_leaves_the_file(notebook, source, sentence):
    path = notebook("print('fine')", source)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=sentence):
        refresh(path, timeout=3)
    assert path.read_bytes() == before


def test_an_expected_exception_is_no_failure(notebook):
    path = notebook("1 / 0")
    nb = nbformat.read(path, as_version=4)
    nb.cells[1].metadata.tags = ["raises-exception"]
    nbformat.write(nb, path)
    refresh(path)
    assert nbformat.read(path, as_version=4).cells[1].outputs[0].ename == "ZeroDivisionError"


def test_bad_files_get_a_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"none.ipynb: there is no such notebook\."):
        refresh(tmp_path / "none.ipynb")
    (tmp_path / "text.ipynb").write_text("hello")
    with pytest.raises(ValueError, match=r"text.ipynb: this is not a Jupyter notebook"):
        refresh(tmp_path / "text.ipynb")


def test_a_widget_leaves_no_trace(notebook):
    path = notebook("import ipywidgets\nipywidgets.IntSlider(3)")
    refresh(path)
    assert "widget-view" not in path.read_text() and "IntSlider(value=3" in path.read_text()
