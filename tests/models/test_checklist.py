"""The published models, item by item: what a re-implementation has to get right.

Each test's docstring begins with its number in the list of acceptance. The reference is
`plain_models.Plain`. Items 4 to 6 are in MODELS; 15, the names of tensors, is `test_official`.
"""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from plain_models import Plain

from hrm_course.data import PuzzleStream
from hrm_course.models import (
    HRM,
    TRM,
    HRMConfig,
    Output,
    State,
    TRMConfig,
    to_official,
)
from hrm_course.tasks import Sudoku
from hrm_course.training import (
    AdamATan2,
    SignSGD,
    Slots,
    TrainConfig,
    continue_target,
    reasoner_loss,
    refill,
    stablemax_cross_entropy,
    stop_rule,
    train,
)

V, S, D, B = 7, 9, 32, 3
SHAPE = dict(vocab_size=V, seq_len=S, hidden_size=D, num_heads=4)
TABLE = dict(puzzle_embedding_size=D, num_puzzles=5)
MODELS = {
    "hrm": (HRM, TABLE | dict(num_layers=2)),
    "hrm, learned positions, no table": (HRM, dict(num_layers=2, position_code="learned")),
    "hrm, two prefix tokens, padded": (HRM, dict(puzzle_embedding_size=50, num_puzzles=5)),
    "hrm, 3 x 1 cycles": (HRM, TABLE | dict(num_layers=1, H_cycles=3, L_cycles=1)),
    "trm": (TRM, TABLE | dict(prefix_length=16)),
    "trm, learned positions": (TRM, TABLE | dict(prefix_length=3, position_code="learned")),
    "trm, no table": (TRM, dict(H_cycles=2, L_cycles=2)),
    "trm, tokens": (TRM, TABLE | dict(prefix_length=16, mixer="tokens", position_code="none")),
    "trm, one cycle": (TRM, dict(H_cycles=1, L_cycles=3)),
    "hrm, tokens": (HRM, TABLE | dict(num_layers=1, mixer="tokens", position_code="none")),
    "trm, no positions, three layers": (TRM, dict(num_layers=3, L_cycles=1, position_code="none")),
}


def build(name, **change):
    kind, shape = MODELS[name]
    torch.manual_seed(0)
    model = kind(kind.config_class(**(SHAPE | shape | change)))
    with torch.no_grad():  # at the start these say nothing
        model.q_head.weight.normal_(std=0.3)
        model.q_head.bias.normal_(std=0.3)
        if model.config.prefix:
            model.puzzle_table.weight.normal_()
    return model


def puzzle(seed=1):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randint(0, V, (B, S), generator=generator)
    return inputs, torch.tensor([0, 3, 0])


# ---- the reference ---------------------------------------------------------------------------


def both_run(model, segments):
    """Ours and the reference, segment by segment."""
    plain, (inputs, ids) = Plain(model), puzzle()
    state = model.initial_state(B)
    for _ in range(segments):
        z_H, z_L, logits, q = plain.segment(*state, inputs, ids)
        state, out = model.segment(state, inputs, ids if plain.P else None)
        yield (*state, out.logits, out.halt_logit, out.continue_logit), (z_H, z_L, logits, *q.T)


# ---- 1: counts -------------------------------------------------------------------------------

TASKS = {"sudoku": (11, 81), "maze": (6, 900), "arc": (12, 900)}
PUBLISHED = {
    "hrm": (HRM, dict(puzzle_embedding_size=512)),
    "trm": (TRM, dict(puzzle_embedding_size=512, prefix_length=16)),
    "trm, tokens": (
        TRM,
        dict(puzzle_embedding_size=512, prefix_length=16, mixer="tokens", position_code="none"),
    ),
}
COUNTS = {
    ("hrm", "sudoku"): 27_275_266,
    ("hrm", "maze"): 27_270_146,
    ("hrm", "arc"): 27_276_290,
    ("trm", "sudoku"): 6_828_034,
    ("trm", "maze"): 6_822_914,
    ("trm", "arc"): 6_829_058,
    ("trm, tokens", "sudoku"): 5_028_866,
    ("trm, tokens", "maze"): 18_795_522,
    ("trm, tokens", "arc"): 18_801_666,
}


