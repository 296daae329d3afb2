"""The templates against rules written anew, and the contract against tasks that break it."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm_course.tasks import Colouring, LatinSquare, Maze, Parity, Sudoku, faults

TASKS = [Parity(16), LatinSquare(4), LatinSquare(5), Colouring(), Colouring(12, (1, 3), 3)]
SMALL = [LatinSquare(2), LatinSquare(3), Colouring(7, (1,), 3), Colouring(8, (1, 3), 2)]


def ids(task):
    return str(task)


def latin(side, board):
    rows = np.reshape(board, (side, side))
    return all(sorted(line) == [*range(1, side + 1)] for line in [*rows, *rows.T])


def colours(task, board):
    pairs = {(k, (k + jump) % task.nodes) for k in range(task.nodes) for jump in task.jumps}
    return all(board[a] != board[b] for a, b in pairs)


def by_rule(task, board):
    return latin(task.side, board) if isinstance(task, LatinSquare) else colours(task, board)


def every_solution(task, puzzle):
    """All ways to fill the blanks, tried one after the other."""
    ways = [[v] if v else range(1, task.most + 1) for v in puzzle]
    return [np.array(board) for board in product(*ways) if by_rule(task, board)]


@pytest.mark.parametrize("task", TASKS, ids=ids)
def test_each_fulfils_the_contract(task):
    assert faults(task, n=24) == []


def test_so_do_the_tasks_of_the_course():
    assert faults(Sudoku(), n=4) == [] and faults(Maze(7), n=16) == []


@pytest.mark.parametrize("task", SMALL, ids=ids)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_verdicts_and_solutions_are_those_of_trying_everything(task, data):
    numbers = st.integers(0, task.most)
    puzzle = np.array(data.draw(st.lists(numbers, min_size=task.seq_len, max_size=task.seq_len)))
    if (puzzle == 0).sum() > 8:
        puzzle[8:] = 1
    true = every_solution(task, puzzle)
    found = task.solutions(puzzle, limit=10_000)
    assert sorted(map(tuple, found)) == sorted(map(tuple, true))
    assert len(task.solutions(puzzle, limit=1)) == min(1, len(true))
    for board in true[:5]:
        assert task.is_solution(puzzle, board)
    if not by_rule(task, np.where(puzzle == 0, 1, puzzle)):
        assert not task.is_solution(puzzle, np.where(puzzle == 0, 1, puzzle))


def test_a_number_that_is_none_of_the_colours_solves_nothing():
    task, blank = Colouring(4, (1,), 2), [0] * 4
    assert task.is_solution(blank, [1, 2, 1, 2])
    assert not task.is_solution(blank, [1, 3, 1, 2]) and not task.is_solution(blank, [1, -1, 1, 2])


@pytest.mark.parametrize("task", [LatinSquare(3), Colouring(9, (1, 4), 3)], ids=ids)
def test_puzzles_have_one_solution(task):
    for puzzle, solution in zip(*task.generate(8, task.seq_len - 2, seed=5), strict=True):
        (only,) = every_solution(task, puzzle)
        assert (only == solution).all() and (puzzle == 0).any()


def test_parity_by_hand_and_by_counting():
    task = Parity(4)
    assert task.is_solution([1, 0, 1, 1], [1, 1, 0, 1])
    for bits in product((0, 1), repeat=4):
        right = [sum(bits[: k + 1]) % 2 for k in range(4)]
        accepted = [a for a in product((0, 1), repeat=4) if task.is_solution(bits, a)]
        assert accepted == [tuple(right)]
    bits, answers = task.generate(50, seed=1)
    assert all(task.is_solution(*pair) for pair in zip(bits, answers, strict=True))


def test_a_latin_square_is_a_colouring():
    """A 3x3 Latin square is a colouring of the graph of its rows and columns: 12 of them."""
    assert len(LatinSquare(3).solutions([0] * 9, limit=100)) == 12
    assert len(LatinSquare(4).solutions([0] * 16, limit=1000)) == 576
    ring = Colouring(9, (1,), 3)  # chromatic polynomial of a ring: (k - 1)^n + (-1)^n (k - 1)
    assert len(ring.solutions([0] * 9, limit=1000)) == 2**9 - 2


@pytest.mark.parametrize("task", [LatinSquare(4), Colouring()], ids=ids)
def test_renaming_keeps_blanks_and_rules(task):
    puzzles, solutions = task.generate(6, seed=3)
    new, answers = task.augment(puzzles, solutions, seed=4)
    assert ((new == 0) == (puzzles == 0)).all() and (answers != solutions).any()
    assert all(task.is_solution(*pair) for pair in zip(new, answers, strict=True))
    assert all(len(task.solutions(puzzle)) == 1 for puzzle in new)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: LatinSquare(1), "side must be a whole number from 2"),
        (lambda: Parity(True), "length must be a whole number"),
        (lambda: Colouring(10, (1, 1)), "different whole numbers from 1 to 5"),
        (lambda: Colouring(10, (0,)), "different whole numbers from 1 to 5"),
        (lambda: Colouring(9, (1,), 2), "no colouring with 2 colours"),
        (lambda: LatinSquare(3).encode([1, 2]), r"must be \[\.\.\., 9\]"),
        (lambda: LatinSquare(3).generate(2, blanks=10), "blanks must be a whole number"),
        (lambda: Parity(3).encode([0, 1, 2]), "numbers from 0 to 1"),
    ],
)
def test_bad_input_gets_a_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()


class Broken:
    """Parity with one thing changed."""

    def __init__(self, **changes):
        self.task = Parity(16)
        vars(self).update(changes)

    def __getattr__(self, name):
        return getattr(self.task, name)


PARITY = Parity(16)


def unseeded(n, seed=0):
    return PARITY.generate(n, seed=np.random.default_rng())


def few(n, seed=0):
    return tuple(board[np.arange(n) % 4] for board in PARITY.generate(4, seed=0))


@pytest.mark.parametrize(
    "task, words",
    [
        (object(), "lacks seq_len, vocab_size, generate"),
        (Broken(generate=lambda n: PARITY.generate(n)), "can't be used: TypeError"),
        (Broken(generate=lambda n, seed=0: PARITY.generate(n + 1, seed)), r"\[64, 16\], not"),
        (Broken(generate=unseeded), "same seed"),
        (Broken(generate=few), "More than 5 %"),
        (Broken(vocab_size=2), "from 0 to 2 - 1"),
        (Broken(encode=lambda b: np.asarray(b).astype(np.int32) + 1), "int64"),
        (Broken(decode=lambda t: np.asarray(t)), "decode the"),
        (Broken(is_solution=lambda p, a: True), "accepts answers"),
        (Broken(is_solution=lambda p, a: False), "refuses a solution"),
        (Broken(is_solution=lambda p, a: set(np.asarray(a)) <= {0, 1}), "accepts answers"),
    ],
)
def test_what_breaks_the_contract_is_named(task, words):
    import re

    found = faults(task)
    assert len(found) >= 1 and any(re.search(words, sentence) for sentence in found), found
