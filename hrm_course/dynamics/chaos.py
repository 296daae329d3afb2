"""Lyapunov exponents: how fast nearby orbits part."""

from functools import partial

import torch
from torch import Tensor
from torch.func import jvp, vmap

from .maps import Map
from .orbits import apply, as_start, check_rows
from .stability import check_slope


@torch.no_grad()
def lyapunov_exponents(
    f: Map,
    z0: Tensor,
    steps: int,
    k: int | None = None,
    discard: int = 0,
    batched: bool = False,
    every: int = 1,
    history: bool = False,
    dt: float = 1.0,
    seed: int = 0,
) -> Tensor:
    """The ``k`` largest Lyapunov exponents along the orbit of ``z0``, largest first.

    A frame of k tangent vectors is pushed along the orbit by Jacobian-vector products and made
    orthonormal again by QR; the exponents are the mean logarithms of the diagonal of R. No
    Jacobian is formed, so a large state costs k products a step.

    Args:
        f: any differentiable map that keeps the shape of its argument. Use `rk4` for a flow.
        z0: one state of n numbers; with ``batched=True`` the first axis counts states.
        steps: applications of ``f`` that are measured.
        k: how many exponents, by default all n.
        discard: applications before that, which only turn the frame and approach the attractor.
        every: applications between two QR decompositions; it must divide ``steps``.
        history: return the running means too.
        dt: time of one application, for exponents per unit of time.
        seed: for the first frame, which is random.

    Returns:
        ``[k]``, or ``[B, k]`` with ``batched=True``; with ``history=True`` a first axis of
        ``steps // every`` running means, of which the last row is the result. An orbit that
        leaves to infinity has NaN exponents, and an exponent may be minus infinity. A complex
        state of n numbers has n exponents; seen as 2n real numbers it has each of them twice.

    Raises:
        ValueError, TypeError: the start is not finite, a number does not fit, or as `jacobian`.

    Source: Benettin, Galgani, Giorgilli and Strelcyn (1980), *Lyapunov characteristic exponents*.
    """
    if batched:
        check_rows(z0, "lyapunov_exponents with batched=True", "starts")
    rows = len(z0) if batched else 1
    n = as_start(z0).numel() // rows
    k = n if k is None else k
    if not 1 <= k <= n:
        raise ValueError(f"A state of {n} numbers has {n} exponents; k={k} can't be had.")
    if steps < 1 or discard < 0 or every < 1 or steps % every or not dt > 0:
        raise ValueError(
            "lyapunov_exponents needs steps >= 1, discard >= 0, dt > 0 and an every that divides "
            f"steps, not steps={steps}, discard={discard}, dt={dt}, every={every}."
        )
    check_slope(f, z0)
    z, generator = z0.clone(), torch.Generator().manual_seed(seed)  # no view, see stability._own
    frame = torch.randn(rows, n, k, dtype=z0.dtype, generator=generator)
    frame = torch.linalg.qr(frame).Q
    growth = []
    for remaining in _windows(discard, every) + [every] * (steps // every):
        tangents = frame.permute(2, 0, 1).reshape(k, *z0.shape)
        for _ in range(remaining):
            z, tangents = _push(f, z, tangents)
        frame, R = torch.linalg.qr(tangents.reshape(k, rows, n).permute(1, 2, 0))
        growth.append(R.diagonal(dim1=1, dim2=2).abs().log())  # real for complex states too
    measured = torch.stack(growth[-(steps // every) :])  # [windows, B, k]
    time = dt * every * torch.arange(1, len(measured) + 1, dtype=measured.dtype).view(-1, 1, 1)
    means = measured.cumsum(0) / time
    means = means if batched else means[:, 0]
    return means if history else means[-1]


def _push(f: Map, z: Tensor, tangents: Tensor) -> tuple[Tensor, Tensor]:
    """``f(z)``, and the Jacobian times each of ``tangents [k, *shape]``, from one pass."""
    # randomness="same": a noisy map draws once, for the state and all its tangents
    push = vmap(lambda v: jvp(partial(apply, f), (z,), (v,)), out_dims=(None, 0), randomness="same")
    return push(tangents)


def _windows(steps: int, every: int) -> list[int]:
    return [every] * (steps // every) + ([steps % every] if steps % every else [])
