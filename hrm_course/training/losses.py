"""The loss of one segment: stablemax cross-entropy on the cells, and the halting head's loss."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..models import Output

IGNORE = -100  # label of a cell that does not count


def stablemax(v: Tensor, degree: int = 1) -> Tensor:
    """Probabilities s(v) / sum s(v), with s(v) = v + 1 for v >= 0 and 1 / (1 - v) below.

    Linear growth instead of exponential: a logit has to keep growing to keep gaining.
    Of degree n, the line is replaced by the Taylor polynomial T_n of exp: s(v) = T_n(v) for
    v >= 0 and 1 / T_n(-v) below, so that s(v) s(-v) = 1. The larger n, the closer to softmax.
    Unlike softmax, none stays the same when all logits are shifted: nothing is subtracted here.

    Args:
        v: ``[..., V]``.
        degree: n, a whole number from 1.

    Source: Prieto et al. (2025), *Grokking at the edge of numerical stability*, n = 1;
    re-implementations of CMM (arXiv 2603.22871), n = 3 and 5.
    """
    if type(degree) is not int or degree < 1:
        raise ValueError(f"The degree of stablemax is a whole number from 1, not {degree!r}.")
    # Clamping the branch that is not taken keeps its gradient finite: without it the gradient
    # at a logit of exactly 1 is 0 * infinity = NaN.
    s = torch.where(v >= 0, _taylor(v.clamp(min=0), degree), 1 / _taylor(-v.clamp(max=0), degree))
    return s / s.sum(-1, keepdim=True)


def _taylor(v: Tensor, degree: int) -> Tensor:
    """1 + v + v^2 / 2! + ... + v^degree / degree!, by Horner's scheme."""
    total = 1 + v / degree if degree > 1 else 1 + v
    for k in range(degree - 1, 0, -1):
        total = 1 + (v / k) * total
    return total


def wide(v: Tensor) -> Tensor:
    """``v`` in float64; in float32 on Apple's GPUs, which know no wider numbers."""
    return v.float() if v.device.type == "mps" else v.double()


def stablemax_cross_entropy(logits: Tensor, labels: Tensor, degree: int = 1) -> Tensor:
    """Minus the log stablemax probability of each label, in float64; 0 at ignored cells.

    Args:
        logits: ``[..., V]``.
        labels: ``[...]`` integers; -100 is ignored.
        degree: of `stablemax`.
    """
    p = stablemax(wide(logits), degree)
    chosen = p.gather(-1, labels.clamp(min=0).long().unsqueeze(-1)).squeeze(-1)
    return torch.where(labels == IGNORE, 0.0, -chosen.log())


class Loss(NamedTuple):
    """Sums over the batch, and what they were made of."""

    total: Tensor
    cells: Tensor  # sum over rows of the mean cross-entropy of a row's cells
    halting: Tensor  # sum over rows of the halting head's cross-entropy
    correct: Tensor  # [B] bool, the whole answer is right
    continuing: Tensor | float = 0.0  # the same of HRM's second head


def reasoner_loss(
    out: Output,
    labels: Tensor,
    continue_target: Tensor | None = None,
    softmax: bool = False,
    degree: int = 1,
) -> Loss:
    """The loss of one segment, summed over the rows: cells + 0.5 * (halting + continuing).

    The halting head learns to say whether the whole answer is right.

    Args:
        out: what the segment said.
        labels: ``[B, S]``; -100 is ignored.
        continue_target: ``[B]``, what `continue_target` of halting.py gives; HRM's second head
            learns it. None: that head is left alone.
        softmax: ordinary cross-entropy on the cells instead of stablemax.
        degree: of `stablemax`.

    Source: TRM paper, figure 3; the factor 0.5 and the sums are those of the official code.
    """
    counted = labels != IGNORE
    if softmax:
        cells = F.cross_entropy(
            out.logits.float().transpose(1, 2), labels.long(), ignore_index=IGNORE, reduction="none"
        )
    else:
        cells = stablemax_cross_entropy(out.logits, labels, degree)  # [B, S]
    per_row = (cells.sum(-1) / counted.sum(-1).clamp(min=1)).sum()
    correct = ((out.logits.argmax(-1) == labels) | ~counted).all(-1)
    halting = _binary(out.halt_logit, correct)
    continuing = 0.0 if continue_target is None else _binary(out.continue_logit, continue_target)
    return Loss(per_row + 0.5 * (halting + continuing), per_row, halting, correct, continuing)


def _binary(logit: Tensor, target: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logit, target.to(logit.dtype), reduction="sum")
