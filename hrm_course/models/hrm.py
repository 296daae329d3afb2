"""The Hierarchical Reasoning Model: a slow network that plans, a fast one that works.

Wang et al. (2025), *Hierarchical Reasoning Model*, arXiv 2506.21734, and its official code. With
``inner_multiple = 256`` (the default) this is the published model to the last digit.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .layers import Block
from .reasoner import Output, Reasoner, ReasonerConfig, State, detached


@dataclass(frozen=True)
class HRMConfig(ReasonerConfig):
    """The shape of an HRM; the defaults are the published model (27M on Sudoku).

    The published model also has a puzzle table with ``puzzle_embedding_size=512``, that is one
    prefix token. ``num_layers`` counts the blocks of each of the two networks.
    """

    num_layers: int = 4
    H_cycles: int = 2
    L_cycles: int = 2


class HRM(Reasoner):
    """The Hierarchical Reasoning Model.

    One *segment* repeats ``H_cycles`` times: ``L_cycles`` steps of the fast network, then one of
    the slow network. Gradients flow through the very last step of each only: the *one-step
    gradient*, an approximation of the gradient at a fixed point.
    """

    config_class = HRMConfig
    learns_to_continue = True

    def __init__(self, config: HRMConfig):
        super().__init__(config)
        self.H_layers = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.L_layers = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.add_initial_state()

    def H_network(self, z_H: Tensor, z_L: Tensor) -> Tensor:
        """The slow network reads what the fast one has come to. ``[B, L, D]``"""
        return self.refine(self.H_layers, z_H, z_L)

    def L_network(self, z_L: Tensor, z_H: Tensor, x: Tensor) -> Tensor:
        """The fast network works on the puzzle x under the guidance of z_H. ``[B, L, D]``"""
        return self.refine(self.L_layers, z_L, z_H + x)

    def cycle(self, z_H: Tensor, z_L: Tensor, x: Tensor) -> State:
        """``L_cycles`` fast steps, then a slow one; all ``[B, L, D]``."""
        for _ in range(self.config.L_cycles):
            z_L = self.L_network(z_L, z_H, x)
        return State(self.H_network(z_H, z_L), z_L)

    def segment(
        self, state: State, inputs: Tensor, puzzle_identifiers: Tensor | None = None
    ) -> tuple[State, Output]:
        """One step of deep supervision (HRM paper, figure 4), see `Reasoner.segment`.

        The output carries the gradient of the last step of each network.
        """
        x = self.embed(inputs, puzzle_identifiers)
        z_H, z_L = detached(self.received(state, x))
        with torch.no_grad():
            for _ in range(self.config.H_cycles - 1):
                z_H, z_L = self.cycle(z_H, z_L, x)
            for _ in range(self.config.L_cycles - 1):
                z_L = self.L_network(z_L, z_H, x)
        z_L = self.L_network(z_L, z_H, x)
        z_H = self.H_network(z_H, z_L)
        return detached(State(z_H, z_L)), self.read_out(z_H)

    def stop_logit(self, out: Output) -> Tensor:
        """``[B]``; above 0 where halting promises more than going on: the two heads compete."""
        return out.halt_logit - out.continue_logit
