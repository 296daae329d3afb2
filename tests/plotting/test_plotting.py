"""What the pictures say: positions, names, colours and shapes, read back from the axes."""

import itertools

import matplotlib.colors
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from hrm_course.dynamics import logistic, orbit
from hrm_course.plotting import (
    COLOURS,
    plot_board,
    plot_cobweb,
    plot_curves,
    plot_grid,
    plot_orbit,
    plot_spectrum,
    set_style,
)
from hrm_course.plotting.boards import board_cells
from hrm_course.plotting.orbits import cobweb
from hrm_course.plotting.style import QUIET


@pytest.fixture(autouse=True)
def style():
    with plt.rc_context():
        set_style()
        yield
    plt.close("all")


def test_the_style_is_opaque_and_its_figures_light(tmp_path):
    states = orbit(logistic(3.9), torch.tensor(0.2, dtype=torch.float64), 40)
    figure = plot_orbit(states).figure
    assert figure.get_facecolor() == (1, 1, 1, 1)
    figure.savefig(tmp_path / "orbit.png")
    assert (tmp_path / "orbit.png").stat().st_size < 60_000


# What somebody without the red or the green cones sees, in linear RGB: Machado, Oliveira and
# Fernandes (2009), *A physiologically-based model for simulation of color vision deficiency*.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
}


