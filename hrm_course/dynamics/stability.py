"""Jacobians and their spectra, dense when the state is small and matrix-free when it is large."""

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs
from torch import Tensor
from torch.func import jacfwd, jvp

from .maps import Map
from .orbits import apply

DENSE_LIMIT = 64  # below this many numbers a dense eigenvalue solver is faster and exact


@torch.no_grad()
def jacobian(f: Map, z: Tensor) -> Tensor:
    """The matrix ``[n, n]`` of partial derivatives of ``f`` at the state ``z`` of n numbers.

    Row i, column j: how the i-th number of ``f(z)`` changes with the j-th number of ``z``, both
    counted in the order of ``z.flatten()``. Computed by forward-mode differentiation.

    Raises:
        ValueError: ``f`` changes the shape of the state.
    """
    apply(f, z)
    return jacfwd(f)(z).reshape(z.numel(), z.numel())


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
        ValueError: ``f`` changes the shape, ``k`` does not fit, or ``f`` is not finite at ``z``.
        RuntimeError: Arnoldi did not converge; the message says what to change.

    Source: Lehoucq, Sorensen and Yang (1998), *ARPACK Users' Guide*.
    """
    n = z.numel()
    if not 1 <= k <= n:
        raise ValueError(f"A state of {n} numbers has {n} eigenvalues; k={k} can't be had.")
    if not torch.isfinite(apply(f, z)).all():
        raise ValueError("f(z) is not finite here, so it has no Jacobian to speak of.")
    if n <= DENSE_LIMIT or k >= n - 1:
        values = torch.linalg.eigvals(jacobian(f, z))
    else:
        values = torch.from_numpy(_arnoldi(f, z, k, tol))
    return values[values.abs().argsort(descending=True)][:k]


def spectral_radius(f: Map, z: Tensor, tol: float | None = None) -> float:
    """The largest modulus among the eigenvalues of the Jacobian of ``f`` at ``z``.

    At a fixed point, below 1 means that small disturbances die out and above 1 that some grow.
    Arguments and errors as in `leading_eigenvalues`.
    """
    return leading_eigenvalues(f, z, 1, tol).abs().item()


def _arnoldi(f: Map, z: Tensor, k: int, tol: float | None) -> np.ndarray:
    single = z.dtype != torch.float64

    def product(v: np.ndarray) -> np.ndarray:
        direction = torch.from_numpy(np.ascontiguousarray(v.ravel())).to(z.dtype).view_as(z)
        return jvp(f, (z,), (direction,))[1].flatten().numpy()

    n = z.numel()
    start = np.random.default_rng(0).standard_normal(n).astype(np.float32 if single else float)
    # ARPACK stops with an error when the first product is exactly zero. Then J = 0 (the start
    # is random, so only a null set of other matrices maps it to zero).
    if not np.any(product(start)):
        return np.zeros(k, dtype=complex)
    operator = LinearOperator((n, n), matvec=product, dtype=start.dtype)
    tol = tol if tol is not None else (1e-3 if single else 1e-8)
    try:
        values = eigs(
            operator,
            k,
            v0=start,
            tol=tol,
            ncv=min(n, max(2 * k + 1, 20)),
            return_eigenvectors=False,
        )
    except ArpackNoConvergence as stuck:
        raise RuntimeError(
            f"The eigenvalues of a {n} x {n} Jacobian did not settle to a relative accuracy of "
            f"{tol:g}. Ask for less accuracy (tol), or for a few more eigenvalues (k)."
        ) from stuck
    return values
