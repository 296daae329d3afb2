import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hrm_course.dynamics import (
    henon,
    jacobian,
    leading_eigenvalues,
    linear_map,
    lipschitz,
    logistic,
    lyapunov_exponents,
    mean_diagonal,
    newton_map,
    operator_norm,
    spectral_radius,
    sphere_map,
    stability_conditions,
    tanh_network,
)
from hrm_course.dynamics.stability import row_jacobians

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
    large = spectral_radius(hidden_in(150, A), torch.zeros(150, dtype=F64))
    assert large == pytest.approx(radius, rel=1e-6)


@given(n=st.integers(1, 40), seed=st.integers(0, 1_000))
def test_the_dense_path_agrees_with_numpy(n, seed):
    A = np.random.default_rng(seed).standard_normal((n, n))
    expected = np.abs(np.linalg.eigvals(A)).max()
    found = spectral_radius(linear_map(torch.from_numpy(A)), torch.zeros(n, dtype=F64))
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(6))
def test_the_matrix_free_path_agrees_with_numpy(seed):
    A = np.random.default_rng(seed).standard_normal((90, 90)) / 9
    expected = np.sort(np.abs(np.linalg.eigvals(A)))[::-1][:4]
    f = linear_map(torch.from_numpy(A))
    found = leading_eigenvalues(f, torch.zeros(90, dtype=F64), k=4).abs()
    np.testing.assert_allclose(found[:3], expected[:3], rtol=1e-6)


@pytest.mark.parametrize(("n", "seed"), [(150, 1), (300, 6), (300, 12)])
def test_a_neighbour_is_not_taken_for_the_largest_eigenvalue(n, seed):
    W = tanh_network(n, 1.0, seed).weight  # with a basis of 20 Arnoldi errs on these
    radius = spectral_radius(linear_map(W), torch.zeros(n, dtype=F64))
    assert radius == pytest.approx(np.abs(np.linalg.eigvals(W.numpy())).max(), rel=1e-6)


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


def test_the_jacobian_of_an_analytic_map_is_its_complex_derivative():
    z = torch.tensor([0.4 + 0.8j, -1.1 + 0.2j], dtype=torch.complex128)
    expected = torch.diag(2 / 3 * (1 - z**-3))  # of 2 z / 3 + 1 / (3 z^2)
    torch.testing.assert_close(jacobian(newton_map(), z), expected)


@given(n=st.sampled_from([3, 100]), seed=st.integers(0, 1_000))
@settings(max_examples=4)
def test_newtons_map_of_many_numbers_has_the_slope_of_its_worst(n, seed):
    z = torch.randn(n, dtype=torch.complex128, generator=torch.Generator().manual_seed(seed))
    steepest = (2 / 3 * (1 - z**-3)).abs().max().item()
    assert spectral_radius(newton_map(), z) == pytest.approx(steepest)
    assert operator_norm(newton_map(), z) == pytest.approx(steepest)


def test_a_map_without_complex_derivative_is_refused():
    z = torch.tensor([0.4 + 0.8j, -1.1 + 0.2j], dtype=torch.complex128)
    for f in (torch.conj, lambda z: z * z.abs(), lambda z: z.real + 0j, lambda z: z / z.abs()):
        for instrument in (jacobian, leading_eigenvalues, operator_norm, mean_diagonal):
            with pytest.raises(ValueError, match=r"not analytic.*view_as_real"):
                instrument(f, z)
        with pytest.raises(ValueError, match="not analytic"):
            lyapunov_exponents(f, z, 3)
        with pytest.raises(ValueError, match="not analytic"):
            lipschitz(f, z)
    pairs = jacobian(
        lambda x: torch.view_as_real(torch.view_as_complex(x).conj().resolve_conj()),
        z.real[:, None].expand(2, 2).clone(),
    )
    torch.testing.assert_close(pairs, torch.diag(torch.tensor([1.0, -1, 1, -1], dtype=F64)))
    near = torch.tensor([1 + 1e-9j, 1.0], dtype=torch.complex128)  # a slope of nearly 0 is one
    assert spectral_radius(newton_map(), near) == pytest.approx(2e-9, rel=1e-3)


def test_row_jacobians_are_the_jacobians_of_the_rows():
    z = torch.rand(4, 3, 2, dtype=F64)
    rows = torch.stack([jacobian(henon(), row) for row in z])
    torch.testing.assert_close(row_jacobians(henon(), z), rows)


