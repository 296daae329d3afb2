import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hrm_course.data import PuzzleStream
from hrm_course.models import TRM, FeedForward, FeedForwardConfig, Output, TRMConfig
from hrm_course.models.reasoner import Answer, Trace
from hrm_course.tasks import Maze, Sudoku
from hrm_course.training import (
    AdamATan2,
    Score,
    TrainConfig,
    evaluate,
    evaluate_batches,
    reasoner_loss,
    stablemax,
    stablemax_cross_entropy,
    stop_rule,
    train,
)
from hrm_course.training.evaluate import Failures, by_depth, failures
from hrm_course.training.loop import schedule

TASK = Sudoku((2, 2))
SHAPE = dict(
    vocab_size=6, seq_len=16, hidden_size=16, mixer="tokens", position_code="none",
    H_cycles=2, L_cycles=1, inner_multiple=8,
)  # fmt: skip


def new_model(seed=0):
    torch.manual_seed(seed)
    return TRM(TRMConfig(**SHAPE))


def new_stream(seed=0):
    return PuzzleStream(TASK, *TASK.generate(50, 6, 0), batch_size=8, seed=seed)


MODEL = new_model()


def config(**change):
    return TrainConfig(**(dict(steps=12, warmup=4, segments=3, evaluate_every=5) | change))


def scores(model):
    return {"exact": evaluate(model, TASK, *TASK.generate(10, 6, 1), segments=2).exact}


# ---- losses ----------------------------------------------------------------------------------


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=8))
def test_stablemax_against_the_formula(values):
    s = [v + 1 if v >= 0 else 1 / (1 - v) for v in values]
    expected = torch.tensor(s, dtype=torch.float64) / sum(s)
    torch.testing.assert_close(stablemax(torch.tensor(values, dtype=torch.float64)), expected)


def test_stablemax_cross_entropy_of_equal_logits_is_ln_v():
    loss = stablemax_cross_entropy(torch.zeros(2, 11), torch.tensor([3, -100]))
    assert loss[0].item() == pytest.approx(math.log(11)) and loss[1] == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_gradient_at_a_logit_of_exactly_one_is_finite(dtype):
    logits = torch.tensor([1.0, 0.0, -1.0], dtype=dtype, requires_grad=True)
    stablemax(logits)[0].log().backward()
    assert torch.isfinite(logits.grad).all()


def test_the_loss_of_a_segment_by_hand():
    logits = torch.zeros(2, 3, 4, dtype=torch.float64)
    labels = torch.tensor([[0, 0, -100], [1, 1, 1]])  # argmax of equal logits is 0
    out = Output(logits, torch.tensor([0.0, 0.0]), torch.zeros(2))
    loss = reasoner_loss(out, labels)
    assert loss.correct.tolist() == [True, False]
    assert loss.cells.item() == pytest.approx(2 * math.log(4))
    assert loss.total.item() == pytest.approx(2 * math.log(4) + 0.5 * 2 * math.log(2))


# ---- halting ---------------------------------------------------------------------------------


@given(st.integers(0, 1_000), st.floats(0, 1))
def test_the_stop_rule(seed, exploration):
    generator = torch.Generator().manual_seed(seed)
    logit = torch.randn(64, generator=generator)
    steps = torch.randint(1, 9, (64,), generator=generator, dtype=torch.int32)
    halted = stop_rule(logit, steps, 8, exploration, generator)
    assert halted[steps == 8].all()  # the last segment always ends it
    assert not halted[(logit <= 0) & (steps < 8)].any()
    if exploration == 0:
        assert torch.equal(halted, (logit > 0) | (steps == 8))


def test_exploration_holds_back_as_often_as_it_should():
    n = 200_000
    generator = torch.Generator().manual_seed(0)
    steps = torch.full((n,), 2, dtype=torch.int32)
    halted = stop_rule(torch.ones(n), steps, 8, 0.3, generator)
    # held back when exploring (.3) with a floor of 3..8 out of 2..8 (6/7)
    assert (~halted).double().mean().item() == pytest.approx(0.3 * 6 / 7, abs=5e-3)


def test_one_segment_switches_halting_off():
    assert stop_rule(torch.full((3,), -5.0), torch.ones(3), 1).all()


