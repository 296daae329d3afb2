"""Every field of every model's configuration: what it takes, and a sentence for all else."""

import math
from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hrm_course.models import (
    CMMConfig,
    FeedForwardConfig,
    HRMConfig,
    TRMConfig,
)

CONFIGS = [HRMConfig, TRMConfig, CMMConfig, FeedForwardConfig]
WHOLE = {  # least and most
    "vocab_size": (1, 65_536),
    "seq_len": (1, 65_536),
    "hidden_size": (1, 65_536),
    "num_heads": (1, 65_536),
    "num_layers": (1, 1_000),
    "H_cycles": (1, 10_000),
    "L_cycles": (1, 10_000),
    "puzzle_embedding_size": (0, 65_536),
    "num_puzzles": (1, 2**31),
    "prefix_length": (0, 65_536),
    "inner_multiple": (1, 65_536),
    "grad_cycles": (1, 10_000),
}
REAL = {  # above the first or, where it is said, from it, to the last
    "expansion": (0, False, 1_000),
    "step_size": (0, False, 1),
    "noise": (0, True, 10),
}
CHOICE = {
    "mixer": ("attention", "tokens"),
    "position_code": ("rope", "learned", "none"),
    "forward_dtype": ("float32", "float64", "bfloat16"),
    "mlp": ("tanhglu", "tanh", "swiglu"),
    "norm_gain": (True, False),
    "identical_layers": (True, False),
    "start": ("input", "unit input", "fixed"),
    "noise_kind": ("additive", "multiplicative"),
    "noise_place": ("output", "input"),
}
EVERY = sorted({(kind, f.name) for kind in CONFIGS for f in fields(kind)}, key=str)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 12),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(max_size=8),
    st.sampled_from(["attention", "rope", "float32", "tanh", "input"]),
    st.sampled_from([[], {}, (1,), b"1", ["attention"], object(), float, torch.float32]),
    st.sampled_from([np.int64(4), np.float32(4), np.array([4]), np.array(["rope"])]),
    st.sampled_from([torch.tensor(4), torch.tensor([1, 2]), torch.ones(2)]),
)


def fits(name, value):
    """The rules once more, from the tables above."""
    if name in WHOLE:
        return type(value) is int and WHOLE[name][0] <= value <= WHOLE[name][1]
    if name in REAL:
        least, included, most = REAL[name]
        return (
            type(value) in (int, float)
            and math.isfinite(value)
            and least <= value <= most
            and (included or value != least)
        )
    return any(type(value) is type(c) and value == c for c in CHOICE[name])


@pytest.mark.parametrize(("kind", "name"), EVERY, ids=lambda x: getattr(x, "__name__", x))
@settings(max_examples=15)
@given(VALUES)
@example(True)
@example(1)
@example(0)
@example(float("nan"))
def test_a_wrong_value_gets_a_sentence_that_names_the_field(kind, name, value):
    told = {"vocab_size": 5, "seq_len": 4, "hidden_size": 12, "num_heads": 2}
    told |= {"H_cycles": 10_000, "puzzle_embedding_size": 6} | {name: value}
    try:
        config = kind(**told)
    except ValueError as error:
        message = str(error)
        assert message.endswith(".") and "\n" not in message
        if not fits(name, value):
            assert message.startswith(f"{name} must be ")
    else:
        assert fits(name, value) and getattr(config, name) is value


def test_every_field_has_a_rule_here():
    assert {name for _, name in EVERY} == WHOLE.keys() | REAL.keys() | CHOICE.keys()


COMBINATIONS = [
    (TRMConfig, dict(prefix_length=4), "prefix_length needs a puzzle table"),
    (HRMConfig, dict(hidden_size=12, num_heads=4), "even width, not 3"),
    (TRMConfig, dict(hidden_size=10, num_heads=4), "hidden_size 10 can't be split into 4 heads"),
    (TRMConfig, dict(puzzle_embedding_size=1025, prefix_length=2), "not fit into 2 prefix tokens"),
    (CMMConfig, dict(grad_cycles=4), "grad_cycles must be at most H_cycles = 3, not 4"),
]


@pytest.mark.parametrize(("kind", "change", "sentence"), COMBINATIONS)
def test_values_that_do_not_go_together_get_a_sentence(kind, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        kind(6, 9, **change)
