"""Memories as attractors: Hopfield's network, classical and modern."""

import math

import torch
from torch import Tensor

from .maps import Map, fitting, numbers


def hopfield(patterns: Tensor, beta: float | None = None, order: Tensor | None = None) -> Map:
    """The update of a Hopfield network that stores ``patterns``, as a map on ``[..., n]``.

    Classical (``beta`` None): every unit takes the sign of its input W z, with Hebb's weights W
    and no self-coupling; a unit with input 0 keeps its sign. All units at once, which may end in a
    cycle of two states; or one after another in the given ``order``, which lowers the energy.
    Modern: z -> X^T softmax(beta X z), the mean of the patterns that attention would read.

    Args:
        patterns: ``[m, n]``; +1 and -1 in the classical case.
        beta: inverse temperature; a positive number makes the network modern.
        order: unit numbers; one application of the map updates each of them in turn.

    Raises:
        ValueError: an argument does not fit; the sentence says which.

    Source: Hopfield (1982), *Neural networks and physical systems with emergent collective
    computational abilities*; Ramsauer et al. (2020), *Hopfield networks is all you need*, eq. 3.
    """
    _check(patterns, beta)
    if beta is not None:
        if order is not None:
            raise ValueError("order belongs to the classical network; leave it out with beta.")
        X = patterns
        return lambda z: torch.softmax(beta * (fitting(z, X) @ X.T), dim=-1) @ X
    W = _hebb(patterns)  # whole numbers, so that an input of 0 is exactly 0

    def sign(drive: Tensor, z: Tensor) -> Tensor:
        # z + drive where that is 0 (and where it is NaN, of which PyTorch's sign would make 0)
        return torch.where(drive.abs() > 0, torch.sign(drive), z + drive)

    def sweep(z: Tensor) -> Tensor:
        z = fitting(z, W).clone()
        for i in units:
            z[..., i] = sign(z @ W[i], z[..., i])
        return z

    if order is None:
        return lambda z: sign(fitting(z, W) @ W, z)
    units = torch.as_tensor(order).tolist()
    if any(type(i) is not int or i not in range(len(W)) for i in units):
        raise ValueError(f"order lists numbers of units, 0 to {len(W) - 1}, not {order}.")
    return sweep


def hopfield_energy(patterns: Tensor, z: Tensor, beta: float | None = None) -> Tensor:
    """The energy ``[...]`` of states ``z [..., n]`` of `hopfield` with the same arguments.

    Classical: -z.Wz / 2 with W = X^T X / n without its diagonal, which no update of a single unit
    raises. Modern: half the squared length of z minus the soft maximum
    log(mean(exp(beta X z))) / beta, plus half the largest squared length of a pattern; no update
    raises it and it is never negative.

    Source: as `hopfield`; the modern energy is eq. 2 of Ramsauer et al.
    """
    _check(patterns, beta)
    fitting(z, patterns)
    if beta is None:
        return -((z @ _hebb(patterns)) * z).sum(-1) / (2 * patterns.shape[1])
    overlap = torch.logsumexp(beta * (z @ patterns.T), dim=-1) - math.log(len(patterns))
    return z.square().sum(-1) / 2 - overlap / beta + patterns.square().sum(-1).max() / 2


def _hebb(patterns: Tensor) -> Tensor:
    """n times Hebb's weights: the sign of an input doesn't depend on the factor."""
    W = patterns.T @ patterns
    return W - W.diagonal().diag()


def _check(patterns: Tensor, beta: float | None) -> None:
    if numbers(patterns, "The matrix of patterns", real=True).dim() != 2 or 0 in patterns.shape:
        raise ValueError(f"Patterns are a matrix [m, n], not of shape {list(patterns.shape)}.")
    if not torch.isfinite(patterns).all():
        raise ValueError("The patterns are not finite: there is NaN or infinity in them.")
    if beta is None and not (patterns.abs() == 1).all():
        raise ValueError("A classical Hopfield network stores +1 and -1 only; give beta otherwise.")
    if beta is not None and not 0 < beta < math.inf:
        raise ValueError(f"beta must be a positive number, not {beta}.")
