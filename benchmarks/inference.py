"""Early halting at evaluation on the shipped models: python benchmarks/inference.py

A row rests after the first segment whose halting head says stop; the published evaluation runs
all 16 segments on every row. Both sides take turns on one thread; a ratio is the median over the
rounds, all segments / early halting. Also: forward passes against the processor's matrix product.
"""

import argparse

import torch
from timing import line, peak, take_turns
from torch.utils.flop_counter import FlopCounterMode

from hrm_course.models import Reasoner
from hrm_course.zoo import RECIPES

SEGMENTS = 16
ROWS = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)

    print(f"Early halting on {ROWS} held-out puzzles, against {SEGMENTS} segments on every row")
    loads = {}
    for name, recipe in RECIPES.items():
        if not issubclass(recipe.model, Reasoner):
            continue
        try:
            model = recipe.model.from_pretrained(name)
        except FileNotFoundError:
            print(f"{name}: no such model is shipped yet.")
            continue
        puzzles, solutions = recipe.test_set(ROWS)
        inputs = torch.from_numpy(recipe.task.encode(puzzles))
        labels = torch.from_numpy(recipe.task.encode(solutions))
        loads[name] = model, inputs
        answers = [model.solve(inputs, SEGMENTS, halt=halt) for halt in (True, False)]
        right = [(answer.tokens == labels).all(1).double().mean().item() for answer in answers]
        *_, ratio = take_turns(
            lambda m=model, i=inputs: m.solve(i, SEGMENTS, halt=True),
            lambda m=model, i=inputs: m.solve(i, SEGMENTS),
            rounds,
        )
        taken = answers[0].segments.double().mean()
        note = f"{taken:.1f} segments a puzzle; solved {right[0]:.1%} against {right[1]:.1%}"
        line(name, ratio, 3.0, note)

    print("\nForward passes: share of what one large matrix product reaches, float32")
    for name, (model, inputs) in loads.items():
        with FlopCounterMode(display=False) as counter:
            model.solve(inputs, segments=1)
        a, b = torch.randn(2, 2048, 2048)
        mine, product, _ = take_turns(
            lambda m=model, i=inputs: m.solve(i, segments=1), lambda a=a, b=b: a @ b, rounds
        )
        speed = 2 * 2048**3 / product
        share = counter.get_total_flops() / mine / speed
        print(
            f"{name:<58} {share:5.0%}  of {speed / 1e9:.0f} GFLOP/s; {len(inputs) / mine:,.0f} puzzles/s"
        )
    print(f"(fastest product seen: {peak() / 1e9:.0f} GFLOP/s)")


if __name__ == "__main__":
    main()