def lab(colour, seen_through):
    """CIE Lab coordinates of a colour like #0072B2 after a matrix in linear RGB."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    linear = np.clip(np.array(seen_through) @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(np.array(to_xyz) @ linear / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_any_two_colours_stay_apart(blindness):
    seen = [lab(colour, BLINDNESS[blindness]) for colour in COLOURS]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 12


def test_an_orbit_is_drawn_against_its_steps():
    ax = plot_orbit(torch.tensor([0.1, 0.5, 0.2], requires_grad=True), label="z")
    (line,) = ax.lines
    np.testing.assert_allclose(line.get_xydata(), [[0, 0.1], [1, 0.5], [2, 0.2]], rtol=1e-6)
    assert ax.get_xlabel() == "step $n$" and ax.get_legend() is not None


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float32, torch.int64, torch.bool])
def test_tensors_of_all_real_kinds_are_drawn(kind):
    (line,) = plot_orbit(torch.tensor([0, 1, 1]).to(kind)).lines
    assert line.get_ydata().tolist() == [0, 1, 1]


def test_an_orbit_of_several_numbers_is_several_numbered_curves():
    ax = plot_orbit(np.zeros((5, 3)), label="z", ax=plt.subplots()[1])
    assert [line.get_label() for line in ax.lines] == ["z 1", "z 2", "z 3"]


def test_the_cobweb_goes_up_to_the_map_and_across_to_the_diagonal():
    x, y = cobweb([0.1, 0.4, 0.9])
    assert list(zip(x, y, strict=True)) == [
        (0.1, 0.1), (0.1, 0.4), (0.4, 0.4), (0.4, 0.9), (0.9, 0.9),
    ]  # fmt: skip


def test_a_cobweb_shows_the_map_the_diagonal_and_the_orbit():
    f = logistic(3.2)
    ax = plot_cobweb(f, orbit(f, torch.tensor(0.2, dtype=torch.float64), 5), domain=(0, 0.5))
    diagonal, graph, web, start = (line.get_xydata() for line in ax.lines)
    np.testing.assert_allclose(diagonal, [[0, 0], [0.5, 0.5]])
    np.testing.assert_allclose(graph[:, 1], 3.2 * graph[:, 0] * (1 - graph[:, 0]))
    assert len(web) == 11 and start.tolist() == [[0.2, 0.2]]
    with pytest.raises(ValueError, match="interval"):
        plot_cobweb(f, [0.1, 0.2], domain=(1, 0))


def test_a_spectrum_stands_beside_the_unit_circle():
    ax = plot_spectrum(torch.tensor([0.5 + 0.5j, -1.0]), label="J")
    circle, values = (line.get_xydata() for line in ax.lines)
    np.testing.assert_allclose(np.hypot(*circle.T), 1)
    np.testing.assert_allclose(values, [[0.5, 0.5], [-1, 0]])
    turned = plot_spectrum(torch.tensor([0.5 + 0.5j]).conj()).lines[1]
    assert turned.get_xydata().tolist() == [[0.5, -0.5]]


PUZZLE = [1, 0, 0, 4, 0, 0, 1, 0, 0, 1, 0, 0, 4, 0, 0, 1]
SOLUTION = [1, 2, 3, 4, 3, 4, 1, 2, 2, 1, 4, 3, 4, 3, 2, 1]


def test_a_cell_is_given_answered_or_in_error():
    answer = list(SOLUTION)
    answer[1], answer[2], answer[0] = 3, 0, 2  # wrong; not answered; a given overwritten
    cells = board_cells(PUZZLE, answer, SOLUTION, (2, 2))
    assert cells[:4] == [(2, "error"), (3, "error"), (0, "answer"), (4, "given")]
    assert board_cells(PUZZLE, answer, None, (2, 2))[:2] == [(2, "error"), (3, "answer")]
    assert board_cells(PUZZLE, [0] * 16, None, (2, 2))[0] == (1, "given")


def test_an_error_is_marked_by_a_shape_and_a_given_by_weight():
    answer = [*SOLUTION[:-2], 4, 1]
    ax = plot_board(PUZZLE, answer, SOLUTION, box=(2, 2), title="one error")
    assert len(ax.patches) == 1 and not ax.patches[0].get_fill()
    texts = {tuple(np.floor(t.get_position()).astype(int)): t for t in ax.texts}
    assert texts[(0, 0)].get_weight() == "bold" and texts[(1, 0)].get_weight() == "normal"
    assert texts[(2, 3)].get_text() == "4" and ax.get_title() == "one error"


def test_confidence_is_the_length_of_a_bar_below_the_digit():
    ax = plot_board(PUZZLE, SOLUTION, SOLUTION, np.linspace(0, 1, 16), box=(2, 2))
    lengths = [patch.get_width() for patch in ax.patches]
    assert lengths == pytest.approx(np.linspace(0, 0.64, 16))
    for bar, digit in zip(ax.patches, ax.texts, strict=True):
        assert bar.get_y() > digit.get_position()[1]


def test_a_board_of_six_has_boxes_of_two_by_three():
    ax = plot_board(np.zeros(36, dtype=int), box=(2, 3))
    thick = [line.get_xydata() for line in ax.lines if line.get_linewidth() > 1]
    rows = sorted(d[0, 1] for d in thick if d[0, 1] == d[1, 1])
    columns = sorted(d[0, 0] for d in thick if d[0, 0] == d[1, 0])
    assert rows == [0, 2, 4, 6] and columns == [0, 3, 6]


def test_seeds_become_a_median_inside_a_band():
    seeds = np.array([[1.0, 2.0], [3.0, 5.0], [2.0, 8.0]])
    ax = plot_curves([0, 10], {"train": seeds, "test": [1, 1]}, log=True, ylabel="loss")
    assert ax.lines[0].get_ydata().tolist() == [2, 5]
    (band,) = ax.collections
    assert band.get_paths()[0].get_extents().height == 7 and ax.get_yscale() == "log"
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()


@pytest.mark.parametrize(
    ("draw", "sentence"),
    [
        (lambda: plot_orbit(np.zeros((2, 2, 2))), "states must have 1 or 2 axes"),
        (lambda: plot_orbit([]), "at least one number"),
        (lambda: plot_orbit(torch.ones(3) + 1j), "states must be real"),
        (lambda: plot_curves([1, 2], {"loss": [1, 2j]}), "'loss' must be real"),
        (lambda: plot_spectrum(np.eye(2)), "eigenvalues must have 1 axes"),
        (lambda: plot_board([0] * 80), "has 81 cells; puzzle has 80"),
        (lambda: plot_board([0] * 81, answer=[1] * 16), "answer has 16"),
        (lambda: plot_curves([1, 2], {"loss": [1, 2, 3]}), "'loss' has 3 values for 2"),
    ],
)
def test_a_wrong_shape_gets_a_sentence(draw, sentence):
    with pytest.raises(ValueError, match=sentence):
        draw()


def test_a_grid_shows_colours_walls_letters_and_marks():
    ax = plot_grid([-2, -1, 3, 9], "S  G", [False, False, True, False], title="a grid")
    faces = [p.get_facecolor() for p in ax.patches if p.get_fill()]
    colours = [matplotlib.colors.to_rgba(c) for c in (QUIET, "white", COLOURS[3], COLOURS[2])]
    assert faces == colours
    assert [t.get_text() for t in ax.texts] == ["S", " ", " ", "G"]
    (frame,) = (p for p in ax.patches if not p.get_fill())
    assert frame.get_x() < 1 and frame.get_y() > 1 and ax.get_title() == "a grid"
    with pytest.raises(ValueError, match="a square"):
        plot_grid([1, 2, 3])
    with pytest.raises(ValueError, match="1 marks"):
        plot_grid([1, 2, 3, 4], wrong=[True])
