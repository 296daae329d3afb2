import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hrm_course.dynamics import (
    henon,
    jacobian,
    leading_eigenvalues,
    linear_map,
    logistic,
    spectral_radius,
)

F64 = torch.float64
ROTATION = torch.tensor([[np.cos(1.0), -np.sin(1.0)], [np.sin(1.0), np.cos(1.0)]], dtype=F64)
HARD = {  # each defeats plain power iteration: a complex pair, a pair +-3, a defective matrix
    "0.9 x rotation": (0.9 * ROTATION, 0.9),
    "a pair +3, -3": (torch.tensor([[0, 3], [3, 0]], dtype=F64), 3.0),
    "defective": (torch.tensor([[0.9, 5], [0, 0.9]], dtype=F64), 0.9),
}


def hidden_in(n, A):
    """A map on n numbers whose Jacobian has the spectrum of A beside small eigenvalues."""
    generator = torch.Generator().manual_seed(0)
    Q = torch.linalg.qr(torch.randn(n, n, dtype=F64, generator=generator)).Q
    B = torch.diag(0.2 * torch.rand(n, dtype=F64, generator=generator))
    B[:2, :2] = A
    return linear_map(Q @ B @ Q.T)


@pytest.mark.parametrize("name", HARD)
def test_the_spectral_radius_of_hard_matrices(name):
    A, radius = HARD[name]
    assert spectral_radius(linear_map(A), torch.zeros(2, dtype=F64)) == pytest.approx(radius)
    large = spectral_radius(hidden_in(300, A), torch.zeros(300, dtype=F64))
    assert large == pytest.approx(radius, rel=1e-6)


@given(n=st.integers(1, 40), seed=st.integers(0, 1_000))
def test_the_dense_path_agrees_with_numpy(n, seed):
    A = np.random.default_rng(seed).standard_normal((n, n))
    expected = np.abs(np.linalg.eigvals(A)).max()
    found = spectral_radius(linear_map(torch.from_numpy(A)), torch.zeros(n, dtype=F64))
    assert found == pytest.approx(expected)


@given(seed=st.integers(0, 20))
def test_the_matrix_free_path_agrees_with_numpy(seed):
    A = np.random.default_rng(seed).standard_normal((90, 90)) / 9
    expected = np.sort(np.abs(np.linalg.eigvals(A)))[::-1][:4]
    f = linear_map(torch.from_numpy(A))
    found = leading_eigenvalues(f, torch.zeros(90, dtype=F64), k=4).abs()
    np.testing.assert_allclose(found[:3], expected[:3], rtol=1e-6)


def test_single_precision_is_good_to_a_thousandth():
    f = linear_map(torch.from_numpy(np.diag(np.linspace(0, 0.8, 200))).float())
    assert spectral_radius(f, torch.zeros(200)) == pytest.approx(0.8, rel=1e-3)


def test_a_constant_map_has_the_radius_zero():
    assert spectral_radius(lambda z: 0 * z + 1, torch.zeros(100, dtype=F64)) == 0


def test_jacobians_against_closed_forms_and_differences():
    z = torch.tensor([0.3, -0.4], dtype=F64)
    expected = torch.tensor([[-2 * 1.4 * 0.3, 1], [0.3, 0]], dtype=F64)
    torch.testing.assert_close(jacobian(henon(), z), expected)
    f = logistic(3.0)
    eps = 1e-6
    x = torch.rand(2, 3, dtype=F64)
    difference = torch.stack(
        [
            ((f(x + eps * e) - f(x - eps * e)) / (2 * eps)).flatten()
            for e in torch.eye(6, dtype=F64).view(6, 2, 3)
        ],
        dim=1,
    )
    torch.testing.assert_close(jacobian(f, x), difference, atol=1e-8, rtol=0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: leading_eigenvalues(torch.cos, torch.zeros(3), k=4), "k=4"),
        (lambda: leading_eigenvalues(torch.cos, torch.zeros(3), k=0), "k=0"),
        (lambda: spectral_radius(torch.log, -torch.ones(3)), "not finite"),
        (lambda: jacobian(torch.sum, torch.zeros(3)), "shape it was given"),
    ],
)
def test_bad_input_gets_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_arnoldi_that_does_not_settle_says_what_to_do(monkeypatch):
    from scipy.sparse.linalg import ArpackNoConvergence

    from hrm_course.dynamics import stability

    def stuck(*args, **kwargs):
        raise ArpackNoConvergence("stuck", np.array([]), np.array([]))

    monkeypatch.setattr(stability, "eigs", stuck)
    with pytest.raises(RuntimeError, match="Ask for less accuracy"):
        spectral_radius(torch.sin, torch.zeros(100, dtype=F64))
