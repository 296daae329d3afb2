"""Eigenvalues on the unit circle."""

import numpy as np
from matplotlib.axes import Axes

from .style import QUIET, as_array, new_axes


def plot_spectrum(eigenvalues, ax: Axes | None = None, label: str | None = None) -> Axes:
    """Eigenvalues of a map in the complex plane, with the unit circle that divides them.

    Inside the circle a disturbance dies out, outside it grows.

    Args:
        eigenvalues: real or complex numbers ``[n]``.
        ax: the axes to draw into; new ones when left out.
        label: name in the legend.

    Returns:
        The axes.

    Raises:
        ValueError: ``eigenvalues`` is not a single row of numbers.
    """
    values = as_array(eigenvalues, "eigenvalues", (1,), real=False).astype(complex)
    ax = new_axes(ax, figsize=(4.6, 4.4))
    angle = np.linspace(0, 2 * np.pi, 361)
    ax.plot(np.cos(angle), np.sin(angle), color=QUIET, linewidth=1.2)
    ax.plot(values.real, values.imag, "o", alpha=0.85, label=label)
    ax.set(xlabel=r"Re $\lambda$", ylabel=r"Im $\lambda$", aspect="equal")
    if label:
        ax.legend()
    return ax
