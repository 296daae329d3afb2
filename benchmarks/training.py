"""Training steps against the published equations, typed plainly: python benchmarks/training.py

A step is a segment (with the second pass, for HRM), the loss, the backward pass and the optimiser.
Both sides take turns on one thread; a ratio is the median over the rounds, plain / ours. Minutes.
``--rounds 3`` is quicker and rougher.
"""

import argparse
from math import sqrt

import torch
from timing import has_fast_bfloat16, line, peak, take_turns
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from hrm_course.models import HRM, TRM
from hrm_course.training import AdamATan2, continue_target, reasoner_loss

STUDENT = dict(vocab_size=5, seq_len=16, hidden_size=64, H_cycles=2, L_cycles=2)
BOARD = dict(vocab_size=11, seq_len=81, hidden_size=128)
MIXED = dict(mixer="tokens", position_code="none")
SEGMENTS = 16


# ---- the published equations, one line each, with nothing shared between calls ----------------


def plain_norm(v):
    return v / torch.sqrt((v**2).mean(-1, keepdim=True) + 1e-5)


def plain_swiglu(w, name, v):
    gate, up = torch.chunk(v @ w[f"{name}.gate_up.weight"].T, 2, dim=-1)
    return (torch.nn.functional.silu(gate) * up) @ w[f"{name}.down.weight"].T


