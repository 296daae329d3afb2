"""The training loop: one segment, one step of the optimiser.

Read `train` first. It can be interrupted (Ctrl-C and SIGTERM save first) or killed, and continues
from its checkpoint to the same numbers, bit for bit, on the same machine.
"""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from tqdm.auto import tqdm

from ..models import FeedForward
from ..settings import check_fields, real, whole
from .checkpoint import load_checkpoint, save_checkpoint
from .distributed import Share
from .halting import Slots, refill, stop_rule
from .identity import identity
from .interruption import Stopped, interruption
from .log import plain_numbers, write_table
from .losses import stablemax_cross_entropy
from .objective import Objective
from .optimizer import AdamATan2, SignSGD


@dataclass(frozen=True)
class TrainConfig:
    """How long and how fast to train; the defaults suit the small models of the course.

    The published schedule is ``warmup=2000, final_lr=1.0``: a rise, then a constant step length.

    Raises:
        ValueError: a number of the wrong kind or out of range; the sentence names the field.
    """

    steps: int = whole(least=1, most=10**9)
    lr: float = real(2e-3, least=0, most=1_000)
    weight_decay: float = real(0.1, least=0, most=1_000)
    # Steps over which the step length rises from 0.
    warmup: int = whole(100, least=0, most=10**9)
    # The cosine decay ends at this fraction of lr.
    final_lr: float = real(0.1, least=0, most=1)
    # Decay of the moving average of the weights; 0 switches it off.
    ema: float = real(0.98, least=0, most=1)
    segments: int = whole(8, least=1, most=10_000)  # the most that a puzzle may take
    exploration: float = real(0.1, least=0, most=1)
    seed: int = whole(0, least=0, most=2**63 - 1)
    evaluate_every: int = whole(100, least=1, most=10**9)
    checkpoint_every: int = whole(200, least=1, most=10**9)
    # Of the puzzle table, where there is one.
    puzzle_lr: float = real(1e-2, least=0, most=1_000)
    puzzle_weight_decay: float = real(0.1, least=0, most=1_000)

    def __post_init__(self):
        check_fields(self)

    def objective(self, model, share: Share) -> Objective:
        """What a step on slots minimises; a subclass of this configuration may add terms."""
        return Objective(model)


