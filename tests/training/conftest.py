import signal
from dataclasses import replace

import pytest

from hrm_course.training import RECIPES


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
    from hrm_course.training import run

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
