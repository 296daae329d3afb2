"""Our TRM against outputs recorded from the official code (float32, CPU, small configurations).

`tests/data/golden/README.md` says what the files hold.
"""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from hrm_course.models import from_official
from hrm_course.models.official import _rename
from hrm_course.training import Slots, reasoner_loss, refill, stop_rule

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
close = dict(rtol=0, atol=1e-5)


def load(name):
    with safe_open(GOLDEN / f"{name}.safetensors", "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}
        config = json.loads(file.metadata()["config"])
    return Golden(tensors), config


class Golden(dict):
    def under(self, prefix):
        return {k.removeprefix(prefix): v for k, v in self.items() if k.startswith(prefix)}


@pytest.fixture(params=["trm_attention", "trm_mlp"])
def golden(request):
    tensors, config = load(request.param)
    return tensors, config, from_official(tensors.under("state/"), config)


def check(out, state, expected):
    torch.testing.assert_close(out.logits, expected["logits"], **close)
    torch.testing.assert_close(out.halt_logit, expected["q_halt_logits"], **close)
    torch.testing.assert_close(out.continue_logit, expected["q_continue_logits"], **close)
    torch.testing.assert_close(state.z_H, expected["z_H"], **close)
    torch.testing.assert_close(state.z_L, expected["z_L"], **close)


def test_evaluation(golden):
    tensors, config, model = golden
    batch = tensors.under("eval/batch/")
    state = model.initial_state(len(batch["inputs"]))
    for i in range(config["halt_max_steps"]):
        with torch.no_grad():
            state, out = model.segment(state, batch["inputs"], batch["puzzle_identifiers"])
        expected = tensors.under(f"eval/{i}/")
        check(out, state, expected)
        loss = reasoner_loss(out, batch["labels"])
        torch.testing.assert_close(loss.total, expected["loss"], **close)
        torch.testing.assert_close(loss.cells, expected["metrics/lm_loss"], **close)
    answer = model.solve(
        batch["inputs"], segments=i + 1, puzzle_identifiers=batch["puzzle_identifiers"]
    )
    assert torch.equal(answer.tokens, expected["logits"].argmax(-1).int())


def test_training_with_slot_replacement_and_exploration(golden):
    tensors, config, model = golden
    torch.manual_seed(7)
    slots = None
    for i in range(3):
        fresh = tensors.under(f"train/{i}/batch/")
        slots = refill(model, slots or Slots.empty(model, fresh), fresh)
        batch = slots.batch
        state, out = model.segment(slots.state, batch["inputs"], batch["puzzle_identifiers"])
        steps = slots.steps + 1
        limits = config["halt_max_steps"], config["halt_exploration_prob"]
        halted = stop_rule(out.halt_logit.detach(), steps, *limits)
        slots = Slots(state, steps, halted, batch)
        loss = reasoner_loss(out, batch["labels"]).total
        expected = tensors.under(f"train/{i}/")
        check(out, state, expected)
        assert torch.equal(halted, expected["halted"]) and torch.equal(steps, expected["steps"])
        torch.testing.assert_close(loss, expected["loss"], **close)
    loss.backward()
    check_gradients(model, slots.batch["puzzle_identifiers"], expected)


def check_gradients(model, ids, expected):
    ours = dict(model.named_parameters())
    theirs = {k.removeprefix("grads/"): v for k, v in expected.items() if k.startswith("grads/")}
    assert len(theirs) == len(ours) - 1  # all but the puzzle table
    for name, gradient in theirs.items():
        difference = (ours[_rename(name)].grad - gradient).norm()
        assert difference <= 1e-4 * gradient.norm(), name
    table = ours["puzzle_table.weight"].grad.to_dense()
    rows = torch.zeros_like(table).index_add(0, ids, expected["puzzle_grad"])
    torch.testing.assert_close(table, rows, rtol=1e-4, atol=1e-6)


def test_wrapper_prefixes_are_tolerated():
    tensors, config = load("trm_mlp")
    state = {f"_orig_mod.{k}": v for k, v in tensors.under("state/").items()}
    bare = {k.removeprefix("model.inner."): v for k, v in tensors.under("state/").items()}
    for names in (state, bare):
        model = from_official(names, config)
        assert torch.equal(model.H_init, tensors["state/model.inner.H_init"])


def test_weights_that_do_not_fit_get_a_sentence():
    tensors, config = load("trm_mlp")
    state = tensors.under("state/")
    with pytest.raises(ValueError, match="belong to an HRM"):
        from_official({"H_level.layers.0.mlp.down_proj.weight": torch.zeros(1)}, config)
    del state["model.inner.lm_head.weight"]
    with pytest.raises(ValueError, match=r"missing \['lm_head.weight'\]"):
        from_official(state, config)
