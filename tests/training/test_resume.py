"""A run may be interrupted or killed at any moment and continues to the same numbers."""

import csv
import errno
import multiprocessing
import os
import random
import signal
import threading
import time

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from hrm_course.data import PuzzleStream
from hrm_course.models import HRM, TRM, FeedForward, FeedForwardConfig, HRMConfig, TRMConfig
from hrm_course.models.variants import Recurrent
from hrm_course.tasks import Sudoku
from hrm_course.training import TrainConfig, evaluate, interruption, train
from hrm_course.training.checkpoint import (
    FILE,
    load_checkpoint,
    read_metadata,
    save_checkpoint,
)
from hrm_course.training.distributed import Share
from hrm_course.training.interruption import Stopped
from hrm_course.training.loop import Training, train_step, update_average

TASK = Sudoku((2, 2))
SHAPE = dict(
    vocab_size=6, seq_len=16, hidden_size=16, num_heads=2, mixer="tokens", position_code="none",
    H_cycles=2, L_cycles=1, num_layers=1, inner_multiple=8,
)  # fmt: skip
TABLE = dict(puzzle_embedding_size=8, num_puzzles=5)
MODELS = {
    "trm": lambda: TRM(TRMConfig(**SHAPE)),
    "trm with a puzzle table": lambda: TRM(TRMConfig(**SHAPE | TABLE)),
    "trm in bfloat16": lambda: TRM(TRMConfig(**SHAPE, forward_dtype="bfloat16")),
    "hrm": lambda: HRM(HRMConfig(**SHAPE | TABLE | {"mixer": "attention"})),
    "recurrent": lambda: Recurrent(TRMConfig(**SHAPE)),  # its state is one tensor, not two
    "feedforward": lambda: FeedForward(FeedForwardConfig(**SHAPE)),
}


def make(kind):
    torch.manual_seed(0)
    model = MODELS[kind]()
    if kind != "feedforward":  # every row would stop at once: so the random draws decide
        torch.nn.init.constant_(model.q_head.bias[:1], 1.0)
    return model


class Stream(PuzzleStream):
    """Batches with puzzle identifiers; at the step ``_stop`` somebody sends a signal."""

    _stop, _signal = -1, signal.SIGINT

    def __init__(self, kind):
        super().__init__(TASK, *TASK.generate(50, 6, 0), batch_size=8, seed=0)
        self.table = kind in ("hrm", "trm with a puzzle table")

    def __getitem__(self, step):
        if step == self._stop:
            os.kill(os.getpid(), self._signal)
        batch = super().__getitem__(step)
        ids = torch.arange(8) * (step + 1) % 5
        return batch | {"puzzle_identifiers": ids} if self.table else batch


def stopping(kind, step, number=signal.SIGINT):
    stream = Stream(kind)
    stream._stop, stream._signal = step, number
    return stream


def config(**change):
    settings = dict(steps=12, warmup=4, segments=3, evaluate_every=5, exploration=0.5)
    return TrainConfig(**settings | change)


UNSEEN = TASK.generate(10, 6, 1)


def scores(model):
    if model.config.puzzle_embedding_size:
        return {}
    return {"exact": evaluate(model, TASK, *UNSEEN, segments=2).exact}


def assert_same(one, other):
    assert one.state_dict().keys() == other.state_dict().keys()
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name


@pytest.mark.parametrize("kind", MODELS)
def test_an_interrupted_run_resumes_bit_for_bit(tmp_path, kind):
    whole_model, model = make(kind), make(kind)
    whole, whole_log = train(whole_model, Stream(kind), config(), scores, progress=False)
    for stop in (1, 5, 10):
        with pytest.raises(KeyboardInterrupt, match=f"after step {stop + 1} of 12; saved in"):
            train(make(kind), stopping(kind, stop), config(), scores, tmp_path, progress=False)
    resumed, log = train(model, Stream(kind), config(), scores, tmp_path, progress=False)
    assert log == whole_log
    assert_same(whole, resumed)
    assert_same(whole_model, model)
    assert columns(tmp_path / "log.csv", "step") == ["5", "10", "12"]


