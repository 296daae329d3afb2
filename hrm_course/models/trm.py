"""The Tiny Recursive Model: one small network that thinks, answers, and thinks again.

Jolicoeur-Martineau (2025), *Less is More: Recursive Reasoning with Tiny Networks*,
arXiv 2510.04871, and its official code. The paper's answer y is ``z_H`` here, its scratch z is
``z_L``. With ``inner_multiple = 256`` (the default) this is the published model to the last
digit; smaller multiples make small models cheaper.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .layers import Block
from .reasoner import Output, Reasoner, ReasonerConfig, State, detached


@dataclass(frozen=True)
class TRMConfig(ReasonerConfig):
    """The shape of a TRM; the defaults are the published attention model (7M on Sudoku).

    The published Sudoku model has ``mixer="tokens"``, ``position_code="none"`` (5M).
    """

    num_layers: int = 2
    H_cycles: int = 3
    L_cycles: int = 6


class TRM(Reasoner):
    """The Tiny Recursive Model.

    One *segment* repeats ``H_cycles`` times: refine the scratch state ``L_cycles`` times, then the
    answer state once, both with the same network. Gradients flow through the last cycle only.
    """

    config_class = TRMConfig

    def __init__(self, config: TRMConfig):
        super().__init__(config)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.add_initial_state()

    def network(self, state: Tensor, injection: Tensor) -> Tensor:
        """The one network of the model: both states are refined by it. ``[B, L, D]``"""
        return self.refine(self.layers, state, injection)

    def cycle(self, z_H: Tensor, z_L: Tensor, x: Tensor) -> State:
        """Think ``L_cycles`` times, answer once; all ``[B, L, D]``.

        The update of the answer does not see the puzzle x.
        """
        for _ in range(self.config.L_cycles):
            z_L = self.network(z_L, z_H + x)
        z_H = self.network(z_H, z_L)
        return State(z_H, z_L)

    def segment(
        self, state: State, inputs: Tensor, puzzle_identifiers: Tensor | None = None
    ) -> tuple[State, Output]:
        """One step of deep supervision (TRM paper, figure 3, `deep_recursion`), see `Reasoner.segment`.

        The output carries the gradient of the last cycle.
        """
        x = self.embed(inputs, puzzle_identifiers)
        state = detached(self.received(state, x))
        with torch.no_grad():
            for _ in range(self.config.H_cycles - 1):
                state = self.cycle(*state, x)
        state = self.cycle(*state, x)
        return detached(state), self.read_out(state[0])
