"""Sudoku boards: givens, answers, errors, confidence. And grids of coloured cells."""

from math import isqrt
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from .style import COLOURS, GIVEN, QUIET, RIGHT, WRONG, as_array, new_axes


def plot_board(
    puzzle,
    answer=None,
    solution=None,
    confidence=None,
    box: tuple[int, int] = (3, 3),
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """A board: givens bold and black, answers blue, errors red inside a red frame.

    Under each digit a bar may say how sure the model is of it; the digits stay on white.

    A cell is in error when it differs from the solution or, without a solution, when it
    overwrites a given.

    Args:
        puzzle: the givens ``[cells]``, integers, 0 = blank.
        answer: what was filled in ``[cells]``, 0 = nothing yet.
        solution: the right board ``[cells]``.
        confidence: a number from 0 to 1 for each cell ``[cells]``, drawn as the length of a bar.
        box: rows and columns of a box; the board has (rows x columns) squared cells.
        ax: the axes to draw into; new ones when left out.
        title: what stands above the board.

    Returns:
        The axes.

    Raises:
        ValueError: one of the arrays does not have the number of cells that ``box`` asks for.
    """
    side = box[0] * box[1]
    cells = board_cells(puzzle, answer, solution, box)
    sure = None if confidence is None else _cells(confidence, "confidence", box)
    ax = new_axes(ax, figsize=(0.36 * side + 0.5, 0.36 * side + 0.5))
    size = 5.5 * _side_inches(ax) / side * 7  # digits fill about half of a cell
    for i, (digit, kind) in enumerate(cells):
        row, column = divmod(i, side)
        if sure is not None:
            bar = Rectangle((column + 0.18, row + 0.77), 0.64 * sure[i], 0.08, color=RIGHT, lw=0)
            ax.add_patch(bar)
        if digit:
            weight = "bold" if kind == "given" else "normal"
            colour = {"given": GIVEN, "answer": RIGHT, "error": WRONG}[kind]
            ax.text(
                column + 0.5,
                row + 0.53,
                str(digit),
                color=colour,
                weight=weight,
                size=size,
                ha="center",
                va="center",
            )
        if kind == "error":
            ax.add_patch(Rectangle((column + 0.12, row + 0.12), 0.76, 0.76, fill=False, ec=WRONG))
    for k in range(side + 1):
        ax.plot((0, side), (k, k), color="black", lw=1.8 if k % box[0] == 0 else 0.5)
        ax.plot((k, k), (0, side), color="black", lw=1.8 if k % box[1] == 0 else 0.5)
    ax.set(xlim=(-0.05, side + 0.05), ylim=(side + 0.05, -0.05), aspect="equal", title=title or "")
    ax.axis("off")
    return ax


def plot_grid(
    colours, letters: str = "", wrong=None, ax: Axes | None = None, title: str | None = None
) -> Axes:
    """A square grid of coloured cells: a maze, a pattern.

    Args:
        colours: for each cell ``[cells]`` the index of its colour in `COLOURS`; -1 leaves it
            blank, -2 makes it a wall.
        letters: one character a cell, a space for none; "" for none at all.
        wrong: True for each cell ``[cells]`` that gets a red frame.
        ax: the axes to draw into; new ones when left out.
        title: what stands above the grid.

    Returns:
        The axes.

    Raises:
        ValueError: the cells are not a square, or letters or frames are of another number.
    """
    colours, letters, wrong, side = grid_cells(colours, letters, wrong)
    ax = new_axes(ax, figsize=(0.3 * side + 0.5, 0.3 * side + 0.5))
    size = 5.5 * _side_inches(ax) / side * 7
    for i, (colour, letter) in enumerate(zip(colours, letters, strict=True)):
        row, column = divmod(i, side)
        face = {-1: "white", -2: QUIET}.get(colour) or COLOURS[colour % len(COLOURS)]
        ax.add_patch(Rectangle((column, row), 1, 1, facecolor=face, edgecolor="#E4E4E4", lw=0.5))
        middle: dict = dict(ha="center", va="center", weight="bold", size=size)
        ax.text(column + 0.5, row + 0.53, letter, color=GIVEN, **middle)
        if wrong[i]:
            ax.add_patch(Rectangle((column + 0.12, row + 0.12), 0.76, 0.76, fill=False, ec=WRONG))
    ax.set(xlim=(-0.05, side + 0.05), ylim=(side + 0.05, -0.05), aspect="equal", title=title or "")
    ax.axis("off")
    return ax


def grid_cells(colours, letters, wrong) -> tuple[list[int], str, list[bool], int]:
    """The arguments of `plot_grid`, one entry a cell, and the side of the grid."""
    colours = as_array(colours, "colours", (1, 2)).ravel().astype(int).tolist()
    side = isqrt(len(colours))
    letters = letters or " " * len(colours)
    wrong = [False] * len(colours) if wrong is None else as_array(wrong, "wrong", (1, 2)).ravel()
    if side * side != len(colours) or not len(letters) == len(wrong) == len(colours):
        raise ValueError(
            f"A grid is a square with a letter and a mark for each cell; got {len(colours)} "
            f"colours, {len(letters)} letters and {len(wrong)} marks."
        )
    return colours, letters, [bool(mark) for mark in wrong], side


def board_cells(puzzle, answer, solution, box: tuple[int, int]) -> list[tuple[int, str]]:
    """For every cell the digit to show (0 = none) and its kind: given, answer or error."""
    givens = _cells(puzzle, "puzzle", box).astype(int)
    shown = givens if answer is None else _cells(answer, "answer", box).astype(int)
    shown = np.where((shown == 0) & (givens != 0), givens, shown)
    right = givens if solution is None else _cells(solution, "solution", box).astype(int)
    wrong = (shown != right) & (shown != 0) & (right != 0)
    kinds = np.where(wrong, "error", np.where(givens != 0, "given", "answer"))
    return list(zip(shown.tolist(), kinds.tolist(), strict=True))


def _cells(values, name: str, box: tuple[int, int]) -> np.ndarray:
    array = as_array(values, name, (1, 2)).ravel()
    wanted = (box[0] * box[1]) ** 2
    if array.size != wanted:
        raise ValueError(
            f"A board with boxes of {box[0]} x {box[1]} has {wanted} cells; {name} has "
            f"{array.size}. Pass box=(rows, columns) of the puzzle's boxes."
        )
    return array


def _side_inches(ax: Axes) -> float:
    place = ax.get_position()
    figure: Any = ax.figure
    width, height = figure.get_size_inches()
    return min(place.width * width, place.height * height)
