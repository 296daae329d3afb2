"""Each planted wrong answer fails its visible check with a sentence of its own.

Every folder ``data/wrong_answers/<notebook>/<grade id of an answer cell>/`` holds three files,
each the whole answer cell as a student might leave it.
"""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import nbformat
import pytest
import torch

ROOT = Path(__file__).parents[1]
WRONG = Path(__file__).parent / "data" / "wrong_answers"
QUESTIONS = sorted(folder for folder in WRONG.glob("*/*") if folder.is_dir())
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS\n?", re.DOTALL)


@pytest.fixture(autouse=True)
def restore_torch():
    """A notebook may change PyTorch's defaults; other tests must not notice."""
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    yield
    torch.set_default_dtype(dtype)
    torch.set_num_threads(threads)


def play(notebook, question: str, planted: str | None = None) -> None:
    """Run the code cells up to the check of ``question``, with its visible tests only."""
    names = {"__name__": "__main__"}
    for cell in notebook.cells:
        grader = cell.metadata.get("nbgrader", {})
        source = cell.source if cell.cell_type == "code" else ""
        if planted is not None and grader.get("grade_id") == question:
            source = planted
        is_check = cell.cell_type == "code" and grader.get("grade")
        belongs = grader.get("grade_id", "").startswith(question + "-")
        if is_check and not belongs:
            continue  # checks of other questions
        with redirect_stdout(io.StringIO()):
            exec(compile(HIDDEN.sub("", source), f"<{grader.get('grade_id')}>", "exec"), names)
        if is_check:
            return
    raise LookupError(f"No graded check cell {question}-... follows the answer cell {question}.")


@pytest.fixture(scope="module")
def masters():
    names = {folder.parent.name for folder in QUESTIONS}
    return {name: nbformat.read(ROOT / "solutions" / f"{name}.ipynb", 4) for name in names}


@pytest.mark.parametrize("folder", QUESTIONS, ids=lambda f: f"{f.parent.name}/{f.name}")
def test_three_wrong_answers_get_three_sentences(folder, masters):
    notebook, question = masters[folder.parent.name], folder.name
    files = sorted(folder.glob("*.py"))
    assert len(files) == 3, f"{folder}: three wrong answers are wanted, not {len(files)}"
    play(notebook, question)  # the right answer passes
    sentences = []
    for file in files:
        with pytest.raises(AssertionError) as caught:
            play(notebook, question, file.read_text(encoding="utf-8"))
        sentences.append(str(caught.value))
    prefix = question.split("-")[0] + ": "
    assert all(sentence.startswith(prefix) for sentence in sentences), sentences
    assert len({shape(sentence) for sentence in sentences}) == 3, sentences


@pytest.mark.parametrize("name", sorted({folder.parent.name for folder in QUESTIONS}))
def test_right_answers_pass_for_another_class(name, masters):
    names = {"__name__": "__main__"}
    for cell in masters[name].cells:
        if cell.cell_type == "code":
            seed = "class-seed" in cell.metadata.get("tags", [])
            with redirect_stdout(io.StringIO()):
                exec("CLASS_SEED = 2027" if seed else cell.source, names)
    assert names["CLASS_SEED"] == 2027


def shape(sentence: str) -> str:
    """The sentence without its numbers: another number is not another sentence."""
    return re.sub(r"[-+]?\d[\d.e+-]*", "#", sentence)


def test_every_graded_code_answer_of_a_covered_notebook_has_wrong_answers(masters):
    for name, notebook in masters.items():
        graders = [
            cell.metadata.nbgrader
            for cell in notebook.cells
            if cell.cell_type == "code" and "nbgrader" in cell.metadata
        ]
        answers = {grader.grade_id for grader in graders if grader.solution and not grader.grade}
        planted = {folder.name for folder in QUESTIONS if folder.parent.name == name}
        assert planted <= answers, f"{name}: no such answer cell: {sorted(planted - answers)}"
