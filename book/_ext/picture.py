"""Draws book/_static/course.png, the picture that opens the README: python book/_ext/picture.py"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

from hrm_course.dynamics import logistic, orbit, residual
from hrm_course.models import TRM
from hrm_course.plotting import plot_board, plot_cobweb, set_style
from hrm_course.zoo import RECIPES

torch.set_num_threads(1)
set_style()
recipe = RECIPES["trm-sudoku-9x9-easy"]
puzzles, solutions = recipe.test_set(200)
reasoner = TRM.from_pretrained("trm-sudoku-9x9-easy")
trace = reasoner.solve(
    torch.from_numpy(recipe.task.encode(puzzles)), segments=16, trace=True
).trace
boards = recipe.task.decode(trace.tokens)
right = (boards == solutions).all(-1)
slow = np.flatnonzero(
    ~right[1] & right[2:].all(0)
)  # puzzles that take three segments
chosen = slow[trace.residual[-1, slow].argmin()]

fig, axes = plt.subplots(1, 3, figsize=(11, 3.7), width_ratios=(1, 1, 1.1))
f = logistic(2.9)
states = orbit(f, torch.tensor(0.1, dtype=torch.float64), 30)
plot_cobweb(f, states, ax=axes[0])
axes[0].set_title("a map of one number")
plot_board(puzzles[chosen], boards[0, chosen], solutions[chosen], ax=axes[1])
axes[1].set_title("a map of 10,368 numbers")
moves = [residual(f, z).item() for z in states[:16]]
axes[2].semilogy(range(1, 17), moves, "o-", label="logistic map")
axes[2].semilogy(
    range(1, 17), trace.residual[:, chosen], "s-", label="trained reasoner"
)
axes[2].set(
    title="the same instrument on both", xlabel="applications", ylabel="residual"
)
axes[2].legend()
fig.savefig(Path(__file__).parents[1] / "_static" / "course.png", dpi=110)
