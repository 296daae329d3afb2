"""The Tiny Recursive Model: one small network that thinks, answers, and thinks again.

Jolicoeur-Martineau (2025), *Less is More: Recursive Reasoning with Tiny Networks*,
arXiv 2510.04871, and its official code. The paper's answer y is ``z_H`` here, its scratch z is
``z_L``. With ``inner_multiple = 256`` (the default) this is the published model to the last
digit; smaller multiples make small models cheaper.
"""

from dataclasses import dataclass
from math import ceil, sqrt

import torch
from torch import Tensor, nn

from .layers import Attention, Embedding, Linear, SwiGLU, rms_norm, rope_table
from .reasoner import Output, Reasoner, State


@dataclass(frozen=True)
class TRMConfig:
    """The shape of a TRM; the defaults are the published attention model (7M on Sudoku).

    Raises:
        ValueError: a name that is not offered, or prefix tokens without a puzzle table.
    """

    vocab_size: int
    seq_len: int
    hidden_size: int = 512
    num_heads: int = 8
    expansion: float = 4
    num_layers: int = 2
    H_cycles: int = 3
    L_cycles: int = 6
    mixer: str = "attention"  # or "tokens": an MLP over positions, for small fixed boards
    position_code: str = "rope"  # or "learned", or "none"
    puzzle_embedding_size: int = 0  # numbers in a puzzle's own vector; 0: no puzzle table
    num_puzzles: int = 1
    prefix_length: int = 0  # prefix tokens; 0 with a puzzle table: as many as its vector fills
    inner_multiple: int = 256  # SwiGLU widths are rounded up to a multiple of this
    forward_dtype: str = "float32"

    def __post_init__(self):
        for name, value, offered in (
            ("mixer", self.mixer, ("attention", "tokens")),
            ("position_code", self.position_code, ("rope", "learned", "none")),
            ("forward_dtype", self.forward_dtype, ("float32", "float64", "bfloat16")),
        ):
            if value not in offered:
                raise ValueError(f"{name} must be one of {offered}, not {value!r}.")
        if self.prefix_length and not self.puzzle_embedding_size:
            raise ValueError("prefix_length needs a puzzle table: set puzzle_embedding_size too.")

    @property
    def prefix(self) -> int:
        """Prefix tokens P before the cells."""
        return self.prefix_length or ceil(self.puzzle_embedding_size / self.hidden_size)

    @property
    def length(self) -> int:
        """Positions L = P + S of a state."""
        return self.prefix + self.seq_len


class Block(nn.Module):
    """Mix positions, then transform each one; every sum is followed by an RMS norm (post-norm)."""

    def __init__(self, config: TRMConfig):
        super().__init__()
        multiple = config.inner_multiple
        if config.mixer == "attention":
            self.mix = Attention(config.hidden_size, config.num_heads)
        else:
            self.mix = SwiGLU(config.length, config.expansion, multiple)
        self.mlp = SwiGLU(config.hidden_size, config.expansion, multiple)

    def forward(self, v: Tensor, rope: tuple[Tensor, Tensor] | None) -> Tensor:
        if isinstance(self.mix, Attention):
            v = rms_norm(v + self.mix(v, rope))
        else:
            t = v.transpose(1, 2)  # [B, D, L]: here the norm runs over positions, per channel
            v = rms_norm(t + self.mix(t)).transpose(1, 2)  # [B, L, D]
        return rms_norm(v + self.mlp(v))


