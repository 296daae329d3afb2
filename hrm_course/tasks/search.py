"""The exact solver for Sudoku. The cells in which a value may stand are one integer, a bit each.

Two rules fill cells: only one value fits the cell (a naked single), or a row, column or box has
only one cell left for a value (a hidden single). Where neither helps, the solver guesses, and it
turns back where a cell has no value or a row, column or box no cell for a value.
"""

import random
from dataclasses import dataclass, field

MOST = 100_000  # guesses, after which a search gives up: some ten seconds on a 9x9 board


class GaveUp(ValueError):
    """The search was not finished after as many guesses as were allowed."""


@dataclass
class Descent:
    """One search: what it may do, and what it has done.

    ``limit`` solutions are enough, and more than ``most`` guesses are too many. A guess is a value
    tried in a cell where several were possible, whether it turns out right or wrong.
    """

    limit: int
    most: int = MOST
    hidden: bool = True  # whether the second rule is used
    anywhere: bool = False  # guess also among two cells for a value, not only among a cell's values
    rng: random.Random | None = None  # tries values in random order; without it from small to large
    guesses: int = 0
    found: list[list[int]] = field(default_factory=list)  # the cells of each value

    def count_guess(self) -> None:
        self.guesses += 1
        if self.guesses > self.most:
            raise GaveUp(
                f"The search gave up after {self.most:,} guesses: how many solutions this puzzle "
                f"has is not known."
            )


class Singles:
    """The solver for one board shape.

    Args:
        units: for each cell its row, column and box.
        side: how many values there are.
    """

    def __init__(self, units: list[tuple[int, int, int]], side: int):
        masks: dict[tuple[int, int], int] = {}
        for cell, where in enumerate(units):
            for key in enumerate(where):
                masks[key] = masks.get(key, 0) | 1 << cell
        self.side = side
        self.units = list(masks.values())
        self.peers = [
            (masks[0, r] | masks[1, c] | masks[2, b]) & ~(1 << cell)
            for cell, (r, c, b) in enumerate(units)
        ]
        self.board = (1 << len(units)) - 1

    def search(self, puzzle: list[int], descent: Descent) -> list[list[int]]:
        """The solutions of ``puzzle``, whose givens must not contradict each other.

        Raises:
            GaveUp: it took too many guesses.
        """
        self._descend(*self._open(puzzle), descent)
        boards = []
        for places in descent.found:
            board = [0] * len(self.peers)
            for value, cells in enumerate(places, start=1):
                while cells:
                    board[(cells & -cells).bit_length() - 1] = value
                    cells &= cells - 1
            boards.append(board)
        return boards

    def count(self, puzzle: list[int], limit: int = 2, most: int = MOST) -> tuple[int, int]:
        """How many solutions ``puzzle`` has, counted up to ``limit``, and the guesses it took.

        Raises:
            GaveUp: it took more than ``most`` guesses.
        """
        descent = Descent(limit, most)
        self._descend(*self._open(puzzle), descent)
        return len(descent.found), descent.guesses

    def is_unique(self, puzzle: list[int]) -> bool:
        """Whether ``puzzle`` has exactly one solution.

        Raises:
            GaveUp: it took too many guesses.
        """
        descent = Descent(2, anywhere=True)
        self._descend(*self._open(puzzle), descent)
        return len(descent.found) == 1

    def is_forced(self, puzzle: list[int], cell: int, value: int) -> bool:
        """Whether ``puzzle`` has no solution with another value than ``value`` in an empty cell.

        Raises:
            GaveUp: it took too many guesses.
        """
        places, empty = self._open(puzzle)
        places[value - 1] &= ~(1 << cell)
        return not self._descend(places, empty, Descent(1, anywhere=True))

    def _open(self, puzzle: list[int]) -> tuple[list[int], int]:
        """The cells where each value stands or may stand, and the empty cells."""
        empty, given, taken = self.board, [0] * self.side, [0] * self.side
        for cell, value in enumerate(puzzle):
            if value:
                empty ^= 1 << cell
                given[value - 1] |= 1 << cell
                taken[value - 1] |= self.peers[cell]
        return [empty & ~out | here for out, here in zip(taken, given, strict=True)], empty

    def _descend(self, places: list[int], empty: int, descent: Descent) -> bool:
        """Goes through everything from here on; True when enough is found. Changes ``places``."""
        empty = self._fill_singles(places, empty, descent.hidden)
        if empty <= 0:
            if empty == 0:
                descent.found.append(places)
            return len(descent.found) >= descent.limit
        for value, bit in self._choices(places, empty, descent):
            descent.count_guess()
            below = [cells & ~bit for cells in places]
            below[value] = places[value] & ~self.peers[bit.bit_length() - 1]
            if self._descend(below, empty ^ bit, descent):
                return True
        return False

    def _fill_singles(self, places: list[int], empty: int, hidden: bool) -> int:
        """Applies the rules until they rest. The cells left empty, or -1 for a contradiction."""
        while True:
            once = twice = 0  # cells where at least one value, at least two values fit
            for cells in places:
                twice |= once & cells
                once |= cells
            if once != self.board:
                return -1
            if not empty:
                return 0
            naked = empty & ~twice
            if naked:
                empty ^= naked
                for value, cells in enumerate(places):
                    new = cells & naked
                    while new:  # two cells that see each other both lose it: a contradiction
                        cells &= ~self.peers[(new & -new).bit_length() - 1]
                        new &= new - 1
                    places[value] = cells
                continue
            if not hidden:
                return empty
            before = empty
            for value in range(self.side):
                if not places[value] & empty:
                    if places[value].bit_count() < self.side:
                        return -1
                    continue
                for unit in self.units:
                    bit = places[value] & unit
                    if bit & (bit - 1):
                        continue  # several places
                    if not bit:
                        return -1
                    if bit & empty:
                        cells = places[value] & ~self.peers[bit.bit_length() - 1]
                        places[:] = [other & ~bit for other in places]
                        places[value] = cells
                        empty ^= bit
            if empty == before:
                return empty

    def _choices(self, places: list[int], empty: int, descent: Descent) -> list[tuple[int, int]]:
        """What to try next, as (value, cell): the values of the first of the cells where the
        fewest fit; or, ``anywhere``, two cells for a value if there is no cell with two values.
        """
        bit, few = self._fewest(places, empty)
        if descent.anywhere and few > 2:
            for value, cells in enumerate(places):
                for unit in self.units:
                    here = cells & unit
                    if here.bit_count() == 2:  # no single is left, so both are empty
                        return [(value, here & -here), (value, here & (here - 1))]
        choices = [(value, bit) for value, cells in enumerate(places) if cells & bit]
        if descent.rng is not None:
            descent.rng.shuffle(choices)
        return choices

    def _fewest(self, places: list[int], empty: int) -> tuple[int, int]:
        """The first of the cells where the fewest values fit, as a bit, and how many do."""
        digits: list[int] = []  # in binary, lowest first, of how many values fit each cell
        for carry in places:
            for k, digit in enumerate(digits):
                digits[k], carry = digit ^ carry, digit & carry
                if not carry:
                    break
            else:
                digits.append(carry)
        few = 0
        for digit in reversed(digits):
            few *= 2
            if empty & ~digit:
                empty &= ~digit
            else:
                few += 1
        return empty & -empty, few
