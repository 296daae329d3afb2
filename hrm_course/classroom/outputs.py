"""Execute a notebook in place and store what it prints."""

import os
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
QUIET = ["--HistoryManager.hist_file=:memory:", "--log-level=ERROR"]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def refresh(path: str | Path, timeout: int = 600) -> float:
    """Seconds it took to execute the notebook at ``path`` and to store its outputs there.

    The kernel runs in the folder of the notebook, on one thread. The file is written only
    when every cell has succeeded, with minimal metadata: no timings, no widget state.

    Args:
        path: a notebook (.ipynb).
        timeout: seconds that one cell may take.

    Raises:
        ValueError: it is not a notebook, or a cell failed; the sentence names the cell.
    """
    path = Path(path)
    notebook = read_notebook(path)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=QUIET,
    )
    start = time.perf_counter()
    try:
        client.execute(env=os.environ | ONE_THREAD)
    except CellExecutionError as error:
        where = _failed_cell(notebook)
        raise ValueError(f"{path}: {where} raised {error.ename}: {error.evalue}") from None
    except CellTimeoutError:
        raise ValueError(
            f"{path}: {_last_started(client)} took more than {timeout} s and was stopped."
        ) from None
    except DeadKernelError:
        raise ValueError(f"{path}: the kernel died in {_last_started(client)}.") from None
    seconds = time.perf_counter() - start
    notebook.metadata = nbformat.from_dict(METADATA)
    _drop_live_widgets(notebook)
    write_notebook(notebook, path)
    return seconds


def _drop_live_widgets(notebook: nbformat.NotebookNode) -> None:
    """A stored widget is dead, and its random name would make a difference at every execution."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)


def read_notebook(path: Path) -> nbformat.NotebookNode:
    """The notebook at ``path``, in format 4.5.

    Raises:
        ValueError: there is no such file, or it is not a notebook.
    """
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        notebook = nbformat.v4.upgrade(notebook)
        nbformat.validate(notebook)
    except FileNotFoundError:
        raise ValueError(f"{path}: there is no such notebook.") from None
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0][:200]
        raise ValueError(
            f"{path}: this is not a Jupyter notebook ({type(error).__name__}: {reason})."
        ) from None
    return notebook


def write_notebook(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write ``notebook`` to ``path`` whole or not at all."""
    scratch = path.with_name(path.name + ".tmp")
    scratch.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
    os.replace(scratch, path)


def name_cell(index: int, cell: nbformat.NotebookNode) -> str:
    """How an error speaks of a cell: its number, and its grade id or first line."""
    first_line = (cell.source.strip().splitlines() or ["empty"])[0]
    return f"cell {index + 1} ({cell.metadata.get('nbgrader', {}).get('grade_id') or first_line})"


def _failed_cell(notebook: nbformat.NotebookNode) -> str:
    failed = [
        name_cell(index, cell)
        for index, cell in enumerate(notebook.cells)
        if any(output.output_type == "error" for output in cell.get("outputs", []))
    ]
    return failed[-1] if failed else "a cell"


def _last_started(client: NotebookClient) -> str:
    code = [
        (index, cell)
        for index, cell in enumerate(client.nb.cells)
        if cell.cell_type == "code" and cell.source.strip()
    ]
    return name_cell(*code[max(client.code_cells_executed - 1, 0)])
