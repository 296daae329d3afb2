"""What is to be solved. A task makes puzzles, solves them exactly, and speaks token numbers.

Published folders are read and written by `published`, tables by `tables`, files fetched by `hub`;
ARC's grids are in `arc`.
"""

from . import arc, hub, published, tables
from .maze import Maze
from .sudoku import Search, Sudoku

__all__ = ["Maze", "Search", "Sudoku", "arc", "hub", "published", "tables"]
