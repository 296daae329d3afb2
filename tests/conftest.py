import os
import signal
from dataclasses import replace

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from hypothesis import HealthCheck, settings

from hrm_course.zoo import RECIPES, run

torch.set_num_threads(1)
# No deadlines: how long an example takes says more about the machine than about the code.
settings.register_profile(
    "course",
    deadline=None,
    max_examples=30,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("course")


@pytest.fixture(autouse=True)
def undisturbed():
    """No test, and no notebook cell that a test runs, changes PyTorch's settings for the next."""
    yield
    torch.set_default_dtype(torch.float32)
    torch.set_num_threads(1)


def shrink(patch):
    """Every recipe in the size of a test."""
    sizes = dict(train_puzzles=20, test_puzzles=5, hidden_size=16, batch_size=4)
    for name, recipe in RECIPES.items():
        training = replace(recipe.training, steps=3, warmup=1, segments=2)
        start = (
            {"start": None} if getattr(recipe, "start", None) else {}
        )  # shipped weights are larger
        patch.setitem(RECIPES, name, replace(recipe, training=training, **sizes, **start))


@pytest.fixture
def tiny(monkeypatch):
    shrink(monkeypatch)


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory):
    """A finished run of the shrunk trm-sudoku-4x4, and what it returned: to be copied."""
    folder = tmp_path_factory.mktemp("run") / "seed0"
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        return folder, run("trm-sudoku-4x4", 0, folder, progress=False)


@pytest.fixture
def deaf():
    """A signal that training does not take is an error, and not the end of the tests."""

    def missed(*_signal):
        raise AssertionError("training did not take the signal")

    both = signal.SIGINT, signal.SIGTERM
    before = [signal.signal(number, missed) for number in both]
    yield
    for number, handler in zip(both, before, strict=True):
        signal.signal(number, handler)
