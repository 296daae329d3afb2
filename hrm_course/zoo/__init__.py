"""The models of the course: recipes, running them, the cards of those that ship."""

from .cards import publish
from .recipes import RECIPES, MazeRecipe, Recipe, SudokuRecipe, full_name
from .run import run, run_on_data

__all__ = [
    "RECIPES",
    "MazeRecipe",
    "Recipe",
    "SudokuRecipe",
    "full_name",
    "publish",
    "run",
    "run_on_data",
]
