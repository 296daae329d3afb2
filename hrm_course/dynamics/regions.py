"""The plane and the line at a glance: basins, bifurcation diagrams, passage times."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, vmap

from .maps import Map, numbers
from .orbits import apply, as_start, check_rows, distinct, length, precision


@dataclass(frozen=True)
class Basins:
    """Where each of n points goes.

    ``labels [n]`` number the rows of ``attractors [k, *shape]``, and -1 means none of them;
    ``steps [n]`` counts the applications until then; ``residual [n]`` is the length of the last
    move; ``converged [n]`` says that a label was found.
    """

    labels: Tensor
    steps: Tensor
    residual: Tensor
    attractors: Tensor

    @property
    def converged(self) -> Tensor:
        return self.labels >= 0


@torch.no_grad()
def basins(
    f: Map,
    points: Tensor,
    attractors: Tensor | None = None,
    max_steps: int = 100,
    tol: float | None = None,
    merge: float = 1e-3,
) -> Basins:
    """Iterate ``f`` from every point and say where each ends.

    Args:
        f: a map that acts on each row alone and takes any number of rows.
        points: starts ``[n, *shape]``; flatten a grid first.
        attractors: ``[k, *shape]``, one point of each (a cycle is met at any of its points). A
            start takes the label of the attractor that it first comes within ``tol`` of. With
            None, a start has arrived when it moves by at most ``tol``, and arrivals no farther
            apart than ``merge`` share a label, the most frequent being 0. That finds fixed points
            only, and a slow passage may look like one: prefer to name the attractors.
        max_steps: applications before a start gets the label -1.
        tol, merge: distances; ``tol`` is 1e-6 by default, and 1e-5 in single precision.

    Returns:
        `Basins`.

    Raises:
        ValueError: no points, points or attractors that are not finite or of different shapes, a
            number that does not fit, or as `orbit`.
        TypeError: as `orbit`.
    """
    check_rows(points, "basins", "points")
    if attractors is not None:
        check_rows(attractors, "basins", "attractors")
        if attractors.shape[1:] != points.shape[1:] or attractors.dtype != points.dtype:
            raise ValueError(
                f"An attractor must look like a point: the points are {list(points.shape)} of "
                f"{points.dtype}, the attractors {list(attractors.shape)} of {attractors.dtype}."
            )
    tol = precision(points, 1e-6, 1e-5) if tol is None else tol
    if not (tol > 0 and merge >= 0 and max_steps >= 0):
        raise ValueError(
            f"basins needs tol > 0, merge >= 0 and max_steps >= 0, not {tol}, {merge}, {max_steps}."
        )
    labels = torch.full((len(points),), -1)
    steps = torch.full((len(points),), max_steps)
    ends, residual = points.clone(), torch.full((len(points),), torch.inf, dtype=torch.float64)
    active, z = torch.arange(len(points)), points  # only rows still on their way are iterated
    for step in range(max_steps + 1):
        image = apply(f, z)
        move = length(image - z, batched=True)
        residual[active], ends[active] = move.double(), z
        if attractors is None:
            label = torch.where(move <= tol, 0, -1)
        else:
            label = torch.full((len(z),), -1)
            for i, attractor in enumerate(attractors):
                near = length(z - attractor, batched=True) <= tol
                label[near & (label < 0)] = i
        labels[active] = label
        done = (label >= 0) | ~torch.isfinite(move)
        steps[active[done]] = step
        active, z = active[~done], image[~done]
        if len(active) == 0:
            break
    if attractors is None:
        arrived = labels >= 0
        attractors, labels[arrived] = distinct(ends[arrived], merge)
    return Basins(labels, steps, residual, attractors)


@torch.no_grad()
def bifurcation(
    family: Callable[[Tensor], Map],
    parameters: Tensor,
    z0: Tensor,
    settle: int = 500,
    keep: int = 100,
) -> Tensor:
    """The states that each map of a family visits after ``settle`` applications.

    Args:
        family: takes one parameter and returns a map, for example `logistic`. It gets a tensor of
            no axes when all parameters can be run at once (by ``torch.vmap``), else a number.
        parameters: the values ``[m]``.
        z0: the start, the same for all, any shape.
        settle: applications before the first state that is kept.
        keep: how many states are kept.

    Returns:
        ``[m, keep, *z0.shape]``. An orbit that left to infinity is not finite there.

    Raises:
        ValueError: ``parameters`` is not a list of numbers, ``settle`` or ``keep`` does not fit,
            or as `orbit`.
        TypeError: as `orbit`; ``parameters`` is no tensor or of whole numbers.
    """
    if numbers(parameters, "The tensor of parameters").dim() != 1 or len(parameters) == 0:
        raise ValueError(f"bifurcation needs parameters [m], not shape {list(parameters.shape)}.")
    if settle < 0 or keep < 1:
        raise ValueError(f"bifurcation needs settle >= 0 and keep >= 1, not {settle}, {keep}.")

    def row_by_row(z: Tensor) -> Tensor:
        return torch.stack([apply(f, row) for f, row in zip(maps, z, strict=True)])

    z = as_start(z0).expand(len(parameters), *z0.shape)
    advance = vmap(lambda r, row: apply(family(r), row))
    try:
        advance(parameters, z)
        step: Map = lambda z: advance(parameters, z)  # noqa: E731
    except RuntimeError:  # a family that needs numbers, as euler does for dt
        maps = [family(r) for r in parameters.tolist()]
        step = row_by_row
    states = []
    for _ in range(settle):
        z = step(z)
    for _ in range(keep):
        states.append(z)
        z = step(z)
    return torch.stack(states, dim=1)


@torch.no_grad()
def passage_times(f: Map, z0: Tensor, inside: Callable[[Tensor], Tensor], max_steps: int) -> Tensor:
    """How many applications of ``f`` each start needs to leave a set, for the first time.

    Args:
        f: a map that acts on each row alone and takes any number of rows.
        z0: starts ``[n, *shape]``. For a distribution under noise, repeat one start.
        inside: tells of states ``[m, *shape]`` which are still in the set, as booleans ``[m]``.
        max_steps: applications before a start is given up.

    Returns:
        Doubles ``[n]``: 0 for a start that is outside, NaN for one that never left, so that a
        mean over unfinished passages can't be taken by accident.

    Raises:
        ValueError: no starts, ``inside`` does not answer for each, or as `orbit`.
        TypeError: as `orbit`.
    """
    check_rows(z0, "passage_times", "starts")
    if max_steps < 0:
        raise ValueError(f"passage_times needs max_steps >= 0, not {max_steps}.")
    times = torch.full((len(z0),), torch.nan, dtype=torch.float64)
    active, z = torch.arange(len(z0)), z0
    for step in range(max_steps + 1):
        stays = inside(z)
        if not isinstance(stays, Tensor) or (stays.shape, stays.dtype) != (z.shape[:1], torch.bool):
            raise ValueError(
                f"inside must return a tensor, one boolean for each of the {len(z)} states, not "
                f"{stays!r}."
            )
        times[active[~stays]] = step
        active, z = active[stays], z[stays]
        if len(active) == 0 or step == max_steps:
            break
        z = apply(f, z)
    return times
