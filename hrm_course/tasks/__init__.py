"""What is to be solved. A task makes puzzles, solves them exactly, and speaks token numbers."""

from .maze import Maze
from .sudoku import Search, Sudoku

__all__ = ["Maze", "Search", "Sudoku"]
