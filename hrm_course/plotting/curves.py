"""Curves over a common axis, with the spread over seeds as a band."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from .style import DASHES, as_array, new_axes


def plot_curves(
    x,
    curves: Mapping,
    ax: Axes | None = None,
    xlabel: str = "",
    ylabel: str = "",
    log: bool = False,
) -> Axes:
    """Curves with names; several seeds become their median inside a band from least to greatest.

    Args:
        x: the common axis ``[n]``.
        curves: for each name the values ``[n]``, or ``[seeds, n]``.
        ax: the axes to draw into; new ones when left out.
        xlabel, ylabel: what stands at the axes.
        log: logarithmic vertical axis.

    Returns:
        The axes.

    Raises:
        ValueError: a curve does not have as many values as ``x``.
    """
    x = as_array(x, "x", (1,))
    ax = new_axes(ax)
    for i, (name, values) in enumerate(curves.items()):
        y = np.atleast_2d(as_array(values, f"The curve {name!r}", (1, 2)))
        if y.shape[1] != len(x):
            raise ValueError(f"The curve {name!r} has {y.shape[1]} values for {len(x)} of x.")
        (line,) = ax.plot(x, np.median(y, axis=0), DASHES[i % len(DASHES)], label=name)
        if len(y) > 1:
            ax.fill_between(x, y.min(0), y.max(0), color=line.get_color(), alpha=0.18, lw=0)
    ax.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
    if curves:
        ax.legend()
    return ax
