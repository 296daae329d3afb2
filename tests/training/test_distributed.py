"""Two processes that share each batch train the same model as one that has it all."""

import multiprocessing
import os
import socket

import pytest
import torch
from test_resume import Stream, assert_same, config, make, saved_step

from hrm_course.training import train
from hrm_course.training.distributed import Share, join

SETTINGS = config(steps=6, checkpoint_every=3)


def make_double(kind):
    """In double precision, so that what the order of a sum changes stays below the tolerance."""
    model = make(kind).double()
    object.__setattr__(model.config, "forward_dtype", "float64")
    return model


def one_of_two(rank, port, kind, folder, results):
    here = dict(RANK=str(rank), LOCAL_RANK=str(rank), MASTER_PORT=str(port))
    os.environ |= here | dict(WORLD_SIZE="2", MASTER_ADDR="127.0.0.1")
    torch.set_num_threads(1)
    best, log = train(make_double(kind), Stream(kind), SETTINGS, None, folder, False, join())
    results.put((rank, {k: v.numpy() for k, v in best.state_dict().items()}, log))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["trm with a puzzle table", "hrm", "feedforward"])
def test_two_processes_train_the_same_model_as_one(tmp_path, kind):
    alone, log = train(make_double(kind), Stream(kind), SETTINGS, progress=False)
    if kind == "hrm":  # one process begins, two go on
        stream = Stream(kind)
        stream.stop = 2
        with pytest.raises(KeyboardInterrupt, match="after step 3"):
            train(make_double(kind), stream, SETTINGS, folder=tmp_path, progress=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    both = [
        context.Process(target=one_of_two, args=(rank, port, kind, tmp_path, results))
        for rank in range(2)
    ]
    for process in both:
        process.start()
    for _rank, weights, their_log in [results.get(timeout=120) for _ in both]:
        assert their_log == log
        for name, tensor in alone.state_dict().items():
            theirs = torch.from_numpy(weights[name])
            torch.testing.assert_close(theirs, tensor, rtol=1e-7, atol=1e-9)
    for process in both:
        process.join()
    assert saved_step(tmp_path) == 6  # and one process can take what two have saved
    again, _ = train(make_double(kind), Stream(kind), SETTINGS, folder=tmp_path, progress=False)
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
    share.add_gradients(model.parameters())  # nothing to add: no gradient is touched
    assert_same(model, make("trm"))
