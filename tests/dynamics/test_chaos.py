import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm_course.dynamics import (
    euler_maruyama,
    henon,
    linear_map,
    logistic,
    lorenz,
    lyapunov_exponents,
    orbit,
    rk4,
    sphere_map,
    tanh_network,
)

F64 = torch.float64


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


def test_the_logistic_map_has_ln_2():
    starts = torch.linspace(0.11, 0.93, 300, dtype=F64)[:, None]
    found = lyapunov_exponents(logistic(4.0), starts, 300, batched=True)
    assert found.shape == (300, 1)
    assert found.mean().item() == pytest.approx(math.log(2), abs=0.005)


def test_the_henon_map_has_the_published_exponents():
    starts = 0.1 * normal(100, 2)
    found = lyapunov_exponents(henon(), starts, 300, discard=50, batched=True)
    torch.testing.assert_close(found.sum(1), torch.full((100,), math.log(0.3), dtype=F64))
    assert found[:, 0].mean().item() == pytest.approx(0.419, abs=0.01)


def test_the_lorenz_system_has_the_published_exponents():
    starts, dt = normal(500, 3) + torch.tensor([1.0, 1, 25], dtype=F64), 0.025
    found = lyapunov_exponents(rk4(lorenz(), dt), starts, 240, None, 120, True, every=5, dt=dt)
    assert found.mean(0).tolist() == pytest.approx([0.906, 0, -14.57], abs=0.05)
    assert found.sum(1).mean().item() == pytest.approx(-13.667, abs=0.01)


@given(n=st.integers(1, 6), seed=st.integers(0, 1_000), every=st.sampled_from([1, 2, 4]))
@settings(max_examples=20)
def test_the_exponents_of_a_linear_map_sum_to_its_log_determinant(n, seed, every):
    A = normal(n, n, seed=seed)
    found = lyapunov_exponents(linear_map(A), torch.zeros(n, dtype=F64), 4, every=every)
    assert found.sum().item() == pytest.approx(np.linalg.slogdet(A.numpy())[1], abs=1e-6)


def test_a_linear_map_has_the_logarithms_of_its_eigenvalues():
    values = torch.tensor([1.5, 0.9, -0.4, 0.1], dtype=F64)
    A = torch.diag(values) + torch.triu(normal(4, 4), 1)
    found = lyapunov_exponents(linear_map(A), torch.zeros(4, dtype=F64), 200, discard=50)
    torch.testing.assert_close(found, values.abs().log(), atol=1e-4, rtol=0)
    leading = lyapunov_exponents(linear_map(A), torch.zeros(4, dtype=F64), 200, k=2, discard=50)
    torch.testing.assert_close(leading, found[:2], atol=1e-4, rtol=0)


def test_history_ends_in_the_result_and_agrees_with_a_plain_loop():
    f, z0 = tanh_network(5, 2.0), normal(5)
    found = lyapunov_exponents(f, z0, 40, k=3, history=True, dt=0.5, seed=4)
    Q = torch.linalg.qr(normal(5, 3, seed=4)).Q
    total, expected = torch.zeros(3, dtype=F64), []
    for t, z in enumerate(orbit(f, z0, 39), start=1):
        Q, R = torch.linalg.qr((1 - f(z) ** 2)[:, None] * f.weight @ Q)
        total = total + R.diagonal().abs().log()
        expected.append(total / (0.5 * t))
    torch.testing.assert_close(found, torch.stack(expected))
    torch.testing.assert_close(found[-1], lyapunov_exponents(f, z0, 40, k=3, dt=0.5, seed=4))
    rare = lyapunov_exponents(f, z0, 40, k=3, history=True, dt=0.5, seed=4, every=8)
    torch.testing.assert_close(rare, found[7::8], rtol=1e-8, atol=1e-8)


def test_discarded_steps_are_not_counted():
    f, z0 = henon(), torch.tensor([0.1, 0.2], dtype=F64)
    whole = lyapunov_exponents(f, z0, 60, history=True)
    late = lyapunov_exponents(f, z0, 40, discard=20)
    torch.testing.assert_close(late, (60 * whole[59] - 20 * whole[19]) / 40)
    uneven = lyapunov_exponents(f, z0, 40, discard=19, every=2)
    torch.testing.assert_close(uneven.sum(), late.sum())


def test_rows_are_measured_independently():
    f, starts = tanh_network(4, 2.0), normal(3, 4)
    together = lyapunov_exponents(f, starts, 100, k=2, batched=True, history=True, discard=60)
    assert together.shape == (100, 3, 2)
    for i, row in enumerate(starts):
        alone = lyapunov_exponents(f, row, 100, k=2, discard=60)
        torch.testing.assert_close(together[-1, i], alone, atol=0.05, rtol=0)


def test_a_network_turns_chaotic_above_gain_one():
    leading = [
        lyapunov_exponents(tanh_network(100, gain, 1), normal(100), 200, k=1, discard=100).item()
        for gain in (0.8, 3.0)
    ]
    assert leading[0] == pytest.approx(-0.2, abs=0.08) and 0.15 < leading[1] < 0.45


def test_a_direction_that_dies_at_once_has_minus_infinity_or_nearly_so():
    target = torch.tensor([1.0, 0], dtype=F64)
    f = sphere_map(target, 0.5)
    found = lyapunov_exponents(f, torch.tensor([0.6, 0.8], dtype=F64), 100, discard=100)
    assert found[0].item() == pytest.approx(-math.log(1.5), abs=1e-6) and found[1] < -10


def test_a_noisy_map_draws_once_for_the_state_and_its_tangents():
    growing = euler_maruyama(lambda z: 0.3 * z, lambda z: 1.2 * z, 0.01, seed=0)
    again = euler_maruyama(lambda z: 0.3 * z, lambda z: 1.2 * z, 0.01, seed=0)
    z0 = torch.ones(5, 1, dtype=F64)
    found = lyapunov_exponents(growing, z0, 100, batched=True)
    states = orbit(again, z0, 100)
    torch.testing.assert_close(found[:, 0], states[-1].abs().log()[:, 0] / 100)  # it is linear


def test_an_orbit_that_leaves_has_no_exponents():
    assert lyapunov_exponents(logistic(5.0), torch.tensor(0.5, dtype=F64), 50).isnan().all()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda z: lyapunov_exponents(henon(), z, 10, k=3), "k=3"),
        (lambda z: lyapunov_exponents(henon(), z, 10, k=0), "k=0"),
        (lambda z: lyapunov_exponents(henon(), z, 0), "steps >= 1"),
        (lambda z: lyapunov_exponents(henon(), z, 10, every=3), "divides"),
        (lambda z: lyapunov_exponents(henon(), z, 10, dt=0.0), "dt > 0"),
        (lambda z: lyapunov_exponents(henon(), z, 10, dt=math.nan), "dt > 0"),
        (lambda z: lyapunov_exponents(henon(), z / 0, 10), "not finite"),
        (lambda z: lyapunov_exponents(torch.sum, z, 10), "shape it was given"),
    ],
)
def test_bad_input_gets_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(torch.tensor([0.1, 0.2], dtype=F64))
