"""The commands of the classroom: exit status and what they print."""

import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from hrm_course.cli import main

from .conftest import MASTERS, NAME


def test_release_then_check(tmp_path, capsys):
    folders = ["--solutions", str(MASTERS), "--exercises", str(tmp_path)]
    assert main(["release", *folders, "--check"]) == 1
    assert "out of date" in capsys.readouterr().out
    assert main(["release", *folders]) == 0
    assert f"{NAME}.ipynb: written" in capsys.readouterr().out
    assert main(["release", *folders, "--check"]) == 0
    assert "up to date" in capsys.readouterr().out
    assert main(["release", *folders, "--class-seed", "3", "--check"]) == 1


def test_an_error_is_one_sentence_and_status_2(tmp_path, capsys):
    assert main(["release", "--solutions", str(tmp_path)]) == 2
    assert main(["outputs", str(tmp_path / "none.ipynb")]) == 2
    assert main(["grade", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3 and all(line.startswith("hrm-course ") for line in lines)
    assert not (tmp_path / "out").exists()


def test_outputs_says_how_long_it_took(tmp_path, capsys):
    path = tmp_path / "nb.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("print(1)")]), path)
    assert main(["outputs", str(path)]) == 0
    assert f"{path}: executed in " in capsys.readouterr().out


def test_a_command_is_required():
    with pytest.raises(SystemExit):
        main([])


def test_the_module_runs_as_a_program():
    command = [sys.executable, "-m", "hrm_course.cli", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "release" in result.stdout and "grade" in result.stdout
