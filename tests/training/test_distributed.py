"""Two processes that share each batch train the same model as one that has it all."""

import os
import signal
import socket
import time

import pytest
import torch
from test_resume import (
    FILE,
    Stream,
    assert_same,
    config,
    make,
    processes,
    read_metadata,
    saved_step,
    stopping,
)  # fmt: skip

from hrm_course import files
from hrm_course.training import train
from hrm_course.training.distributed import Share, join
from hrm_course.training.interruption import Stopped

SETTINGS = config(steps=6, checkpoint_every=3)
KINDS = ("trm with a puzzle table", "hrm", "feedforward")


def make_double(kind):
    """In double precision, so that what the order of a sum changes stays below the tolerance."""
    model = make(kind).double()
    object.__setattr__(model.config, "forward_dtype", "float64")
    return model


def one_of_two(rank, port, base, results):
    """All that the tests below look at, so that processes start once."""
    here = dict(RANK=str(rank), LOCAL_RANK=str(rank), MASTER_PORT=str(port))
    os.environ |= here | dict(WORLD_SIZE="2", MASTER_ADDR="127.0.0.1")
    torch.set_num_threads(1)
    share = join()
    for kind in KINDS:
        model, stream = make_double(kind), Stream(kind)
        best, log = train(model, stream, SETTINGS, None, base / kind, False, share)
        results.put((rank, kind, {k: v.numpy() for k, v in best.state_dict().items()}, log))
    wrote, write = [], files.write

    def slowly(path, content):
        time.sleep(0.3)
        wrote.append(path.name)
        write(path, content)

    files.write = slowly  # the second process alone is told to stop
    stream = stopping("trm", 2, signal.SIGTERM) if rank else Stream("trm")
    try:
        train(make_double("trm"), stream, SETTINGS, None, base / "stopped", False, share)
    except Stopped as stop:
        there = (base / "stopped" / FILE).exists()
        results.put((rank, "stopped", (str(stop), stop.status, there, wrote), None))


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    base = tmp_path_factory.mktemp("both")
    stream = stopping("hrm", 2)  # one process begins, two go on
    with pytest.raises(KeyboardInterrupt, match="after step 3"):
        train(make_double("hrm"), stream, SETTINGS, folder=base / "hrm", progress=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    results = processes.Queue()
    pair = [
        processes.Process(target=one_of_two, args=(rank, port, base, results)) for rank in (0, 1)
    ]
    for process in pair:
        process.start()
    try:
        found = [results.get(timeout=120) for _ in range(2 * len(KINDS) + 2)]
        for process in pair:
            process.join(timeout=60)
    finally:
        for process in pair:
            process.kill()
    return base, {(rank, what): (said, log) for rank, what, said, log in found}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_train_the_same_model_as_one(both, kind):
    base, found = both
    alone, log = train(make_double(kind), Stream(kind), SETTINGS, progress=False)
    for rank in (0, 1):
        weights, their_log = found[rank, kind]
        assert their_log == log
        for name, tensor in alone.state_dict().items():
            theirs = torch.from_numpy(weights[name])
            torch.testing.assert_close(theirs, tensor, rtol=1e-7, atol=1e-9)
    assert saved_step(base / kind) == 6  # and one process can take what two have saved
    again, _ = train(make_double(kind), Stream(kind), SETTINGS, folder=base / kind, progress=False)
    torch.testing.assert_close(again.state_dict(), alone.state_dict(), rtol=1e-7, atol=1e-9)


@pytest.mark.slow
def test_a_signal_to_one_process_stops_all_after_the_same_step(both):
    base, found = both
    for rank in (0, 1):
        (said, status, there, wrote), _ = found[rank, "stopped"]
        assert said.startswith("Interrupted after step 3 of 6; saved in") and status == 143
        assert there, "a process left before the checkpoint was written"
        assert wrote == ([] if rank else [FILE]), "it is written once, by the first process"
    assert read_metadata(base / "stopped")["step"] == 3
    alone, _ = train(make_double("trm"), Stream("trm"), SETTINGS, progress=False)
    model, stream = make_double("trm"), Stream("trm")
    again, _ = train(model, stream, SETTINGS, folder=base / "stopped", progress=False)
    torch.testing.assert_close(again.state_dict(), alone.state_dict(), rtol=1e-7, atol=1e-9)


def test_a_share_of_a_batch():
    rows = torch.arange(12).view(6, 2)
    assert torch.equal(torch.cat([Share(r, 3).mine(rows) for r in range(3)]), rows)
    with pytest.raises(ValueError, match="4 processes can't share a batch of 6"):
        Share(0, 4).mine(rows)


def test_without_torchrun_a_process_has_everything(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    share, model = join(), make("trm")
    assert (share.rank, share.world) == (0, 1)
    loss = torch.tensor(2.5)
    assert share.add_up(loss, model.parameters()) == 2.5  # no gradient is touched
    assert_same(model, make("trm"))
