import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from hrm_course.dynamics import (
    fixed_point,
    fixed_points,
    henon,
    linear_map,
    logistic,
    newton_map,
    spectral_radius,
    tanh_network,
)

F64 = torch.float64
METHODS = ["iterate", "newton", "anderson"]
COSINE = 0.7390851332151607


@pytest.mark.parametrize("method", METHODS)
def test_the_fixed_point_of_the_cosine(method):
    found = fixed_point(torch.cos, torch.tensor(1.0, dtype=F64), method, tol=1e-12)
    assert found.converged and found.residual <= 1e-12
    assert found.z.item() == pytest.approx(COSINE, abs=1e-11)


def test_iteration_takes_the_known_number_of_steps():
    found = fixed_point(torch.cos, torch.tensor(1.0, dtype=F64), tol=1e-10)
    # the error shrinks by |sin z*| = 0.674 a step: ln(1e-10 / .46) / ln(.674) = 56.4
    assert found.steps == 57


@pytest.mark.parametrize("method", METHODS)
@given(r=st.floats(1.5, 2.9))
def test_the_logistic_map(method, r):
    found = fixed_point(logistic(r), torch.tensor(0.4, dtype=F64), method, tol=1e-10)
    assert found.converged
    root = brentq(lambda z: r * z * (1 - z) - z, 0.1, 0.9)
    assert found.z.item() == pytest.approx(root, abs=1e-8)


@given(seed=st.integers(0, 10_000))
def test_anderson_solves_random_affine_contractions(seed):
    generator = torch.Generator().manual_seed(seed)
    A = torch.randn(6, 6, dtype=F64, generator=generator)
    A = 0.8 * A / torch.linalg.matrix_norm(A, 2)
    b = torch.randn(6, dtype=F64, generator=generator)
    found = fixed_point(lambda z: z @ A.T + b, torch.zeros(6, dtype=F64), "anderson", tol=1e-10)
    assert found.converged
    torch.testing.assert_close(found.z, torch.linalg.solve(torch.eye(6, dtype=F64) - A, b))


def test_anderson_needs_fewer_steps_than_iteration():
    A = torch.diag(torch.linspace(0.1, 0.99, 20, dtype=F64))
    b = torch.ones(20, dtype=F64)
    plain, mixed = (
        fixed_point(lambda z: z @ A + b, torch.zeros(20, dtype=F64), m, tol=1e-8, max_steps=5_000)
        for m in ("iterate", "anderson")
    )
    assert plain.converged and mixed.converged and mixed.steps < plain.steps / 3


@pytest.mark.parametrize("method", METHODS)
def test_rows_are_searched_independently(method):
    starts = torch.tensor([[0.3], [0.5], [0.7]], dtype=F64)
    together = fixed_point(logistic(2.5), starts, method, max_steps=100, batched=True)
    for i, start in enumerate(starts):
        alone = fixed_point(logistic(2.5), start, method, max_steps=100)
        torch.testing.assert_close(together.z[i], alone.z, atol=1e-9, rtol=0)
        assert together.steps[i] == alone.steps
    assert together.converged.shape == together.residual.shape == (3,)


def test_newton_reaches_a_repelling_point_that_iteration_leaves():
    z0 = torch.tensor(0.7, dtype=F64)
    assert not fixed_point(logistic(3.5), z0, "iterate", max_steps=500).converged
    newton = fixed_point(logistic(3.5), z0, "newton")
    assert newton.converged and newton.z.item() == pytest.approx(1 - 1 / 3.5)


def test_a_failed_search_says_so():
    diverging = fixed_point(lambda z: 2 * z + 1, torch.tensor(1.0, dtype=F64), max_steps=5_000)
    assert not diverging.converged and diverging.steps < 5_000  # stops at infinity
    no_point = fixed_point(lambda z: z + 1, torch.tensor(0.0, dtype=F64), "newton", max_steps=9)
    assert not no_point.converged and no_point.residual == 1


def test_a_start_at_the_fixed_point_takes_no_step():
    found = fixed_point(torch.cos, torch.tensor(COSINE, dtype=F64), tol=1e-9)
    assert found.converged and found.steps == 0


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({"method": "guess"}, "choose one of"),
        ({"tol": 0.0}, "tol > 0"),
        ({"tol": np.nan}, "tol > 0"),
        ({"max_steps": -1}, "max_steps >= 0"),
        ({"memory": 0}, "memory >= 1"),
    ],
)
def test_bad_input_gets_a_sentence(kwargs, sentence):
    with pytest.raises(ValueError, match=sentence):
        fixed_point(torch.cos, torch.ones(2, dtype=F64), **kwargs)


def test_newton_refuses_a_state_too_large_for_a_dense_jacobian():
    with pytest.raises(ValueError, match="at most 2000 numbers"):
        fixed_point(linear_map(torch.eye(2_001)), torch.zeros(2_001), "newton")