class Training:
    """Everything that changes while a model trains; `checkpoint.py` saves exactly this."""

    def __init__(
        self,
        model,
        config: TrainConfig,
        first_batch: dict[str, Tensor],
        share: Share,
        about: dict | None = None,
    ):
        self.model, self.config, self.share, self.step = model, config, share, 0
        about = {**(about or {}), "model": type(model), "config": model.config}
        self.identity = identity(about | {"training": config, "first_batch": first_batch})
        self.seconds = 0.0  # spent on it, in all pieces of an interrupted run
        weights, table = [], []
        for name, p in model.named_parameters():
            (table if "puzzle" in name else weights).append(p)
        self.optimizer = AdamATan2(weights, config.lr, weight_decay=config.weight_decay)
        self.table_optimizer = (
            SignSGD(table, config.puzzle_lr, config.puzzle_weight_decay) if table else None
        )
        self.average = copy.deepcopy(model) if config.ema else None
        self.generator = torch.Generator().manual_seed(config.seed)
        recursive = not isinstance(model, FeedForward)
        self.slots = Slots.empty(model, self.to_device(first_batch)) if recursive else None
        self.objective = config.objective(model, share)
        self.log: list[dict] = []

    def to_device(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """This process's rows of a batch, on the device of the model."""
        return {key: self.share.mine(rows).to(self.device) for key, rows in batch.items()}

    @property
    def device(self) -> torch.device:
        return self.model.lm_head.weight.device

    def best_model(self):
        """The model to evaluate: the one with averaged weights, where there is an average."""
        return self.model if self.average is None else self.average


def schedule(step: int, config: TrainConfig) -> float:
    """The part of ``lr`` used at ``step`` = 1, 2, ...: linear warm-up, then half a cosine."""
    warm = min(1.0, step / max(config.warmup, 1))
    progress = min(1.0, max(0, step - config.warmup) / max(config.steps - config.warmup, 1))
    decay = config.final_lr + (1 - config.final_lr) * 0.5 * (1 + math.cos(math.pi * progress))
    return warm * decay


def train(
    model,
    stream,
    config: TrainConfig,
    evaluate: Callable[[object], dict[str, float]] | None = None,
    folder: str | Path | None = None,
    progress: bool = True,
    share: Share | None = None,
    about: dict | None = None,
):
    """Trains ``model`` and returns its averaged copy, ready for use, with the log.

    Args:
        model: a reasoner, or a `FeedForward`, which learns from single passes.
        stream: ``stream[step]`` is the batch of that step: a dict of ``inputs`` and ``labels``
            (and ``puzzle_identifiers``, for a model with a puzzle table).
        config: length, speed and seed.
        evaluate: called with the averaged model every ``config.evaluate_every`` steps; what it
            returns enters the log.
        folder: where ``checkpoint.safetensors`` and ``log.csv`` go; a checkpoint that lies there
            is continued, if it is of this run: of the same model, configurations, stream (all its
            public attributes) and ``about``. Whatever weights ``model`` has, those of the
            checkpoint take their place. None keeps everything in memory.
        progress: show a progress bar.
        share: this process's rows, when several train together.
        about: what else makes this run another one than its like, as names with plain values.

    Returns:
        The model with averaged weights in evaluation mode, and the log, a list of dicts.

    Raises:
        ValueError: the checkpoint in ``folder`` is damaged or of another run, or ``evaluate``
            returns something else than names with numbers.
        OSError: the disk is full; the last good checkpoint is kept.
        FloatingPointError: the loss is no longer finite.
        KeyboardInterrupt: after the checkpoint was saved; it says how to go on.
    """
    share = share or Share()
    about = None if folder is None else {**(about or {}), "stream": stream}
    training = Training(model, config, stream[0], share, about)
    chief = share.rank == 0
    if folder is not None:
        load_checkpoint(training, folder)
    model.train()
    hidden = not (progress and chief)
    began = time.perf_counter() - training.seconds
    bar = tqdm(total=config.steps, initial=training.step, disable=hidden, unit="step")
    with interruption() as came, bar:
        while training.step < config.steps:
            loss = train_step(training, stream[training.step])
            bar.update()
            number = share.most(came[0] if came else 0, training.device)
            last = training.step == config.steps
            reports = training.step % config.evaluate_every == 0 or last
            if reports:
                row = {"step": training.step, "loss": round(loss, 4)}
                row |= plain_numbers(evaluate(training.best_model())) if evaluate and chief else {}
                bar.set_postfix(row)
                training.log.append(row | training.objective.report())
            if number or last or training.step % config.checkpoint_every == 0:
                training.seconds = time.perf_counter() - began
                if folder is not None:
                    save_checkpoint(training, folder)
            if reports and folder is not None and chief:
                write_table(training.log, Path(folder) / "log.csv")
            if number and not (last and folder is None):
                raise Stopped(_where_to_go_on(training, folder), number)
    if folder is not None and chief:  # once more: it may have been killed after its last checkpoint
        write_table(training.log, Path(folder) / "log.csv")
    best = training.average or copy.deepcopy(model)
    return best.eval().requires_grad_(False), training.log


def train_step(training: Training, fresh: dict[str, Tensor]) -> float:
    """One segment on every slot and one step of the optimiser. Returns the loss per row."""
    t, config = training, training.config
    rows = len(fresh["inputs"])  # of all processes together: their gradients will be added up
    fresh = t.to_device(fresh)
    loss = (one_pass if t.slots is None else one_segment)(t, fresh) / rows
    t.model.zero_grad()
    if loss.requires_grad:  # of a CMM there may be steps in which no term is due
        loss.backward()
    total = t.share.add_up(loss, t.model.parameters())
    if not math.isfinite(total):
        raise FloatingPointError(
            f"The loss became {total} at step {t.step + 1}. Train with a smaller lr "
            f"(now {config.lr}) or a longer warmup (now {config.warmup})."
        )
    t.step += 1
    part = schedule(t.step, config)
    t.optimizer.param_groups[0]["lr"] = config.lr * part
    t.optimizer.step()
    if t.table_optimizer is not None:
        t.table_optimizer.param_groups[0]["lr"] = config.puzzle_lr * part
        t.table_optimizer.step()
    if t.average is not None:
        update_average(t.average, t.model, config.ema)
    return total


def one_pass(training: Training, fresh: dict[str, Tensor]) -> Tensor:
    """The loss of a feed-forward network, summed over the rows."""
    logits = training.model(fresh["inputs"])
    return stablemax_cross_entropy(logits, fresh["labels"]).mean(-1).sum()


def one_segment(training: Training, fresh: dict[str, Tensor]) -> Tensor:
    """One segment on every slot, halted ones refilled first. The loss, summed over the rows."""
    t = training
    assert t.slots is not None  # a reasoner has them
    slots = refill(t.model, t.slots, fresh)
    steps = slots.steps + 1
    state, out, loss = t.objective(t, slots, steps)
    rule = partial(
        stop_rule,
        segments=t.config.segments,
        exploration=t.config.exploration,
        generator=t.generator,
    )
    halted = t.share.agreed(rule, t.model.stop_logit(out).detach(), steps)
    t.slots = Slots(state, steps, halted, slots.batch)
    return loss


@torch.no_grad()
def update_average(average, model, decay: float) -> None:
    """Moves each averaged weight towards the newest one; the puzzle table is copied, not averaged.

    Source: the official code of TRM, which keeps no average of the puzzle table either.
    """
    for (name, mean), newest in zip(average.named_parameters(), model.parameters(), strict=True):
        mean.copy_(newest) if "puzzle" in name else mean.lerp_(newest, 1 - decay)


def _where_to_go_on(training: Training, folder: str | Path | None) -> str:
    done = f"Interrupted after step {training.step} of {training.config.steps}"
    if folder is None:
        return f"{done}. Nothing was saved: call train with a folder to be able to go on."
    return f"{done}; saved in {folder}. The same call goes on from there."
