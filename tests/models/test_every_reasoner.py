"""What every reasoner must do, whatever happens inside it."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm_course.dynamics import jacobian, orbit
from hrm_course.models import CMM, HRM, TRM, FeedForward, FeedForwardConfig, Reasoner
from hrm_course.models.variants import (
    ContinueHead,
    MultiScale,
    OneStepGradient,
    Recurrent,
    SingleLatent,
    TwoNetworks,
)
from hrm_course.training import continue_target, reasoner_loss

SMALL = dict(
    vocab_size=6,
    seq_len=9,
    hidden_size=16,
    num_heads=2,
    num_layers=2,
    H_cycles=2,
    L_cycles=2,
    inner_multiple=8,
)
MIXED = dict(mixer="tokens", position_code="none")
PUZZLES = dict(puzzle_embedding_size=20, num_puzzles=4)
EVERY = {
    "HRM": (HRM, {}),
    "HRM with tokens mixed and puzzles": (HRM, MIXED | PUZZLES),
    "TRM": (TRM, dict(position_code="learned") | PUZZLES),
    "TRM with tokens mixed": (TRM, MIXED),
    "continue head": (ContinueHead, MIXED),
    "two networks": (TwoNetworks, {}),
    "1-step gradient": (OneStepGradient, MIXED),
    "single latent": (SingleLatent, MIXED),
    "multi-scale": (MultiScale, MIXED | PUZZLES),
    "recurrent": (Recurrent, {}),
    "CMM": (CMM, PUZZLES),
    "CMM with tokens mixed": (CMM, MIXED | dict(mlp="tanh", norm_gain=True, noise=0.1)),
    "CMM, identical layers, damped": (CMM, dict(identical_layers=True, step_size=0.7)),
    "CMM from fixed states": (CMM, MIXED | dict(mlp="swiglu", start="fixed")),
}
STATES = {SingleLatent: 1, Recurrent: 1, MultiScale: 3}  # others have two; MultiScale at n = 2
B = 6


def make(kind, seed=0, dtype="float32", **change):
    torch.manual_seed(seed)
    model = kind(kind.config_class(**(SMALL | {"forward_dtype": dtype} | change)))
    with torch.no_grad():  # as they start, both heads say one thing about everything
        model.q_head.weight.normal_(std=0.7)
        model.q_head.bias.zero_()
        if model.config.prefix:
            model.puzzle_table.weight.normal_(std=0.3)
    return model


def puzzles(model, n=B, seed=1):
    """Keyword arguments for the model: tokens, and identifiers where it has a puzzle table."""
    draw = torch.Generator().manual_seed(seed)
    batch = {"inputs": torch.randint(0, 6, (n, 9), generator=draw)}
    if model.config.prefix:
        batch["puzzle_identifiers"] = torch.randint(0, 4, (n,), generator=draw)
    return batch


def start(model, batch):
    """The state before the first segment, for a model that starts from the puzzle or one that doesn't."""
    return model.initial_state(len(batch["inputs"]), **batch)


def rows(batch, index):
    return {key: value[index] for key, value in batch.items()}


def run(model, state, batch, segments):
    """States and outputs after each of several segments, by the face alone."""
    states, outs = [], []
    for _ in range(segments):
        with torch.no_grad():
            state, out = model.segment(state, **batch)
        states.append(state)
        outs.append(out)
    return states, outs


@pytest.fixture(params=EVERY)
def model(request):
    kind, change = EVERY[request.param]
    return make(kind, **change)


@pytest.fixture
def exact(model):
    """The same model in double precision."""
    return make(type(model), **(vars(model.config) | {"forward_dtype": "float64"}))


