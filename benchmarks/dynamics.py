"""Exponents and basins against their budgets, in seconds of one thread: python benchmarks/dynamics.py"""

import math
from time import process_time

import torch

from hrm_course.dynamics import basins, lorenz, lyapunov_exponents, newton_map, rk4

torch.set_num_threads(1)
F64 = torch.float64


def report(name: str, seconds: float, budget: float, values: list[float], expected: str) -> None:
    shown = ", ".join(f"{value:.3f}" for value in values)
    print(f"{name}: {seconds:.2f} s of {budget} s ({seconds / budget:.0%}); {shown} ({expected})")


generator = torch.Generator().manual_seed(0)
starts = torch.randn(30, 3, dtype=F64, generator=generator) + torch.tensor([1.0, 1, 25], dtype=F64)
start = process_time()
exponents = lyapunov_exponents(rk4(lorenz(), 0.01), starts, 10_000, batched=True, dt=0.01)
report(
    "30 Lorenz trajectories of 10,000 steps",
    process_time() - start,
    30,
    exponents.mean(0).tolist(),
    "published 0.906, 0, -14.572",
)

axis = torch.linspace(-2, 2, 600, dtype=F64)
x, y = torch.meshgrid(axis, axis, indexing="xy")
roots = torch.exp(2j * math.pi / 3 * torch.arange(3).to(torch.complex128))
start = process_time()
found = basins(newton_map(), torch.complex(x, y).flatten(), roots)
report(
    "Newton's basins on 600 x 600 points",
    process_time() - start,
    2,
    (found.labels.bincount() / len(found.labels)).tolist(),
    "shares 0.353, 0.324, 0.324",
)
