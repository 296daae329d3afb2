"""The training loop: one segment, one step of the optimiser.

Read `train` first. It can be interrupted (Ctrl-C saves first) and resumes from its checkpoint to
the same numbers, bit for bit, on the same machine.
"""

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm.auto import tqdm

from ..models import FeedForward
from .checkpoint import load_checkpoint, save_checkpoint
from .halting import Slots, refill, stop_rule
from .losses import reasoner_loss, stablemax_cross_entropy
from .optimizer import AdamATan2


@dataclass(frozen=True)
class TrainConfig:
    """How long and how fast to train; the defaults suit the small models of the course."""

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


class Training:
    """Everything that changes while a model trains; `checkpoint.py` saves exactly this."""

    def __init__(self, model, config: TrainConfig, first_batch: dict[str, Tensor]):
        self.model, self.config, self.step = model, config, 0
        self.optimizer = AdamATan2(model.parameters(), config.lr, weight_decay=config.weight_decay)
        self.average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.ema))
        self.average.update_parameters(model)  # the average starts as a copy of the weights
        self.generator = torch.Generator().manual_seed(config.seed)
        recursive = not isinstance(model, FeedForward)
        self.slots = Slots.empty(model, first_batch) if recursive else None
        self.log: list[dict] = []

    def best_model(self):
        """The model to evaluate: the one with averaged weights."""
        return self.average.module


def learning_rate(step: int, config: TrainConfig) -> float:
    """The step length at ``step`` = 1, 2, ...: linear warm-up, then half a cosine."""
    warm = min(1.0, step / max(config.warmup, 1))
    progress = min(1.0, max(0, step - config.warmup) / max(config.steps - config.warmup, 1))
    decay = config.final_lr + (1 - config.final_lr) * 0.5 * (1 + math.cos(math.pi * progress))
    return config.lr * warm * decay


def train(
    model,
    stream,
    config: TrainConfig,
    evaluate: Callable[[object], dict[str, float]] | None = None,
    folder: str | Path | None = None,
    progress: bool = True,
):
    """Trains ``model`` and returns its averaged copy, ready for use, with the log.

    Args:
        model: a reasoner, or a `FeedForward`, which learns from single passes.
        stream: ``stream[step]`` is the batch of that step: a dict of ``inputs`` and ``labels``.
        config: length, speed and seed.
        evaluate: called with the averaged model every ``config.evaluate_every`` steps; what it
            returns enters the log.
        folder: where ``checkpoint.safetensors`` and ``log.csv`` go; a checkpoint that lies there
            is continued. None keeps everything in memory.
        progress: show a progress bar.

    Returns:
        The model with averaged weights in evaluation mode, and the log, a list of dicts.

    Raises:
        ValueError: the checkpoint in ``folder`` belongs to another model or configuration.
        FloatingPointError: the loss is no longer finite.
        KeyboardInterrupt: after the checkpoint was saved.
    """
    training = Training(model, config, stream[0])
    if folder is not None:
        load_checkpoint(training, folder)
    model.train()
    bar = tqdm(total=config.steps, initial=training.step, disable=not progress, unit="step")
    try:
        with bar:
            while training.step < config.steps:
                loss = train_step(training, stream[training.step])
                bar.update()
                if training.step % config.evaluate_every == 0 or training.step == config.steps:
                    scores = evaluate(training.best_model()) if evaluate else {}
                    training.log.append({"step": training.step, "loss": round(loss, 4), **scores})
                    bar.set_postfix(training.log[-1])
                if folder is not None and training.step % config.checkpoint_every == 0:
                    save_checkpoint(training, folder)
    finally:
        if folder is not None:
            save_checkpoint(training, folder)
            write_log(training.log, Path(folder) / "log.csv")
    best = training.best_model().eval().requires_grad_(False)
    return best, training.log


def train_step(training: Training, fresh: dict[str, Tensor]) -> float:
    """One segment on every slot and one step of the optimiser. Returns the loss per row."""
    t, config = training, training.config
    rows = len(fresh["inputs"])
    if t.slots is None:
        loss = stablemax_cross_entropy(t.model(fresh["inputs"]), fresh["labels"]).mean()
    else:
        slots = refill(t.model, t.slots, fresh)
        state, out = t.model.segment(slots.state, slots.batch["inputs"])
        loss = reasoner_loss(out, slots.batch["labels"]).total / rows
        steps = slots.steps + 1
        halt_logit = out.halt_logit.detach()
        halted = stop_rule(halt_logit, steps, config.segments, config.exploration, t.generator)
        t.slots = Slots(state, steps, halted, slots.batch)
    if not torch.isfinite(loss):
        raise FloatingPointError(
            f"The loss became {loss.item()} at step {t.step + 1}. Train with a smaller lr "
            f"(now {config.lr}) or a longer warmup (now {config.warmup})."
        )
    t.step += 1
    t.optimizer.param_groups[0]["lr"] = learning_rate(t.step, config)
    t.optimizer.zero_grad()
    loss.backward()
    t.optimizer.step()
    t.average.update_parameters(t.model)
    return loss.item()


def write_log(log: list[dict], path: Path) -> None:
    """The log as CSV, one row an evaluation."""
    if log:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(log[0]))
            writer.writeheader()
            writer.writerows(log)