@pytest.mark.parametrize(("pair", "count"), COUNTS.items())
def test_published_counts(pair, count):
    """1. The parameters of all nine pairs of model and task, and the tensors of a checkpoint."""
    kind, shape = PUBLISHED[pair[0]]
    with torch.device("meta"):  # shapes only
        model = kind(kind.config_class(*TASKS[pair[1]], **shape))
    assert model.num_parameters() == count
    assert len(model.state_dict()) == (39 if kind is HRM else 15)


def test_published_shapes():
    """1. The keys and shapes of the published Sudoku checkpoints."""
    with torch.device("meta"):
        hrm, _ = to_official(HRM(HRMConfig(11, 81, puzzle_embedding_size=512)))
        kind, shape = PUBLISHED["trm, tokens"]
        trm, _ = to_official(kind(kind.config_class(11, 81, **shape)))
    for state, key, size in (
        (hrm, "H_level.layers.3.self_attn.qkv_proj.weight", [1536, 512]),
        (hrm, "L_level.layers.3.self_attn.o_proj.weight", [512, 512]),
        (hrm, "L_level.layers.0.mlp.gate_up_proj.weight", [3072, 512]),
        (hrm, "H_level.layers.0.mlp.down_proj.weight", [512, 1536]),
        (hrm, "q_head.bias", [2]),
        (hrm, "embed_tokens.embedding_weight", [11, 512]),
        (hrm, "puzzle_emb.weights", [1, 512]),
        (hrm, "H_init", [512]),
        (trm, "L_level.layers.1.mlp_t.gate_up_proj.weight", [1024, 97]),
        (trm, "L_level.layers.1.mlp_t.down_proj.weight", [97, 512]),
    ):
        assert list(state["model.inner." + key].shape) == size


# ---- 2, 3: forward ---------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "segments"), [("float32", 4), ("bfloat16", 2)])
@pytest.mark.parametrize("name", MODELS)
def test_forward(name, dtype, segments):
    """2, 3. Equal bits of logits, halting heads and states: the published operations in order.

    Weights are float32 and cast at each use; z_H + x is added first. States that are equal to the
    last bit stay so: a few segments stand for the sixteen.
    """
    model = build(name, forward_dtype=dtype)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert {b.dtype for b in (model.H_init, model.L_init)} == {model.dtype}
    with torch.no_grad():
        for ours, plain in both_run(model, segments):
            for mine, reference in zip(ours, plain, strict=True):
                assert mine.dtype == reference.dtype and torch.equal(mine, reference)
            assert ours[2].dtype == model.dtype and ours[3].dtype == torch.float32


def test_bfloat16_sums_tell_their_order():
    """3. What the previous test can see: in bfloat16 (a + b) + c is not a + (b + c)."""
    a, b, c = torch.randn(3, 4000, generator=torch.Generator().manual_seed(0)).bfloat16()
    assert ((a + b) + c != a + (b + c)).float().mean() > 0.2


# ---- 5: learned positions --------------------------------------------------------------------


def test_learned_positions():
    """5. The constant is 0.707106781, and prefix positions have codes of their own."""
    model = build("trm, learned positions", forward_dtype="float64").double()
    assert model.embed_positions.weight.shape == (3 + S, D)
    inputs, ids = puzzle()
    x = model.embed(inputs, ids)
    table, positions = model.puzzle_table.weight[ids], model.embed_positions.weight
    expected = math.sqrt(D) * 0.707106781 * (table + positions[0])
    torch.testing.assert_close(x[:, 0], expected, rtol=1e-12, atol=0)
    exact_root = expected / 0.707106781 * math.sqrt(0.5)
    assert not torch.allclose(x[:, 0], exact_root, rtol=1e-12, atol=0)
    torch.testing.assert_close(x[0, 2], math.sqrt(D) * 0.707106781 * positions[2])


