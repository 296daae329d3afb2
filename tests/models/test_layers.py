"""The parts of the models, each by itself."""

import pytest
import torch

from hrm_course.models import TRM, FeedForward, FeedForwardConfig, TRMConfig
from hrm_course.models.layers import (
    Attention,
    Block,
    rms_norm,
    rope_table,
    rotate,
    truncated_normal_,
)

SMALL = dict(vocab_size=6, seq_len=9, hidden_size=16, num_heads=2, inner_multiple=8)
MIXED = dict(mixer="tokens", position_code="none")


def test_the_initialiser_has_the_deviation_it_promises():
    torch.manual_seed(0)
    drawn = truncated_normal_(torch.empty(200_000), 0.3)
    assert drawn.std().item() == pytest.approx(0.3, rel=1e-2)
    assert drawn.abs().max() <= 0.3 * 2.273694468677113 + 1e-6
    assert (truncated_normal_(torch.ones(4), 0.0) == 0).all()


def test_rms_norm_row_by_row():
    rows = torch.randn(3, 8, dtype=torch.float64)
    for v, ours in zip(rows, rms_norm(rows), strict=True):
        torch.testing.assert_close(ours, v / (v.norm() ** 2 / 8 + 1e-5).sqrt())


@pytest.mark.parametrize("change", [{}, MIXED])
def test_a_block_puts_every_token_on_a_sphere(change):
    torch.manual_seed(0)
    config = TRMConfig(**SMALL | change)
    out = Block(config)(3 * torch.randn(5, 9, 16), rope_table(9, 8))
    torch.testing.assert_close(out.square().mean(-1), torch.ones(5, 9), rtol=1e-3, atol=0)


def test_the_rotary_frequencies_are_divided_as_published():
    """1 / theta^(i/d) and theta^(-i/d) are not the same numbers: which ones stand here matters."""
    cos, sin = rope_table(25, 12)
    power = torch.arange(0, 12, 2, dtype=torch.float32) / 12
    position = torch.arange(25, dtype=torch.float32)
    published, other = (torch.outer(position, f) for f in (1.0 / 10000.0**power, 10000.0**-power))
    assert torch.equal(cos, torch.cat((published, published), 1).cos())
    assert torch.equal(sin, torch.cat((published, published), 1).sin())
    assert not torch.equal(published, other)


def test_turning_with_and_without_an_axis_of_heads():
    v, (cos, sin) = torch.randn(2, 7, 3, 8), rope_table(7, 8)  # [B, L, heads, d]
    apart = torch.stack([rotate(v[:, :, h], cos, sin) for h in range(3)], 2)
    assert torch.equal(rotate(v, cos[:, None], sin[:, None]), apart)


def test_attention_is_softmax_of_products_of_turned_pairs():
    torch.manual_seed(0)
    layer, v = Attention(12, num_heads=3).double(), torch.randn(2, 5, 12, dtype=torch.float64)
    qkv = v @ layer.qkv.weight.T
    turn = torch.polar(torch.ones(5, 2).double(), torch.outer(
        torch.arange(5).double(), torch.tensor([1.0, 1e-2], dtype=torch.float64)))  # fmt: skip
    mixed = []
    for h in range(3):  # queries of all heads, then keys, then values
        q, k, values = (qkv[..., s + 4 * h : s + 4 * h + 4] for s in (0, 12, 24))
        q, k = (torch.complex(p[..., :2], p[..., 2:]) * turn for p in (q, k))
        scores = (q @ k.mH).real / 2
        mixed.append(scores.softmax(-1) @ values)
    expected = torch.cat(mixed, -1) @ layer.out.weight.T
    torch.testing.assert_close(layer(v, rope_table(5, 4)), expected, rtol=1e-5, atol=1e-6)


def test_the_feed_forward_net_is_one_pass_of_the_same_blocks():
    torch.manual_seed(0)
    net, recursive = (
        FeedForward(FeedForwardConfig(**SMALL, **MIXED)),
        TRM(TRMConfig(**SMALL, **MIXED)),
    )
    halting_head = 2 * 16 + 2
    assert net.num_parameters() == recursive.num_parameters() - halting_head
    inputs = torch.randint(0, 6, (5, 9))
    v = 4 * net.embed_tokens(inputs, torch.float32)
    for layer in net.layers:
        v = layer(v, None)
    torch.testing.assert_close(net(inputs), net.lm_head(v))
    with pytest.raises(ValueError, match="mixer='tokens'"):
        FeedForward(FeedForwardConfig(**SMALL))
