"""How often a model is right on puzzles it has not seen."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..models import FeedForward
from ..settings import check_fields, whole
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
        from scipy.stats import binomtest  # slow to import, and few need it

        found = binomtest(round(self.exact * self.n), self.n).proportion_ci(method="wilson")
        return float(found.low), float(found.high)


def evaluate(model, task, puzzles, solutions, segments: int = 8, batch_size: int = 256) -> Score:
    """The `Score` of ``model`` on ``puzzles [n, cells]``, every row running ``segments`` segments.

    Raises:
        ValueError: there are no puzzles, or they, their solutions and the model do not fit
            together.
    """
    batches = _batches(model, task, puzzles, solutions, segments, batch_size)
    return evaluate_batches(model, batches, segments)


def by_depth(model, task, puzzles, solutions, segments: int, batch_size: int = 256) -> list[Score]:
    """The `Score` of a reasoner after 1, 2, ... ``segments`` segments, from one pass over
    ``puzzles [n, cells]``. Raises as `evaluate`.
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
    Raises as `evaluate`.
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
    if isinstance(model, FeedForward):
        raise ValueError("A FeedForward has one pass and no segments: use evaluate.")
    device = model.lm_head.weight.device
    right, residual = [], []
    for batch in _batches(model, task, puzzles, solutions, segments, batch_size):
        trace = model.solve(batch["inputs"].to(device), segments=segments, trace=True).trace
        right.append(trace.tokens.cpu() == batch["labels"])
        residual.append(trace.residual.cpu())
    return torch.cat(right, dim=1), torch.cat(residual, dim=1)


@dataclass(frozen=True)
class _Pass:
    segments: int = whole(least=1, most=10_000)
    batch_size: int = whole(least=1, most=10**6)

    def __post_init__(self):
        check_fields(self)


def _batches(model, task, puzzles, solutions, segments, batch_size) -> list[dict[str, Tensor]]:
    """Boards as batches of tokens, once it is clear that everything fits together."""
    _Pass(int(segments) if isinstance(segments, np.integer) else segments, batch_size)
    boards = np.asarray(puzzles), np.asarray(solutions)
    if len(boards[0]) == 0:
        raise ValueError("An evaluation needs at least one puzzle.")
    if any(b.dtype.kind not in "iu" or b.shape != (len(puzzles), task.seq_len) for b in boards):
        found = " and ".join(f"{b.dtype} {list(b.shape)}" for b in boards)
        raise ValueError(
            f"Puzzles and solutions must both be whole numbers [n, {task.seq_len}], not {found}."
        )
    reads = model.config.seq_len, model.config.vocab_size
    if reads != (task.seq_len, task.vocab_size):
        raise ValueError(
            f"This model reads {reads[0]} cells of {reads[1]} kinds of tokens, a "
            f"{type(task).__name__} has {task.seq_len} of {task.vocab_size}: it was trained on "
            f"another task."
        )
    tokens = (torch.from_numpy(task.encode(b.astype(np.int64))).split(batch_size) for b in boards)
    names = ("inputs", "labels")
    return [dict(zip(names, pair, strict=True)) for pair in zip(*tokens, strict=True)]


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
        ValueError: there are no puzzles, or labels that do not fit the inputs.
    """
    exact, cells = [], []
    for batch in batches:
        device = model.lm_head.weight.device
        batch = {key: torch.as_tensor(rows).to(device) for key, rows in batch.items()}
        labels, more = batch["labels"], {}
        if labels.shape != batch["inputs"].shape:
            shapes = list(batch["inputs"].shape), list(labels.shape)
            raise ValueError(
                "inputs and labels must be of one shape, not {} and {}.".format(*shapes)
            )
        if not isinstance(model, FeedForward):
            more = {"segments": segments, "puzzle_identifiers": batch.get("puzzle_identifiers")}
        counted = labels != IGNORE
        rows = counted.any(1)
        right = (model.solve(batch["inputs"], **more).tokens == labels) & counted
        exact.append((right | ~counted).all(1)[rows])
        cells.append((right.sum(1) / counted.sum(1))[rows])
    if not exact or len(torch.cat(exact)) == 0:
        raise ValueError("An evaluation needs at least one puzzle.")
    exact, cells = torch.cat(exact).cpu().double(), torch.cat(cells).cpu().double()
    return Score(exact.mean().item(), cells.mean().item(), len(exact))