# ---- 7: gradients ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_gradients(name):
    """7. Every gradient, embeddings and puzzle table included, equals the reference's."""
    model = build(name)
    plain, (inputs, ids) = Plain(model), puzzle()
    state = model.initial_state(B)
    weights = torch.randn(B, S, V, generator=torch.Generator().manual_seed(2))
    _, out = model.segment(state, inputs, ids if plain.P else None)
    ((out.logits * weights).sum() + out.halt_logit.sum() - 2 * out.continue_logit.sum()).backward()
    *_, logits, q = plain.segment(*state, inputs, ids)
    ((logits * weights).sum() + q[:, 0].sum() - 2 * q[:, 1].sum()).backward()
    gradients = {k: p.grad for k, p in model.named_parameters()}
    for key, reference in plain.w.items():
        if key in gradients:
            difference = gradients[key].to_dense() - reference.grad
            assert difference.norm() <= 1e-4 * reference.grad.norm(), key
        else:
            assert key.endswith("_init") and reference.grad is None


# ---- 8, 9: halting ---------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(2, 6), st.sampled_from([0.0, 0.5, 1.0]))
def test_halting_and_exploration(seed, segments, exploration):
    """8. Row by row: halt when told or at the end, but explorers not before their floor.

    Both draws are made at every call, first `rand`, then `randint`.
    """
    logit = torch.randn(40, generator=torch.Generator().manual_seed(seed))
    steps = torch.arange(40, dtype=torch.int32) % segments + 1
    torch.manual_seed(seed)
    halted = stop_rule(logit, steps, segments, exploration)
    after = torch.rand(1)
    torch.manual_seed(seed)
    explorers = torch.rand(40, dtype=torch.float32)
    floors = torch.randint(2, segments + 1, (40,), dtype=torch.int32)
    assert torch.equal(after, torch.rand(1))
    for i in range(40):
        floor = floors[i].item() if explorers[i] < exploration else 0
        wants = logit[i] > 0 or steps[i] >= segments
        assert halted[i].item() == bool(wants and steps[i] >= floor)


@pytest.mark.parametrize("name", ["hrm", "trm, tokens"])
def test_slot_replacement(name):
    """8. A halted slot starts anew with the fresh row; the others keep row, state and age."""
    model = build(name)
    old, fresh = ({"inputs": puzzle(s)[0], "puzzle_identifiers": puzzle()[1]} for s in (1, 2))
    state = State(*(torch.randn_like(z) for z in model.initial_state(B)))
    slots = Slots(state, torch.tensor([3, 1, 2]), torch.tensor([True, False, True]), old)
    new = refill(model, slots, fresh)
    assert new.steps.tolist() == [0, 1, 0]
    for row, halted in enumerate(slots.halted):
        source = fresh if halted else old
        assert torch.equal(new.batch["inputs"][row], source["inputs"][row])
        for z, before, start in zip(new.state, state, (model.H_init, model.L_init), strict=True):
            expected = start.expand_as(before[row]) if halted else before[row]
            assert torch.equal(z[row], expected)


def test_hrm_stops_where_halting_promises_more():
    """9. HRM compares its two heads, strictly; TRM asks whether the halting head is above 0."""
    out = Output(torch.zeros(3, S, V), torch.tensor([-5.0, 2.0, -1.0]), torch.tensor([-5.0, 3, -2]))
    assert (build("hrm").stop_logit(out) > 0).tolist() == [False, False, True]
    assert (build("trm").stop_logit(out) > 0).tolist() == [False, True, False]
    assert HRM.learns_to_continue and not TRM.learns_to_continue


