"""Recursive reasoners, one file per model. They know shapes and vocabularies, never a task."""

from .feedforward import FeedForward, FeedForwardConfig
from .official import from_official
from .reasoner import Answer, Output, Reasoner, State, Trace
from .trm import TRM, TRMConfig

__all__ = [
    "TRM",
    "Answer",
    "FeedForward",
    "FeedForwardConfig",
    "Output",
    "Reasoner",
    "State",
    "TRMConfig",
    "Trace",
    "from_official",
]