def test_the_initial_state(model):
    state = start(model, puzzles(model))
    n = model.config.L_cycles + 1 if isinstance(model, MultiScale) else STATES.get(type(model), 2)
    length = 9 + (2 if model.config.puzzle_embedding_size else 0)
    assert len(state) == n and {z.shape for z in state} == {(B, length, 16)}
    for z in state:
        assert z.dtype == torch.float32 and not z.requires_grad
        if getattr(model.config, "start", "fixed") == "fixed":  # one vector for all rows, positions
            assert torch.equal(z, z[:1, :1].expand(z.shape))
    assert len({z[0, 0, 0].item() for z in state}) == n


def test_a_segment_gives_a_state_like_the_one_it_got_and_an_output(model):
    batch = puzzles(model)
    before = start(model, batch)
    after, out = model.segment(before, **batch)
    assert type(after) is type(before)
    assert [z.shape for z in after] == [z.shape for z in before]
    assert out.logits.shape == (B, 9, 6)
    assert out.halt_logit.shape == out.continue_logit.shape == model.stop_logit(out).shape == (B,)


def test_the_segment_map_is_the_segment(model, exact):
    # Attention has another kernel in the map, so the two agree up to rounding.
    for reasoner, steps, tolerance in ((exact, 2, 1e-9), (model, 1, 1e-4)):
        batch = puzzles(reasoner)
        states, _ = run(reasoner, start(reasoner, batch), batch, steps)
        z = torch.stack(start(reasoner, batch), 1)
        with torch.no_grad():
            visited = orbit(reasoner.segment_map(**batch), z, steps)
        for step, state in enumerate(states, 1):
            expected = torch.stack(state, 1)
            torch.testing.assert_close(visited[step], expected, rtol=0, atol=tolerance)


