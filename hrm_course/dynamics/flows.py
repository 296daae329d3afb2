"""Vector fields dz/dt = g(z), and the steppers that turn a field into a map."""

import math

import torch
from torch import Tensor

from .maps import Map


def logistic_flow(r: float = 1.0) -> Map:
    """The field g(z) = r z (1 - z), element by element: the flow beside the logistic map."""
    return lambda z: r * z * (1 - z)


def pendulum(damping: float = 0.0) -> Map:
    """The pendulum on states ``[..., 2]`` = (angle in rad, angular velocity), with g/l = 1."""

    def g(z: Tensor) -> Tensor:
        angle, velocity = z.unbind(-1)
        return torch.stack((velocity, -torch.sin(angle) - damping * velocity), dim=-1)

    return g


def van_der_pol(mu: float = 1.0) -> Map:
    """Van der Pol's oscillator x'' = mu (1 - x^2) x' - x on states ``[..., 2]`` = (x, x')."""

    def g(z: Tensor) -> Tensor:
        x, v = z.unbind(-1)
        return torch.stack((v, mu * (1 - x**2) * v - x), dim=-1)

    return g


def lorenz(sigma: float = 10.0, rho: float = 28.0, beta: float = 8 / 3) -> Map:
    """The Lorenz system on states ``[..., 3]``.

    Source: Lorenz (1963), *Deterministic nonperiodic flow*, eqs. 25-27.
    """

    def g(z: Tensor) -> Tensor:
        x, y, w = z.unbind(-1)
        return torch.stack((sigma * (y - x), x * (rho - w) - y, x * y - beta * w), dim=-1)

    return g


def euler(field: Map, dt: float) -> Map:
    """One explicit Euler step of ``field`` as a map: z -> z + dt g(z). Error O(dt) at fixed time.

    Raises:
        ValueError: ``dt`` is not a positive number.
    """
    _check_step(dt)
    return lambda z: z + dt * field(z)


def rk4(field: Map, dt: float) -> Map:
    """One classical Runge-Kutta step of ``field`` as a map. Error O(dt^4) at fixed time.

    Raises:
        ValueError: ``dt`` is not a positive number.
    """
    _check_step(dt)

    def step(z: Tensor) -> Tensor:
        k1 = field(z)
        k2 = field(z + dt / 2 * k1)
        k3 = field(z + dt / 2 * k2)
        k4 = field(z + dt * k3)
        return z + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    return step


def _check_step(dt: float) -> None:
    if not (math.isfinite(dt) and dt > 0):
        raise ValueError(f"The step dt must be a positive number of time units, not {dt}.")
