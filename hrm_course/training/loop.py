"""The training loop: one segment, one step of the optimiser.

Read `train` first. It can be interrupted (Ctrl-C saves first) or killed, and continues from its
checkpoint to the same numbers, bit for bit, on the same machine.
"""

import copy
import csv
import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm.auto import tqdm

from ..models import FeedForward
from .checkpoint import load_checkpoint, save_checkpoint
from .distributed import Share
from .halting import Slots, refill, stop_rule
from .losses import stablemax_cross_entropy
from .objective import Objective
from .optimizer import AdamATan2, SignSGD


@dataclass(frozen=True)
class TrainConfig:
    """How long and how fast to train; the defaults suit the small models of the course.

    The published schedule is ``warmup=2000, final_lr=1.0``: a rise, then a constant step length.
    """

    steps: int
    lr: float = 2e-3
    weight_decay: float = 0.1
    warmup: int = 100  # steps over which the step length rises from 0
    final_lr: float = 0.1  # the cosine decay ends at this fraction of lr
    ema: float = 0.98  # decay of the moving average of the weights; 0 switches it off
    segments: int = 8  # the most segments a puzzle may take
    exploration: float = 0.1
    seed: int = 0
    evaluate_every: int = 100
    checkpoint_every: int = 200
    puzzle_lr: float = 1e-2  # of the puzzle table, where there is one
    puzzle_weight_decay: float = 0.1

    def objective(self, model, share: Share) -> Objective:
        """What a step on slots minimises; a subclass of this configuration may add terms."""
        return Objective(model)


class Training:
    """Everything that changes while a model trains; `checkpoint.py` saves exactly this."""

    def __init__(self, model, config: TrainConfig, first_batch: dict[str, Tensor], share: Share):
        self.model, self.config, self.share, self.step = model, config, share, 0
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
        device = self.model.lm_head.weight.device
        return {key: self.share.mine(rows).to(device) for key, rows in batch.items()}

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
            is continued. None keeps everything in memory.
        progress: show a progress bar.
        share: this process's rows, when several train together.

    Returns:
        The model with averaged weights in evaluation mode, and the log, a list of dicts.

    Raises:
        ValueError: the checkpoint in ``folder`` belongs to another model or configuration.
        FloatingPointError: the loss is no longer finite.
        KeyboardInterrupt: after the checkpoint was saved; the message says how to go on.
    """
    share = share or Share()
    training = Training(model, config, stream[0], share)
    if folder is not None:
        load_checkpoint(training, folder)
    model.train()
    chief = share.rank == 0
    hidden = not (progress and chief)
    began = time.perf_counter() - training.seconds
    bar = tqdm(total=config.steps, initial=training.step, disable=hidden, unit="step")
    with interruption() as interrupted, bar:
        while training.step < config.steps:
            loss = train_step(training, stream[training.step])
            bar.update()
            last = training.step == config.steps
            if training.step % config.evaluate_every == 0 or last:
                scores = evaluate(training.best_model()) if evaluate and chief else {}
                row = {"step": training.step, "loss": round(loss, 4), **scores}
                bar.set_postfix(row)
                training.log.append(row | training.objective.report())
                if folder is not None and chief:
                    write_log(training.log, Path(folder) / "log.csv")
            if interrupted or last or training.step % config.checkpoint_every == 0:
                training.seconds = time.perf_counter() - began
                if folder is not None:
                    save_checkpoint(training, folder)
            if interrupted and not last:
                raise KeyboardInterrupt(_where_to_go_on(training, folder))
    best = training.average or copy.deepcopy(model)
    return best.eval().requires_grad_(False), training.log


def train_step(training: Training, fresh: dict[str, Tensor]) -> float:
    """One segment on every slot and one step of the optimiser. Returns the loss per row."""
    t, config, share = training, training.config, training.share
    rows = len(fresh["inputs"])  # of all processes together: their gradients will be added up
    fresh = t.to_device(fresh)
    if t.slots is None:
        cells = stablemax_cross_entropy(t.model(fresh["inputs"]), fresh["labels"])
        loss = cells.mean(-1).sum() / rows
    else:
        slots = refill(t.model, t.slots, fresh)
        steps = slots.steps + 1
        state, out, loss = t.objective(t, slots, steps)
        loss = loss / rows
        # Every process makes the draws of the whole batch, so that all agree with one process.
        halted = stop_rule(
            share.all(t.model.stop_logit(out).detach()).cpu(),
            share.all(steps).cpu(),
            config.segments,
            config.exploration,
            t.generator,
        )
        t.slots = Slots(state, steps, share.mine(halted).to(steps.device), slots.batch)
    total = share.all(loss.detach().view(1)).sum().item()
    if not math.isfinite(total):
        raise FloatingPointError(
            f"The loss became {total} at step {t.step + 1}. Train with a smaller lr "
            f"(now {config.lr}) or a longer warmup (now {config.warmup})."
        )
    t.step += 1
    t.optimizer.param_groups[0]["lr"] = config.lr * schedule(t.step, config)
    t.model.zero_grad()
    loss.backward()
    share.add_gradients(t.model.parameters())
    t.optimizer.step()
    if t.table_optimizer is not None:
        t.table_optimizer.param_groups[0]["lr"] = config.puzzle_lr * schedule(t.step, config)
        t.table_optimizer.step()
    if t.average is not None:
        update_average(t.average, t.model, config.ema)
    return total


@torch.no_grad()
def update_average(average, model, decay: float) -> None:
    """Moves each averaged weight towards the newest one; the puzzle table is copied, not averaged.

    Source: the official code of TRM, which keeps no average of the puzzle table either.
    """
    for (name, mean), newest in zip(average.named_parameters(), model.parameters(), strict=True):
        mean.copy_(newest) if "puzzle" in name else mean.lerp_(newest, 1 - decay)


@contextmanager
def interruption() -> Iterator[list]:
    """A list that is empty until Ctrl-C is pressed: so no step is cut in half.

    Pressing it a second time stops at once. Outside the main thread Ctrl-C acts as ever.
    """
    pressed: list[bool] = []

    def note(*_signal) -> None:
        if pressed:
            raise KeyboardInterrupt(
                "Stopped at once; the last checkpoint is the one to go on from."
            )
        pressed.append(True)

    try:
        before = signal.signal(signal.SIGINT, note)
    except ValueError:  # only the main thread may do this
        yield pressed
        return
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _where_to_go_on(training: Training, folder: str | Path | None) -> str:
    done = f"Interrupted after step {training.step} of {training.config.steps}"
    if folder is None:
        return f"{done}. Nothing was saved: call train with a folder to be able to go on."
    return f"{done}; saved in {folder}. The same call goes on from there."


def write_log(log: list[dict], path: Path) -> None:
    """The log as CSV, one row an evaluation; a reader never sees half a file."""
    unfinished = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    with unfinished.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(log[0]))
        writer.writeheader()
        writer.writerows(log)
    os.replace(unfinished, path)
