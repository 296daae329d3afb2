"""The pages of the course, and the numbers that their explorables should show."""

import ast
import os
from collections.abc import Callable
from pathlib import Path

import nbformat
import yaml
from IPython.core.inputtransformer2 import TransformerManager

import hrm_course.explore

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "build" / "ci" / "screenshots"
SCOPES = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.ListComp, ast.DictComp, ast.GeneratorExp)


def pages() -> list[str]:
    """The pages that the table of contents names, in its order, without endings."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    return [toc["root"], *(c["file"] for part in toc["parts"] for c in part["chapters"])]


def notebook_of(page: str) -> Path | None:
    path = ROOT / f"{page}.ipynb"
    return path if path.exists() else None


def explorables(path: Path) -> list[tuple[Callable, dict]]:
    """For each call of `explore` in a notebook its function and the values of its parameters.

    Runs what the explorables need and nothing else: a chapter that trains is not trained again.
    """
    calls = []

    def record(frame, title, alt, play=None, start=None, **values):
        calls.append((frame, {name: list(choices) for name, choices in values.items()}))

    kept, hrm_course.explore.explore = hrm_course.explore.explore, record
    folder = os.getcwd()
    try:
        os.chdir(path.parent)
        namespace = {"__name__": "__main__"}
        for source in needed_cells(path):
            exec(compile(source, str(path), "exec"), namespace)
    finally:
        os.chdir(folder)
        hrm_course.explore.explore = kept
    return calls


def needed_cells(path: Path) -> list[str]:
    """The cells that call `explore`, and those before them that define a name they need."""
    transform = TransformerManager().transform_cell
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    sources = [transform(cell.source) for cell in cells]
    needed, kept = set(), []
    for source in reversed(sources):
        tree = ast.parse(source)
        made = set(defined(tree))
        if made & needed or "explore" in called(tree):
            needed = (needed - made) | used(tree)
            kept.append(source)
    return kept[::-1]


def defined(tree: ast.AST):
    """Names that a cell defines at its top level."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).split(".")[0]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        if not isinstance(node, SCOPES):
            yield from defined(node)


def used(tree: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def called(tree: ast.AST) -> set[str]:
    calls = [n.func for n in ast.walk(tree) if isinstance(n, ast.Call)]
    return {f.id for f in calls if isinstance(f, ast.Name)}
