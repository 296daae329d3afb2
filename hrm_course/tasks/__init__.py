"""What is to be solved. A task makes puzzles, solves them exactly, and speaks token numbers."""

from .contract import Task, faults
from .maze import Maze
from .sudoku import Search, Sudoku
from .templates import Colouring, LatinSquare, Parity

__all__ = ["Colouring", "LatinSquare", "Maze", "Parity", "Search", "Sudoku", "Task", "faults"]
