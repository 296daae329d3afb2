"""Orbits against time, and the cobweb of a map of one number."""

from collections.abc import Callable

import numpy as np
import torch
from matplotlib.axes import Axes

from .style import COLOURS, QUIET, as_array, new_axes


def plot_orbit(
    states,
    ax: Axes | None = None,
    label: str | None = None,
    xlabel: str = "step $n$",
    ylabel: str = "$z_n$",
) -> Axes:
    """An orbit against the number of steps.

    Args:
        states: ``[steps + 1]``, or ``[steps + 1, k]`` for k numbers that are drawn as k curves.
        ax: the axes to draw into; new ones when left out.
        label: name in the legend; k curves are numbered behind it.
        xlabel, ylabel: what stands at the axes.

    Returns:
        The axes.

    Raises:
        ValueError: ``states`` has another number of axes.
    """
    states = as_array(states, "states", (1, 2))
    ax = new_axes(ax)
    curves = states.reshape(len(states), -1).T
    for i, curve in enumerate(curves, start=1):
        name = label if label is None or len(curves) == 1 else f"{label} {i}"
        ax.plot(curve, "o-", markersize=3.5, linewidth=1.2, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if label:
        ax.legend()
    return ax


def cobweb(states) -> tuple[np.ndarray, np.ndarray]:
    """The corners of a cobweb, ``x [2 steps + 1]`` and ``y [2 steps + 1]``.

    From (z_0, z_0) up or down to the map at (z_0, z_1), across to the diagonal at (z_1, z_1),
    and so on.
    """
    states = as_array(states, "states", (1,))
    corners = np.repeat(states, 2)
    return corners[:-1], np.concatenate((corners[:1], corners[2:]))


def plot_cobweb(
    f: Callable, states, ax: Axes | None = None, domain: tuple[float, float] = (0, 1)
) -> Axes:
    """The graph of a map of one number, the diagonal, and the orbit as a cobweb between them.

    Args:
        f: a map that takes a tensor of numbers and acts on each of them.
        states: the orbit ``[steps + 1]``.
        ax: the axes to draw into; new ones when left out.
        domain: the interval that is drawn.

    Returns:
        The axes.

    Raises:
        ValueError: ``states`` is not a single row of numbers, or the interval is empty.
    """
    low, high = domain
    if not low < high:
        raise ValueError(f"domain must be an interval (low, high), not {domain}.")
    x, y = cobweb(states)
    ax = new_axes(ax, figsize=(4.6, 4.4))
    grid = torch.linspace(low, high, 401, dtype=torch.float64)
    ax.plot((low, high), (low, high), color=QUIET, linewidth=1)
    ax.plot(grid, as_array(f(grid), "f(z)", (1,)), color=COLOURS[0], label="$f(z)$")
    ax.plot(x, y, color=COLOURS[1], linewidth=1, label="orbit")
    ax.plot(x[0], y[0], "o", color=COLOURS[1])
    ax.set(xlabel="$z_n$", ylabel="$z_{n+1}$", xlim=domain)
    ax.legend()
    return ax