def columns(path, name):
    with path.open() as file:
        return [row[name] for row in csv.DictReader(file)]


def test_the_time_of_all_pieces_counts(tmp_path):
    class Slow(Stream):
        def __getitem__(self, step):
            time.sleep(0.02)
            return super().__getitem__(step)

    stream = Slow("trm")
    stream._stop = 6
    with pytest.raises(KeyboardInterrupt):
        train(make("trm"), stream, config(), folder=tmp_path, progress=False)
    first = read_metadata(tmp_path)["seconds"]
    train(make("trm"), Slow("trm"), config(), folder=tmp_path, progress=False)
    assert first >= 7 * 0.02 and read_metadata(tmp_path)["seconds"] >= first + 5 * 0.02


# ---- signals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_both_signals_save_and_have_the_status_of_shells(tmp_path, number, status, deaf):
    before = signal.getsignal(number)
    with pytest.raises(Stopped, match="after step 4 of 12; saved in") as stop:
        train(make("trm"), stopping("trm", 3, number), config(), folder=tmp_path, progress=False)
    assert stop.value.status == status and read_metadata(tmp_path)["step"] == 4
    with pytest.raises(Stopped, match=r"after step 4 of 12\. Nothing was saved"):
        train(make("trm"), stopping("trm", 3, number), config(), progress=False)
    assert signal.getsignal(number) is before


def test_in_the_last_step_nothing_is_lost(tmp_path):
    model, _ = train(make("trm"), stopping("trm", 11), config(), progress=False)
    with pytest.raises(Stopped, match="after step 12 of 12; saved in"):
        train(make("trm"), stopping("trm", 11), config(), folder=tmp_path, progress=False)
    resumed, _ = train(make("trm"), Stream("trm"), config(), folder=tmp_path, progress=False)
    assert_same(model, resumed)


@pytest.mark.parametrize("pause", [0, 0.05])
def test_a_second_signal_stops_at_once_unless_it_is_an_echo(tmp_path, pause, monkeypatch, deaf):
    monkeypatch.setattr(interruption, "ECHO", 0.03)

    class Impatient(Stream):
        def __getitem__(self, step):
            if step == 3:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(pause)
                os.kill(os.getpid(), signal.SIGINT)
            return super().__getitem__(step)

    with pytest.raises(Stopped, match="at once" if pause else "after step 4 of 12; saved") as stop:
        train(make("trm"), Impatient("trm"), config(), folder=tmp_path, progress=False)
    assert (tmp_path / FILE).exists() == (pause == 0)
    assert stop.value.status == (130 if pause else 143)


def test_outside_the_main_thread_signals_are_left_alone():
    before = signal.getsignal(signal.SIGTERM)
    call = lambda: train(make("trm"), Stream("trm"), config(steps=2), progress=False)  # noqa: E731
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before


def new_training(kind="trm", **change):
    return Training(make(kind), config(**change), Stream(kind)[0], Share())


# ---- the average and the puzzle table --------------------------------------------------------


def test_the_average_is_the_published_one_and_leaves_the_puzzle_table_alone():
    kind = "trm with a puzzle table"
    training, stream = new_training(kind, ema=0.9), Stream(kind)
    shadow = {name: p.detach().clone() for name, p in training.model.named_parameters()}
    for step in range(4):
        train_step(training, stream[step])
        for name, p in training.model.named_parameters():
            shadow[name] = 0.9 * shadow[name] + 0.1 * p.detach()
    newest = dict(training.model.named_parameters())
    for name, mean in training.average.named_parameters():
        expected = newest[name] if "puzzle" in name else shadow[name]
        torch.testing.assert_close(mean, expected)
    assert newest["puzzle_table.weight"].abs().max() > 0
    update_average(training.average, training.model, 1.0)
    assert not torch.equal(training.average.lm_head.weight, training.model.lm_head.weight)


