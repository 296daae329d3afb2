"""What ``hrm-course solve`` and ``evaluate --puzzles`` print: plain lines of text."""

import csv
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..data.check import many
from ..models import Reasoner, Solver, from_starts
from ..tasks import Maze, Sudoku, drawings
from ..tasks.shapes import tasks_for
from ..tasks.sudoku import SYMBOLS, NoSolution
from ..zoo import RECIPES, full_name

SHIPPED = {9: "trm-sudoku-9x9-expert", 6: "trm-sudoku-6x6", 4: "trm-sudoku-4x4"}  # by side
PRETRAINED = Path(__file__).parents[1] / "pretrained"


def shipped_for(text: str) -> str:
    """The name of the shipped model that reads the Sudoku, or the first of several, in a text.

    Raises:
        ValueError: there is none.
    """
    if {"#", "S", "G"} <= set(text):
        return "trm-maze-9x9"
    for side, name in SHIPPED.items():
        if any(len(drawings.plain(board)) == side**2 for _, board in drawings.many(text, side)):
            return name
    raise ValueError(
        f"A puzzle has 16 (4x4), 36 (6x6) or 81 (9x9) characters, row by row, with . for a "
        f"blank; this one has {len(drawings.plain(text))}. For other boards name a model with "
        f"--pretrained."
    )


def load(name_or_folder: str) -> tuple[str, Solver]:
    """A model of whatever kind, and its name; short names as those of recipes will do.

    Raises:
        FileNotFoundError, ValueError: as `Solver.from_pretrained`.
    """
    if not Path(name_or_folder).is_dir():
        with suppress(ValueError):
            name_or_folder = full_name(name_or_folder)
    return name_or_folder, Solver.from_pretrained(name_or_folder)


def tasks_of(name: str, model: Solver) -> list[Sudoku | Maze]:
    """What the model's boards may be: a recipe knows it, of others only the size is known.

    Raises:
        ValueError: neither Sudoku nor mazes have such boards.
    """
    if name in RECIPES:
        return [RECIPES[name].task]
    return tasks_for(model.config.seq_len, model.config.vocab_size)


@dataclass(frozen=True)
class Reading:
    """A puzzle as a board of a task, and a warning if it has several solutions."""

    task: Sudoku | Maze
    board: np.ndarray  # [cells]
    warning: str | None = None


def read_puzzle(tasks: Iterable[Sudoku | Maze], text: str) -> list[Reading]:
    """How a puzzle can be read as one of ``tasks``: with one solution, or else with several.

    Raises:
        ValueError: malformed, contradictory or without a solution; the sentence says where.
    """
    found, problems = [], []
    for task in tasks:
        try:
            found.append(_read(task, text))
        except ValueError as error:
            problems.append(error)
    if not found:
        raise problems[0]
    return [reading for reading in found if not reading.warning] or found


def _read(task: Sudoku | Maze, text: str) -> Reading:
    board = task.check(task.parse(text))
    if isinstance(task, Maze):
        _, ways = task.paths(board)
        several = f"{ways} paths are the shortest: any will do."
        return Reading(task, board, several if ways > 1 else None)
    try:
        task.solve(board)
    except NoSolution:
        raise
    except ValueError as error:
        return Reading(task, board, f"{error} Any solution will do here.")
    return Reading(task, board)


# ---- solve --------------------------------------------------------------------------------


def solve_lines(
    name: str, model: Solver, text: str, segments: int, starts: int = 1
) -> Generator[str, None, bool]:
    """The lines that show ``model`` filling the puzzle; at the end returns whether it is solved."""
    readings = read_puzzle(tasks_of(name, model), text)
    tokens, heads = answers(
        model, readings[0].task.encode(readings[0].board)[None], segments, starts
    )
    tokens = tokens[:, 0].numpy()
    reading = _that_fits(readings, tokens)
    task, puzzle = reading.task, reading.board
    yield f"{name}: {type(model).__name__}, {model.num_parameters():,} parameters"
    yield from board_lines(task, puzzle, puzzle)
    if len(readings) > 1:
        boxes = ["{}x{}".format(*getattr(reading.task, "box", ())) for reading in readings]
        taken = boxes[readings.index(reading)]
        yield f"Note: the boxes could be of {' or of '.join(boxes)} cells; taken are {taken}."
    for note in [reading.warning, *_warnings(name, reading)]:
        if note:
            yield f"Note: {note}"
    before, first_right = puzzle, None
    for segment, answer in enumerate(task.decode(tokens), start=1):
        changed = int((answer != before).sum())
        if changed:
            yield ""
        what = f"{many(changed, 'cell')} changed" if changed else "nothing changed"
        said = f", halting head {heads[segment - 1, 0]:.0%} sure" if heads is not None else ""
        yield f"segment {segment}: {what}, {_faults(task, puzzle, answer)}{said}"
        if changed:
            yield from board_lines(task, answer, before)
        if first_right is None and task.is_solution(puzzle, answer):
            first_right = segment
        before = answer
    solved = task.is_solution(puzzle, before)
    yield ""
    if solved:
        yield f"Solved. The board was right for the first time after segment {first_right}."
    else:
        lost = f" (it was right after segment {first_right})" if first_right else ""
        after = many(len(tokens), "segment")
        yield f"Not solved after {after}{lost}: {_faults(task, puzzle, before)}."
    return solved


