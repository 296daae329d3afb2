import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from hypothesis import HealthCheck, settings

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
