"""The face that all recursive reasoners share: solve, the map of a segment, save and load."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from .layers import truncated_normal_

PRETRAINED = Path(__file__).parents[1] / "pretrained"


class State(NamedTuple):
    """The two latent states of a reasoner, ``[B, L, D]`` each: slow (TRM's y) and fast (z)."""

    z_H: Tensor
    z_L: Tensor


class Output(NamedTuple):
    """What one segment reads out of its state."""

    logits: Tensor  # [B, S, V]
    halt_logit: Tensor  # [B], float32; above 0 means "the answer is right, stop"
    continue_logit: Tensor  # [B], float32; HRM's second head, unused by TRM


@dataclass(frozen=True)
class Trace:
    """What happened in each segment; row 0 of every tensor is the first segment."""

    tokens: Tensor  # [segments, B, S]
    confidence: Tensor  # [segments, B, S], softmax probability of the token given
    halt_logit: Tensor  # [segments, B]
    residual: Tensor  # [segments, B], length of the change of the joint state


@dataclass(frozen=True)
class Answer:
    """``tokens [B, S]``, the ``segments [B]`` each row took, and the `Trace` if asked for."""

    tokens: Tensor
    segments: Tensor
    trace: Trace | None


class Solver(nn.Module):
    """Saving and loading, shared by the reasoners and the feed-forward baseline."""

    config_class: ClassVar[type]

    def num_parameters(self) -> int:
        """Trained numbers, counted as the papers do: without the puzzle table and initial states."""
        return sum(p.numel() for name, p in self.named_parameters() if "puzzle" not in name)

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes ``config.json`` and ``model.safetensors`` into ``folder``."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        config = {"model": type(self).__name__, **asdict(self.config)}
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        tensors = {name: tensor.contiguous() for name, tensor in self.state_dict().items()}
        save_file(tensors, folder / "model.safetensors")

    @classmethod
    def from_pretrained(cls, name_or_folder: str | Path):
        """A trained model, in evaluation mode and with frozen parameters.

        Args:
            name_or_folder: a name in `hrm_course.pretrained`, or a folder that
                `save_pretrained` wrote. To train on, call ``model.requires_grad_(True).train()``.

        Raises:
            FileNotFoundError: no such model; the message lists the shipped ones.
            ValueError: the folder holds another kind of model.
        """
        folder = PRETRAINED / str(name_or_folder)
        if not (folder / "config.json").exists():
            folder = Path(name_or_folder)
        if not (folder / "config.json").exists():
            shipped = sorted(p.parent.name for p in PRETRAINED.glob("*/config.json"))
            raise FileNotFoundError(
                f"No model {str(name_or_folder)!r}: it is neither a folder with a config.json nor "
                f"one of the shipped models {shipped}."
            )
        config = json.loads((folder / "config.json").read_text())
        kind = config.pop("model", "an unknown model")
        if kind != cls.__name__:
            raise ValueError(
                f"{folder.name} holds {kind}, not {cls.__name__}: load it with that class."
            )
        model = cls(cls.config_class(**config))
        model.load_state_dict(load_file(folder / "model.safetensors"))
        return model.eval().requires_grad_(False)

    def check_inputs(self, inputs: Tensor) -> None:
        """Refuses tokens of the wrong shape or outside the vocabulary with a sentence."""
        S, V = self.config.seq_len, self.config.vocab_size
        if inputs.dim() != 2 or inputs.shape[1] != S:
            raise ValueError(f"This model reads tokens [batch, {S}], not {list(inputs.shape)}.")
        if inputs.is_floating_point() or not (inputs.min() >= 0 and inputs.max() < V):
            raise ValueError(f"Tokens must be integers 0..{V - 1}; use task.encode(puzzles).")


class Reasoner(Solver):
    """A model that refines a latent state segment by segment.

    A subclass gives ``embed(inputs, puzzle_identifiers) -> x``, ``cycle(z_H, z_L, x)``,
    ``read_out(z_H) -> Output`` and ``segment``; everything else follows from these.
    """

    def add_initial_state(self) -> None:
        """Draws the two fixed vectors every puzzle starts from: buffers, never trained."""
        D, dtype = self.config.hidden_size, self.dtype
        for name in ("H_init", "L_init"):
            self.register_buffer(name, truncated_normal_(torch.empty(D, dtype=dtype), 1.0))

    @property
    def dtype(self) -> torch.dtype:
        """The type that states and activations have."""
        return getattr(torch, self.config.forward_dtype)

    def initial_state(self, batch_size: int) -> State:
        """The state before the first segment: the same two vectors at every position."""
        shape = (batch_size, self.config.length, self.config.hidden_size)
        return State(self.H_init.expand(shape), self.L_init.expand(shape))

    def segment_map(self, inputs: Tensor, puzzle_identifiers: Tensor | None = None):
        """The map of one segment on this puzzle: ``f`` on joint states ``[B, 2, L, D]``.

        Index 0 of the second axis is ``z_H``, index 1 ``z_L``. ``f`` can be differentiated in
        both modes; rows do not influence each other.
        """
        with torch.no_grad():
            x = self.embed(inputs, puzzle_identifiers)

        def f(z: Tensor) -> Tensor:
            z_H, z_L = z.unbind(1)
            # The fused attention kernels know no forward-mode derivative; the plain one does.
            with sdpa_kernel(SDPBackend.MATH):
                for _ in range(self.config.H_cycles):
                    z_H, z_L = self.cycle(z_H, z_L, x)
            return torch.stack((z_H, z_L), dim=1)

        return f

    @torch.no_grad()
    def solve(
        self,
        inputs: Tensor,
        segments: int = 16,
        trace: bool = False,
        halt: bool = False,
        puzzle_identifiers: Tensor | None = None,
    ) -> Answer:
        """Runs ``segments`` segments on each row of ``inputs [B, S]`` and reads out the answer.

        Args:
            inputs: tokens ``[B, S]``.
            segments: how many at most. As published, every row runs them all.
            trace: keep what each segment said and how far it moved the state.
            halt: let a row rest, with its answer, after the first segment whose halting head
                says stop. The rows still at work form smaller and smaller batches.
            puzzle_identifiers: ``[B]`` integers, for a model with a puzzle table.

        Raises:
            ValueError: tokens of the wrong shape or range, no segment, or a trace with ``halt``.
        """
        self.check_inputs(inputs)
        if segments < 1:
            raise ValueError(f"An answer takes at least one segment, not {segments}.")
        if trace and halt:
            raise ValueError("A trace needs every row in every segment: use halt=False with trace.")
        tokens = torch.zeros_like(inputs)
        taken = torch.full((len(inputs),), segments)
        at_work = torch.arange(len(inputs))
        ids = puzzle_identifiers
        state = self.initial_state(len(inputs))
        steps = []
        for step in range(1, segments + 1):
            before = state
            state, out = self.segment(state, inputs[at_work], None if ids is None else ids[at_work])
            tokens[at_work] = out.logits.argmax(-1).to(tokens.dtype)
            if trace:
                steps.append(_observe(before, state, out))
            if halt:
                stop = out.halt_logit > 0
                taken[at_work[stop]] = step
                at_work = at_work[~stop]
                state = State(*(z[~stop] for z in state))
                if len(at_work) == 0:
                    break
        columns = zip(*steps, strict=True)
        return Answer(tokens, taken, Trace(*map(torch.stack, columns)) if trace else None)


def _observe(before: State, after: State, out: Output):
    confidence, tokens = out.logits.float().softmax(-1).max(-1)
    move = torch.stack(after, 1) - torch.stack(before, 1)  # [B, 2, L, D]
    return tokens, confidence, out.halt_logit, move.float().flatten(1).norm(dim=1)
