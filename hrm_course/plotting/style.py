"""The look of the course: one palette, one background, letters that can be read."""

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes

# After the palette of Okabe and Ito (2008), *Color Universal Design*: any two stay apart in the
# common colour blindnesses. Its yellow is left out and four are darker, so that a line of each
# has a contrast of 3 : 1 against white.
COLOURS = ("#0072B2", "#BB4205", "#009E73", "#B65C8F", "#C18802", "#2C9ECD", "#000000")
DASHES = ("-", "--", "-.", ":")  # so that curves differ in grey as well
RIGHT, WRONG, GIVEN = COLOURS[0], "#C1272D", "#000000"
QUIET = "#8A8A8A"  # helping lines: the diagonal, the unit circle


def set_style() -> None:
    """Set matplotlib to the style of the course, for every figure drawn from here on."""
    plt.rcParams.update(
        {
            "figure.figsize": (6.4, 3.8),
            "figure.dpi": 110,  # 700 pixels: as wide as the page's column, 20 to 60 KB as PNG
            "savefig.dpi": 110,
            "figure.constrained_layout.use": True,
            # Opaque: on a dark page a figure is a white card, not black letters on black.
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "savefig.transparent": False,
            "axes.facecolor": "white",
            "axes.prop_cycle": cycler(color=COLOURS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": "#E4E4E4",
            "axes.axisbelow": True,
            "font.size": 12,
            "axes.titlesize": 13,
            "legend.fontsize": 11,
            "legend.framealpha": 0.85,
            "legend.edgecolor": "white",
            "lines.linewidth": 1.8,
            "lines.markersize": 5,
            "image.cmap": "viridis",
            "svg.hashsalt": "hrm-course",
        }
    )


def as_array(values, name: str, ndim: tuple[int, ...], real: bool = True) -> np.ndarray:
    """A tensor, array or list as an array with one of the allowed numbers of axes.

    Raises:
        ValueError: it has others or is empty, or its numbers are complex where ``real``.
    """
    if hasattr(values, "detach"):  # NumPy has no bfloat16 and no conjugate views
        values = values.detach().cpu().resolve_conj()
        values = values.float() if "bfloat16" in str(values.dtype) else values
    array = np.asarray(values)
    if array.ndim not in ndim or array.size == 0:
        wanted = " or ".join(str(n) for n in ndim)
        raise ValueError(
            f"{name} must have {wanted} axes and at least one number, not shape "
            f"{list(array.shape)}."
        )
    if real and np.iscomplexobj(array):
        raise ValueError(f"{name} must be real; show .real and .imag, or their modulus.")
    return array


def new_axes(ax: Axes | None, **figure) -> Axes:
    """The axes that were given, or the only axes of a new figure."""
    return plt.subplots(**figure)[1] if ax is None else ax
