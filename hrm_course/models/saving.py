"""What every model has: saving and loading, and what it accepts as a puzzle."""

import hashlib
import json
import operator
import os
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from ..files import write

PRETRAINED = Path(__file__).parents[1] / "pretrained"
CONFIG, WEIGHTS, CHECKSUMS = "config.json", "model.safetensors", "SHA256SUMS"


class Solver(nn.Module):
    """Saving and loading, shared by the reasoners and the feed-forward baseline."""

    config_class: ClassVar[type]
    config: Any
    lm_head: Any

    def num_parameters(self) -> int:
        """Trained numbers, counted as the papers do: without the puzzle table and initial states."""
        return sum(p.numel() for name, p in self.named_parameters() if "puzzle" not in name)

    def computing_in(self, dtype: str) -> Any:
        """A copy with the same weights whose states and activations are ``dtype``.

        Args:
            dtype: as ``forward_dtype`` of the configuration: float32, float64 or bfloat16.
        """
        device = self.lm_head.weight.device
        copy = shell(type(self), replace(self.config, forward_dtype=dtype))
        return copy.fill(self.state_dict(), device).train(self.training)

    def fill(self, tensors: Mapping[str, Tensor], device: torch.device | str) -> "Solver":
        """Gives a `shell` its weights: copies of ``tensors``, which fit, on ``device``."""
        like = torch.contiguous_format
        copies = {
            name: tensors[name].detach().to(device, shape.dtype, copy=True, memory_format=like)
            for name, shape in self.state_dict().items()
        }
        self.load_state_dict(copies, assign=True)
        self.make_tables()
        return self

    def solve(self, inputs: Tensor, *settings: Any, **more: Any) -> Any:
        """The answers to ``inputs [B, S]``, as each kind of model gives them."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it answers.")

    def make_tables(self) -> None:
        """Computes what follows from the configuration and is not saved: here, nothing."""

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes ``config.json`` and ``model.safetensors`` into ``folder``.

        A list of checksums that lies there goes, as it is that of other weights.

        Raises:
            OSError: the disk is full, or the folder can't be written to.
        """
        folder = Path(folder)
        tensors = {name: t.contiguous().cpu() for name, t in self.state_dict().items()}
        config = {"model": type(self).__name__, **asdict(self.config)}
        (folder / CHECKSUMS).unlink(missing_ok=True)
        write(folder / WEIGHTS, save(tensors))
        write(folder / CONFIG, json.dumps(config, indent=2) + "\n")

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
        _check_sums(folder)
        settings = _read_settings(folder / CONFIG)
        name = settings.pop("model", "an unknown model")
        kind = kinds_of(cls).get(str(name))
        if kind is None:
            raise ValueError(
                f"{folder.name} holds {name}, not {cls.__name__}: load it with that class."
                if str(name) in kinds_of(Solver)
                else f"{folder.name} holds {name}, and no model has this name; the models are "
                f"{sorted(kinds_of(Solver))}."
            )
        asked, told = {field.name for field in fields(kind.config_class)}, settings.keys()
        if asked != told:
            raise ValueError(
                f"config.json in {folder.name} is not that of a {name}: missing "
                f"{_some(asked - told)}, unexpected {_some(told - asked)}."
            )
        model = shell(kind, kind.config_class(**settings))
        tensors = _read_tensors(folder / WEIGHTS)
        problem = misfit(model.state_dict(), tensors)
        if problem:
            raise ValueError(
                f"model.safetensors in {folder.name} does not fit its config.json: {problem}."
            )
        model.fill(tensors, torch.get_default_device())
        return model.eval().requires_grad_(False)

    def check_inputs(self, inputs: Tensor, values: bool = True) -> Tensor:
        """The tokens ``[B, S]`` as every model takes them, int64.

        Args:
            inputs: integers of any width.
            values: look at the range too. On a GPU that would wait for all work in progress.

        Raises:
            ValueError: tokens of the wrong type or shape, or outside the vocabulary.
        """
        S, V = self.config.seq_len, self.config.vocab_size
        wrong = ValueError(
            f"Tokens must be integers 0..{V - 1}, in a tensor; use "
            f"torch.as_tensor(task.encode(puzzles))."
        )
        if not is_integer(inputs):
            raise wrong
        if inputs.dim() != 2 or inputs.shape[1] != S or len(inputs) == 0:
            raise ValueError(f"This model reads tokens [batch, {S}], not {list(inputs.shape)}.")
        if values and not (inputs.min() >= 0 and inputs.max() < V):
            raise wrong
        return inputs.long()


def shell(kind: type[Solver], config: Any) -> Solver:
    """A model of shapes without numbers, to `Solver.fill`.

    Nothing is drawn, so the random numbers of others stay what they were, and nothing is allocated
    before it is known whether the weights fit.
    """
    with torch.device("meta"):
        return kind(config)


def is_integer(tensor: Any) -> bool:
    """Whether this is a tensor of integers; those of truth values and of bits aren't."""
    return isinstance(tensor, Tensor) and tensor.dtype in _INTEGERS


_INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def counted(value: Any, rule: str, least: int) -> int:
    """``value`` as an int.

    Raises:
        ValueError: it is no whole number from ``least``; the message says the ``rule``.
    """
    try:
        n = operator.index(value)
    except TypeError:
        n = least - 1
    if n < least:
        raise ValueError(f"{rule}, not {value!r}.")
    return n


def seal(folder: str | Path) -> None:
    """Writes the checksums of a model that is published, ``SHA256SUMS``, into its folder.

    `Solver.from_pretrained` then refuses files of which a byte has changed; so does the command
    ``sha256sum -c SHA256SUMS``.
    """
    lines = [f"{_digest(Path(folder) / name)}  {name}\n" for name in (CONFIG, WEIGHTS)]
    write(Path(folder) / CHECKSUMS, "".join(lines))


def _digest(path: Path) -> str:
    """SHA-256; of text with the line ends it was published with, which git may change."""
    if path.name == CONFIG:
        return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_sums(folder: Path) -> None:
    if not (folder / CHECKSUMS).is_file():
        return
    for line in read_bytes(folder / CHECKSUMS).decode(errors="replace").splitlines():
        expected, _, name = line.partition("  ")
        if name in (CONFIG, WEIGHTS) and (folder / name).is_file():
            if _digest(folder / name) != expected:
                raise ValueError(
                    f"{name} in {folder.name} is not the published file: its checksum differs from "
                    f"that in {CHECKSUMS}. Install the course again, or fetch the file again."
                )


def misfit(expected: Mapping[str, Tensor], got: Mapping[str, Tensor]) -> str | None:
    """In words, why the tensors ``got`` can't stand in for ``expected``; None if they can."""
    missing, unexpected = expected.keys() - got.keys(), got.keys() - expected.keys()
    if missing or unexpected:
        return f"missing {_some(missing)}, unexpected {_some(unexpected)}"
    for name, tensor in expected.items():
        given = got[name]
        if given.shape != tensor.shape:
            return f"{name} has the shape {list(given.shape)}, not {list(tensor.shape)}"
        if given.dtype not in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
            return f"{name} is of the type {given.dtype}, not of floating-point numbers"
        if given.layout != torch.strided:
            return f"{name} is a sparse tensor; take its to_dense()"
        if not given.isfinite().all():
            return f"{name} has entries that are not finite numbers (NaN or infinity)"
    return None


def _some(names) -> list[str]:
    names = sorted(map(str, names))
    return names[:5] + [f"and {len(names) - 5} more"] * (len(names) > 5)


def kinds_of(cls: type) -> dict[str, type[Any]]:
    """Name -> class of all models that are a ``cls``; of two with one name the older counts."""
    kinds = [cls]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return {kind.__name__: kind for kind in reversed(kinds) if hasattr(kind, "config_class")}


def _find(name_or_folder: str | Path) -> Path:
    shipped = {path.parent.name: path.parent for path in PRETRAINED.glob("*/config.json")}
    if not isinstance(name_or_folder, str | os.PathLike):
        raise ValueError(f"A model is a name or a folder, not {name_or_folder!r}.")
    folder = shipped.get(str(name_or_folder), Path(name_or_folder))
    if not os.path.isfile(folder / CONFIG):
        raise FileNotFoundError(
            f"No model {str(name_or_folder)!r}: it is neither a folder with a config.json nor "
            f"one of the shipped models {sorted(shipped)}."
        )
    return folder


def _read_settings(path: Path) -> dict:
    here = f"{path.name} in {path.parent.name}"
    try:
        settings = json.loads(read_bytes(path))  # UTF-8 or UTF-16, with or without a mark
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{here} can't be read: {error}.") from error
    if not isinstance(settings, dict):
        raise ValueError(f"{here} must hold keys and values.")
    return settings


def _read_tensors(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise FileNotFoundError(f"{path.parent.name} has no {path.name}: the weights are missing.")
    read_bytes(path, 1)
    try:
        with torch.device("cpu"):  # whatever the default is: `fill` moves them
            return load_file(path)
    except Exception as error:  # what a damaged file raises is up to the reader
        raise ValueError(
            f"{path.name} in {path.parent.name} is damaged or no safetensors file ({error})."
        ) from error


_STRANGERS = {  # how files begin that are brought in place of another
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself: run `git lfs pull`",
    b"<!doctype": "a web page, not the file itself: download it again, as a file",
    b"<html": "a web page, not the file itself: download it again, as a file",
}


def read_bytes(path: Path, n: int = -1) -> bytes:
    """The first ``n`` bytes of a file, or all.

    Raises:
        ValueError: the file can't be opened, or something else lies in its place: a pointer of Git
            LFS, a web page.
    """
    try:
        with path.open("rb") as file:
            start = file.read(64)
            content = start[:n] if 0 <= n <= 64 else start + file.read(n)
    except OSError as error:
        raise ValueError(f"{path.name} can't be read: {error.strerror or error}.") from error
    begin = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for mark, what in _STRANGERS.items():
        if begin.startswith(mark):
            raise ValueError(f"{path.name} can't be read: it is {what}.")
    return content
