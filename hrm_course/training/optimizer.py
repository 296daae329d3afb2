"""AdamATan2 for the weights, and SignSGD for the table of puzzle vectors."""

import torch
from torch import Tensor


class AdamATan2(torch.optim.Optimizer):
    """Adam with decoupled weight decay and the update lr / (1 - b1^t) * atan2(m, sqrt(v_hat)).

    No step is longer than lr * pi / 2 before bias correction, whatever the gradient. The
    correction of the first moment stands outside the arc tangent, as in the code that HRM and
    TRM were trained with; the formula of the paper has it inside.

    Args:
        params: parameters.
        lr: step length.
        betas: decay rates of the two moments.
        weight_decay: every parameter shrinks by ``lr * weight_decay`` a step.

    Source: Everett et al. (2024), *Scaling exponents across parameterizations and optimizers*.
    """

    def __init__(self, params, lr: float = 1e-4, betas=(0.9, 0.95), weight_decay: float = 0.1):
        if lr < 0 or weight_decay < 0 or not all(0 <= b < 1 for b in betas):
            raise ValueError(
                f"AdamATan2 needs lr >= 0, weight_decay >= 0 and betas in [0, 1); got lr={lr}, "
                f"weight_decay={weight_decay}, betas={betas}."
            )
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure=None) -> Tensor | None:
        """One update of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self._update(p, group)
        return loss

    def _update(self, p: Tensor, group: dict) -> None:
        state, (b1, b2), lr = self.state[p], group["betas"], group["lr"]
        if not state:
            state.update(step=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
        state["step"] += 1
        m, v, t = state["m"], state["v"], state["step"]
        p.mul_(1 - lr * group["weight_decay"])
        m.lerp_(p.grad, 1 - b1)
        v.mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
        p.sub_(torch.atan2(m, (v / (1 - b2**t)).sqrt()), alpha=lr / (1 - b1**t))


class SignSGD(torch.optim.Optimizer):
    """A step of length lr against the sign of the gradient, for the rows that have one.

    For the puzzle table (``nn.Embedding(sparse=True)``): the gradients of a puzzle that occurs
    several times in the batch are summed first, and a puzzle that does not occur is not touched,
    not even by the weight decay.

    Args:
        params: parameters with sparse gradients.
        lr: step length.
        weight_decay: a row in the batch shrinks by ``lr * weight_decay`` a step.

    Source: Bernstein et al. (2018), *signSGD*; the sparse form is that of the official code.
    """

    def __init__(self, params, lr: float = 1e-4, weight_decay: float = 0.1):
        if lr < 0 or weight_decay < 0:
            raise ValueError(
                f"SignSGD needs lr >= 0 and weight_decay >= 0; got lr={lr}, "
                f"weight_decay={weight_decay}."
            )
        super().__init__(params, dict(lr=lr, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure=None) -> Tensor | None:
        """One update of every row that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            lr, decay = group["lr"], 1 - group["lr"] * group["weight_decay"]
            for p in group["params"]:
                if p.grad is not None:
                    gradient = p.grad.coalesce()
                    rows = gradient.indices()[0]
                    p[rows] = decay * p[rows] - lr * gradient.values().sign()
        return loss
