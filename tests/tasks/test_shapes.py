"""Which task has boards of a size, and the puzzles of a text."""

import pytest

from hrm_course.tasks import Maze, Sudoku
from hrm_course.tasks.shapes import puzzles_in, tasks_for


def test_the_tasks_of_a_size():
    boxes = lambda *size: [task.box for task in tasks_for(*size)]  # noqa: E731
    assert boxes(81, 11) == [(3, 3)] and boxes(256, 18) == [(4, 4), (2, 8), (8, 2)]
    assert boxes(36, 8) == [(2, 3), (3, 2)] and boxes(144, 14)[:2] == [(3, 4), (4, 3)]
    assert boxes(81, 20) == [(3, 3)]  # fewer tokens than there are
    for cells, tokens, size in ((900, 6, 30), (49, 6, 7), (81, 6, 9)):
        (maze,) = tasks_for(cells, tokens)
        assert isinstance(maze, Maze) and maze.size == size
    both = tasks_for(16, 6)
    assert both[0].box == (2, 2) and both[1].size == 4
    for wrong in ((900, 12), (80, 11), (81, 10), (25, 7), (1, 6)):
        with pytest.raises(ValueError, match="neither Sudoku nor mazes"):
            tasks_for(*wrong)


def test_the_mazes_of_a_text():
    maze = Maze(5)
    one, other = (maze.format(board) for board in maze.generate(2, seed=3)[0])
    lines = [board.replace("\n", "") for board in (one, other)]
    assert puzzles_in("\n".join(lines) + "\n", maze) == [("line 1", lines[0]), ("line 2", lines[1])]
    assert puzzles_in(f"{one}\n\n{other}\n", maze) == [("board 1", one), ("board 2", other)]
    assert puzzles_in("", maze) == [("board 1", "")]
    short = puzzles_in(f"{one}\n{other}"[:-2], maze)
    with pytest.raises(ValueError, match="25 characters; this text has 23"):
        maze.parse(short[1][1])


def test_the_sudoku_of_a_text():
    task = Sudoku((2, 2))
    board = task.format(task.generate(1, 8)[0][0])
    assert puzzles_in(f"{board}\n{board}", task) == [("line 1", board), ("line 2", board)]