# ---- the optimiser ---------------------------------------------------------------------------


@given(st.floats(-1e6, 1e6).filter(lambda g: abs(g) > 1e-6))
def test_the_first_step_has_the_same_length_for_every_gradient(g):
    p = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = AdamATan2([p], lr=0.01, weight_decay=0)
    p.grad = torch.tensor([g], dtype=torch.float64)
    optimizer.step()
    # lr / (1 - b1) * atan(1 - b1) with b1 = 0.9
    assert p.item() == pytest.approx(-math.copysign(0.01 * 0.9966865249, g), rel=1e-6)


def test_many_steps_against_numpy():
    rng = np.random.default_rng(0)
    gradients = rng.standard_normal((20, 5))
    lr, b1, b2, wd = 0.02, 0.9, 0.95, 0.3
    p, m, v = np.ones(5), np.zeros(5), np.zeros(5)
    for t, g in enumerate(gradients, start=1):
        p = p * (1 - lr * wd)
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        p = p - lr / (1 - b1**t) * np.arctan2(m, np.sqrt(v / (1 - b2**t)))
    ours = torch.nn.Parameter(torch.ones(5, dtype=torch.float64))
    optimizer = AdamATan2([ours], lr=lr, betas=(b1, b2), weight_decay=wd)
    for g in gradients:
        ours.grad = torch.from_numpy(g)
        optimizer.step()
    np.testing.assert_allclose(ours.detach().numpy(), p, rtol=1e-12)


def test_the_optimiser_calls_its_closure_and_refuses_nonsense():
    p = torch.nn.Parameter(torch.ones(1))
    assert AdamATan2([p]).step(lambda: (p * 2).sum()) == 2
    for wrong in (dict(lr=-1), dict(weight_decay=-1), dict(betas=(1.0, 0.9))):
        with pytest.raises(ValueError, match="AdamATan2 needs"):
            AdamATan2([p], **wrong)


def test_the_schedule_warms_up_and_decays():
    c = TrainConfig(steps=100, warmup=10, final_lr=0.1)
    assert [schedule(s, c) for s in (1, 5, 10)] == pytest.approx([0.1, 0.5, 1.0])
    assert [schedule(s, c) for s in (55, 100)] == pytest.approx([0.55, 0.1])
    published = TrainConfig(steps=9_000, warmup=2_000, final_lr=1.0)
    assert [schedule(s, published) for s in (1, 1_000, 2_000, 9_000)] == [1 / 2_000, 0.5, 1.0, 1.0]


# ---- data and evaluation ---------------------------------------------------------------------


def test_a_stream_depends_on_seed_and_step_alone():
    one, two = new_stream(), new_stream()
    batch = one[7]
    assert torch.equal(batch["inputs"], two[7]["inputs"])
    assert not torch.equal(batch["inputs"], one[8]["inputs"])
    assert not torch.equal(batch["inputs"], new_stream(1)[7]["inputs"])
    for puzzle, answer in zip(batch["inputs"], batch["labels"], strict=True):
        assert TASK.is_solution(TASK.decode(puzzle), TASK.decode(answer))
    with pytest.raises(ValueError, match="in pairs"):
        PuzzleStream(TASK, [], [], 8, 0)


def test_the_score_counts_whole_answers_and_cells():
    puzzles, solutions = TASK.generate(6, 6, 0)

    class Copycat(FeedForward):  # right where the puzzle has a given, wrong elsewhere
        def forward(self, inputs):
            return torch.nn.functional.one_hot(inputs, 6).float()

    net = Copycat(FeedForwardConfig(**SHAPE))
    score = evaluate(net, TASK, puzzles, solutions, batch_size=4)
    assert score == Score(exact=0.0, cells=10 / 16, n=6)
    with pytest.raises(ValueError, match="at least one puzzle"):
        evaluate(net, TASK, puzzles[:0], solutions[:0])


