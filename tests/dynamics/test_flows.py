import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from hrm_course.dynamics import (
    adaptive,
    double_well,
    euler,
    euler_maruyama,
    jacobian,
    logistic_flow,
    lorenz,
    orbit,
    pendulum,
    rk4,
    van_der_pol,
)

F64 = torch.float64
FIELDS = {
    "logistic_flow": (logistic_flow(1.3), [0.2]),
    "pendulum": (pendulum(0.1), [1.0, 0.3]),
    "van_der_pol": (van_der_pol(1.0), [0.5, -0.2]),
    "lorenz": (lorenz(), [1.0, 2.0, 20.0]),
    "double_well": (double_well(), [-0.1, 0.4]),
}


@pytest.mark.parametrize("name", FIELDS)
def test_rk4_and_adaptive_agree_with_scipy(name):
    field, z0 = FIELDS[name]
    z = torch.tensor(z0, dtype=F64)
    ours = orbit(rk4(field, 1e-3), z, 1_000)[-1]
    theirs = solve_ivp(
        lambda _, z: field(torch.from_numpy(z)).numpy(), (0, 1), z0, rtol=1e-11, atol=1e-12
    )
    np.testing.assert_allclose(ours.numpy(), theirs.y[:, -1], rtol=1e-7)
    np.testing.assert_allclose(adaptive(field, 1.0)(z).numpy(), theirs.y[:, -1], rtol=1e-6)


@pytest.mark.parametrize(("stepper", "order"), [(euler, 1), (rk4, 4)])
def test_halving_the_step_divides_the_error_by_two_to_the_order(stepper, order):
    def error(dt):  # against the closed form of the logistic flow
        z = orbit(stepper(logistic_flow(), dt), torch.tensor(0.1, dtype=F64), round(2 / dt))[-1]
        return abs(z.item() - 1 / (1 + 9 * np.exp(-2)))

    assert error(0.1) / error(0.05) == pytest.approx(2**order, rel=0.1)


def test_the_pendulum_without_damping_keeps_its_energy():
    states = orbit(rk4(pendulum(), 0.01), torch.tensor([1.0, 0.0], dtype=F64), 2_000)
    energy = states[:, 1] ** 2 / 2 - torch.cos(states[:, 0])
    assert energy.std() < 1e-8


def test_euler_of_the_logistic_flow_is_conjugate_to_the_logistic_map():
    h = 0.7
    z = torch.linspace(0, 1, 11, dtype=F64)
    left = euler(logistic_flow(), h)(z) * h / (1 + h)
    u = z * h / (1 + h)
    torch.testing.assert_close(left, (1 + h) * u * (1 - u))


def test_adaptive_maps_are_a_semigroup_and_keep_their_tolerance():
    z = torch.tensor([[1.0, 0.0], [2.0, -0.5]], dtype=F64)
    twice = adaptive(van_der_pol(), 0.7)(adaptive(van_der_pol(), 0.7)(z))
    torch.testing.assert_close(adaptive(van_der_pol(), 1.4)(z), twice, rtol=1e-6, atol=1e-7)

    def error(rtol):  # of x' = -x against its closed form
        z1 = adaptive(lambda z: -z, 1.0, rtol=rtol, atol=0.0)(torch.ones(1, dtype=F64))
        return abs(z1.item() - np.exp(-1))

    assert error(1e-10) < 1e-9 and error(1e-10) < error(1e-4) < 1e-3


@pytest.mark.parametrize(
    ("call", "kind", "sentence"),
    [
        (lambda: adaptive(pendulum(), 0.0), ValueError, "positive number"),
        (lambda: adaptive(pendulum(), 1.0)(torch.ones(2)), ValueError, "use float64"),
        (lambda: adaptive(torch.square, 2.0)(torch.ones(1, dtype=F64)), RuntimeError, "infinity"),
        (
            lambda: jacobian(adaptive(pendulum(), 1.0), torch.ones(2, dtype=F64)),
            RuntimeError,
            "map of rk4",
        ),
        (
            lambda: torch.vmap(adaptive(pendulum(), 1.0))(torch.ones(3, 2, dtype=F64)),
            RuntimeError,
            "map of rk4",
        ),
        (lambda: euler_maruyama(pendulum(), 0.1, -0.1), ValueError, "positive number"),
        (lambda: euler_maruyama(pendulum(), -0.1, 0.1), ValueError, "strength of the noise"),
        (lambda: euler_maruyama(pendulum(), float("nan"), 0.1), ValueError, "strength"),
    ],
)
def test_bad_input_gets_a_sentence(call, kind, sentence):
    with pytest.raises(kind, match=sentence):
        call()


def test_ornstein_uhlenbeck_has_the_variance_of_the_euler_map():
    theta, sigma, h, n = 1.0, 0.5, 0.2, 40_000
    step = euler_maruyama(lambda z: -theta * z, sigma, h, seed=3)
    z = orbit(step, torch.zeros(n, dtype=F64), 60)[-1]
    euler_value = sigma**2 * h / (1 - (1 - theta * h) ** 2)  # 0.1389; the flow has 0.125
    assert abs(z.mean()) < 4 * (euler_value / n) ** 0.5
    assert abs(z.var() - euler_value) < 4 * euler_value * (2 / n) ** 0.5


def test_multiplicative_noise_is_ito():
    a, sigma, h, steps, n = 0.3, 1.2, 0.01, 400, 4_000
    step = euler_maruyama(lambda z: a * z, lambda z: sigma * z, h, seed=5)
    z = torch.ones(n, dtype=F64)
    for _ in range(steps):
        z = step(z)
    growth = z.log() / (steps * h)
    # each path grows with a - sigma^2 / 2 = -0.42; the Euler step moves that by about 0.01
    assert growth.mean() == pytest.approx(-0.42, abs=0.02 + 4 * growth.std().item() / n**0.5)


def test_noise_is_new_in_each_call_and_repeats_with_the_seed():
    def path(seed):
        return orbit(euler_maruyama(double_well(), 0.5, 0.01, seed), torch.zeros(3, dtype=F64), 5)

    assert torch.equal(path(7), path(7)) and not torch.equal(path(7), path(8))
    assert torch.equal(path(torch.Generator().manual_seed(7)), path(7))
    moves = path(7).diff(dim=0)
    assert len(moves.unique()) == moves.numel()


def test_without_noise_euler_maruyama_is_euler():
    z = torch.tensor([0.3, -1.2], dtype=F64)
    torch.testing.assert_close(
        euler_maruyama(pendulum(), 0.0, 0.1)(z), euler(pendulum(), 0.1)(z), rtol=0, atol=0
    )
