"""Where a run computes and how: the device, bfloat16, compiled blocks. The recipe knows nothing of it.

hrm-course train trm-sudoku-9x9-hard --device cuda --bfloat16 --compile
"""

from dataclasses import dataclass

import torch

from ..models import Solver
from ..models.cmm import CMMBlock
from ..models.layers import Block


@dataclass(frozen=True)
class Machine:
    """What a run uses of the machine it is on.

    Args:
        device: ``cpu`` or ``cuda``; several processes take a GPU each.
        bfloat16: states and activations in bfloat16, as published; the weights stay float32.
        compile: compile the blocks (a C++ compiler is needed): slow to start, then faster.

    Raises:
        ValueError: there is no such device.
    """

    device: str = "cpu"
    bfloat16: bool = False
    compile: bool = False

    def __post_init__(self):
        if self.device not in ("cpu", "cuda"):
            raise ValueError(f"The device is cpu or cuda, not {self.device!r}.")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ValueError("PyTorch sees no GPU on this machine: leave out --device cuda.")

    def take(self, model: Solver) -> Solver:
        """The model as this machine trains it: moved, in its number type, compiled."""
        if self.bfloat16:
            model = model.computing_in("bfloat16")
        model = model.to(self.device)
        if self.compile:
            for module in model.modules():
                if isinstance(module, Block | CMMBlock):
                    module.compile()
        return model

    def give_back(self, model: Solver, dtype: str) -> Solver:
        """A trained model, not compiled, computing in ``dtype``: to be measured and saved."""
        return model.computing_in(dtype).eval().requires_grad_(False)
