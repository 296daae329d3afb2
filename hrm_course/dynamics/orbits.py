"""Orbits of a map, and how far one application moves a state."""

import torch
from torch import Tensor

from .maps import Map, numbers


@torch.no_grad()
def orbit(f: Map, z0: Tensor, steps: int) -> Tensor:
    """The states z0, f(z0), f(f(z0)), ... that ``steps`` applications of ``f`` visit.

    Args:
        f: any map that keeps the shape of its argument.
        z0: the first state, any shape.
        steps: how often ``f`` is applied, 0 or more.

    Returns:
        A tensor ``[steps + 1, *z0.shape]``; row 0 is ``z0``. No gradient is recorded.

    Raises:
        ValueError: ``steps`` is negative, ``z0`` is not finite, or ``f`` changes the shape of the
            state or the kind of its numbers.
        TypeError: ``z0`` is no tensor, or its numbers are whole or of half precision.
    """
    if steps < 0:
        raise ValueError(f"An orbit needs steps >= 0, not {steps}.")
    states = [as_start(z0)]
    for _ in range(steps):
        states.append(apply(f, states[-1]))
    return torch.stack(states)


def residual(f: Map, z: Tensor, batched: bool = False) -> Tensor:
    """The Euclidean length of ``f(z) - z``: zero exactly at the fixed points of ``f``.

    Args:
        f: any map that keeps the shape of its argument.
        z: a state; with ``batched=True`` the first axis counts independent states.

    Returns:
        A scalar tensor, or ``[B]`` with ``batched=True``.

    Raises:
        ValueError, TypeError: as `orbit`, but NaN gives NaN.
    """
    return length(apply(f, numbers(z)) - z, batched)


def apply(f: Map, z: Tensor) -> Tensor:
    """``f(z)``, refused with a sentence when ``f`` does not return a state of the same kind."""
    image = f(z)
    if not isinstance(image, Tensor) or image.shape != z.shape:
        got = list(image.shape) if isinstance(image, Tensor) else type(image).__name__
        raise ValueError(
            f"A map must return a tensor of the shape it was given: it got {list(z.shape)} "
            f"and returned {got}."
        )
    if image.dtype != z.dtype:
        raise ValueError(
            f"A map must return the kind of numbers it was given: it got {z.dtype} and returned "
            f"{image.dtype}. Convert the state, or what the map is made of."
        )
    return image


def length(v: Tensor, batched: bool) -> Tensor:
    """The Euclidean length of ``v``, or of each of its rows."""
    if batched and v.dim() == 0:
        raise ValueError("batched=True needs a first axis that counts the states; z has no axis.")
    return v.flatten(1).norm(dim=1) if batched and v.dim() > 1 else v.abs() if batched else v.norm()


def as_start(z: Tensor, name: str = "The start") -> Tensor:
    """``z``, refused with a sentence when it is no tensor or not finite."""
    if not torch.isfinite(numbers(z, name)).all():
        raise ValueError(f"{name} is not finite: there is NaN or infinity in it.")
    return z


def check_rows(z: Tensor, who: str, name: str) -> None:
    """Refuses ``z [n, *shape]`` as `as_start` does, or when there is not at least one row."""
    if as_start(z, f"The tensor of {name}").dim() == 0 or len(z) == 0:
        raise ValueError(f"{who} needs {name} [n, *shape], at least one.")


def precision(z: Tensor, double: float, single: float) -> float:
    """What a tolerance is by default, for the numbers of ``z``."""
    return double if z.dtype in (torch.float64, torch.complex128) else single


def distinct(z: Tensor, merge: float) -> tuple[Tensor, Tensor]:
    """The different ones among states ``z [n, *shape]``, most frequent first.

    Returns:
        Of each kind the first member ``[k, *shape]``, and for each state the number of its kind
        ``[n]``. A state belongs to a kind when it lies within ``merge`` of its first member.

    Raises:
        ValueError: there are more than 1,000 kinds.
    """
    kinds = torch.full((len(z),), -1)
    firsts: list[int] = []
    while (kinds < 0).any():
        if len(firsts) == 1_000:
            raise ValueError(
                "More than 1,000 different states: is every state a fixed point, or merge too small?"
            )
        firsts.append(int((kinds < 0).nonzero()[0]))
        near = length(z - z[firsts[-1]], batched=True) <= merge
        kinds[near & (kinds < 0)] = len(firsts) - 1
    order = kinds.bincount(minlength=len(firsts)).argsort(descending=True, stable=True)
    return z[torch.tensor(firsts, dtype=torch.long)[order]], order.argsort()[kinds]
