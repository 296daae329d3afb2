"""The pages of the course, and the numbers that their explorables should show."""

import ast
import dis
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType

import nbformat
import yaml
from IPython.core.inputtransformer2 import TransformerManager

import hrm_course.explore

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "build" / "ci" / "screenshots"


def pages() -> list[str]:
    """The pages that the table of contents names, in its order, without endings."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    return [toc["root"], *(c["file"] for part in toc["parts"] for c in part["chapters"])]


def source_of(page: str) -> Path:
    return next(p for p in (ROOT / f"{page}.ipynb", ROOT / f"{page}.md") if p.exists())


def notebook_of(page: str) -> Path | None:
    return source_of(page) if source_of(page).suffix == ".ipynb" else None


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
        for statement in needed_statements(path):
            exec(compiled(statement), namespace)
    finally:
        os.chdir(folder)
        hrm_course.explore.explore = kept
    return calls


def needed_statements(path: Path) -> list[ast.stmt]:
    """The statements that call `explore`, and those before them that make what they need."""
    transform = TransformerManager().transform_cell
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    statements = [s for cell in cells for s in ast.parse(transform(cell.source)).body]
    needed, kept = {"explore"}, []
    for statement in reversed(statements):
        code = compiled(statement)
        made = {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_NAME"}
        if needed & (made | set(changed(statement))):
            needed = (needed - made) | set(looked_up(code))
            kept.append(statement)
    return kept[::-1]


def compiled(statement: ast.stmt) -> CodeType:
    return compile(ast.Module([statement], []), "<cell>", "exec")


def changed(statement: ast.AST) -> Iterator[str]:
    """Names whose values a statement may change without making them: `z[0] = 1`, `train(net)`."""
    for node in ast.iter_child_nodes(statement):
        if isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            yield from named(node.value)
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield from changed(node)
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        call = statement.value
        if not (isinstance(call.func, ast.Name) and call.func.id == "print"):
            yield from named(call)


def named(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def looked_up(code: CodeType) -> Iterator[str]:
    """Names that code looks up outside of itself, within its functions as well."""
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
            yield step.argval
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from looked_up(inner)