def test_the_puzzle_table_takes_steps_of_its_own_length():
    kind = "trm with a puzzle table"
    training = new_training(kind, warmup=2, puzzle_lr=0.5, puzzle_weight_decay=0.0)
    batch = Stream(kind)[0] | {"puzzle_identifiers": torch.tensor([0, 0, 0, 0, 2, 2, 2, 2])}
    train_step(training, batch)
    table = training.model.puzzle_table.weight
    assert set(table[[0, 2]].abs().flatten().tolist()) == {0.25}  # half warmed up
    assert (table[[1, 3, 4]] == 0).all()
    assert not any(table is p for p in training.optimizer.param_groups[0]["params"])


def test_without_averaging_there_is_no_average(tmp_path):
    training = new_training(ema=0)
    assert training.average is None and training.best_model() is training.model
    save_checkpoint(training, tmp_path)
    with safe_open(tmp_path / FILE, framework="pt") as file:
        assert not any(key.startswith("average") for key in file.keys())


# ---- the log ---------------------------------------------------------------------------------


def test_an_evaluation_may_find_other_things_each_time(tmp_path):
    found = iter([{"exact": np.float32(0.5)}, {"cells": torch.tensor([0.25])}, {}])
    _, log = train(make("trm"), Stream("trm"), config(), lambda _: next(found), tmp_path, False)
    assert [sorted(row)[:1] for row in log] == [["exact"], ["cells"], ["loss"]]
    assert columns(tmp_path / "log.csv", "exact") == ["0.5", "", ""]
    assert columns(tmp_path / "log.csv", "cells") == ["", "0.25", ""]


def test_a_run_may_go_on_with_another_evaluation(tmp_path):
    with pytest.raises(Stopped):
        train(make("trm"), stopping("trm", 6), config(), scores, tmp_path, progress=False)
    other = lambda model: {"of this time": 1}  # noqa: E731
    train(make("trm"), Stream("trm"), config(), other, tmp_path, progress=False)
    assert columns(tmp_path / "log.csv", "of this time") == ["", "1", "1"]
    assert columns(tmp_path / "log.csv", "exact")[1:] == ["", ""]


def test_a_log_that_was_not_written_after_the_last_checkpoint_is_made_up_for(tmp_path):
    train(make("trm"), Stream("trm"), config(), None, tmp_path, progress=False)
    (tmp_path / "log.csv").unlink()
    train(make("trm"), Stream("trm"), config(), None, tmp_path, progress=False)
    assert columns(tmp_path / "log.csv", "step") == ["5", "10", "12"]


@pytest.mark.parametrize("wrong", [None, 0.5, [1], {"cells": [0.5, 0.5]}, {"a": torch.ones(2)}])
def test_an_evaluation_that_returns_no_numbers_gets_a_sentence(wrong):
    with pytest.raises(ValueError, match="evaluate must return names with numbers"):
        train(make("trm"), Stream("trm"), config(), lambda _: wrong, progress=False)


# ---- files -----------------------------------------------------------------------------------


def test_a_damaged_checkpoint_is_refused(tmp_path):
    save_checkpoint(new_training(), tmp_path)
    path = tmp_path / FILE
    whole = path.read_bytes()
    other = save({"a": torch.ones(1)}, {"identity": "{", "step": "x"})
    for damaged in (whole[:100], whole[:-1], b"", b"{}", other):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=rf"{FILE} can't be read .* Delete this file"):
            load_checkpoint(new_training(), tmp_path)
    assert not load_checkpoint(new_training(), tmp_path / "none")


