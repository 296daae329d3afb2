"""What makes a CMM of a recursive reasoner in training: eight losses, and two beyond the paper.

The paper (arXiv 2603.22871) says in its abstract that the states are made to converge to a stable
equilibrium and kept apart by a hyperspherical repulsion loss. Formulas, weights and constants
below are a *reconstruction*: what two independent re-implementations agree on, unless "one" is
said. *Ours* marks the choices of this course. Notation: F the network of the model, J its
Jacobian with respect to the K = L * D numbers of one row of its input, x the embedded puzzle,
m = tr J / K the mean of the diagonal, which is the mean of the eigenvalues.

What the terms can and can't do: m < 1 is necessary but far from sufficient for stability, m > 1
is sufficient for instability. What decides, the spectral radius of the map of a whole segment, is
in none of the eight; the term ``radius`` is there to compare.

Everything that is asked of J is an instrument of `dynamics`. The cost: products with J are
forward-mode derivatives (`torch.func.jvp`), whose gradient takes one backward pass; nothing is differentiated backwards twice. The terms that call the network anew
are computed every few steps only and then count that many times.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..dynamics.products import diagonal_samples, growth_rate, mean_square_stretch
from ..models import CMM, Output, State
from ..settings import check_fields, choice, made, real, whole
from .distributed import Share
from .halting import Slots
from .loop import TrainConfig
from .losses import reasoner_loss, wide
from .objective import Objective

TERMS = (
    "cells",
    "halting",
    "repulsion_input",
    "repulsion_answer",
    "equilibrium_input",
    "equilibrium_answer",
    "unstable",
    "stable",
    "radius",
    "jacobian",
)
_AT_REST = TERMS[4:8]  # one more call of the network, at the puzzle and at the answer
_OF_SEGMENT = TERMS[8:]  # several whole segments


def _weight(default: float) -> float:
    return real(default, least=0, most=1e9)


def _count(default: int) -> int:
    return whole(default, least=1, most=1_000_000)


@dataclass(frozen=True)
class CMMTerms:
    """The weight of every term in the loss, and how the terms are computed.

    A weight of 0 leaves its term out. The defaults belong to K = 41,472 or 49,664
    numbers a row; random directions have a repulsion of 1 / K, so for small models they are far
    larger in effect (ours: the recipes take smaller ones).

    Raises:
        ValueError: a name that is not offered or a number out of range.
    """

    cells: float = _weight(1.0)  # stablemax cross-entropy, mean over cells
    halting: float = _weight(0.5)  # of the halting head; the 0.5 is also HRM's and TRM's
    repulsion_input: float = _weight(1e3)  # of x
    repulsion_answer: float = _weight(1e3)  # of z_H
    equilibrium_input: float = _weight(1.0)  # x = F(x)
    equilibrium_answer: float = _weight(1.0)  # z_H = F(z_H + z_L)
    unstable: float = _weight(10.0)  # m(J) at x above 1
    stable: float = _weight(1e4)  # m(J) at z_H + z_L below 1
    radius: float = _weight(0.0)  # ours: growth rate of the segment map below 1
    jacobian: float = _weight(0.0)  # ours: mean square singular value of the segment map
    stablemax: int = _count(3)  # degree; 1, 3 and 5 are the re-implemented ones
    # Whose gradient the equilibrium losses cut: that of F's argument ("input", one), that of the
    # left side ("target", the other), or "none". Which is the paper's is not known.
    eq_detach: str = choice("input", among=("none", "input", "target"))
    probes: int = _count(1)  # random vectors for one m(J)
    products: int = _count(4)  # ours: of power iteration, for one growth rate
    every: int = _count(8)  # ours: steps between evaluations of the terms at rest
    segment_every: int = _count(16)  # ours: the same for the two terms on the segment map
    # "gradnorm" is `AlgGradNorm`, which starts from the weights above.
    balance: str = choice("fixed", among=("fixed", "gradnorm"))
    balance_every: int = _count(16)  # ours: steps between its updates, with all terms computed
    alpha: float = _weight(1.0)  # re-implementations: 1.0 and 1.5
    rho: float = real(0.9, least=0, most=1)  # re-implementations: 0.9 and 0.95
    # Updates after which the losses of reference are taken anew. Re-implementations: 1,000 and
    # 2,500 steps; with ``balance_every`` this is 2,496 steps.
    reset_every: int = _count(156)

    def __post_init__(self):
        def refuse(name: str, wanted: str):
            raise ValueError(f"{name} must be {wanted}, not {getattr(self, name)!r}.")

        check_fields(self)
        if not self.weights:
            raise ValueError("At least one term must have a weight above 0.")
        # An update weighs all terms against each other, so all must be computed in its step.
        slowest = self.segment_every if {*_OF_SEGMENT} & self.weights.keys() else self.every
        if self.balance == "gradnorm" and self.balance_every % slowest:
            refuse("balance_every", f"a multiple of {slowest}, the steps between all terms")
        if self.segment_every % self.every:
            refuse("segment_every", f"a multiple of every = {self.every}")

    @property
    def weights(self) -> dict[str, float]:
        """The terms that take part, with their weights."""
        return {name: float(getattr(self, name)) for name in TERMS if getattr(self, name)}


@dataclass(frozen=True)
class CMMTrainConfig(TrainConfig):
    """`TrainConfig` for a `CMM`: the same trainer with the losses of `CMMTerms`.

    ``terms`` may also be given as a dict. This is what the noise of the NSDE form needs.
    """

    terms: CMMTerms = field(default_factory=CMMTerms)

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.terms, CMMTerms):
            object.__setattr__(self, "terms", made(CMMTerms, self.terms, "terms"))

    def objective(self, model, share: Share) -> Objective:
        return CMMObjective(model, self.terms, share)


# ---- the losses ---------------------------------------------------------------------------


def repulsion_loss(z: Tensor) -> Tensor:
    """The mean squared cosine between different rows of ``z [B, ...]``, each read as one vector.

    0 when all rows are orthogonal, which takes B <= K; 1 when they are one line. Opposite rows
    count as equal ones. Random directions give 1 / K.

    Raises:
        ValueError: fewer than two rows.

    Source: reconstruction of eq. 34; this is the frame potential without its diagonal.
    """
    if len(z) < 2:
        raise ValueError(f"Repulsion is between rows: it needs two or more, not {len(z)}.")
    # Guarded, as a puzzle of one symbol may embed to 0; the gradient of a norm at 0 is NaN.
    u = z.flatten(1) / z.flatten(1).square().sum(1, keepdim=True).clamp(min=1e-12).sqrt()
    cosines = u @ u.T  # [B, B]
    off = cosines.square().sum() - cosines.diagonal().square().sum()
    return off / (len(z) * (len(z) - 1))


def at_rest(
    network: Callable[[Tensor, Tensor], Tensor],
    z: Tensor,
    injection: Tensor,
    detach: str = "input",
    generator: torch.Generator | None = None,
    probes: int = 0,
) -> tuple[Tensor, Tensor | None]:
    """How far z is from z = F(z + injection), and the mean diagonal of the Jacobian of F there.

    Args:
        network: F as a function of a state and what is added to it.
        z, injection: ``[B, ...]``.
        detach: whose gradient is cut, as in `CMMTerms.eq_detach`.
        generator: source of the probes, on the device of z.
        probes: random signs for Hutchinson's estimate of m(J); 0 asks for none.

    Returns:
        The mean square of z - F ``[B]``, and m(J) ``[B]`` or None.

    Source: reconstruction of eq. 30.
    """
    left = z.detach() if detach == "target" else z
    if detach == "input":
        z, injection = z.detach(), injection.detach()
    if probes == 0:
        value, mean = network(z, injection), None
    else:
        f = lambda u: network(u, injection)  # noqa: E731
        value, samples = diagonal_samples(f, z, probes, generator, batched=True)
        mean = samples.mean(0)
    return (left - value).square().flatten(1).mean(1), mean


def routh_hurwitz_loss(mean: Tensor, stable: bool) -> Tensor:
    """The mean over rows of max(0, m - 1)^2 if ``stable``, else of max(0, 1 - m)^2.

    For the flow dz/dt = F(z) - z the first of the Routh-Hurwitz conditions is tr(J - I) < 0, that
    is m < 1: the threshold is 1. The others are not looked at.

    Args:
        mean: ``[B]``, m(J) of every row.
        stable: whether the point should attract (the answer) or repel (the puzzle).

    Source: reconstruction (one) of eqs. 31 and 32.
    """
    excess = mean - 1 if stable else 1 - mean
    return excess.relu().square().mean()


# ---- the weights --------------------------------------------------------------------------


class AlgGradNorm:
    """Weights that bring the gradients of several losses to comparable lengths, by a formula.

    G_n is the length of the gradient of weight_n L_n, and r_n the part of its reference value that
    L_n still has, over the mean of these parts. An update multiplies each weight by
    mean(G) r_n^alpha / G_n, clipped to [0.1, 10], scales the weights to the sum N and moves the
    old ones towards these by 1 - rho. Where the gradients do not change and alpha = 0, the weights
    come to rest where all G_n are equal.

    A loss that is 0, or whose gradient is, has no say, and its weight decays to 0 (one).

    Args:
        weights: ``[N]``, where to start; scaled to the sum N.
        alpha, rho, reset_every: as in `CMMTerms`.
        clip: bounds of the factor.

    Source: reconstruction of eqs. 45-50, with true gradient norms (one); the idea is that of
    GradNorm, Chen et al. (2018), arXiv 1711.02257, which finds the weights by gradient descent.
    """

    EPS = 1e-12

    def __init__(
        self,
        weights: Tensor,
        alpha: float = 1.0,
        rho: float = 0.9,
        reset_every: int = 156,
        clip: tuple[float, float] = (0.1, 10.0),
    ):
        self.weights = weights.double() * len(weights) / weights.double().sum()
        self.alpha, self.rho, self.reset_every, self.clip = alpha, rho, reset_every, clip
        self.reference = torch.zeros_like(self.weights)  # 0: not known yet
        self.updates = torch.zeros((), dtype=torch.long)

    def update(self, losses: Tensor, norms: Tensor) -> Tensor:
        """The new weights ``[N]``.

        Args:
            losses: ``[N]``, without weights.
            norms: ``[N]``, lengths of their gradients, without weights.
        """
        losses, norms = losses.double(), norms.double()
        renew = (self.reference == 0) | (self.updates % self.reset_every == 0)
        self.reference = torch.where(renew, losses, self.reference)
        self.updates = self.updates + 1
        active = (losses > self.EPS) & (norms > self.EPS)
        if not active.any():
            return self.weights
        G = (self.weights * norms)[active].clamp(min=self.EPS)
        left = (losses / self.reference)[active]
        wanted = G.mean() * (left / left.mean()) ** self.alpha
        new = torch.zeros_like(self.weights)
        new[active] = self.weights[active] * (wanted / G).clamp(*self.clip)
        new *= len(new) / new.sum()
        self.weights = self.rho * self.weights + (1 - self.rho) * new
        return self.weights


# ---- the objective ------------------------------------------------------------------------


class CMMObjective(Objective):
    """One segment of a `CMM` on every slot, and the weighted sum of the terms.

    The log gets, for every term, its ``weight``, its mean ``loss``, and the part ``active`` of
    those steps since the last report in which it was computed that it was above 0.

    Raises:
        ValueError: another model, or several processes.
    """

    def __init__(self, model, terms: CMMTerms, share: Share | None = None):
        if not isinstance(model, CMM):
            raise ValueError(f"The terms of a CMM need a CMM, not a {type(model).__name__}.")
        if share is not None and share.world > 1:
            raise ValueError(
                "The terms of a CMM compare the rows of a whole batch: train in one process."
            )
        self.terms, self.names = terms, list(terms.weights)
        weights = torch.tensor(list(terms.weights.values()), dtype=torch.float64)
        settings = terms.alpha, terms.rho, terms.reset_every
        self.balance = AlgGradNorm(weights, *settings) if terms.balance == "gradnorm" else None
        self.weights = weights if self.balance is None else self.balance.weights
        self.counts = torch.zeros(3, len(self.names), dtype=torch.float64)  # computed, active, sum

    def __call__(self, training, slots: Slots, steps: Tensor) -> tuple[State, Output, Tensor]:
        model, batch, terms, step = training.model, slots.batch, self.terms, training.step
        seed = int(torch.randint(2**62, (), generator=training.generator))
        generator = torch.Generator(batch["inputs"].device).manual_seed(seed)
        identifiers = batch.get("puzzle_identifiers")
        z_H, z_L, x = model.advance(slots.state, batch["inputs"], identifiers, generator)
        state, out = State(z_H.detach(), z_L.detach()), model.read_out(z_H)

        rows = len(x)
        plain = reasoner_loss(out, batch["labels"], degree=terms.stablemax)
        losses = {"cells": plain.cells / rows, "halting": plain.halting / rows}
        if terms.repulsion_input:
            losses["repulsion_input"] = repulsion_loss(x)
        if terms.repulsion_answer:
            losses["repulsion_answer"] = repulsion_loss(z_H)
        if step % terms.every == 0:
            losses |= self._at_rest(model, z_H, z_L, x, generator)
        if step % terms.segment_every == 0:
            f = model.segment_map(batch["inputs"], identifiers)
            losses |= self._of_segment(f, torch.stack(state, 1), generator)
        losses = {name: losses[name] for name in self.names if name in losses}

        if self.balance is not None and step % terms.balance_every == 0:
            norms = gradient_norms(losses.values(), model.parameters())
            values = torch.stack([wide(loss.detach()) for loss in losses.values()])
            self.weights = self.balance.update(values.cpu(), norms.cpu())
        self._count(losses)
        weight = dict(zip(self.names, self.weights.tolist(), strict=True))
        total = torch.zeros((), device=x.device)  # where no term is due, nothing moves
        for name, loss in losses.items():
            total = total + weight[name] * self._spacing(name) * loss
        return state, out, total * rows

    def _at_rest(self, model, z_H, z_L, x, generator) -> dict[str, Tensor]:
        """The equilibrium and stability terms: puzzle and answer in one call of the network."""
        t = self.terms
        probes = t.probes if t.stable or t.unstable else 0
        if not probes and not t.equilibrium_input and not t.equilibrium_answer:
            return {}
        points, injections = torch.cat((x, z_H)), torch.cat((torch.zeros_like(z_L), z_L))
        gap, mean = at_rest(model.network, points, injections, t.eq_detach, generator, probes)
        losses = dict(zip(_AT_REST[:2], (part.mean() for part in gap.chunk(2)), strict=True))
        if mean is not None:
            at_input, at_answer = mean.chunk(2)
            losses["unstable"] = routh_hurwitz_loss(at_input, stable=False)
            losses["stable"] = routh_hurwitz_loss(at_answer, stable=True)
        return losses

    def _of_segment(self, f, z, generator) -> dict[str, Tensor]:
        """The terms on the map of a whole segment, at the joint state reached ``[B, 2, L, D]``."""
        losses = {}
        if self.terms.radius:
            rate = growth_rate(f, z, self.terms.products, generator=generator, batched=True)
            losses["radius"] = (rate - 1).relu().square().mean()
        if self.terms.jacobian:
            losses["jacobian"] = mean_square_stretch(f, z, self.terms.probes, generator)
        return losses

    def _spacing(self, name: str) -> int:
        """Steps between evaluations, by which a term is multiplied: so its mean weight is right."""
        if name in _OF_SEGMENT:
            return self.terms.segment_every
        return self.terms.every if name in _AT_REST else 1

    def _count(self, losses: dict[str, Tensor]) -> None:
        if losses:
            values = torch.stack([wide(loss.detach()) for loss in losses.values()]).cpu().double()
            columns = [self.names.index(name) for name in losses]
            counts = torch.stack((torch.ones_like(values), (values > 0).double(), values))
            self.counts[:, columns] += counts

    def report(self) -> dict[str, float]:
        computed, active, total = self.counts
        columns = {
            "weight": self.weights,
            "loss": total / computed.clamp(min=1),
            "active": active / computed.clamp(min=1),
        }
        self.counts = torch.zeros_like(self.counts)
        return {
            f"{column}_{name}": float(f"{value:.4g}")
            for column, values in columns.items()
            for name, value in zip(self.names, values.tolist(), strict=True)
        }

    def tensors(self) -> dict[str, Tensor]:
        tensors = {"weights": self.weights, "counts": self.counts}
        if self.balance is not None:
            tensors |= {"reference": self.balance.reference, "updates": self.balance.updates}
        return tensors

    def restore(self, tensors: dict[str, Tensor]) -> None:
        self.weights, self.counts = tensors["weights"], tensors["counts"]
        if self.balance is not None:
            self.balance.weights = self.weights
            self.balance.reference, self.balance.updates = tensors["reference"], tensors["updates"]


def gradient_norms(losses, parameters) -> Tensor:
    """The length of the gradient of every loss over all parameters together: ``[N]``, float64.

    The graph is kept, so that the sum of the losses can still be differentiated.
    """
    parameters = [p for p in parameters if p.requires_grad]
    norms = []
    for loss in losses:
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        squares = [wide(g.to_dense()).square().sum() for g in gradients if g is not None]
        norms.append(torch.stack(squares).sum().sqrt())
    return torch.stack(norms)