def test_the_map_is_differentiable_in_both_modes_and_the_derivative_is_right(exact):
    batch = puzzles(exact, n=2)
    f, z = exact.segment_map(**batch), torch.stack(start(exact, batch), 1)
    z = f(z).detach()
    draw = torch.Generator().manual_seed(2)
    v = torch.randn(z.shape, generator=draw, dtype=z.dtype)
    w = torch.randn(z.shape, generator=draw, dtype=z.dtype)
    value, forward = torch.func.jvp(f, (z,), (v,))
    numeric = (f(z + 1e-6 * v) - f(z - 1e-6 * v)) / 2e-6
    torch.testing.assert_close(forward, numeric, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(value, f(z))
    _, backward = torch.func.vjp(f, z)
    assert (backward(w)[0] * v).sum().item() == pytest.approx((w * forward).sum().item(), rel=1e-8)


def test_rows_know_nothing_of_each_other_or_of_the_batch(model):
    batch = puzzles(model)
    together = model.solve(**batch, segments=3, trace=True).trace
    order = torch.tensor([4, 0, 5])
    for index in (order, torch.tensor([2])):
        apart = model.solve(**rows(batch, index), segments=3, trace=True).trace
        for name in ("confidence", "halt_logit", "residual"):
            theirs = getattr(together, name)[:, index]
            torch.testing.assert_close(getattr(apart, name), theirs, rtol=1e-4, atol=1e-5)
    changed = {key: value.clone() for key, value in batch.items()}
    changed["inputs"][0] = 5 - changed["inputs"][0]
    after = model.solve(**changed, segments=3, trace=True).trace
    torch.testing.assert_close(after.confidence[:, 1:], together.confidence[:, 1:])
    assert (after.confidence[:, 0] - together.confidence[:, 0]).abs().max() > 1e-4


def check_early_halting(model, batch, segments):
    early = model.solve(**batch, segments=segments, halt=True)
    _, outs = run(model, start(model, batch), batch, segments)
    for row in range(len(batch["inputs"])):
        says_stop = [bool(model.stop_logit(out)[row] > 0) for out in outs]
        taken = says_stop.index(True) + 1 if any(says_stop) else segments
        assert early.segments[row] == taken
        assert torch.equal(early.tokens[row], outs[taken - 1].logits[row].argmax(-1))
    return early.segments


def test_early_halting_is_right_for_each_row(model):
    taken = set()
    for seed in range(4):
        taken |= set(check_early_halting(model, puzzles(model, seed=seed), 4).tolist())
    assert len(taken) > 1  # the rows did not all stop together, or the test would show nothing


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(
        [HRM, TRM, ContinueHead, TwoNetworks, SingleLatent, MultiScale, Recurrent, CMM]
    ),
    mixer=st.sampled_from(["attention", "tokens"]),
    position_code=st.sampled_from(["rope", "learned", "none"]),
    layers=st.integers(1, 2),
    H_cycles=st.integers(1, 3),
    L_cycles=st.integers(1, 3),
    ndim=st.sampled_from([0, 5, 8, 12]),
    n=st.integers(1, 4),
    segments=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_any_small_configuration(
    kind, mixer, position_code, layers, H_cycles, L_cycles, ndim, n, segments, seed
):
    change = dict(mixer=mixer, position_code=position_code, num_layers=layers, H_cycles=H_cycles)
    change |= dict(L_cycles=L_cycles, hidden_size=8, puzzle_embedding_size=ndim, num_puzzles=4)
    model = make(kind, seed, dtype="float64", **change)
    batch = puzzles(model, n, seed)
    check_early_halting(model, batch, segments)
    states, _ = run(model, start(model, batch), batch, 1)
    z = torch.stack(start(model, batch), 1)
    torch.testing.assert_close(model.segment_map(**batch)(z), torch.stack(states[0], 1))


def test_the_trace_is_what_the_segments_did(model):
    batch = puzzles(model)
    answer = model.solve(**batch, segments=4, trace=True)
    trace = answer.trace
    assert trace.tokens.shape == trace.confidence.shape == (4, B, 9)
    assert trace.halt_logit.shape == trace.residual.shape == (4, B)
    states, outs = run(model, start(model, batch), batch, 4)
    before = start(model, batch)
    for step, (state, out) in enumerate(zip(states, outs, strict=True)):
        p, tokens = torch.softmax(out.logits, -1).max(-1)
        move = sum((a - b).square().sum((1, 2)) for a, b in zip(state, before, strict=True)).sqrt()
        assert torch.equal(trace.tokens[step], tokens)
        torch.testing.assert_close(trace.confidence[step], p)
        torch.testing.assert_close(trace.halt_logit[step], out.halt_logit)
        torch.testing.assert_close(trace.residual[step], move, rtol=1e-4, atol=1e-5)
        before = state
    assert torch.equal(answer.tokens, trace.tokens[-1]) and (answer.segments == 4).all()


def test_more_segments_go_on_where_fewer_ended(model):
    batch = puzzles(model)
    long = model.solve(**batch, segments=4, trace=True).trace
    early = [model.solve(**batch, segments=k, halt=True).segments for k in (1, 2, 3, 4)]
    for k in (1, 3):
        short = model.solve(**batch, segments=k)
        assert torch.equal(short.tokens, long.tokens[k - 1]) and short.trace is None
    for k, (now, later) in enumerate(pairwise(early), 1):
        assert (now >= 1).all() and (now <= k).all()
        assert ((later == now) | ((now == k) & (later == k + 1))).all()


def loss_of(model, state, batch, labels):
    after, out = model.segment(state, **batch)
    steps = torch.ones(B, dtype=torch.int32)
    return reasoner_loss(out, labels, continue_target(model, after, batch, steps, 8)).total


def test_every_trained_parameter_gets_a_gradient_and_no_buffer_does(model):
    batch = puzzles(model)
    labels = puzzles(model, seed=3)["inputs"]
    loss_of(model, start(model, batch), batch, labels).backward()
    for name, p in model.named_parameters():
        assert p.grad is not None, name
        gradient = p.grad.to_dense()
        assert torch.isfinite(gradient).all(), name
        if name.startswith("q_head"):  # the second head is trained by those that learn to continue
            assert (gradient[1].abs().max() > 0) == model.learns_to_continue
            gradient = gradient[0]
        assert gradient.abs().max() > 0, name
    assert not any(b.requires_grad for b in model.buffers())
    if model.config.prefix:  # rows of puzzles that are not in the batch stay as they are
        there = torch.zeros(4, dtype=torch.bool)
        there[batch["puzzle_identifiers"]] = True
        assert torch.equal(model.puzzle_table.weight.grad.to_dense().abs().sum(1) > 0, there)


def test_no_gradient_enters_the_state_or_leaves_with_it(model):
    batch = puzzles(model)
    first = start(model, batch)
    first = type(first)(*(z.clone().requires_grad_() for z in first))
    state, out = model.segment(first, **batch)
    assert not any(z.requires_grad for z in state) and out.logits.requires_grad
    out.logits.sum().backward()
    assert all(z.grad is None for z in first)


def calls(model, monkeypatch):
    """Whether each call of a network, in order, recorded a gradient."""
    recorded, refine = [], model.refine

    def noted(*args):
        recorded.append(torch.is_grad_enabled())
        return refine(*args)

    monkeypatch.setattr(model, "refine", noted)
    return recorded


def test_gradients_flow_through_the_last_calls_only(model, monkeypatch):
    c, recorded = model.config, calls(model, monkeypatch)
    model.segment(start(model, puzzles(model)), **puzzles(model))
    last = 2 if isinstance(model, HRM | OneStepGradient) else c.L_cycles + 1
    total = c.H_cycles * (c.L_cycles + 1)
    assert recorded == [False] * (total - last) + [True] * last
    recorded.clear()
    model.solve(**puzzles(model), segments=2)
    assert recorded == [False] * (2 * total)


def test_the_gradient_of_the_loss_knows_only_the_last_calls(exact):
    """Earlier calls are a constant for the gradient: a segment from the state they would leave,
    run with one cycle, has the same gradient."""
    c = exact.config
    if c.H_cycles == 1 or isinstance(exact, HRM | OneStepGradient):
        pytest.skip("nothing lies before the last cycle, or less than the last cycle counts")
    batch, labels = puzzles(exact), puzzles(exact, seed=3)["inputs"]
    first = start(exact, batch)
    exact.learns_to_continue = False  # its target would look one segment of another length ahead
    loss_of(exact, first, batch, labels).backward()
    ours = {name: p.grad.to_dense().clone() for name, p in exact.named_parameters()}
    exact.zero_grad()
    with torch.no_grad():
        for _ in range(c.H_cycles - 1):
            first = exact.cycle(*first, exact.embed(**batch))
    short = make(type(exact), **(vars(c) | {"H_cycles": 1}))
    short.load_state_dict(exact.state_dict())
    short.learns_to_continue = False
    loss_of(short, exact.state_class(*first), batch, labels).backward()
    for name, p in short.named_parameters():
        torch.testing.assert_close(ours[name], p.grad.to_dense(), rtol=1e-5, atol=1e-7)


def test_seeds_decide(model):
    kind, config = type(model), vars(model.config)
    one, two, other = make(kind, **config), make(kind, **config), make(kind, seed=1, **config)
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, two.state_dict()[name])
        if not name.endswith(("bias", "gain")):  # these start as constants
            assert not torch.equal(tensor, other.state_dict()[name]), name
    batch = puzzles(model)
    first = one.solve(**batch, segments=3, trace=True)
    torch.rand(5)  # solving draws nothing
    second = two.solve(**batch, segments=3, trace=True)
    assert torch.equal(first.trace.confidence, second.trace.confidence)
    assert torch.equal(first.tokens, second.tokens)


