"""Fixed points: by iteration, by Newton's method, by Anderson mixing, from one start or many."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .maps import Map
from .orbits import apply, as_start, check_rows, distinct, length, precision
from .stability import jacobian, row_jacobians, spectral_radius

NEWTON_LIMIT = 2_000  # a dense Jacobian of 2,000 numbers a side takes 32 MB


@dataclass(frozen=True)
class FixedPoint:
    """What a search found: the state and how much to trust it.

    With ``batched=True`` the last three are tensors ``[B]``, otherwise scalars.
    """

    z: Tensor
    residual: Tensor
    converged: Tensor
    steps: Tensor


@torch.no_grad()
def fixed_point(
    f: Map,
    z0: Tensor,
    method: str = "iterate",
    tol: float | None = None,
    max_steps: int = 1_000,
    batched: bool = False,
    memory: int = 5,
) -> FixedPoint:
    """Search a state with ``f(z) = z``, starting from ``z0``.

    Args:
        f: any map that keeps the shape of its argument.
        z0: where the search starts.
        method: ``"iterate"`` applies ``f`` again and again and finds attracting points only;
            ``"newton"`` solves with the dense Jacobian (states of at most 2,000 numbers);
            ``"anderson"`` mixes the last ``memory`` steps, one state or many; it is fast near a
            fixed point, and may jump out of its basin from far away.
        tol: a row has converged when its residual ``|f(z) - z|`` is at most this; by default
            1e-10, and 1e-5 in single precision, where nothing below about 1e-6 times the length
            of the state can be asked for.
        max_steps: applications of ``f`` (steps of Newton's method) before the search gives up.
        batched: read the first axis as independent states.
        memory: how many earlier steps Anderson mixing keeps.

    Returns:
        A `FixedPoint`. A search that fails returns ``converged = False``; it does not raise.

    Raises:
        ValueError: the method is unknown, does not fit the state, a number does not fit, or as
            `orbit`.
        TypeError: as `orbit`.

    Source: Anderson mixing after Walker and Ni (2011), *Anderson acceleration for fixed-point
    iterations*, algorithm AA.
    """
    step_rules = {"iterate": _iterate, "newton": _newton, "anderson": _anderson}
    if method not in step_rules:
        raise ValueError(f"Unknown method {method!r}; choose one of {sorted(step_rules)}.")
    if as_start(z0).dim() == 0 and batched:
        raise ValueError("batched=True needs a first axis that counts the states; z0 has no axis.")
    tol = precision(z0, 1e-10, 1e-5) if tol is None else tol
    if not (tol > 0 and max_steps >= 0 and memory >= 1):
        raise ValueError(
            "fixed_point needs tol > 0, max_steps >= 0 and memory >= 1, not "
            f"{tol}, {max_steps}, {memory}."
        )
    if method == "newton" and z0.numel() > NEWTON_LIMIT * (len(z0) if batched else 1):
        raise ValueError(
            f"Newton's method here takes states of at most {NEWTON_LIMIT} numbers "
            f"(got {list(z0.shape)}, batched={batched}); use method='anderson'."
        )
    z, image = z0, apply(f, z0)
    size = length(image - z, batched)
    steps = torch.zeros_like(size, dtype=torch.long)
    propose = step_rules[method](f, memory)
    for _ in range(max_steps):
        active = ~(size <= tol)  # NaN counts as active: it never converges
        if not active.any() or not torch.isfinite(size[active]).any():
            break
        keep = active.view(-1, *[1] * (z.dim() - 1)) if batched else active
        z = torch.where(keep, propose(z, image, batched), z)  # a converged row stays where it is
        image = apply(f, z)
        size = length(image - z, batched)
        steps = steps + active
    return FixedPoint(z, size, size <= tol, steps)


@dataclass(frozen=True)
class FixedPoints:
    """The different fixed points that a search from many starts found, most often found first.

    ``z [k, *shape]``, ``residual``, ``spectral_radius``, ``stable`` and ``counts`` (starts that
    ended there) have one entry for each of the k points; ``steps [n]`` has one for each start;
    ``converged`` is the share of the starts that ended at any of them.
    """

    z: Tensor
    residual: Tensor
    spectral_radius: Tensor
    stable: Tensor
    counts: Tensor
    steps: Tensor
    converged: float


def fixed_points(
    f: Map,
    starts: Tensor,
    tol: float | None = None,
    method: str = "newton",
    merge: float | None = None,
    max_steps: int = 100,
) -> FixedPoints:
    """Search fixed points of ``f`` from many starts and say which of them attract.

    Finding nothing new from more starts is evidence, not proof, that there is nothing more.

    Args:
        f: a map that acts on each row alone and takes any number of rows.
        starts: where the searches begin, ``[n, *shape]``.
        tol, method, max_steps: as in `fixed_point`, but tol is 1e-8 by default in double
            precision. Newton's method finds repelling points too.
        merge: ends that are no farther apart count as one point; by default 1e-6, and 1e-3 in
            single precision.

    Returns:
        `FixedPoints`; k is 0 when no search converged. A point is called stable when the spectral
        radius of the Jacobian there is below 1 (read as a map, not as a flow).

    Raises:
        ValueError, TypeError: there are no starts, or as in `fixed_point` and `spectral_radius`.
    """
    check_rows(starts, "fixed_points", "starts")
    tol = precision(starts, 1e-8, 1e-5) if tol is None else tol
    merge = precision(starts, 1e-6, 1e-3) if merge is None else merge
    if not merge >= 0:
        raise ValueError(f"merge is a distance, 0 or more, not {merge}.")
    found = fixed_point(f, starts, method, tol, max_steps, batched=True)
    points, kinds = distinct(found.z[found.converged], merge)
    radius = torch.tensor(
        [spectral_radius(lambda z: f(z.unsqueeze(0))[0], point) for point in points],
        dtype=found.residual.dtype,
    )
    return FixedPoints(
        points,
        length(apply(f, points) - points, batched=True) if len(points) else radius,
        radius,
        radius < 1,
        kinds.bincount(minlength=len(points)),
        found.steps,
        found.converged.double().mean().item(),
    )


def _iterate(f: Map, memory: int):
    return lambda z, image, batched: image


def _newton(f: Map, memory: int):
    def propose(z: Tensor, image: Tensor, batched: bool) -> Tensor:
        J = row_jacobians(f, z) if batched else jacobian(f, z).unsqueeze(0)  # [B, n, n]
        J = J - torch.eye(J.shape[1], dtype=J.dtype)
        J[~torch.isfinite(J).all(2).all(1)] = 0  # a row that was lost stays where it is
        # lstsq, not solve: at a fold J - I is singular and the search must not crash
        delta = torch.linalg.lstsq(J, (z - image).reshape(len(J), -1, 1).nan_to_num()).solution
        return z + delta.view_as(z)

    return propose


def _anderson(f: Map, memory: int):
    history: list[tuple[Tensor, Tensor]] = []  # (image, step) of the last calls, [B, n] each

    def propose(z: Tensor, image: Tensor, batched: bool) -> Tensor:
        rows = (len(z), -1) if batched else (1, -1)
        history.append((image.reshape(rows), (image - z).reshape(rows)))
        del history[: -min(memory, history[-1][0].shape[1]) - 1]  # n moves span the state
        images, moves = (torch.stack(part, dim=2) for part in zip(*history, strict=True))
        if images.shape[2] == 1:
            return image
        # The mix of past moves that comes closest to cancelling the newest one. Scaled to mean 1
        # and with a small ridge, the system stays solvable when moves are parallel or zero (a row
        # that has converged no longer moves).
        dG, dF = images.diff(dim=2), moves.diff(dim=2)  # [B, n, m]
        gram, target = dF.mH @ dF, dF.mH @ moves[:, :, -1:]
        info = torch.finfo(gram.dtype)
        scale = gram.diagonal(dim1=1, dim2=2).real.mean(1).clamp(min=info.tiny).view(-1, 1, 1)
        ridge = 100 * info.eps * torch.eye(gram.shape[1], dtype=gram.dtype)
        weights = torch.linalg.solve(gram / scale + ridge, target / scale)
        return (images[:, :, -1:] - dG @ weights).reshape(z.shape)

    return propose
