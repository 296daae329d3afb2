"""Boards as people draw them, and what a slip of the pen makes of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrm_course.cli.show import board_lines
from hrm_course.tasks import Sudoku
from hrm_course.tasks.drawings import many

NINE = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
TASKS = {box: Sudoku(box) for box in ((2, 2), (2, 3), (3, 3), (4, 4))}


def rows_of(board, side):
    return [board[i : i + side] for i in range(0, side * side, side)]


def framed(task, board, bar, rule, join=" ", around=""):
    (h, w), side = task.box, task.side
    lines = [around] * bool(around)
    for i, row in enumerate(rows_of(board, side)):
        if i and i % h == 0:
            lines.append(rule)
        lines.append(bar.join(join.join(row[k : k + w]) for k in range(0, side, w)))
    return "\n".join(lines + [around] * bool(around))


def in_ss(task, board):
    """As Simple Sudoku saves boards."""
    lines = framed(task, board, "|", "---+---", "").split("\n")
    lines = [f"|{line}|" for line in lines]
    return "\n".join(["*-----------*", *lines, "*-----------*"])


STYLES = {
    "one line": lambda task, board: board,
    "lines": lambda task, board: "\n".join(rows_of(board, task.side)),
    "Windows": lambda task, board: "\r\n".join(rows_of(board, task.side)) + "\r\n",
    "spaced": lambda task, board: "\n".join(" ".join(row) for row in rows_of(board, task.side)),
    "commas": lambda task, board: "\n".join(",".join(row) for row in rows_of(board, task.side)),
    "tabs": lambda task, board: "\t".join(board),
    "list": lambda task, board: str([list(row) for row in rows_of(board, task.side)]),
    "grid": lambda task, board: framed(task, board, " | ", "------+-------+------"),
    "dense": lambda task, board: framed(task, board, "|", "-----------", ""),
    "rulers": lambda task, board: framed(task, board, " ", "", "", around="-" * task.side),
    "boxes": lambda task, board: framed(
        task, board, " │ ", "───────┼───────┼───────", around="═══════════"
    ),
    ".ss": in_ss,
    ".sdk": lambda task, board: "\n".join(
        ["#A nobody", "#D easy", *rows_of(board, task.side), "# that is all"]
    ),
    "sections": lambda task, board: "\n".join(
        ["[Puzzle]", *rows_of(board, task.side), "[State]", *rows_of(board, task.side)]
    ),
    "title": lambda task, board: "Grid 01\n" + "\n".join(rows_of(board, task.side)) + "\n",
    "mark": lambda task, board: "\ufeff" + board,
}


def board_for(draw, box):
    task, share = TASKS[box], draw(st.floats(0.1, 0.7))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    row, column = np.divmod(np.arange(task.cells), task.side)
    (h, w), digits = box, rng.permutation(task.side) + 1
    grid = digits[(w * (row % h) + row // h + column) % task.side]  # a grid that keeps the rules
    given = rng.random(task.cells) < share
    given[task.side * np.arange(task.side) + rng.integers(task.side)] = True  # one a row, or
    return task, np.where(given, grid, 0)  # a row of dashes could be a ruler


@pytest.mark.parametrize("style", STYLES)
@given(data=st.data())
def test_every_drawing_with_every_blank_is_read(style, data):
    task, board = board_for(data.draw, data.draw(st.sampled_from(list(TASKS))))
    blank = data.draw(st.sampled_from(".0_*xX-?·"))
    text = STYLES[style](task, task.format(board).replace(".", blank))
    assert np.array_equal(task.parse(text), board), text


@pytest.mark.parametrize("box", TASKS)
@given(data=st.data())
def test_spaces_are_blanks_where_every_line_is_full(box, data):
    task, board = board_for(data.draw, box)
    text = task.format(board).replace(".", " ")
    for drawn in (
        text,
        "\n".join(rows_of(text, task.side)) + "\n",
        "\n".join(f"|{row}|" for row in rows_of(text, task.side)),
    ):
        assert np.array_equal(task.parse(drawn), board)
    if "  " in text.strip():
        with pytest.raises(ValueError, match="characters; this text has"):
            task.parse("\n".join(row.strip() for row in rows_of(text, task.side)) + "\n1")


@pytest.mark.parametrize("box", TASKS)
@given(data=st.data())
def test_what_solve_prints_is_read_back(box, data):
    task, board = board_for(data.draw, box)
    _, before = board_for(data.draw, box)  # stars where the two differ
    lines = list(board_lines(task, board, before))
    assert np.array_equal(task.parse("\n".join(lines)), board)
    said = ["trm-sudoku-9x9-hard: TRM, 145,154 parameters", *board_lines(task, before, before)]
    said += ["", "segment 1: 51 cells changed, 3 of 27 rows, columns and boxes wrong", *lines, ""]
    found = [task.parse(text).tolist() for _, text in many("\n".join(said), task.side)]
    assert found == [before.tolist(), board.tolist()]


@pytest.mark.parametrize("style", STYLES)
@given(data=st.data())
def test_a_slip_is_refused_or_harmless(style, data):
    """A character more or less gives a sentence or the same board, never another one."""
    task, board = board_for(data.draw, data.draw(st.sampled_from([(2, 3), (3, 3)])))
    text = STYLES[style](task, task.format(board).replace(".", data.draw(st.sampled_from(".0_-?"))))
    at = data.draw(st.integers(0, len(text) - 1))
    more = data.draw(st.sampled_from(["", *".0-|+1 #\n*z"]))
    slip = text[:at] + more + text[at + (not more) :]
    try:
        found = task.parse(slip)
    except ValueError as error:
        assert str(error).endswith(".")
    else:
        assert np.array_equal(found, board), slip


# ---- lists --------------------------------------------------------------------------------


def test_lists_of_puzzles():
    other = NINE[::-1]
    for text, expected in (
        (f"{NINE}\n{other}\n", ["line 1", "line 2"]),
        (f"# two\n\n{NINE}  # easy\n{other};7.2\n", ["line 3", "line 4"]),
        (
            f'id,puzzle,solution\n0,{NINE},{"1" * 81}\n1,"{other}",{"1" * 81}\n',
            ["line 2", "line 3"],
        ),
        (f":0000:x:{NINE}:::\n:0001:x:{other}:::\n", ["line 1", "line 2"]),
        ("\n\n".join("\n".join(rows_of(b, 9)) for b in (NINE, other)), ["board 1", "board 2"]),
        (
            "\n".join(f"Grid {k}\n" + "\n".join(rows_of(b, 9)) for k, b in ((1, NINE), (2, other))),
            ["board 1", "board 2"],
        ),
    ):
        found = many(text, 9)
        assert [where for where, _ in found] == expected, text
        boards = [TASKS[3, 3].parse(board) for _, board in found]
        assert [TASKS[3, 3].format(board) for board in boards] == [NINE, other]


def test_a_bad_line_of_a_list_is_named_and_costs_no_other():
    found = many(f"{NINE}\n{NINE[:-1]}\n{NINE}\n", 9)
    assert [where for where, _ in found] == ["line 1", "line 2", "line 3"]
    with pytest.raises(ValueError, match="81 characters; this text has 80"):
        TASKS[3, 3].parse(found[1][1])


def test_a_frame_is_no_row():
    """Nine dashes may be a row of blanks, but not where blanks are dots."""
    ruled = "-" * 9 + "\n" + "\n".join(rows_of("1" + "." * 80, 9)[:8])
    with pytest.raises(ValueError, match="this text has 72"):
        TASKS[3, 3].parse(ruled)
    assert TASKS[3, 3].parse(ruled.replace(".", "-"))[:9].tolist() == [0] * 9
    assert not TASKS[3, 3].parse("\n".join(["*" * 9] * 9)).any()


def test_two_boards_where_one_is_expected():
    with pytest.raises(ValueError, match="This text has 2 puzzles; one is expected"):
        TASKS[3, 3].parse(f"{NINE}\n{NINE}")
    for wrong in (None, 5, b"12"):
        with pytest.raises(ValueError, match="read from text"):
            TASKS[3, 3].parse(wrong)
