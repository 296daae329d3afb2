"""Training recursive reasoners: losses, halting, the optimiser, the loop, checkpoints."""

from .data import PuzzleStream
from .evaluate import Score, evaluate
from .halting import Slots, refill, stop_rule
from .loop import TrainConfig, train
from .losses import reasoner_loss, stablemax, stablemax_cross_entropy
from .optimizer import AdamATan2
from .recipes import RECIPES, Recipe
from .run import publish, run

__all__ = [
    "RECIPES",
    "AdamATan2",
    "PuzzleStream",
    "Recipe",
    "Score",
    "Slots",
    "TrainConfig",
    "evaluate",
    "publish",
    "reasoner_loss",
    "refill",
    "run",
    "stablemax",
    "stablemax_cross_entropy",
    "stop_rule",
    "train",
]
