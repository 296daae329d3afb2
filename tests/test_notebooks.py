"""What every notebook owes its reader. That the stored outputs are right is nbval's part."""

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest

import hrm_course.dynamics
import hrm_course.explore
import hrm_course.models
import hrm_course.plotting
import hrm_course.tasks
import hrm_course.training

ROOT = Path(__file__).parents[1]
BOOK = sorted((ROOT / "book").glob("*.ipynb"))
CHAPTERS = [path for path in BOOK if re.match(r"\d\d-|appendix-", path.name)]
SOLUTIONS = sorted((ROOT / "solutions").glob("*.ipynb"))
IGNORED = {"nbval-ignore-output", "nbval-skip"}
ROOMS = ("dynamics", "explore", "models", "plotting", "tasks", "training")
PUBLIC = {name for room in ROOMS for name in getattr(getattr(hrm_course, room), "__all__", ())}


def ids(paths):
    return [f"{p.parent.name}/{p.stem}" for p in paths]


def every(paths):
    return pytest.mark.parametrize("path", paths, ids=ids(paths))


def code_cells(path):
    notebook = nbformat.read(path, as_version=4)
    return [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]


def tags(cell):
    return set(cell.metadata.get("tags", ()))


def printed(cell):
    """The text that nbval would compare in a cell."""
    text = [o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in cell.outputs]
    return "".join(text)


def pictures(cell):
    return [o for o in cell.outputs if "image/png" in o.get("data", {})]


def test_there_are_notebooks():
    assert len(CHAPTERS) >= 2 and len(SOLUTIONS) >= 2


@every(BOOK + SOLUTIONS)
def test_is_executed_and_quiet(path):
    expected = 1
    for cell in code_cells(path):
        assert cell.execution_count == expected, f"executed out of order: {cell.source[:60]}"
        expected += 1
        for output in cell.outputs:
            assert output.output_type != "error" or "raises-exception" in tags(cell)
            assert output.get("name") != "stderr", (
                f"a warning or a bar is stored: {output.text[:80]}"
            )


@every(BOOK + SOLUTIONS)
def test_prints_no_path_time_or_address(path):
    for cell in code_cells(path):
        found = re.search(r"(/home/|/tmp/|/Users/|site-packages|0x[0-9a-f]{6,})", printed(cell))
        assert not found, f"{found and found.group()} in the output of: {cell.source[:60]}"


@every(BOOK + SOLUTIONS)
def test_weighs_at_most_one_megabyte(path):
    assert path.stat().st_size <= 1_000_000


@every(CHAPTERS + SOLUTIONS)
def test_enough_of_what_it_prints_is_compared(path):
    printing = [cell for cell in code_cells(path) if cell.outputs]
    compared = [cell for cell in printing if printed(cell) and not tags(cell) & IGNORED]
    assert len(compared) >= 0.6 * len(printing), f"{len(compared)} of {len(printing)}"
    if path in CHAPTERS:
        assert len(compared) >= 5


@every(BOOK)
def test_figures_have_alt_texts_and_captions(path):
    for cell in code_cells(path):
        if pictures(cell):
            shown = cell.metadata.get("mystnb", {})
            alt = shown.get("image", {}).get("alt", "")
            assert len(alt.split()) >= 8 and alt.endswith("."), f"alt text: {cell.source[:60]}"
            assert shown.get("figure", {}).get("caption"), f"caption: {cell.source[:60]}"
            assert "nbval-ignore-output" in tags(cell), f"figure cell compared: {cell.source[:60]}"


@every(BOOK)
def test_cells_are_short(path):
    for cell in code_cells(path):
        lines = len(cell.source.splitlines())
        assert lines <= 25 or tags(cell) & {"hide-input", "remove-input"}, (
            f"{lines} lines: {cell.source[:60]}"
        )


@every(BOOK + SOLUTIONS)
def test_redefines_no_name_of_the_library_in_silence(path):
    for cell in code_cells(path):
        source = "\n".join(x for x in cell.source.splitlines() if not x.startswith(("%", "!")))
        defined = {
            node.name
            for node in ast.parse(source).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        if "from-scratch" not in tags(cell):
            assert not defined & PUBLIC, f"{defined & PUBLIC} without the tag from-scratch"


@every(CHAPTERS)
def test_follows_the_template(path):
    notebook = nbformat.read(path, as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for part in (
        "You will be able to",
        "Before you start",
        "Time",
        "## What this does not say",
        "## Quiz",
        "## Summary",
        "**What to vary",
        "**What was assumed",
        "## Exercises",
        "## References",
    ):
        assert part in text, part
    number = re.match(r"0*(\d+)-|appendix-(.)-", path.name)
    number = number[1] or number[2].upper()
    objectives = set(re.findall(rf"\*\*({number}\.\d)\*\*", text))
    assert 3 <= len(objectives) <= 5
    exercises = json.dumps(nbformat.read(ROOT / "solutions" / path.name, as_version=4))
    assert all(objective in exercises for objective in objectives), "an objective nobody practises"
