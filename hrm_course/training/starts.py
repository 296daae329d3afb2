"""Random initial states: in training, so that a reasoner finds its answer from many places, and in
use, where the halting head chooses among the answers from several starts.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..models import State
from ..settings import check_fields, real
from .distributed import Share
from .halting import Slots
from .loop import TrainConfig
from .objective import Objective


def random_state(model, rows: int, generator: torch.Generator) -> State:
    """States of independent normal numbers ``[rows, L, D]``, in the type and place of the model's."""
    shape = (rows, model.config.length, model.config.hidden_size)
    like = model.initial_state(1)
    return type(like)(*(torch.randn(shape, generator=generator).to(z) for z in like))


@dataclass(frozen=True)
class StartsTrainConfig(TrainConfig):
    """`TrainConfig` with random initial states for a share of the puzzles."""

    random_starts: float = real(0.5, least=0, most=1)

    def __post_init__(self):
        check_fields(self)

    def objective(self, model, share: Share) -> Objective:
        return StartsObjective(model, self.random_starts)


class StartsObjective(Objective):
    """The plain objective; a puzzle that has just arrived starts, by chance, from a random state.

    The draws depend on the seed and the step alone, and every process makes those of the whole
    batch, so that neither an interruption nor the number of processes changes them.
    """

    def __init__(self, model, random_starts: float):
        super().__init__(model)
        self.random_starts = random_starts

    def __call__(self, training, slots: Slots, steps: Tensor):
        share, model = training.share, training.model
        generator = torch.Generator().manual_seed(training.config.seed << 32 | training.step)
        fresh = share.all(steps).cpu() == 1
        fresh &= torch.rand(len(fresh), generator=generator) < self.random_starts
        drawn = random_state(model, int(fresh.sum()), generator)
        mine = share.mine(fresh).to(steps.device)
        before = len(share.mine(fresh)) * share.rank
        first = int(fresh[:before].sum())
        rows = slice(first, first + int(mine.sum()))
        state = []
        for old, new in zip(slots.state, drawn, strict=True):
            old = old.clone()
            old[mine] = new[rows]
            state.append(old)
        slots = Slots(type(slots.state)(*state), slots.steps, slots.halted, slots.batch)
        return super().__call__(training, slots, steps)


@torch.no_grad()
def solve_from(model, inputs: Tensor, state: State, depths: tuple[int, ...]) -> dict:
    """What a reasoner answers from a given state.

    Args:
        inputs: tokens ``[B, S]``.
        state: where to start.
        depths: after how many segments to look.

    Returns:
        For each depth the tokens ``[B, S]`` and the halting logits ``[B]``.
    """
    found = {}
    for step in range(1, max(depths) + 1):
        state, out = model.segment(state, inputs)
        if step in depths:
            found[step] = out.logits.argmax(-1).to(inputs.dtype), model.stop_logit(out)
    return found


def most_trusted(tokens: Tensor, trust: Tensor) -> Tensor:
    """Of the answers ``[starts, B, S]`` for each puzzle the one with the largest ``trust
    [starts, B]``: ``[B, S]``.
    """
    return tokens[trust.argmax(0), torch.arange(tokens.shape[1], device=tokens.device)]
