"""Difficulty, minimal puzzles and the counting solver behind them."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm_course.tasks import Sudoku
from hrm_course.tasks.search import Descent, GaveUp

# An often printed puzzle by A. Inkala, far beyond the two rules.
INKALA = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."


def plain_guesses(task, puzzle, limit=2):
    """The described solver once more, with sets of values and without any cleverness."""
    units = [[u[kind] for u in task._units] for kind in range(3)]
    lines = [
        [c for c in range(task.cells) if kind[c] == i] for kind in units for i in range(task.side)
    ]

    sees = [{c for line in lines if cell in line for c in line} for cell in range(task.cells)]

    def fits(board, cell):
        taken = {board[c] for c in sees[cell]}
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


@settings(max_examples=25)
@given(box=st.sampled_from([(2, 3), (2, 3), (3, 3)]), seed=st.integers(0, 10**6))
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


GRIDS = Sudoku((2, 2)).all_grids()


@given(st.integers(0, 10**6), st.floats(0.2, 0.8))
def test_counting_with_both_rules_against_all_grids(seed, share):
    task, rng = Sudoku((2, 2)), np.random.default_rng(seed)
    puzzle = np.where(rng.random(16) < share, GRIDS[rng.integers(288)], 0)
    puzzle[rng.integers(16)] = rng.integers(5)  # often without a solution
    fitting = GRIDS[((GRIDS == puzzle) | (puzzle == 0)).all(1)]
    try:
        board = task.check(puzzle).tolist()
    except ValueError:
        return  # two equal givens in a unit
    solver = task._singles
    assert solver.count(board, limit=300)[0] == len(fitting)
    assert solver.count(board, limit=2)[0] == min(len(fitting), 2)
    assert solver.is_unique(board) == (len(fitting) == 1)
    for cell, value in itertools.product(np.flatnonzero(puzzle == 0)[:3].tolist(), range(1, 5)):
        assert solver.is_forced(board, cell, value) == (fitting[:, cell] == value).all()


@given(st.integers(0, 10**6), st.floats(0.2, 0.6), st.booleans())
def test_every_way_of_searching_finds_the_same_solutions(seed, share, hidden):
    task, rng = Sudoku((2, 3)), np.random.default_rng(seed)
    grid = np.array(task._fill(random.Random(seed)))
    puzzle = np.where(rng.random(36) < max(share, 0.3), grid, 0)
    one, other = (
        {tuple(board) for board in task._singles.search(puzzle.tolist(), descent)}
        for descent in (
            Descent(10**4, 10**6, hidden=False),
            Descent(10**4, hidden=hidden, anywhere=True),
        )
    )
    assert one == other and tuple(grid.tolist()) in one
    assert all(task.is_solution(puzzle, np.array(board)) for board in one)


# No solution, though no two givens clash: half an hour of guessing for many solvers.
IMPOSSIBLE = ".....5.8....6.1.43..........1.5........1.6...3.......553.....61........4........."


def test_a_board_without_a_solution_takes_no_time():
    task = Sudoku()
    assert (
        len(task._singles.search(task.parse(IMPOSSIBLE).tolist(), Descent(2, 100, anywhere=True)))
        == 0
    )
    with pytest.raises(ValueError, match="no solution"):
        task.solve(task.parse(IMPOSSIBLE))
    assert not task.is_minimal(task.parse(IMPOSSIBLE))


def test_a_search_that_would_take_for_ever_gives_up(monkeypatch):
    task = Sudoku()
    board = task.parse(IMPOSSIBLE)
    for descent in (Descent(2, 500, hidden=False), Descent(2, 500)):
        with pytest.raises(GaveUp, match="gave up after 500 guesses"):
            task._singles.search(board.tolist(), descent)
        assert descent.guesses == 501
    with pytest.raises(ValueError, match="no solution"):
        task.difficulty(board)  # asks the better search first


def test_guesses_are_those_they_have_always_been():
    """Chapters and cards quote them: by one rule (`search`), by two (`difficulty`)."""
    task = Sudoku()
    both = [(task.search(p).guesses, task.difficulty(p)) for p in task.hard(6, seed=9)[0]]
    assert both == [(30, 6), (112, 6), (22, 2), (60, 8), (262, 6), (1228, 2)]
    assert task.search(task.parse(INKALA)).guesses == 3_598


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
