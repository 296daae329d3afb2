"""How often a model is right on puzzles it has not seen."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

import torch

from ..models import FeedForward
from .losses import IGNORE


@dataclass(frozen=True)
class Score:
    """Shares of a test set, and how far chance alone may have moved the first of them."""

    exact: float  # whole answers right
    cells: float  # cells right, averaged over the rows
    n: int

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of ``exact``."""
        z, p, n = 1.96, self.exact, self.n
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, centre - half), min(1.0, centre + half)


def evaluate(model, task, puzzles, solutions, segments: int = 8, batch_size: int = 256) -> Score:
    """The `Score` of ``model`` on ``puzzles [n, cells]``, every row running ``segments`` segments.

    Raises:
        ValueError: there are no puzzles.
    """
    parts = (slice(i, i + batch_size) for i in range(0, len(puzzles), batch_size))
    batches = (
        {
            "inputs": torch.from_numpy(task.encode(puzzles[rows])),
            "labels": torch.from_numpy(task.encode(solutions[rows])),
        }
        for rows in parts
    )
    return evaluate_batches(model, batches, segments)


def by_depth(model, task, puzzles, solutions, segments: int, batch_size: int = 256) -> list[Score]:
    """The `Score` of a reasoner after 1, 2, ... ``segments`` segments, from one pass over
    ``puzzles [n, cells]``.

    Raises:
        ValueError: there are no puzzles.
    """
    right, _ = _right_and_residual(model, task, puzzles, solutions, segments, batch_size)
    exact, cells = right.all(-1).double(), right.double().mean(-1)
    return [
        Score(e, c, len(puzzles))
        for e, c in zip(exact.mean(1).tolist(), cells.mean(1).tolist(), strict=True)
    ]


@dataclass(frozen=True)
class Failures:
    """How a reasoner fails: numbers of puzzles."""

    wrong: int  # at the end
    lost: int  # of them, right after some earlier segment
    at_rest: int  # of the wrong ones, with a residual below 0.01: a spurious fixed point


def failures(model, task, puzzles, solutions, segments: int, batch_size: int = 256) -> Failures:
    """The `Failures` of a reasoner on ``puzzles [n, cells]`` after ``segments`` segments.

    Raises:
        ValueError: there are no puzzles.
    """
    right, residual = _right_and_residual(model, task, puzzles, solutions, segments, batch_size)
    right = right.all(-1)
    wrong = ~right[-1]
    lost, at_rest = wrong & right.any(0), wrong & (residual[-1] < 0.01)
    return Failures(*(int(rows.sum()) for rows in (wrong, lost, at_rest)))


def _right_and_residual(model, task, puzzles, solutions, segments: int, batch_size: int):
    """Which cells are right after each segment ``[segments, n, cells]``, and how far the state
    moved in it ``[segments, n]``.
    """
    if len(puzzles) == 0:
        raise ValueError("An evaluation needs at least one puzzle.")
    device = model.lm_head.weight.device
    right, residual = [], []
    for i in range(0, len(puzzles), batch_size):
        rows = slice(i, i + batch_size)
        inputs, labels = (torch.from_numpy(task.encode(b[rows])) for b in (puzzles, solutions))
        trace = model.solve(inputs.to(device), segments=segments, trace=True).trace
        right.append(trace.tokens.cpu() == labels)
        residual.append(trace.residual.cpu())
    return torch.cat(right, dim=1), torch.cat(residual, dim=1)


@torch.no_grad()
def evaluate_batches(model, batches: Iterable[dict], segments: int = 8) -> Score:
    """The `Score` of ``model`` on batches as a data set gives them.

    A cell with the label -100 does not count, nor does a row of nothing else.

    Args:
        model: a reasoner or a `FeedForward`.
        batches: dicts of ``inputs`` and ``labels`` ``[B, S]`` and, for a model with a puzzle
            table, ``puzzle_identifiers [B]``; tensors or arrays.
        segments: how many every row runs.

    Raises:
        ValueError: there are no puzzles.
    """
    exact, cells = [], []
    for batch in batches:
        device = model.lm_head.weight.device
        batch = {key: torch.as_tensor(rows).to(device) for key, rows in batch.items()}
        labels, more = batch["labels"], {}
        if not isinstance(model, FeedForward):
            more = {"segments": segments, "puzzle_identifiers": batch.get("puzzle_identifiers")}
        counted = labels != IGNORE
        rows = counted.any(1)
        right = (model.solve(batch["inputs"], **more).tokens == labels) & counted
        exact.append((right | ~counted).all(1)[rows])
        cells.append((right.sum(1) / counted.sum(1))[rows])
    if not exact or len(torch.cat(exact)) == 0:
        raise ValueError("An evaluation needs at least one puzzle.")
    exact, cells = torch.cat(exact).double(), torch.cat(cells).double()
    return Score(exact.mean().item(), cells.mean().item(), len(exact))
