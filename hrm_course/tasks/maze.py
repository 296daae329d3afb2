"""Mazes: seeded, perfect or looped, with one shortest path; symmetries, tokens, a safe split.

A board is a row-major integer array ``[cells]`` (or ``[n, cells]``): 0 wall, 1 free, 2 start,
3 goal, 4 path. A puzzle has no path cells; its solution has them between start and goal. A step
leads to one of the four neighbours.
"""

import hashlib
import random

import numpy as np

from . import arguments
from .symmetries import dihedral

WALL, FREE, START, GOAL, PATH = range(5)
CHARACTERS = "# SGo"


class Maze:
    """Mazes on a square of ``size * size`` cells.

    `generate` makes mazes of odd size: rooms lie at odd rows and columns with walls between them,
    3 x 3 rooms at size 7. Everything else takes boards of any size, such as the published 30 x 30.

    Tokens are the published ones (HRM and TRM): 0 padding (unused), 1 wall ``#``, 2 free (a
    space), 3 start ``S``, 4 goal ``G``, 5 path ``o``. ``images [8, cells]`` says for each symmetry
    from where a cell takes its value: ``board[maze.images]`` are the eight images of a board.

    Raises:
        ValueError: the size is not between 3 and 64.
    """

    vocab_size = 6

    def __init__(self, size: int = 9):
        size = arguments.whole("The side of a maze", size, 3, 64)
        self.size = size
        self.cells = self.seq_len = size * size
        self._neighbours = self._within(range(size), 1)
        self._next_rooms = self._within(range(1, size - 1, 2), 2)
        self._rooms = list(self._next_rooms)
        places = np.arange(self.cells).reshape(size, size)
        self.images = np.stack([dihedral(places, k).ravel() for k in range(8)])  # [8, cells]

    def _within(self, lines: range, stride: int) -> dict[int, list[int]]:
        """For each cell on these rows and columns those up, left, right and down, in this order."""
        moves = ((-stride, 0), (0, -stride), (0, stride), (stride, 0))
        return {
            r * self.size + c: [
                (r + dr) * self.size + c + dc
                for dr, dc in moves
                if r + dr in lines and c + dc in lines
            ]
            for r in lines
            for c in lines
        }

    # ---- making mazes ---------------------------------------------------------------------

    def generate(
        self, n: int, seed: int = 0, loops: float = 0.0, min_path: int = 2
    ) -> tuple[np.ndarray, np.ndarray]:
        """``n`` mazes, each with exactly one shortest path, and their solutions.

        The passages form a spanning tree of the rooms, every tree equally likely (Wilson's
        loop-erased random walks), so that one way leads from any room to any other: the maze is
        perfect. ``loops`` then opens walls. Start and goal are two rooms.

        Args:
            n: how many.
            seed: the same seed gives the same mazes on every machine, and a longer list begins
                with the shorter one.
            loops: share of the remaining walls between rooms that are opened, 0 to 1.
            min_path: the least number of steps from start to goal.

        Returns:
            puzzles and solutions, two integer arrays ``[n, cells]``.

        Raises:
            ValueError: the size is even or below 5, ``loops`` is no share, or 1000 mazes in a row
                had no path of that length that is the only shortest one.

        Source: D. B. Wilson, Generating random spanning trees more quickly than the cover time,
        STOC 1996.
        """
        if self.size % 2 == 0 or self.size < 5:
            raise ValueError(
                f"Mazes are made in odd sizes from 5 on, rooms with walls between them; this size "
                f"is {self.size}."
            )
        n = arguments.whole("n", n, 0, arguments.MANY)
        min_path = arguments.whole("min_path", min_path, 0, self.cells)
        loops = arguments.share("loops", loops)
        rng = random.Random(arguments.whole("seed", seed, 0))
        pairs = [self._one(rng, loops, min_path) for _ in range(n)]
        both = np.array(pairs, dtype=np.int64).reshape(n, 2, self.cells)
        return both[:, 0], both[:, 1]

    def _one(self, rng: random.Random, loops: float, min_path: int) -> tuple[list[int], list[int]]:
        for _ in range(1_000):
            maze = self._carve(rng, loops)
            start = rng.choice(self._rooms)
            steps, ways = self._walk(maze, start)
            far = [r for r in self._rooms if steps[r] >= max(min_path, 1) and ways[r] == 1]
            if far:
                goal = rng.choice(far)
                maze[start], maze[goal] = START, GOAL
                return maze, self._mark(maze, steps, goal)
        raise ValueError(
            f"None of 1000 mazes of size {self.size} had a shortest path of at least {min_path} "
            f"steps without a rival. Ask for a shorter path."
        )

    def _carve(self, rng: random.Random, loops: float) -> list[int]:
        """A board of walls and passages."""
        maze = [WALL] * self.cells
        joined = {rng.choice(self._rooms)}
        for room in self._rooms:
            exits = {}  # the last way out of each room: what is left when loops are erased
            at = room
            while at not in joined:
                exits[at] = rng.choice(self._next_rooms[at])
                at = exits[at]
            at = room
            while at not in joined:
                joined.add(at)
                maze[(at + exits[at]) // 2] = FREE  # the wall between two rooms
                at = exits[at]
        doors = [(a + b) // 2 for a in self._rooms for b in self._next_rooms[a] if a < b]
        walls = [door for door in doors if maze[door] == WALL]
        for cell in self._rooms + rng.sample(walls, round(loops * len(walls))):
            maze[cell] = FREE
        return maze

    # ---- solving --------------------------------------------------------------------------

    def solve(self, puzzle: np.ndarray) -> np.ndarray:
        """``puzzle`` with a shortest path marked ``[cells]``, the only one in mazes of `generate`.

        Raises:
            ValueError: the board is malformed or no way leads from start to goal.
        """
        maze, steps, _, goal = self._solved(puzzle)
        return np.array(self._mark(maze, steps, goal))

    def paths(self, puzzle: np.ndarray) -> tuple[int, int]:
        """How many steps the shortest path has, and how many paths are that short.

        Raises:
            ValueError: as `solve`.
        """
        _, steps, ways, goal = self._solved(puzzle)
        return steps[goal], ways[goal]

    def difficulty(self, puzzle: np.ndarray) -> int:
        """The number of steps from start to goal. Raises as `solve` does."""
        return self.paths(puzzle)[0]

    def is_solution(self, puzzle: np.ndarray, answer: np.ndarray) -> bool:
        """Whether ``answer`` is ``puzzle`` with a shortest path marked, whichever if there are
        several, and nothing else.

        Raises:
            ValueError: ``puzzle`` is malformed or has no way from start to goal.
        """
        shortest = self.paths(puzzle)[0]
        puzzle = np.asarray(puzzle)
        try:
            answer = arguments.numbers("An answer", answer)
        except ValueError:
            return False
        if answer.shape != puzzle.shape:
            return False
        path = answer == PATH
        if path.sum() != shortest - 1 or np.any(puzzle[path] != FREE):
            return False
        if np.any(answer[~path] != puzzle[~path]):
            return False
        only_path = np.where(answer == FREE, WALL, answer).tolist()
        return self._walk(only_path, only_path.index(START))[0][only_path.index(GOAL)] == shortest

    def check(self, board: np.ndarray) -> np.ndarray:
        """A puzzle as an integer array ``[cells]``, refused with a sentence when it is malformed.

        Raises:
            ValueError: wrong length, a value outside 0..3, or not one start and one goal.
        """
        board = arguments.numbers("A maze", board)
        if board.shape != (self.cells,):
            raise ValueError(
                f"A maze of size {self.size} has {self.cells} cells; this one has the shape "
                f"{list(board.shape)}."
            )
        wrong = np.flatnonzero(~np.isin(board, (WALL, FREE, START, GOAL)))
        if len(wrong):
            row, column = divmod(int(wrong[0]), self.size)
            raise ValueError(
                f"Row {row + 1}, column {column + 1} holds {board[wrong[0]]}; a maze to be solved "
                f"has 0 (wall), 1 (free), 2 (start) and 3 (goal)."
            )
        for name, value in (("start", START), ("goal", GOAL)):
            if (count := int((board == value).sum())) != 1:
                raise ValueError(f"A maze has one {name}; this one has {count}.")
        return board

    def _solved(self, puzzle: np.ndarray) -> tuple[list[int], list[int], list[int], int]:
        maze = self.check(puzzle).tolist()
        goal = maze.index(GOAL)
        steps, ways = self._walk(maze, maze.index(START))
        if steps[goal] < 0:
            raise ValueError("No way leads from the start to the goal of this maze.")
        return maze, steps, ways, goal

    def _walk(self, maze: list[int], start: int) -> tuple[list[int], list[int]]:
        """Breadth first: the steps from ``start`` to each cell (-1: none), and in how many ways."""
        steps, ways = [-1] * self.cells, [0] * self.cells
        steps[start], ways[start] = 0, 1
        queue = [start]
        for cell in queue:
            for there in self._neighbours[cell]:
                if maze[there] != WALL:
                    if steps[there] < 0:
                        steps[there] = steps[cell] + 1
                        queue.append(there)
                    if steps[there] == steps[cell] + 1:
                        ways[there] += ways[cell]
        return steps, ways

    def _mark(self, maze: list[int], steps: list[int], goal: int) -> list[int]:
        """The board with a shortest path, followed backwards from the goal."""
        answer, cell = maze.copy(), goal
        for left in range(steps[goal] - 1, 0, -1):
            cell = next(there for there in self._neighbours[cell] if steps[there] == left)
            answer[cell] = PATH
        return answer

    # ---- symmetries -----------------------------------------------------------------------

    def augment(self, puzzles: np.ndarray, solutions: np.ndarray, seed) -> tuple[np.ndarray, ...]:
        """A random one of the eight symmetries applied to each maze and, alike, to its solution.

        Args:
            puzzles, solutions: ``[cells]`` or ``[n, cells]``; every row gets a symmetry of its own.
            seed: an integer, a sequence of integers, or a NumPy generator.
        """
        boards = arguments.pairs(puzzles, solutions, self.cells, PATH)
        which = arguments.seeded(seed).integers(8, size=len(boards))
        moved = np.take_along_axis(boards, self.images[which][:, None], axis=2)
        return tuple(moved[0]) if np.ndim(puzzles) == 1 else (moved[:, 0], moved[:, 1])

    def split(self, puzzles: np.ndarray, share: float = 0.1, by: str = "layout") -> np.ndarray:
        """Which mazes to hold out as a test set ``[n]``: True for about ``share`` of them.

        A maze falls on one side for good, together with its eight images, whatever the seed and
        the number of mazes. So no test maze is a training maze turned or flipped.

        Args:
            puzzles: ``[n, cells]``.
            share: of the kinds of mazes that are held out, 0 to 1. Small mazes have few kinds, so
                there the share is rough: 13,824 perfect mazes of size 7 have 28 layouts.
            by: "layout" sorts by the walls alone, so that no test maze is a training maze with
                other ends either; "maze" sorts by the walls and the two ends.

        Raises:
            ValueError: ``share`` or ``by`` is none of these.
        """
        share = arguments.share("share", share)
        if by not in ("layout", "maze"):
            raise ValueError(f"by is 'layout' or 'maze', not {by!r}.")
        puzzles = np.atleast_2d(arguments.boards("puzzles", puzzles, self.cells, PATH))
        kinds = np.minimum(puzzles, FREE if by == "layout" else START).astype(np.uint8)
        held_out = np.zeros(len(kinds), dtype=bool)
        for i, board in enumerate(kinds):
            first = min(image.tobytes() for image in board[self.images])
            digest = hashlib.sha256(first).digest()  # the same on every machine, unlike hash()
            held_out[i] = int.from_bytes(digest[:8], "big") < share * 2**64
        return held_out

    # ---- tokens and text ------------------------------------------------------------------

    def encode(self, boards: np.ndarray) -> np.ndarray:
        """Boards -> published token numbers: wall 1, free 2, start 3, goal 4, path 5."""
        boards = arguments.numbers("boards", boards)
        arguments.within("boards", boards, PATH)
        return boards + 1

    def decode(self, tokens: np.ndarray) -> np.ndarray:
        """Token numbers -> boards. Padding (0) decodes to a wall."""
        tokens = arguments.numbers("tokens", tokens)
        arguments.within("tokens", tokens, PATH + 1)
        return np.maximum(tokens - 1, 0)

    def parse(self, text: str) -> np.ndarray:
        """A board from its characters, in lines (all may be indented alike) or in one: ``#``,
        space, ``S``, ``G`` and ``o``.

        Raises:
            ValueError: wrong number of characters or an unknown character.
        """
        if not isinstance(text, str):
            raise ValueError(f"A maze is read from text, not from {text!r}.")
        lines = [line for line in text.replace("\ufeff", "").splitlines() if line]
        indent = max(map(len, lines), default=0) - self.size
        if (
            len(lines) == self.size
            and indent > 0
            and not any(line[:indent].strip() for line in lines)
        ):
            lines = [line[indent:] for line in lines]
        text = "".join(lines)
        if len(text) != self.cells:
            raise ValueError(
                f"A maze of size {self.size} has {self.cells} characters; this text has {len(text)}."
            )
        for cell, char in enumerate(text):
            if char not in CHARACTERS:
                row, column = divmod(cell, self.size)
                raise ValueError(
                    f"Character {cell + 1} (row {row + 1}, column {column + 1}) is {char!r}; "
                    f"allowed are # (wall), a space, S, G and o (path)."
                )
        return np.array([CHARACTERS.index(char) for char in text])

    def format(self, board: np.ndarray) -> str:
        """The board as lines of characters: what `parse` reads."""
        board = arguments.numbers("board", board)
        board = arguments.boards("board", board.ravel(), self.cells, PATH)
        lines = board.reshape(self.size, self.size)
        return "\n".join("".join(CHARACTERS[v] for v in line) for line in lines)
