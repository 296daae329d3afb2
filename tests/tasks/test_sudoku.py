import functools
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrm_course.tasks import Sudoku

BOXES = [(2, 2), (2, 3), (3, 2), (3, 3)]
# An often printed puzzle (Wikipedia, "Sudoku") with its solution.
TEXT = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
ANSWER = "534678912672195348198342567859761423426853791713924856961537284287419635345286179"


def is_valid_grid(grid, box):
    """The rules, checked the long way."""
    h, w = box
    side = h * w
    board = np.asarray(grid).reshape(side, side)
    want = set(range(1, side + 1))
    boxes = [
        board[i : i + h, j : j + w].ravel() for i in range(0, side, h) for j in range(0, side, w)
    ]
    return all(set(unit.tolist()) == want for unit in [*board, *board.T, *boxes])


@functools.cache
def brute_force_4x4():
    """All complete 4x4 grids by trying every row permutation."""
    rows = list(itertools.permutations(range(1, 5)))
    grids = []
    for first, second in itertools.product(rows, rows):
        top = np.array([first, second])
        if len(set(top[:, :2].ravel())) == 4 and len(set(top[:, 2:].ravel())) == 4:
            for third, fourth in itertools.product(rows, rows):
                grid = np.concatenate([top, [third], [fourth]]).ravel()
                if is_valid_grid(grid, (2, 2)):
                    grids.append(tuple(grid.tolist()))
    return grids


def test_all_288_grids_of_4x4():
    found = {tuple(grid) for grid in Sudoku((2, 2)).all_grids().tolist()}
    assert len(found) == 288 and found == set(brute_force_4x4())


@pytest.mark.parametrize("box", BOXES)
@given(seed=st.integers(0, 10**6), share=st.floats(0, 0.5))
def test_generated_puzzles_have_exactly_one_solution(box, seed, share):
    task = Sudoku(box)
    blanks = int(share * task.cells)
    puzzles, solutions = task.generate(2, blanks, seed)
    for puzzle, solution in zip(puzzles, solutions, strict=True):
        assert (puzzle == 0).sum() == blanks
        assert is_valid_grid(solution, box)
        assert task.is_solution(puzzle, solution)
        found = task.search(puzzle, limit=3).solutions
        assert len(found) == 1 and np.array_equal(found[0], solution)


def test_counting_against_brute_force():
    grids = np.array(brute_force_4x4())
    rng = np.random.default_rng(0)
    for _ in range(30):
        puzzle = np.where(rng.random(16) < 0.3, grids[rng.integers(288)], 0)
        fits = ((grids == puzzle) | (puzzle == 0)).all(1).sum()
        assert len(Sudoku((2, 2)).search(puzzle, limit=300).solutions) == fits


def test_a_known_puzzle():
    task = Sudoku()
    puzzle = task.parse(TEXT)
    assert task.format(task.solve(puzzle)) == ANSWER
    assert task.format(puzzle) == TEXT
    assert task.search(puzzle).guesses == 0


def test_guesses_count_the_tries_in_open_cells():
    empty = np.zeros(16, dtype=int)
    assert Sudoku((2, 2)).search(empty, limit=1).guesses > 0


def test_generation_is_seeded_and_draws_the_blanks_from_the_range():
    task = Sudoku((2, 3))
    first, again, other = (task.generate(20, (10, 18), seed)[0] for seed in (5, 5, 6))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    blanks = (first == 0).sum(1)
    assert blanks.min() >= 10 and blanks.max() <= 18 and len(set(blanks)) > 2


def test_puzzles_can_be_made_from_given_grids():
    task = Sudoku((2, 2))
    grids = task.all_grids()[:3]
    _, solutions = task.generate(30, 8, 0, grids)
    assert {tuple(s) for s in solutions.tolist()} == {tuple(g) for g in grids.tolist()}


