"""The runs of chapter 18: reasoners and plain networks that learn to colour a graph.

    python benchmarks/own_task.py  # 6 runs of about 20 seconds each on one core

The task is `Colouring` with its default graph; no test puzzle is among those of training, nor one
of them with its colours renamed as training shows it. Everything
goes the way of a reader's own task: a data set in the published format, `hrm-course train`, then
`hrm-course report`. A network without recursion gets four times the steps, since one pass costs a
quarter of a segment. The page of the command and the first model of each kind are kept in
benchmarks/results/own-task; runs that are finished are not repeated.
"""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import torch

from hrm_course.cli.report import report_lines, runs_in
from hrm_course.data import Dataset, read_dataset, write_dataset
from hrm_course.tasks import Colouring
from hrm_course.training import evaluate_batches
from hrm_course.zoo import run_on_data

RUNS, RESULTS = Path("runs/own-task"), Path(__file__).parent / "results" / "own-task"
BLANKS, TRAIN, TEST = 12, 1_000, 400
SHAPE = dict(hidden_size=48, expansion=3, mixer="tokens", position_code="none", inner_multiple=32)
STEPS = {"TRM": 240, "FeedForward": 960}
SEEDS = 0, 1, 2


def data_set(folder: Path) -> Path:
    """The data set, each training puzzle under five renamings of its colours besides."""
    task = Colouring()
    known = task.generate(TRAIN, BLANKS, seed=1)
    pairs = [known, *(task.augment(*known, [1, k]) for k in range(5))]
    training = [np.concatenate(side) for side in zip(*pairs, strict=True)]
    seen = set(map(tuple, training[0].tolist()))
    drawn = task.generate(TEST + TEST // 2, BLANKS, seed=2)
    fresh = [tuple(puzzle) not in seen for puzzle in drawn[0].tolist()]
    test = [side[fresh][:TEST] for side in drawn]
    parts = {
        part: Dataset.from_rows(*map(task.encode, pair), task.vocab_size)
        for part, pair in (("train", training), ("test", test))
    }
    write_dataset(folder, parts)
    return folder


def settings(kind: str) -> dict:
    """What `hrm-course train --config` would read."""
    cycles = {"H_cycles": 2, "L_cycles": 2}
    training = {"steps": STEPS[kind], "lr": 4e-3, "warmup": 50, "evaluate_every": STEPS[kind] // 4}
    return {"model": kind, "config": SHAPE | cycles, "training": training, "batch_size": 64}


def main() -> None:
    torch.set_num_threads(1)
    folder = RUNS / "data"
    data = folder if folder.exists() else data_set(folder)
    test, found, rows = read_dataset(data, "test"), [], []
    for kind in STEPS:
        place = RUNS / kind.lower()
        for seed in SEEDS:
            run_on_data(data, settings(kind), seed, place / f"seed{seed}")
        found.append(runs_in(place, test))
        for run in found[-1]:
            score = evaluate_batches(run.model, test.batches(256))
            rows.append({"model": kind, "run": run.name, "exact": score.exact, "n": score.n})
        kept = RESULTS / kind.lower() / "seed0"
        kept.mkdir(parents=True, exist_ok=True)
        for name in ("config.json", "model.safetensors"):
            shutil.copyfile(place / "seed0" / name, kept / name)
        (kept / "result.json").write_text(json.dumps({"steps": STEPS[kind]}) + "\n")
    page = "\n".join(report_lines(*found, test, segments=8))
    (RESULTS / "report.md").write_text(page + "\n", encoding="utf-8")
    with (RESULTS / "scores.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(page)


if __name__ == "__main__":
    main()