@given(n=st.sampled_from([1, 3, 30, 64, 65, 90]), seed=st.integers(0, 1_000))
@settings(max_examples=15)
def test_the_operator_norm_agrees_with_numpy(n, seed):
    f = tanh_network(n, 1.5, seed)
    z = torch.randn(n, dtype=F64, generator=torch.Generator().manual_seed(seed))
    J = (1 - f(z) ** 2)[:, None] * f.weight
    norm = operator_norm(f, z)
    assert norm == pytest.approx(np.linalg.norm(J.numpy(), 2), rel=1e-7)
    assert norm >= spectral_radius(f, z) * (1 - 1e-6)


@pytest.mark.parametrize("kind", [torch.float32, F64, torch.complex64])
def test_the_operator_norm_of_a_hundred_steps_does_not_vanish(kind):
    steps = lambda z: 0.5**100 * z  # noqa: E731 (its square is no number of single precision)
    assert operator_norm(steps, torch.zeros(80, dtype=kind)) == pytest.approx(0.5**100)


def test_the_operator_norm_of_a_composition_is_the_largest_growth():
    A = torch.tensor([[0.9, 5], [0, 0.9]], dtype=F64)
    norms = []
    for t in (1, 5, 10, 100):

        def f(z, t=t):
            for _ in range(t):
                z = z @ A.T
            return z

        norms.append(operator_norm(f, torch.zeros(2, dtype=F64)))
    assert norms == pytest.approx([5.157, 16.43, 19.38, 0.01476], rel=1e-3)


def test_a_state_whose_matrix_would_take_three_gigabytes():
    n = 20_000
    scale = torch.linspace(0, 0.8, n, dtype=F64)
    scale[:2] = torch.tensor([0.9, 0.85])

    def f(z):  # at 0: a diagonal, but the first two numbers feed into each other
        return torch.sin(scale * z + 0.3 * torch.cat((z[:2].flip(0), 0 * z[2:])))

    block = np.array([[0.9, 0.3], [0.3, 0.85]])
    z = torch.zeros(n, dtype=F64)
    largest = np.linalg.eigvalsh(block).max()
    assert spectral_radius(f, z) == pytest.approx(largest, rel=1e-6)
    assert operator_norm(f, z) == pytest.approx(largest, rel=1e-6)
    mean, error = mean_diagonal(f, z, probes=8)
    assert abs(mean - scale.mean()) <= 5 * error + 1e-12 and error < 1e-4


@given(kappa=st.floats(0, 0.95), D=st.integers(2, 12))
def test_the_mean_diagonal_of_the_sphere_map(kappa, D):
    target = torch.zeros(D, dtype=F64)
    target[0] = 1
    f = sphere_map(target, kappa)
    at_target, at_antipode = (mean_diagonal(f, z, exact=True) for z in (target, -target))
    assert at_target == (pytest.approx((D - 1) / D / (1 + kappa)), 0)
    assert at_antipode == (pytest.approx((D - 1) / D / (1 - kappa)), 0)


def test_hutchinsons_estimates_scatter_as_their_errors_say():
    f = tanh_network(50, 1.0, seed=2)
    z = torch.full((50,), 0.3, dtype=F64)
    exact = mean_diagonal(f, z, exact=True)[0]
    runs = [mean_diagonal(f, z, probes=30, seed=seed) for seed in range(60)]
    scores = np.array([(estimate - exact) / error for estimate, error in runs])
    assert abs(scores.mean()) < 0.6 and 0.75 < scores.std() < 1.35
    S = jacobian(f, z).numpy()
    S = (S + S.T) / 2
    np.fill_diagonal(S, 0)  # the variance of v.Jv is 2 |S|^2 over the entries off the diagonal
    error = np.sqrt(2 * (S**2).sum() / 30) / 50
    assert np.mean([e for _, e in runs]) == pytest.approx(error, rel=0.1)


MATRICES = st.sampled_from([2, 3]).flatmap(
    lambda n: st.lists(st.floats(-2, 2), min_size=n * n, max_size=n * n).map(
        lambda a: torch.tensor(a, dtype=F64).view(n, n)
    )
)


@given(A=MATRICES)
def test_the_conditions_agree_with_the_eigenvalues(A):
    values = np.linalg.eigvals(A.numpy())
    radius, right = np.abs(values).max(), values.real.max()
    assume(abs(radius - 1) > 1e-4 and abs(right) > 1e-4)
    found = stability_conditions(A)
    assert found.trace == pytest.approx(values.sum().real, abs=1e-9)
    assert found.determinant == pytest.approx(values.prod().real, abs=1e-9)
    assert found.map_stable == (radius < 1) and found.flow_stable == (right < 0)
    n = len(A)
    for stable, P, change in (
        (found.map_stable, found.map_lyapunov, lambda P: A.T @ P @ A - P),
        (found.flow_stable, found.flow_lyapunov, lambda P: A.T @ P + P @ A),
    ):
        assert (P is not None) == stable
        if stable:
            assert np.linalg.eigvalsh(P.numpy()).min() > 0
            scale = P.abs().max().item()
            torch.testing.assert_close(
                change(P), -torch.eye(n, dtype=F64), atol=1e-8 * scale, rtol=0
            )


