"""What ``hrm-course solve``, ``inspect`` and ``data check`` print: plain lines of text."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from math import isqrt
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .dynamics import lyapunov_exponents, orbit, spectral_radius
from .models import Reasoner, Solver
from .tasks import Sudoku
from .tasks.maze import Maze
from .tasks.published import read_dataset
from .tasks.sudoku import SYMBOLS
from .training.recipes import full_name

SHIPPED = {16: "trm-sudoku-4x4", 36: "trm-sudoku-6x6", 81: "trm-sudoku-9x9-hard"}


def shipped_for(puzzle: str) -> str:
    """The name of the shipped model that reads a Sudoku of this length.

    Raises:
        ValueError: there is none.
    """
    cells = len("".join(puzzle.split()))
    if cells not in SHIPPED:
        raise ValueError(
            f"A puzzle has 16 (4x4), 36 (6x6) or 81 (9x9) characters, row by row, with . for a "
            f"blank; this one has {cells}. For other boards name a model with --pretrained."
        )
    return SHIPPED[cells]


def load(name_or_folder: str) -> tuple[str, Solver]:
    """A model of whatever kind, and its name; short names as those of recipes will do.

    Raises:
        FileNotFoundError, ValueError: as `Solver.from_pretrained`.
    """
    if not Path(name_or_folder).is_dir():
        with suppress(ValueError):
            name_or_folder = full_name(name_or_folder)
    return name_or_folder, Solver.from_pretrained(name_or_folder)


def task_of(S: int, V: int) -> Sudoku | Maze:
    """The task whose boards have S cells and need V tokens, or fewer.

    Raises:
        ValueError: neither Sudoku nor mazes have.
    """
    side = isqrt(S)
    rows = max((d for d in range(2, isqrt(side) + 1) if side % d == 0), default=1)
    if side * side == S and V >= side + 2 and rows > 1:
        return Sudoku((rows, side // rows))
    if side * side == S and V == Maze.vocab_size:
        return Maze(side)
    raise ValueError(
        f"Boards of {S} cells and {V} tokens are neither Sudoku nor mazes: they can't be shown."
    )


def read_puzzle(task: Sudoku | Maze, text: str) -> tuple[np.ndarray, str | None]:
    """The board, and a warning if it has several solutions.

    Raises:
        ValueError: malformed, contradictory or without a solution; the sentence says where.
    """
    board = task.check(task.parse(text))
    if isinstance(task, Maze):
        _, ways = task.paths(board)
        return board, f"{ways} paths are the shortest: any will do." if ways > 1 else None
    if len(task.search(board, limit=1).solutions) == 0:
        task.solve(board)  # raises, with the reason
    try:
        task.solve(board)
    except ValueError as error:
        return board, f"{error} Any solution will do here."
    return board, None


def solve_lines(
    name: str, model: Solver, text: str, segments: int, blanks: tuple[int, int] | None = None
) -> Iterator[str]:
    """The lines that show ``model`` filling the puzzle; at the end returns whether it is solved.

    ``blanks`` is the range of empty cells the model was trained on, where that is known.
    """
    task = task_of(model.config.seq_len, model.config.vocab_size)
    puzzle, warning = read_puzzle(task, text)
    yield f"{name}: {type(model).__name__}, {model.num_parameters():,} parameters"
    yield from _board_lines(task, puzzle, puzzle)
    if warning:
        yield f"Note: {warning}"
    empty = int((puzzle == 0).sum())
    if blanks and not blanks[0] <= empty <= blanks[1]:
        yield (
            f"Note: this puzzle has {empty} blanks. The model was trained on {blanks[0]} to "
            f"{blanks[1]}, so it may well fail."
        )
    tokens, heads = _answers(model, task, puzzle, segments)
    before, first_right = puzzle, None
    for segment, answer in enumerate(task.decode(tokens), start=1):
        changed = int((answer != before).sum())
        if changed:
            yield ""
        what = f"{_many(changed, 'cell')} changed" if changed else "nothing changed"
        said = f", halting head {heads[segment - 1]:.0%} sure" if heads else ""
        yield f"segment {segment}: {what}, {_faults(task, puzzle, answer)}{said}"
        if changed:
            yield from _board_lines(task, answer, before)
        if first_right is None and task.is_solution(puzzle, answer):
            first_right = segment
        before = answer
    solved = task.is_solution(puzzle, before)
    yield ""
    if solved:
        yield f"Solved. The board was right for the first time after segment {first_right}."
    else:
        lost = f" (it was right after segment {first_right})" if first_right else ""
        after = _many(len(tokens), "segment")
        yield f"Not solved after {after}{lost}: {_faults(task, puzzle, before)}."
    return solved


def _answers(model: Solver, task, puzzle: np.ndarray, segments: int):
    """Tokens ``[segments, cells]``, and the halting head's probability ``[segments]`` if any."""
    inputs = torch.from_numpy(task.encode(puzzle))[None]
    if not isinstance(model, Reasoner):
        return model.solve(inputs).tokens.numpy(), None
    trace = model.solve(inputs, segments, trace=True, puzzle_identifiers=_blank_id()).trace
    return trace.tokens[:, 0].numpy(), trace.halt_logit[:, 0].sigmoid().tolist()


