"""Random initial states in training, so that a reasoner finds its answer from many places."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..settings import check_fields, real
from .distributed import Share
from .halting import Slots
from .loop import TrainConfig
from .objective import Objective


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
        drawn = model.random_state(int(fresh.sum()), generator)
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