def test_the_target_of_the_continue_head():
    """9. A second segment, the better promise, in the last segment the halting one, a sigmoid."""
    model, (inputs, ids) = build("hrm"), puzzle()
    state, _ = model.segment(model.initial_state(B), inputs, ids)
    batch = {"inputs": inputs, "puzzle_identifiers": ids}
    with torch.no_grad():
        q = Plain(model).segment(*state, inputs, ids)[-1]
    q = q.tolist()
    assert any(go_on > halt for halt, go_on in q)
    steps = torch.tensor([3, 4, 1])
    best = [max(q[0]), q[1][0], max(q[2])]  # the second row is at the last of 4 segments
    target = continue_target(model, state, batch, steps, 4)
    expected = torch.tensor([1 / (1 + math.exp(-v)) for v in best])
    torch.testing.assert_close(target, expected, rtol=1e-5, atol=1e-6)
    assert not target.requires_grad
    last = continue_target(model, state, batch, torch.tensor([4, 4, 4]), 4)
    torch.testing.assert_close(last, torch.tensor([1 / (1 + math.exp(-h)) for h, _ in q]))
    assert continue_target(model, state, batch, steps, 1) is None
    assert continue_target(build("trm"), state, batch, steps, 4) is None


# ---- 10, 11: losses --------------------------------------------------------------------------


def test_stablemax():
    """10. ln V on equal logits; a finite gradient at a logit of exactly 1, in any type."""
    for constant in (0.0, 1.0, -3.0):
        loss = stablemax_cross_entropy(torch.full((11,), constant), torch.tensor(4))
        assert loss.item() == pytest.approx(math.log(11)) and loss.dtype == torch.float64
    for dtype in (torch.bfloat16, torch.float32, torch.float64):
        v = torch.tensor([1.0, 1.0, -2.0], dtype=dtype, requires_grad=True)
        stablemax_cross_entropy(v, torch.tensor(0)).backward()
        # p = (2, 2, 1/3) / (13/3): d(-log p_0)/dv = (-1/2 + 3/13, 3/13, 1/9 * 3/13)
        expected = torch.tensor([-1 / 2 + 3 / 13, 3 / 13, 1 / 39], dtype=dtype)
        torch.testing.assert_close(v.grad, expected, rtol=1e-2, atol=1e-3)


def hand_made_output():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(B, S, V, generator=generator)
    labels = logits.argmax(-1)
    labels[0, :4] = -100
    labels[1, 2] = (labels[1, 2] + 1) % V  # one cell wrong
    labels[2] = -100  # padding
    return Output(logits, torch.randn(B, generator=generator), torch.randn(B)), labels


@pytest.mark.parametrize("softmax", [False, True])
def test_the_loss(softmax):
    """11. Means over a row's counted cells, summed over rows; half of both heads' losses."""
    out, labels = hand_made_output()
    target = torch.tensor([0.3, 0.9, 0.5])
    loss = reasoner_loss(out, labels, target, softmax)
    cells = heads = 0.0
    for b in range(B):
        row = []
        for v, label in zip(out.logits[b].tolist(), labels[b].tolist(), strict=True):
            s = [math.exp(a) if softmax else a + 1 if a >= 0 else 1 / (1 - a) for a in v]
            if label != -100:
                row.append(-math.log(s[label] / sum(s)))
        cells += sum(row) / max(len(row), 1)
        correct = 0.0 if b == 1 else 1.0  # the padded row counts as right
        for q, goal in ((out.halt_logit[b], correct), (out.continue_logit[b], target[b].item())):
            p = 1 / (1 + math.exp(-q))
            heads -= goal * math.log(p) + (1 - goal) * math.log(1 - p)
    assert loss.cells.item() == pytest.approx(cells, rel=1e-5)
    assert loss.total.item() == pytest.approx(cells + 0.5 * heads, rel=1e-5)
    assert loss.correct.tolist() == [True, False, True]


