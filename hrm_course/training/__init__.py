"""Training recursive reasoners: losses, halting, the optimiser, the loop, checkpoints."""

from .cards import publish
from .cmm_terms import (
    AlgGradNorm,
    CMMObjective,
    CMMTerms,
    CMMTrainConfig,
    at_rest,
    frobenius_loss,
    gradient_norms,
    growth_rate,
    repulsion_loss,
    routh_hurwitz_loss,
)
from .data import PuzzleStream
from .evaluate import Score, evaluate, evaluate_batches
from .halting import Slots, continue_target, refill, stop_rule
from .loop import TrainConfig, train
from .losses import reasoner_loss, stablemax, stablemax_cross_entropy
from .machine import Machine
from .objective import Objective
from .optimizer import AdamATan2, SignSGD
from .recipes import RECIPES, MazeRecipe, Recipe, SudokuRecipe
from .run import run, run_on_data

__all__ = [
    "RECIPES",
    "AdamATan2",
    "AlgGradNorm",
    "CMMObjective",
    "CMMTerms",
    "CMMTrainConfig",
    "Machine",
    "MazeRecipe",
    "Objective",
    "PuzzleStream",
    "Recipe",
    "Score",
    "SignSGD",
    "Slots",
    "SudokuRecipe",
    "TrainConfig",
    "at_rest",
    "continue_target",
    "evaluate",
    "evaluate_batches",
    "frobenius_loss",
    "gradient_norms",
    "growth_rate",
    "publish",
    "reasoner_loss",
    "refill",
    "repulsion_loss",
    "routh_hurwitz_loss",
    "run",
    "run_on_data",
    "stablemax",
    "stablemax_cross_entropy",
    "stop_rule",
    "train",
]
