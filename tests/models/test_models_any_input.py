"""Tensors of any kind where a model takes tensors: the right result, or a sentence."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hrm_course.models import CMM, HRM, TRM, FeedForward, from_official, to_official
from hrm_course.models.variants import MultiScale, OneStepGradient, Recurrent

V, S, D = 6, 4, 8
SHAPE = dict(
    vocab_size=V, seq_len=S, hidden_size=D, num_heads=2, num_layers=1, H_cycles=1, L_cycles=2,
    inner_multiple=4,
)  # fmt: skip
MIXED = dict(mixer="tokens", position_code="none")
TABLE = dict(puzzle_embedding_size=D, num_puzzles=300)
KINDS = {
    "HRM": (HRM, {}),
    "TRM with puzzles": (TRM, TABLE),
    "CMM": (CMM, MIXED | TABLE),
    "one step": (OneStepGradient, MIXED),
    "recurrent": (Recurrent, MIXED),
    "multi-scale": (MultiScale, MIXED),
}
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
OTHERS = (torch.bool, torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64)


def make(name):
    kind, change = KINDS[name]
    torch.manual_seed(0)
    return kind(kind.config_class(**SHAPE | change))


def batch(model, dtype=torch.int64, n=3):
    """Tokens and, where there is a table, identifiers."""
    tokens = torch.randint(0, V, (n, S), generator=torch.Generator().manual_seed(1))
    ids = torch.arange(n) if getattr(model.config, "prefix", 0) else None
    return tokens.to(dtype), None if ids is None else ids.to(dtype)


def ways(model, inputs, ids):
    """Every public way to hand tokens to a reasoner."""
    good, good_ids = batch(model)
    state = model.initial_state(3, good, good_ids)
    yield lambda: model.embed(inputs, ids)
    yield lambda: model.segment(state, inputs, ids)[1]
    yield lambda: model.segment_map(inputs, ids)(torch.stack(state, 1))
    for halt in (False, True):
        yield lambda halt=halt: model.solve(inputs, 2, halt=halt, puzzle_identifiers=ids).tokens
    if getattr(model.config, "start", "fixed") != "fixed":
        yield lambda: model.initial_state(3, inputs, ids).z_H


def said(call):
    """The sentence that the call gives instead of a result."""
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value).endswith(".")
    return str(caught.value)


def same(one, two):
    one, two = (x if isinstance(x, tuple) else (x,) for x in (one, two))
    return all(a.dtype == b.dtype and torch.equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name", KINDS)
def test_integers_of_any_width_are_tokens_and_identifiers(name, dtype):
    model = make(name)
    expected = [way() for way in ways(model, *batch(model))]
    ours = [way() for way in ways(model, *batch(model, dtype))]
    assert all(map(same, ours, expected))


def test_a_narrow_type_does_not_narrow_the_answer():
    """The answer's tokens may be above what the type of the inputs holds."""
    torch.manual_seed(0)
    model = TRM(TRM.config_class(**SHAPE | MIXED | {"vocab_size": 1000}))
    inputs = torch.zeros(2, S, dtype=torch.uint8)
    assert torch.equal(model.solve(inputs, 1).tokens, model.solve(inputs.long(), 1).tokens)


