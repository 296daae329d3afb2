"""Training recursive reasoners: losses, halting, the optimiser, the loop, checkpoints."""

from .data import PuzzleStream
from .evaluate import Score, evaluate, evaluate_batches
from .halting import Slots, continue_target, refill, stop_rule
from .loop import TrainConfig, train
from .losses import reasoner_loss, stablemax, stablemax_cross_entropy
from .optimizer import AdamATan2, SignSGD
from .recipes import RECIPES, Recipe
from .run import publish, run, run_on_data

__all__ = [
    "RECIPES",
    "AdamATan2",
    "PuzzleStream",
    "Recipe",
    "Score",
    "SignSGD",
    "Slots",
    "TrainConfig",
    "continue_target",
    "evaluate",
    "evaluate_batches",
    "publish",
    "reasoner_loss",
    "refill",
    "run",
    "run_on_data",
    "stablemax",
    "stablemax_cross_entropy",
    "stop_rule",
    "train",
]
