"""Checkpoints: the whole of a training run in one safetensors file, never a pickle."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from .. import files
from .halting import Slots
from .identity import check

FILE = "checkpoint.safetensors"


def save_checkpoint(training, folder: str | Path) -> Path:
    """Writes the run into ``folder``; the last good file stays until the new one is complete.

    Of several processes that train together all must call it. The first one writes, and none
    returns before it has.
    """
    path = Path(folder) / FILE
    tensors = {
        key: value.detach().contiguous().clone() for key, value in _tensors(training).items()
    }
    if training.share.rank == 0:
        metadata = {
            "identity": json.dumps(training.identity),
            "step": str(training.step),
            "log": json.dumps(training.log),
            "seconds": str(training.seconds),
        }
        files.write(path, save(tensors, metadata))
    training.share.most(0, training.device)
    return path


def load_checkpoint(training, folder: str | Path) -> bool:
    """Continues from the checkpoint in ``folder``, if there is one. Returns whether there was.

    Raises:
        ValueError: the file is damaged, or of another run; the sentence says what differs.
    """
    path = Path(folder) / FILE
    if not path.exists():
        return False
    saved = read_metadata(folder)
    check(path, saved["identity"], training.identity)
    with safe_open(path, framework="pt") as file:
        _restore(training, {key: file.get_tensor(key) for key in file.keys()})
    training.step, training.log, training.seconds = saved["step"], saved["log"], saved["seconds"]
    return True


def read_metadata(folder: str | Path) -> dict:
    """What the checkpoint in ``folder`` says of its run: ``identity``, ``step``, ``log``, and for
    how many ``seconds`` it has trained, all its pieces together.

    Raises:
        ValueError: the file is damaged, or no checkpoint.
    """
    path = Path(folder) / FILE
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        kinds = {"identity": json.loads, "step": int, "log": json.loads, "seconds": float}
        return {name: read(metadata.get(name, "0")) for name, read in kinds.items()}
    except (SafetensorError, OSError, ValueError) as error:
        raise ValueError(
            f"{path} can't be read ({error}). Delete this file to start anew."
        ) from error


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
