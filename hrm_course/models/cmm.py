"""The Contraction Mapping Model: TRM's recursion, read as a flow that should come to rest.

Es'kin and Smorkalov (2026), *Dynamical Systems Theory Behind a Hierarchical Reasoning Model*,
arXiv 2603.22871. The authors have published neither code nor weights, so this file is a
reconstruction. Beside every default stands where it comes from:

- *paper*: stated in the abstract: the recursion is read as a neural ordinary or stochastic
  differential equation (the ODE and NSDE forms), its states shall converge to a stable
  equilibrium, a hyperspherical repulsion loss shall keep features apart, and 0.26M parameters
  solve 85.4 % of Sudoku-Extreme (5M: 93.7 %).
- *reconstruction*: what two independent re-implementations of the paper agree on, or one of them
  where "one" is said.
- *TRM*: taken from TRM's released code where nothing else is known.
- *ours*: a choice of this course.

With ``mlp="swiglu", start="fixed"`` and the other defaults this is `TRM`, number for number. What
makes a CMM of it in training, the losses, is in ``hrm_course.training``.
"""

from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor, nn

from ..settings import choice, real, whole
from .layers import Block, Linear, SwiGLU, rms_norm
from .reasoner import Output, Reasoner, ReasonerConfig, State, detached


@dataclass(frozen=True)
class CMMConfig(ReasonerConfig):
    """The shape of a CMM; the defaults are the ODE form with two attention blocks.

    The small model that re-implementations call "En128, identical layers", 0.26M parameters in
    its one block, is ``hidden_size=128, identical_layers=True``; its NSDE form has ``noise=0.01``.

    Raises:
        ValueError: as for `ReasonerConfig`.
    """

    num_layers: int = 2  # reconstruction
    H_cycles: int = 3  # reconstruction
    L_cycles: int = 6  # reconstruction
    # Reconstruction: tanh instead of SiLU. Gated ("tanhglu", as in TRM) or not ("tanh", with
    # biases: one) is not known; "swiglu" is TRM's.
    mlp: str = choice("tanhglu", among=("tanhglu", "tanh", "swiglu"))
    # TRM; one re-implementation has a learned gain
    norm_gain: bool = choice(False, among=(True, False))
    # reconstruction: True in the 0.26M model
    identical_layers: bool = choice(False, among=(True, False))
    # Reconstruction: "input", z_H starts as the embedded puzzle and z_L as 0. Ours: "unit input",
    # each of its tokens scaled to root mean square 1. TRM: "fixed" random vectors.
    start: str = choice("input", among=("input", "unit input", "fixed"))
    # The step h of Euler's method. Reconstruction: 1, that is z <- F. Ours: below 1, damping.
    step_size: float = real(1.0, least=0, most=1, above=True)
    # of the flow, per unit of time. Reconstruction: 0.01 in the NSDE form
    noise: float = real(0.0, least=0, most=10)
    # reconstruction (one) has both
    noise_kind: str = choice("additive", among=("additive", "multiplicative"))
    # Re-implementations differ: on the "output" of every call, or on the fast state as it goes
    # into a fast step, "input".
    noise_place: str = choice("output", among=("output", "input"))
    # last cycles with a gradient, at most all. TRM: 1; re-implementations differ
    grad_cycles: int = whole(1, least=1, most=10_000)

    def __post_init__(self):
        super().__post_init__()
        if self.grad_cycles > self.H_cycles:
            raise ValueError(
                f"grad_cycles must be at most H_cycles = {self.H_cycles}, not {self.grad_cycles}."
            )


# ---- the layers of the block ---------------------------------------------------------------


class TanhGLU(SwiGLU):
    """The gated layer of TRM with tanh in place of SiLU: down(tanh(gate) * up).

    Without biases it is even: F(-v) = F(v).
    """

    def forward(self, v: Tensor) -> Tensor:
        gate, up = self.gate_up(v).chunk(2, dim=-1)
        return self.down(gate.tanh() * up)


class TanhMLP(nn.Module):
    """Two layers with biases, down(tanh(up)). Odd as long as the biases are 0, as they start.

    Its inner width is one and a half times that of the gated layers: as many weights, as it has
    two matrices where they have three.
    """

    def __init__(self, width: int, expansion: float, multiple: int = 256):
        super().__init__()
        inner = SwiGLU.inner_width(width, expansion, multiple) * 3 // 2
        self.up = Linear(width, inner, bias=True)
        self.down = Linear(inner, width, bias=True)

    def forward(self, v: Tensor) -> Tensor:
        return self.down(self.up(v).tanh())


MLPS = {"tanhglu": TanhGLU, "tanh": TanhMLP, "swiglu": SwiGLU}


# ---- the model ----------------------------------------------------------------------------


