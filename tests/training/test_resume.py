"""A run may be interrupted or killed at any moment and continues to the same numbers."""

import csv
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors import safe_open

from hrm_course.models import HRM, TRM, FeedForward, FeedForwardConfig, HRMConfig, TRMConfig
from hrm_course.models.variants import Recurrent
from hrm_course.tasks import Sudoku
from hrm_course.training import PuzzleStream, TrainConfig, evaluate, train
from hrm_course.training.checkpoint import (
    FILE,
    load_checkpoint,
    save_checkpoint,
    seconds_spent,
)
from hrm_course.training.distributed import Share
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
    """Batches with puzzle identifiers; at the step ``stop`` somebody presses Ctrl-C."""

    stop = -1

    def __init__(self, kind):
        super().__init__(TASK, *TASK.generate(50, 6, 0), batch_size=8, seed=0)
        self.table = kind in ("hrm", "trm with a puzzle table")

    def __getitem__(self, step):
        if step == self.stop:
            os.kill(os.getpid(), signal.SIGINT)
        batch = super().__getitem__(step)
        ids = torch.arange(8) * (step + 1) % 5
        return batch | {"puzzle_identifiers": ids} if self.table else batch


def config(**change):
    settings = dict(steps=12, warmup=4, segments=3, evaluate_every=5, exploration=0.5)
    return TrainConfig(**settings | change)


def scores(model):
    if model.config.__dict__.get("puzzle_embedding_size"):
        return {}
    return {"exact": evaluate(model, TASK, *TASK.generate(10, 6, 1), segments=2).exact}


def assert_same(one, other):
    assert one.state_dict().keys() == other.state_dict().keys()
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name


@pytest.mark.parametrize("stop", [1, 5, 10])
@pytest.mark.parametrize("kind", MODELS)
def test_an_interrupted_run_resumes_bit_for_bit(tmp_path, stop, kind):
    whole_model, model = make(kind), make(kind)
    whole, whole_log = train(whole_model, Stream(kind), config(), scores, progress=False)
    stream = Stream(kind)
    stream.stop = stop
    with pytest.raises(KeyboardInterrupt, match=f"after step {stop + 1} of 12; saved in"):
        train(make(kind), stream, config(), scores, tmp_path, progress=False)
    resumed, log = train(model, Stream(kind), config(), scores, tmp_path, progress=False)
    assert log == whole_log
    assert_same(whole, resumed)
    assert_same(whole_model, model)
    with (tmp_path / "log.csv").open() as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == [5, 10, 12]


def test_the_time_of_all_pieces_counts(tmp_path):
    class Slow(Stream):
        def __getitem__(self, step):
            time.sleep(0.05)
            return super().__getitem__(step)

    stream = Slow("trm")
    stream.stop = 6
    with pytest.raises(KeyboardInterrupt):
        train(make("trm"), stream, config(), folder=tmp_path, progress=False)
    first = seconds_spent(tmp_path)
    train(make("trm"), Slow("trm"), config(), folder=tmp_path, progress=False)
    assert first >= 7 * 0.05 and seconds_spent(tmp_path) >= first + 5 * 0.05


def test_without_a_folder_an_interrupted_run_says_that_nothing_was_saved():
    before = signal.getsignal(signal.SIGINT)  # a shell may have started the tests without Ctrl-C
    stream = Stream("trm")
    stream.stop = 3
    with pytest.raises(KeyboardInterrupt, match=r"after step 4 of 12\. Nothing was saved"):
        train(make("trm"), stream, config(), progress=False)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_press_stops_at_once(tmp_path):
    class Impatient(Stream):
        def __getitem__(self, step):
            for _ in range(2 * (step == 3)):
                os.kill(os.getpid(), signal.SIGINT)
            return super().__getitem__(step)

    with pytest.raises(KeyboardInterrupt, match="at once"):
        train(make("trm"), Impatient("trm"), config(), folder=tmp_path, progress=False)
    assert not (tmp_path / FILE).exists()


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


# ---- files -----------------------------------------------------------------------------------


def test_a_checkpoint_of_another_run_or_a_damaged_one_is_refused(tmp_path):
    save_checkpoint(new_training(), tmp_path)
    for other in (new_training(lr=1.0), new_training("trm with a puzzle table")):
        with pytest.raises(ValueError, match="another model or configuration"):
            load_checkpoint(other, tmp_path)
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="can't be read"):
        load_checkpoint(new_training(), tmp_path)
    assert not load_checkpoint(new_training(), tmp_path / "none")


def test_a_save_that_fails_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    from hrm_course.training import checkpoint

    save_checkpoint(new_training(), tmp_path)
    good = (tmp_path / FILE).read_bytes()

    def full_disk(tensors, path, metadata):
        path.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(checkpoint, "save_file", full_disk)
    with pytest.raises(OSError, match="no space"):
        save_checkpoint(new_training(), tmp_path)
    assert (tmp_path / FILE).read_bytes() == good


# ---- processes that die ----------------------------------------------------------------------

SAVES_AND_DIES = """
import os, random, signal, sys, time
sys.path.insert(0, {here!r})
from test_resume import FILE, load_checkpoint, new_training, save_checkpoint
folder, moment, training = sys.argv[1], random.Random(0), new_training()
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
    assert load_checkpoint(training, folder)
    print(training.step > before, os.path.exists(os.path.join(folder, FILE + ".part")))
"""


def python(code, folder, **options):
    """A Python process that runs ``code``, where ``test_resume`` can be imported."""
    code = code.replace("{here!r}", repr(os.path.dirname(__file__)))
    return subprocess.Popen([sys.executable, "-c", code, str(folder)], text=True, **options)


@pytest.mark.slow
def test_killing_a_process_that_saves_never_costs_the_checkpoint(tmp_path):
    with python(SAVES_AND_DIES, tmp_path, stdout=subprocess.PIPE) as process:
        kills = [line.split() for line in process.stdout]
    assert process.returncode == 0 and len(kills) == 20
    assert ["True", "True"] in kills, "no kill fell into a save: the test has proved nothing"


TRAINS = """
import sys, time
sys.path.insert(0, {here!r})
from test_resume import *
class Sleepy(Stream):  # never gets past step 17
    def __getitem__(self, step):
        if step == 17:
            time.sleep(600)
        return super().__getitem__(step)
train(make("hrm"), Sleepy("hrm"), config(steps=30, checkpoint_every=5), folder=sys.argv[1])
"""


@pytest.mark.slow
def test_a_killed_run_continues_to_the_same_weights(tmp_path):
    settings = config(steps=30, checkpoint_every=5)
    whole, _ = train(make("hrm"), Stream("hrm"), settings, progress=False)
    process = python(TRAINS, tmp_path, stderr=subprocess.DEVNULL)
    while not (tmp_path / FILE).exists() or saved_step(tmp_path) < 15:
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert saved_step(tmp_path) == 15
    resumed, _ = train(make("hrm"), Stream("hrm"), settings, folder=tmp_path, progress=False)
    assert_same(whole, resumed)


def saved_step(folder):
    with safe_open(folder / FILE, framework="pt") as file:
        return int(file.metadata()["step"])