def test_one_pass_gives_the_score_of_every_depth():
    puzzles, solutions = TASK.generate(30, 6, 3)
    model, _ = train(new_model(), new_stream(), config(steps=40), progress=False)
    scores = by_depth(model, TASK, puzzles, solutions, 5, batch_size=7)
    for depth, score in enumerate(scores, start=1):
        again = evaluate(model, TASK, puzzles, solutions, depth)
        assert (score.exact, score.n) == (again.exact, 30)
        assert score.cells == pytest.approx(again.cells, abs=1e-12)
    assert len(scores) == 5 and len({score.cells for score in scores}) > 1
    with pytest.raises(ValueError, match="at least one puzzle"):
        by_depth(model, TASK, puzzles[:0], solutions[:0], 2)


FIT = TASK.generate(3, 6, 0)


@pytest.mark.parametrize(
    ("puzzles", "solutions", "said"),
    [
        (FIT[0][:0], FIT[1][:0], "at least one puzzle"),
        ([], [], "at least one puzzle"),
        (FIT[0], FIT[1][:2], r"\[n, 16\], not int64 \[3, 16\] and int64 \[2, 16\]"),
        (FIT[0][:, :9], FIT[1], r"not int64 \[3, 9\] and"),
        (FIT[0][:, :9], FIT[1][:, :9], r"not int64 \[3, 9\] and"),
        (FIT[0][0], FIT[1][0], r"not int64 \[16\] and"),
        (FIT[0].astype(float), FIT[1], r"whole numbers .* not float64 \[3, 16\] and int64"),
        (FIT[0] > 0, FIT[1], r"whole numbers .* not bool"),
        (FIT[0] + 2, FIT[1], "from 0 to 4; it holds 2 to 6"),
    ],
)
def test_what_can_not_be_evaluated_gets_a_sentence(puzzles, solutions, said):
    for measure in (evaluate, by_depth, failures):
        with pytest.raises(ValueError, match=said):
            measure(new_model(), TASK, puzzles, solutions, 2)


def test_models_of_another_task_get_a_sentence():
    nine, six = Sudoku((3, 3)), Sudoku((2, 3))
    for task in (nine, six, Maze(5)):
        puzzles = np.zeros((2, task.cells), dtype=int)
        for measure in (evaluate, by_depth, failures):
            with pytest.raises(ValueError, match=r"reads 16 cells of 6 kinds .* another task"):
                measure(new_model(), task, puzzles, puzzles, 2)
    net = FeedForward(FeedForwardConfig(**SHAPE))
    for measure in (by_depth, failures):
        with pytest.raises(ValueError, match="one pass and no segments: use evaluate"):
            measure(net, TASK, *FIT, 2)


@pytest.mark.parametrize("change", [{"segments": 0}, {"segments": "3"}, {"segments": 1.5}])
@pytest.mark.parametrize("measure", [evaluate, by_depth, failures])
def test_segments_and_batches_are_whole_numbers(measure, change):
    for wrong in (change, {"segments": 2, "batch_size": 0}, {"segments": 2, "batch_size": None}):
        with pytest.raises(ValueError, match=f"^{[*wrong][-1]} must be a whole number from 1"):
            measure(new_model(), TASK, *FIT, **wrong)


@given(st.sampled_from(["u1", "i1", "u2", "i4", "u8"]), st.sampled_from(["u1", "i2", "i8"]))
def test_a_score_does_not_depend_on_the_kind_of_whole_numbers(one, other):
    puzzles, solutions = FIT[0].astype(one), FIT[1].astype(other)
    model = MODEL.eval()
    assert evaluate(model, TASK, puzzles, solutions, np.int64(2)) == evaluate(model, TASK, *FIT, 2)
    assert failures(model, TASK, puzzles, solutions, 2) == failures(model, TASK, *FIT, 2)
    assert by_depth(model, TASK, puzzles.tolist(), solutions, 2) == by_depth(model, TASK, *FIT, 2)


def test_batches_whose_labels_do_not_fit_get_a_sentence():
    batch = {"inputs": np.ones((2, 16), dtype=int), "labels": np.ones((2, 15), dtype=int)}
    with pytest.raises(ValueError, match=r"one shape, not \[2, 16\] and \[2, 15\]"):
        evaluate_batches(new_model(), [batch], 1)


