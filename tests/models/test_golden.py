"""Our HRM and TRM against outputs recorded from the official code (float32, CPU, small models).

`tests/fixtures/golden/README.md` says what the files hold. Float32 rounding depends on the processor
and on the number of threads, and these random models amplify it (the TRM with attention ten
thousand times a segment). So there are three comparisons:

- with the recording, each segment from the recorded state: a difference is a fault where it is
  above 1e-5 and more than ten times the rounding error, our float32 from our float64;
- with the recording, to the last digit and over all segments, where this processor rounds as the
  recording one did: that is, where the recorded heads of the recorded states come out exactly;
- with the published operations in the published order, to the last digit on any processor.
"""

import json
from functools import cache
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from plain_models import Plain
from safetensors import safe_open

from hrm_course.models import HRM, TRM, State, from_official
from hrm_course.models.official import _plain_name, _rename
from hrm_course.training import Slots, continue_target, reasoner_loss, refill, stop_rule

GOLDEN = Path(__file__).parents[1] / "fixtures" / "golden"
NAMES = {
    "hrm": HRM,
    "hrm_no_prefix": HRM,
    "trm_attention": TRM,
    "trm_attention_wide": TRM,
    "trm_mlp": TRM,
}


class Golden(dict):
    def under(self, prefix):
        return Golden({k.removeprefix(prefix): v for k, v in self.items() if k.startswith(prefix)})


def load(name):
    with safe_open(GOLDEN / f"{name}.safetensors", "pt") as file:
        # Copies, as products of tensors depend on where in memory a mapped file puts them.
        tensors = {key: file.get_tensor(key).clone() for key in file.keys()}
        config = json.loads(file.metadata()["config"])
    return Golden(tensors), config


def build(name, precise=False):
    tensors, config = load(name)
    if not precise:
        return from_official(tensors.under("state/"), config)
    config["forward_dtype"] = "float64"
    return from_official(tensors.under("state/"), config).double()


def recorded_state(tensors, model):
    return State(tensors["z_H"].to(model.dtype), tensors["z_L"].to(model.dtype))


def observe(out, state, loss):
    return {
        "logits": out.logits,
        "q_halt_logits": out.halt_logit,
        "q_continue_logits": out.continue_logit,
        "z_H": state.z_H,
        "z_L": state.z_L,
        "loss": loss.total,
        "metrics/lm_loss": loss.cells,
        "metrics/q_halt_loss": loss.halting,
    }


def evaluation(model, tensors, config):
    """One dict of results a segment."""
    batch, results = tensors.under("eval/batch/"), []
    state = model.initial_state(len(batch["inputs"]))
    for i in range(config["halt_max_steps"]):
        with torch.no_grad():
            state, out = model.segment(state, batch["inputs"], batch["puzzle_identifiers"])
        results.append(observe(out, state, reasoner_loss(out, batch["labels"])))
        state = recorded_state(tensors.under(f"eval/{i}/"), model)
    return results


def training(model, tensors, config):
    """One dict of results a call, with slot replacement and exploration; gradients at the last."""
    torch.manual_seed(7)
    limits = config["halt_max_steps"], config["halt_exploration_prob"]
    slots, results = None, []
    for i in range(3):
        expected = tensors.under(f"train/{i}/")
        fresh = expected.under("batch/")
        slots = refill(model, slots or Slots.empty(model, fresh), fresh)
        batch, ids = slots.batch, slots.batch["puzzle_identifiers"]
        state, out = model.segment(slots.state, batch["inputs"], ids)
        steps = slots.steps + 1
        halted = stop_rule(model.stop_logit(out).detach(), steps, *limits)
        target = continue_target(model, state, batch, steps, config["halt_max_steps"])
        loss = reasoner_loss(out, batch["labels"], target)
        assert torch.equal(halted, expected["halted"]) and torch.equal(steps, expected["steps"])
        results.append(observe(out, state, loss))
        if target is not None:
            results[-1] |= {
                "target_q_continue": target,
                "metrics/q_continue_loss": loss.continuing,
            }
        slots = Slots(recorded_state(expected, model), steps, halted, batch)
    loss.total.backward()
    for name, p in model.named_parameters():
        results[-1][f"grads/{name}"] = p.grad.to_dense() if p.grad.is_sparse else p.grad
    return results


def recorded(tensors, config, kind, mode, i, name):
    """The recorded result, gradients under our parameters' names."""
    here = tensors.under(f"{mode}/{i}/")
    if name == "grads/puzzle_table.weight":
        ids = tensors.under("train/")  # the rows of the batch, summed by puzzle
        ids = refilled_identifiers(ids)
        table = torch.zeros(config["num_puzzle_identifiers"], config["puzzle_emb_ndim"])
        return table.index_add(0, ids, here["puzzle_grad"])
    if name.startswith("grads/"):
        gradients = here.under("grads/")
        return {"grads/" + _rename(_plain_name(k), kind): v for k, v in gradients.items()}[name]
    return here[name]


