"""Difficulty, minimal puzzles and the counting solver behind them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm_course.tasks import Sudoku
from hrm_course.tasks.singles import Singles

# An often printed puzzle by A. Inkala, far beyond the two rules.
INKALA = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."


def plain_guesses(task, puzzle, limit=2):
    """The described solver once more, with sets of values and without any cleverness."""
    units = [[u[kind] for u in task._units] for kind in range(3)]
    lines = [
        [c for c in range(task.cells) if kind[c] == i] for kind in units for i in range(task.side)
    ]

    def fits(board, cell):
        taken = {board[c] for line in lines if cell in line for c in line}
        return [v for v in range(1, task.side + 1) if v not in taken]

    def run(board, limit):
        board = list(board)
        while True:
            options = {c: fits(board, c) for c in range(task.cells) if not board[c]}
            if not options:
                return 1, 0
            if not all(options.values()):
                return 0, 0
            sure = [(c, vs[0]) for c, vs in options.items() if len(vs) == 1]
            for line in lines:
                for v in range(1, task.side + 1):
                    places = [c for c in line if c in options and v in options[c]]
                    if len(places) == 1:
                        sure.append((places[0], v))
                    if not places and all(board[c] != v for c in line):
                        return 0, 0
            if not sure:
                break
            board[sure[0][0]] = sure[0][1]
        fewest = min(len(vs) for vs in options.values())
        cell = next(c for c, vs in options.items() if len(vs) == fewest)
        found = guesses = 0
        for value in options[cell]:
            more, tried = run([*board[:cell], value, *board[cell + 1 :]], limit - found)
            found, guesses = found + more, guesses + 1 + tried
            if found >= limit:
                break
        return found, guesses

    return run(puzzle, limit)


@pytest.mark.parametrize("box, n", [((2, 3), 12), ((3, 2), 6), ((3, 3), 6)])
def test_difficulty_is_what_the_description_says(box, n):
    task = Sudoku(box)
    puzzles, _ = task.hard(n, seed=1, guesses=1)
    for puzzle in puzzles:
        found, guesses = plain_guesses(task, puzzle.tolist())
        assert found == 1 and guesses == task.difficulty(puzzle) >= 1


def test_guesses_where_no_cell_has_only_two_values():
    task = Sudoku((2, 3))
    _, grids = task.generate(8, 1, seed=0)
    rng = np.random.default_rng(0)
    for grid in grids:
        puzzle = np.where(rng.permutation(36) < 5, grid, 0).tolist()
        assert task._singles.count(puzzle, limit=15) == plain_guesses(task, puzzle, limit=15)


def test_known_difficulties():
    task = Sudoku()
    easy = task.parse(
        "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
    )
    assert task.difficulty(easy) == 0
    assert task.difficulty(task.parse(INKALA)) > 50
    assert task.is_minimal(task.parse(INKALA)) and not task.is_minimal(easy)


@pytest.mark.parametrize("box", [(2, 3), (3, 3)])
@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_hard_puzzles_are_minimal_and_unique(box, seed):
    task = Sudoku(box)
    (puzzle,), (solution,) = task.hard(1, seed)
    assert np.array_equal(task.solve(puzzle), solution) and task.difficulty(puzzle) >= 1
    assert task.is_minimal(puzzle)
    for cell in np.flatnonzero(puzzle):
        fewer = puzzle.copy()
        fewer[cell] = 0
        assert len(task.search(fewer, limit=2).solutions) == 2  # by the other solver


def test_hard_puzzles_are_seeded_and_as_hard_as_asked():
    task = Sudoku()
    many, few = (task.hard(n, seed=4, guesses=10)[0] for n in (4, 2))
    assert np.array_equal(many[:2], few)
    assert min(map(task.difficulty, many)) >= 10
    small = Sudoku((2, 3))
    assert min(map(small.difficulty, small.hard(10, guesses=2)[0])) == 2
    assert not np.array_equal(task.hard(1, seed=5)[0], task.hard(1, seed=6)[0])


@given(st.integers(0, 10**6), st.floats(0.2, 0.8))
def test_the_two_solvers_count_alike(seed, share):
    task = Sudoku((2, 2))
    rng = np.random.default_rng(seed)
    grid = task.all_grids()[rng.integers(288)]
    puzzle = np.where(rng.random(16) < share, grid, 0)
    puzzle[rng.integers(16)] = rng.integers(5)  # often without a solution
    try:
        expected = len(task.search(puzzle, limit=300).solutions)
    except ValueError:
        return  # two equal givens in a unit
    solver = Singles(task._units, 4)
    assert solver.count(puzzle.tolist(), limit=300)[0] == expected
    assert solver.count(puzzle.tolist(), limit=2)[0] == min(expected, 2)
    for cell, value in itertools.product(np.flatnonzero(puzzle == 0)[:3].tolist(), range(1, 5)):
        others = [s[cell] != value for s in task.search(puzzle, limit=300).solutions]
        assert solver.is_forced(puzzle.tolist(), cell, value) == (not any(others))


def test_bad_input_gets_a_sentence():
    task = Sudoku()
    with pytest.raises(ValueError, match="Ask for fewer"):
        Sudoku((2, 2)).hard(1, guesses=1)
    with pytest.raises(ValueError, match="more than one solution"):
        task.difficulty(np.zeros(81, dtype=int))
    with pytest.raises(ValueError, match="contradict"):
        task.difficulty(np.ones(81, dtype=int))
    with pytest.raises(ValueError, match="81 cells"):
        task.is_minimal(np.zeros(80, dtype=int))
    stuck = task.parse("12345678........9" + "." * 64)  # 9 fits nowhere in row 1
    with pytest.raises(ValueError, match="no solution"):
        task.difficulty(stuck)
