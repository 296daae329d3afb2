"""Finds hard and sparse 9x9 Sudokus by local search.

A climb starts from any grid: a few givens are taken away, others of the same solution put in until
it is the only one again, and what is not needed is left out; the board stays if it is no easier, or
no fuller, than before.

A grid has one solution under some givens exactly when these meet every *unavoidable set*: the cells
in which another filling that keeps the rules differs from it. Those met once are remembered, so that
most questions need no solver.
"""

import functools
import random
from collections.abc import Sequence

import numpy as np

from hrm_course.tasks import Sudoku
from hrm_course.zoo.boards import CELLS, FULL, SPARSE

SIDE = 9
KINDS = {"guesses": 600, "blanks": 1_000, "both": 1_500, "full": 600}  # what it raises: steps
APART = 25  # moves between two boards of a climb that are kept
REMEMBERED = 4_096  # unavoidable sets


class Bits:
    """The solver of `Sudoku.difficulty` once more, for 9x9 alone and three times as fast.

    Bit ``81 * v + cell`` of one long integer says that value v + 1 may stand in a cell. Shifted
    copies of it, folded three by three, tell for all rows, columns, boxes and cells at once which
    have no candidate (a contradiction) and which have one. Both solvers fill in whatever the two
    rules give until these rest, in whatever order, and guess alike: so their counts are equal.
    """

    def __init__(self):
        every, three = range(SIDE), range(3)

        def first(cells: Sequence[int]) -> int:  # these cells, in the layer of each value
            return sum(1 << CELLS * v + cell for v in every for cell in cells)

        self.all = (1 << CELLS * SIDE) - 1
        self.cells = (1 << CELLS) - 1
        # A kind of unit: the shifts of its nine bits, threes and threes of threes; its first bits;
        # and the number that, times a first bit, gives all nine.
        self.kinds = [
            (a, b, heads, sum(1 << i * a + j * b for i in three for j in three))
            for a, b, heads in (
                (CELLS, 3 * CELLS, self.cells),
                (1, 3, first(range(0, CELLS, 9))),
                (1, 9, first([27 * r + 3 * c for r in three for c in three])),
                (9, 27, first(every)),
            )
        ]
        self.keep = [self.all & ~self._excluded(v, cell) for v in every for cell in range(CELLS)]

    def _excluded(self, value: int, cell: int) -> int:
        """What can't be where ``value`` stands in ``cell``."""
        mine = 1 << CELLS * value + cell
        seen = 0
        for a, b, heads, nine in self.kinds:
            for i in range(3):
                for j in range(3):
                    head = mine >> i * a + j * b
                    seen |= head * nine if head & heads else 0
        return seen & ~mine

    def open(self, puzzle) -> tuple[int, int]:
        """Candidates, and the values that stand, of a board ``[cells]`` with 0 for a blank."""
        free, placed = self.all, 0
        for cell, value in enumerate(puzzle):
            if value:
                i = CELLS * (value - 1) + cell
                free &= self.keep[i]
                placed |= 1 << i
        return free, placed

    def count(self, puzzle, limit: int = 2) -> tuple[int, int]:
        """Solutions, up to ``limit``, and guesses, as `Singles.count` says them."""
        return self._descend(*self.open(puzzle), limit)

    def _descend(self, free: int, placed: int, limit: int) -> tuple[int, int]:
        free, placed = self._fill_singles(free, placed)
        if free == placed:
            return int(free > 0), 0
        found = guesses = 0
        for i in self._fewest(free):
            more, tried = self._descend(free & self.keep[i], placed | 1 << i, limit - found)
            found, guesses = found + more, guesses + 1 + tried
            if found >= limit:
                break
        return found, guesses

    def other(self, free: int, placed: int, known: int) -> int:
        """The values of a solution that is not ``known``; 0 if there is none."""
        free, placed = self._fill_singles(free, placed)
        if free == placed:
            return free if free != known else 0
        for i in self._fewest(free):
            found = self.other(free & self.keep[i], placed | 1 << i, known)
            if found:
                return found
        return 0

    def _fill_singles(self, free: int, placed: int) -> tuple[int, int]:
        """Both rules until they rest; (0, 0) for a contradiction."""
        while True:
            single = 0
            for a, b, heads, nine in self.kinds:
                # Of each unit's bits: is there one (once), are there two (twice)?
                y, z = free >> a, free >> 2 * a
                any_two = free | y
                once, twice = any_two | z, free & y | any_two & z
                y, z = once >> b, once >> 2 * b
                any_two = once | y
                if (any_two | z) & heads != heads:
                    return 0, 0
                twice |= twice >> b | twice >> 2 * b | once & y | any_two & z
                single |= (heads & ~twice) * nine
            new = free & single & ~placed
            if not new:
                return free, placed
            placed |= new
            while new:
                i = new.bit_length() - 1
                free &= self.keep[i]
                new ^= 1 << i

    def _fewest(self, free: int) -> list[int]:
        """The candidates, from small to large, of the first cell with the fewest (at least two)."""
        layers = [free >> CELLS * v & self.cells for v in range(SIDE)]
        once = twice = thrice = 0
        for layer in layers:
            thrice |= twice & layer
            twice |= once & layer
            once |= layer
        pairs = twice & ~thrice
        if pairs:
            cell = (pairs & -pairs).bit_length() - 1
        else:
            several = (cell for cell in range(CELLS) if twice >> cell & 1)
            cell = min(several, key=lambda cell: sum(layer >> cell & 1 for layer in layers))
        return [CELLS * v + cell for v in range(SIDE) if layers[v] >> cell & 1]


