"""Named maps. Each function returns a plain callable ``f: tensor -> tensor``."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Map = Callable[[Tensor], Tensor]
NUMBERS = (torch.float32, torch.float64, torch.complex64, torch.complex128)


def numbers(
    x: Tensor, name: str = "A state", last: int | None = None, real: bool = False
) -> Tensor:
    """``x``, refused with a sentence where the course can't compute with it.

    Args:
        x: a state or what a map is made of.
        name: what the sentence calls it.
        last: how many numbers its last axis must have.
        real: whether complex numbers are refused too.

    Raises:
        TypeError: no tensor, or its numbers are whole, of half precision, or unduly complex.
        ValueError: the last axis does not fit.
    """
    if not isinstance(x, Tensor):
        raise TypeError(
            f"{name} must be a tensor; wrap it: torch.tensor({x!r}, dtype=torch.float64)."
        )
    if x.dtype not in NUMBERS:
        raise TypeError(
            f"{name} must have numbers of single or double precision, not {x.dtype}: "
            "convert it, for example with .double()."
        )
    if real and x.is_complex():
        raise TypeError(
            f"{name} must be real here; torch.view_as_real turns complex numbers into pairs."
        )
    if last is not None and (x.dim() == 0 or x.shape[-1] != last):
        raise ValueError(f"{name} must have the shape [..., {last}] here, not {list(x.shape)}.")
    return x


def fitting(z: Tensor, W: Tensor) -> Tensor:
    """The state ``z [..., n]``, refused when it can't meet the map's own numbers ``W [..., n]``."""
    if numbers(z, last=W.shape[-1]).dtype != W.dtype:
        raise TypeError(
            f"This map is made of {W.dtype} and the state of {z.dtype}: convert one of them, for "
            f"example the state with .to({W.dtype})."
        )
    return z


def logistic(r: float) -> Map:
    """The logistic map z -> r z (1 - z), element by element.

    Source: May (1976), *Simple mathematical models with very complicated dynamics*.
    """
    return lambda z: r * numbers(z) * (1 - z)


def tent(mu: float = 2.0) -> Map:
    """The tent map z -> mu min(z, 1 - z), element by element."""
    return lambda z: mu * torch.minimum(numbers(z, real=True), 1 - z)


def henon(a: float = 1.4, b: float = 0.3) -> Map:
    """The Hénon map (x, y) -> (1 - a x^2 + y, b x) on tensors ``[..., 2]``.

    Source: Hénon (1976), *A two-dimensional mapping with a strange attractor*, eq. 4.
    """

    def f(z: Tensor) -> Tensor:
        x, y = numbers(z, last=2).unbind(-1)
        return torch.stack((1 - a * x**2 + y, b * x), dim=-1)

    return f


def linear_map(A: Tensor) -> Map:
    """The map z -> A z on tensors ``[..., n]``, for a square matrix ``A [n, n]``.

    Raises:
        ValueError: ``A`` is not a square matrix.
    """
    if numbers(A, "The matrix").dim() != 2 or A.shape[0] != A.shape[1]:
        raise ValueError(f"linear_map needs a square matrix [n, n], not shape {list(A.shape)}.")
    return lambda z: fitting(z, A) @ A.T


def newton_map(coefficients: Sequence[complex] = (1, 0, 0, -1)) -> Map:
    """Newton's map z -> z - p(z) / p'(z) on complex tensors of any shape, element by element.

    Its fixed points are the roots of p. The simple ones attract with the multiplier 0.

    Args:
        coefficients: of the polynomial p, highest power first; by default those of z^3 - 1.

    Raises:
        ValueError: p is a constant; or, when the map is called, the state is not complex.

    Source: Cayley (1879), *The Newton-Fourier imaginary problem*.
    """
    if len(coefficients) < 2 or not coefficients[0]:
        raise ValueError(
            "newton_map needs a polynomial of degree 1 or more, highest power first and not zero, "
            f"not the coefficients {tuple(coefficients)}."
        )

    def f(z: Tensor) -> Tensor:
        if not numbers(z).is_complex():
            raise ValueError("Newton's map acts on complex states: use torch.complex(x, y).")
        value, slope = torch.full_like(z, coefficients[0]), torch.zeros_like(z)
        for c in coefficients[1:]:  # Horner's rule for p and p' together
            slope = slope * z + value
            value = value * z + c
        return z - value / slope

    return f


def tanh_network(n: int, gain: float, seed: int = 0) -> Map:
    """The random network z -> tanh(W z) on tensors ``[..., n]``; ``f.weight`` is W.

    The entries of W are normal with variance gain^2 / n, in double precision. For large n the
    origin loses its stability at gain 1.

    Raises:
        ValueError: ``n`` is not positive.

    Source: Sompolinsky, Crisanti and Sommers (1988), *Chaos in random neural networks*; here in
    discrete time.
    """
    if n < 1:
        raise ValueError(f"A network needs n >= 1 units, not {n}.")
    generator = torch.Generator().manual_seed(seed)
    W = gain / n**0.5 * torch.randn(n, n, dtype=torch.float64, generator=generator)

    def f(z: Tensor) -> Tensor:
        return torch.tanh(fitting(z, W) @ W.T)

    f.weight = W  # ty: ignore[missing-attribute] a function may carry what it is made of
    return f


def sphere_map(target: Tensor, kappa: float) -> Map:
    """The map ``z -> (z + c) / |z + c|`` on the unit sphere, with c = kappa times the unit target.

    This is a network with post-normalisation in one line: the state, plus an input, scaled back
    to length 1. The target attracts with the multiplier 1 / (1 + kappa); its antipode is fixed
    too for kappa < 1, and repels with the multiplier 1 / (1 - kappa).

    Args:
        target: a direction ``[D]``; it is scaled to length 1.
        kappa: length of the input over length of the state, 0 or more.

    Raises:
        ValueError: ``target`` is no vector with a direction, or ``kappa`` is negative.
    """
    if numbers(target, "The target", real=True).dim() != 1 or not 0 < target.norm() < math.inf:
        raise ValueError("sphere_map needs a target [D] that is finite and not zero.")
    if not 0 <= kappa < math.inf:
        raise ValueError(f"kappa is a length, 0 or more, not {kappa}.")
    c = kappa * target / target.norm()
    return lambda z: torch.nn.functional.normalize(fitting(z, c) + c, dim=-1)
