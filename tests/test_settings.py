from dataclasses import dataclass

import pytest

from hrm_course.settings import check_fields, choice, real, whole


@dataclass(frozen=True)
class Oven:
    trays: int = whole(least=1, most=4)
    heat: float = real(180.0, least=0, most=300, above=True)
    mode: str = choice("air", among=("air", "grill"))

    def __post_init__(self):
        check_fields(self)


@dataclass(frozen=True)
class SmallOven(Oven):
    trays: int = 1


def test_what_fits_is_taken():
    assert (Oven(4).heat, Oven(1, 300).heat, SmallOven().trays) == (180.0, 300, 1)


@pytest.mark.parametrize(
    ("kind", "values", "sentence"),
    [
        (Oven, {"trays": 0}, "trays must be a whole number from 1 to 4, not 0"),
        (Oven, {"trays": 1.0}, "whole number"),
        (Oven, {"trays": True}, "whole number"),
        (Oven, {"trays": "2"}, "not '2'"),
        (SmallOven, {"trays": 5}, "from 1 to 4, not 5"),
        (Oven, {"trays": 1, "heat": 0}, "heat must be a number above 0 to 300, not 0"),
        (Oven, {"trays": 1, "heat": float("nan")}, "not nan"),
        (Oven, {"trays": 1, "heat": None}, "not None"),
        (Oven, {"trays": 1, "mode": "steam"}, "one of .'air', 'grill'., not 'steam'"),
        (Oven, {"trays": 1, "mode": []}, "not \\[\\]"),
    ],
)
def test_what_does_not_fit_is_named(kind, values, sentence):
    with pytest.raises(ValueError, match=sentence):
        kind(**values)
