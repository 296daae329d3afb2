"""The directive ``room``: every public name of a room of the library, from its docstrings."""

import importlib
import inspect

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Room(SphinxDirective):
    """``.. room:: hrm_course.dynamics`` shows what stands in ``__all__`` of that module."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        room = self.arguments[0]
        module = importlib.import_module(room)
        lines = [f".. automodule:: {room}", "   :no-members:", ""]
        for name in sorted(module.__all__, key=str.lower):
            lines += [*describe(f"{room}.{name}", getattr(module, name)), ""]
        container = nodes.container()
        self.state.nested_parse(StringList(lines, source=room), 0, container)
        return container.children


def describe(path: str, thing) -> list[str]:
    """The lines of reStructuredText that describe one public name."""
    if inspect.ismodule(thing):
        return [f".. automodule:: {thing.__name__}", "   :members:"]
    if inspect.isclass(thing):
        members = ["   :members:", "   :exclude-members: forward"]
        return [f".. autoclass:: {path}", *members]
    if callable(thing):
        return [f".. autofunction:: {path}"]
    keys = (
        ": " + ", ".join(f"``{key}``" for key in thing)
        if isinstance(thing, dict)
        else ""
    )
    return [
        f".. py:data:: {path.rpartition('.')[2]}",
        "",
        f"   A ``{type(thing).__name__}``{keys}",
    ]


def setup(app: Sphinx) -> dict:
    app.add_directive("room", Room)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