class Climb:
    """Minimal boards of one solution, each a few givens away from the last.

    Args:
        solution: a complete board ``[81]``.
        rng: source of all choices.
        solver: a `Bits`, which may be shared.

    Givens are float32 vectors ``[81]`` of 0 and 1, so that one product with the remembered
    unavoidable sets ``[n, 81]`` counts how often each is met.
    """

    def __init__(self, solution: list[int], rng: random.Random, solver: Bits):
        self.solution, self.rng, self.solver = solution, rng, solver
        self._bits = [CELLS * (value - 1) + cell for cell, value in enumerate(solution)]
        self._known = sum(1 << i for i in self._bits)
        self._memory, self._met = np.zeros((REMEMBERED, CELLS), np.float32), 0

    def start(self) -> np.ndarray:
        """The givens of some minimal board."""
        givens = np.zeros(CELLS, np.float32)
        givens[self.rng.sample(range(CELLS), 20)] = 1
        return self._minimal(self._unique(givens))

    def move(self, givens: np.ndarray) -> np.ndarray:
        """Those of another one: one to three are exchanged for as many as it takes."""
        out = self.rng.sample(np.flatnonzero(givens).tolist(), self.rng.randint(1, 3))
        fewer = givens.copy()
        fewer[out] = 0
        return self._minimal(self._unique(fewer, out))

    def puzzle(self, givens: np.ndarray) -> list[int]:
        return [value if given else 0 for value, given in zip(self.solution, givens, strict=True)]

    @property
    def _sets(self) -> np.ndarray:
        return self._memory[: self._met]  # more than there is place for: all of it

    def _remember(self, cells: np.ndarray) -> None:
        self._memory[self._met % REMEMBERED] = cells
        self._met += 1

    def _unmet(self, givens: np.ndarray, without: int | None = None) -> np.ndarray | None:
        """An unavoidable set that no given meets, from the solver; None where there is none.

        ``without`` is a cell that a solution in search must fill otherwise, where this is known.
        """
        free, placed = self.solver.open(self.puzzle(givens))
        if without is not None:
            free &= ~(1 << self._bits[without])
        values = self.solver.other(free, placed, self._known) & ~self._known
        if not values:
            return None
        cells = np.zeros(CELLS, np.float32)
        while values:
            i = values.bit_length() - 1
            cells[i % CELLS] = 1
            values ^= 1 << i
        return cells

    def _unique(self, givens: np.ndarray, out: list[int] | tuple = ()) -> np.ndarray:
        """Adds givens, not those just taken ``out`` if others do, until all sets are met."""
        while True:
            unmet = np.flatnonzero(self._sets @ givens == 0)
            if len(unmet):
                cells = self._sets[self.rng.choice(unmet.tolist())]
            else:
                cells = self._unmet(givens)
                if cells is None:
                    return givens
                self._remember(cells)
            among = np.flatnonzero(cells).tolist()
            givens[self.rng.choice([cell for cell in among if cell not in out] or among)] = 1

    def _minimal(self, givens: np.ndarray) -> np.ndarray:
        """Leaves out givens, in random order, that no unavoidable set needs."""
        order = np.flatnonzero(givens).tolist()
        self.rng.shuffle(order)
        needed = self._needed(givens)
        for cell in order:
            if needed[cell]:
                continue
            givens[cell] = 0
            cells = self._unmet(givens, cell)
            if cells is not None:
                givens[cell] = 1
                self._remember(cells)
            needed = self._needed(givens)
        return givens

    def _needed(self, givens: np.ndarray) -> np.ndarray:
        """Which cells are the only given in some remembered set."""
        return self._sets[self._sets @ givens == 1].any(0)


def climb(kind: str, seed: str, steps: int | None = None) -> list[tuple[list[int], list[int], int]]:
    """One climb, and the boards on its way that are worth keeping, whether they raised it or not.

    Args:
        kind: what is raised, and kept. "guesses": those, and boards that need more than six;
            "full": the same among boards with at most `FULL` blanks; "blanks": those, and boards
            with at least `SPARSE`; "both": the blanks to `SPARSE`, then the guesses.
        seed: the same seed gives the same boards on every machine.
        steps: by default those of `KINDS`.

    Returns:
        Puzzle, solution and guesses of each. A board is kept when the last one is `APART` moves
        back, or when it needs 1.3 times the guesses of any before.
    """
    rng = random.Random(f"{kind} {seed}")
    solution = Sudoku().generate(1, 0, rng.getrandbits(32))[1][0].tolist()
    way = Climb(solution, rng, solver())
    now, best = way.start(), (-CELLS, 0)
    kept: list[tuple[list[int], list[int], int]] = []
    last, most = -APART, 0
    for step in range(KINDS[kind] if steps is None else steps):
        new = way.move(now)
        puzzle, blanks = way.puzzle(new), CELLS - int(new.sum())
        level, worth = {
            "guesses": (0, True),
            "blanks": (blanks, blanks >= SPARSE),
            "both": (min(blanks, SPARSE), blanks >= SPARSE),
            "full": (-max(blanks, FULL), blanks <= FULL),
        }[kind]
        counted = worth or (kind != "blanks" and level >= best[0])
        guesses = way.solver.count(puzzle)[1] if counted else 0
        score = level, guesses * (kind != "blanks")
        if score >= best:
            now, best = new, score
        worth = worth and (guesses > 6 or kind in ("blanks", "both"))
        if worth and (step >= last + APART or guesses > 1.3 * most):
            kept.append((puzzle, solution, guesses))
            last, most = step, max(most, guesses)
    return kept


@functools.cache
def solver() -> Bits:
    """A `Bits`, built once."""
    return Bits()
