"""The parts that HRM, TRM and CMM are built from.

Two habits of the published models run through this file. Parameters are float32 and every layer
casts its weight to the type of its input at each use, so a whole model runs in bfloat16 by
feeding it bfloat16. And nothing has a bias or a learned norm, except the halting head.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def truncated_normal_(tensor: Tensor, std: float) -> Tensor:
    """Fills ``tensor`` from a normal cut at two deviations, widened so that its deviation is ``std``.

    A normal cut at +-2 sigma has the variance 1 - 4 pdf(2) / erf(sqrt 2) = 0.7737 sigma^2; dividing
    by its root restores ``std``. Source: the initialiser of JAX, as HRM and TRM use it.
    """
    with torch.no_grad():
        if std == 0:
            return tensor.zero_()
        if tensor.is_meta:  # a shape without numbers: nothing to draw
            return tensor
        mass = math.erf(math.sqrt(2))
        pdf = math.exp(-2) / math.sqrt(2 * math.pi)
        sigma = std / math.sqrt(1 - 4 * pdf / mass)
        tensor.uniform_(-mass, mass).erfinv_().mul_(math.sqrt(2) * sigma)
        return tensor.clip_(-2 * sigma, 2 * sigma)


def rms_norm(v: Tensor, eps: float = 1e-5) -> Tensor:
    """``v`` scaled to root mean square 1 along its last axis, computed in float32."""
    wide = v.float() if v.dtype in (torch.bfloat16, torch.float16) else v
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)).to(v.dtype)


class RMSNorm(nn.Module):
    """`rms_norm` over the last axis, followed by a learned factor for each entry if ``gain``."""

    def __init__(self, width: int, gain: bool = False):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width, dtype=torch.float32)) if gain else None

    def forward(self, v: Tensor) -> Tensor:
        v = rms_norm(v)
        return v if self.gain is None else v * self.gain.to(v.dtype)


class Linear(nn.Module):
    """A linear layer ``[..., inputs] -> [..., outputs]`` with LeCun initialisation."""

    def __init__(self, inputs: int, outputs: int, bias: bool = False):
        super().__init__()
        self.weight = nn.Parameter(
            truncated_normal_(torch.empty(outputs, inputs, dtype=torch.float32), inputs**-0.5)
        )
        self.bias = nn.Parameter(torch.zeros(outputs, dtype=torch.float32)) if bias else None

    def forward(self, v: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias.to(v.dtype)
        return F.linear(v, self.weight.to(v.dtype), bias)


class Embedding(nn.Module):
    """A table of vectors, looked up in the type ``dtype``."""

    def __init__(self, rows: int, width: int):
        super().__init__()
        self.weight = nn.Parameter(
            truncated_normal_(torch.empty(rows, width, dtype=torch.float32), width**-0.5)
        )

    def forward(self, index: Tensor, dtype: torch.dtype) -> Tensor:
        return F.embedding(index, self.weight.to(dtype))


class SwiGLU(nn.Module):
    """The gated layer down(silu(gate) * up) on vectors of ``width`` numbers.

    The inner width is ``expansion * width * 2/3`` rounded up to a multiple of ``multiple``.
    Source: Shazeer (2020), *GLU variants improve transformer*.
    """

    def __init__(self, width: int, expansion: float, multiple: int = 256):
        super().__init__()
        inner = self.inner_width(width, expansion, multiple)
        self.gate_up = Linear(width, 2 * inner)
        self.down = Linear(inner, width)

    @staticmethod
    def inner_width(width: int, expansion: float, multiple: int) -> int:
        """The number of products gate * up."""
        return multiple * math.ceil(max(1, round(expansion * width * 2 / 3)) / multiple)

    def forward(self, v: Tensor) -> Tensor:
        gate, up = self.gate_up(v).chunk(2, dim=-1)
        return self.down(F.silu(gate) * up)


class Attention(nn.Module):
    """Full self-attention over the L positions of ``[B, L, D]``."""

    def __init__(self, width: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.qkv = Linear(width, 3 * width)
        self.out = Linear(width, width)

    def forward(self, v: Tensor, rope: tuple[Tensor, Tensor] | None) -> Tensor:
        heads = self.qkv(v).unflatten(-1, (3 * self.num_heads, -1))  # [B, L, 3h, d]
        q, k, values = heads.chunk(3, dim=2)  # each [B, L, h, d]
        if rope is not None:
            cos, sin = (table.unsqueeze(-2) for table in rope)  # [L, 1, d]
            q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        q, k, values = (t.transpose(1, 2) for t in (q, k, values))  # [B, h, L, d]
        mixed = F.scaled_dot_product_attention(q, k, values)
        return self.out(mixed.transpose(1, 2).flatten(2))  # [B, L, D]


def rope_table(length: int, width: int, theta: float = 10_000.0) -> tuple[Tensor, Tensor]:
    """Cosines and sines ``[length, width]`` of rotary position codes, halves side by side.

    The frequencies are 1 / theta^(i/d), as published: theta^(-i/d) is another number in the last
    place, and a reasoner with a positive exponent tells the two apart.

    Source: Su et al. (2021), *RoFormer*, eq. 34, in the "half-split" layout.
    """
    frequency = 1 / theta ** (torch.arange(0, width, 2, dtype=torch.float32) / width)
    angle = torch.outer(torch.arange(length, dtype=torch.float32), frequency)
    angle = torch.cat((angle, angle), dim=-1)
    return angle.cos(), angle.sin()


def rotate(v: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turns each pair (i, i + d/2) of the last axis of ``v`` by its position's angle.

    ``cos`` and ``sin``, ``[L, d]`` from `rope_table`, go with ``v [..., L, d]``; with an axis put
    in between, ``[L, 1, d]``, they go with ``v [..., L, heads, d]``.
    """
    wide = v.to(torch.promote_types(v.dtype, cos.dtype))  # bfloat16 turns in float32
    first, second = wide.chunk(2, dim=-1)
    return (wide * cos + torch.cat((-second, first), dim=-1) * sin).to(v.dtype)


class Block(nn.Module):
    """Mix positions, then transform each one; every sum is followed by an RMS norm (post-norm).

    Without ``gain`` the last norm puts every token on the sphere of radius sqrt(D): 0 is no state,
    and the Jacobian has one eigenvalue 0 for each token.

    Args:
        config: gives ``hidden_size``, ``num_heads``, ``expansion``, ``mixer``, ``length`` and
            ``inner_multiple``.
        mlp: the layer that transforms, and that mixes with ``mixer="tokens"``.
        gain: whether the norms have learned factors; not in HRM and TRM.
    """

    def __init__(self, config, mlp: type[nn.Module] = SwiGLU, gain: bool = False):
        super().__init__()
        c, tokens = config, config.mixer == "tokens"
        if tokens:
            self.mix = mlp(c.length, c.expansion, c.inner_multiple)
        else:
            self.mix = Attention(c.hidden_size, c.num_heads)
        self.mix_norm = RMSNorm(c.length if tokens else c.hidden_size, gain)
        self.mlp = mlp(c.hidden_size, c.expansion, c.inner_multiple)
        self.mlp_norm = RMSNorm(c.hidden_size, gain)

    def forward(self, v: Tensor, rope: tuple[Tensor, Tensor] | None) -> Tensor:
        if isinstance(self.mix, Attention):
            v = self.mix_norm(v + self.mix(v, rope))
        else:
            t = v.transpose(1, 2)  # [B, D, L]: here the norm runs over positions, per channel
            v = self.mix_norm(t + self.mix(t)).transpose(1, 2)  # [B, L, D]
        return self.mlp_norm(v + self.mlp(v))
