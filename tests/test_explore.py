"""The frames that `explore` leaves for the page, and the sliders it makes in Jupyter."""

import json
import re

import numpy as np
import pytest

from hrm_course import explore as module
from hrm_course.explore import Board, Frame, Grid, Line, Panel, Points, explore

ALT = "A straight line that becomes steeper from left to right."


def slope(a, b=0.0):
    x = np.linspace(0, 1, 5)
    return Frame(
        [Panel([Line(x, a * x + b, "$y$"), Points([0.5], [a / 2 + b])], "$x$", "$y$")],
        {"slope": a, "at 1": a + b},
        f"Slope {a}.",
    )


@pytest.fixture
def shown(monkeypatch):
    bundles = []
    monkeypatch.setattr(module, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles


def data_of(bundle) -> dict:
    (text,) = re.findall(r'<script type="application/json">(.*)</script>', bundle["text/html"])
    return json.loads(text)


def test_every_setting_leaves_a_frame_in_the_order_of_the_parameters(shown):
    explore(slope, "A line", ALT, a=[1, 2, 3], b=[0.0, 0.5], start={"a": 2})
    data = data_of(shown[0])
    assert [f["readouts"]["at 1"] for f in data["frames"]] == [1, 1.5, 2, 2.5, 3, 3.5]
    assert data["parameters"][0] == {"name": "a", "values": ["1", "2", "3"], "start": 1}
    mark = data["frames"][3]["panels"][0]["marks"][0]
    assert data["arrays"][mark["y"]] == [0.5, 1, 1.5, 2, 2.5]


def test_equal_arrays_are_stored_once_and_limits_are_common(shown):
    explore(slope, "A line", ALT, a=[1, 2], b=[0.0])
    first, second = (f["panels"][0] for f in data_of(shown[0])["frames"])
    assert first["marks"][0]["x"] == second["marks"][0]["x"]
    assert first["ylim"] == second["ylim"] and first["ylim"][1] > 2


def test_the_stored_page_never_changes_by_itself(shown):
    for _ in range(2):
        explore(slope, "A line", ALT, a=[1, 2])
    assert shown[0] == shown[1]


def test_without_scripts_there_is_a_picture_with_its_sentence(shown):
    explore(slope, "A < B", 'A "straight" line, and no more.', a=[1, 2])
    page = shown[0]["text/html"]
    assert "<figcaption>A &lt; B</figcaption>" in page
    assert 'alt="A &quot;straight&quot; line, and no more."' in page
    assert "data:image/png;base64," in page and "slope = 1" in page


def test_numbers_that_are_not_finite_are_gaps(shown):
    def broken(a):
        return Frame([Panel([Line([0, 1, 2], [1.0, np.inf, a])])], {"limit": np.nan})

    explore(broken, "A gap", ALT, a=[1])
    data = data_of(shown[0])
    assert [1, None, 1] in data["arrays"] and data["frames"][0]["readouts"] == {"limit": None}


def test_a_grid_carries_colours_letters_and_marks(shown):
    def maze(n):
        return Frame([Grid([-2, -1, n, 5], "S  G", [False, True, False, False])], {"n": n})

    explore(maze, "A maze", ALT, n=[0, 3], play="n")
    data = data_of(shown[0])
    first, second = (frame["panels"][0] for frame in data["frames"])
    assert first["side"] == 2 and first["letters"] == "S  G"
    assert data["arrays"][second["colours"]] == [-2, -1, 3, 5]
    assert data["arrays"][first["wrong"]] == [0, 1, 0, 0] and first["wrong"] == second["wrong"]
    with pytest.raises(ValueError, match="3 colours"):
        explore(lambda n: Frame([Grid([0, 1, n])]), "No square", ALT, n=[0])
    with pytest.raises(ValueError, match="2 letters"):
        explore(lambda n: Frame([Grid([0, 1, 2, n], "SG")]), "Short", ALT, n=[0])


def test_a_board_carries_digits_kinds_and_shades(shown):
    def board(n):
        return Frame([Board([1] + [0] * 15, [1, 2, 3] + [0] * 13, [1, 2, 4] + [3] * 13,
                            np.full(16, 0.25), box=(2, 2))])  # fmt: skip

    explore(board, "A board", ALT, n=[0], play="n")
    data = data_of(shown[0])
    (panel,) = data["frames"][0]["panels"]
    assert data["arrays"][panel["digits"]][:4] == [1, 2, 3, 0]
    assert data["arrays"][panel["kinds"]][:4] == [0, 1, 2, 1]
    assert data["arrays"][panel["shade"]] == [0.25] * 16 and data["play"] == "n"


def test_a_logarithmic_panel_ignores_what_has_no_logarithm():
    panel = Panel([Line([0, 1, 2], [0.0, 1e-3, 1.0])], log=True)
    low, high = module._limits([panel])[1]
    assert 0 < low < 1e-3 and high > 1


def test_in_jupyter_the_sliders_draw_anew():
    calls = []

    def picture(a, b):
        calls.append((a, b))
        return f"<p>{a} {b}</p>"

    box = module._live(picture, {"a": [1, 2], "b": ["x", "y"]}, {"a": 1, "b": 0}, "a")
    play, a, b, canvas = box.children
    assert canvas.value == "<p>2 x</p>" and play.max == 1
    a.index, b.index = 0, 1
    assert canvas.value == "<p>1 y</p>" and calls == [(2, "x"), (1, "x"), (1, "y")]


def test_in_a_kernel_the_output_offers_the_widget_beside_the_page(shown, monkeypatch):
    monkeypatch.setattr(module, "get_ipython", lambda: object())
    explore(slope, "A line", ALT, a=[1, 2])
    assert "application/vnd.jupyter.widget-view+json" in shown[0] and "text/html" in shown[0]


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"alt": "too short"}, ValueError, "sentence"),
        ({"a": []}, ValueError, "list of values"),
        ({"play": "c"}, ValueError, "no parameter 'c'"),
        ({"start": {"a": 7}}, ValueError, "can't start at 7"),
        ({"frame": lambda a: None}, TypeError, "must return a Frame, not NoneType"),
        ({"frame": lambda a: Frame([Panel([])] * a)}, ValueError, "same number of panels"),
        (
            {"frame": lambda a: Frame([Panel([Line(range(50_000), np.random.rand(50_000))])])},
            ValueError,
            "use fewer values",
        ),
    ],
)
def test_what_can_not_be_shown_gets_a_sentence(shown, change, error, sentence):
    arguments = {"frame": slope, "title": "A line", "alt": ALT, "a": [1, 2]} | change
    with pytest.raises(error, match=sentence):
        explore(**arguments)
    assert not shown
