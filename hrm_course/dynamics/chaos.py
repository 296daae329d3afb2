"""Lyapunov exponents: how fast nearby orbits part."""

import torch
from torch import Tensor

from .maps import Map
from .orbits import as_start, check_rows
from .products import push_frame
from .stability import check_slope


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
        z0: one state of n numbers; with ``batched=True`` the first axis counts states, and gradients
            flow through the result.
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
    with torch.set_grad_enabled(batched and torch.is_grad_enabled()):
        growth = _growth(
            f, z0, rows, k, _windows(discard, every) + [every] * (steps // every), seed
        )
    measured = growth[-(steps // every) :]  # [windows, B, k]
    time = dt * every * torch.arange(1, len(measured) + 1, dtype=measured.dtype).view(-1, 1, 1)
    means = measured.cumsum(0) / time
    means = means if batched else means[:, 0]
    return means if history else means[-1]


def _growth(f: Map, z0: Tensor, rows: int, k: int, windows: list[int], seed: int) -> Tensor:
    """By what logarithm each direction of the frame grows in each window: ``[windows, B, k]``."""
    n = z0.numel() // rows
    z, generator = z0.clone(), torch.Generator().manual_seed(seed)  # no view, see stability._own
    frame = torch.randn(rows, n, k, dtype=z0.dtype, generator=generator)
    frame = torch.linalg.qr(frame).Q
    growth = []
    for steps in windows:
        tangents = frame.permute(2, 0, 1).reshape(k, *z0.shape)
        for _ in range(steps):
            z, tangents = push_frame(f, z, tangents)
        frame, R = torch.linalg.qr(tangents.reshape(k, rows, n).permute(1, 2, 0))
        growth.append(R.diagonal(dim1=1, dim2=2).abs().log())  # real for complex states too
    return torch.stack(growth)


def _windows(steps: int, every: int) -> list[int]:
    return [every] * (steps // every) + ([steps % every] if steps % every else [])
