"""Appendix E, the reference of the library, follows from the docstrings by itself."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = (
    "dynamics",
    "tasks",
    "data",
    "models",
    "training",
    "zoo",
    "plotting",
    "explore",
    "classroom",
)
CONF = """
import sys
sys.path.insert(0, {ext!r})
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "room"]
autodoc_typehints = "none"
default_role = "code"
napoleon_custom_sections = [["Source", "notes_style"]]
"""


def names(room):
    return importlib.import_module(f"hrm_course.{room}").__all__


def test_every_room_has_its_place():
    text = (ROOT / "book" / "api.md").read_text()
    assert re.findall(r"^\.\. room:: hrm_course\.(\w+)$", text, re.M) == list(ROOMS)


@pytest.mark.slow
def test_every_public_name_is_in_the_reference(tmp_path):
    from sphinx.application import Sphinx

    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    (source / "conf.py").write_text(CONF.format(ext=str(ROOT / "book" / "_ext")))
    (source / "index.md").write_text((ROOT / "book" / "api.md").read_text())
    app = Sphinx(source, source, out, out, "dummy", status=None, warningiserror=True)
    app.build()
    described = app.env.get_domain("py").objects
    public = {f"hrm_course.{room}.{name}" for room in ROOMS for name in names(room)}
    assert public <= described.keys() | app.env.get_domain("py").modules.keys()


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_says_what_it_is(room):
    module = importlib.import_module(f"hrm_course.{room}")
    for name in names(room):
        thing = getattr(module, name)
        if callable(thing):
            said = thing.__doc__ or ""  # a dataclass without a docstring gets its signature
            assert len(said.split("\n")[0]) > 20 and not said.startswith(f"{name}("), name