def test_a_new_model_trusts_no_answer(model):
    fresh = type(model)(model.config)
    _, out = fresh.segment(start(fresh, puzzles(fresh)), **puzzles(fresh))
    assert (out.halt_logit == -5).all() and (out.continue_logit == -5).all()
    assert (fresh.solve(**puzzles(fresh), segments=3, halt=True).segments == 3).all()


def test_save_and_load(tmp_path, model):
    model.save_pretrained(tmp_path)
    loaded = Reasoner.from_pretrained(tmp_path)
    assert type(loaded) is type(model) and loaded.config == model.config
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())
    ours, theirs = ({**m.state_dict(), **dict(m.named_buffers())} for m in (model, loaded))
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name]), name
    with pytest.raises(ValueError, match=f"holds {type(model).__name__}, not FeedForward"):
        FeedForward.from_pretrained(tmp_path)


def test_bfloat16_runs_on_float32_weights(model):
    twin = make(type(model), **(vars(model.config) | {"forward_dtype": "bfloat16"}))
    labels = puzzles(twin, seed=3)["inputs"]
    loss_of(twin, start(twin, puzzles(twin)), puzzles(twin), labels).backward()
    state, out = twin.segment(start(twin, puzzles(twin)), **puzzles(twin))
    assert {z.dtype for z in state} == {torch.bfloat16} == {out.logits.dtype}
    assert twin.stop_logit(out).dtype == torch.float32
    assert {p.dtype for p in twin.parameters()} == {torch.float32}
    assert all(p.grad.dtype == torch.float32 for p in twin.parameters())


