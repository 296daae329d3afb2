"""The same recipe on another machine: bfloat16, compiled blocks, and what is refused."""

from functools import partial

import pytest
import torch

from hrm_course.cli import main
from hrm_course.models import CMM, TRM, CMMConfig, FeedForward, FeedForwardConfig, TRMConfig
from hrm_course.training import Machine
from hrm_course.training.losses import wide
from hrm_course.zoo import run

SHAPE = dict(
    vocab_size=6, seq_len=16, hidden_size=16, num_heads=2, mixer="tokens", position_code="none",
    H_cycles=2, L_cycles=1, num_layers=1, inner_multiple=8,
)  # fmt: skip


@pytest.mark.parametrize(
    "model",
    [
        lambda: TRM(TRMConfig(**SHAPE)),
        lambda: CMM(CMMConfig(**SHAPE)),
        lambda: FeedForward(FeedForwardConfig(**SHAPE)),
    ],
    ids=["trm", "cmm", "feedforward"],
)
def test_a_number_type_there_and_back_loses_no_weight(model):
    torch.manual_seed(0)
    model = model()
    before = torch.get_rng_state()
    half = model.computing_in("bfloat16")
    assert torch.equal(torch.get_rng_state(), before), "a copy must not draw from the generator"
    back = half.computing_in("float32")
    inputs = torch.randint(1, 6, (4, 16))
    for other in (half, back):
        for (name, a), b in zip(model.named_parameters(), other.parameters(), strict=True):
            assert a.dtype == b.dtype == torch.float32 and torch.equal(a, b), name
    for a, b in zip(half.buffers(), back.buffers(), strict=True):  # it starts as it was trained
        assert b.dtype == torch.float32 and torch.equal(a.float(), b)
    if isinstance(model, FeedForward):
        logits = half(inputs)
    else:
        logits = half.segment(half.initial_state(4, inputs), inputs)[1].logits
    assert logits.dtype == torch.bfloat16


def test_a_run_in_bfloat16_ships_float32(tiny, tiny_run, tmp_path):
    arguments = ["train", "trm-sudoku-4x4", "--out", str(tmp_path), "--bfloat16"]
    assert main(arguments) == 0
    model = TRM.from_pretrained(tmp_path / "trm-sudoku-4x4" / "seed0")
    assert model.config.forward_dtype == "float32"
    other = TRM.from_pretrained(tiny_run[0])
    pairs = list(zip(model.parameters(), other.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in pairs)
    assert all(torch.allclose(a, b, atol=0.2) for a, b in pairs)


@pytest.mark.slow
def test_compiled_blocks_train_alike_and_go_on_uncompiled(tiny, tiny_run, tmp_path, monkeypatch):
    # all of the compiler but its last stage, which would write C++ and wait for it to be compiled
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    compiled = run("trm-sudoku-4x4", 0, tmp_path / "a", False, machine=Machine(compile=True))
    assert compiled["parameters"] == tiny_run[1]["parameters"]
    a, b = map(TRM.from_pretrained, (tmp_path / "a", tiny_run[0]))
    for (name, p), q in zip(a.named_parameters(), b.parameters(), strict=True):
        assert torch.allclose(p, q, atol=2e-2), name


def test_what_a_machine_refuses(capsys, tmp_path, monkeypatch):
    for wrong in (dict(device="tpu"), dict(device=None), dict(bfloat16="yes"), dict(compile=2)):
        [name] = wrong
        with pytest.raises(ValueError, match=f"{name} must be one of"):
            Machine(**wrong)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert main(["train", "trm-sudoku-4x4", "--device", "cuda", "--out", str(tmp_path)]) == 2
    assert "sees no GPU of this kind" in capsys.readouterr().err
    with pytest.raises(ValueError, match="leave out --device mps"):
        Machine("mps")


def test_apple_gpus_are_taken_and_not_asked_for_wide_numbers(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert Machine("mps").device == "mps"

    class OnAnAppleGPU(torch.Tensor):
        device = torch.device("mps")

    narrow = torch.ones(2).as_subclass(OnAnAppleGPU)
    assert wide(narrow).dtype == torch.float32 and wide(torch.ones(2)).dtype == torch.float64
