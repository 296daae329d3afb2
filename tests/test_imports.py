"""Who may know whom: the design's rule about imports, read from the source."""

import ast
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1] / "hrm_course"
ALLOWED = {
    "dynamics": set(),
    "tasks": set(),
    "models": set(),
    "data": {"tasks"},
    "training": {"dynamics", "models"},
    "zoo": {"tasks", "data", "models", "training"},
    "plotting": set(),
    "explore": {"plotting"},
    "classroom": set(),
    "cli": {"dynamics", "tasks", "data", "models", "training", "zoo", "classroom"},
    "__init__": set(),
    "settings": set(),
    "files": set(),
}
EVERYBODY = {"settings", "files"}  # leaves that know nothing of the course


def rooms_known_to(source: str, path: Path) -> set[str]:
    """The rooms of the library that a file imports, by relative or absolute import."""
    known = set()
    depth = len(path.relative_to(LIBRARY).parts)  # 1 for hrm_course/cli.py
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            if node.level == depth and not node.module:  # from .. import models
                known |= {alias.name for alias in node.names}
            elif node.level == depth:
                known.add(node.module.split(".")[0])
            elif node.level == 0 and (node.module or "").startswith("hrm_course."):
                known.add(node.module.split(".")[1])
            elif node.module == "hrm_course":
                known |= {alias.name for alias in node.names}
        if isinstance(node, ast.Import):
            known |= {a.name.split(".")[1] for a in node.names if a.name.startswith("hrm_course.")}
    return known - {"__version__"}


def room_of(path: Path) -> str:
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda p: str(p.name))
def test_a_room_knows_only_whom_it_may(path):
    room = room_of(path)
    strangers = rooms_known_to(path.read_text(), path) - ALLOWED[room] - EVERYBODY - {room}
    assert not strangers, f"{room} must not import {strangers}"


def test_the_rule_sees_a_forbidden_import():
    path = LIBRARY / "models" / "x.py"
    assert rooms_known_to("from ..tasks import Sudoku", path) == {"tasks"}
    assert rooms_known_to("from hrm_course.tasks import Sudoku", path) == {"tasks"}
    assert rooms_known_to("import hrm_course.tasks", path) == {"tasks"}
    assert rooms_known_to("from .. import cli", path) == {"cli"}
