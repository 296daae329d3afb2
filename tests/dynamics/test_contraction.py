import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hrm_course.dynamics import linear_map, lipschitz, orbit, sphere_map, tanh_network

F64 = torch.float64
NORMS = [1, 2, math.inf]


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("norm", NORMS)
@given(n=st.integers(1, 8), seed=st.integers(0, 1_000))
def test_both_bounds_of_a_linear_map_are_its_norm(norm, n, seed):
    A = normal(n, n, seed=seed)
    found = lipschitz(linear_map(A), normal(20, n, seed=seed + 1), bound=[A], norm=norm)
    expected = np.linalg.norm(A.numpy(), {1: 1, 2: 2, math.inf: np.inf}[norm])
    assert found.certified == pytest.approx(expected)
    assert found.empirical == pytest.approx(expected)
    assert found.contraction == (expected < 1)


@given(seed=st.integers(0, 1_000), spread=st.sampled_from([1.0, 1e-3]))
def test_rounding_in_single_precision_refutes_no_bound(seed, spread):
    A, points = normal(4, 4, seed=seed).float(), 1 + spread * normal(20, 4, seed=seed).float()
    found = lipschitz(linear_map(A), points, bound=[A])
    assert found.empirical == pytest.approx(found.certified, rel=1e-3)


@pytest.mark.parametrize("norm", NORMS)
def test_pairs_alone_bound_a_large_linear_map_from_below(norm):
    A = normal(80, 80) / 9
    points = normal(50, 80, seed=1)
    found = lipschitz(linear_map(A), points, norm=norm)
    pairs = [  # plain loop
        (((x - y) @ A.T).norm(p=norm) / (x - y).norm(p=norm)).item()
        for i, x in enumerate(points)
        for y in points[:i]
    ]
    assert found.empirical == pytest.approx(max(pairs)) and found.certified is None
    assert found.empirical < np.linalg.norm(A.numpy(), {1: 1, 2: 2, math.inf: np.inf}[norm])


@pytest.mark.parametrize("norm", NORMS)
@given(seed=st.integers(0, 1_000), gain=st.floats(0.1, 3))
def test_the_empirical_never_exceeds_the_certified_value(norm, seed, gain):
    f, g = tanh_network(5, gain, seed), tanh_network(5, 1.0, seed + 1)
    found = lipschitz(lambda z: g(f(z)), normal(30, 5), bound=[f.weight, g.weight], norm=norm)
    assert found.empirical <= found.certified
    near_zero = lipschitz(f, 1e-3 * normal(30, 5), bound=[f.weight], norm=norm)
    assert near_zero.empirical == pytest.approx(near_zero.certified, rel=0.05)  # no saturation


@pytest.mark.parametrize("kappa", [2.5, 4.0])
def test_the_sphere_map_contracts_with_the_known_constant(kappa):
    target = torch.tensor([1.0, 0, 0], dtype=F64)
    points = torch.nn.functional.normalize(normal(400, 3), dim=1)
    points[0] = -target  # the worst place
    found = lipschitz(sphere_map(target, kappa), points, bound=1 / (kappa - 1))
    assert found.empirical == pytest.approx(1 / (kappa - 1), abs=1e-6) and found.contraction


def test_attracting_is_not_contracting():
    target = torch.tensor([1.0, 0, 0], dtype=F64)
    points = torch.nn.functional.normalize(normal(400, 3), dim=1)
    f = sphere_map(target, 1.5)
    assert lipschitz(f, points).contraction is False
    torch.testing.assert_close(orbit(f, points, 100)[-1], target.expand(400, 3))


@given(q=st.floats(0.01, 0.99), seed=st.integers(0, 100))
def test_banachs_bounds_contain_the_error_at_every_step(q, seed):
    A = normal(4, 4, seed=seed)
    A = q * A / torch.linalg.matrix_norm(A, 2)
    f = lambda z: z @ A.T + 1  # noqa: E731
    states = orbit(f, torch.zeros(4, dtype=F64), 30)
    exact = torch.linalg.solve(torch.eye(4, dtype=F64) - A, torch.ones(4, dtype=F64))
    error, moves = (states - exact).norm(dim=1), states.diff(dim=0).norm(dim=1)
    found = lipschitz(f, normal(10, 4), bound=[A])
    for n in range(1, 31):
        assert error[n] <= found.a_posteriori(moves[n - 1].item()) + 1e-9
        assert found.a_posteriori(moves[n - 1].item()) <= found.a_priori(moves[0].item(), n) + 1e-9


def test_banachs_bounds_are_sharp_for_a_multiple():
    found = lipschitz(lambda z: 0.8 * z, normal(5, 2), bound=0.8)
    # from z = 1 the first step is .2, after n steps .8^n is left
    assert found.a_priori(0.2, 3) == pytest.approx(0.8**3)
    assert found.a_posteriori(0.8**2 * 0.2) == pytest.approx(0.8**3)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: lipschitz(torch.cos, normal(5, 2), norm=3), "must be 1, 2"),
        (lambda: lipschitz(torch.cos, normal(1, 2)), "compares pairs"),
        (lambda: lipschitz(torch.cos, normal(1_001, 2)), "compares pairs"),
        (lambda: lipschitz(lambda z: 2 * z, normal(5, 2), bound=1.9), "refuted"),
        (lambda: lipschitz(lambda z: 2 * z, normal(5, 2), bound=float("nan")), "refuted"),
        (lambda: lipschitz(torch.sin, normal(5, 2), bound=normal(2, 2)), r"\[W\] for one"),
        (lambda: lipschitz(torch.sqrt, -normal(5, 2).abs()), "f at the points is not finite"),
        (lambda: lipschitz(torch.sqrt, normal(5, 2).relu()), "derivative of f at the points"),
        (lambda: lipschitz(lambda z: z[:, :1], normal(5, 2)), "shape it was given"),
        (lambda: lipschitz(torch.sin, normal(5, 2)).a_priori(1.0, 1), "only a lower bound"),
        (lambda: lipschitz(torch.sin, normal(5, 2), bound=1.0).a_posteriori(1.0), "below 1"),
        (lambda: lipschitz(torch.sin, torch.zeros(5, 100)), "two that differ"),
    ],
)
def test_bad_input_gets_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
