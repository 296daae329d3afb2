"""Instruments on many states at once: against dense matrices, row by row, and their gradients."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm_course.dynamics import (
    jacobian,
    linear_map,
    lyapunov_exponents,
    mean_diagonal,
    operator_norm,
    spectral_radius,
    tanh_network,
)
from hrm_course.dynamics.products import growth_rate


def rows(n: int, count: int = 3, seed: int = 0):
    return torch.randn(count, n, generator=torch.Generator().manual_seed(seed)).double()


def with_eigenvalues(*values: complex, seed: int = 0) -> torch.Tensor:
    """A real matrix with these eigenvalues; of a complex pair name the one above the real line."""
    blocks = [
        torch.tensor([[v.real, v.imag], [-v.imag, v.real]])
        if isinstance(v, complex)
        else torch.tensor([[float(v)]])
        for v in values
    ]
    D = torch.block_diag(*blocks).double()
    P = torch.eye(len(D)).double() + 0.3 * rows(len(D), len(D), seed) / len(D) ** 0.5
    return P @ D @ torch.linalg.inv(P)


KINDS = {
    "one real": (0.9, 0.5, 0.2),
    "one negative": (-0.9, 0.5, 0.2),
    "a pair": (0.6 + 0.6j, 0.5, 0.1),
    "plus and minus": (0.8, -0.8, 0.3),
    "above 1": (1.7, 0.4, -0.9),
}


@pytest.mark.parametrize("kind", KINDS)
def test_power_iteration_finds_the_modulus_whatever_the_eigenvalues_are(kind):
    A = with_eigenvalues(*KINDS[kind])
    found = spectral_radius(linear_map(A), rows(len(A)), batched=True, products=80)
    right = max(abs(v) for v in KINDS[kind])
    assert found.tolist() == pytest.approx([right] * 3, rel=1e-6)


@given(st.integers(2, 8), st.integers(0, 10**6))
@settings(max_examples=10)
def test_rows_get_what_each_alone_gets_of_dense_matrices(n, seed):
    f, z = tanh_network(n, 1.3, seed=seed % 100), rows(n, seed=seed)
    norms = operator_norm(f, z, batched=True, products=400)
    for row, norm, (mean, error) in zip(
        z, norms, zip(*mean_diagonal(f, z, probes=400, batched=True), strict=True), strict=True
    ):
        J = jacobian(f, row)
        first, second = torch.linalg.svdvals(J)[:2].tolist()
        if second < 0.98 * first:  # else power iteration needs longer
            assert norm.item() == pytest.approx(first, rel=1e-6)
        right = J.diagonal().mean().item()
        assert abs(mean.item() - right) <= 6 * error.item() + 1e-9
        assert mean_diagonal(f, z, exact=True, batched=True)[0] == pytest.approx(
            torch.stack([jacobian(f, row).diagonal().mean() for row in z]), rel=1e-9
        )


def test_a_state_of_one_number_is_a_row_too():
    f, z = lambda z: 3.2 * z * (1 - z), torch.tensor([0.1, 0.6], dtype=torch.float64)
    slopes = [abs(3.2 * (1 - 2 * 0.1)), abs(3.2 * (1 - 2 * 0.6))]
    for found in (
        spectral_radius(f, z, batched=True),
        operator_norm(f, z, batched=True),
        growth_rate(f, z, batched=True),
        mean_diagonal(f, z, batched=True)[0].abs(),
        lyapunov_exponents(f, z[:, None], 1, batched=True)[:, 0].exp(),
    ):
        assert found.tolist() == pytest.approx(slopes, rel=1e-9)


def test_one_state_of_growth_rate_is_a_scalar():
    A = with_eigenvalues(0.9, 0.5, 0.2)
    assert growth_rate(linear_map(A), rows(3)[0], products=60).item() == pytest.approx(0.9)


INSTRUMENTS = {
    "spectral_radius": lambda f, z: spectral_radius(f, z, batched=True, products=200),
    "operator_norm": lambda f, z: operator_norm(f, z, batched=True, products=200),
    "growth_rate": lambda f, z: growth_rate(f, z, 200, 100, batched=True),
    "mean_diagonal": lambda f, z: mean_diagonal(f, z, exact=True, batched=True)[0],
    "lyapunov_exponents": lambda f, z: lyapunov_exponents(f, z, 40, 1, batched=True)[:, 0],
}


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_gradients_say_how_the_measure_moves(name):
    """Scaling a linear map by c scales what is measured, whatever directions were drawn."""
    A, z = with_eigenvalues(0.9, 0.5, 0.2), rows(3)
    c = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    found = INSTRUMENTS[name](lambda z: c * (z @ A.T), z)
    gradient = torch.autograd.grad(found.sum(), c)[0].item()
    # an exponent is a logarithm, so its slope is 1 a row; the others are proportional to c
    right = 3.0 if name == "lyapunov_exponents" else found.sum().item()
    assert gradient == pytest.approx(right, rel=1e-6)


def test_the_gradient_of_the_norm_is_that_of_the_singular_value():
    A = with_eigenvalues(0.9, 0.5, 0.2).requires_grad_()
    ours = torch.autograd.grad(
        operator_norm(lambda z: z @ A.T, rows(3), batched=True, products=300)[0], A
    )[0]
    theirs = torch.autograd.grad(torch.linalg.svdvals(A)[0], A)[0]
    assert torch.allclose(ours, theirs, atol=1e-8)


def test_a_map_that_sends_everything_to_a_point_stretches_nothing():
    z = rows(4)
    f = lambda z: 0 * z + 1  # noqa: E731
    assert spectral_radius(f, z, batched=True).max().item() < 1e-12
    assert operator_norm(f, z, batched=True).max().item() < 1e-12
    assert math.isfinite(growth_rate(f, z, batched=True).max().item())


def test_rows_are_asked_for():
    with pytest.raises(ValueError, match="states \\[n, \\*shape\\]"):
        spectral_radius(lambda z: z, torch.tensor(0.5).double(), batched=True)
