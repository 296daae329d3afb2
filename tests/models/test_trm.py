import pytest
import torch

from hrm_course.dynamics import jacobian, orbit, residual
from hrm_course.models import TRM, FeedForward, FeedForwardConfig, State, TRMConfig
from hrm_course.models.layers import rms_norm, truncated_normal_

SMALL = dict(
    vocab_size=6, seq_len=9, hidden_size=16, num_heads=2, H_cycles=2, L_cycles=2, inner_multiple=8
)
CONFIGS = {
    "attention": TRMConfig(**SMALL),
    "tokens": TRMConfig(**SMALL, mixer="tokens", position_code="none"),
    "learned positions": TRMConfig(**SMALL, position_code="learned"),
    "one cycle": TRMConfig(**(SMALL | {"H_cycles": 1})),
    "float64": TRMConfig(**SMALL, forward_dtype="float64"),
}


def make(config, seed=0):
    torch.manual_seed(seed)
    model = TRM(config)
    with torch.no_grad():
        model.q_head.weight.normal_()  # zero at the start: the halting head would say one thing
    return model


@pytest.fixture(params=CONFIGS)
def model(request):
    return make(CONFIGS[request.param])


@pytest.fixture
def inputs():
    return torch.randint(0, 6, (5, 9), generator=torch.Generator().manual_seed(1))


def test_segment_map_is_the_segment(model, inputs):
    state = model.initial_state(5)
    f = model.segment_map(inputs)
    states = orbit(f, torch.stack(state, 1), 3)
    for k in range(3):
        with torch.no_grad():
            state, _ = model.segment(state, inputs)
        torch.testing.assert_close(states[k + 1], torch.stack(state, 1), rtol=1e-5, atol=1e-5)


def test_rows_do_not_influence_each_other(model, inputs):
    together = model.solve(inputs, segments=3, trace=True)
    alone = model.solve(inputs[2:3], segments=3, trace=True)
    torch.testing.assert_close(
        together.trace.confidence[:, 2:3], alone.trace.confidence, rtol=1e-4, atol=1e-5
    )


def test_the_trace_says_what_the_segments_did(model, inputs):
    answer = model.solve(inputs, segments=4, trace=True)
    trace = answer.trace
    assert trace.tokens.shape == (4, 5, 9) and trace.halt_logit.shape == (4, 5)
    assert torch.equal(answer.tokens, trace.tokens[-1]) and (answer.segments == 4).all()
    states = orbit(model.segment_map(inputs), torch.stack(model.initial_state(5), 1), 4)
    expected = torch.stack([residual(model.segment_map(inputs), z, batched=True) for z in states])
    torch.testing.assert_close(trace.residual, expected[:4].float(), rtol=1e-3, atol=1e-4)


def test_early_halting_answers_with_the_first_segment_that_says_stop(model, inputs):
    full = model.solve(inputs, segments=4, trace=True).trace
    early = model.solve(inputs, segments=4, halt=True)
    says_stop = full.halt_logit > 0
    for row in range(5):
        stops = says_stop[:, row].nonzero().flatten().tolist()
        taken = stops[0] + 1 if stops else 4
        assert early.segments[row] == taken
        assert torch.equal(early.tokens[row], full.tokens[taken - 1, row])


def test_gradients_flow_through_the_last_cycle_only(inputs):
    model = make(CONFIGS["tokens"])
    z_H, z_L = (z.clone().requires_grad_() for z in model.initial_state(5))
    state, out = model.segment(State(z_H, z_L), inputs)
    assert not state.z_H.requires_grad and out.logits.requires_grad
    out.logits.sum().backward()
    assert z_H.grad is None and z_L.grad is None  # an earlier cycle stands in between
    assert all(p.grad is not None for n, p in model.named_parameters() if "q_head" not in n)


def test_states_lie_on_spheres(model, inputs):
    state, _ = model.segment(model.initial_state(5), inputs)
    for z in state:
        torch.testing.assert_close(
            z.square().mean(-1), torch.ones(5, z.shape[1]).to(z), rtol=1e-3, atol=0
        )


def test_the_segment_map_has_a_jacobian(inputs):
    model = make(CONFIGS["attention"])
    f = model.segment_map(inputs[:1])
    z = torch.stack(model.initial_state(1), 1)
    J = jacobian(f, z)
    v = torch.randn_like(z)
    numeric = (f(z + 1e-3 * v) - f(z - 1e-3 * v)) / 2e-3
    torch.testing.assert_close((J @ v.flatten()).view_as(z), numeric, rtol=1e-2, atol=1e-2)


def test_equal_seeds_give_equal_models_and_the_halting_head_starts_at_minus_five(inputs):
    torch.manual_seed(3)
    one = TRM(CONFIGS["attention"])
    torch.manual_seed(3)
    two = TRM(CONFIGS["attention"])
    assert all(
        torch.equal(a, b)
        for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    )
    _, out = one.segment(one.initial_state(5), inputs)
    assert (out.halt_logit == -5).all()


def test_bfloat16_runs_and_keeps_float32_weights(inputs):
    model = make(TRMConfig(**SMALL, forward_dtype="bfloat16"))
    state, out = model.segment(model.initial_state(5), inputs)
    assert state.z_H.dtype == out.logits.dtype == torch.bfloat16
    assert out.halt_logit.dtype == torch.float32 == model.lm_head.weight.dtype


