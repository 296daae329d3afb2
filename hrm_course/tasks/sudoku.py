"""Sudoku of any box shape: seeded puzzles with one solution, an exact solver, symmetries, tokens.

A board is a row-major integer array ``[cells]`` (or ``[n, cells]``) with 0 for a blank. A box
has ``h`` rows and ``w`` columns, a board ``side = h * w`` rows, columns and symbols.
"""

import operator
import random
from dataclasses import dataclass

import numpy as np

from . import arguments, drawings
from .search import MOST, Descent, GaveUp, Singles

SYMBOLS = drawings.SYMBOLS


class NoSolution(ValueError):
    """The board keeps the rules, but it can't be filled."""


@dataclass(frozen=True)
class Search:
    """What the exact solver found: solutions ``[found, cells]`` and its effort.

    ``guesses`` counts the values tried in cells where more than one was possible, right or wrong,
    so a puzzle that yields to "only one value fits here" has 0.
    """

    solutions: np.ndarray
    guesses: int


class Sudoku:
    """Sudoku with boxes of ``box = (rows, columns)``: (2, 2) is 4x4, (2, 3) is 6x6, (3, 3) is 9x9.

    Tokens are the published ones (HRM and TRM): 0 padding (unused), 1 blank, ``d + 1`` for the
    digit d; so ``vocab_size`` is ``side + 2``.

    Raises:
        ValueError: the box is not two positive numbers with 2 <= rows * columns <= 25.
    """

    def __init__(self, box: tuple[int, int] = (3, 3)):
        try:
            h, w = (arguments.whole("side", side, 1) for side in box)
        except (TypeError, ValueError):
            h = w = 0
        if not 2 <= h * w <= len(SYMBOLS):
            raise ValueError(
                f"A box needs (rows, columns) with 2 <= rows * columns <= 25, not {box!r}."
            )
        self.box = (h, w)
        self.side = h * w
        self.cells = self.seq_len = self.side**2
        self.vocab_size = self.side + 2
        row, column = np.divmod(np.arange(self.cells), self.side)
        block = row // h * h + column // w
        self._units = list(zip(row.tolist(), column.tolist(), block.tolist(), strict=True))
        self._singles = Singles(self._units, self.side)

    # ---- making puzzles -------------------------------------------------------------------

    def generate(
        self,
        n: int,
        blanks: int | tuple[int, int] = 45,
        seed: int = 0,
        grids: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """``n`` puzzles with exactly one solution each, and their solutions.

        Args:
            n: how many.
            blanks: cells left empty in each puzzle; a pair (low, high) draws the number anew for
                each puzzle, both ends included.
            seed: the same seed gives the same puzzles on every machine.
            grids: complete boards ``[m, cells]`` to blank; by default every puzzle starts from
                a random grid of its own.

        Returns:
            puzzles and solutions, two integer arrays ``[n, cells]``.

        Raises:
            ValueError: the number of blanks is impossible, or no puzzle was found in 200 grids
                (few 9x9 puzzles with one solution have more than 58 blanks).
        """
        n, rng = (
            arguments.whole("n", n, 0, arguments.MANY),
            random.Random(arguments.whole("seed", seed, 0)),
        )
        low, high = self._range(blanks)
        if grids is not None:
            grids = np.atleast_2d(self._boards("grids", grids))
            if len(grids) == 0 or not all(self.is_solution(grid, grid) for grid in grids):
                raise ValueError("grids must be complete boards that keep the rules of Sudoku.")
        boards = [self._one(rng, rng.randint(low, high), grids) for _ in range(n)]
        both = np.array(boards, dtype=np.int64).reshape(n, 2, self.cells)
        return both[:, 0], both[:, 1]

    def _range(self, blanks) -> tuple[int, int]:
        try:
            low, high = blanks if np.ndim(blanks) else (blanks, blanks)
            low, high = operator.index(low), operator.index(high)
        except (TypeError, ValueError, RuntimeError):
            low = high = -1
        if not 0 <= low <= high < self.cells:
            raise ValueError(
                f"blanks must lie in 0..{self.cells - 1} for this board, not {blanks}."
            )
        return low, high

    def _one(self, rng: random.Random, blanks: int, grids: np.ndarray | None):
        for _ in range(200):
            grid = rng.choice(grids).tolist() if grids is not None else self._fill(rng)
            puzzle = self._blank(grid, blanks, rng)
            if puzzle is not None:
                return puzzle, grid
        raise ValueError(
            f"No {self.side}x{self.side} puzzle with {blanks} blanks and one solution was found "
            f"in 200 grids. Ask for fewer blanks."
        )

    def _fill(self, rng: random.Random) -> list[int]:
        descent = Descent(1, hidden=False, rng=rng)
        return self._singles.search([0] * self.cells, descent)[0]

    def _blank(self, grid: list[int], blanks: int, rng: random.Random) -> list[int] | None:
        order = rng.sample(range(self.cells), self.cells)
        puzzle = grid.copy()
        for cell in order[:blanks]:
            puzzle[cell] = 0
        if self._is_unique(puzzle):  # the usual case of easy puzzles: one test in all
            return puzzle
        puzzle = grid.copy()
        left = blanks
        for cell in order:  # otherwise empty cell by cell, skipping those that open a second way
            kept, puzzle[cell] = puzzle[cell], 0
            if self._is_unique(puzzle):
                left -= 1
                if left == 0:
                    return puzzle
            else:
                puzzle[cell] = kept
        return None

    def _is_unique(self, puzzle: list[int]) -> bool:
        return self._singles.is_unique(puzzle)

    def hard(self, n: int, seed: int = 0, guesses: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """``n`` minimal puzzles, in which every given is needed, of at least a given difficulty.

        From a random grid the givens are taken out one by one, in random order, wherever the
        solution stays the only one; what falls short of ``guesses`` is thrown away. Minimal 9x9
        puzzles have 24 givens on average, and about half of them have a difficulty of 0.

        Args:
            n: how many.
            seed: the same seed gives the same puzzles on every machine.
            guesses: the least `difficulty`.

        Returns:
            puzzles and solutions, two integer arrays ``[n, cells]``.

        Raises:
            ValueError: 2000 minimal puzzles in a row were too easy.
        """
        n = arguments.whole("n", n, 0, arguments.MANY)
        guesses = arguments.whole("guesses", guesses, 0, MOST)
        rng = random.Random(arguments.whole("seed", seed, 0))
        pairs: list[tuple[list[int], list[int]]] = []
        tries = 0
        while len(pairs) < n:
            grid = self._fill(rng)
            puzzle = self._minimal(grid, rng)
            tries += 1
            if self._singles.count(puzzle)[1] >= guesses:
                pairs.append((puzzle, grid))
                tries = 0
            elif tries == 2_000:
                raise ValueError(
                    f"None of 2000 minimal {self.side}x{self.side} puzzles needed {guesses} "
                    f"guesses. Ask for fewer."
                )
        both = np.array(pairs, dtype=np.int64).reshape(n, 2, self.cells)
        return both[:, 0], both[:, 1]

    def _minimal(self, grid: list[int], rng: random.Random) -> list[int]:
        order = rng.sample(range(self.cells), self.cells)
        start = self.cells * 4 // 9  # so many can nearly always go together: one test saves many
        puzzle = grid.copy()
        for cell in order[:start]:
            puzzle[cell] = 0
        if not self._is_unique(puzzle):
            puzzle, start = grid.copy(), 0
        for cell in order[start:]:
            puzzle[cell] = 0
            if not self._singles.is_forced(puzzle, cell, grid[cell]):
                puzzle[cell] = grid[cell]
        return puzzle

    def all_grids(self) -> np.ndarray:
        """Every complete board ``[288, cells]`` of 4x4 Sudoku, in a fixed order.

        Raises:
            ValueError: the board is larger than 4x4 (6x6 has 28,200,960 grids).
        """
        if self.side > 4:
            raise ValueError(
                f"Only boards up to 4x4 can be listed; this is {self.side}x{self.side}."
            )
        return self.search(np.zeros(self.cells, dtype=np.int64), limit=1_000).solutions

    # ---- solving --------------------------------------------------------------------------

    def search(self, puzzle: np.ndarray, limit: int = 2) -> Search:
        """Up to ``limit`` solutions of ``puzzle``, by depth-first search with backtracking.

        The solver always continues in the cell with the fewest possible values, the first such
        cell in reading order, and tries values from small to large.

        Raises:
            ValueError: the board is malformed, its givens contradict each other, or the search
                took more than 200,000 guesses.
        """
        board, limit = self.check(puzzle), arguments.whole("limit", limit, 1)
        descent = Descent(limit, hidden=False)
        return Search(self._array(self._singles.search(board.tolist(), descent)), descent.guesses)

    def _array(self, boards: list[list[int]]) -> np.ndarray:
        return np.array(boards, dtype=np.int64).reshape(-1, self.cells)

    def solve(self, puzzle: np.ndarray) -> np.ndarray:
        """The one solution ``[cells]`` of ``puzzle``.

        Raises:
            ValueError: the board is malformed, contradicts itself, or has no or several solutions,
                or the search took too many guesses, which is rare: it also guesses where in a row,
                column or box a value goes.
        """
        descent = Descent(2, anywhere=True)
        solutions = self._array(self._singles.search(self.check(puzzle).tolist(), descent))
        if len(solutions) == 0:
            raise NoSolution(
                "This puzzle has no solution: no two givens clash, but it can't be filled."
            )
        if len(solutions) > 1:
            cell = int(np.flatnonzero(solutions[0] != solutions[1])[0])
            raise ValueError(
                f"This puzzle has more than one solution: {self._where(cell)} can be "
                f"{solutions[0][cell]} or {solutions[1][cell]}. Add a given there."
            )
        return solutions[0]

    def difficulty(self, puzzle: np.ndarray) -> int:
        """How many guesses it takes to find the solution and to prove that it is the only one.

        The solver fills a cell when only one value fits it or when a row, column or box has only
        one cell left for a value. When neither is the case it guesses in the cell with the fewest
        values, the first such in reading order, tries all of them from small to large, and every
        value tried counts. 0 means that the two rules suffice. (`search` knows the first rule
        only, so its count is larger.)

        Raises:
            ValueError: the board is malformed, contradicts itself, or has no or several solutions.
        """
        board = self.check(puzzle).tolist()
        try:
            found, guesses = self._singles.count(board, most=1_000)
        except GaveUp:  # rare: let the better search say first whether it is worth while
            self.solve(puzzle)
            found, guesses = self._singles.count(board)
        if found != 1:
            self.solve(puzzle)  # says what is wrong
        return guesses

    def candidates(self, puzzles: np.ndarray) -> np.ndarray:
        """Which values each blank may still take: those that no cell it sees holds.

        Args:
            puzzles: ``[cells]`` or ``[n, cells]``.

        Returns:
            Booleans of that shape with an axis ``[side]`` more, False throughout at a given.
        """
        boards = self._boards("puzzles", puzzles)
        values = np.arange(1, self.side + 1)
        has = (np.atleast_2d(boards)[:, :, None] == values).astype(np.int64)
        units = np.array(self._units)  # [cells, 3]
        sees = (units[:, None] == units[None]).any(-1).astype(np.int64)  # [cells, cells]
        possible = np.einsum("ij,njd->nid", sees, has) == 0  # [n, cells, values]
        return possible.reshape(*boards.shape, self.side) & (boards == 0)[..., None]

    def rounds(self, puzzles: np.ndarray, hidden: bool = False) -> np.ndarray:
        """In which round each cell is filled by the simplest rule: how much serial work it needs.

        In a round all blanks with a single possible value take it at once; the next round sees
        them. Such rounds follow one another until none fills a cell.

        Args:
            puzzles: ``[cells]`` or ``[n, cells]``.
            hidden: use a second rule too, in the same rounds: a value that has a single possible
                cell in a row, column or box goes there.

        Returns:
            An integer array of that shape: 0 for a given, -1 for a cell that is never filled.
        """
        boards = np.atleast_2d(self._boards("puzzles", puzzles))
        filled = np.where(boards > 0, 0, -1)
        units = np.array(self._units).T[:, None] == np.arange(self.side)[:, None]
        units = units.reshape(-1, self.cells).astype(np.int64)  # [3 side, cells]
        for n in range(1, self.cells + 1):
            possible = self.candidates(boards)  # [n, cells, values]
            takes = possible & (possible.sum(2, keepdims=True) == 1)
            if hidden:
                places = np.einsum("uc,ncd->nud", units, possible.astype(np.int64))
                alone = np.einsum("uc,nud->ncd", units, (places == 1).astype(np.int64)) > 0
                takes |= possible & alone
            certain = takes.any(2)
            if not certain.any():
                break
            boards = np.where(certain, takes.argmax(2) + 1, boards)
            filled = np.where(certain, n, filled)
        return filled.reshape(np.shape(puzzles))

    def is_minimal(self, puzzle: np.ndarray) -> bool:
        """Whether ``puzzle`` has one solution and loses that with any of its givens.

        Raises:
            ValueError: the board is malformed or contradicts itself.
        """
        board = self.check(puzzle).tolist()
        fewer = [board.copy() for cell in board if cell]
        for other, cell in zip(fewer, np.flatnonzero(board), strict=True):
            other[cell] = 0
        return self._is_unique(board) and not any(map(self._is_unique, fewer))

    def is_solution(self, puzzle: np.ndarray, answer: np.ndarray) -> bool:
        """Whether ``answer`` keeps the givens of ``puzzle`` and fills every unit correctly.

        Raises:
            ValueError: ``puzzle`` is no board. An answer that is none is wrong.
        """
        puzzle = self._boards("puzzle", puzzle)
        try:
            answer = self.check(answer)
        except ValueError:
            return False
        if answer.shape != puzzle.shape or np.any((puzzle > 0) & (puzzle != answer)):
            return False
        return bool(np.all(answer > 0))

    def check(self, board: np.ndarray) -> np.ndarray:
        """``board`` as an integer array ``[cells]``, refused with a sentence when it is malformed.

        Raises:
            ValueError: wrong length, a value outside 0..side, or two equal givens in one unit;
                the message names the cell.
        """
        board = arguments.numbers("A board", board)
        if board.shape != (self.cells,):
            raise ValueError(
                f"A {self.side}x{self.side} board has {self.cells} cells; this one has the shape "
                f"{list(board.shape)}."
            )
        wrong = np.flatnonzero((board < 0) | (board > self.side))
        if len(wrong):
            raise ValueError(
                f"{self._where(wrong[0])} holds {board[wrong[0]]}; allowed are 0 (blank) to {self.side}."
            )
        seen: dict[tuple[str, int, int], int] = {}
        for cell in np.flatnonzero(board):
            for name, unit in zip(("row", "column", "box"), self._units[cell], strict=True):
                other = seen.setdefault((name, unit, board[cell]), cell)
                if other != cell:
                    raise ValueError(
                        f"The givens contradict each other: {self._where(other)} and "
                        f"{self._where(cell)} are both {board[cell]} in the same {name}."
                    )
        return board

    def _where(self, cell: int) -> str:
        return f"row {cell // self.side + 1}, column {cell % self.side + 1}"

    def _boards(self, what: str, values) -> np.ndarray:
        return arguments.boards(what, values, self.cells, self.side)

    # ---- symmetries -----------------------------------------------------------------------

    def augment(self, puzzles: np.ndarray, solutions: np.ndarray, seed) -> tuple[np.ndarray, ...]:
        """A random symmetry of Sudoku applied to each puzzle and, alike, to its solution.

        Symbols are renamed, bands, rows within a band, stacks and columns within a stack are
        permuted, and square boxes are transposed half of the time: what the official builders do.

        Args:
            puzzles, solutions: ``[cells]`` or ``[n, cells]``; every row gets a symmetry of its own.
            seed: an integer, a sequence of integers, or a NumPy generator.
        """
        rng = arguments.seeded(seed)
        boards = arguments.pairs(puzzles, solutions, self.cells, self.side)
        n, (h, w) = len(boards), self.box
        rows = self._shuffled(rng, n, bands=w, size=h)
        columns = self._shuffled(rng, n, bands=h, size=w)
        source = rows[:, :, None] * self.side + columns[:, None, :]  # [n, side, side]
        if h == w:
            flip = rng.random(n) < 0.5
            source[flip] = source[flip].transpose(0, 2, 1)
        moved = np.take_along_axis(boards, source.reshape(n, 1, -1), axis=2)
        names = rng.permuted(np.tile(np.arange(1, self.side + 1), (n, 1)), axis=1)
        names = np.concatenate((np.zeros((n, 1), dtype=np.int64), names), axis=1)
        renamed = np.take_along_axis(names, moved.reshape(n, -1), axis=1).reshape(moved.shape)
        return tuple(renamed[0]) if np.ndim(puzzles) == 1 else (renamed[:, 0], renamed[:, 1])

    @staticmethod
    def _shuffled(rng: np.random.Generator, n: int, bands: int, size: int) -> np.ndarray:
        """Permutations ``[n, bands * size]`` that keep bands together."""
        band = rng.random((n, bands, 1)).argsort(axis=1)
        inside = rng.random((n, bands, size)).argsort(axis=2)
        return (band * size + inside).reshape(n, -1)

    def fingerprint(self, puzzles: np.ndarray) -> np.ndarray:
        """A number for each puzzle that no symmetry of Sudoku changes: ``[n]`` unsigned 64-bit.

        Two puzzles with different numbers are not images of each other. Nearly always the reverse
        holds as well, but not by any proof: equal numbers only mean that they may be.

        Each given and blank gets a colour, and again and again a colour that sums up those in
        its row, column, box, band, stack, and of its value (colour refinement, by hashing).

        Args:
            puzzles: ``[n, cells]``.
        """
        puzzles = np.atleast_2d(self._boards("puzzles", puzzles))
        n, (h, w) = len(puzzles), self.box
        row, column, block = np.array(self._units).T
        groups = [(row, row // h), (column, column // w)]
        colours = _mixed((puzzles > 0).astype(np.uint64))  # [n, cells]
        values = puzzles[:, :, None] == np.arange(1, self.side + 1)  # [n, cells, values]
        for _ in range(4):
            lines = [
                _mixed(3 * _gathered(colours, line) + 4 * _gathered(colours, band))
                for line, band in groups
            ]
            if h != w:  # without a transposition rows and columns are two kinds
                lines[1] = _mixed(lines[1])
            same = np.einsum("nc,ncv->nv", colours, values.astype(np.uint64))
            same = np.take_along_axis(
                np.concatenate((np.zeros((n, 1), np.uint64), same), 1), puzzles, 1
            )
            colours = _mixed(
                7 * colours
                + _mixed(11 * (lines[0] + lines[1]))
                + _mixed(13 * _gathered(colours, block))
                + _mixed(17 * same)
            )
        return _mixed(colours).sum(1)

    # ---- tokens and text ------------------------------------------------------------------

    def encode(self, boards: np.ndarray) -> np.ndarray:
        """Boards -> published token numbers: blank 1, digit d -> d + 1."""
        boards = arguments.numbers("boards", boards)
        arguments.within("boards", boards, self.side)
        return boards + 1

    def decode(self, tokens: np.ndarray) -> np.ndarray:
        """Token numbers -> boards. Padding (0) decodes to a blank, like the blank itself.

        A model with more tokens than this board has may answer a number that no cell can hold.
        """
        tokens = arguments.numbers("tokens", tokens)
        arguments.within("tokens", tokens, len(SYMBOLS) + 1)
        return np.maximum(tokens - 1, 0)

    def parse(self, text: str) -> np.ndarray:
        """A board from text: a line of one character a cell, or drawn with ``|``, ``-`` and ``+``.

        Blanks are ``.``, ``0``, ``_``, ``*``, ``x``, ``-``, ``?`` or, in lines of full length,
        spaces; a star behind a character marks a changed cell and is skipped. `drawings` says more.

        Raises:
            ValueError: wrong number of characters, an unknown character, contradicting givens.
        """
        cells = drawings.one(text, self.side)
        for cell, char in enumerate(cells):
            if char not in "." + SYMBOLS[: self.side]:
                raise ValueError(
                    f"Character {cell + 1} ({self._where(cell)}) is {char!r}; allowed are "
                    f"1 to {SYMBOLS[self.side - 1]} and . or 0 for a blank."
                )
        return self.check(np.array([SYMBOLS.find(char) + 1 for char in cells]))

    def format(self, board: np.ndarray) -> str:
        """The board as one line of characters, blanks as dots: what `parse` reads."""
        board = arguments.numbers("board", board)
        arguments.within("board", board, len(SYMBOLS))
        return "".join(("." + SYMBOLS)[v] for v in board.ravel())


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """Unsigned 64-bit numbers scrambled one by one (the finaliser of MurmurHash3)."""
    numbers = numbers ^ (numbers >> np.uint64(33))
    numbers = numbers * np.uint64(0xFF51AFD7ED558CCD)
    numbers = numbers ^ (numbers >> np.uint64(33))
    numbers = numbers * np.uint64(0xC4CEB9FE1A85EC53)
    return (numbers ^ (numbers >> np.uint64(33))) + np.uint64(0x9E3779B97F4A7C15)


def _gathered(colours: np.ndarray, of: np.ndarray) -> np.ndarray:
    """For each cell the sum of the colours ``[n, cells]`` of all cells in its group ``of [cells]``."""
    groups = (of[:, None] == np.arange(of.max() + 1)).astype(np.uint64)  # [cells, groups]
    return (colours @ groups)[:, of]