def plain_attention(w, name, v, heads):
    B, L, D = v.shape
    d = D // heads
    q, k, u = (v @ w[f"{name}.qkv.weight"].T).view(B, L, 3, heads, d).unbind(2)  # [B, L, h, d]
    angle = torch.outer(torch.arange(L), 10_000 ** (-torch.arange(0, d, 2) / d))
    angle = torch.cat((angle, angle), -1)[:, None]  # [L, 1, d]

    def turn(z):
        half = torch.cat((-z[..., d // 2 :], z[..., : d // 2]), -1)
        return z * angle.cos() + half * angle.sin()

    weights = torch.softmax(torch.einsum("bihd,bjhd->bhij", turn(q), turn(k)) / sqrt(d), -1)
    return torch.einsum("bhij,bjhd->bihd", weights, u).reshape(B, L, D) @ w[f"{name}.out.weight"].T


def plain_network(w, prefix, config, state, injection):
    v = state + injection
    for i in range(config.num_layers):
        name = f"{prefix}.{i}"
        if config.mixer == "attention":
            v = plain_norm(v + plain_attention(w, f"{name}.mix", v, config.num_heads))
        else:
            t = v.transpose(1, 2)
            v = plain_norm(t + plain_swiglu(w, f"{name}.mix", t)).transpose(1, 2)
        v = plain_norm(v + plain_swiglu(w, f"{name}.mlp", v))
    return v


def plain_segment(w, c, hrm, y, z, inputs):
    x = sqrt(c.hidden_size) * w["embed_tokens.weight"][inputs]
    slow, fast = ("H_layers", "L_layers") if hrm else ("layers", "layers")
    last = 1 if hrm else c.L_cycles  # fast calls of the last cycle that carry a gradient
    for cycle in range(1, c.H_cycles + 1):
        for step in range(1, c.L_cycles + 1):
            with torch.set_grad_enabled(cycle == c.H_cycles and step > c.L_cycles - last):
                z = plain_network(w, fast, c, z, y + x)
        with torch.set_grad_enabled(cycle == c.H_cycles):
            y = plain_network(w, slow, c, y, z)
    q = y[:, 0] @ w["q_head.weight"].T + w["q_head.bias"]
    return y, z, y @ w["lm_head.weight"].T, q


def plain_loss(w, c, hrm, y, z, inputs, labels) -> Tensor:
    y, z, logits, q = plain_segment(w, c, hrm, y, z, inputs)
    v = logits.double()
    s = torch.where(v >= 0, v + 1, 1 / (1 - v + 1e-30))
    p = s / s.sum(-1, keepdim=True)
    loss = -torch.log(torch.gather(p, -1, labels[..., None])).mean(1).sum()
    correct = (logits.argmax(-1) == labels).all(-1).float()
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    loss = loss + 0.5 * bce(q[:, 0], correct, reduction="sum")
    if hrm:
        with torch.no_grad():
            ahead = plain_segment(w, c, hrm, y, z, inputs)[3]
        loss = loss + 0.5 * bce(q[:, 1], torch.sigmoid(ahead.amax(1)), reduction="sum")
    return loss / len(inputs)


class PlainAdamATan2:
    def __init__(self, weights, lr=1e-4, b1=0.9, b2=0.95, decay=0.1):
        self.weights, self.settings, self.t = weights, (lr, b1, b2, decay), 0
        self.m = {name: torch.zeros_like(p) for name, p in weights.items()}
        self.v = {name: torch.zeros_like(p) for name, p in weights.items()}

    @torch.no_grad()
    def step(self):
        self.t += 1
        lr, b1, b2, decay = self.settings
        for name, p in self.weights.items():
            g = p.grad
            self.m[name] = b1 * self.m[name] + (1 - b1) * g
            self.v[name] = b2 * self.v[name] + (1 - b2) * g**2
            p *= 1 - lr * decay
            root = torch.sqrt(self.v[name] / (1 - b2**self.t))
            p -= lr / (1 - b1**self.t) * torch.atan2(self.m[name], root)
            p.grad = None


# ---- the two sides -----------------------------------------------------------------------------


def ours(model, batch_size: int):
    """A function that takes one training step, and the batch it takes it on."""
    c = model.config
    draw = torch.Generator().manual_seed(0)
    inputs, labels = torch.randint(0, c.vocab_size, (2, batch_size, c.seq_len), generator=draw)
    optimizer = AdamATan2(model.parameters(), 1e-4)
    steps = torch.ones(batch_size, dtype=torch.int32)

    def loss():
        state, out = model.segment(model.initial_state(batch_size), inputs)
        target = continue_target(model, state, {"inputs": inputs}, steps, SEGMENTS)
        return reasoner_loss(out, labels, target).total / batch_size

    def step():
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return step, loss, inputs, labels


def build(kind, seed=0, **config):
    torch.manual_seed(seed)
    return kind(kind.config_class(**config))


def against_plain(what: str, model, batch_size: int, rounds: int) -> None:
    step, loss, inputs, labels = ours(model, batch_size)
    c, hrm = model.config, isinstance(model, HRM)
    w = {name: p.detach().clone().requires_grad_() for name, p in model.named_parameters()}
    optimizer = PlainAdamATan2(w)
    y, z = (start.clone() for start in model.initial_state(batch_size))

    def plain():
        plain_loss(w, c, hrm, y, z, inputs, labels).backward()
        optimizer.step()

    torch.testing.assert_close(loss(), plain_loss(w, c, hrm, y, z, inputs, labels))
    mine, theirs, ratio = take_turns(step, plain, rounds)
    line(what, ratio, 1.0, f"{1e3 * mine:.0f} ms against {1e3 * theirs:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)

    print("A training step against a plain transcription of the equations, equal widths, float32")
    against_plain("TRM, tokens mixed, 4x4, 64 wide", build(TRM, **STUDENT, **MIXED), 64, 2 * rounds)
    against_plain("TRM, tokens mixed, 9x9, 128 wide", build(TRM, **BOARD, **MIXED), 8, rounds)
    against_plain("TRM, attention, 9x9, 128 wide", build(TRM, **BOARD), 8, rounds)
    against_plain("HRM, attention, 9x9, 128 wide", build(HRM, **BOARD), 8, rounds)

    print("\nFewer operations: SwiGLU widths rounded up to 32 instead of 256")
    sides = [ours(build(TRM, **STUDENT, **MIXED, inner_multiple=m), 64)[0] for m in (32, 256)]
    quick, slow, ratio = take_turns(*sides, rounds)
    line("TRM, 4x4, 64 wide", ratio, 2.0, f"{1e3 * quick:.0f} ms against {1e3 * slow:.0f} ms")

    print("\nbfloat16 instead of float32")
    wide = dict(BOARD, hidden_size=512, H_cycles=1, L_cycles=2, **MIXED)  # short: speed, not depth
    if has_fast_bfloat16():
        sides = [ours(build(TRM, **wide, forward_dtype=t), 4)[0] for t in ("bfloat16", "float32")]
        half, full, ratio = take_turns(*sides, rounds)
        line("TRM, 9x9, 512 wide", ratio, 1.5, f"{1e3 * half:.0f} ms against {1e3 * full:.0f} ms")
    else:
        print("Skipped: this processor has no matrix product of bfloat16 (avx512_bf16, amx_bf16).")

    print("\nShare of what one large matrix product reaches on this processor, float32")
    fastest = peak()
    shapes = {
        "4x4, 64 wide, widths rounded to 32": (dict(STUDENT, **MIXED, inner_multiple=32), 64),
        "9x9, 128 wide": (dict(BOARD, **MIXED), 8),
        "9x9, 512 wide": (wide, 4),
    }
    for what, (config, batch_size) in shapes.items():
        step = ours(build(TRM, **config), batch_size)[0]
        with FlopCounterMode(display=False) as counter:
            step()
        operations = counter.get_total_flops()
        mine, product, share = take_turns(step, peak_product(), rounds)
        share = operations / mine / (2 * 2048**3 / product)
        print(f"{what:<58} {share:5.0%}  of {2 * 2048**3 / product / 1e9:.0f} GFLOP/s")
    print(f"(fastest product seen: {fastest / 1e9:.0f} GFLOP/s)")


def peak_product():
    """The product that `timing.peak` measures, as one side of a comparison."""
    a, b = torch.randn(2, 2048, 2048)
    return lambda: a @ b


if __name__ == "__main__":
    main()
