"""Where a run computes and how: the device, bfloat16, compiled blocks. The recipe knows nothing of it.

hrm-course train trm-sudoku-9x9-hard --device cuda --bfloat16 --compile
"""

from dataclasses import dataclass

import torch

from ..models import Solver
from ..models.layers import Block
from ..settings import check_fields, choice


@dataclass(frozen=True)
class Machine:
    """What a run uses of the machine it is on.

    Args:
        device: ``cpu``, ``cuda`` (several processes take a GPU each), or ``mps``, Apple's GPU.
        bfloat16: states and activations in bfloat16, as published; the weights stay float32.
        compile: compile the blocks (a C++ compiler is needed): slow to start, then faster.

    Raises:
        ValueError: there is no such device, here or at all.
    """

    device: str = choice("cpu", among=("cpu", "cuda", "mps"))
    bfloat16: bool = choice(False, among=(False, True))
    compile: bool = choice(False, among=(False, True))

    def __post_init__(self):
        check_fields(self)
        seen = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
        if self.device != "cpu" and not seen[self.device]():
            raise ValueError(
                f"PyTorch sees no GPU of this kind on this machine: leave out --device {self.device}."
            )

    def take(self, model: Solver) -> Solver:
        """The model as this machine trains it: moved, in its number type, compiled."""
        if self.bfloat16:
            model = model.computing_in("bfloat16")
        model = model.to(self.device)
        if self.compile:
            for module in model.modules():
                if isinstance(module, Block):
                    module.compile()
        return model

    def give_back(self, model: Solver, dtype: str) -> Solver:
        """A trained model, not compiled, computing in ``dtype``: to be measured and saved."""
        return model.computing_in(dtype).eval().requires_grad_(False)