def _that_fits(readings: list[Reading], tokens: np.ndarray) -> Reading:
    """The reading in which one of the answers ``tokens [segments, cells]`` is right, or the first."""
    for reading in readings:
        answers = reading.task.decode(tokens)
        if any(reading.task.is_solution(reading.board, answer) for answer in answers):
            return reading
    return readings[0]


def _warnings(name: str, reading: Reading) -> Iterator[str]:
    """What is known to speak against success: more blanks than trained on, or a kind of puzzle that
    the model rarely solves, by its ``results.csv``.
    """
    if isinstance(reading.task, Maze):
        return
    empty = int((reading.board == 0).sum())
    trained = getattr(RECIPES.get(name), "known_blanks", None)
    if trained and empty > trained[1]:
        yield (
            f"this puzzle has {empty} blanks. The model was trained on {trained[0]} to "
            f"{trained[1]}; the more there are, the more often it fails."
        )
    guesses = None if reading.warning else reading.task.difficulty(reading.board)
    measured = list(rarely_solved(PRETRAINED / name / "results.csv", empty, guesses))
    if measured and guesses is not None:
        share, kind = min(measured)
        yield (
            f"this puzzle has {empty} blanks and takes an exact solver {many(guesses, 'guess')}. "
            f"Of unseen puzzles with {kind} the model solves {share:.0%}, its card says."
        )


def rarely_solved(results: Path, blanks: int, guesses: int | None) -> Iterator[tuple[float, str]]:
    """The kinds of puzzles that this one belongs to and of which the shipped weights solved less
    than half: (share, kind).

    Args:
        results: the measured shares of a model, where a column such as exact_guesses_3_to_6 or
            exact_blanks_above_60_guesses_0 names the kind.
        blanks, guesses: of this puzzle; None if they are not known.
    """
    if not results.is_file():
        return
    with results.open(newline="", encoding="utf-8-sig") as file:
        shipped = next(csv.DictReader(file), {})
    part = r"(blanks|guesses)_((?:to|above)_\d+|\d+(?:_to_\d+|_or_more)?)"
    for column, value in shipped.items():
        if not re.fullmatch(rf"exact(_{part})+", column or ""):
            continue
        parts = re.findall(part, column)
        inside = (
            _inside({"blanks": blanks, "guesses": guesses}[what], kind) for what, kind in parts
        )
        if all(inside) and float(value) < 0.5:
            yield (
                float(value),
                " and ".join(f"{kind.replace('_', ' ')} {what}" for what, kind in parts),
            )


def _inside(number: int | None, kind: str) -> bool:
    """Whether a number is "3", "3_to_6", "to_6", "above_6" or "7_or_more"; None is nothing."""
    if number is None:
        return False
    low, high = (int(n) for n in (re.findall(r"\d+", kind) * 2)[:2])
    low = 0 if kind.startswith("to_") else low + kind.startswith("above_")
    return low <= number and (number <= high or kind.startswith("above_") or "more" in kind)


def list_lines(
    name: str, model: Solver, puzzles: list[tuple[str, str]], segments: int, starts: int = 1
) -> Generator[str, None, int]:
    """A line for each of many puzzles: the model's answer, and whether it is right. At the end
    returns how many are.
    """
    tasks, solved = tasks_of(name, model), 0
    for start in range(0, len(puzzles), BATCH):
        some = puzzles[start : start + BATCH]
        read = [_readings_or_problem(tasks, text) for _, text in some]
        good = [readings for readings in read if not isinstance(readings, ValueError)]
        filled = iter(_many_answers(model, good, segments, starts))
        for (where, _), readings in zip(some, read, strict=True):
            if isinstance(readings, ValueError):
                yield f"{where}: {readings}"
                continue
            tokens = next(filled)
            reading = _that_fits(readings, tokens)
            task, puzzle = reading.task, reading.board
            right = [task.is_solution(puzzle, answer) for answer in task.decode(tokens)]
            solved += right[-1]
            said = f"solved, segment {right.index(True) + 1}" if right[-1] else "not solved"
            yield f"{task.format(task.decode(tokens[-1])).replace(chr(10), '')}  {said}"
    return solved


