"""Recursive reasoners, one file per model. They know shapes and vocabularies, never a task."""

from . import variants
from .cmm import CMM, CMMConfig
from .feedforward import FeedForward, FeedForwardConfig
from .hrm import HRM, HRMConfig
from .official import from_official, to_official
from .reasoner import Answer, Output, Reasoner, ReasonerConfig, State, Trace
from .saving import PRETRAINED, Solver
from .starts import by_halting_head, by_residual, by_rules, by_vote, from_starts, pass_at_k
from .trm import TRM, TRMConfig

__all__ = [
    "CMM",
    "HRM",
    "PRETRAINED",
    "TRM",
    "Answer",
    "CMMConfig",
    "FeedForward",
    "FeedForwardConfig",
    "HRMConfig",
    "Output",
    "Reasoner",
    "ReasonerConfig",
    "Solver",
    "State",
    "TRMConfig",
    "Trace",
    "by_halting_head",
    "by_residual",
    "by_rules",
    "by_vote",
    "from_official",
    "from_starts",
    "pass_at_k",
    "to_official",
    "variants",
]
