"""The spectra of chapter 13: a trained 9x9 reasoner at the states where twenty orbits ended.

    python benchmarks/spectra_study.py  # two minutes on one core

The states are those of the chapter's own cells, which this script executes. It writes
``benchmarks/results/spectra-9x9.npz``:

    radius [20]           spectral radius of the map of a segment, by Arnoldi's method
    eigenvalues [2, 16]   the largest eigenvalues of the first state that is right and at rest,
                          and of the first that is wrong and moves
"""

import numpy as np
import torch
from cells import ROOT, chapter

from hrm_course.dynamics import leading_eigenvalues, spectral_radius

CELLS = ("cell-01", "cell-40", "cell-42", "cell-48", "cell-51")


def main() -> None:
    """Measures and writes the file."""
    space = chapter("13-training-trm", CELLS)
    end, correct = space["end"], space["correct"]
    states = end.z.split(1)
    maps = [space["reasoner"].segment_map(one) for one in space["inputs"][space["picked"]].split(1)]
    radius = [spectral_radius(f, z) for f, z in zip(maps, states, strict=True)]
    pair = [int(rows.nonzero()[0]) for rows in (end.converged & correct, ~end.converged & ~correct)]
    eigenvalues = [leading_eigenvalues(maps[row], states[row], k=16) for row in pair]
    np.savez_compressed(
        ROOT / "benchmarks/results/spectra-9x9.npz",
        radius=np.array(radius),
        eigenvalues=torch.stack(eigenvalues).numpy(),
    )
    print(np.round(radius, 2), pair)


if __name__ == "__main__":
    main()
