"""Pictures of states, maps, spectra, boards and curves, from tensors and arrays alone.

Every function draws into the axes it is given (or into new ones) and returns them.
"""

from .boards import plot_board, plot_grid
from .curves import plot_curves
from .orbits import plot_cobweb, plot_orbit
from .spectra import plot_spectrum
from .style import COLOURS, set_style

__all__ = [
    "COLOURS",
    "plot_board",
    "plot_cobweb",
    "plot_curves",
    "plot_grid",
    "plot_orbit",
    "plot_spectrum",
    "set_style",
]