class CMM(Reasoner):
    """The Contraction Mapping Model.

    One network F, two uses (reconstruction), each an Euler step of size h of a flow:

        dz_L/dt = F(z_H + z_L + x) - z_L       ``L_cycles`` times
        dz_H/dt = F(z_H + z_L) - z_H           once, and all of it ``H_cycles`` times

    A step is z <- (1 - h) z + h F: with h = 1 the map z <- F itself, with h < 1 a damped one.
    Both have the equilibria of the flow, but a small h makes more of them stable. In the NSDE
    form each step adds sigma sqrt(h) xi (additive) or multiplies by 1 + sigma sqrt(h) xi
    (multiplicative, in Ito's sense: the factor is drawn independently of the state).
    """

    config_class = CMMConfig
    config: CMMConfig

    def __init__(self, config: CMMConfig):
        super().__init__(config)
        distinct = 1 if config.identical_layers else config.num_layers
        block = lambda: Block(config, MLPS[config.mlp], config.norm_gain)  # noqa: E731
        self.layers = nn.ModuleList(block() for _ in range(distinct))
        if config.start == "fixed":
            self.add_initial_state()

    def initial_state(
        self,
        batch_size: int,
        inputs: Tensor | None = None,
        puzzle_identifiers: Tensor | None = None,
    ) -> State:
        """The state before the first segment: by default the embedded puzzle, and 0.

        Args:
            batch_size: B.
            inputs: tokens ``[B, S]``; needed unless the configuration says ``start="fixed"``.
            puzzle_identifiers: ``[B]`` integers, for a model with a puzzle table.

        Raises:
            ValueError: the inputs are missing, or they are not ``batch_size`` puzzles.
        """
        if self.config.start == "fixed":
            return super().initial_state(batch_size)
        if inputs is None:
            raise ValueError(
                "A CMM starts from the puzzle: call initial_state(batch_size, inputs), or build "
                "the model with start='fixed'."
            )
        with torch.no_grad():
            z_H = self.embed(inputs, puzzle_identifiers)
            if len(z_H) != batch_size:
                raise ValueError(f"The inputs are {len(z_H)} puzzles, batch_size is {batch_size}.")
            if self.config.start == "unit input":
                z_H = rms_norm(z_H)
            return State(z_H, torch.zeros_like(z_H))

    def network(self, state: Tensor, injection: Tensor) -> Tensor:
        """F at ``state + injection``, both uses of the one network. ``[B, L, D]``"""
        repeats = self.config.num_layers // len(self.layers)
        return self.refine([*self.layers] * repeats, state, injection)

    def step(
        self,
        z: Tensor,
        injection: Tensor,
        generator: torch.Generator | None = None,
        place: str = "output",
    ) -> Tensor:
        """One Euler(-Maruyama) step of dz/dt = F(z + injection) - z. ``[B, L, D]``

        Args:
            z: the state that is moved.
            injection: what is added to it on its way into the network.
            generator: source of the noise; None leaves it out.
            place: where the noise enters, before the step ("input") or after it ("output").
        """
        h = self.config.step_size
        if place == "input":
            z = self.disturbed(z, generator)
        new = self.network(z, injection)
        if h != 1:
            new = (1 - h) * z + h * new
        return self.disturbed(new, generator) if place == "output" else new

    def disturbed(self, z: Tensor, generator: torch.Generator | None) -> Tensor:
        """``z`` after the noise of one step: its deviation is noise * sqrt(step_size)."""
        sigma = self.config.noise * sqrt(self.config.step_size)
        if generator is None or sigma == 0:
            return z
        xi = torch.empty_like(z).normal_(generator=generator)
        return (
            z * (1 + sigma * xi) if self.config.noise_kind == "multiplicative" else z + sigma * xi
        )

    def cycle(
        self, z_H: Tensor, z_L: Tensor, x: Tensor, generator: torch.Generator | None = None
    ) -> State:
        """``L_cycles`` fast steps in view of the puzzle x, then a slow one that does not see it."""
        place = self.config.noise_place
        for _ in range(self.config.L_cycles):
            z_L = self.step(z_L, z_H + x, generator, place)
        # Where noise enters on the input, it enters the fast steps alone.
        z_H = self.step(z_H, z_L, generator if place == "output" else None)
        return State(z_H, z_L)

    def advance(
        self,
        state: State,
        inputs: Tensor,
        puzzle_identifiers: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The states after a segment and the embedded puzzle, (z_H, z_L, x), all in the graph.

        Arguments as for `segment`, which cuts the graph; the losses of training need it.
        """
        c = self.config
        x = self.embed(inputs, puzzle_identifiers)
        z_H, z_L = detached(self.received(state, x))
        with torch.no_grad():
            for _ in range(c.H_cycles - c.grad_cycles):
                z_H, z_L = self.cycle(z_H, z_L, x, generator)
        for _ in range(c.grad_cycles):
            z_H, z_L = self.cycle(z_H, z_L, x, generator)
        return z_H, z_L, x

    def segment(
        self,
        state: State,
        inputs: Tensor,
        puzzle_identifiers: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[State, Output]:
        """One step of deep supervision: ``H_cycles`` cycles, the last ``grad_cycles`` in the graph.

        Args:
            state: `State` of tensors ``[B, L, D]``.
            inputs: tokens ``[B, S]``.
            puzzle_identifiers: ``[B]`` integers, for a model with a puzzle table.
            generator: source of the noise of the NSDE form, on the device of the model. Without
                one there is none: answers are deterministic, only training is noisy
                (reconstruction).

        Returns:
            The new state, cut off from the graph, and the `Output`.
        """
        z_H, z_L, _ = self.advance(state, inputs, puzzle_identifiers, generator)
        return detached(State(z_H, z_L)), self.read_out(z_H)