@given(A=MATRICES.filter(lambda A: len(A) == 2))
def test_the_kinds_agree_with_the_eigenvalues(A):
    values = np.linalg.eigvals(A.numpy())
    assume(abs(values[0] - values[1]) > 1e-4)  # on the border of node and focus
    assume((np.abs(np.abs(values) - 1) > 1e-4).all() and (np.abs(values.real) > 1e-4).all())
    shape = "focus" if np.iscomplex(values).any() else "node"
    for kind, stable in (
        (stability_conditions(A).map_kind, np.abs(values) < 1),
        (stability_conditions(A).flow_kind, values.real < 0),
    ):
        if stable.all():
            assert kind == f"stable {shape}"
        elif stable.any():
            assert kind == "saddle"
        else:
            assert kind == f"unstable {shape}"


def test_matrices_on_the_borders():
    def kinds(*rows):
        found = stability_conditions(torch.tensor(rows, dtype=F64))
        return found.map_kind, found.flow_kind, found.map_stable, found.flow_stable

    assert kinds([0, 1], [-1, 0]) == ("centre", "centre", False, False)
    assert kinds([1, 0], [0, 0.5]) == ("degenerate", "unstable node", False, False)
    assert kinds([0, 0], [0, -0.5]) == ("stable node", "degenerate", True, False)
    assert kinds([-2, 0], [0, 3]) == ("unstable node", "saddle", False, False)
    assert kinds([-1.5, 0], [0, -1.5]) == ("unstable node", "stable node", False, True)
    assert kinds([0, 3], [3, 0]) == ("unstable node", "saddle", False, False)


def test_the_lyapunov_matrix_of_a_known_non_normal_matrix():
    P = stability_conditions(torch.tensor([[0.5, 0.8], [0, 0.5]], dtype=F64)).map_lyapunov
    np.testing.assert_allclose(P, [[1.3333, 0.7111], [0.7111, 3.2296]], atol=1e-4)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: leading_eigenvalues(torch.cos, torch.zeros(3), k=4), "k=4"),
        (lambda: leading_eigenvalues(torch.cos, torch.zeros(3), k=0), "k=0"),
        (lambda: spectral_radius(torch.log, -torch.ones(3)), "not finite"),
        (lambda: jacobian(torch.sum, torch.zeros(3)), "shape it was given"),
        (lambda: operator_norm(torch.log, -torch.ones(3)), "not finite"),
        (lambda: mean_diagonal(torch.cos, torch.zeros(3), probes=1), "2 probes or more"),
        (lambda: mean_diagonal(torch.cos, torch.full((3,), torch.nan)), "not finite"),
        (lambda: spectral_radius(torch.sqrt, torch.zeros(3)), "derivative of f is not finite"),
        (lambda: spectral_radius(torch.sqrt, torch.zeros(100)), "derivative of f is not finite"),
        (lambda: operator_norm(torch.sqrt, torch.zeros(3)), "derivative of f is not finite"),
        (lambda: operator_norm(torch.sqrt, torch.zeros(100)), "derivative of f is not finite"),
        (lambda: mean_diagonal(torch.sqrt, torch.zeros(3)), "derivative of f is not finite"),
        (lambda: jacobian(lambda z: z + 1j, torch.zeros(3)), "kind of numbers it was given"),
        (lambda: jacobian(lambda z: z.double(), torch.zeros(3)), "kind of numbers it was given"),
        (lambda: stability_conditions(torch.eye(4)), "2, 2"),
        (lambda: stability_conditions(torch.ones(2)), "2, 2"),
        (lambda: stability_conditions(torch.ones(2, 3)), "2, 2"),
        (lambda: stability_conditions(torch.full((2, 2), torch.nan)), "finite matrix"),
    ],
)
def test_bad_input_gets_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_arnoldi_that_does_not_settle_says_what_to_do(monkeypatch):
    from scipy.sparse.linalg import ArpackNoConvergence

    def stuck(*args, **kwargs):
        raise ArpackNoConvergence("stuck", np.array([]), np.array([]))

    monkeypatch.setattr("scipy.sparse.linalg.eigs", stuck)
    with pytest.raises(RuntimeError, match="Ask for less accuracy"):
        spectral_radius(torch.sin, torch.zeros(100, dtype=F64))
