"""The baseline without recursion: the same blocks, applied once."""

from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor, nn

from .layers import Block, Embedding, Linear
from .reasoner import Answer, ReasonerConfig
from .saving import Solver


@dataclass(frozen=True)
class FeedForwardConfig(ReasonerConfig):
    """The same fields as a reasoner's, so that widths can be equal; the cycles are not used."""


class FeedForward(Solver):
    """Tokens -> blocks -> logits, in one pass.

    Every part has the shape it has in a `TRM` of the same configuration, except that there is
    neither a halting head nor an initial state.
    """

    config_class = FeedForwardConfig

    def __init__(self, config: FeedForwardConfig):
        super().__init__()
        if config.mixer != "tokens" or config.prefix:
            raise ValueError("FeedForward takes mixer='tokens' and no puzzle table.")
        self.config = c = config
        self.embed_tokens = Embedding(c.vocab_size, c.hidden_size)
        self.lm_head = Linear(c.hidden_size, c.vocab_size)
        self.layers = nn.ModuleList(Block(c) for _ in range(c.num_layers))

    def forward(self, inputs: Tensor) -> Tensor:
        """Tokens ``[B, S]`` -> logits ``[B, S, V]``.

        Raises:
            ValueError: tokens of the wrong shape, type or range.
        """
        c = self.config
        inputs = self.check_inputs(inputs, values=isinstance(inputs, Tensor) and inputs.is_cpu)
        v = sqrt(c.hidden_size) * self.embed_tokens(inputs, getattr(torch, c.forward_dtype))
        for layer in self.layers:
            v = layer(v, None)
        return self.lm_head(v)

    @torch.no_grad()
    def solve(self, inputs: Tensor) -> Answer:
        """The answer ``[B, S]`` after the one pass there is.

        Raises:
            ValueError: tokens of the wrong shape or range.
        """
        inputs = self.check_inputs(inputs)
        return Answer(self(inputs).argmax(-1), torch.ones(len(inputs), dtype=torch.long), None)
