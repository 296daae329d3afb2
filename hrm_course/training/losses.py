"""The loss of one segment: stablemax cross-entropy on the cells, and the halting head's loss."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..models import Output

IGNORE = -100  # label of a cell that does not count


def stablemax(v: Tensor) -> Tensor:
    """Probabilities s(v) / sum s(v), with s(v) = v + 1 for v >= 0 and 1 / (1 - v) below.

    Linear growth instead of exponential: a logit has to keep growing to keep gaining.
    Source: Prieto et al. (2025), *Grokking at the edge of numerical stability*.
    """
    # Clamping the branch that is not taken keeps its gradient finite: without it the gradient
    # at a logit of exactly 1 is 0 * infinity = NaN.
    s = torch.where(v >= 0, v.clamp(min=0) + 1, 1 / (1 - v.clamp(max=0)))
    return s / s.sum(-1, keepdim=True)


def stablemax_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Minus the log stablemax probability of each label, in float64; 0 at ignored cells.

    Args:
        logits: ``[..., V]``.
        labels: ``[...]`` integers; -100 is ignored.
    """
    p = stablemax(logits.double())
    chosen = p.gather(-1, labels.clamp(min=0).long().unsqueeze(-1)).squeeze(-1)
    return torch.where(labels == IGNORE, 0.0, -chosen.log())


class Loss(NamedTuple):
    """Sums over the batch, and what they were made of."""

    total: Tensor
    cells: Tensor  # sum over rows of the mean cross-entropy of a row's cells
    halting: Tensor  # sum over rows of the halting head's cross-entropy
    correct: Tensor  # [B] bool, the whole answer is right


def reasoner_loss(out: Output, labels: Tensor) -> Loss:
    """The loss of one segment, summed over the rows: cells + 0.5 * halting.

    The halting head learns to say whether the whole answer is right.
    Source: TRM paper, figure 3; the factor 0.5 and the sums are those of the official code.
    """
    counted = labels != IGNORE
    cells = stablemax_cross_entropy(out.logits, labels)  # [B, S]
    per_row = cells.sum(-1) / counted.sum(-1).clamp(min=1)
    correct = ((out.logits.argmax(-1) == labels) | ~counted).all(-1)
    halting = F.binary_cross_entropy_with_logits(
        out.halt_logit, correct.to(out.halt_logit.dtype), reduction="sum"
    )
    return Loss(per_row.sum() + 0.5 * halting, per_row.sum(), halting, correct)
