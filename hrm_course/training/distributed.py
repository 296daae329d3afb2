"""Training on several devices or machines: each process trains on its rows of the same batches.

    torchrun --nproc-per-node 2 -m hrm_course.cli train trm-sudoku-4x4

Every process holds the whole model, started from the same seed. In each step they add up their
gradients, so all take the step that a single process would take with the whole batch. PyTorch's
DistributedDataParallel does the same, but for a plain ``forward`` only, which segments are not.
"""

import os
from collections.abc import Callable, Iterable

import torch
import torch.distributed as dist
from torch import Tensor


class Share:
    """The rows of every batch that one of ``world`` processes works on; by default all rows."""

    def __init__(self, rank: int = 0, world: int = 1):
        self.rank, self.world = rank, world

    def mine(self, rows: Tensor) -> Tensor:
        """This process's part of ``rows [B, ...]``: ``[B / world, ...]``."""
        if len(rows) % self.world:
            raise ValueError(f"{self.world} processes can't share a batch of {len(rows)} equally.")
        return rows.chunk(self.world)[self.rank]

    def all(self, rows: Tensor) -> Tensor:
        """The rows ``[B, ...]`` of all processes, put together from each one's part."""
        if self.world == 1:
            return rows
        parts = [torch.empty_like(rows.contiguous()) for _ in range(self.world)]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    def most(self, number: int, device: torch.device) -> int:
        """The largest of the processes' numbers: each waits for all, so all agree on it."""
        if self.world == 1:
            return number
        return int(self.all(torch.tensor([number], device=device)).max())

    def agreed(self, rule: Callable[..., Tensor], *rows: Tensor) -> Tensor:
        """This process's part of what ``rule`` says on the rows of all processes.

        Each one makes the random draws of the whole batch, on the CPU: so all agree with what a
        single process would draw.
        """
        whole = rule(*(self.all(part).cpu() for part in rows))
        return self.mine(whole).to(rows[0].device)

    def add_up(self, loss: Tensor, parameters: Iterable[Tensor]) -> float:
        """The loss of all processes; each gradient becomes the sum of theirs."""
        if self.world == 1:
            return loss.item()
        grads = {p: p.grad for p in parameters if p.grad is not None}
        dense = [gradient for gradient in grads.values() if not gradient.is_sparse]
        flat = torch.cat([gradient.flatten() for gradient in dense])
        dist.all_reduce(flat)
        for gradient, total in zip(dense, flat.split([g.numel() for g in dense]), strict=True):
            gradient.copy_(total.view_as(gradient))
        for p, gradient in grads.items():
            if gradient.is_sparse:  # rows of a puzzle table: as many in every process
                rows = self.all(gradient._indices().T).T
                p.grad = torch.sparse_coo_tensor(rows, self.all(gradient._values()), p.shape)
        return self.all(loss.detach().view(1)).sum().item()


def join() -> Share:
    """The share of this process among those that ``torchrun`` started; without it, everything."""
    world = int(os.environ.get("WORLD_SIZE", 1))
    if world > 1 and not dist.is_initialized():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return Share(int(os.environ.get("RANK", 0)), world)
