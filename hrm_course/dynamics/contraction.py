"""How far a map brings two states together: Lipschitz constants and Banach's error bounds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .maps import Map
from .orbits import apply, as_start
from .stability import DENSE_LIMIT, row_jacobians

MOST_POINTS = 1_000  # all their pairs are compared


@dataclass(frozen=True)
class Lipschitz:
    """Two bounds on the smallest L with |f(x) - f(y)| <= L |x - y|, in one norm (1, 2 or inf).

    ``empirical`` is the largest ratio seen at samples: the true L is at least this (a *lower*
    bound). ``certified`` follows from an argument, not from samples: the true L is at most this
    (an *upper* bound), or None when no argument was given. Only a certified constant below 1
    proves a contraction, so only it gives error bounds.
    """

    empirical: float
    certified: float | None
    norm: float

    @property
    def contraction(self) -> bool | None:
        """True and False when that is proved, None when the bounds leave it open."""
        if self.certified is not None and self.certified < 1:
            return True
        return False if self.empirical >= 1 else None

    def a_priori(self, first_step: float, n: int) -> float:
        """Banach's bound on |z_n - z*| from the first step |z_1 - z_0|: q^n / (1 - q) times it."""
        q = self._rate()
        return q**n / (1 - q) * first_step

    def a_posteriori(self, last_step: float) -> float:
        """Banach's bound on |z_n - z*| from the last step |z_n - z_(n-1)|: q / (1 - q) times it."""
        q = self._rate()
        return q / (1 - q) * last_step

    def _rate(self) -> float:
        if not self.contraction:
            raise ValueError(
                "Banach's bounds need a certified Lipschitz constant below 1; here certified is "
                f"{self.certified} (the empirical {self.empirical:.3g} is only a lower bound)."
            )
        return self.certified


@torch.no_grad()
def lipschitz(
    f: Map,
    points: Tensor,
    bound: float | Sequence[Tensor] | None = None,
    norm: float = 2,
) -> Lipschitz:
    """Bound the Lipschitz constant of ``f`` from below by samples and from above by ``bound``.

    Args:
        f: a map that acts on each row alone and takes any number of rows.
        points: samples of the region of interest, ``[n, *shape]`` with 2 <= n <= 1,000.
        bound: what certifies. Either a number that you have proved, or the weight matrices of a
            composition of linear layers and activations of slope at most 1 (tanh, ReLU, or none):
            then the product of the norms of the matrices.
        norm: 1, 2 or ``math.inf``, of states read as vectors.

    Returns:
        `Lipschitz`. The empirical value is the largest over all pairs of samples and, for states
        of at most 64 numbers, over the norms of the Jacobians at the samples.

    Raises:
        ValueError: another norm, too few or too many points, values that are not finite, or a ``bound`` that a sample refutes.
    """
    if norm not in (1, 2, math.inf):
        raise ValueError(f"The norm must be 1, 2 or math.inf, not {norm}.")
    if as_start(points).dim() == 0 or not 2 <= len(points) <= MOST_POINTS:
        raise ValueError(f"lipschitz compares pairs: it needs 2 to {MOST_POINTS} points [n, ...].")
    images = as_start(apply(f, points), "f at the points")
    before, after = _distances(points, norm), _distances(images, norm)
    # nearly equal states would measure rounding
    apart = before > torch.finfo(points.dtype).eps ** 0.5 * before.max()
    ratios = (after / before)[apart].flatten()
    if points[0].numel() <= DENSE_LIMIT:
        ratios = torch.cat((ratios, torch.linalg.matrix_norm(row_jacobians(f, points), norm)))
    if len(ratios) == 0:
        raise ValueError("All points are the same: lipschitz needs two that differ.")
    empirical = ratios.max().item()
    if bound is not None and not isinstance(bound, int | float):
        bound = math.prod(torch.linalg.matrix_norm(W, norm).item() for W in bound)
    if bound is not None and not empirical <= bound * (1 + 1e-6):
        raise ValueError(
            f"The bound {bound:.6g} is refuted: at the samples f stretches by {empirical:.6g}."
        )
    return Lipschitz(empirical, None if bound is None else float(bound), norm)


def _distances(states: Tensor, norm: float) -> Tensor:
    rows = states.reshape(len(states), -1)
    return torch.cdist(rows, rows, p=norm, compute_mode="donot_use_mm_for_euclid_dist")
