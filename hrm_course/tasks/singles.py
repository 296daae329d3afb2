"""A fast counting solver for Sudoku. The cells in which a value may stand are one integer, a bit each.

Two rules fill cells: only one value fits the cell (a naked single), or a row, column or box has
only one cell left for a value (a hidden single). Where neither helps, the solver guesses: in the
cell with the fewest values, the first such in reading order, values from small to large. It turns
back where a cell has no value or a row, column or box no cell for a value.
"""


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

    def count(self, puzzle: list[int], limit: int = 2) -> tuple[int, int]:
        """How many solutions ``puzzle`` has, counted up to ``limit``, and the guesses it took.

        A guess is a value tried in a cell where several were possible, whether it turns out right
        or wrong. The givens must not contradict each other.
        """
        return self._descend(*self._open(puzzle), limit)

    def is_forced(self, puzzle: list[int], cell: int, value: int) -> bool:
        """Whether ``puzzle`` has no solution with another value than ``value`` in an empty cell."""
        places, empty = self._open(puzzle)
        places[value - 1] &= ~(1 << cell)
        return self._descend(places, empty, 1)[0] == 0

    def _open(self, puzzle: list[int]) -> tuple[list[int], int]:
        """The cells where each value stands or may stand, and the empty cells."""
        empty, given, taken = self.board, [0] * self.side, [0] * self.side
        for cell, value in enumerate(puzzle):
            if value:
                empty ^= 1 << cell
                given[value - 1] |= 1 << cell
                taken[value - 1] |= self.peers[cell]
        return [empty & ~out | here for out, here in zip(taken, given, strict=True)], empty

    def _descend(self, places: list[int], empty: int, limit: int) -> tuple[int, int]:
        """Solutions (up to ``limit``) and guesses from here on. Changes ``places``."""
        empty = self._fill_singles(places, empty)
        if empty <= 0:
            return int(empty == 0), 0
        bit = self._fewest(places, empty)
        found = guesses = 0
        for value, cells in enumerate(places):
            if cells & bit:
                below = [other & ~bit for other in places]
                below[value] = cells & ~self.peers[bit.bit_length() - 1]
                more, tried = self._descend(below, empty ^ bit, limit - found)
                found += more
                guesses += 1 + tried
                if found >= limit:
                    break
        return found, guesses

    def _fill_singles(self, places: list[int], empty: int) -> int:
        """Applies both rules until they rest. The cells left empty, or -1 for a contradiction."""
        while empty:
            once = twice = 0  # cells where at least one value, at least two values fit
            for cells in places:
                twice |= once & cells
                once |= cells
            if once != self.board:
                return -1
            naked = empty & ~twice
            if naked:
                bit = naked & -naked
                value = next(v for v, cells in enumerate(places) if cells & bit)
                places[value] &= ~self.peers[bit.bit_length() - 1]
                empty ^= bit
                continue
            before = empty
            for value in range(self.side):
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
                break
        return empty

    def _fewest(self, places: list[int], empty: int) -> int:
        """The first of the cells where the fewest values fit (at least two), as a bit."""
        once = twice = thrice = 0
        for cells in places:
            thrice |= twice & cells
            twice |= once & cells
            once |= cells
        pairs = empty & ~thrice
        if pairs:
            return pairs & -pairs
        bits = (1 << cell for cell in range(empty.bit_length()) if empty >> cell & 1)
        return min(bits, key=lambda bit: sum(1 for cells in places if cells & bit))
