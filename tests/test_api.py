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


def names(room):
    return importlib.import_module(f"hrm_course.{room}").__all__


def test_every_room_has_its_place():
    text = (ROOT / "book" / "api.md").read_text()
    assert re.findall(r"^\.\. room:: hrm_course\.(\w+)$", text, re.M) == list(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_says_what_it_is(room):
    module = importlib.import_module(f"hrm_course.{room}")
    for name in names(room):
        thing = getattr(module, name)
        if callable(thing):
            said = thing.__doc__ or ""  # a dataclass without a docstring gets its signature
            assert len(said.split("\n")[0]) > 20 and not said.startswith(f"{name}("), name
