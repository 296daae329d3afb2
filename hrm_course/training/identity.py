"""What tells a run from every other, so that none is continued, or taken, as another one.

An identity is plain data, as JSON knows it: the model, its configuration, that of training, every
public attribute of the stream (arrays as checksums), the first batch, and what the caller adds.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor


def identity(value, depth: int = 6):
    """Any value as JSON knows it: arrays become checksums, objects their kind and attributes."""
    if isinstance(value, float) and value.is_integer():
        return int(value)  # 1.0 and 1 are one setting
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray | Tensor):
        return checksum(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, type):
        return value.__name__
    if not depth:
        return type(value).__name__
    if isinstance(value, dict):
        return {str(key): identity(part, depth - 1) for key, part in value.items()}
    if isinstance(value, list | tuple):
        parts = [identity(part, depth - 1) for part in value]
        return parts if len(parts) <= 16 else checksum(np.frombuffer(_json(parts).encode(), "u1"))
    public = {k: v for k, v in getattr(value, "__dict__", {}).items() if not k.startswith("_")}
    return {"kind": type(value).__name__, **identity(public, depth)}


def checksum(array: np.ndarray | Tensor) -> str:
    """SHA-256 of an array's type, shape and numbers; a file that is mapped is read in passing."""
    if isinstance(array, Tensor):
        facts = array.dtype, tuple(array.shape)
        array = array.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()
    else:
        facts = array.dtype.str, array.shape
        if array.dtype.hasobject:
            array = np.frombuffer(repr(array.tolist()).encode(), "u1")
    found = hashlib.sha256(repr(facts).encode())
    whole: Any = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    found.update(whole)
    return f"SHA-256 {found.hexdigest()}"


def check(path: Path, was, now: dict) -> None:
    """Refuses the file at ``path``, written by the run ``was``, for the run ``now``.

    Raises:
        ValueError: they differ; the sentence says in what.
    """
    remedy = f"Train into another folder, or delete {path.parent} to start anew."
    if not isinstance(was, dict) or not was:
        raise ValueError(
            f"{path} does not say which run it is of, as if an older version of the course had "
            f"written it. {remedy}"
        )
    found = differences(was, now)
    if found:
        more = f" (and {len(found) - 4} more)" if len(found) > 4 else ""
        raise ValueError(f"{path} is of another run: {', '.join(found[:4])}{more}. {remedy}")


def differences(was: dict, now: dict) -> list[str]:
    """In what two identities differ, a few words each: ["stream.batch_size was 64, now 32"]."""
    before, after = dict(_leaves(was)), dict(_leaves(now))
    found = {}
    for path in dict.fromkeys((*after, *before)):
        old, new = before.get(path, "not there"), after.get(path, "not there")
        if old != new:  # what is said of the recipe need not be said of its stream again
            found.setdefault((path.rsplit(".", 1)[-1], old, new), path)
    words = [
        f"{path} was {_short(old)}, now {_short(new)}" for (_, old, new), path in found.items()
    ]
    return [said for said in words if not said.startswith("first_")] or words


def _leaves(value, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _leaves(part, f"{path}.{key}" if path else str(key))
    else:
        yield path, _json(value)


def _json(value) -> str:
    return json.dumps(value, sort_keys=True)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:24]}..."
