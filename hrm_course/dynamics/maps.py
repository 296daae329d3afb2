"""Named maps. Each function returns a plain callable ``f: tensor -> tensor``."""

from collections.abc import Callable

import torch
from torch import Tensor

Map = Callable[[Tensor], Tensor]


def logistic(r: float) -> Map:
    """The logistic map z -> r z (1 - z), element by element.

    Source: May (1976), *Simple mathematical models with very complicated dynamics*.
    """
    return lambda z: r * z * (1 - z)


def tent(mu: float = 2.0) -> Map:
    """The tent map z -> mu min(z, 1 - z), element by element."""
    return lambda z: mu * torch.minimum(z, 1 - z)


def henon(a: float = 1.4, b: float = 0.3) -> Map:
    """The Hénon map (x, y) -> (1 - a x^2 + y, b x) on tensors ``[..., 2]``.

    Source: Hénon (1976), *A two-dimensional mapping with a strange attractor*, eq. 4.
    """

    def f(z: Tensor) -> Tensor:
        x, y = z.unbind(-1)
        return torch.stack((1 - a * x**2 + y, b * x), dim=-1)

    return f


def linear_map(A: Tensor) -> Map:
    """The map z -> A z on tensors ``[..., n]``, for a square matrix ``A [n, n]``.

    Raises:
        ValueError: ``A`` is not a square matrix.
    """
    if A.dim() != 2 or A.shape[0] != A.shape[1]:
        raise ValueError(f"linear_map needs a square matrix [n, n], not shape {list(A.shape)}.")
    return lambda z: z @ A.T