def _blank_id() -> Tensor:
    """The identifier that Sudoku and mazes share; models without a puzzle table ignore it."""
    return torch.zeros(1, dtype=torch.long)


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
    givens = f", {_many(altered, 'given')} altered" if altered else ""
    return f"{wrong} of {3 * n} rows, columns and boxes wrong{givens}"


def _many(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"


def _board_lines(task, board: np.ndarray, before: np.ndarray) -> Iterator[str]:
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


def inspect_lines(name: str, model: Solver, text: str | None, segments: int) -> Iterator[str]:
    """The lines that describe a model and its segment as a map on one puzzle."""
    yield name
    yield f"  {'model':22s} {type(model).__name__}"
    yield from (f"  {key:22s} {value}" for key, value in asdict(model.config).items())
    yield f"  {'parameters':22s} {model.num_parameters():,}"
    if not isinstance(model, Reasoner):
        yield "A feed-forward model has no state: there is no map to inspect."
        return
    task = task_of(model.config.seq_len, model.config.vocab_size)
    if text is not None:
        puzzle, _ = read_puzzle(task, text)
    else:
        half = {} if isinstance(task, Maze) else {"blanks": task.cells // 2}
        puzzle = task.generate(1, seed=0, **half)[0][0]
    if model.config.forward_dtype == "bfloat16":
        yield "  (what follows is computed in float32)"
        model = _in_float32(model)
    yield ""
    yield "puzzle"
    yield from _board_lines(task, puzzle, puzzle)
    yield ""
    yield "segment    residual   residual/|z|   cells changed   halting head   right"
    inputs = torch.from_numpy(task.encode(puzzle))[None]
    tokens, heads = _answers(model, task, puzzle, segments)
    f = model.segment_map(inputs, _blank_id())
    states = orbit(f, torch.stack(model.initial_state(1, inputs, _blank_id()), dim=1), segments)
    before = puzzle
    for k, answer in enumerate(task.decode(tokens)):
        move = (states[k + 1] - states[k]).norm().item()
        share = move / states[k + 1].norm().item()
        right = "yes" if task.is_solution(puzzle, answer) else "no"
        changed = (answer != before).sum()
        yield f"{k + 1:7d} {move:11.4g} {share:14.3g} {changed:15d} {heads[k]:14.1%}   {right}"
        before = answer
    z = states[-1]
    yield ""
    yield f"The joint state has {z.numel():,} numbers."
    radius = _spectral_radius(f, z)
    yield f"Spectral radius of a segment's Jacobian after segment {segments}: {radius}"
    exponents = lyapunov_exponents(f, states[0], segments, k=3).tolist()
    yield (
        f"Finite-time Lyapunov exponents over these {segments} segments, per segment: "
        + " ".join(f"{value:.3f}" for value in exponents)
    )


def _spectral_radius(f, z: Tensor) -> str:
    try:
        value = spectral_radius(f, z, tol=1e-2)
    except RuntimeError as error:
        return f"unknown. {error}"
    verdict = "small disturbances die out" if value < 1 else "some disturbances grow"
    return f"{value:.3f} ({verdict})"


def _in_float32(model: Reasoner) -> Reasoner:
    copy = type(model)(replace(model.config, forward_dtype="float32"))
    copy.load_state_dict(model.state_dict())
    return copy.eval().requires_grad_(False)


def check_lines(folder: str, examples: int = 1000) -> Iterator[str]:
    """The lines that describe a published data set; at the end returns whether all is right.

    Every token is looked at; that an answer solves its puzzle is tried on the first ``examples`` of
    each part, where the boards are Sudoku or mazes.

    Raises:
        FileNotFoundError, ValueError: as `read_dataset`.
    """
    right = True
    parts = [part for part in ("train", "test") if (Path(folder) / part).is_dir()]
    if not parts:
        raise FileNotFoundError(f"{folder} has neither a folder train nor a folder test.")
    for part in parts:
        data = read_dataset(folder, part)
        for _ in data.batches(10_000):
            pass  # raises at a token outside the vocabulary
        puzzles, groups = len(data.puzzle_identifiers), len(data.group_indices) - 1
        yield (
            f"{part}: {_many(len(data), 'example')} of {data.seq_len} cells and {data.vocab_size} "
            f"tokens, {_many(puzzles, 'puzzle')}, {_many(groups, 'group')}"
        )
        try:
            task = task_of(data.seq_len, data.vocab_size)
        except ValueError:
            continue
        pairs = zip(
            *(task.decode(a[:examples].astype(int)) for a in (data.inputs, data.labels)),
            strict=True,
        )
        wrong = [i for i, pair in enumerate(pairs) if not _answers_right(task, *pair)]
        if wrong:
            right = False
            yield f"  {_many(len(wrong), 'label')} of the first {examples:,} wrong, first example {wrong[0]}"
        else:
            yield f"  the labels of the first {min(examples, len(data)):,} solve their puzzles"
    return right


def _answers_right(task, puzzle: np.ndarray, answer: np.ndarray) -> bool:
    try:
        return task.is_solution(puzzle, answer)
    except ValueError:
        return False
