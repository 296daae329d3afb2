"""Jacobians, their spectra and norms: dense for small states, matrix-free for large ones."""

import math
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import jvp, vjp, vmap

from .maps import Map, numbers
from .orbits import apply, check_rows, precision
from .products import diagonal_samples, largest_stretch, leading_modulus, push

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
        along = _arnoldi("eigs", lambda v: push(f, z, v)[1], z, k, tol)
        values = torch.from_numpy(along.astype(complex))
    return values[values.abs().argsort(descending=True)][:k]


def spectral_radius(
    f: Map, z: Tensor, tol: float | None = None, batched: bool = False, products: int = 60
) -> float | Tensor:
    """The largest modulus among the eigenvalues of the Jacobian of ``f`` at ``z``.

    At a fixed point, below 1 means that small disturbances die out and above 1 that some grow.
    Arguments and errors as in `leading_eigenvalues`.

    Args:
        batched: answer for each row of ``z``, by power iteration (`leading_modulus`): a tensor
            ``[B]`` through which gradients flow. The more ``products``, the nearer.
    """
    if batched:
        return leading_modulus(f, check_batch(f, z), products, _seeded(z), True)
    return leading_eigenvalues(f, z, 1, tol).abs().item()


def operator_norm(
    f: Map, z: Tensor, tol: float | None = None, batched: bool = False, products: int = 60
) -> float | Tensor:
    """The largest singular value of the Jacobian of ``f`` at ``z``.

    It is the most by which ``f`` stretches a small displacement in one application, in the
    Euclidean norm. It is at least the spectral radius, and may be far above it. Of the map
    "t applications of f" it tells the largest growth over t steps.

    A state of more than 64 numbers never sees its Jacobian J formed: Lanczos' method acts on
    J^T J (J^H J for complex states) through products with J and with its transpose. Arguments and
    errors as in `leading_eigenvalues`; ``f`` must be differentiable backwards too.

    Args:
        batched, products: as for `spectral_radius`, by power iteration on J^T J.
    """
    if batched:
        return largest_stretch(f, check_batch(f, z), products, _seeded(z), True)
    with torch.no_grad():
        return _operator_norm(f, _own(f, z), tol)


def _operator_norm(f: Map, z: Tensor, tol: float | None) -> float:
    if z.numel() <= DENSE_LIMIT:
        return torch.linalg.matrix_norm(_finite(jacobian(f, z)), 2).item()
    pull = vjp(f, z)[1]  # remembers one pass through f; of complex J it gives J^H v
    along = lambda v: push(f, z, v)[1]  # noqa: E731
    # a power of 2 near |J|, so that J^T J neither overflows nor vanishes where J does not
    scale = 2.0 ** math.frexp(along(torch.ones_like(z)).abs().max())[1]
    square = _arnoldi("eigsh", lambda v: pull(along(v) / scale)[0] / scale, z, 1, tol).item()
    return scale * max(square, 0.0) ** 0.5


def mean_diagonal(
    f: Map,
    z: Tensor,
    probes: int = 64,
    seed: int | torch.Generator = 0,
    exact: bool = False,
    batched: bool = False,
) -> tuple[float | complex, float] | tuple[Tensor, Tensor]:
    """The mean of the diagonal of the Jacobian of ``f`` at ``z``: tr J / n, and its error.

    Hutchinson's estimate: the mean of v.Jv / n over random signs v. It is the mean of the
    eigenvalues. Below 1 it does not make a map or flow stable; above 1 it makes both unstable.

    Args:
        f: any differentiable map that keeps the shape of its argument.
        z: one state; with ``batched=True`` a row each.
        probes: how many random vectors, 2 or more; each costs one Jacobian-vector product.
        seed: an integer, or a generator to draw from.
        exact: form the Jacobian instead and read the diagonal.
        batched: answer for each row of ``z``: tensors ``[B]`` through which gradients flow.

    Returns:
        The estimate, complex for complex states, and its standard error (0 when exact).

    Raises:
        ValueError, TypeError: fewer than 2 probes, or as `leading_eigenvalues`.
    """
    if batched:
        check_batch(f, z)
    else:
        z = _own(f, z)
    if exact:
        J = row_jacobians(f, z) if batched else _finite(jacobian(f, z))
        mean = J.diagonal(dim1=-2, dim2=-1).mean(-1)
        return (mean, torch.zeros_like(mean)) if batched else (mean.item(), 0.0)
    if probes < 2:
        raise ValueError(f"A standard error needs 2 probes or more, not {probes}.")
    generator = seed if isinstance(seed, torch.Generator) else _seeded(z, seed)
    if batched:
        samples = diagonal_samples(f, z, probes, generator, True)[1]
        return samples.mean(0), samples.std(0) / probes**0.5
    with torch.no_grad():
        values = _finite(diagonal_samples(f, z, probes, generator)[1])
    values = values.to(torch.complex128 if values.is_complex() else torch.float64)
    return values.mean().item(), (values.std() / probes**0.5).item()


def check_batch(f: Map, z: Tensor) -> Tensor:
    """``z [B, *shape]`` after the checks that one state gets."""
    check_rows(z, "An instrument with batched=True", "states")
    apply(f, z)
    check_slope(f, z)
    return z


def _seeded(z: Tensor, seed: int = 0) -> torch.Generator:
    return torch.Generator(z.device).manual_seed(seed)


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


def _arnoldi(solver: str, multiply: Map, z: Tensor, k: int, tol: float | None) -> np.ndarray:
    """The ``k`` largest eigenvalues of the linear map ``multiply`` on states shaped like ``z``, by
    ``solver`` of SciPy: "eigs", or "eigsh" where the map is symmetric.
    """
    from scipy.sparse import linalg  # slow to import, and small states do not need it

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
    operator: Any = linalg.LinearOperator
    operator = operator((n, n), matvec=product, dtype=start.dtype)
    tol = precision(z, 1e-8, 1e-3) if tol is None else tol
    try:
        values = getattr(linalg, solver)(
            operator,
            k,
            v0=start,
            tol=tol,
            maxiter=MOST_RESTARTS,
            ncv=min(n, max(2 * k + 1, KRYLOV)),
            return_eigenvectors=False,
        )
    except linalg.ArpackNoConvergence as stuck:
        raise RuntimeError(
            f"The spectrum of a {n} x {n} matrix did not settle to a relative accuracy of "
            f"{tol:g}. Ask for less accuracy (tol), or for a few more eigenvalues (k)."
        ) from stuck
    return values
