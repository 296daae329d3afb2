"""Random initial states, in training and in use."""

import pytest
import torch

from hrm_course.data import PuzzleStream
from hrm_course.models import TRM, TRMConfig
from hrm_course.tasks import Sudoku
from hrm_course.training import Objective, StartsTrainConfig, TrainConfig, train
from hrm_course.training.checkpoint import save_checkpoint
from hrm_course.training.distributed import Share
from hrm_course.training.loop import Training, train_step

TASK = Sudoku((2, 2))
STREAM = PuzzleStream(TASK, *TASK.generate(20, 8, seed=0), batch_size=6, seed=0)
SETTINGS = dict(steps=6, warmup=1, segments=3, exploration=0.5, ema=0)


def model():
    torch.manual_seed(0)
    return TRM(
        TRMConfig(6, 16, hidden_size=16, mixer="tokens", position_code="none", inner_multiple=16)
    )


def trained(config, **more):
    best, log = train(model(), STREAM, config, progress=False, **more)
    return best.state_dict(), log


def test_without_random_starts_it_is_plain_training():
    plain, _ = trained(TrainConfig(**SETTINGS))
    none, _ = trained(StartsTrainConfig(**SETTINGS, random_starts=0.0))
    some, _ = trained(StartsTrainConfig(**SETTINGS))
    assert all(plain[name].equal(none[name]) for name in plain)
    assert not all(plain[name].equal(some[name]) for name in plain)


def test_only_new_puzzles_start_anew(monkeypatch):
    seen = []

    def look(self, training, slots, steps):
        seen.append((slots.state.z_H.clone(), steps.clone()))
        return plain(self, training, slots, steps)

    plain = Objective.__call__
    monkeypatch.setattr(Objective, "__call__", look)
    config = StartsTrainConfig(**SETTINGS, random_starts=1.0)
    training = Training(model(), config, STREAM[0], Share())
    fixed = training.model.initial_state(1).z_H[0]
    for step in range(4):
        before = training.slots.state.z_H.clone()
        train_step(training, STREAM[step])
        start, steps = seen[-1]
        new = steps == 1
        assert torch.equal(start[~new], before[~new])
        assert not any(torch.equal(row, fixed) for row in start[new])
        if new.any():
            assert start[new].std() == pytest.approx(1, abs=0.2)  # 256 numbers a row
    assert 0 < sum(int((steps == 1).sum()) for _, steps in seen[1:]) < 18  # both kinds occurred


def test_an_interruption_changes_no_draw(tmp_path):
    config = StartsTrainConfig(**SETTINGS, checkpoint_every=2)
    whole, _ = trained(config)
    training = Training(model(), config, STREAM[0], Share(), {"stream": STREAM})
    for step in range(4):
        train_step(training, STREAM[step])
    save_checkpoint(training, tmp_path)
    resumed, _ = trained(config, folder=tmp_path)
    assert all(whole[name].equal(resumed[name]) for name in whole)


def test_rows_of_other_processes_are_drawn_but_not_used(monkeypatch):
    """Two halves of a batch get the states that the whole batch gets."""
    states = []
    monkeypatch.setattr(
        Objective, "__call__", lambda self, training, slots, steps: states.append(slots.state.z_L)
    )

    class Half(Share):
        def all(self, rows):
            return torch.cat((rows, rows))  # as if both held the same steps

    config = StartsTrainConfig(**SETTINGS)
    for share in (Share(), Half(0, 2), Half(1, 2)):
        training = Training(model(), config, STREAM[0], share)
        rows = 6 // share.world
        training.objective(training, training.slots, torch.ones(rows, dtype=torch.int32))
    assert torch.equal(states[0], torch.cat(states[1:]))


def test_a_state_to_start_from():
    net, inputs = model(), STREAM[0]["inputs"]
    answer = net.solve(inputs, segments=3, trace=True)
    same = net.solve(inputs, 3, trace=True, state=net.initial_state(len(inputs)))
    assert same.trace.halt_logit.equal(answer.trace.halt_logit)
    state, _ = net.segment(net.initial_state(len(inputs)), inputs)
    later = net.solve(inputs, segments=2, trace=True, state=state)
    assert later.trace.residual.equal(answer.trace.residual[1:])
    start = net.random_state(len(inputs), torch.Generator().manual_seed(1))
    assert not net.solve(inputs, 3, state=start).tokens.equal(answer.tokens)
    with pytest.raises(ValueError, match="states z_H, z_L must be real numbers"):
        net.solve(inputs, state=net.random_state(5, torch.Generator()))


def test_a_share_of_starts_is_a_share():
    with pytest.raises(ValueError, match="random_starts must be a number from 0 to 1"):
        StartsTrainConfig(steps=1, random_starts=2.0)
