"""The corridors of chapter 8: three gradients, two designs, six networks each.

    python benchmarks/corridor_study.py  # networks of seeds 0 to 5; a minute on one core

The model and its training are the chapter's own cells, which this script executes: so there is
one place for them. It writes ``benchmarks/results/corridors.npz``:

    shares [designs, gradients, seeds]     of 1,000 corridors solved after 250 steps
    exact_0 ... exact_5, one step_0 ...    the trained weights of the shared design

Designs: shared weights and all cells read; own weights and the last cell read. Gradients: exact,
three terms, one step.
"""

import numpy as np
import torch
from cells import ROOT, chapter

CELLS = ("cell-01", "cell-05", "cell-11", "cell-39", "cell-40", "cell-42", "cell-44")


def main() -> None:
    """Trains all networks and writes the file."""
    torch.set_num_threads(1)
    space = chapter("08-equilibrium-models", CELLS)
    shares, kept = [], {}
    for shared in (True, False):
        for name, terms in space["KINDS"].items():
            weights, share = space["train_corridors"](terms, shared)
            shares.append(share.numpy())
            if shared and name != "three terms":
                kept |= {f"{name}_{k}": w.numpy() for k, w in enumerate(weights)}
            print(f"shared={shared}, {name}: {np.sort(share.numpy())}")
    shares = np.stack(shares).reshape(2, 3, -1)
    np.savez_compressed(ROOT / "benchmarks/results/corridors.npz", shares=shares, **kept)


if __name__ == "__main__":
    main()
