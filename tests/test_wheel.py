"""The library as others install it: one wheel, complete, small, and usable on its own."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hrm_course import __version__

ROOT = Path(__file__).parents[1]
EASY = "3..4.4.3..4...31"  # 4x4


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, so that nothing that lies about in the checkout gets into it."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, source)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "hrm_course", source / "hrm_course", ignore=ignore)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    made = subprocess.run([*build, "-w", source / "out", source], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    (path,) = (source / "out").glob("*.whl")
    return path


def test_the_wheel_is_small_and_says_what_it_is(wheel):
    assert wheel.stat().st_size < 8_000_000
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
        (metadata,) = [n for n in names if n.endswith("METADATA")]
        said, text = file.read(metadata).decode().split("\n\n", 1)
    assert {"hrm_course/py.typed", "hrm_course/zoo/boards/test.csv.gz"} <= set(names)
    assert f"Version: {__version__}" in said and "License-Expression: MIT" in said
    # what a package index shows can't reach the files beside it
    assert text and not re.search(r"\]\((?!https?://)", text)
    assert f"## {__version__} " in (ROOT / "CHANGELOG.md").read_text()


def test_a_puzzle_is_solved_from_the_wheel_alone(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as file:
        file.extractall(tmp_path / "installed")
    call = [sys.executable, "-P", "-m", "hrm_course.cli", "solve", EASY]
    environment = {"PYTHONPATH": str(tmp_path / "installed"), "PATH": "", "OMP_NUM_THREADS": "1"}
    found = subprocess.run(call, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert found.stdout.splitlines()[-1].startswith("Solved.")