def _readings_or_problem(tasks, text: str) -> list[Reading] | ValueError:
    try:
        return read_puzzle(tasks, text)
    except ValueError as error:
        return error


BATCH = 256  # puzzles that a model is shown at once


def _many_answers(
    model: Solver, good: list[list[Reading]], segments: int, starts: int = 1
) -> np.ndarray:
    """Answers ``[puzzles, segments, cells]``."""
    if not good:
        return np.zeros((0, 1, 1), dtype=np.int64)
    boards = np.stack([readings[0].board for readings in good])
    tokens, _ = answers(model, good[0][0].task.encode(boards), segments, starts)
    return tokens.transpose(0, 1).numpy()


def evaluate_lines(
    name: str, model: Solver, puzzles: list[tuple[str, str]], depths: Iterable[int]
) -> Iterator[str]:
    """How many of the puzzles there are, and the share that is solved at each depth.

    Raises:
        ValueError: a puzzle is malformed or has no solution, or a depth is not positive.
    """
    tasks, depths, right = tasks_of(name, model), list(depths), []
    for start in range(0, len(puzzles), BATCH):
        good = []
        for where, text in puzzles[start : start + BATCH]:
            try:
                good.append(read_puzzle(tasks, text))
            except ValueError as error:
                raise ValueError(f"{where}: {error}") from None
        for readings, tokens in zip(good, _many_answers(model, good, max(depths)), strict=True):
            reading = _that_fits(readings, tokens)
            seen = reading.task.decode(tokens[[min(d, len(tokens)) - 1 for d in depths]])
            right.append([reading.task.is_solution(reading.board, answer) for answer in seen])
    yield f"n          {len(right)}"
    for depth, share in zip(depths, np.mean(right, axis=0), strict=True):
        yield f"exact_{depth:<4d} {share}"


def answers(
    model: Solver, inputs: np.ndarray, segments: int, starts: int = 1
) -> tuple[Tensor, Tensor | None]:
    """Tokens ``[segments, n, cells]`` for ``inputs [n, cells]``, and the halting head's probability
    ``[segments, n]`` if there is one. Of several starts each puzzle gets the answers from the one
    that the halting head trusts most in the end.
    """
    tokens = torch.from_numpy(inputs).to(next(model.parameters()).device)
    if not isinstance(model, Reasoner):
        return model.solve(tokens).tokens[None].cpu(), None
    ids = torch.zeros(len(tokens), dtype=torch.long, device=tokens.device)
    generator = torch.Generator().manual_seed(0)
    best, trust = torch.zeros(0), torch.zeros(0)
    for k, trace in enumerate(from_starts(model, tokens, segments, starts, generator, ids)):
        found, sure = trace.tokens.cpu(), trace.halt_logit.sigmoid().cpu()
        if k == 0:
            best, trust = found, sure
        better = sure[-1] > trust[-1]
        best = torch.where(better[:, None], found, best)
        trust = torch.where(better, sure, trust)
    return best, trust


def _faults(task, puzzle: np.ndarray, answer: np.ndarray) -> str:
    """What can be seen to be wrong with an answer without knowing the solution."""
    if isinstance(task, Maze):
        return "a shortest path" if task.is_solution(puzzle, answer) else "no shortest path"
    (h, w), n = task.box, task.side
    board = answer.reshape(n, n)
    boxes = board.reshape(w, h, h, w).transpose(0, 2, 1, 3).reshape(n, n)
    units = np.concatenate((board, board.T, boxes))
    wrong = sum(set(unit) != set(range(1, n + 1)) for unit in units.tolist())
    altered = int(((puzzle > 0) & (puzzle != answer)).sum())
    givens = f", {many(altered, 'given')} altered" if altered else ""
    return f"{wrong} of {3 * n} rows, columns and boxes wrong{givens}"


def board_lines(task, board: np.ndarray, before: np.ndarray) -> Iterator[str]:
    """The board; cells that differ from ``before`` are marked with a star."""
    if isinstance(task, Maze):
        yield from (f"  {line}" for line in task.format(board).splitlines())
        return
    (h, w), n = task.box, task.side
    for row in range(n):
        cells = range(row * n, row * n + n)
        shown = [("." + SYMBOLS)[board[i]] + " *"[int(board[i] != before[i])] for i in cells]
        parts = [" ".join(shown[i : i + w]) for i in range(0, n, w)]
        if row % h == 0 and row:
            yield "  " + "+".join("-" * (len(part) + 1) for part in parts)
        yield "  " + "| ".join(parts).rstrip()
