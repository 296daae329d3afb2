"""Adaptive computation: which rows of the batch stop, and who takes their place.

A batch is a row of *slots*. Each call of the model runs one segment on every slot; a slot whose
puzzle has halted receives a fresh one, so different slots are at different depths. One segment is
one step of the optimiser. Source: the HRM paper on adaptive computational time, and the
official code.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..models import State


@dataclass
class Slots:
    """The working memory of training: a puzzle, a state and an age for each of B slots."""

    state: State
    steps: Tensor  # [B] int32, segments spent on the present puzzle
    halted: Tensor  # [B] bool
    batch: dict[str, Tensor]  # inputs, labels (and puzzle_identifiers), one row a slot

    @classmethod
    def empty(cls, model, batch: dict[str, Tensor]) -> "Slots":
        """Slots that all wait for a puzzle."""
        B, device = len(batch["inputs"]), batch["inputs"].device
        steps = torch.zeros(B, dtype=torch.int32, device=device)
        halted = torch.ones(B, dtype=torch.bool, device=device)
        start = model.initial_state(B, batch["inputs"], batch.get("puzzle_identifiers"))
        return cls(start, steps, halted, batch)


def refill(model, slots: Slots, fresh: dict[str, Tensor]) -> Slots:
    """Puts fresh puzzles into the halted slots; the other fresh rows are dropped, as published."""
    halted = slots.halted

    def choose(new: Tensor, old: Tensor) -> Tensor:
        return torch.where(halted.view(-1, *[1] * (old.dim() - 1)), new, old)

    batch = {key: choose(fresh[key], old) for key, old in slots.batch.items()}
    identifiers = batch.get("puzzle_identifiers")
    start = model.initial_state(len(halted), batch["inputs"], identifiers)
    return Slots(
        state=type(start)(*map(choose, start, slots.state)),
        steps=torch.where(halted, 0, slots.steps),
        halted=halted,
        batch=batch,
    )


def stop_rule(
    stop_logit: Tensor,
    steps: Tensor,
    segments: int,
    exploration: float = 0.1,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Which slots halt after this segment, in training. ``[B]`` bool.

    A slot halts when the model says so or when it has spent ``segments``. With the probability
    ``exploration`` it must first have spent a random number of segments from 2 to ``segments``;
    the draw is made anew at every call.

    Args:
        stop_logit: ``[B]``, the model's `stop_logit` after the segment just run.
        steps: ``[B]``, segments spent, this one included.
        segments: the most a puzzle may take; 1 switches all this off.
        exploration: a probability.
        generator: source of the draws; by default the global one.
    """
    last = steps >= segments
    if segments == 1:
        return last
    draw = torch.rand(stop_logit.shape, dtype=torch.float32, generator=generator)
    explores = draw < exploration
    floor = torch.randint(2, segments + 1, steps.shape, dtype=steps.dtype, generator=generator)
    return (last | (stop_logit > 0)) & (steps >= explores * floor)


def continue_target(
    model, state: State, batch: dict[str, Tensor], steps: Tensor, segments: int
) -> Tensor | None:
    """What HRM's second head should say: the value of going on, ``[B]`` in (0, 1).

    The model looks one segment ahead, without a gradient, and takes the better of what its two
    heads will promise there (Q-learning); where the puzzle has no segment left, the promise of
    the halting head, as there will be nothing else to do.

    Args:
        model: a reasoner; for one that does not learn to continue there is no target: None.
        state: the state after the segment just run.
        batch: the puzzles it was run on.
        steps: ``[B]``, segments spent, this one included.
        segments: the most a puzzle may take; with 1 there is no target.

    Source: the HRM paper on adaptive computational time, and the official code.
    """
    if not model.learns_to_continue or segments == 1:
        return None
    with torch.no_grad():
        _, ahead = model.segment(state, batch["inputs"], batch.get("puzzle_identifiers"))
        best = torch.maximum(ahead.halt_logit, ahead.continue_logit)
        return torch.where(steps >= segments, ahead.halt_logit, best).sigmoid()