def test_failures_counted_by_hand():
    puzzles, solutions = TASK.generate(5, 6, 3)
    truth = torch.from_numpy(TASK.encode(solutions))
    error = truth.clone()
    error[:, 3] = truth[:, 3] % 4 + 2  # another digit
    #                right throughout, lost and still, lost and moving, never right: still, moving
    right = torch.tensor([[1, 1, 0, 0, 0], [1, 0, 1, 0, 0], [1, 0, 0, 0, 0]]).bool()
    residual = torch.tensor([[9.0] * 5, [9.0] * 5, [0.0, 0.009, 0.011, 0.001, 3.0]])

    class Scripted(torch.nn.Module):
        lm_head, config = torch.nn.Linear(1, 1), TRMConfig(**SHAPE)

        def solve(self, inputs, segments, trace):
            assert segments == 3 and trace
            rows = [
                int(np.flatnonzero((TASK.encode(puzzles) == r).all(1))[0]) for r in inputs.numpy()
            ]
            tokens = torch.where(right[:, rows, None], truth[rows], error[rows])
            return Answer(tokens[-1], None, Trace(tokens, None, None, residual[:, rows]))

    found = failures(Scripted(), TASK, puzzles, solutions, 3, batch_size=2)
    assert found == Failures(wrong=4, lost=2, at_rest=2)
    with pytest.raises(ValueError, match="at least one puzzle"):
        failures(Scripted(), TASK, puzzles[:0], solutions[:0], 3)


@given(n=st.integers(1, 300), curriculum=st.integers(1, 50), step=st.integers(0, 60))
def test_a_curriculum_adds_puzzles_until_all_are_in_play(n, curriculum, step):
    boards = np.tile(TASK.generate(1, 6, 3)[1], (n, 1))
    stream = PuzzleStream(TASK, boards, boards, 4, 0, curriculum=curriculum)
    assert stream.in_play(0) == max(1, round(n / 3))
    assert 1 <= stream.in_play(step) <= stream.in_play(step + 1) <= n
    assert stream.in_play(curriculum) == n
    assert PuzzleStream(TASK, boards, boards, 4, 0).in_play(0) == n


def test_a_curriculum_draws_from_the_head_of_the_list():
    puzzles, solutions = TASK.generate(30, (4, 8), 3)
    order = np.argsort((puzzles == 0).sum(1), kind="stable")
    puzzles, solutions = puzzles[order], solutions[order]
    plain = PuzzleStream(TASK, puzzles, solutions, 64, 0)
    grown = PuzzleStream(TASK, puzzles, solutions, 64, 0, curriculum=10)
    most = [int((grown[step]["inputs"] == 1).sum(1).max()) for step in range(0, 11, 5)]
    blanks = (puzzles == 0).sum(1)
    assert most == [blanks[9], blanks[19], blanks[29]]
    for step in (10, 11, 500):
        torch.testing.assert_close(grown[step], plain[step])


@given(k=st.integers(0, 50), n=st.integers(50, 400))
def test_the_interval_of_wilson(k, n):
    """Against the formula."""
    z, p = 1.959964, k / n
    centre, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = ((centre + side * spread) / (1 + z * z / n) for side in (-1, 1))
    assert Score(k / n, 0.0, n).interval == pytest.approx((max(low, 0), high), abs=1e-6)


# ---- the loop --------------------------------------------------------------------------------


def test_training_learns_and_logs():
    best, log = train(new_model(), new_stream(), config(steps=60, lr=1e-2), scores, progress=False)
    assert [row["step"] for row in log] == list(range(5, 61, 5))
    assert log[-1]["loss"] < log[0]["loss"] and not best.training


def test_the_average_follows_the_weights():
    stream = new_stream()
    frozen, _ = train(new_model(), stream, config(ema=1.0), progress=False)
    torch.testing.assert_close(frozen.state_dict(), new_model().state_dict())  # never moves
    model = new_model()
    newest, _ = train(model, stream, config(ema=0.0), progress=False)
    torch.testing.assert_close(newest.state_dict(), model.state_dict())  # is the newest


def test_a_loss_that_explodes_is_said():
    model = new_model()
    with torch.no_grad():
        model.lm_head.weight.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="smaller lr"):
        train(model, new_stream(), config(), progress=False)


def test_the_log_is_plain_numbers():
    _, log = train(new_model(), new_stream(), config(), scores, progress=False)
    json.dumps(log)
