"""The variants: published sizes, depths, and equality with equations typed from the paper's text."""

import pytest
import torch
from plain_models import Plain

from hrm_course.models import HRM, TRM
from hrm_course.models.variants import (
    PUBLISHED,
    TABLE_1,
    TABLE_2,
    TABLE_3,
    ContinueHead,
    MultiScale,
    OneStepGradient,
    Recurrent,
    SingleLatent,
    TwoNetworks,
)
from hrm_course.training import TrainConfig, continue_target

BLOCK, HEADS = 2_508_288, 2 * 11 * 512 + 1026  # parameters, from the facts' shapes
PARAMETERS = {
    "HRM": 27_275_266,
    "TRM": 2 * BLOCK + HEADS,
    "continue head": 2 * BLOCK + HEADS,
    "two networks": 4 * BLOCK + HEADS,
    "no EMA": 2 * BLOCK + HEADS,
    "4 layers, n=3": 4 * BLOCK + HEADS,
    "self-attention": 6_828_034,
    "T=2, n=2": 2 * BLOCK + HEADS,
    "1-step gradient": 2 * BLOCK + HEADS,
}
DEPTH = dict(zip(PARAMETERS, (24, 42, 42, 42, 42, 48, 42, 12, 42), strict=True))
ACCURACY = dict(
    zip(PARAMETERS, (55.0, 87.4, 86.1, 82.4, 79.9, 79.5, 74.7, 73.7, 56.5), strict=True)
)
SMALL = dict(
    vocab_size=5, seq_len=6, hidden_size=8, num_heads=2, H_cycles=2, L_cycles=3, inner_multiple=4,
    mixer="tokens", position_code="none", forward_dtype="float64",
)  # fmt: skip


@pytest.mark.parametrize("name", TABLE_1)
def test_table_1_as_published(name):
    row = TABLE_1[name]
    with torch.device("meta"):  # shapes only
        model = row.build(**PUBLISHED)
    assert model.num_parameters() == PARAMETERS[name]
    assert round(PARAMETERS[name] / 1e6) == row.millions
    c = model.config
    assert c.H_cycles * (c.L_cycles + 1) * c.num_layers == DEPTH[name]
    assert row.accuracy == ACCURACY[name]
    assert row.passes == (2 if model.learns_to_continue else 1)
    TrainConfig(steps=1, **row.training)  # the changes are settings of the trainer


def test_a_class_of_table_1_changes_nothing_but_itself():
    for row in TABLE_1.values():
        if row.model not in (TRM, HRM):
            assert row.model.__base__ is TRM and not row.config and not row.training
    assert TABLE_1["TRM"].config == TABLE_1["TRM"].training == TABLE_1["no EMA"].config == {}
    assert TABLE_1["no EMA"].training == {"ema": 0.0}


def test_tables_2_and_3():
    assert [row.accuracy for row in TABLE_2.values()] == [87.4, 77.6, 71.9]
    with torch.device("meta"):
        latents = [len(row.build(**PUBLISHED).initial_state(1)) for row in TABLE_2.values()]
    assert latents == [2, 7, 1]
    assert (3, 3, 61.6, TABLE_1["TRM"].accuracy) in TABLE_3
    assert (2, 2, TABLE_1["HRM"].accuracy, 81.9) in TABLE_3
    assert len(TABLE_3) == 7


@pytest.fixture
def inputs():
    return torch.randint(0, 5, (3, 6), generator=torch.Generator().manual_seed(1))


def make(kind, **change):
    torch.manual_seed(0)
    model = kind(kind.config_class(**(SMALL | change)))
    with torch.no_grad():
        model.q_head.weight.normal_()
    return model


def by_hand(model, state, x):
    """A segment of each variant, written from the text of the paper: n = 3, T = 2."""
    T, n, plain = 2, 3, Plain(model)

    def F(v):
        return plain.stack("layers", v)

    z = list(state)
    for _ in range(T):
        if isinstance(model, Recurrent):
            for _ in range(n + 1):
                z = [F(z[0] + x)]
        elif isinstance(model, SingleLatent):
            for _ in range(n):
                z = [F(z[0] + x)]
            z = [F(z[0])]
        elif isinstance(model, MultiScale):
            y, z1, z2, z3 = z
            z1 = F(z1 + z2 + z3 + y + x)
            z2 = F(z1 + z2 + z3 + y + x)
            z3 = F(z1 + z2 + z3 + y + x)
            z = [F(y + z1 + z2 + z3), z1, z2, z3]
        else:
            y, s = z
            for _ in range(n):
                s = F(s + y + x)
            z = [plain.stack("H_layers", y + s) if isinstance(model, TwoNetworks) else F(y + s), s]
    return z


