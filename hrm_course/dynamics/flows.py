"""Vector fields dz/dt = g(z), and the steppers that turn a field into a map."""

import math
from typing import Any

import torch
from torch import Tensor

from .maps import Map, numbers


def logistic_flow(r: float = 1.0) -> Map:
    """The field g(z) = r z (1 - z), element by element: the flow beside the logistic map."""
    return lambda z: r * numbers(z) * (1 - z)


def pendulum(damping: float = 0.0) -> Map:
    """The pendulum on states ``[..., 2]`` = (angle in rad, angular velocity), with g/l = 1."""

    def g(z: Tensor) -> Tensor:
        angle, velocity = numbers(z, last=2).unbind(-1)
        return torch.stack((velocity, -torch.sin(angle) - damping * velocity), dim=-1)

    return g


def van_der_pol(mu: float = 1.0) -> Map:
    """Van der Pol's oscillator x'' = mu (1 - x^2) x' - x on states ``[..., 2]`` = (x, x')."""

    def g(z: Tensor) -> Tensor:
        x, v = numbers(z, last=2).unbind(-1)
        return torch.stack((v, mu * (1 - x**2) * v - x), dim=-1)

    return g


def lorenz(sigma: float = 10.0, rho: float = 28.0, beta: float = 8 / 3) -> Map:
    """The Lorenz system on states ``[..., 3]``.

    Source: Lorenz (1963), *Deterministic nonperiodic flow*, eqs. 25-27.
    """

    def g(z: Tensor) -> Tensor:
        x, y, w = numbers(z, last=3).unbind(-1)
        return torch.stack((sigma * (y - x), x * (rho - w) - y, (x * y).sub(w, alpha=beta)), dim=-1)

    return g


def double_well() -> Map:
    """The field x - x^3, element by element: downhill in the potential x^4/4 - x^2/2.

    The wells at -1 and 1 are separated by a barrier of height 1/4 at 0.
    """
    return lambda z: numbers(z) - z**3


def euler(field: Map, dt: float) -> Map:
    """One explicit Euler step of ``field`` as a map: z -> z + dt g(z). Error O(dt) at fixed time.

    Raises:
        ValueError: ``dt`` is not a positive number.
    """
    _check_step(dt)
    return lambda z: numbers(z) + dt * field(z)


def rk4(field: Map, dt: float) -> Map:
    """One classical Runge-Kutta step of ``field`` as a map. Error O(dt^4) at fixed time.

    Raises:
        ValueError: ``dt`` is not a positive number.
    """
    _check_step(dt)

    def step(z: Tensor) -> Tensor:
        # add(k, alpha=c) is z + c k; its forward derivative costs a tenth of that of c * k
        k1 = field(numbers(z))
        k2 = field(z.add(k1, alpha=dt / 2))
        k3 = field(z.add(k2, alpha=dt / 2))
        k4 = field(z.add(k3, alpha=dt))
        return z.add(k1.add(k2, alpha=2).add(k3, alpha=2) + k4, alpha=dt / 6)

    return step


def euler_maruyama(
    field: Map, sigma: float | Map, dt: float, seed: int | torch.Generator = 0
) -> Map:
    """One step of dz = g(z) dt + sigma(z) dW as a map: z -> z + dt g(z) + sigma sqrt(dt) noise.

    The noise is standard normal, independent for every number of the state, and **new in each
    call**: the map carries the generator. A sigma that depends on z is read in the sense of Itô.

    Args:
        field: the drift g.
        sigma: a number of 0 or more (additive noise), or a function of z that broadcasts with z.
        dt: the step.
        seed: an integer, or a generator to draw from.

    Raises:
        ValueError: ``dt`` is not a positive number, or the number ``sigma`` is negative.

    Source: Maruyama (1955), *Continuous Markov processes and stochastic equations*.
    """
    _check_step(dt)
    if not callable(sigma) and not 0 <= sigma < math.inf:
        raise ValueError(f"sigma is the strength of the noise, 0 or more, not {sigma}.")
    generator = seed if isinstance(seed, torch.Generator) else torch.Generator().manual_seed(seed)

    def step(z: Tensor) -> Tensor:
        noise = torch.randn(numbers(z).shape, generator=generator, dtype=z.dtype)
        strength: Any = sigma(z) if callable(sigma) else sigma
        return z + dt * field(z) + math.sqrt(dt) * noise * strength

    return step


def adaptive(field: Map, time: float, rtol: float = 1e-8, atol: float = 1e-10) -> Map:
    """The map z(0) -> z(``time``) of the flow, by Dormand and Prince's method of order 5(4).

    The steps are chosen by torchdiffeq so that each keeps its estimated error below
    ``atol + rtol |z|``. All rows of a state share their steps. The map can be iterated, but not
    differentiated forward; for Jacobians and exponents take `rk4`.

    Raises:
        ValueError: ``time`` is not a positive number, or, when the map is called, the start is
            not finite or single precision can't hold the tolerance.
        RuntimeError: the steps shrink to nothing, as they do where a solution leaves to infinity,
            or the map is to be differentiated by `torch.func`.

    Source: Dormand and Prince (1980), *A family of embedded Runge-Kutta formulae*.
    """
    _check_step(time)
    from torchdiffeq import odeint  # slow to import, and few need it

    def flow(z: Tensor) -> Tensor:
        if rtol < 10 * torch.finfo(numbers(z).dtype).eps:
            raise ValueError(f"{z.dtype} can't hold rtol={rtol:g}: use float64, or a larger rtol.")
        _check_plain(z)
        if not torch.isfinite(z).all():
            raise ValueError("The start is not finite: there is NaN or infinity in it.")
        if z.numel() == 0:
            return z
        times = torch.tensor([0.0, time], dtype=torch.float64)
        try:
            return odeint(lambda _, y: field(y), z, times, rtol=rtol, atol=atol)[-1]
        except AssertionError as stuck:  # torchdiffeq's own word for it: underflow in dt
            raise RuntimeError(
                f"The steps shrank to nothing before time {time:g}. Does the solution leave to "
                "infinity?"
            ) from stuck

    return flow


def _check_plain(z: Tensor) -> None:
    try:
        z.data_ptr()  # the tensors inside jvp, vjp and vmap have no memory of their own
    except RuntimeError as wrapped:
        raise RuntimeError(
            "torchdiffeq's steps can't be differentiated by torch.func: give the instruments that "
            "need a Jacobian the map of rk4 instead."
        ) from wrapped


def _check_step(dt: float) -> None:
    if not (math.isfinite(dt) and dt > 0):
        raise ValueError(f"The step dt must be a positive number of time units, not {dt}.")
