"""Jacobians, their spectra and norms: dense for small states, matrix-free for large ones.

Beside them the conditions by which a matrix of 2 or 3 rows is judged without its eigenvalues.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from scipy.linalg import solve_continuous_lyapunov, solve_discrete_lyapunov
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs, eigsh
from torch import Tensor
from torch.func import jvp, vjp, vmap

from .maps import Map, numbers
from .orbits import apply, precision

DENSE_LIMIT = 64  # below this many numbers a dense eigenvalue solver is faster and exact
# With SciPy's 20 basis vectors Arnoldi takes a neighbour for the largest eigenvalue of every third
# random matrix of 800 rows (2 % off at worst); with 100 hardly ever, in fewer products.
KRYLOV = 100
MOST_RESTARTS = 1_000  # SciPy would go on for 10 n of them: hours for a large state


@torch.no_grad()
def jacobian(f: Map, z: Tensor) -> Tensor:
    """The matrix ``[n, n]`` of partial derivatives of ``f`` at the state ``z`` of n numbers.

    Row i, column j: how the i-th number of ``f(z)`` changes with the j-th number of ``z``, both
    counted in the order of ``z.flatten()``. Computed by forward-mode differentiation. For complex
    states these are the complex derivatives, so ``f`` must be analytic: z^2 is, the modulus of z is not.

    Raises:
        ValueError: ``f`` changes the shape of the state or the kind of its numbers, the state has
            no numbers, or it is complex and ``f`` is not analytic there.
        TypeError: ``z`` is no tensor, or its numbers are whole or of half precision.
    """
    rows = numbers(z).unsqueeze(0)
    by_row = lambda rows: apply(f, rows[0]).unsqueeze(0)  # noqa: E731
    check_slope(by_row, rows)
    return row_jacobians(by_row, rows)[0]


def row_jacobians(f: Map, z: Tensor) -> Tensor:
    """The Jacobians ``[B, n, n]`` of a map that acts on each row of ``z [B, *shape]`` alone."""
    n = z[0].numel()
    apply(f, z)
    z = z.clone()  # for the reason that _own tells
    basis = torch.eye(n, dtype=z.dtype).view(n, 1, *z.shape[1:]).expand(n, *z.shape)
    columns = vmap(lambda e: jvp(f, (z,), (e,))[1])(basis)  # one column of every row at a time
    return columns.reshape(n, len(z), n).permute(1, 2, 0)


def check_slope(f: Map, z: Tensor) -> None:
    """Refuses states ``z`` of no numbers, and complex ones where ``f`` has no complex derivative.

    The latter means J (iv) = i Jv for every v, and is put to the test with a random one.

    Raises:
        ValueError: as said.
    """
    if z.numel() == 0:
        raise ValueError("A state of no numbers has no Jacobian.")
    if not z.is_complex():
        return
    v = torch.randn(z.shape, dtype=z.dtype, generator=torch.Generator().manual_seed(0))
    push = vmap(lambda v: jvp(partial(apply, f), (z.clone(),), (v,))[1], randomness="same")
    straight, turned = push(torch.stack((v, 1j * v)))
    eps = torch.finfo(z.dtype).eps
    if (turned - 1j * straight).norm() > eps**0.5 * straight.norm() + 1e4 * eps * v.norm():
        raise ValueError(
            "f is not analytic at this complex state, so it has no complex derivative: write it as "
            "a map of pairs of real numbers, with torch.view_as_real and torch.view_as_complex."
        )


@torch.no_grad()
def leading_eigenvalues(f: Map, z: Tensor, k: int = 1, tol: float | None = None) -> Tensor:
    """The ``k`` eigenvalues of the Jacobian of ``f`` at ``z`` that are largest in modulus.

    A state of more than 64 numbers never sees its Jacobian formed: SciPy's ARPACK (implicitly
    restarted Arnoldi) asks for Jacobian-vector products only. That also handles what plain power
    iteration cannot: complex pairs, a pair +a and -a, and defective matrices.

    Args:
        f: any differentiable map that keeps the shape of its argument.
        z: one state.
        k: how many eigenvalues.
        tol: relative accuracy; by default 1e-8 in double and 1e-3 in single precision.

    Returns:
        Complex tensor ``[k]``, largest modulus first.

    Raises:
        ValueError: as `jacobian`, ``k`` does not fit, or ``f`` or its derivative is not finite at
            ``z``.
        TypeError: as `jacobian`.
        RuntimeError: Arnoldi did not converge; the message says what to change.

    Source: Lehoucq, Sorensen and Yang (1998), *ARPACK Users' Guide*.
    """
    n = numbers(z).numel()
    if not 1 <= k <= n:
        raise ValueError(f"A state of {n} numbers has {n} eigenvalues; k={k} can't be had.")
    z = _own(f, z)
    if n <= DENSE_LIMIT or k >= n - 1:
        values = torch.linalg.eigvals(_finite(jacobian(f, z)))
    else:
        values = torch.from_numpy(
            _arnoldi(eigs, lambda v: jvp(f, (z,), (v,))[1], z, k, tol).astype(complex)
        )
    return values[values.abs().argsort(descending=True)][:k]


def spectral_radius(f: Map, z: Tensor, tol: float | None = None) -> float:
    """The largest modulus among the eigenvalues of the Jacobian of ``f`` at ``z``.

    At a fixed point, below 1 means that small disturbances die out and above 1 that some grow.
    Arguments and errors as in `leading_eigenvalues`.
    """
    return leading_eigenvalues(f, z, 1, tol).abs().item()


@torch.no_grad()
def operator_norm(f: Map, z: Tensor, tol: float | None = None) -> float:
    """The largest singular value of the Jacobian of ``f`` at ``z``.

    It is the most by which ``f`` stretches a small displacement in one application, in the
    Euclidean norm. It is at least the spectral radius, and may be far above it. Of the map
    "t applications of f" it tells the largest growth over t steps.

    A state of more than 64 numbers never sees its Jacobian J formed: Lanczos' method acts on
    J^T J (J^H J for complex states) through products with J and with its transpose. Arguments and
    errors as in `leading_eigenvalues`; ``f`` must be differentiable backwards too.
    """
    z = _own(f, z)
    if z.numel() <= DENSE_LIMIT:
        return torch.linalg.matrix_norm(_finite(jacobian(f, z)), 2).item()
    pull = vjp(f, z)[1]  # remembers one pass through f; of complex J it gives J^H v
    push = lambda v: jvp(f, (z,), (v,))[1]  # noqa: E731
    # a power of 2 near |J|, so that J^T J neither overflows nor vanishes where J does not
    scale = 2.0 ** math.frexp(push(torch.ones_like(z)).abs().max())[1]
    square = _arnoldi(eigsh, lambda v: pull(push(v) / scale)[0] / scale, z, 1, tol).item()
    return scale * max(square, 0.0) ** 0.5


@torch.no_grad()
def mean_diagonal(
    f: Map,
    z: Tensor,
    probes: int = 64,
    seed: int | torch.Generator = 0,
    exact: bool = False,
) -> tuple[float | complex, float]:
    """The mean of the diagonal of the Jacobian of ``f`` at ``z``: tr J / n, and its error.

    Hutchinson's estimate: the mean of v.Jv / n over random signs v. It is the mean of the
    eigenvalues. Below 1 it does not make a map or flow stable; above 1 it makes both unstable.

    Args:
        f: any differentiable map that keeps the shape of its argument.
        z: one state.
        probes: how many random vectors, 2 or more; each costs one Jacobian-vector product.
        seed: an integer, or a generator to draw from.
        exact: form the Jacobian instead and read the diagonal.

    Returns:
        The estimate, complex for complex states, and its standard error (0 when exact).

    Raises:
        ValueError, TypeError: fewer than 2 probes, or as `leading_eigenvalues`.

    Source: Hutchinson (1989), *A stochastic estimator of the trace of the influence matrix*.
    """
    z = _own(f, z)
    if exact:
        return _finite(jacobian(f, z)).diagonal().mean().item(), 0.0
    if probes < 2:
        raise ValueError(f"A standard error needs 2 probes or more, not {probes}.")
    generator = seed if isinstance(seed, torch.Generator) else torch.Generator().manual_seed(seed)
    samples = []
    for _ in range(probes):
        v = torch.randint(0, 2, z.shape, generator=generator).to(z.dtype) * 2 - 1
        samples.append((v * jvp(f, (z,), (v,))[1]).mean())
    values = _finite(torch.stack(samples))
    values = values.to(torch.complex128 if values.is_complex() else torch.float64)
    return values.mean().item(), (values.std() / probes**0.5).item()


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


def _own(f: Map, z: Tensor) -> Tensor:
    """A copy of ``z`` after a check that f is finite there.

    A copy, because `jvp` at a view, such as one state of an orbit, allocates the whole orbit in
    each product.
    """
    if not torch.isfinite(apply(f, numbers(z))).all():
        raise ValueError("f(z) is not finite here, so it has no Jacobian to speak of.")
    check_slope(f, z)
    return z.clone()


def _finite(J: Tensor) -> Tensor:
    """``J`` or a product with it, refused when ``f`` has no slope at a state."""
    if not torch.isfinite(J).all():
        raise ValueError("The derivative of f is not finite here: choose a state where it is.")
    return J


def _arnoldi(solver: Callable, multiply: Map, z: Tensor, k: int, tol: float | None) -> np.ndarray:
    """The ``k`` largest eigenvalues of the linear map ``multiply`` on states shaped like ``z``."""

    def product(v: np.ndarray) -> np.ndarray:
        direction = torch.from_numpy(np.ascontiguousarray(v.ravel())).to(z.dtype).view_as(z)
        return _finite(multiply(direction)).flatten().resolve_conj().numpy()

    n, draw = z.numel(), np.random.default_rng(0).standard_normal
    # of the numbers of z: ARPACK would drop the imaginary parts of products with a real start
    start = torch.from_numpy(draw(n) + 1j * draw(n) if z.is_complex() else draw(n))
    start = start.to(z.dtype).numpy()
    # ARPACK stops with an error when the first product is exactly zero. Then J = 0 (the start
    # is random, so only a null set of other matrices maps it to zero).
    if not np.any(product(start)):
        return np.zeros(k)
    operator = LinearOperator((n, n), matvec=product, dtype=start.dtype)
    tol = precision(z, 1e-8, 1e-3) if tol is None else tol
    try:
        values = solver(
            operator,
            k,
            v0=start,
            tol=tol,
            maxiter=MOST_RESTARTS,
            ncv=min(n, max(2 * k + 1, KRYLOV)),
            return_eigenvectors=False,
        )
    except ArpackNoConvergence as stuck:
        raise RuntimeError(
            f"The spectrum of a {n} x {n} matrix did not settle to a relative accuracy of "
            f"{tol:g}. Ask for less accuracy (tol), or for a few more eigenvalues (k)."
        ) from stuck
    return values
