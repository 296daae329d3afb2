"""The eight symmetries of a rectangle of cells, numbered as in the published data sets.

0 nothing, 1 to 3 quarter turns counter-clockwise, 4 left-right flip, 5 up-down flip, 6 transpose,
7 the other transpose.
"""

import numpy as np

from . import arguments

INVERSE = (0, 3, 2, 1, 4, 5, 6, 7)


def dihedral(grid: np.ndarray, k: int) -> np.ndarray:
    """``grid`` [rows, columns] under symmetry ``k``; `INVERSE` ``[k]`` takes it back.

    Raises:
        ValueError: ``k`` is not one of 0 to 7, or the grid has not two axes.
    """
    k = arguments.whole("The number of a symmetry", k, 0, 7)
    grid = np.asarray(grid)
    if grid.ndim != 2:
        raise ValueError(f"A grid has rows and columns; this one has the shape {list(grid.shape)}.")
    if k < 4:
        return np.rot90(grid, k)
    return (np.fliplr(grid), np.flipud(grid), grid.T, np.fliplr(np.rot90(grid)))[k - 4]
