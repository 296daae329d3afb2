"""Training steps of a CMM against those of a TRM of equal size: python benchmarks/cmm.py

A step is what `train_step` does: segment, losses, backward pass, optimiser, average. As the
expensive terms come every few steps, one side of a comparison is 16 steps. Both sides take turns on
one thread; a ratio is the median over the rounds, CMM / TRM. Minutes; ``--rounds 3`` is rougher.
"""

import argparse
from dataclasses import replace

import torch
from timing import take_turns

from hrm_course.models import CMM, TRM
from hrm_course.training import CMMTerms, CMMTrainConfig, TrainConfig
from hrm_course.training.distributed import Share
from hrm_course.training.loop import Training, train_step

SIZES = {
    "4x4, 64 wide, 2 x 2 cycles": (dict(vocab_size=6, seq_len=16, hidden_size=64), 64),
    "9x9, 64 wide, 2 x 2 cycles": (dict(vocab_size=11, seq_len=81, hidden_size=64), 16),
    "9x9, 64 wide, 3 x 6 cycles": (
        dict(vocab_size=11, seq_len=81, hidden_size=64, H_cycles=3, L_cycles=6),
        16,
    ),
}
SHAPE = dict(
    mixer="tokens", position_code="none", inner_multiple=32, H_cycles=2, L_cycles=2, expansion=4
)
EIGHT = CMMTerms()
KINDS = {  # terms, changes of the model, the most it should cost
    "all eight terms": (EIGHT, {}, 1.6),
    "the same with noise": (EIGHT, dict(noise=0.01), None),
    "cells and halting only": (
        CMMTerms(**{name: 0.0 for name in list(EIGHT.weights)[2:]}),
        {},
        None,
    ),
    "all terms in every step": (replace(EIGHT, every=1), {}, None),
    "gradient norms every 16 steps": (replace(EIGHT, balance="gradnorm"), {}, None),
    "eight and the spectral radius": (replace(EIGHT, radius=1.0), {}, None),
    "eight and the Frobenius norm": (replace(EIGHT, jacobian=1.0), {}, None),
}


def steps(model, config, batch_size: int, count: int):
    """A function that takes ``count`` training steps on random puzzles."""
    c = model.config
    draw = torch.Generator().manual_seed(0)
    inputs, labels = torch.randint(0, c.vocab_size, (2, batch_size, c.seq_len), generator=draw)
    batch = {"inputs": inputs, "labels": labels}
    training = Training(model, config, batch, Share())

    def take():
        for _ in range(count):
            train_step(training, batch)

    return take


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    for size, (shape, batch_size) in SIZES.items():
        print(size)
        for kind, (terms, changes, most) in KINDS.items():
            count = 80 if terms.balance == "gradnorm" else 16
            shape = SHAPE | shape
            torch.manual_seed(0)
            trm = TRM(TRM.config_class(**shape))
            cmm = CMM(CMM.config_class(**shape, **changes))
            sides = (
                steps(trm, TrainConfig(10**6), batch_size, count),
                steps(cmm, CMMTrainConfig(10**6, terms=terms), batch_size, count),
            )
            first, second, ratio = take_turns(*sides, rounds)
            verdict = (
                ""
                if most is None
                else f" (at most {most}: {'' if ratio <= most else 'NOT '}reached)"
            )
            times = f"{1e3 * second / count:.1f} ms against {1e3 * first / count:.1f} ms"
            print(f"  {kind:<32} {ratio:5.2f} TRM steps, {times}{verdict}", flush=True)


if __name__ == "__main__":
    main()
