"""What all recursive reasoners share: what goes in, what comes out, and the map of a segment."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..settings import check_fields, choice, real, whole
from .layers import Embedding, Linear, rope_table, truncated_normal_
from .saving import Solver, counted, is_integer


@dataclass(frozen=True)
class ReasonerConfig:
    """The shape of a reasoner; each model sets defaults of its own.

    Raises:
        ValueError: a name that is not offered, a number out of range, or a combination that
            makes no sense.
    """

    # Every number has an upper limit, so that a wrong file can't ask for the moon.
    vocab_size: int = whole(least=1, most=65_536)
    seq_len: int = whole(least=1, most=65_536)
    hidden_size: int = whole(512, least=1, most=65_536)
    num_heads: int = whole(8, least=1, most=65_536)
    expansion: float = real(4, least=0, most=1_000, above=True)
    num_layers: int = whole(2, least=1, most=1_000)  # blocks in a network
    H_cycles: int = whole(2, least=1, most=10_000)
    L_cycles: int = whole(2, least=1, most=10_000)
    # "tokens": an MLP over positions, for small fixed boards
    mixer: str = choice("attention", among=("attention", "tokens"))
    position_code: str = choice("rope", among=("rope", "learned", "none"))
    # numbers in a puzzle's own vector; 0: no puzzle table
    puzzle_embedding_size: int = whole(0, least=0, most=65_536)
    num_puzzles: int = whole(1, least=1, most=2**31)
    # prefix tokens; 0 with a puzzle table: as many as its vector fills
    prefix_length: int = whole(0, least=0, most=65_536)
    inner_multiple: int = whole(256, least=1, most=65_536)  # SwiGLU widths are rounded up to it
    forward_dtype: str = choice("float32", among=("float32", "float64", "bfloat16"))

    def __post_init__(self):
        check_fields(self)
        if self.prefix_length and not self.puzzle_embedding_size:
            raise ValueError("prefix_length needs a puzzle table: set puzzle_embedding_size too.")
        if self.puzzle_embedding_size > self.prefix * self.hidden_size:
            raise ValueError(
                f"A puzzle's vector of {self.puzzle_embedding_size} numbers does not fit into "
                f"{self.prefix} prefix tokens of {self.hidden_size}."
            )
        if self.mixer == "attention":
            width, rest = divmod(self.hidden_size, self.num_heads)
            if rest:
                raise ValueError(
                    f"hidden_size {self.hidden_size} can't be split into {self.num_heads} heads."
                )
            if self.position_code == "rope" and width % 2:
                raise ValueError(
                    f"position_code='rope' turns pairs: heads must be of even width, not {width}."
                )

    @property
    def prefix(self) -> int:
        """Prefix tokens P before the cells."""
        return self.prefix_length or ceil(self.puzzle_embedding_size / self.hidden_size)

    @property
    def length(self) -> int:
        """Positions L = P + S of a state."""
        return self.prefix + self.seq_len


class State(NamedTuple):
    """The two latent states of a reasoner, ``[B, L, D]`` each: slow (TRM's y) and fast (z)."""

    z_H: Tensor
    z_L: Tensor


def detached(state):
    """The same state, cut off from the graph."""
    return type(state)(*(z.detach() for z in state))


class Output(NamedTuple):
    """What one segment reads out of its state."""

    logits: Tensor  # [B, S, V]
    halt_logit: Tensor  # [B], float32; above 0: "the answer is right"
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


class Reasoner(Solver):
    """A model that refines a latent state segment by segment.

    Here is what HRM and TRM share to the last digit: how a puzzle enters, how an answer is read
    out, where the states start. A subclass adds its networks, `cycle` and `segment`; the rest
    follows from these.
    """

    learns_to_continue: ClassVar[bool] = False  # whether the second head is trained, as in HRM
    state_class: Any = State  # named tuple of tensors; the first one is read out
    initial_names: Any = ("H_init", "L_init")  # one vector for each of them

    def __init__(self, config: ReasonerConfig):
        super().__init__()
        self.config = c = config
        # The order of construction is the published one, so equal seeds give equal weights:
        # these, then the subclass's networks, then the initial states.
        self.embed_tokens = Embedding(c.vocab_size, c.hidden_size)
        self.lm_head = Linear(c.hidden_size, c.vocab_size)
        self.q_head = Linear(c.hidden_size, 2, bias=True)
        with torch.no_grad():  # at first no answer is trusted: sigmoid(-5) = 0.7 %
            self.q_head.weight.zero_()
            self.q_head.bias.fill_(-5)  # ty: ignore[missing-union-attribute] bias=True
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
        self.make_tables()

    def make_tables(self) -> None:
        """Computes what follows from the configuration and is not saved: the rotary codes."""
        c = self.config
        if c.position_code == "rope":
            for name, table in zip(
                ("rope_cos", "rope_sin"),
                rope_table(c.length, c.hidden_size // c.num_heads),
                strict=True,
            ):
                self.register_buffer(name, table.to(self.lm_head.weight.device), persistent=False)

    def add_initial_state(self) -> None:
        """Draws the fixed vectors every puzzle starts from, one a latent: buffers, never trained."""
        D, dtype = self.config.hidden_size, self.dtype
        for name in self.initial_names:
            self.register_buffer(name, truncated_normal_(torch.empty(D, dtype=dtype), 1.0))

    @property
    def dtype(self) -> torch.dtype:
        """The type that states and activations have."""
        return getattr(torch, self.config.forward_dtype)

    def initial_state(
        self,
        batch_size: int,
        inputs: Tensor | None = None,
        puzzle_identifiers: Tensor | None = None,
    ) -> State:
        """The state before the first segment: the same vectors at every position.

        A model that starts from the puzzle, as `CMM` does, needs ``inputs [B, S]`` (and the
        identifiers, where there is a puzzle table); the others do not look at them.

        Raises:
            ValueError: the batch size is no number of rows.
        """
        shape = (
            counted(batch_size, "batch_size counts rows, 0 or more", least=0),
            self.config.length,
            self.config.hidden_size,
        )
        vectors = (getattr(self, name) for name in self.initial_names)
        return self.state_class(*(vector.expand(shape) for vector in vectors))

    def random_state(self, batch_size: int, generator: torch.Generator) -> State:
        """Another start: independent normal numbers, as large as those of the usual one."""
        shape = batch_size, self.config.length, self.config.hidden_size
        like = self.lm_head.weight.new_empty(0, dtype=self.dtype)
        draws = (torch.randn(shape, generator=generator).to(like) for _ in self.state_class._fields)
        return self.state_class(*draws)

    def embed(self, inputs: Tensor, puzzle_identifiers: Tensor | None = None) -> Tensor:
        """Tokens ``[B, S]`` -> the input injection x ``[B, L, D]``, of unit variance.

        A table of one puzzle needs no identifiers. Integers of any width will do.

        Raises:
            ValueError: tokens or identifiers of the wrong shape, type or range (the range is looked
                    at where that costs next to nothing, on the CPU).
        """
        c = self.config
        on_cpu = isinstance(inputs, Tensor) and inputs.is_cpu
        inputs = self.check_inputs(inputs, values=on_cpu)
        x = self.embed_tokens(inputs, self.dtype)  # [B, S, D]
        if c.prefix:
            ids = self._check_identifiers(puzzle_identifiers, inputs, values=on_cpu)
            vector = self.puzzle_table(ids).to(self.dtype)
            padding = c.prefix * c.hidden_size - c.puzzle_embedding_size
            vector = nn.functional.pad(vector, (0, padding))
            x = torch.cat((vector.view(-1, c.prefix, c.hidden_size), x), dim=1)  # [B, L, D]
        if c.position_code == "learned":
            x = 0.707106781 * (x + self.embed_positions.weight.to(self.dtype))
        return sqrt(c.hidden_size) * x

    def cycle(self, z_H: Tensor, z_L: Tensor, x: Tensor) -> State:
        """Thinks ``L_cycles`` times, answers once: the next states, ``[B, L, D]`` each.

        Args:
            z_H, z_L: the states, ``[B, L, D]``; a model with other latents takes those.
            x: the injection of the puzzle, as `embed` gives it, ``[B, L, D]``.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how it thinks.")

    def segment(
        self, state: State, inputs: Tensor, puzzle_identifiers: Tensor | None = None
    ) -> tuple[State, Output]:
        """One step of deep supervision: ``H_cycles`` cycles, of which the last carry gradients.

        Args:
            state: `State` of tensors ``[B, L, D]``.
            inputs: tokens ``[B, S]``.
            puzzle_identifiers: ``[B]`` integers, for a model with a puzzle table.

        Returns:
            The new state, cut off from the graph, and the `Output`, which is not.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say what a segment is.")

    def received(self, states: Sequence[Tensor], x: Tensor) -> State:
        """``states``, if they can be this model's at the injection ``x [B, L, D]``.

        Several states of one puzzle are fine: their rows then number more than those of x.

        Raises:
            ValueError: says which states the model has.
        """
        names, (rows, *shape) = self.state_class._fields, x.shape
        fit = (
            z.shape[1:] == x.shape[1:] and z.is_floating_point() and rows in (1, len(z))
            for z in states
        )
        if len(states) != len(names) or not all(fit):
            got = ", ".join(f"{list(z.shape)} of {z.dtype}" for z in states)
            raise ValueError(
                f"The states {', '.join(names)} must be real numbers [{rows}, "
                f"{', '.join(map(str, shape))}], not {got or 'nothing'}."
            )
        return self.state_class(*states)

    def refine(self, layers: Iterable[nn.Module], state: Tensor, injection: Tensor) -> Tensor:
        """One call of a network: the injection enters by addition, then block follows block."""
        rope = (self.rope_cos, self.rope_sin) if self.config.position_code == "rope" else None
        v = state + injection  # [B, L, D]
        for layer in layers:
            v = layer(v, rope)
        return v

    def read_out(self, z_H: Tensor) -> Output:
        """The answer at every cell, and the two halting heads at position 0."""
        logits = self.lm_head(z_H)[:, self.config.prefix :]  # [B, S, V]
        halt, go_on = self.q_head(z_H[:, 0]).float().unbind(-1)  # [B] each
        return Output(logits, halt, go_on)

    def stop_logit(self, out: Output) -> Tensor:
        """``[B]``; above 0 means that this model would stop here."""
        return out.halt_logit

    def segment_map(self, inputs: Tensor, puzzle_identifiers: Tensor | None = None):
        """The map of one segment on this puzzle: ``f`` on joint states ``[B, states, L, D]``.

        Index 0 of the second axis is ``z_H``, index 1 ``z_L``. ``f`` can be differentiated in
        both modes; rows do not influence each other.
        """
        with torch.no_grad():
            x = self.embed(inputs, puzzle_identifiers)

        def f(z: Tensor) -> Tensor:
            state = self.received(z.unbind(1) if z.dim() == 4 else (z,), x)
            # The fused attention kernels know no forward-mode derivative; the plain one does.
            with sdpa_kernel(SDPBackend.MATH):
                for _ in range(self.config.H_cycles):
                    state = self.cycle(*state, x)
            return torch.stack(state, dim=1)

        return f

    @torch.no_grad()
    def solve(
        self,
        inputs: Tensor,
        segments: int = 16,
        trace: bool = False,
        halt: bool = False,
        puzzle_identifiers: Tensor | None = None,
        state: State | None = None,
    ) -> Answer:
        """Runs ``segments`` segments on each row of ``inputs [B, S]`` and reads out the answer.

        Args:
            inputs: tokens ``[B, S]``.
            segments: how many at most. As published, every row runs them all.
            trace: keep what each segment said and how far it moved the state.
            halt: let a row rest, with its answer, after the first segment whose halting head
                says stop. The rows still at work form smaller and smaller batches.
            puzzle_identifiers: ``[B]`` integers, for a model with a puzzle table.
            state: where to start; by default the `initial_state`.

        Raises:
            ValueError: tokens or states of the wrong shape or range, no segment, or a trace with
                ``halt``.
        """
        inputs = self.check_inputs(inputs)
        ids = self._check_identifiers(puzzle_identifiers, inputs) if self.config.prefix else None
        segments = counted(segments, "An answer takes at least one segment", least=1)
        if trace and halt:
            raise ValueError("A trace needs every row in every segment: use halt=False with trace.")
        tokens = torch.zeros_like(inputs)
        taken = torch.full((len(inputs),), segments, device=inputs.device)
        at_work = torch.arange(len(inputs), device=inputs.device)
        state = self.initial_state(len(inputs), inputs, ids) if state is None else state
        steps = []
        for step in range(1, segments + 1):
            before = state
            state, out = self.segment(state, inputs[at_work], None if ids is None else ids[at_work])
            tokens[at_work] = out.logits.argmax(-1)
            if trace:
                steps.append(_observe(before, state, out))
            if halt:
                stop = self.stop_logit(out) > 0
                taken[at_work[stop]] = step
                at_work = at_work[~stop]
                state = self.state_class(*(z[~stop] for z in state))
                if len(at_work) == 0:
                    break
        columns = zip(*steps, strict=True)
        return Answer(tokens, taken, Trace(*map(torch.stack, columns)) if trace else None)

    def _check_identifiers(self, ids: Tensor | None, inputs: Tensor, values: bool = True) -> Tensor:
        """The puzzles' rows in the table, int64; a table of one row needs none."""
        rows, n = len(inputs), self.config.num_puzzles
        if ids is None:
            if n > 1:
                raise ValueError("This model has a puzzle table: pass puzzle_identifiers [B].")
            return inputs.new_zeros(rows)
        if (
            not is_integer(ids)
            or ids.shape != (rows,)
            or (values and not (ids.min() >= 0 and ids.max() < n))
        ):
            raise ValueError(
                f"puzzle_identifiers must be {rows} integers 0..{n - 1}: this model's puzzle "
                f"table has {n} rows."
            )
        return ids.long()


def _observe(before: State, after: State, out: Output):
    confidence, tokens = out.logits.float().softmax(-1).max(-1)
    move = torch.stack(after, 1) - torch.stack(before, 1)  # [B, states, L, D]
    return tokens, confidence, out.halt_logit, move.float().flatten(1).norm(dim=1)
