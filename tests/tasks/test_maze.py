import itertools
import traceback
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hrm_course.tasks import Maze
from hrm_course.tasks.symmetries import INVERSE, dihedral

SIZES = st.sampled_from([5, 7, 9, 15])
PICTURE = """\
#######
#S    #
# ### #
#   # #
### # #
#G    #
#######"""


def passages(board, size):
    """The free cells as (row, column), and the pairs of them that touch."""
    cells = {divmod(int(c), size) for c in np.flatnonzero(board)}
    steps = [((r, c), (r + dr, c + dc)) for r, c in cells for dr, dc in ((0, 1), (1, 0))]
    return cells, [pair for pair in steps if pair[1] in cells]


def all_shortest_paths(board, size):
    """Every shortest path from start to goal, by trying all simple walks, shortest first."""
    cells, pairs = passages(board, size)
    touching = {cell: [] for cell in cells}
    for a, b in pairs:
        touching[a].append(b)
        touching[b].append(a)
    start, goal = (divmod(int(np.flatnonzero(board == v)[0]), size) for v in (2, 3))
    walks = [[start]]
    while walks:
        if found := [walk for walk in walks if walk[-1] == goal]:
            return found
        walks = [[*w, to] for w in walks for to in touching[w[-1]] if to not in w]
    return []


def spanning_trees(rooms):
    """Kirchhoff: the spanning trees of a square grid of rooms, as a determinant."""
    laplacian = np.zeros((rooms**2, rooms**2))
    for r, c in itertools.product(range(rooms), repeat=2):
        for there in ((r + 1, c), (r, c + 1)):
            if max(there) < rooms:
                a, b = r * rooms + c, there[0] * rooms + there[1]
                laplacian[a, a] += 1
                laplacian[b, b] += 1
                laplacian[a, b] = laplacian[b, a] = -1
    return round(np.linalg.det(laplacian[1:, 1:]))


@given(size=SIZES, seed=st.integers(0, 10**6))
def test_perfect_mazes_are_trees_on_all_rooms(size, seed):
    puzzle = Maze(size).generate(1, seed)[0][0]
    board = puzzle.reshape(size, size)
    assert (board[1::2, 1::2] > 0).all() and not board[::2, ::2].any()
    assert not board[[0, -1]].any() and not board[:, [0, -1]].any()
    cells, pairs = passages(puzzle, size)
    assert len(pairs) == len(cells) - 1  # no loop, if connected ...
    reached = {next(iter(cells))}
    while grown := {b for p in pairs for b in p if reached & set(p)} - reached:
        reached |= grown
    assert reached == cells  # ... which it is


def test_13824_perfect_mazes_of_size_7():
    assert spanning_trees(3) == 192 and 192 * 9 * 8 == 13_824
    puzzles, _ = Maze(7).generate(10_000, seed=0)
    layouts = Counter(row.tobytes() for row in puzzles == 0)
    assert len(layouts) == 192
    expected = len(puzzles) / 192
    chi_squared = sum((count - expected) ** 2 / expected for count in layouts.values())
    assert 120 < chi_squared < 280  # 191 degrees of freedom: 191 +- 4.5 standard deviations of 19.5
    seen = len(np.unique(puzzles, axis=0))
    assert 6_950 < seen < 7_290  # 13,824 (1 - exp(-10,000 / 13,824)) = 7,118 are expected


@given(SIZES, st.integers(0, 10**6), st.sampled_from([0.0, 0.3, 1.0]), st.integers(0, 6))
def test_the_path_is_the_only_shortest_one(size, seed, loops, min_path):
    task = Maze(size)
    min_path = 2 if size == 5 else min_path  # four rooms in a ring: across there are two ways
    puzzle, solution = (a[0] for a in task.generate(1, seed, loops, min_path))
    if size > 9 or (loops and size > 7):
        paths = [None]  # too many walks to try
        steps, ways = task.paths(puzzle)
        assert ways == 1
    else:
        paths = all_shortest_paths(puzzle, size)
        marked = {divmod(int(c), size) for c in np.flatnonzero(solution == 4)}
        assert len(paths) == 1 and marked == set(paths[0][1:-1])
        steps = len(paths[0]) - 1
    assert steps == task.difficulty(puzzle) >= max(min_path, 2)
    assert (solution == 4).sum() == steps - 1
    assert np.array_equal(task.solve(puzzle), solution) and task.is_solution(puzzle, solution)
    assert np.array_equal(np.where(solution == 4, 1, solution), puzzle)


