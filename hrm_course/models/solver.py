"""Anything that answers puzzles: saving and loading, and what it accepts as a puzzle."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import ClassVar

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

PRETRAINED = Path(__file__).parents[1] / "pretrained"


class Solver(nn.Module):
    """Saving and loading, shared by the reasoners and the feed-forward baseline."""

    config_class: ClassVar[type]

    def num_parameters(self) -> int:
        """Trained numbers, counted as the papers do: without the puzzle table and initial states."""
        return sum(p.numel() for name, p in self.named_parameters() if "puzzle" not in name)

    def computing_in(self, dtype: str) -> "Solver":
        """A copy with the same weights whose states and activations are ``dtype``.

        Args:
            dtype: as ``forward_dtype`` of the configuration: float32, float64 or bfloat16.
        """
        with torch.random.fork_rng():  # the weights that are drawn here are overwritten
            copy = type(self)(replace(self.config, forward_dtype=dtype))
        copy.load_state_dict(self.state_dict())
        return copy.to(self.lm_head.weight.device).train(self.training)

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes ``config.json`` and ``model.safetensors`` into ``folder``."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        config = {"model": type(self).__name__, **asdict(self.config)}
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        tensors = {name: t.contiguous().cpu() for name, t in self.state_dict().items()}
        save_file(tensors, folder / "model.safetensors")

    @classmethod
    def from_pretrained(cls, name_or_folder: str | Path):
        """A trained model, in evaluation mode and with frozen parameters.

        Args:
            name_or_folder: a name in `hrm_course.pretrained`, or a folder that
                `save_pretrained` wrote. To train on, call ``model.requires_grad_(True).train()``.

        Called on a base class, as in ``Reasoner.from_pretrained``, it gives whatever kind of
        reasoner the folder holds. Files are read as plain text and tensors: they can't run code.

        Raises:
            FileNotFoundError: no such model; the message lists the shipped ones.
            ValueError: another kind of model, or files that are damaged or do not fit together.
        """
        folder = _find(name_or_folder)
        settings = _read_settings(folder / "config.json")
        name = settings.pop("model", "an unknown model")
        kind = {kind.__name__: kind for kind in _kinds(cls)}.get(str(name))
        if kind is None:
            raise ValueError(
                f"{folder.name} holds {name}, not {cls.__name__}: load it with that class."
            )
        asked, told = {field.name for field in fields(kind.config_class)}, settings.keys()
        if asked != told:
            raise ValueError(
                f"config.json in {folder.name} is not that of a {name}: missing "
                f"{_some(asked - told)}, unexpected {_some(told - asked)}."
            )
        config = kind.config_class(**settings)
        tensors = _read_tensors(folder / "model.safetensors")
        with torch.device("meta"):  # shapes only: nothing is allocated before all of them fit
            problem = misfit(kind(config).state_dict(), tensors)
        if problem:
            raise ValueError(
                f"model.safetensors in {folder.name} does not fit its config.json: {problem}."
            )
        model = kind(config)
        model.load_state_dict(tensors)
        return model.eval().requires_grad_(False)

    def check_inputs(self, inputs: Tensor) -> None:
        """Refuses tokens of the wrong shape or outside the vocabulary with a sentence."""
        S, V = self.config.seq_len, self.config.vocab_size
        if inputs.dim() != 2 or inputs.shape[1] != S or len(inputs) == 0:
            raise ValueError(f"This model reads tokens [batch, {S}], not {list(inputs.shape)}.")
        if inputs.is_floating_point() or not (inputs.min() >= 0 and inputs.max() < V):
            raise ValueError(f"Tokens must be integers 0..{V - 1}; use task.encode(puzzles).")


def misfit(expected: Mapping[str, Tensor], got: Mapping[str, Tensor]) -> str | None:
    """In words, why the tensors ``got`` can't stand in for ``expected``; None if they can."""
    missing, unexpected = expected.keys() - got.keys(), got.keys() - expected.keys()
    if missing or unexpected:
        return f"missing {_some(missing)}, unexpected {_some(unexpected)}"
    for name, tensor in expected.items():
        if tensor.shape != got[name].shape:
            return f"{name} has the shape {list(got[name].shape)}, not {list(tensor.shape)}"
        if not got[name].is_floating_point():
            return f"{name} is of the type {got[name].dtype}, not of floating-point numbers"
    return None


def _some(names) -> list[str]:
    names = sorted(map(str, names))
    return names[:5] + [f"and {len(names) - 5} more"] * (len(names) > 5)


def _kinds(cls: type) -> list[type]:
    """``cls`` and all that derive from it."""
    return [cls, *(kind for child in cls.__subclasses__() for kind in _kinds(child))]


def _find(name_or_folder: str | Path) -> Path:
    shipped = {path.parent.name: path.parent for path in PRETRAINED.glob("*/config.json")}
    folder = shipped.get(str(name_or_folder), Path(name_or_folder))
    if not os.path.isfile(folder / "config.json"):
        raise FileNotFoundError(
            f"No model {str(name_or_folder)!r}: it is neither a folder with a config.json nor "
            f"one of the shipped models {sorted(shipped)}."
        )
    return folder


def _read_settings(path: Path) -> dict:
    try:
        settings = json.loads(path.read_text())
    except (ValueError, OSError, RecursionError) as error:
        raise ValueError(f"{path.name} in {path.parent.name} can't be read: {error}.") from error
    if not isinstance(settings, dict):
        raise ValueError(f"{path.name} in {path.parent.name} must hold keys and values.")
    return settings


def _read_tensors(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise FileNotFoundError(f"{path.parent.name} has no {path.name}: the weights are missing.")
    try:
        return load_file(path)
    except Exception as error:  # what a damaged file raises is up to the reader
        raise ValueError(
            f"{path.name} in {path.parent.name} is damaged or no safetensors file ({error})."
        ) from error