def test_a_full_disk_leaves_the_last_checkpoint_and_says_so(tmp_path, monkeypatch):
    settings = config(checkpoint_every=4, evaluate_every=100)
    with pytest.raises(Stopped):
        train(make("trm"), stopping("trm", 3), settings, folder=tmp_path, progress=False)
    good = (tmp_path / FILE).read_bytes()

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=f"{FILE} can't be written: No space left on device"):
            train(make("trm"), Stream("trm"), settings, folder=tmp_path, progress=False)
    assert (tmp_path / FILE).read_bytes() == good
    assert {path.name for path in tmp_path.iterdir()} <= {FILE, "log.csv"}
    whole, _ = train(make("trm"), Stream("trm"), settings, progress=False)
    resumed, _ = train(make("trm"), Stream("trm"), settings, folder=tmp_path, progress=False)
    assert_same(whole, resumed)


def test_files_are_flushed_through_descriptors_that_were_opened_for_writing(tmp_path, monkeypatch):
    """As Windows demands: there fsync of a file opened for reading is a bad descriptor."""
    fcntl = pytest.importorskip("fcntl")
    fsync, seen = os.fsync, []

    def strict(descriptor):
        mode = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
        if mode == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        seen.append(descriptor)
        return fsync(descriptor)

    monkeypatch.setattr(os, "fsync", strict)
    train(make("trm"), Stream("trm"), config(), folder=tmp_path, progress=False)
    assert len(seen) >= 4  # a checkpoint and three logs


# ---- processes that die ----------------------------------------------------------------------

# A process of this kind begins with everything imported: as one forked here, but without threads.
FORKS = "forkserver" in multiprocessing.get_all_start_methods()
processes = multiprocessing.get_context("forkserver" if FORKS else "spawn")
if FORKS:
    processes.set_forkserver_preload(["torch._dynamo", "hrm_course.training"])


def saves_and_is_killed(folder, results):
    moment, training = random.Random(0), new_training()
    save_checkpoint(training, folder)
    for _ in range(20):
        child = os.fork()
        if child == 0:
            while True:
                training.step += 1
                save_checkpoint(training, folder)
        time.sleep(0.05 + 0.05 * moment.random())
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        before, training = training.step, new_training()
        found = load_checkpoint(training, folder)
        results.put((found, training.step > before, (folder / (FILE + ".part")).exists()))


@pytest.mark.slow
@pytest.mark.skipif(not FORKS, reason="needs a system that forks")
def test_killing_a_process_that_saves_never_costs_the_checkpoint(tmp_path):
    results = processes.Queue()
    process = processes.Process(target=saves_and_is_killed, args=(tmp_path, results))
    process.start()
    kills = [results.get(timeout=60) for _ in range(20)]
    process.join(timeout=60)
    assert process.exitcode == 0 and all(found for found, *_ in kills)
    assert (True, True, True) in kills, "no kill fell into a save: the test has proved nothing"


def never_gets_past_step_17(folder):
    stream = Stream("hrm")
    Stream.__getitem__ = _asleep_at_17
    train(make("hrm"), stream, config(steps=30, checkpoint_every=5), folder=folder, progress=False)


def _asleep_at_17(stream, step, _batch=Stream.__getitem__):
    time.sleep(600 * (step == 17))
    return _batch(stream, step)


@pytest.mark.slow
def test_a_killed_run_continues_to_the_same_weights(tmp_path):
    settings = config(steps=30, checkpoint_every=5)
    whole, _ = train(make("hrm"), Stream("hrm"), settings, progress=False)
    process = processes.Process(target=never_gets_past_step_17, args=(tmp_path,))
    process.start()
    while not (tmp_path / FILE).exists() or saved_step(tmp_path) < 15:
        assert process.is_alive()
        time.sleep(0.02)
    process.kill()
    process.join()
    assert saved_step(tmp_path) == 15
    resumed, _ = train(make("hrm"), Stream("hrm"), settings, folder=tmp_path, progress=False)
    assert_same(whole, resumed)


def saved_step(folder):
    return read_metadata(folder)["step"]