def test_loops_open_walls():
    free = [(Maze(15).generate(5, 0, loops)[0] > 0).sum(1) for loops in (0, 0.5, 1)]
    # 49 rooms; a tree has 48 doors and leaves 84 - 48 = 36 walls
    assert [set(counts.tolist()) for counts in free] == [{97}, {97 + 18}, {97 + 36}]


def test_seeded():
    task = Maze(9)
    many, few, other = (task.generate(n, seed)[0] for n, seed in ((20, 5), (8, 5), (8, 6)))
    assert np.array_equal(many[:8], few) and not np.array_equal(few, other)
    assert task.format(few[0]).split("\n")[1:3] == ["#    S#G#", "# ##### #"]  # on every machine


def test_counts_several_shortest_paths_and_accepts_each():
    task = Maze(7)
    board = task.parse(PICTURE)
    board[(board == 3)] = 1
    board[5 * 7 + 5] = 3  # the goal in the other corner: two ways round of eight steps
    paths = all_shortest_paths(board, 7)
    assert task.paths(board) == (8, len(paths)) == (8, 2)
    for path in paths:
        answer = board.copy()
        answer[[r * 7 + c for r, c in path[1:-1]]] = 4
        assert task.is_solution(board, answer)
    assert task.is_solution(board, task.solve(board))


@given(seed=st.integers(0, 10**6), cell=st.integers(0, 80), value=st.integers(0, 5))
def test_a_changed_answer_is_wrong(seed, cell, value):
    task = Maze(9)
    puzzle, solution = (a[0] for a in task.generate(1, seed))
    answer = solution.copy()
    answer[cell] = value
    assert task.is_solution(puzzle, answer) == (value == solution[cell])


def test_wrong_answers():
    task = Maze(9)
    puzzle, solution = (a[0] for a in task.generate(1, 3, min_path=6))
    assert not task.is_solution(puzzle, puzzle)
    assert not task.is_solution(puzzle, solution[:-1])
    extra = solution.copy()
    extra[np.flatnonzero(solution == 1)[0]] = 4  # the path and one cell more
    assert not task.is_solution(puzzle, extra)
    # as many marks as steps, but not one path
    moved = solution.copy()
    moved[np.flatnonzero(solution == 4)[2]] = 1
    moved[np.flatnonzero(solution == 1)[0]] = 4
    assert not task.is_solution(puzzle, moved)


@given(SIZES, st.integers(0, 10**6), st.sampled_from([0.0, 0.4]))
def test_images_are_mazes_with_the_same_answer(size, seed, loops):
    task = Maze(size)
    puzzle, solution = (a[0] for a in task.generate(1, seed, loops))
    puzzles, solutions = puzzle[task.images], solution[task.images]
    assert np.array_equal(puzzles[0], puzzle)
    square = puzzle.reshape(size, size)
    references = [square, *(np.rot90(square, k) for k in (1, 2, 3))]
    references += [square[:, ::-1], square[::-1], square.T, square[::-1, ::-1].T]
    for image, answer, reference in zip(puzzles, solutions, references, strict=True):
        assert np.array_equal(image.reshape(size, size), reference)
        assert np.array_equal(task.solve(image), answer)


def test_augment():
    task = Maze(9)
    puzzles, solutions = task.generate(200, 0)
    moved, answers = task.augment(puzzles, solutions, 1)
    again, _ = task.augment(puzzles, solutions, 1)
    which = set()
    for puzzle, image, answer in zip(puzzles, moved, answers, strict=True):
        assert task.is_solution(image, answer)
        which.add(int(np.flatnonzero((puzzle[task.images] == image).all(1))[0]))
    assert which == set(range(8)) and np.array_equal(moved, again)
    one, answer = task.augment(puzzles[0], solutions[0], 2)
    assert one.shape == (81,) and task.is_solution(one, answer)