def test_the_continue_head_learns_only_where_it_has_a_target():
    """11. Without a target, as in TRM, the second head has no part in the loss."""
    out, labels = hand_made_output()
    go_on = out.continue_logit.requires_grad_()
    alone, both = reasoner_loss(out, labels), reasoner_loss(out, labels, torch.ones(B))
    assert not alone.total.requires_grad and both.total.requires_grad
    both.total.backward()
    torch.testing.assert_close(go_on.grad, 0.5 * (go_on.detach().sigmoid() - 1))


# ---- 12, 13: the optimisers and the average ---------------------------------------------------


@given(st.floats(1e-6, 1e6), st.booleans())
def test_the_first_step_of_adam_atan2(size, negative):
    """12. 0.99669 lr against the sign of the gradient, whatever its size."""
    p = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    p.grad = torch.full_like(p, -size if negative else size)
    AdamATan2([p], lr=0.02, weight_decay=0).step()
    assert p.item() == pytest.approx((1 if negative else -1) * 0.02 * 0.99669, rel=1e-5)


def test_adam_atan2_against_the_formula():
    """12. Five steps with weight decay, by hand."""
    lr, decay, b1, b2 = 0.01, 0.5, 0.9, 0.95
    p = torch.nn.Parameter(torch.tensor([0.7], dtype=torch.float64))
    optimizer = AdamATan2([p], lr=lr, weight_decay=decay)
    x, m, v = 0.7, 0.0, 0.0
    for t, g in enumerate([0.3, -2.0, 1e-9, 5.0, 0.0], start=1):
        p.grad = torch.tensor([g], dtype=torch.float64)
        optimizer.step()
        x *= 1 - lr * decay
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        x -= lr / (1 - b1**t) * math.atan2(m, math.sqrt(v / (1 - b2**t)))
        assert p.item() == pytest.approx(x, rel=1e-12)


def test_sign_sgd_sums_repeated_puzzles():
    """13. Gradients of a puzzle are summed before the sign; absent puzzles are left alone."""
    table = torch.nn.Embedding(5, 2, sparse=True).double()
    before = table.weight.detach().clone()
    optimizer = SignSGD(table.parameters(), lr=0.1, weight_decay=0.5)
    weights = torch.tensor([[3.0, 1], [2, -1], [-1, -4], [0, 1]]).double()
    (table(torch.tensor([2, 4, 2, 0])) * weights).sum().backward()  # puzzle 2 occurs twice
    optimizer.step()
    expected = before.clone()
    for row, signs in {2: (1, -1), 4: (1, -1), 0: (0, 1)}.items():
        expected[row] = before[row] * (1 - 0.1 * 0.5) - 0.1 * torch.tensor(signs).double()
    torch.testing.assert_close(table.weight.detach(), expected, rtol=1e-12, atol=0)


class WithIdentifiers:
    """A stream of 4x4 Sudoku batches in which every puzzle has the identifier 0 or 2."""

    def __init__(self):
        task = Sudoku((2, 2))
        self.stream = PuzzleStream(task, *task.generate(20, 8, 0), batch_size=4, seed=0)

    def __getitem__(self, step):
        ids = torch.tensor([0, 2, 2, 0])
        return self.stream[step] | {"puzzle_identifiers": ids}


@pytest.mark.parametrize("kind", [HRM, TRM])
def test_the_average_and_the_puzzle_table(kind):
    """13. The average leaves out both initial states and the puzzle table, which SignSGD moves."""
    torch.manual_seed(0)
    shape = dict(hidden_size=16, num_heads=2, num_layers=1, inner_multiple=8)
    table = dict(puzzle_embedding_size=16, num_puzzles=3)
    model = kind(kind.config_class(6, 16, **shape, **table))
    start = {key: value.clone() for key, value in model.state_dict().items()}
    settings = TrainConfig(steps=5, warmup=1, ema=0.9, lr=1e-2, puzzle_lr=0.01, segments=3)
    best, _ = train(model, WithIdentifiers(), settings, progress=False)
    raw = model.state_dict()
    for key, value in best.state_dict().items():
        if key.endswith("_init"):
            assert torch.equal(value, start[key]) and torch.equal(raw[key], start[key])
        elif key == "puzzle_table.weight":
            assert torch.equal(value, raw[key])
            assert (value[1] == 0).all() and value[0].abs().min() > 0 < value[2].abs().min()
        else:  # it lags behind
            assert (value - start[key]).norm() < (raw[key] - start[key]).norm(), key


