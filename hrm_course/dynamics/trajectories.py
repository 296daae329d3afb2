"""What the states of an orbit tell: how it ends, in how many dimensions it runs, and controls.

States are stacked as `orbit` stacks them, ``[n, *shape]``; with ``batched=True`` they are
``[n, B, *shape]``, the orbits of B rows.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from .maps import numbers
from .orbits import as_start

KINDS = ("fixed point", "limit cycle", "wandering")
RETURNS = 0.2  # of the farthest it went: an orbit that comes nearer than this has returned
SHRINKS = 0.5  # of the moves before: an orbit whose moves shrink more is coming to rest
STILL = 1e-3  # of the farthest it went: an orbit whose moves are smaller is at rest


@dataclass(frozen=True)
class Ending:
    """How orbits end; a number or a name for one, a tensor ``[B]`` or a list for several.

    ``kind`` is "fixed point", "limit cycle" or "wandering"; a threshold on each of the three
    numbers below decides, so report those too. ``shrink``: the typical move in the last quarter
    of the orbit over that in the quarter before; ``still``: the former over the farthest that two
    states of the orbit's second half, or its two ends, lie apart; ``recurrence``: how near the
    orbit comes back to where it was, over how far it went in between: 0 for a cycle, 1 if it
    never returns; ``period``: after how many steps it came back so near.
    """

    kind: str | list[str]
    shrink: Tensor
    still: Tensor
    recurrence: Tensor
    period: Tensor


@torch.no_grad()
def ending(states: Tensor, batched: bool = False) -> Ending:
    """How an orbit ends: at rest or on its way there, in a cycle, or in neither.

    Only the second half of the orbit is looked at. Of a cycle at least two turns must fit there,
    and its period need not be a whole number of steps.

    Args:
        states: ``[n, *shape]``, n at least 16; with ``batched=True`` ``[n, B, *shape]``.
        batched: judge each of B orbits.

    Raises:
        ValueError: fewer than 16 states, or states that are not finite.
        TypeError: as `orbit`.
    """
    z = _orbits(states, batched, 16, "How an orbit ends")
    n = z.shape[1]
    tail = z[:, n // 2 :]
    moves = (tail[:, 1:] - tail[:, :-1]).norm(dim=2)
    before, after = (part.median(1).values for part in moves.tensor_split(2, dim=1))
    apart = torch.cdist(tail, tail, compute_mode="donot_use_mm_for_euclid_dist")  # [B, m, m]
    far = torch.maximum(apart.flatten(1).amax(1), (z[:, -1] - z[:, 0]).norm(dim=1))
    shrink, still = _ratio(after, before), _ratio(after, far)
    lags = range(1, tail.shape[1] // 2 + 1)
    back = torch.stack([_rms(apart.diagonal(p, 1, 2)) for p in lags], dim=1)  # [B, lags]
    index = torch.where(back > 0, back / back.cummax(1).values.clamp(min=1e-300), 0.0)
    recurrence, period = index.min(1)
    rest = (still <= STILL) | (shrink <= SHRINKS)
    code = torch.where(rest, 0, torch.where(recurrence <= RETURNS, 1, 2)).tolist()
    found = Ending([KINDS[k] for k in code], shrink, still, recurrence, period + 1)
    if batched:
        return found
    return Ending(found.kind[0], *(part[0] for part in (shrink, still, recurrence, period + 1)))


@torch.no_grad()
def participation_ratio(states: Tensor, batched: bool = False) -> Tensor:
    """In how many directions states vary: ``(sum of variances)^2 / sum of squared variances``.

    The variances are those along the principal components: k equal ones and no others give k.
    States that do not vary give 0. Arguments and errors as in `two_nn`, with at least 2 states.

    Returns:
        A scalar, or ``[B]``, of doubles.
    """
    z = _orbits(states, batched, 2, "A participation ratio")
    z = z - z.mean(1, keepdim=True)
    gram = z @ z.transpose(1, 2)  # its eigenvalues are the variances, times n
    trace = gram.diagonal(dim1=1, dim2=2).sum(1)
    found = _ratio(trace.square(), gram.square().sum((1, 2)))
    return found if batched else found[0]


@torch.no_grad()
def two_nn(states: Tensor, batched: bool = False) -> Tensor:
    """The dimension of a cloud of states, from the distances to their two nearest neighbours.

    Where states lie evenly in d dimensions on the scale of these distances, the chance that the
    second distance is more than m times the first is m^-d, whatever the density; d is then
    estimated by (n - 1) / (sum of the logarithms of the ratios), with a relative error of
    1 / sqrt(n). States that repeat another exactly don't count.

    Args:
        states: ``[n, *shape]``, n at least 3; with ``batched=True`` ``[n, B, *shape]``.
        batched: answer for each of B clouds.

    Returns:
        A scalar, or ``[B]``, of doubles; NaN where fewer than 3 states are different.

    Raises:
        ValueError: fewer than 3 states, or states that are not finite.
        TypeError: as `orbit`.

    Source: Facco, d'Errico, Rodriguez and Laio (2017), *Estimating the intrinsic dimension of
    datasets by a minimal neighborhood information*.
    """
    clouds = _orbits(states, batched, 3, "A dimension by two neighbours")
    found = torch.stack([_two_nn(torch.unique(cloud, dim=0)) for cloud in clouds])
    return found if batched else found[0]


def _two_nn(cloud: Tensor) -> Tensor:
    if len(cloud) < 3:
        return cloud.new_tensor(torch.nan)
    apart = torch.cdist(cloud, cloud, compute_mode="donot_use_mm_for_euclid_dist")
    near = apart.fill_diagonal_(torch.inf).topk(2, largest=False).values
    return (len(cloud) - 1) / (near[:, 1] / near[:, 0]).log().sum()


def walk_like(states: Tensor, seed: int = 0) -> Tensor:
    """A random walk with the start and the step lengths of ``states [n, *shape]``.

    Each step goes in a direction of its own, any direction being as likely as any other: the
    control for pictures and dimensions of an orbit. With ``[n, B, *shape]`` use one call a row.

    Raises:
        ValueError, TypeError: as `orbit`.
    """
    _orbits(states, False, 1, "A walk")
    steps = states.diff(dim=0).flatten(1).norm(dim=1)
    generator = torch.Generator().manual_seed(seed)
    turns = torch.randn(len(steps), states[0].numel(), generator=generator, dtype=torch.float64)
    turns = turns * (steps / turns.norm(dim=1)).unsqueeze(1)
    turns = turns.to(states.dtype).view(len(steps), *states.shape[1:])
    return torch.cat((states[:1], states[:1] + turns.cumsum(0)))


def auc(first: Tensor, second: Tensor) -> float:
    """The chance that a number of ``first`` is larger than one of ``second``; a tie counts half.

    1/2 where the two can't be told apart, 1 or 0 where a threshold separates them: a statement
    about two samples that needs no threshold. (The area under the ROC curve.)

    Raises:
        ValueError: a sample is empty, or holds a NaN or complex numbers.
        TypeError: as `orbit`.
    """
    for sample in (first, second):
        _check_real(numbers(sample, "The sample"), "An AUC")
    first, second = first.double().flatten(), second.double().flatten()
    if len(first) == 0 or len(second) == 0 or torch.cat((first, second)).isnan().any():
        raise ValueError("auc compares two samples of at least one number each, without NaN.")
    above = (first.unsqueeze(1) > second).double() + (first.unsqueeze(1) == second).double() / 2
    return above.mean().item()


def _orbits(states: Tensor, batched: bool, least: int, what: str) -> Tensor:
    """``[B, n, numbers]``, in double precision."""
    as_start(numbers(states), "The tensor of states")
    if states.dim() < 1 + batched or len(states) < least or states.numel() == 0:
        raise ValueError(
            f"{what} needs states [n, {'B, ' * batched}*shape], n at least {least}, not "
            f"{list(states.shape)}."
        )
    _check_real(states, what)
    rows = states.transpose(0, 1) if batched else states.unsqueeze(0)
    return rows.reshape(*rows.shape[:2], -1).double()


def _check_real(z: Tensor, what: str) -> None:
    if z.is_complex():
        raise ValueError(f"{what} needs real numbers: use torch.view_as_real for complex ones.")


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    return torch.where(whole > 0, part / whole.clamp(min=1e-300), 0.0)


def _rms(numbers: Tensor) -> Tensor:
    return numbers.square().mean(-1).sqrt()