@pytest.mark.parametrize("by", ["layout", "maze"])
@pytest.mark.parametrize("size", [7, 9])
def test_no_test_maze_is_an_image_of_a_training_maze(size, by):
    task = Maze(size)
    puzzles, _ = task.generate(3_000, seed=8)
    held_out = task.split(puzzles, 0.2, by)
    assert 0.1 < held_out.mean() < 0.35
    shown = puzzles if by == "maze" else np.where(puzzles == 0, 0, 1)
    train = {row.tobytes() for row in shown[~held_out]}
    for board in shown[held_out]:
        assert not any(image.tobytes() in train for image in board[task.images])
        swapped = np.select([board == 2, board == 3], [3, 2], board)
        assert not any(image.tobytes() in train for image in swapped[task.images])
    order = np.random.default_rng(0).permutation(3_000)
    assert np.array_equal(task.split(puzzles[order], 0.2, by), held_out[order])


def test_28_layouts_of_size_7_up_to_symmetry():
    task = Maze(7)
    puzzles, _ = task.generate(5_000, 0)
    layouts = np.unique(puzzles == 0, axis=0)
    kinds = {min(image.tobytes() for image in layout[task.images]) for layout in layouts}
    assert len(layouts) == 192 and len(kinds) == 28
    assert not task.split(puzzles, 0).any() and task.split(puzzles, 1).all()


@given(st.integers(0, 10**6))
def test_tokens_and_text(seed):
    task = Maze(7)
    puzzle, solution = (a[0] for a in task.generate(1, seed))
    tokens = task.encode(solution)
    for char, token in zip("# SGo", range(1, 6), strict=True):
        where = [i for i, c in enumerate(task.format(solution).replace("\n", "")) if c == char]
        assert np.array_equal(np.flatnonzero(tokens == token), where)
    assert np.array_equal(task.decode(tokens), solution)
    for text in (task.format(puzzle), task.format(puzzle).replace("\n", "")):
        assert np.array_equal(task.parse(text), puzzle)
    assert task.decode(np.zeros(49, dtype=int)).max() == 0


def test_even_sizes_can_be_read_and_solved():
    task = Maze(4)
    board = task.parse("S  ### ##  ##G##")
    assert task.difficulty(board) == 6
    assert task.format(task.solve(board)) == "Soo#\n##o#\n#oo#\n#G##"


TASK = Maze(7)
BOARD, ANSWER = (a[0] for a in TASK.generate(1, 5))
METHODS = {  # what each makes of a board
    "augment": lambda b: TASK.augment(b, b, 1),
    "check": TASK.check,
    "decode": TASK.decode,
    "difficulty": TASK.difficulty,
    "encode": TASK.encode,
    "format": TASK.format,
    "generate": TASK.generate,
    "is_solution": lambda b: TASK.is_solution(b, ANSWER),
    "parse": TASK.parse,
    "paths": TASK.paths,
    "solve": TASK.solve,
    "split": TASK.split,
    "dihedral": lambda b: dihedral(b, 3),
    "Maze": Maze,
}
RIGHT = {
    "uint8": BOARD.astype(np.uint8),
    "float64": BOARD.astype(float),
    "strided": np.stack((BOARD, BOARD), axis=1)[:, 0],
    "a list": BOARD.tolist(),
    "a tensor": torch.from_numpy(BOARD),
}
WRONG = {
    "complex": BOARD + 0j,
    "NaN": np.where(BOARD == 2, np.nan, BOARD),
    "halves": BOARD / 2,
    "below zero": BOARD - 1,
    "words": BOARD.astype(str),
    "no numbers": BOARD[:0],
    "one number": np.array(2.5),
    "one cell less": BOARD[:-1],
    "one cell more": np.append(BOARD, 1),
    "three axes": BOARD[None, None],
    "nothing": None,
    "truths": BOARD > 0,
}
NO_BOARD = {"generate", "parse", "dihedral", "Maze"}  # what they take is something else
SHAPES = {"no numbers", "one cell less", "one cell more", "three axes"}
TAKEN = {
    "augment": {"truths"},
    "format": {"truths", "three axes"},
    "split": {"truths"},
}  # as 0 and 1
TAKEN |= {name: {"truths", *SHAPES} for name in ("encode", "decode")}  # number by number


