"""Which tasks have boards of a given size, where nothing else is known of a model or a data set."""

from math import isqrt

from .drawings import many
from .maze import Maze
from .sudoku import Sudoku


def tasks_for(cells: int, tokens: int) -> list[Sudoku | Maze]:
    """The tasks whose boards have ``cells`` cells and need ``tokens`` tokens, or fewer.

    36 cells are 6x6 Sudoku with boxes of 2 rows and 3 columns, or of 3 rows and 2 columns; 16 cells
    and 6 tokens are 4x4 Sudoku, or a maze. The usual one comes first.

    Raises:
        ValueError: neither Sudoku nor mazes have.
    """
    side = isqrt(cells)
    square = side * side == cells
    found: list[Sudoku | Maze] = []
    if square and 4 <= side <= 25 and tokens >= side + 2:
        heights = [h for h in range(2, side // 2 + 1) if side % h == 0]
        heights.sort(key=lambda h: (abs(h - side // h), h))  # nearly square boxes, flat ones first
        found += [Sudoku((h, side // h)) for h in heights]
    if square and 3 <= side <= 64 and tokens == Maze.vocab_size:
        found.append(Maze(side))
    if not found:
        raise ValueError(
            f"Boards of {cells} cells and {tokens} tokens are neither Sudoku nor mazes: they can't "
            f"be shown."
        )
    return found


def puzzles_in(text: str, task: Sudoku | Maze) -> list[tuple[str, str]]:
    """Where each puzzle in ``text`` is ("line 3", "board 2"), and the text of it.

    Sudoku as `drawings` understands them; mazes one a line, or drawn one below the other.
    """
    if isinstance(task, Sudoku):
        return many(text, task.side)
    lines = text.replace("\ufeff", "").splitlines()
    if any(len(line) == task.cells for line in lines):
        return [(f"line {i}", line) for i, line in enumerate(lines, start=1) if line.strip()]
    lines = [line for line in lines if line]
    starts = range(0, len(lines), task.size)
    boards = ["\n".join(lines[i : i + task.size]) for i in starts] or [""]
    return [(f"board {k}", board) for k, board in enumerate(boards, start=1)]
