"""Three small tasks to start from: running parity, Latin squares, colourings of a graph.

Each fulfils `Task`. The token of the number v is v + 1, as in Sudoku; 0 is padding, which no board
has.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..settings import check_fields, whole
from . import arguments


class _Numbers:
    """Boards of ``seq_len`` numbers from 0 to ``most``."""

    @property
    def seq_len(self) -> int:
        raise NotImplementedError

    @property
    def most(self) -> int:
        raise NotImplementedError

    @property
    def vocab_size(self) -> int:
        return self.most + 2

    def encode(self, boards) -> np.ndarray:
        """Numbers ``[..., cells]`` as tokens, int64."""
        return self._checked("boards", boards, self.most) + 1

    def decode(self, tokens) -> np.ndarray:
        """Tokens as numbers; padding, which an untrained model may answer, becomes 0."""
        return np.maximum(self._checked("tokens", tokens, self.vocab_size - 1) - 1, 0)

    def is_solution(self, puzzle, answer) -> bool:
        """Whether ``answer`` solves ``puzzle``, both ``[cells]``, by the rules alone.

        Raises:
            ValueError: ``puzzle`` is no board. An answer that is none is wrong.
        """
        puzzle = arguments.board("puzzle", puzzle, self.seq_len, self.most)
        try:
            answer = arguments.board("answer", answer, self.seq_len, self.most)
        except ValueError:
            return False
        return self._solves(puzzle, answer)

    def _solves(self, puzzle: np.ndarray, answer: np.ndarray) -> bool:
        raise NotImplementedError

    def _checked(self, what: str, values, most: int) -> np.ndarray:
        array = arguments.numbers(what, values)
        if array.shape[-1:] != (self.seq_len,):
            raise ValueError(
                f"{what} must be [..., {self.seq_len}] numbers; their shape is {list(array.shape)}."
            )
        arguments.within(what, array, most)
        return array


@dataclass(frozen=True)
class Parity(_Numbers):
    """Bits, and for each of them whether the number of ones up to it is odd.

    Raises:
        ValueError: the length is out of range.
    """

    length: int = whole(16, least=2, most=1_000)

    def __post_init__(self):
        check_fields(self)

    @property
    def most(self) -> int:
        return 1

    @property
    def seq_len(self) -> int:
        return self.length

    def generate(self, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """``n`` rows of random bits with their running parities, ``[n, length]`` each."""
        n = arguments.whole("n", n, 0, arguments.MANY)
        bits = arguments.seeded(seed).integers(2, size=(n, self.length))
        return bits, bits.cumsum(1) % 2

    def _solves(self, puzzle: np.ndarray, answer: np.ndarray) -> bool:
        """Each parity is the one before it, flipped where the bit is 1."""
        return bool((answer == np.append(0, answer[:-1]) ^ puzzle).all())


class _Differing(_Numbers):
    """Cells with numbers from 1 to ``most``, 0 = blank; neighbours must differ."""

    @cached_property
    def neighbours(self) -> list[list[int]]:
        """Those of each cell."""
        return self._neighbours()

    def _neighbours(self) -> list[list[int]]:
        raise NotImplementedError

    def _solves(self, puzzle: np.ndarray, answer: np.ndarray) -> bool:
        """The answer is full, keeps the givens, and no neighbours are equal."""
        full = (answer > 0).all() and ((puzzle == 0) | (puzzle == answer)).all()
        return bool(full) and all(
            (answer[others] != value).all()
            for others, value in zip(self.neighbours, answer, strict=True)
        )

    def solutions(self, puzzle, limit: int = 2, rng=None) -> list[np.ndarray]:
        """Up to ``limit`` solutions, found by trying; numbers in the order that ``rng`` draws."""
        limit = arguments.whole("limit", limit, 1)
        board, found = arguments.board("puzzle", puzzle, self.seq_len, self.most).tolist(), []
        order = [*range(1, self.most + 1)]

        def search() -> bool:
            choices = {}
            for cell, value in enumerate(board):
                if value == 0:
                    taken = {board[other] for other in self.neighbours[cell]}
                    choices[cell] = [v for v in order if v not in taken]
            if not choices:
                found.append(np.array(board))
                return len(found) == limit
            cell = min(choices, key=lambda c: len(choices[c]))  # the one with the least freedom
            values = rng.permutation(choices[cell]).tolist() if rng else choices[cell]
            for board[cell] in values:
                if search():
                    return True
            board[cell] = 0
            return False

        given = [(c, o) for c, others in enumerate(self.neighbours) for o in others if board[c]]
        if not any(board[c] == board[o] for c, o in given):
            search()
        return found

    def generate(self, n: int, blanks: int | None = None, seed: int = 0):
        """``n`` puzzles ``[n, cells]`` with exactly one solution each, and these solutions.

        Numbers are taken away in random order, one after the other, where the solution stays
        unique, until there are ``blanks`` (by default half of the cells) or none can go.
        """
        n = arguments.whole("n", n, 0, arguments.MANY)
        blanks = self.seq_len // 2 if blanks is None else blanks
        blanks = arguments.whole("blanks", blanks, 0, self.seq_len)
        rng, boards = arguments.seeded(seed), np.zeros((2, n, self.seq_len), dtype=np.int64)
        for puzzle, solution in zip(*boards, strict=True):
            solution[:] = self.solutions(puzzle, 1, rng)[0]
            puzzle[:] = solution
            for cell in rng.permutation(self.seq_len):
                if (puzzle == 0).sum() < blanks:
                    puzzle[cell] = 0
                    if len(self.solutions(puzzle)) > 1:
                        puzzle[cell] = solution[cell]
        return boards[0], boards[1]

    def augment(self, puzzles, solutions, seed=0):
        """The same puzzles with their numbers renamed, each row in its own way."""
        rng = arguments.seeded(seed)
        pairs = arguments.pairs(puzzles, solutions, self.seq_len, self.most)
        names = rng.permuted(np.tile(np.arange(1, self.most + 1), (len(pairs), 1)), axis=1)
        names = np.pad(names, ((0, 0), (1, 0)))  # a blank stays one
        renamed = np.take_along_axis(names, pairs.reshape(len(pairs), -1), axis=1)
        renamed = renamed.reshape(pairs.shape)
        return renamed[:, 0], renamed[:, 1]


@dataclass(frozen=True)
class LatinSquare(_Differing):
    """Each number once in every row and every column of a square, ``side`` of them.

    Raises:
        ValueError: the side is out of range.
    """

    side: int = whole(5, least=2, most=9)

    def __post_init__(self):
        check_fields(self)

    @property
    def most(self) -> int:
        return self.side

    @property
    def seq_len(self) -> int:
        return self.side**2

    def _neighbours(self) -> list[list[int]]:
        places = [divmod(cell, self.side) for cell in range(self.seq_len)]
        return [
            [c for c, (a, b) in enumerate(places) if (a == row) != (b == column)]
            for row, column in places
        ]


@dataclass(frozen=True)
class Colouring(_Differing):
    """Nodes in a ring, each joined to those ``jumps`` places further; joined ones differ.

    Raises:
        ValueError: a number out of range, or a jump that leads nowhere or twice to one node.
    """

    nodes: int = whole(20, least=3, most=200)
    jumps: tuple[int, ...] = (1, 5)
    colours: int = whole(3, least=2, most=20)

    def __post_init__(self):
        check_fields(self)
        half = self.nodes // 2
        whole = isinstance(self.jumps, tuple) and all(type(jump) is int for jump in self.jumps)
        if not whole or sorted({*self.jumps} & {*range(1, half + 1)}) != sorted(self.jumps):
            raise ValueError(f"jumps must be different whole numbers from 1 to {half}.")
        if not self.solutions(np.zeros(self.nodes, dtype=int), limit=1):
            raise ValueError(f"This graph has no colouring with {self.colours} colours.")

    @property
    def most(self) -> int:
        return self.colours

    @property
    def seq_len(self) -> int:
        return self.nodes

    def _neighbours(self) -> list[list[int]]:
        ways = [sign * jump for jump in self.jumps for sign in (1, -1)]
        return [sorted({(k + way) % self.nodes for way in ways}) for k in range(self.nodes)]