@pytest.mark.parametrize("box", BOXES)
@given(seed=st.integers(0, 10**6))
def test_symmetries_keep_puzzle_and_solution_together(box, seed):
    task = Sudoku(box)
    puzzles, solutions = task.generate(3, task.cells // 3, 1)
    moved, answers = task.augment(puzzles, solutions, seed)
    assert np.array_equal((moved == 0).sum(1), (puzzles == 0).sum(1))
    for puzzle, answer in zip(moved, answers, strict=True):
        assert is_valid_grid(answer, box) and task.is_solution(puzzle, answer)
        assert np.array_equal(task.solve(puzzle), answer)


def test_symmetries_reach_all_images_of_a_grid():
    task = Sudoku((2, 2))
    grids = task.all_grids()
    orbits = set()
    for grid in grids[:: len(grids) // 24]:
        many = np.tile(grid, (4_000, 1))
        orbits.add(len({tuple(g) for g in task.augment(many, many, 0)[1].tolist()}))
    # 4x4 has two essentially different grids; their orbits are 96 and 192 strong
    assert orbits == {96, 192}


@pytest.mark.parametrize("box", BOXES)
@given(seed=st.integers(0, 10_000))
def test_no_symmetry_changes_a_fingerprint(box, seed):
    sudoku = Sudoku(box)
    puzzles, solutions = sudoku.generate(3, sudoku.cells // 2, seed)
    images, _ = sudoku.augment(puzzles, solutions, seed)
    assert (sudoku.fingerprint(puzzles) == sudoku.fingerprint(images)).all()


@pytest.mark.parametrize("box", [(2, 3), (3, 3)])
def test_fingerprints_of_different_puzzles_differ(box):
    sudoku, rng = Sudoku(box), np.random.default_rng(7)
    _, grids = sudoku.generate(100, 0, 7)
    shown = rng.random((2_000, sudoku.cells)).argsort(1) < sudoku.cells // 2
    puzzles = np.where(shown, grids.repeat(20, axis=0), 0)
    assert len(set(sudoku.fingerprint(puzzles).tolist())) == 2_000
    moved = puzzles.copy()  # two givens change places: nearly always another puzzle
    for board in moved:
        first, last = np.flatnonzero(board)[[0, -1]]
        board[[first, last]] = board[[last, first]]
    changed = (moved != puzzles).any(1)
    same = sudoku.fingerprint(moved)[changed] == sudoku.fingerprint(puzzles)[changed]
    assert same.mean() < 0.02


def test_fingerprints_tell_apart_what_brute_force_does():
    """4x4: the number of fingerprints of two-given boards is that of their classes."""
    sudoku = Sudoku((2, 2))
    boards = np.zeros((16 * 15 * 2, 16), dtype=np.int64)
    pairs = [(i, j, v) for i in range(16) for j in range(16) if i != j for v in (1, 2)]
    for board, (i, j, v) in zip(boards, pairs, strict=True):
        board[i], board[j] = 1, v
    halves = [(a, b) for a in ((0, 1), (1, 0)) for b in ((2, 3), (3, 2))]
    lines = [a + b for a, b in halves] + [b + a for a, b in halves]
    cells = np.arange(16).reshape(4, 4)
    images = [cells[np.ix_(rows, columns)] for rows in lines for columns in lines]
    images += [image.T for image in images]
    assert len({image.tobytes() for image in images}) == 128
    moved = boards[:, np.array(images).reshape(128, 16)]  # [boards, images, cells]
    first = np.take_along_axis(moved, (moved > 0).argmax(2)[..., None], axis=2)
    named = np.where(moved == 0, 0, np.where(moved == first, 1, 2))  # by order of appearance
    classes = {min(image.tobytes() for image in board) for board in named}
    assert len(set(sudoku.fingerprint(boards).tolist())) == len(classes)


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("box", BOXES)
@given(seed=st.integers(0, 10_000))
def test_rounds_against_a_board_filled_by_hand(box, hidden, seed):
    sudoku = Sudoku(box)
    puzzles, solutions = sudoku.generate(2, sudoku.cells // 2, seed)
    rounds, open_to = sudoku.rounds(puzzles, hidden), sudoku.candidates(puzzles)
    assert (sudoku.rounds(puzzles[0], hidden) == rounds[0]).all()
    for puzzle, solution, said, first in zip(puzzles, solutions, rounds, open_to, strict=True):
        board, n = puzzle.copy(), 0
        assert ((said == 0) == (puzzle > 0)).all()
        while True:
            n += 1
            fit = {
                (cell, v)
                for cell in np.flatnonzero(board == 0).tolist()
                for v in range(1, sudoku.side + 1)
                if fits(sudoku, board, cell, v)
            }
            if n == 1:
                assert {(c, v + 1) for c, v in np.argwhere(first).tolist()} == fit
            certain = {cell for cell, _ in fit if sum(c == cell for c, _ in fit) == 1}
            if hidden:
                certain |= {cell for cell, v in fit if is_only_place(sudoku, fit, cell, v)}
            assert set(np.flatnonzero(said == n).tolist()) == certain
            if not certain:
                break
            board[list(certain)] = solution[list(certain)]
        assert (said[board == 0] == -1).all()


def is_only_place(sudoku, fit, cell, value):
    (h, w), side = sudoku.box, sudoku.side
    places = [divmod(c, side) for c, v in fit if v == value]
    r, c = divmod(cell, side)
    units = (
        [a for a, b in places if a == r],
        [a for a, b in places if b == c],
        [a for a, b in places if (a // h, b // w) == (r // h, c // w)],
    )
    return any(len(unit) == 1 for unit in units)


def fits(sudoku, board, cell, value):
    (h, w), side = sudoku.box, sudoku.side
    rows = board.reshape(side, side)
    r, c = divmod(int(cell), side)
    box = rows[r // h * h : r // h * h + h, c // w * w : c // w * w + w]
    return value not in rows[r] and value not in rows[:, c] and value not in box


def test_one_board_can_be_augmented_alone():
    task = Sudoku()
    puzzle, solution = task.parse(TEXT), task.parse(ANSWER)
    moved, answer = task.augment(puzzle, solution, seed=3)
    assert moved.shape == (81,) and task.is_solution(moved, answer)


@given(st.integers(0, 10**6))
def test_text_and_tokens_go_there_and_back(seed):
    task = Sudoku()
    puzzle = task.generate(1, 40, seed)[0][0]
    assert np.array_equal(task.parse(task.format(puzzle)), puzzle)
    tokens = task.encode(puzzle)
    assert tokens.min() == 1 and tokens.max() == 10 and task.vocab_size == 11
    assert np.array_equal(task.decode(tokens), puzzle)
    assert task.decode(np.array([0]))[0] == 0


def test_wrong_answers_are_no_solutions():
    task = Sudoku()
    puzzle, answer = task.parse(TEXT), task.parse(ANSWER)
    swapped = answer.copy()
    swapped[[0, 1]] = swapped[[1, 0]]
    other = task.augment(answer, answer, 1)[0]  # valid, but of another puzzle
    for wrong in (swapped, puzzle, other, answer[:80]):
        assert not task.is_solution(puzzle, wrong)


SHORT, LONG = TEXT[:80], TEXT + "1"
TWO_FIVES = "55" + TEXT[2:]
CASES = [
    (lambda: Sudoku().parse(SHORT), "81 characters; this text has 80"),
    (lambda: Sudoku().parse(LONG), "this text has 82"),
    (lambda: Sudoku().parse("z" + TEXT[1:]), r"Character 1 \(row 1, column 1\) is 'Z'"),
    (lambda: Sudoku((2, 2)).parse("5" + "." * 15), "allowed are 1 to 4"),
    (lambda: Sudoku().parse(TWO_FIVES), "row 1, column 1 and row 1, column 2 are both 5"),
    (lambda: Sudoku().solve(np.zeros(80)), "81 cells"),
    (lambda: Sudoku().solve(np.full(81, 10)), "holds 10"),
    (lambda: Sudoku().solve(np.full(81, 0.5)), r"holds 0\.5"),
    (lambda: Sudoku().solve(np.zeros(81)), "more than one solution: row ., column ."),
    (lambda: Sudoku((2, 2)).solve([1, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 3, 0, 0, 0, 0]), "no solution"),
    (lambda: Sudoku().generate(1, 81), r"0\.\.80"),
    (lambda: Sudoku().generate(1, (40, 30)), r"0\.\.80"),
    (lambda: Sudoku((2, 2)).generate(1, 14), "Ask for fewer blanks"),
    (lambda: Sudoku((0, 3)), "rows, columns"),
    (lambda: Sudoku((6, 6)), "rows, columns"),
    (lambda: Sudoku().all_grids(), "up to 4x4"),
]


@pytest.mark.parametrize(("call", "sentence"), CASES)
def test_bad_input_says_what_and_where(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
