"""The stored hard and sparse boards, and how they are found."""

import functools
import random
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm_course.models import Solver
from hrm_course.tasks import Sudoku
from hrm_course.zoo import RECIPES
from hrm_course.zoo.boards import checksum, classes, stored

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import climbs
from climbs import Bits, Climb, climb

TASK, BITS = Sudoku(), Bits()
CHECKSUMS = {
    "train": "03c19cbef58f64e7efabd22b17e9ee05b94ee956722081ed4677542efa32386d",
    "test": "d0132b4c85863914482584b425ef265a682470a4220c3fd5d1fcdc027af9e457",
}
EXPERT = RECIPES["trm-sudoku-9x9-expert"]


@functools.cache
def fingerprints(part):
    return TASK.fingerprint(stored(part).puzzles)


@given(st.integers(0, 10**6), st.integers(0, 3), st.booleans(), st.sampled_from((1, 2, 20)))
@settings(max_examples=25)
def test_both_solvers_count_alike(seed, fewer, spoilt, limit):
    (puzzle,), _ = TASK.hard(1, seed, guesses=0)
    rng = random.Random(seed)
    puzzle[rng.sample(np.flatnonzero(puzzle).tolist(), fewer)] = 0  # often several solutions
    if spoilt:  # often none
        puzzle[rng.choice(np.flatnonzero(puzzle == 0).tolist())] = rng.randint(1, 9)
    try:
        solutions = TASK.search(puzzle, limit).solutions
    except ValueError:
        return  # two equal givens in a unit
    count = BITS.count(puzzle.tolist(), limit)
    assert count[0] == len(solutions)
    if count[0] == 1 and limit == 2:
        assert count[1] == TASK.difficulty(puzzle)


def test_both_solvers_guess_alike_on_the_hardest():
    hardest = np.argsort(stored("train").guesses)[-3:]
    for puzzle in stored("train").puzzles[hardest]:
        assert BITS.count(puzzle.tolist()) == (1, TASK.difficulty(puzzle))


@given(st.integers(0, 10**6))
@settings(max_examples=5)
def test_a_climb_goes_from_minimal_board_to_minimal_board(seed):
    solution = TASK.generate(1, 0, seed)[1][0].tolist()
    way = Climb(solution, random.Random(seed), BITS)
    givens = way.start()
    for _ in range(3):
        after = way.move(givens)
        assert 1 <= (givens > after).sum() <= 24
        givens = after
        puzzle = np.array(way.puzzle(givens))
        assert TASK.is_minimal(puzzle) and np.array_equal(TASK.solve(puzzle), solution)


def test_what_a_climb_forgets_changes_no_board_but_its_speed(monkeypatch):
    monkeypatch.setattr(climbs, "REMEMBERED", 8)
    for puzzle, solution, _ in climb("guesses", "any", steps=10):
        assert TASK.is_minimal(puzzle) and np.array_equal(TASK.solve(puzzle), solution)


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("guesses", 45, 64), ("blanks", 59, 64), ("both", 59, 64), ("full", 45, 57)],
)
def test_a_climb_keeps_boards_of_its_kind(monkeypatch, kind, low, high):
    monkeypatch.setattr(climbs, "SPARSE", 59)  # sooner reached than 61 and 54
    monkeypatch.setattr(climbs, "FULL", 57)
    found = climb(kind, "c", steps=40)
    assert len(found) > 1 and found[:1] == climb(kind, "c", steps=40)[:1]
    for puzzle, solution, guesses in found:
        assert low <= puzzle.count(0) <= high and TASK.is_solution(puzzle, solution)
        assert guesses == TASK.difficulty(puzzle) and TASK.is_minimal(puzzle)
        assert guesses > 6 or kind in ("blanks", "both")


def test_a_climb_gets_harder():
    first, *_, last = climb("guesses", "train 0", steps=150)
    assert last[2] > 3 * first[2]


@pytest.mark.parametrize("part", CHECKSUMS)
def test_stored_boards_are_those_that_were_stored(part):
    assert checksum(part) == CHECKSUMS[part]
    puzzles, solutions, guesses = stored(part)
    assert (np.sort(solutions.reshape(-1, 9, 9), 2) == np.arange(1, 10)).all()
    assert (np.sort(solutions.reshape(-1, 9, 9), 1) == np.arange(1, 10)[:, None]).all()
    boxes = solutions.reshape(-1, 3, 3, 3, 3).swapaxes(2, 3).reshape(-1, 9, 9)
    assert (np.sort(boxes, 2) == np.arange(1, 10)).all()
    assert ((puzzles == 0) | (puzzles == solutions)).all()
    for i in np.random.default_rng(0).permutation(len(puzzles))[:25]:
        assert TASK.difficulty(puzzles[i]) == guesses[i]  # and has one solution
    assert len(set(fingerprints(part).tolist())) == len(puzzles)


@pytest.mark.parametrize(("part", "kind"), [("train", "guesses"), ("test", "guesses")])
def test_the_command_makes_the_stored_boards(part, kind):
    """The first steps of the first climb give boards that are stored."""
    known = {tuple(puzzle) for puzzle in stored(part).puzzles.tolist()}
    found = climb(kind, f"{part} 0", steps=60)
    assert len(found) > 1 and all(tuple(puzzle) in known for puzzle, _, _ in found)


def test_no_held_out_board_is_the_image_of_a_training_board():
    held_out = fingerprints("test")
    made = replace(EXPERT, train_puzzles=100).train_set()[0]
    for trained in (fingerprints("train"), TASK.fingerprint(made)):
        assert not np.isin(held_out, trained).any()
    image, _ = TASK.augment(stored("test").puzzles[:5], stored("test").solutions[:5], seed=1)
    assert np.isin(TASK.fingerprint(image), held_out).all()


def test_every_class_has_held_out_boards_and_every_board_a_class():
    found = classes(stored("test"))
    assert sum(found.values()).tolist() == [1] * len(stored("test").puzzles)
    assert len(found) >= 10 and max(rows.sum() for rows in found.values()) <= 250
    sizes = {name: len(part[0]) for name, part in replace(EXPERT, test_puzzles=20).parts().items()}
    assert sizes.keys() == found.keys() and max(sizes.values()) == 5


def test_the_recipe_mixes_boards_as_it_says():
    puzzles, solutions = replace(EXPERT, train_puzzles=40).train_set()
    guesses = np.array([BITS.count(puzzle)[1] for puzzle in puzzles.tolist()])
    blanks = (puzzles == 0).sum(1)
    assert len(puzzles) == 40 and all(map(TASK.is_solution, puzzles, solutions))
    full, minimal, hard, sparse = np.split(np.arange(40), [6, 18, 32])
    assert blanks[full].min() >= 20 and blanks[full].max() <= 54
    filled_up = hard[::3]
    whole = np.setdiff1d(hard, filled_up)
    assert all(map(TASK.is_minimal, puzzles[[*minimal, *whole, *sparse]]))
    assert not any(map(TASK.is_minimal, puzzles[filled_up]))
    assert (guesses[whole] > 6).all() and (guesses[whole[whole >= hard[7]]] > 50).all()
    assert (blanks[sparse] > 60).all()
    assert EXPERT.known_blanks == (20, (stored("train").puzzles == 0).sum(1).max())


def test_the_recipe_starts_from_shipped_weights():
    model, shipped = EXPERT.build(), Solver.from_pretrained(EXPERT.start)
    assert model.config == shipped.config and all(p.requires_grad for p in model.parameters())
    for name, tensor in model.state_dict().items():
        assert tensor.equal(shipped.state_dict()[name])
