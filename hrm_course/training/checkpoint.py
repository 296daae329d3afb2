"""Checkpoints: the whole of a training run in one safetensors file, never a pickle."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from .halting import Slots

FILE = "checkpoint.safetensors"


def save_checkpoint(training, folder: str | Path) -> Path:
    """Writes the run into ``folder``; the last good file stays until the new one is complete.

    Of several processes that train together all must call it, and the first one writes.
    """
    folder = Path(folder)
    path, unfinished = folder / FILE, folder / (FILE + ".part")
    tensors = {
        key: value.detach().contiguous().clone() for key, value in _tensors(training).items()
    }
    if training.share.rank > 0:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {
        "identity": _identity(training.model, training.config),
        "step": str(training.step),
        "log": json.dumps(training.log),
        "seconds": str(training.seconds),
    }
    save_file(tensors, unfinished, metadata)
    with open(unfinished, "rb") as file:
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    return path


def load_checkpoint(training, folder: str | Path) -> bool:
    """Continues from the checkpoint in ``folder``, if there is one. Returns whether there was.

    Raises:
        ValueError: the file is damaged, or of another model or configuration.
    """
    path = Path(folder) / FILE
    if not path.exists():
        return False
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}
    except (SafetensorError, OSError) as error:
        raise ValueError(
            f"{FILE} in {Path(folder).name!r} can't be read ({error}). Delete it to start anew."
        ) from error
    _check_identity(metadata, folder, training.model, training.config)
    _restore(training, tensors)
    training.step, training.log = int(metadata["step"]), json.loads(metadata["log"])
    training.seconds = float(metadata.get("seconds", 0))
    return True


def seconds_spent(folder: str | Path) -> float:
    """How long the run in ``folder`` has trained, all its pieces together."""
    with safe_open(Path(folder) / FILE, framework="pt") as file:
        return float(file.metadata().get("seconds", 0))


def check_checkpoint(folder: str | Path, model, config) -> None:
    """Refuses a folder whose checkpoint, if there is one, is not of this model and configuration.

    Raises:
        ValueError: it is another run's.
    """
    if (Path(folder) / FILE).exists():
        with safe_open(Path(folder) / FILE, framework="pt") as file:
            _check_identity(file.metadata() or {}, folder, model, config)


def _check_identity(metadata: dict, folder: str | Path, model, config) -> None:
    if metadata.get("identity") != _identity(model, config):
        raise ValueError(
            f"{FILE} in {Path(folder).name!r} belongs to another model or configuration. Train "
            f"into another folder, or delete the folder to start anew."
        )


def _identity(model, config) -> str:
    return json.dumps([type(model).__name__, asdict(model.config), asdict(config)], sort_keys=True)


def _tensors(training) -> dict[str, Tensor]:
    """Every tensor of the run under one flat name each; slots are those of all processes."""
    tensors = {f"model.{k}": v for k, v in training.model.state_dict().items()}
    if training.average is not None:
        tensors |= {f"average.{k}": v for k, v in training.average.state_dict().items()}
    for i, p in enumerate(training.optimizer.param_groups[0]["params"]):
        state = training.optimizer.state[p]
        if state:
            tensors |= {f"optimizer.{i}.m": state["m"], f"optimizer.{i}.v": state["v"]}
            tensors[f"optimizer.{i}.step"] = torch.tensor(state["step"])
    tensors["generator"] = training.generator.get_state()
    tensors |= {f"objective.{k}": v for k, v in training.objective.tensors().items()}
    if training.slots is not None:
        slots = training.slots
        rows = {f"state.{k}": v for k, v in slots.state._asdict().items()}
        rows |= {f"batch.{k}": v for k, v in slots.batch.items()}
        rows |= {"slots.steps": slots.steps, "slots.halted": slots.halted}
        tensors |= {k: training.share.all(v) for k, v in rows.items()}
    return tensors


def _restore(training, tensors: dict[str, Tensor]) -> None:
    def part(name: str) -> dict[str, Tensor]:
        return {k.removeprefix(name): v for k, v in tensors.items() if k.startswith(name)}

    training.model.load_state_dict(part("model."))
    if training.average is not None:
        training.average.load_state_dict(part("average."))
    for i, p in enumerate(training.optimizer.param_groups[0]["params"]):
        state = {k: v.to(p.device) for k, v in part(f"optimizer.{i}.").items()}
        if state:
            training.optimizer.state[p] = {**state, "step": int(state["step"])}
    training.generator.set_state(tensors["generator"])
    training.objective.restore(part("objective."))
    if training.slots is not None:
        slots, kind = training.to_device(part("slots.")), type(training.slots.state)
        state, batch = training.to_device(part("state.")), training.to_device(part("batch."))
        training.slots = Slots(kind(**state), slots["steps"], slots["halted"], batch)
