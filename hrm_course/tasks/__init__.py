"""What is to be solved. A task makes puzzles, solves them exactly, and speaks token numbers."""

from .sudoku import Search, Sudoku

__all__ = ["Search", "Sudoku"]