def test_every_public_method_has_a_row():
    assert {name for name in vars(Maze) if callable(getattr(Maze, name)) and name[0] != "_"} == (
        set(METHODS) - {"dihedral", "Maze"}
    )


@pytest.mark.parametrize("name", sorted(set(METHODS) - NO_BOARD))
def test_a_board_may_come_in_any_kind(name):
    expected = METHODS[name](BOARD)
    for kind, board in RIGHT.items():
        assert np.array_equal(METHODS[name](board), expected), kind


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.filterwarnings("error")
def test_no_board_gets_a_sentence(name):
    for kind, board in (WRONG | (RIGHT if name in NO_BOARD else {})).items():
        if kind in TAKEN.get(name, ()):
            numbers = board.astype(int)
            expected = {"encode": numbers + 1, "decode": np.where(numbers > 0, numbers - 1, 0)}
            found = METHODS[name](board)
            assert np.array_equal(found, expected.get(name, METHODS[name](numbers))), kind
            continue
        with pytest.raises(ValueError) as caught:
            METHODS[name](board)
        last = traceback.extract_tb(caught.value.__traceback__)[-1]
        assert Path(last.filename).parent.name == "tasks", (kind, caught.value)
        assert str(caught.value).endswith("."), (kind, caught.value)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 7))
def test_symmetries_of_a_grid_are_undone(rows, columns, k):
    grid = np.arange(rows * columns).reshape(rows, columns)
    for kind in (grid, grid + 0.5j, grid.astype(str), grid[:, ::-1].copy()[:, ::-1]):
        assert np.array_equal(dihedral(dihedral(kind, k), INVERSE[k]), kind)
    for wrong in (2.0, -1, 8, "1", None):
        with pytest.raises(ValueError, match="from 0 to 7"):
            dihedral(grid, wrong)


def test_bad_input_gets_a_sentence():
    task = Maze(7)
    good = task.parse(PICTURE)
    for size in (1, 2, 65, -3, 9.0, "9", float("nan")):
        with pytest.raises(ValueError, match="3 to 64"):
            Maze(size)
    for call, words in [
        (lambda: Maze(8).generate(1), "odd sizes"),
        (lambda: Maze(3).generate(1), "odd sizes"),
        (lambda: task.generate(1, loops=1.5), "from 0 to 1"),
        (lambda: task.generate(1, min_path=30), "Ask for a shorter path"),
        (lambda: task.generate(1, loops=float("nan")), "from 0 to 1"),
        (lambda: task.generate(-1), "n must be a whole number"),
        (lambda: task.generate(1, seed=None), "seed"),
        (lambda: task.augment(good[None], good, 0), "one solution"),
        (lambda: task.check(good[:-1]), r"49 cells.*\[48\]"),
        (lambda: task.check(np.where(good == 3, 1, good)), "one goal; this one has 0"),
        (lambda: task.check(np.where(good == 0, 2, good)), "one start; this one has"),
        (lambda: task.check(np.where(good == 0, 4, good)), "Row 1, column 1 holds 4"),
        (lambda: task.solve(task.parse(PICTURE.replace("#G ", "#G#"))), "No way leads"),
        (lambda: task.parse(PICTURE[:-1]), "49 characters; this text has 48"),
        (lambda: task.parse(PICTURE.replace("G", "x")), "row 6, column 2.*'x'"),
        (lambda: task.split(good[None], 1.5), "from 0 to 1"),
        (lambda: task.split(good[None], 0.5, "path"), "'layout' or 'maze'"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
