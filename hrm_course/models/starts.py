"""Several starts of one reasoner on the same puzzles, and how to choose among their answers.

What chooses reads rows ``[starts, B]`` and returns, for each puzzle, the number of the start whose
answer is taken: ``[B]``. Of equals it is the earliest.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from .reasoner import Reasoner, Trace
from .saving import counted


def from_starts(
    model: Reasoner,
    inputs: Tensor,
    segments: int,
    starts: int,
    generator: torch.Generator,
    puzzle_identifiers: Tensor | None = None,
) -> Iterator[Trace]:
    """The traces of ``starts`` runs on ``inputs [B, S]``: of the usual start, then of random ones.

    Args:
        model: the reasoner.
        inputs: tokens ``[B, S]``.
        segments: of each run.
        starts: how many runs.
        generator: draws the random states, see `Reasoner.random_state`.
        puzzle_identifiers: ``[B]`` integers, for a model with a puzzle table.

    Raises:
        ValueError: no start, or what `Reasoner.solve` refuses.
    """
    state = None
    for k in range(counted(starts, "An answer takes at least one start", least=1)):
        if k:
            state = model.random_state(len(inputs), generator)
        answer = model.solve(inputs, segments, True, False, puzzle_identifiers, state)
        assert answer.trace is not None  # it was asked for
        yield answer.trace


def by_halting_head(halt_logit: Tensor) -> Tensor:
    """The start ``[B]`` of which the halting head is surest, by its logits ``[starts, B]``."""
    return _rows("halt_logit", halt_logit).argmax(0)


def by_residual(residual: Tensor) -> Tensor:
    """The start ``[B]`` whose state moved least in the last segment, by residuals ``[starts, B]``."""
    return _rows("residual", residual).argmin(0)


def by_vote(tokens: Tensor) -> Tensor:
    """A start ``[B]`` whose whole answer most starts share, of ``tokens [starts, B, S]``."""
    _rows("tokens", tokens, axes=3)
    return (tokens[:, None] == tokens).all(-1).sum(1).argmax(0)


def by_rules(legal: Tensor, otherwise: Tensor) -> Tensor:
    """The first start ``[B]`` whose answer keeps the rules; ``otherwise [B]`` where none does.

    Args:
        legal: whether each answer keeps the rules and the givens, ``[starts, B]``.
        otherwise: the choice of another selector.
    """
    first = _rows("legal", legal).int().argmax(0)
    return torch.where(legal.any(0), first, otherwise)


def pass_at_k(right: Tensor, n: int, k: int) -> Tensor:
    """The chance that ``k`` of ``n`` attempts, drawn without putting back, hold a right one.

    For independent attempts it is an unbiased estimate of 1 - (1 - p)^k (Chen and others 2021,
    arXiv 2107.03374, section 2.1). It says what a perfect judge would reach, not an accuracy.

    Args:
        right: how many of the n are right, integers of any shape.
        n: attempts made.
        k: attempts allowed, at most n.

    Raises:
        ValueError: k is not between 1 and n, or a number of right attempts not between 0 and n.
    """
    if not 1 <= k <= n:
        raise ValueError(f"k attempts are drawn from the n made: k must lie in 1..{n}, not {k}.")
    right = torch.as_tensor(right)
    if right.is_floating_point() or ((right < 0) | (right > n)).any():
        raise ValueError(f"right counts attempts: whole numbers from 0 to {n}.")
    i = torch.arange(k, dtype=torch.float64)  # the (i + 1)-th attempt drawn is wrong, too
    missed = (n - right.double().unsqueeze(-1) - i).clamp(min=0) / (n - i)
    return 1 - missed.prod(-1)


def _rows(what: str, rows: Tensor, axes: int = 2) -> Tensor:
    if rows.dim() != axes or len(rows) == 0:
        shape = "[starts, B, S]" if axes == 3 else "[starts, B]"
        raise ValueError(f"{what} must be {shape}, a row for each start, not {list(rows.shape)}.")
    return rows
