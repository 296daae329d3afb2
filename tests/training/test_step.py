"""`train_step` against the published step, written out in plain PyTorch."""

import pytest
import torch
from test_resume import Stream, config, make

from hrm_course.training import AdamATan2, SignSGD
from hrm_course.training.distributed import Share
from hrm_course.training.loop import Training, schedule, train_step


def published_loss(model, slots, steps, segments, state, ids):
    """The loss of one segment, summed over the slots, and the logit by which they halt."""
    new, out = model.segment(state, slots["inputs"], ids)
    v = out.logits.double()
    s = torch.where(v >= 0, v + 1, 1 / (1 - v + 1e-30))
    p = (s / s.sum(-1, keepdim=True)).gather(-1, slots["labels"].unsqueeze(-1)).squeeze(-1)
    loss = -p.log().mean(-1).sum()
    right = (out.logits.argmax(-1) == slots["labels"]).all(-1).float()
    binary = torch.nn.functional.binary_cross_entropy_with_logits
    loss = loss + 0.5 * binary(out.halt_logit, right, reduction="sum")
    stop = out.halt_logit
    if type(model).__name__ == "HRM":
        stop = out.halt_logit - out.continue_logit
        with torch.no_grad():
            _, ahead = model.segment(new, slots["inputs"], ids)
            best = torch.stack((ahead.halt_logit, ahead.continue_logit)).amax(0)
            target = torch.where(steps >= segments, ahead.halt_logit, best).sigmoid()
        loss = loss + 0.5 * binary(out.continue_logit, target, reduction="sum")
    return new, loss, stop.detach()


@pytest.mark.parametrize("kind", ["trm", "trm with a puzzle table", "hrm"])
def test_a_step_is_the_published_one(kind):
    settings, stream, rows = config(steps=9, ema=0.9, weight_decay=0.3), Stream(kind), 8
    training = Training(make(kind), settings, stream[0], Share())

    model = make(kind).train()
    table = [p for name, p in model.named_parameters() if name == "puzzle_table.weight"]
    weights = [p for name, p in model.named_parameters() if name != "puzzle_table.weight"]
    adam = AdamATan2(weights, settings.lr, weight_decay=0.3)
    sign = SignSGD(table, settings.puzzle_lr, 0.1) if table else None
    draws = torch.Generator().manual_seed(settings.seed)
    halted, steps = torch.ones(rows, dtype=torch.bool), torch.zeros(rows, dtype=torch.int32)
    state = model.initial_state(rows)
    slots = stream[0]
    halts = 0
    for step in range(9):
        fresh, first = stream[step], model.initial_state(rows)
        slots = {
            key: torch.stack([(fresh if halted[i] else slots)[key][i] for i in range(rows)])
            for key in slots
        }
        state = type(state)(
            *(
                torch.stack([new[i] if halted[i] else old[i] for i in range(rows)])
                for new, old in zip(first, state, strict=True)
            )
        )
        steps = torch.where(halted, 0, steps) + 1
        ids = slots.get("puzzle_identifiers")
        state, loss, stop = published_loss(model, slots, steps, 3, state, ids)
        explores = torch.rand(rows, generator=draws) < 0.5
        least = torch.randint(2, 4, (rows,), dtype=torch.int32, generator=draws) * explores
        halted = ((steps >= 3) | (stop > 0)) & (steps >= least)
        halts += int(halted.sum())
        model.zero_grad()
        (loss / rows).backward()
        adam.param_groups[0]["lr"] = settings.lr * schedule(step + 1, settings)
        adam.step()
        if sign:
            sign.param_groups[0]["lr"] = settings.puzzle_lr * schedule(step + 1, settings)
            sign.step()

        assert train_step(training, stream[step]) == pytest.approx(loss.item() / rows, rel=1e-5)
        assert torch.equal(training.slots.halted, halted)
        assert torch.equal(training.slots.steps, steps)
        assert all(torch.equal(training.slots.batch[key], slots[key]) for key in slots)
    assert 0 < halts < 9 * rows
    for name, p in model.named_parameters():
        torch.testing.assert_close(training.model.get_parameter(name), p, rtol=1e-4, atol=1e-5)