def refilled_identifiers(training):
    """The puzzle in each slot at the last call, from the recorded halting alone."""
    ids = training["0/batch/puzzle_identifiers"]
    for i in (1, 2):
        ids = torch.where(
            training[f"{i - 1}/halted"], training[f"{i}/batch/puzzle_identifiers"], ids
        )
    return ids


@cache
def errors(name, mode):
    """``(what, error, rounding)`` of everything recorded; of gradients both are relative."""
    tensors, config = load(name)
    run = {"eval": evaluation, "train": training}[mode]
    ours, precise = (run(build(name, p), tensors, config) for p in (False, True))
    rows = []
    for i, result in enumerate(ours):
        for what, value in result.items():
            expected = recorded(tensors, config, NAMES[name], mode, i, what)
            assert value.shape == expected.shape and value.dtype == expected.dtype, what
            differences = (value - expected, value - precise[i][what])
            if what.startswith("grads/"):
                rows.append((what, *(d.norm() / expected.norm() for d in differences)))
            else:
                rows.append((f"{i}/{what}", *(d.abs().max() for d in differences)))
    return [(what, error.item(), rounding.item()) for what, error, rounding in rows]


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("name", NAMES)
def test_the_published_code_says_the_same(name, mode):
    for what, error, rounding in errors(name, mode):
        strict = 1e-4 if what.startswith("grads/") else 1e-5
        assert error <= max(strict, 10 * rounding), what


def rounds_as_the_recording_one(tensors, config):
    """Whether the heads of the recorded states are the recorded ones on this processor, too."""
    state = {_plain_name(k): v for k, v in tensors.under("state/").items()}
    same = torch.backends.cpu.get_cpu_capability() == "AVX512"  # of attention
    for i in range(config["halt_max_steps"]):
        here = tensors.under(f"eval/{i}/")
        logits = F.linear(here["z_H"], state["lm_head.weight"])[:, -config["seq_len"] :]
        q = F.linear(here["z_H"][:, 0], state["q_head.weight"], state["q_head.bias"])
        same &= torch.equal(logits, here["logits"]) and torch.equal(q[:, 0], here["q_halt_logits"])
    return same


def run_freely(model, tensors, config):
    """The results of all segments, each from the state before it, beside those of the reference."""
    batch, plain = tensors.under("eval/batch/"), Plain(model)
    state = z_H, z_L = model.initial_state(len(batch["inputs"]))
    for _ in range(config["halt_max_steps"]):
        ids = batch["puzzle_identifiers"]
        state, out = model.segment(state, batch["inputs"], ids)
        z_H, z_L, logits, q = plain.segment(z_H, z_L, batch["inputs"], ids)
        yield (out.logits, *state, *out[1:]), (logits, z_H, z_L, *q.T)


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES)
def test_to_the_last_digit_in_the_published_order_of_operations(name):
    tensors, config = load(name)
    for ours, expected in run_freely(build(name), tensors, config):
        assert all(map(torch.equal, ours, expected))


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES)
def test_to_the_last_digit_where_the_processor_rounds_as_the_recording_one(name):
    torch.set_num_threads(2 if name == "hrm" else 1)  # as in the recordings
    tensors, config = load(name)
    if not rounds_as_the_recording_one(tensors, config):
        pytest.skip("this processor rounds products of matrices in its own way")
    names = ("logits", "z_H", "z_L", "q_halt_logits", "q_continue_logits")
    for i, (ours, _) in enumerate(run_freely(build(name), tensors, config)):
        for what, value in zip(names, ours, strict=True):
            assert (value - tensors[f"eval/{i}/{what}"]).abs().max() == 0.0, f"{i}/{what}"


@pytest.mark.parametrize(("name", "kind"), NAMES.items())
def test_every_recorded_number_is_compared(name, kind):
    tensors, config = load(name)
    model = build(name)
    assert type(model) is kind
    assert len(tensors.under("state/")) == len(model.state_dict())
    gradients = [what for what, *_ in errors(name, "train") if what.startswith("grads/")]
    table = config["puzzle_emb_ndim"] > 0
    assert len(gradients) == len(tensors.under("train/2/grads/")) + table
    assert len(gradients) == len(list(model.parameters()))
    assert len([w for w, *_ in errors(name, "eval")]) == 8 * config["halt_max_steps"]
    compared = {what for what, *_ in errors(name, "train")}
    assert ("2/target_q_continue" in compared) == (kind is HRM)


def test_solve_runs_the_segments_of_the_evaluation():
    tensors, config = load("hrm")
    batch = tensors.under("eval/batch/")
    last = config["halt_max_steps"]
    answer = build("hrm").solve(
        batch["inputs"], last, puzzle_identifiers=batch["puzzle_identifiers"]
    )
    assert torch.equal(answer.tokens, tensors[f"eval/{last - 1}/logits"].argmax(-1).int())