def test_a_notebook_in_double_precision_gets_the_same_model(inputs):
    expected = make(CONFIGS["attention"]).solve(inputs, 2, trace=True).trace
    torch.set_default_dtype(torch.float64)
    model = make(CONFIGS["attention"])
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    trace = model.solve(inputs, 2, trace=True).trace
    assert torch.equal(trace.confidence, expected.confidence)


def test_a_puzzle_table_needs_identifiers(inputs):
    model = make(TRMConfig(**SMALL, puzzle_embedding_size=20, num_puzzles=3))
    assert model.config.prefix == 2 and model.config.length == 11
    ids = torch.tensor([0, 1, 2, 0, 1])
    assert model.solve(inputs, 2, puzzle_identifiers=ids).tokens.shape == (5, 9)
    with pytest.raises(ValueError, match="pass puzzle_identifiers"):
        model.solve(inputs, 2)
    for wrong in (ids[:3], ids + 1, ids - 1):
        with pytest.raises(ValueError, match=r"must be 5 integers 0\.\.2"):
            model.solve(inputs, 2, puzzle_identifiers=wrong)


def test_a_table_of_one_puzzle_needs_no_identifiers(inputs):
    model = make(TRMConfig(**SMALL, puzzle_embedding_size=16))
    with torch.no_grad():
        model.puzzle_table.weight.fill_(0.3)
    plain = model.solve(inputs, 2, trace=True).trace
    said = model.solve(inputs, 2, trace=True, puzzle_identifiers=torch.zeros(5).long()).trace
    assert torch.equal(plain.confidence, said.confidence)


def test_save_and_load(tmp_path, model, inputs):
    model.save_pretrained(tmp_path)
    loaded = TRM.from_pretrained(tmp_path)
    assert loaded.config == model.config and not loaded.training
    assert torch.equal(loaded.solve(inputs, 2).tokens, model.solve(inputs, 2).tokens)
    with pytest.raises(ValueError, match="holds TRM, not FeedForward"):
        FeedForward.from_pretrained(tmp_path)
    with pytest.raises(FileNotFoundError, match="one of the shipped models"):
        TRM.from_pretrained("no-such-model")


def test_the_feed_forward_net_is_one_pass_of_the_same_blocks(tmp_path, inputs):
    config = FeedForwardConfig(**SMALL, mixer="tokens", position_code="none")
    torch.manual_seed(0)
    net = FeedForward(config)
    recursive = TRM(CONFIGS["tokens"])
    halting_head = 2 * 16 + 2
    assert net.num_parameters() == recursive.num_parameters() - halting_head
    v = 4 * net.embed_tokens(inputs, torch.float32)
    for layer in net.layers:
        v = layer(v, None)
    torch.testing.assert_close(net(inputs), net.lm_head(v))
    answer = net.solve(inputs)
    assert torch.equal(answer.tokens, net(inputs).argmax(-1)) and (answer.segments == 1).all()
    net.save_pretrained(tmp_path)
    assert torch.equal(FeedForward.from_pretrained(tmp_path)(inputs), net(inputs))


def test_the_initialiser_has_the_deviation_it_promises():
    torch.manual_seed(0)
    drawn = truncated_normal_(torch.empty(200_000), 0.3)
    assert drawn.std().item() == pytest.approx(0.3, rel=1e-2)
    assert drawn.abs().max() <= 0.3 * 2.273694468677113 + 1e-6
    assert (truncated_normal_(torch.ones(4), 0.0) == 0).all()


def test_rms_norm_against_torch():
    v = torch.randn(3, 8)
    torch.testing.assert_close(rms_norm(v), torch.nn.functional.rms_norm(v, (8,), eps=1e-5))


BAD = [
    (lambda: TRMConfig(6, 9, mixer="conv"), "mixer must be one of"),
    (lambda: TRMConfig(6, 9, position_code="sine"), "position_code must be one of"),
    (lambda: TRMConfig(6, 9, forward_dtype="int8"), "forward_dtype must be one of"),
    (lambda: TRMConfig(6, 9, prefix_length=4), "prefix_length needs a puzzle table"),
    (lambda: TRMConfig(6, 9, hidden_size=12, num_heads=4), "even width, not 3"),
    (lambda: make(CONFIGS["tokens"]).solve(torch.zeros(0, 9, dtype=torch.long)), r"\[batch, 9\]"),
    (lambda: TRM(TRMConfig(6, 9, hidden_size=10, num_heads=4)), "split into 4 heads"),
    (lambda: FeedForward(FeedForwardConfig(**SMALL)), "mixer='tokens'"),
    (lambda: make(CONFIGS["tokens"]).solve(torch.zeros(2, 8, dtype=torch.long)), r"\[batch, 9\]"),
    (lambda: make(CONFIGS["tokens"]).solve(torch.full((2, 9), 6)), r"integers 0\.\.5"),
    (lambda: make(CONFIGS["tokens"]).solve(torch.zeros(2, 9)), "integers"),
    (lambda: make(CONFIGS["tokens"]).solve(torch.ones(2, 9).long(), 0), "at least one segment"),
    (
        lambda: make(CONFIGS["tokens"]).solve(torch.ones(2, 9).long(), trace=True, halt=True),
        "halt=False with trace",
    ),
]


@pytest.mark.parametrize(("call", "sentence"), BAD)
def test_bad_input_gets_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
