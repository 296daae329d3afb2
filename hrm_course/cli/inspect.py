"""What ``hrm-course inspect`` prints of a model and of its segment as a map: plain lines of text."""

from collections.abc import Iterator
from dataclasses import asdict

import torch
from torch import Tensor

from ..dynamics import lyapunov_exponents, orbit, spectral_radius
from ..models import Reasoner, Solver
from ..tasks import Maze
from .show import answers, board_lines, read_puzzle, tasks_of


def inspect_lines(name: str, model: Solver, text: str | None, segments: int) -> Iterator[str]:
    """The lines that describe a model and its segment as a map on one puzzle."""
    yield name
    yield f"  {'model':22s} {type(model).__name__}"
    yield from (f"  {key:22s} {value}" for key, value in asdict(model.config).items())
    yield f"  {'parameters':22s} {model.num_parameters():,}"
    if not isinstance(model, Reasoner):
        yield "A feed-forward model has no state: there is no map to inspect."
        return
    tasks = tasks_of(name, model)
    if text is not None:
        reading = read_puzzle(tasks, text)[0]
        task, puzzle = reading.task, reading.board
    else:
        task = tasks[0]
        made = (
            task.generate(1, seed=0)
            if isinstance(task, Maze)
            else task.generate(1, task.cells // 2)
        )
        puzzle = made[0][0]
    if model.config.forward_dtype == "bfloat16":
        yield "  (what follows is computed in float32)"
        model = model.computing_in("float32").eval().requires_grad_(False)
    yield ""
    yield "puzzle"
    yield from board_lines(task, puzzle, puzzle)
    yield ""
    yield "segment    residual   residual/|z|   cells changed   halting head   right"
    inputs = torch.from_numpy(task.encode(puzzle))[None]
    tokens, heads = answers(model, inputs.numpy(), segments)
    assert heads is not None  # a reasoner has one
    f = model.segment_map(inputs, _blank_id())
    states = orbit(f, torch.stack(model.initial_state(1, inputs, _blank_id()), dim=1), segments)
    before = puzzle
    for k, answer in enumerate(task.decode(tokens[:, 0].numpy())):
        move = (states[k + 1] - states[k]).norm().item()
        share = move / states[k + 1].norm().item()
        right = "yes" if task.is_solution(puzzle, answer) else "no"
        changed = (answer != before).sum()
        yield f"{k + 1:7d} {move:11.4g} {share:14.3g} {changed:15d} {heads[k, 0]:14.1%}   {right}"
        before = answer
    z = states[-1]
    yield ""
    yield f"The joint state has {z.numel():,} numbers."
    radius = _spectral_radius(f, z)
    yield f"Spectral radius of a segment's Jacobian after segment {segments}: {radius}"
    exponents = lyapunov_exponents(f, states[0], segments, k=3).tolist()
    yield (
        f"Finite-time Lyapunov exponents over these {segments} segments, per segment: "
        + " ".join(f"{value:.3f}" for value in exponents)
    )


def _spectral_radius(f, z: Tensor) -> str:
    try:
        value = spectral_radius(f, z, tol=1e-2)
    except RuntimeError as error:
        return f"unknown. {error}"
    verdict = "small disturbances die out" if value < 1 else "some disturbances grow"
    return f"{value:.3f} ({verdict})"


def _blank_id() -> Tensor:
    """The identifier that Sudoku and mazes share; models without a puzzle table ignore it."""
    return torch.zeros(1, dtype=torch.long)
