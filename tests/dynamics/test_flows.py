import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from hrm_course.dynamics import (
    euler,
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
}


@pytest.mark.parametrize("name", FIELDS)
def test_rk4_agrees_with_scipy(name):
    field, z0 = FIELDS[name]
    ours = orbit(rk4(field, 1e-3), torch.tensor(z0, dtype=F64), 1_000)[-1]
    theirs = solve_ivp(
        lambda _, z: field(torch.from_numpy(z)).numpy(), (0, 1), z0, rtol=1e-11, atol=1e-12
    )
    np.testing.assert_allclose(ours.numpy(), theirs.y[:, -1], rtol=1e-7)


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
