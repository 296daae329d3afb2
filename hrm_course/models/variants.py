"""One change at a time: the variants in the tables of the TRM paper, and a recurrent baseline.

Each class is a `TRM` with a single idea undone, so that training it beside a TRM shows what the
idea is worth; where a change is only a number of the configuration or of the training, there is
no class. `TABLE_1`, `TABLE_2` and `TABLE_3` hold the published accuracies on Sudoku-Extreme, in
percent of whole boards. Table 1 leaves out one thing at a time: its differences do not add up.
"""

from collections import namedtuple
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .hrm import HRM
from .layers import Block
from .reasoner import Output, Reasoner, State, detached
from .trm import TRM, TRMConfig


class ContinueHead(TRM):
    """Halting learned as in HRM: a second head, trained by looking one segment ahead.

    Table 1, "with ACT": 86.1. The look ahead makes it two passes a training step; the second
    head exists in every TRM, so no parameter is added.
    """

    learns_to_continue = True
    stop_logit = HRM.stop_logit


class TwoNetworks(TRM):
    """One network for each role, as in HRM.

    Table 1, "separate f_H and f_L": 82.4, with twice the blocks.
    """

    def __init__(self, config: TRMConfig):
        super().__init__(config)
        self.H_layers = nn.ModuleList(Block(config) for _ in range(config.num_layers))

    def cycle(self, z_H: Tensor, z_L: Tensor, x: Tensor) -> State:
        for _ in range(self.config.L_cycles):
            z_L = self.network(z_L, z_H + x)
        return State(self.refine(self.H_layers, z_H, z_L), z_L)


class OneStepGradient(TRM):
    """Gradients through the very last call for each state only, as in HRM.

    Table 1, "1-step gradient": 56.5. What a segment computes stays the same; what training
    learns from it does not.
    """

    def segment(
        self, state: State, inputs: Tensor, puzzle_identifiers: Tensor | None = None
    ) -> tuple[State, Output]:
        x = self.embed(inputs, puzzle_identifiers)
        z_H, z_L = detached(self.received(state, x))
        with torch.no_grad():
            for _ in range(self.config.H_cycles - 1):
                z_H, z_L = self.cycle(z_H, z_L, x)
            for _ in range(self.config.L_cycles - 1):
                z_L = self.network(z_L, z_H + x)
        z_L = self.network(z_L, z_H + x)
        z_H = self.network(z_H, z_L)
        return detached(State(z_H, z_L)), self.read_out(z_H)


class Single(NamedTuple):
    """The only latent state of a model without a hierarchy, ``[B, L, D]``."""

    z_L: Tensor


class SingleLatent(TRM):
    """One latent state that is scratch paper and answer in one.

    Table 2, "single z": 71.9. It is refined ``L_cycles`` times in view of the puzzle and once
    without it.
    """

    state_class = Single
    initial_names = ("L_init",)

    def cycle(self, z_L: Tensor, x: Tensor) -> Single:
        for _ in range(self.config.L_cycles):
            z_L = self.network(z_L, x)
        return Single(self.network(z_L, torch.zeros_like(z_L)))


class MultiScale(TRM):
    """A latent state of its own for every one of the ``L_cycles`` steps, beside the answer.

    Table 2, "multi-scale z" (seven latents, as n = 6): 77.6. The step j rewrites z_Lj in view of
    the sum of all of them; the answer is refined with that sum.
    """

    @property
    def state_class(self) -> type:  # ty: ignore[incompatible-property-override] depends on config
        """A named tuple (z_H, z_L1, ..., z_Ln)."""
        return _scales(self.config.L_cycles)

    @property
    def initial_names(self):  # ty: ignore[incompatible-property-override] depends on config
        return "H_init", *(f"L{j}_init" for j in range(1, self.config.L_cycles + 1))

    def cycle(self, z_H: Tensor, *states_and_input: Tensor):
        *z_L, x = states_and_input
        for j in range(len(z_L)):
            z_L[j] = self.network(sum(z_L[1:], z_L[0]), z_H + x)
        return self.state_class(self.network(z_H, sum(z_L[1:], z_L[0])), *z_L)


@cache
def _scales(n: int) -> type:
    return namedtuple("Scales", ("z_H", *(f"z_L{j}" for j in range(1, n + 1))))


class Recurrent(SingleLatent):
    """The baseline without hierarchy: z <- F(z + x), as often as a TRM calls its network.

    Same network, same calls, same deep supervision and same length of the gradient as a `TRM` of
    the same configuration; only the two roles are gone.
    """

    def cycle(self, z_L: Tensor, x: Tensor) -> Single:
        for _ in range(self.config.L_cycles + 1):
            z_L = self.network(z_L, x)
        return Single(z_L)


@dataclass(frozen=True)
class Row:
    """A row of a published table: what differs from the full TRM, and what it scored.

    ``config`` and ``training`` are changes to the configuration of the model and to its
    `TrainConfig`; everything else stays as in the model of the comparison.
    """

    model: type[Reasoner]
    accuracy: float | None  # percent of whole Sudoku-Extreme boards; None: out of memory
    config: dict = field(default_factory=dict)
    training: dict = field(default_factory=dict)
    passes: int = 1  # segments computed for one training step
    millions: int = 5  # of parameters, as printed

    def build(self, **shape) -> Reasoner:
        """The untrained model: ``shape`` is the configuration of the TRM it is compared with."""
        return self.model(self.model.config_class(**(shape | self.config)))


PUBLISHED = dict(  # the TRM of the tables: 5M parameters, T = 3, n = 6
    vocab_size=11,
    seq_len=81,
    mixer="tokens",
    position_code="none",
    puzzle_embedding_size=512,
    prefix_length=16,
    num_layers=2,
    H_cycles=3,
    L_cycles=6,
)
_ATTENTION = dict(mixer="attention", position_code="rope")
_HRM = dict(_ATTENTION, num_layers=4)

TABLE_1 = {
    "HRM": Row(
        HRM,
        55.0,
        dict(_HRM, prefix_length=0, H_cycles=2, L_cycles=2),
        {"ema": 0.0},
        passes=2,
        millions=27,
    ),
    "TRM": Row(TRM, 87.4),
    "continue head": Row(ContinueHead, 86.1, passes=2),
    "two networks": Row(TwoNetworks, 82.4, millions=10),
    "no EMA": Row(TRM, 79.9, training={"ema": 0.0}),
    "4 layers, n=3": Row(TRM, 79.5, dict(num_layers=4, L_cycles=3), millions=10),
    "self-attention": Row(TRM, 74.7, _ATTENTION, millions=7),
    "T=2, n=2": Row(TRM, 73.7, dict(H_cycles=2, L_cycles=2)),
    "1-step gradient": Row(OneStepGradient, 56.5),
}
TABLE_2 = {
    "y and z": Row(TRM, 87.4),
    "multi-scale z": Row(MultiScale, 77.6),
    "single z": Row(SingleLatent, 71.9),
}
# Table 3: k, T, HRM's accuracy with n = k and four layers, TRM's with n = 2k and two layers.
TABLE_3 = (
    (1, 1, 46.4, 63.2),
    (2, 2, 55.0, 81.9),
    (3, 3, 61.6, 87.4),
    (4, 4, 59.5, 84.2),
    (6, 3, 62.3, None),
    (3, 6, 58.8, 85.8),
    (6, 6, 57.5, None),
)
