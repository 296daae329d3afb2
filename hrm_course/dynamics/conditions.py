"""How a matrix of 2 or 3 rows is judged by its coefficients, without its eigenvalues."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .maps import numbers


@dataclass(frozen=True)
class StabilityConditions:
    """What the coefficients of a matrix A say about z -> A z (map) and dz/dt = A z (flow).

    ``jury`` and ``routh_hurwitz`` map each condition to its margin. The origin is asymptotically
    stable exactly when all margins are positive. ``map_kind`` and ``flow_kind`` name the origin
    for n = 2 (None for n = 3). ``map_lyapunov`` is the P with A^T P A - P = -I, ``flow_lyapunov``
    the P with A^T P + P A = -I: then V(z) = z.Pz falls along every orbit. None where unstable.
    """

    trace: float
    determinant: float
    jury: dict[str, float]
    routh_hurwitz: dict[str, float]
    map_stable: bool
    flow_stable: bool
    map_kind: str | None
    flow_kind: str | None
    map_lyapunov: Tensor | None
    flow_lyapunov: Tensor | None


def stability_conditions(A: Tensor) -> StabilityConditions:
    """Judge a matrix ``A [2, 2]`` or ``[3, 3]`` by trace and determinant, without eigenvalues.

    For the flow of a network z -> f(z), which is dz/dt = f(z) - z, pass J - I.

    Returns:
        `StabilityConditions`: Jury's conditions for the map and Routh and Hurwitz' for the flow
        with their margins, both verdicts, the kind of the origin, a quadratic Lyapunov function.

    Raises:
        ValueError: ``A`` is not a finite square matrix of 2 or 3 rows.
        TypeError: its numbers are complex, whole or of half precision.

    Source: Jury (1964), *Theory and application of the z-transform method*; Hurwitz (1895).
    """
    n = len(A) if numbers(A, "A", real=True).dim() == 2 else 0
    if n not in (2, 3) or A.shape != (n, n) or not torch.isfinite(A).all():
        raise ValueError(f"A must be a finite matrix [2, 2] or [3, 3], not {list(A.shape)}.")
    A = A.detach().double()
    trace, det = A.trace().item(), torch.linalg.det(A).item()
    # p(x) = x^2 - trace x + det, or x^3 - trace x^2 + minors x - det
    minors = (trace**2 - (A @ A).trace().item()) / 2
    if n == 2:
        jury = {"p(1)": 1 - trace + det, "p(-1)": 1 + trace + det, "1 - det": 1 - det}
        hurwitz = {"-trace": -trace, "det": det}
    else:
        jury = {
            "p(1)": 1 - trace + minors - det,
            "-p(-1)": 1 + trace + minors + det,
            "1 - |det|": 1 - abs(det),
            "|det^2 - 1| - |det trace - minors|": abs(det**2 - 1) - abs(det * trace - minors),
        }
        hurwitz = {"-trace": -trace, "-det": -det, "det - trace minors": det - trace * minors}
    map_stable, flow_stable = (min(margins.values()) > 0 for margins in (jury, hurwitz))
    from scipy.linalg import solve_continuous_lyapunov, solve_discrete_lyapunov  # slow to import

    B, Q = A.T.numpy(), np.eye(n)
    return StabilityConditions(
        trace,
        det,
        jury,
        hurwitz,
        map_stable,
        flow_stable,
        _map_kind(trace, det) if n == 2 else None,
        _flow_kind(trace, det) if n == 2 else None,
        torch.from_numpy(solve_discrete_lyapunov(B, Q)) if map_stable else None,
        torch.from_numpy(solve_continuous_lyapunov(B, -Q)) if flow_stable else None,
    )


def _flow_kind(trace: float, det: float) -> str:
    if det == 0:
        return "degenerate"  # a line of equilibria
    if det < 0:
        return "saddle"
    if trace == 0:
        return "centre"
    shape = "node" if trace**2 >= 4 * det else "focus"
    return f"{'stable' if trace < 0 else 'unstable'} {shape}"


def _map_kind(trace: float, det: float) -> str:
    at_one, at_minus_one = 1 - trace + det, 1 + trace + det
    if trace**2 < 4 * det:  # a complex pair of modulus sqrt(det)
        return "centre" if det == 1 else f"{'stable' if det < 1 else 'unstable'} focus"
    if at_one == 0 or at_minus_one == 0:
        return "degenerate"  # an eigenvalue 1 or -1
    if (at_one < 0) != (at_minus_one < 0):
        return "saddle"
    # both values negative: one eigenvalue beyond 1, the other beyond -1
    return "stable node" if at_one > 0 and abs(det) < 1 else "unstable node"
