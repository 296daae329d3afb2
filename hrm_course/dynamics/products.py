"""Products with the Jacobian of a map, and what can be had from them alone.

With ``batched=True`` each row of ``z [B, *shape]`` is a state of its own. Gradients flow through
everything here, so that the instrument that measures a map can also stand in a loss.
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.func import jvp, vjp, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from .maps import Map
from .orbits import apply


def push(f: Map, z: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """``f(z)`` and J v, the Jacobian of ``f`` at ``z`` times a displacement, from one pass."""
    with sdpa_kernel(SDPBackend.MATH):  # the fused attention kernels know no forward derivative
        value, pushed, *_ = jvp(partial(apply, f), (z,), (v,))
    return value, pushed


def push_frame(f: Map, z: Tensor, frame: Tensor) -> tuple[Tensor, Tensor]:
    """``f(z)``, and the Jacobian times each of the displacements ``frame [k, *shape]``."""
    # randomness="same": a noisy map draws once, for the state and all its displacements
    axes: Any = (None, 0)  # one f(z), a product for each
    return vmap(lambda v: push(f, z, v), out_dims=axes, randomness="same")(frame)


def diagonal_samples(
    f: Map, z: Tensor, probes: int, generator: torch.Generator | None, batched: bool = False
) -> tuple[Tensor, Tensor]:
    """``f(z)``, and for each probe v of random signs the mean of v.Jv: ``[probes]``, or
    ``[probes, B]``.

    The expectation of a sample is tr J / n, the mean of the diagonal of the Jacobian.

    Source: Hutchinson (1989), *A stochastic estimator of the trace of the influence matrix*.
    """
    samples = []
    for _ in range(probes):
        v = signs(z, generator)
        value, pushed = push(f, z, v)
        samples.append(_rows(v * pushed, batched).mean(-1))
    return value, torch.stack(samples)


def mean_square_stretch(
    f: Map, z: Tensor, probes: int = 1, generator: torch.Generator | None = None
) -> Tensor:
    """The mean square singular value of the Jacobian of ``f`` at ``z``, averaged over the rows.

    That is the squared Frobenius norm over the numbers of the state, estimated as Hutchinson
    does: the mean square of the numbers of J v over random signs v.
    """
    return torch.stack(
        [push(f, z, signs(z, generator))[1].square().mean() for _ in range(probes)]
    ).mean()


def growth_rate(
    f: Map,
    z: Tensor,
    products: int = 30,
    last: int = 2,
    generator: torch.Generator | None = None,
    batched: bool = False,
) -> Tensor:
    """By what factor the Jacobian of ``f`` at ``z`` stretches in the long run.

    Power iteration from a random direction; the rate is the geometric mean over the last few
    products, which also carry the gradient. With more products it tends to the spectral radius if
    one real eigenvalue dominates; of a complex pair it is an average over those last ones.

    Args:
        f: any differentiable map that keeps the shape of its argument.
        z: a state; with ``batched=True`` a row each.
        products: how many Jacobian-vector products.
        last: over how many of them the mean is taken.
        generator: source of the first direction, on the device of ``z``.
        batched: answer for each row.

    Returns:
        A scalar tensor, or ``[B]``.
    """
    v, logs = _normal(z, generator), []
    for i in range(products):
        v = _unit(v, batched)
        counts = i >= products - last
        with torch.set_grad_enabled(torch.is_grad_enabled() and counts):
            v = push(f, z, v)[1]
        if counts:
            logs.append(_length(v, batched).log())
    return torch.stack(logs).mean(0).exp()


def leading_modulus(
    f: Map,
    z: Tensor,
    products: int = 30,
    generator: torch.Generator | None = None,
    batched: bool = False,
) -> Tensor:
    """The largest modulus of an eigenvalue of the Jacobian of ``f`` at ``z``, by power iteration.

    The last direction v and the part of J v across it span a plane; the eigenvalues of J as this
    plane sees it tell a complex pair, or a pair +a and -a, from one real eigenvalue. Arguments
    and result as for `growth_rate`; the gradient is that of the last two products.

    Source: Saad (2011), *Numerical Methods for Large Eigenvalue Problems*, chapter 6 (Arnoldi's
    method with two vectors).
    """
    with torch.no_grad():
        v = _unit(_normal(z, generator), batched)
        for _ in range(products - 2):
            v = _unit(push(f, z, v)[1], batched)
    first = push(f, z, v)[1]
    a = _dot(v, first, batched)
    across = first - _spread(a, z, batched) * v
    c = _length(across, batched)
    u = across / _spread(c, z, batched)
    second = push(f, z, u)[1]
    b, d = _dot(v, second, batched), _dot(u, second, batched)
    half = (a + d) / 2  # the eigenvalues of [[a, b], [c, d]] are half +- root
    root = torch.complex(*_parts(half.square() - a * d + b * c + 1e-30)).sqrt()
    pair = torch.maximum((half + root).abs(), (half - root).abs())
    # Where nothing of J v lies across v, v is the eigenvector, and u an accident of rounding.
    lone = c <= torch.finfo(z.dtype).eps ** 0.5 * a.abs()
    return torch.where(lone, a.abs(), pair)


def largest_stretch(
    f: Map,
    z: Tensor,
    products: int = 30,
    generator: torch.Generator | None = None,
    batched: bool = False,
) -> Tensor:
    """The largest singular value of the Jacobian of ``f`` at ``z``, by power iteration on J^T J.

    ``f`` must be differentiable backwards too. Arguments and result as for `growth_rate`; the
    gradient is that of the last product, which is the true one once the direction has settled.
    """
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        v = _unit(_normal(z, generator), batched)
        pull = vjp(partial(apply, f), z)[1]
        for _ in range(products - 1):
            v = _unit(pull(push(f, z, v)[1])[0], batched)
    return _length(push(f, z, v)[1], batched)


def signs(z: Tensor, generator: torch.Generator | None) -> Tensor:
    """Random signs in the shape of ``z``: of all probes, a trace varies least with these."""
    draw = torch.randint(0, 2, z.shape, generator=generator, device=z.device)
    return draw.to(z.dtype) * 2 - 1


def _normal(z: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.empty_like(z).normal_(generator=generator)


def _spread(numbers: Tensor, z: Tensor, batched: bool) -> Tensor:
    """One number a state, in a shape that multiplies ``z``."""
    return numbers.view(-1, *[1] * (z.dim() - 1)) if batched else numbers


def _parts(numbers: Tensor) -> tuple[Tensor, Tensor]:
    if numbers.is_complex():
        return numbers.real, numbers.imag
    return numbers, torch.zeros_like(numbers)


def _rows(v: Tensor, batched: bool) -> Tensor:
    """The numbers of each state in the last axis."""
    return v.reshape(len(v), -1) if batched else v.flatten()


def _dot(u: Tensor, v: Tensor, batched: bool) -> Tensor:
    return _rows(u.conj() * v, batched).sum(-1)


def _length(v: Tensor, batched: bool) -> Tensor:
    """Lengths that are never 0, since the gradient of a norm at 0 is NaN."""
    return _dot(v, v, batched).real.clamp(min=1e-30).sqrt()


def _unit(v: Tensor, batched: bool) -> Tensor:
    return v / _spread(_length(v, batched), v, batched)
