"""How often a model is right on puzzles it has not seen."""

from dataclasses import dataclass
from math import sqrt

import torch

from ..models import FeedForward


@dataclass(frozen=True)
class Score:
    """Shares of a test set, and how far chance alone may have moved the first of them."""

    exact: float  # whole answers right
    cells: float  # cells right
    n: int

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of ``exact``."""
        z, p, n = 1.96, self.exact, self.n
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, centre - half), min(1.0, centre + half)


@torch.no_grad()
def evaluate(model, task, puzzles, solutions, segments: int = 8, batch_size: int = 256) -> Score:
    """The `Score` of ``model`` on ``puzzles [n, cells]``, every row running ``segments`` segments.

    Raises:
        ValueError: there are no puzzles.
    """
    if len(puzzles) == 0:
        raise ValueError("An evaluation needs at least one puzzle.")
    right = []
    for start in range(0, len(puzzles), batch_size):
        rows = slice(start, start + batch_size)
        inputs = torch.from_numpy(task.encode(puzzles[rows]))
        labels = torch.from_numpy(task.encode(solutions[rows]))
        depth = {} if isinstance(model, FeedForward) else {"segments": segments}
        right.append(model.solve(inputs, **depth).tokens == labels)
    right = torch.cat(right)
    return Score(right.all(1).double().mean().item(), right.double().mean().item(), len(right))