WRONG = {
    "truth values": lambda tokens: tokens > 2,
    "halves": torch.Tensor.half,
    "narrow halves": torch.Tensor.bfloat16,
    "fractions": torch.Tensor.float,
    "complex numbers": lambda tokens: tokens + 0j,
    "an array": torch.Tensor.numpy,
    "a list": torch.Tensor.tolist,
    "no rows": lambda tokens: tokens[:0],
    "no cells": lambda tokens: tokens[:, :0],
    "one row without a batch": lambda tokens: tokens[0],
    "a cell too many": lambda tokens: torch.cat((tokens, tokens[:, :1]), 1),
    "one too large": lambda tokens: tokens + V,
    "one below 0": lambda tokens: tokens - V,
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("name", KINDS)
def test_what_are_no_tokens_gets_a_sentence(name, case):
    model = make(name)
    inputs, ids = batch(model)
    for way in ways(model, WRONG[case](inputs), ids):
        assert said(way).startswith(("Tokens must be integers 0..5", "This model reads tokens"))


NO_IDENTIFIERS = {
    "none": lambda ids: None,
    "fractions": torch.Tensor.float,
    "complex numbers": lambda ids: ids + 0j,
    "truth values": lambda ids: ids > 0,
    "no rows": lambda ids: ids[:0],
    "a column": lambda ids: ids[:, None],
    "one too large": lambda ids: ids + 300,
    "one below 0": lambda ids: ids - 1,
}


@pytest.mark.parametrize("case", NO_IDENTIFIERS)
@pytest.mark.parametrize("name", ["TRM with puzzles", "CMM"])
def test_what_are_no_identifiers_gets_a_sentence(name, case):
    model = make(name)
    inputs, ids = batch(model)
    for way in ways(model, inputs, NO_IDENTIFIERS[case](ids)):
        assert "puzzle_identifiers" in said(way)


@pytest.mark.parametrize("dtype", OTHERS + INTEGERS)
@pytest.mark.parametrize("name", KINDS)
def test_states_of_any_type(name, dtype):
    """Real states of any precision give what the same numbers in float64 give, up to rounding."""
    model = make(name)
    inputs, ids = batch(model)
    f = model.segment_map(inputs, ids)
    z = torch.stack(model.initial_state(3, inputs, ids), 1)
    z = f(z).detach().to(dtype)
    state = model.state_class(*z.unbind(1))
    if not dtype.is_floating_point:
        for call in (lambda: f(z), lambda: model.segment(state, inputs, ids)):
            assert "must be real numbers [3, " in said(call)
        return
    with torch.no_grad():
        exact = f(z.double())
        stepped, _ = model.segment(state, inputs, ids)
        tolerance = 0.3 if dtype in (torch.float16, torch.bfloat16) else 1e-3
        for result in (f(z), torch.stack(stepped, 1)):
            assert result.dtype.is_floating_point
            torch.testing.assert_close(result.double(), exact.double(), rtol=0, atol=tolerance)


NO_STATES = {
    "no rows": lambda z: z[:0],
    "another number of rows": lambda z: z[:2],
    "another length": lambda z: z[:, :, :-1],
    "another width": lambda z: z[..., :0],
    "one latent less": lambda z: z[:, :-1],
    "flat": lambda z: z.flatten(1),
}


@pytest.mark.parametrize("case", NO_STATES)
@pytest.mark.parametrize("name", KINDS)
def test_states_of_another_shape_get_a_sentence(name, case):
    model = make(name)
    inputs, ids = batch(model)
    z = NO_STATES[case](torch.stack(model.initial_state(3, inputs, ids), 1))
    assert "must be real numbers [3, " in said(lambda: model.segment_map(inputs, ids)(z))
    if z.dim() == 4:
        state = z.unbind(1)
        assert "must be real numbers [3, " in said(lambda: model.segment(state, inputs, ids))


@pytest.mark.parametrize("name", KINDS)
def test_many_states_of_one_puzzle_are_rows(name):
    model = make(name)
    inputs, ids = batch(model, n=1)
    f, z = model.segment_map(inputs, ids), torch.stack(model.initial_state(1, inputs, ids), 1)
    many = torch.cat((z, f(z), f(f(z)))).detach()
    with torch.no_grad():
        for row, image in zip(many, f(many), strict=True):
            torch.testing.assert_close(image, f(row[None])[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", [c for c in WRONG if c not in ("truth values",)])
def test_the_feed_forward_net(case):
    torch.manual_seed(0)
    net = FeedForward(FeedForward.config_class(**SHAPE | MIXED))
    inputs, _ = batch(net)
    for dtype in INTEGERS:
        assert same(net(inputs.to(dtype)), net(inputs))
        assert same(net.solve(inputs.to(dtype)).tokens, net.solve(inputs).tokens)
    for call in (net, net.solve):
        said(lambda call=call: call(WRONG[case](inputs)))


@given(
    st.sampled_from(sorted(KINDS)), st.one_of(st.integers(-3, 3), st.floats(), st.text(), st.none())
)
def test_counts_of_any_kind(name, n):
    model = make(name)
    inputs, ids = batch(model)
    whole = type(n) is int
    if whole and n >= 1:
        assert model.solve(inputs, n, puzzle_identifiers=ids).segments.tolist() == [n] * 3
    else:
        assert "at least one segment" in said(
            lambda: model.solve(inputs, n, puzzle_identifiers=ids)
        )
    if not isinstance(model, CMM):
        if whole and n >= 0:
            assert {z.shape for z in model.initial_state(n)} == {(n, model.config.length, D)}
        else:
            assert "batch_size" in said(lambda: model.initial_state(n))
    elif n != 3:
        assert "batch_size" in said(lambda: model.initial_state(n, inputs, ids))


@pytest.mark.parametrize("dtype", [*OTHERS, torch.int32, torch.int64])
def test_weights_of_any_type(dtype):
    torch.manual_seed(0)
    state, config = to_official(TRM(TRM.config_class(**SHAPE | {"inner_multiple": 256})))
    changed = state | {"model.inner.q_head.bias": state["model.inner.q_head.bias"].to(dtype)}
    if dtype.is_floating_point:
        bias = from_official(changed, config).q_head.bias
        assert bias.dtype == torch.float32 and bias.tolist() == [-5.0, -5.0]
    else:
        assert "q_head.bias is of the type" in said(lambda: from_official(changed, config))
    for empty in ({}, {"lm_head.weight": torch.zeros(0)}):
        assert "neither an HRM's nor a TRM's" in said(
            lambda empty=empty: from_official(empty, config)
        )


@pytest.mark.parametrize("thing", [None, 3, "TRM", torch.nn.Linear(2, 2)])
def test_what_is_no_model_has_no_official_form(thing):
    assert "official form" in said(lambda: to_official(thing))