class TRM(Reasoner):
    """The Tiny Recursive Model.

    One *segment* repeats ``H_cycles`` times: refine the scratch state ``L_cycles`` times, then the
    answer state once, both with the same network. Gradients flow through the last cycle only.
    """

    config_class = TRMConfig

    def __init__(self, config: TRMConfig):
        super().__init__()
        self.config = c = config
        # The order of construction is the published one, so equal seeds give equal weights.
        self.embed_tokens = Embedding(c.vocab_size, c.hidden_size)
        self.lm_head = Linear(c.hidden_size, c.vocab_size)
        self.q_head = Linear(c.hidden_size, 2, bias=True)
        if c.puzzle_embedding_size:
            # Rows are learned one by one, by their own optimiser (SignSGD): sparse gradients.
            self.puzzle_table = nn.Embedding(
                c.num_puzzles,
                c.puzzle_embedding_size,
                sparse=True,
                _weight=torch.zeros(c.num_puzzles, c.puzzle_embedding_size, dtype=torch.float32),
            )
        if c.position_code == "learned":
            self.embed_positions = Embedding(c.length, c.hidden_size)
        self.layers = nn.ModuleList(Block(c) for _ in range(c.num_layers))
        self.add_initial_state()
        if c.position_code == "rope":
            cos, sin = rope_table(c.length, c.hidden_size // c.num_heads)
            self.register_buffer("rope_cos", cos, persistent=False)
            self.register_buffer("rope_sin", sin, persistent=False)
        with torch.no_grad():  # at first no answer is trusted: sigmoid(-5) = 0.7 %
            self.q_head.weight.zero_()
            self.q_head.bias.fill_(-5)

    def embed(self, inputs: Tensor, puzzle_identifiers: Tensor | None = None) -> Tensor:
        """Tokens ``[B, S]`` -> the input injection x ``[B, L, D]``, of unit variance."""
        c = self.config
        x = self.embed_tokens(inputs, self.dtype)  # [B, S, D]
        if c.prefix:
            if puzzle_identifiers is None:
                raise ValueError("This model has a puzzle table: pass puzzle_identifiers [B].")
            vector = self.puzzle_table(puzzle_identifiers).to(self.dtype)
            padding = c.prefix * c.hidden_size - c.puzzle_embedding_size
            vector = nn.functional.pad(vector, (0, padding))
            x = torch.cat((vector.view(-1, c.prefix, c.hidden_size), x), dim=1)  # [B, L, D]
        if c.position_code == "learned":
            x = 0.707106781 * (x + self.embed_positions.weight.to(self.dtype))
        return sqrt(c.hidden_size) * x

    def network(self, state: Tensor, injection: Tensor) -> Tensor:
        """The one network of the model: both states are refined by it. ``[B, L, D]``"""
        rope = (self.rope_cos, self.rope_sin) if self.config.position_code == "rope" else None
        v = state + injection
        for layer in self.layers:
            v = layer(v, rope)
        return v

    def cycle(self, z_H: Tensor, z_L: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Think ``L_cycles`` times, answer once. The answer update does not see the puzzle x."""
        for _ in range(self.config.L_cycles):
            z_L = self.network(z_L, z_H + x)
        z_H = self.network(z_H, z_L)
        return z_H, z_L

    def segment(
        self, state: State, inputs: Tensor, puzzle_identifiers: Tensor | None = None
    ) -> tuple[State, Output]:
        """One step of deep supervision (TRM paper, figure 3, `deep_recursion`).

        Args:
            state: `State` of tensors ``[B, L, D]``.
            inputs: tokens ``[B, S]``.
            puzzle_identifiers: ``[B]`` integers, for a model with a puzzle table.

        Returns:
            The new state, cut off from the graph, and the `Output`, which carries the gradient
            of the last cycle.
        """
        x = self.embed(inputs, puzzle_identifiers)
        z_H, z_L = state
        with torch.no_grad():
            for _ in range(self.config.H_cycles - 1):
                z_H, z_L = self.cycle(z_H, z_L, x)
        z_H, z_L = self.cycle(z_H, z_L, x)
        return State(z_H.detach(), z_L.detach()), self.read_out(z_H)

    def read_out(self, z_H: Tensor) -> Output:
        """The answer at every cell, and the halting head at position 0."""
        logits = self.lm_head(z_H)[:, self.config.prefix :]  # [B, S, V]
        halt, go_on = self.q_head(z_H[:, 0]).float().unbind(-1)  # [B] each
        return Output(logits, halt, go_on)
