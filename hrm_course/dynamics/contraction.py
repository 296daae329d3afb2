"""How far a map brings two states together: Lipschitz constants and Banach's error bounds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import torch
from torch import Tensor

from .maps import Map
from .orbits import apply, as_start, precision
from .stability import DENSE_LIMIT, check_slope, row_jacobians

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
        if self.certified is None or not self.contraction:
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
        ValueError: another norm, too few or too many points, values or derivatives that are not
            finite, a ``bound`` that a sample refutes or that is none, or as `jacobian`.
        TypeError: as `jacobian`.
    """
    if norm not in (1, 2, math.inf):
        raise ValueError(f"The norm must be 1, 2 or math.inf, not {norm}.")
    if as_start(points).dim() == 0 or not 2 <= len(points) <= MOST_POINTS:
        raise ValueError(f"lipschitz compares pairs: it needs 2 to {MOST_POINTS} points [n, ...].")
    images = as_start(apply(f, points), "f at the points")
    check_slope(f, points)
    before, after = _distances(points, norm), _distances(images, norm)
    # nearly equal states would measure rounding
    apart = before > torch.finfo(points.dtype).eps ** 0.5 * before.max()
    ratios = (after / before)[apart].flatten()
    if points[0].numel() <= DENSE_LIMIT:
        J = as_start(row_jacobians(f, points), "The derivative of f at the points")
        ratios = torch.cat((ratios, torch.linalg.matrix_norm(J, norm)))
    if len(ratios) == 0:
        raise ValueError("All points are the same: lipschitz needs two that differ.")
    empirical = ratios.max().item()
    certified = None if bound is None else _certified(bound, norm)
    slack = 1 + precision(points, 1e-6, 1e-3)  # what rounding may add to a ratio
    if certified is not None and not empirical <= certified * slack:
        raise ValueError(
            f"The bound {certified:.6g} is refuted: at the samples f stretches by {empirical:.6g}."
        )
    return Lipschitz(empirical, certified, norm)


def _certified(bound: float | Sequence[Tensor], norm: float) -> float:
    if isinstance(bound, Real | int | float):
        return float(bound)
    for W in bound:
        if as_start(W, "A matrix of the bound").dim() != 2 or 0 in W.shape:
            raise ValueError(
                f"A bound is a number or a list of matrices, [W] for one; {list(W.shape)} is none."
            )
    return math.prod(torch.linalg.matrix_norm(W, norm).item() for W in bound)


def _distances(states: Tensor, norm: float) -> Tensor:
    """``[n, n]``, row by row, since torch.cdist takes no complex numbers."""
    rows = states.reshape(len(states), -1)
    return torch.stack([torch.linalg.vector_norm(rows - row, norm, dim=1) for row in rows])