def test_a_trace_of_rows_that_rest_gets_a_sentence(model):
    with pytest.raises(ValueError, match="halt=False with trace"):
        model.solve(**puzzles(model, n=2), trace=True, halt=True)


def test_a_table_of_one_puzzle_needs_no_identifiers():
    model = make(TRM, **PUZZLES | {"num_puzzles": 1})
    inputs = puzzles(model)["inputs"]
    plain = model.solve(inputs, 2, trace=True).trace
    ids = torch.zeros(B, dtype=torch.long)
    said = model.solve(inputs, 2, trace=True, puzzle_identifiers=ids).trace
    assert torch.equal(plain.confidence, said.confidence)


def test_a_notebook_in_double_precision_gets_the_same_model():
    expected = make(TRM).solve(**puzzles(make(TRM)), segments=2, trace=True).trace
    torch.set_default_dtype(torch.float64)
    model = make(TRM)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    trace = model.solve(**puzzles(model), segments=2, trace=True).trace
    assert torch.equal(trace.confidence, expected.confidence)


def test_the_segment_map_has_a_jacobian():
    """Instruments map the forward derivative over many directions at once."""
    model = make(TRM, dtype="float64")
    batch = puzzles(model, n=1)
    f, z = model.segment_map(**batch), torch.stack(start(model, batch), 1)
    J, v = jacobian(f, z), torch.randn(z.shape, dtype=torch.float64)
    _, derivative = torch.func.jvp(f, (z,), (v,))
    torch.testing.assert_close((J @ v.flatten()).view_as(z), derivative, rtol=1e-6, atol=1e-8)


@pytest.fixture
def feed_forward():
    torch.manual_seed(0)
    return FeedForward(FeedForwardConfig(**(SMALL | MIXED)))


def test_the_feed_forward_net_meets_what_applies_to_it(tmp_path, feed_forward):
    net, inputs = feed_forward, torch.randint(0, 6, (B, 9))
    logits = net(inputs)
    torch.testing.assert_close(net(inputs[[3, 1]]), logits[[3, 1]], rtol=1e-4, atol=1e-5)
    answer = net.solve(inputs)
    assert torch.equal(answer.tokens, logits.argmax(-1)) and answer.segments.tolist() == [1] * B
    logits.square().sum().backward()
    assert all(p.grad.abs().max() > 0 for p in net.parameters())
    net.save_pretrained(tmp_path)
    assert torch.equal(FeedForward.from_pretrained(tmp_path)(inputs), logits)
