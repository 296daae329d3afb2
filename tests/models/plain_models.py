"""HRM, TRM, their variants' blocks and CMM's once more, on plain tensors, one equation a line.

The one reference of these tests beside the recordings of the official code: it has the published
operations in the published order, so that equal bits can be asked for. It takes a model's tensors
and configuration, and nothing else of it.
"""

import math

import torch
import torch.nn.functional as F


def rms(v):
    wide = v.float() if v.dtype == torch.bfloat16 else v
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + 1e-5)).to(v.dtype)


def rotary(length, width):
    """The published tables: 1 / theta^(i/d), positions times these, both halves alike."""
    frequency = 1.0 / (10000.0 ** (torch.arange(0, width, 2, dtype=torch.float32) / width))
    angles = torch.outer(torch.arange(length, dtype=torch.float32), frequency)
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos(), angles.sin()


def turned(v, cos, sin):
    """``v [B, L, h, d]``, turned in float32 at least."""
    wide = v.to(torch.promote_types(v.dtype, torch.float32))
    first, second = wide[..., : v.shape[-1] // 2], wide[..., v.shape[-1] // 2 :]
    half_turn = torch.cat((-second, first), dim=-1)
    return ((wide * cos.unsqueeze(-2)) + (half_turn * sin.unsqueeze(-2))).to(v.dtype)


class Plain:
    def __init__(self, model):
        self.c, self.dtype = model.config, getattr(torch, model.config.forward_dtype)
        self.w = {k: v.detach().clone() for k, v in model.state_dict().items()}
        for name, v in self.w.items():
            v.requires_grad_("init" not in name)
        self.P = self.c.prefix_length or math.ceil(
            self.c.puzzle_embedding_size / self.c.hidden_size
        )

    def embed(self, inputs, ids=None):
        D = self.c.hidden_size
        E = F.embedding(inputs, self.w["embed_tokens.weight"].to(self.dtype))
        if self.P:
            p = self.w["puzzle_table.weight"][ids].to(self.dtype)
            p = torch.cat((p, p.new_zeros(len(p), self.P * D - p.shape[1])), 1)
            E = torch.cat((p.reshape(len(p), self.P, D), E), 1)
        if self.c.position_code == "learned":
            E = 0.707106781 * (E + self.w["embed_positions.weight"].to(self.dtype))
        return math.sqrt(D) * E

    def linear(self, name, v):
        bias = self.w.get(name + ".bias")
        bias = None if bias is None else bias.to(v.dtype)
        return F.linear(v, self.w[name + ".weight"].to(v.dtype), bias)

    def mlp(self, name, v):
        kind = getattr(self.c, "mlp", "swiglu")
        if kind == "tanh":
            return self.linear(name + ".down", torch.tanh(self.linear(name + ".up", v)))
        both = self.linear(name + ".gate_up", v)
        half = both.shape[-1] // 2
        gate, up = both[..., :half], both[..., half:]
        return self.linear(name + ".down", (F.silu if kind == "swiglu" else torch.tanh)(gate) * up)

    def attention(self, name, v):
        (B, L, D), h = v.shape, self.c.num_heads
        qkv = self.linear(name + ".qkv", v).view(B, L, 3 * h, D // h)
        q, k, values = qkv[:, :, :h], qkv[:, :, h : 2 * h], qkv[:, :, 2 * h :]
        if self.c.position_code == "rope":
            q, k = (turned(part, *rotary(L, D // h)) for part in (q, k))
        q, k, values = (part.transpose(1, 2) for part in (q, k, values))
        mixed = F.scaled_dot_product_attention(q, k, values).transpose(1, 2)
        return self.linear(name + ".out", mixed.reshape(B, L, D))

    def norm(self, name, v):
        gain = self.w.get(name + ".gain")
        return rms(v) if gain is None else rms(v) * gain.to(v.dtype)

    def stack(self, layers, v):
        for i in range(self.c.num_layers):
            block = f"{layers}.{0 if getattr(self.c, 'identical_layers', False) else i}"
            if self.c.mixer == "tokens":
                t = v.transpose(1, 2)
                t = self.norm(block + ".mix_norm", t + self.mlp(block + ".mix", t))
                v = t.transpose(1, 2)
            else:
                v = self.norm(block + ".mix_norm", v + self.attention(block + ".mix", v))
            v = self.norm(block + ".mlp_norm", v + self.mlp(block + ".mlp", v))
        return v

    def segment(self, z_H, z_L, inputs, ids=None):
        """Of HRM or TRM: ``(z_H, z_L, logits, q [B, 2])``."""
        x, is_hrm = self.embed(inputs, ids), any(k.startswith("H_layers") for k in self.w)
        slow, fast = ("H_layers", "L_layers") if is_hrm else ("layers", "layers")
        for i in range(1, self.c.H_cycles + 1):
            for j in range(1, self.c.L_cycles + 1):
                last = i == self.c.H_cycles and (j == self.c.L_cycles or not is_hrm)
                with torch.set_grad_enabled(last and torch.is_grad_enabled()):
                    z_L = self.stack(fast, z_L + (z_H + x))
            with torch.set_grad_enabled(i == self.c.H_cycles and torch.is_grad_enabled()):
                z_H = self.stack(slow, z_H + z_L)
        return z_H, z_L, *self.read_out(z_H)

    def read_out(self, z_H):
        return self.linear("lm_head", z_H)[:, self.P :], self.linear("q_head", z_H[:, 0]).float()