def test_newton_loses_a_row_without_losing_the_others():
    starts = torch.tensor([-2.0, 0.5], dtype=F64)  # the logarithm has no value at -2
    found = fixed_point(lambda z: torch.log(z) + 1.5, starts, "newton", max_steps=50, batched=True)
    assert found.converged.tolist() == [False, True]
    starts = torch.tensor([0.0, 0.5], dtype=F64)  # the root has no finite slope at 0
    found = fixed_point(lambda z: torch.sqrt(z) + 0.1, starts, "newton", max_steps=50, batched=True)
    assert found.converged.tolist() == [False, True] and found.z[0] == 0


def test_the_two_fixed_points_of_henon_and_their_multipliers():
    generator = torch.Generator().manual_seed(0)
    starts = 2 * torch.randn(60, 2, dtype=F64, generator=generator)
    found = fixed_points(henon(), starts)
    x = sorted(np.roots([1.4, 0.7, -1]).tolist())  # 1 - 1.4 x^2 + 0.3 x = x
    assert sorted(found.z[:, 0].tolist()) == pytest.approx(x, abs=1e-9)
    expected = [np.abs(np.linalg.eigvals([[-2.8 * a, 1], [0.3, 0]])).max() for a in x]
    assert sorted(found.spectral_radius.tolist()) == pytest.approx(sorted(expected))
    assert not found.stable.any() and (found.residual <= 1e-8).all()
    assert found.counts.sum() == round(60 * found.converged) and found.steps.shape == (60,)
    assert found.counts[0] >= found.counts[1] > 0


def test_a_gain_above_one_gives_a_pair_of_stable_points_around_an_unstable_origin():
    W = torch.diag(torch.tensor([1.5, 0.5], dtype=F64))
    starts = torch.linspace(-2, 2, 21, dtype=F64)[:, None] * torch.ones(2, dtype=F64)
    found = fixed_points(lambda z: torch.tanh(z @ W), starts)
    a = brentq(lambda z: np.tanh(1.5 * z) - z, 0.1, 1)
    points = {
        round(z, 6): s for z, s in zip(found.z[:, 0].tolist(), found.stable.tolist(), strict=True)
    }
    assert points == {round(a, 6): True, round(-a, 6): True, 0.0: False}


def test_only_the_attracting_points_are_found_by_iteration():
    starts = torch.linspace(-1.9, 1.9, 8, dtype=F64)[:, None]
    cubic = lambda z: z + 0.5 * (z - z**3)  # noqa: E731
    assert len(fixed_points(cubic, starts, method="iterate").z) == 2
    assert len(fixed_points(cubic, starts, method="newton").z) == 3


def test_the_cube_roots_of_one_on_complex_states():
    generator = torch.Generator().manual_seed(0)
    starts = torch.randn(50, dtype=torch.complex128, generator=generator)
    found = fixed_points(newton_map(), starts)
    assert len(found.z) == 3 and found.stable.all()
    torch.testing.assert_close(found.z**3, torch.ones(3, dtype=found.z.dtype))


def test_a_large_state_is_searched_by_anderson_and_judged_matrix_free():
    f = tanh_network(100, 0.5, seed=1)
    starts = torch.randn(4, 100, dtype=F64, generator=torch.Generator().manual_seed(0))
    found = fixed_points(f, starts, method="anderson")
    assert found.counts.tolist() == [4] and found.stable.all()
    radius = np.abs(np.linalg.eigvals(f.weight.numpy())).max()
    assert found.spectral_radius.item() == pytest.approx(radius, rel=1e-5)
    assert found.spectral_radius.item() == pytest.approx(spectral_radius(f, found.z[0]), rel=1e-6)


def test_a_map_without_fixed_points_has_none():
    found = fixed_points(lambda z: z + 1, torch.zeros(5, 2, dtype=F64), max_steps=5)
    assert found.z.shape == (0, 2) and len(found.counts) == 0 and found.converged == 0


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: fixed_points(torch.cos, torch.zeros(0, 2)), "at least one"),
        (lambda: fixed_points(torch.cos, torch.zeros(3, 2), merge=-1.0), "merge is a distance"),
        (lambda: fixed_points(torch.cos, torch.zeros(3, 2), merge=np.nan), "merge is a distance"),
        (lambda: fixed_point(torch.cos, torch.tensor(1.0), "newton", batched=True), "first axis"),
        (lambda: fixed_points(lambda z: z[:, :1], torch.zeros(3, 2)), "shape it was given"),
        (lambda: fixed_points(torch.cos, torch.full((3, 2), torch.nan)), "not finite"),
        (lambda: fixed_point(torch.cos, torch.tensor(torch.nan)), "not finite"),
        (lambda: fixed_points(lambda z: z, torch.rand(1_100, 2), merge=0.0), "every state"),
    ],
)
def test_bad_starts_get_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