def test_the_loss_is_divided_by_the_batch():
    """11. What the optimiser sees is the sum over the rows divided by their number."""
    torch.manual_seed(0)
    model = TRM(TRMConfig(6, 16, hidden_size=16, num_heads=2, num_layers=1, inner_multiple=8))
    stream = WithIdentifiers()
    batch = stream[0]
    _, out = model.segment(model.initial_state(4), batch["inputs"])
    expected = reasoner_loss(out, batch["labels"]).total.item() / 4
    settings = TrainConfig(steps=1, evaluate_every=1, lr=0.0)
    _, log = train(model, stream, settings, progress=False)
    assert float(log[-1]["loss"]) == pytest.approx(expected, rel=1e-3)


# ---- 14 and the initialisers -------------------------------------------------------------


def test_symmetries_keep_solutions_valid():
    """14. A Sudoku stays one under every augmentation (mazes and ARC: see tests/tasks)."""
    task = Sudoku((3, 3))
    puzzles, solutions = task.generate(5, 40, seed=0)
    for seed in range(5):
        for p, s in zip(*task.augment(puzzles, solutions, seed), strict=True):
            assert task.is_solution(p, s) and (p > 0).sum() == (puzzles[0] > 0).sum()


def drawn(shape, deviation, dtype=torch.float32):
    """The published initialiser, by its constants."""
    if deviation == 0:
        return torch.zeros(shape)
    sigma = 1.1368472343385565 * deviation
    z = 0.9544997361036416
    u = torch.empty(shape, dtype=dtype).uniform_(-z, z)
    return (u.erfinv_() * (math.sqrt(2) * sigma)).clip(-2 * sigma, 2 * sigma)


@pytest.mark.parametrize("name", MODELS)
def test_the_order_of_the_draws(name):
    """2. Equal seeds, equal models: the deviations, and the order in which tensors are drawn."""
    kind, shape = MODELS[name]
    torch.manual_seed(5)
    model = kind(kind.config_class(**(SHAPE | shape)))
    torch.manual_seed(5)
    c, state = model.config, to_official(model)[0]
    state = {k.removeprefix("model.inner."): v for k, v in state.items()}

    def expect(key, deviation):
        torch.testing.assert_close(
            state[key], drawn(state[key].shape, deviation), rtol=1e-5, atol=1e-7, msg=key
        )

    expect("embed_tokens.embedding_weight", D**-0.5)
    expect("lm_head.weight", D**-0.5)
    drawn((2, D), D**-0.5)  # the halting heads: drawn, then overwritten
    assert (state["q_head.weight"] == 0).all() and (state["q_head.bias"] == -5).all()
    if c.position_code == "learned":
        expect("embed_pos.embedding_weight", D**-0.5)
    if c.prefix:
        expect("puzzle_emb.weights", 0)
    for level in ("H", "L") if kind is HRM else ("L",):
        for i in range(c.num_layers):
            block = f"{level}_level.layers.{i}."
            mix = ("self_attn.qkv_proj", "self_attn.o_proj")
            if c.mixer == "tokens":
                mix = ("mlp_t.gate_up_proj", "mlp_t.down_proj")
            for part in (*mix, "mlp.gate_up_proj", "mlp.down_proj"):
                key = f"{block}{part}.weight"
                expect(key, state[key].shape[1] ** -0.5)
    expect("H_init", 1)
    expect("L_init", 1)