KINDS = [TRM, ContinueHead, TwoNetworks, OneStepGradient, SingleLatent, MultiScale, Recurrent]


@pytest.mark.parametrize("kind", KINDS)
def test_a_segment_is_the_one_in_the_paper(kind, inputs):
    model = make(kind)
    x = 8**0.5 * model.embed_tokens.weight.double()[inputs]
    state = model.initial_state(3)
    with torch.no_grad():
        for _ in range(2):
            expected = by_hand(model, state, x)
            state, out = model.segment(state, inputs)
            for ours, theirs in zip(state, expected, strict=True):
                torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)
            logits = expected[0] @ model.lm_head.weight.double().T
            torch.testing.assert_close(out.logits, logits, rtol=0, atol=1e-9)


def test_one_step_gradient_is_that_of_the_last_two_calls(inputs):
    model = make(OneStepGradient)
    state = model.initial_state(3)
    model.segment(state, inputs)[1].logits.square().sum().backward()
    ours = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    plain = Plain(model)
    x = plain.embed(inputs)
    with torch.no_grad():
        y, s = state
        for call in range(2 * 3 - 1):
            s = plain.stack("layers", s + y + x)
            y = plain.stack("layers", y + s) if call == 2 else y
    s = plain.stack("layers", s + y + x)
    y = plain.stack("layers", y + s)
    plain.read_out(y)[0].square().sum().backward()
    theirs = {n: p.grad for n, p in plain.w.items() if p.grad is not None}
    assert ours.keys() == theirs.keys()
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-5, atol=1e-6)
    full = make(TRM)
    full.segment(state, inputs)[1].logits.square().sum().backward()
    assert (full.embed_tokens.weight.grad - ours["embed_tokens.weight"]).norm() > 1e-3


def test_the_continue_head_halts_and_learns_as_in_hrm(inputs):
    model = make(ContinueHead)
    state, out = model.segment(model.initial_state(3), inputs)
    assert torch.equal(model.stop_logit(out), out.halt_logit - out.continue_logit)
    batch, steps = {"inputs": inputs}, torch.tensor([1, 2, 4])
    _, ahead = model.segment(state, inputs)
    best = torch.stack((ahead.halt_logit, ahead.continue_logit)).amax(0)
    expected = torch.where(torch.tensor([False, False, True]), ahead.halt_logit, best).sigmoid()
    target = continue_target(model, state, batch, steps, 4)
    torch.testing.assert_close(target, expected)
    assert continue_target(make(TRM), make(TRM).initial_state(3), batch, steps, 4) is None


def test_the_baseline_calls_its_network_as_often_as_a_trm(inputs, monkeypatch):
    counts = {}
    for kind in (TRM, SingleLatent, MultiScale, Recurrent):
        model, calls = make(kind), []
        monkeypatch.setattr(model, "refine", lambda *a, f=model.refine, c=calls: c.append(
            torch.is_grad_enabled()) or f(*a))  # fmt: skip
        model.segment(model.initial_state(3), inputs)
        counts[kind] = (len(calls), sum(calls))
    assert set(counts.values()) == {(8, 4)}  # T (n + 1) calls, n + 1 of them with a gradient


def test_state_names_are_those_of_the_official_variants():
    assert set(make(MultiScale).initial_state(1)._fields) == {"z_H", "z_L1", "z_L2", "z_L3"}
    buffers = {name for name, _ in make(MultiScale, L_cycles=6).named_buffers()}
    assert buffers == {"H_init", "L1_init", "L2_init", "L3_init", "L4_init", "L5_init", "L6_init"}
    assert {name for name, _ in make(SingleLatent).named_buffers()} == {"L_init"}
