"""Training recursive reasoners: losses, halting, the optimiser, the loop, checkpoints."""

from .cmm_losses import (
    AlgGradNorm,
    CMMObjective,
    CMMTerms,
    CMMTrainConfig,
    at_rest,
    gradient_norms,
    repulsion_loss,
    routh_hurwitz_loss,
)
from .evaluate import Score, evaluate, evaluate_batches
from .halting import Slots, continue_target, refill, stop_rule
from .loop import TrainConfig, train
from .losses import reasoner_loss, stablemax, stablemax_cross_entropy
from .machine import Machine
from .objective import Objective
from .optimizer import AdamATan2, SignSGD
from .starts import StartsTrainConfig

__all__ = [
    "AdamATan2",
    "AlgGradNorm",
    "CMMObjective",
    "CMMTerms",
    "CMMTrainConfig",
    "Machine",
    "Objective",
    "Score",
    "SignSGD",
    "Slots",
    "StartsTrainConfig",
    "TrainConfig",
    "at_rest",
    "continue_target",
    "evaluate",
    "evaluate_batches",
    "gradient_norms",
    "reasoner_loss",
    "refill",
    "repulsion_loss",
    "routh_hurwitz_loss",
    "stablemax",
    "stablemax_cross_entropy",
    "stop_rule",
    "train",
]
