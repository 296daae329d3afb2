"""What each term of a CMM does, on Sudoku at equal parameters and steps: tables as CSV.

    python benchmarks/cmm_study.py 6x6 --seeds 0 1 2          # two hours on one core
    python benchmarks/cmm_study.py 9x9-easy --seeds 0

Every run is kept as a file of its own under ``--out``, so a study that was interrupted goes on
where it was; several processes may share the work with ``--part 1/2`` and ``--part 2/2``. At
the end, and whenever it is called again, all finished runs are written to the table
``benchmarks/results/cmm-SIZE.csv``, one row each.

Columns: exact accuracy on held-out puzzles after 2, 8 and 16 segments; ``residual``, the median
over puzzles of |f(z) - z| / |f(z)| at segment 16, f the map of a segment; ``radius`` and
``radius_max``, median and largest spectral radius of its Jacobian there; ``diagonal``, the mean
diagonal of the Jacobian of F at the answer, which is what the Routh-Hurwitz loss looks at;
``active_TERM``, the share of the evaluations in training in which the term was not 0.
"""

import argparse
import csv
import functools
import json
import time
from dataclasses import asdict, replace
from pathlib import Path

import torch
from tqdm import tqdm

from hrm_course.dynamics import mean_diagonal, orbit, spectral_radius
from hrm_course.models import TRM
from hrm_course.training import (
    RECIPES,
    CMMTerms,
    CMMTrainConfig,
    PuzzleStream,
    TrainConfig,
    train,
)

COURSE = CMMTerms(repulsion_input=1.0, repulsion_answer=0.1, unstable=1.0)  # as in the recipes
EXTRA = [name for name in COURSE.weights if name not in ("cells", "halting")]
PLAIN = replace(COURSE, **dict.fromkeys(EXTRA, 0.0))
CONDITIONS = {  # terms, changes of the model
    "trm": (None, {}),
    "plain": (PLAIN, {}),
    "all": (COURSE, {}),
    "published weights": (CMMTerms(), {}),
    **{f"only {name}": (replace(PLAIN, **{name: getattr(COURSE, name)}), {}) for name in EXTRA},
    **{f"without {name}": (replace(COURSE, **{name: 0.0}), {}) for name in EXTRA},
    "only noise": (PLAIN, {"noise": 0.01}),
    "only damping": (PLAIN, {"step_size": 0.5}),
    "only radius": (replace(PLAIN, radius=0.1), {}),
    "only jacobian": (replace(PLAIN, jacobian=0.1), {}),
    "plain, stablemax 1": (replace(PLAIN, stablemax=1), {}),
    "published weights, gradnorm": (CMMTerms(balance="gradnorm"), {}),
}
STEPS = {"6x6": 800, "9x9-easy": 1_000}
TEST_SEED = 2_000_003  # neither the training puzzles nor those on which the weights were chosen
ON_9X9 = ("trm", "plain", "all")


@functools.cache
def data(size: str):
    """The training puzzles of the recipe, and 400 fresh ones to measure on."""
    recipe = RECIPES[f"cmm-sudoku-{size}"]
    return recipe.train_set(), recipe.task.generate(400, recipe.blanks, TEST_SEED)


def one_run(size: str, condition: str, seed: int) -> dict:
    """Trains one model and measures it."""
    terms, changes = CONDITIONS[condition]
    recipe = RECIPES[f"cmm-sudoku-{size}"]
    # More exploration than the recipes have, so that late segments are practised in every run.
    common = dict(steps=STEPS[size], seed=seed, exploration=0.5, ema=0.99)
    settings = {k: v for k, v in asdict(recipe.training).items() if k != "terms"} | common
    settings["evaluate_every"] = settings["steps"] // 7
    if terms is None:
        recipe = replace(recipe, model=TRM, training=TrainConfig(**settings))
    else:
        training = CMMTrainConfig(**settings, terms=terms)
        recipe = replace(recipe, changes=recipe.changes | changes, training=training)
    torch.manual_seed(seed)
    started = time.process_time()
    known, (puzzles, solutions) = data(size)
    stream = PuzzleStream(recipe.task, *known, recipe.batch_size, seed)
    best, log = train(recipe.build(), stream, recipe.training, progress=False)
    row = {"condition": condition, "seed": seed, "parameters": best.num_parameters()}
    row |= {"steps": settings["steps"], "cpu_seconds": round(time.process_time() - started)}
    inputs = torch.from_numpy(recipe.task.encode(puzzles))
    trace = best.solve(inputs, segments=16, trace=True).trace
    right = trace.tokens == torch.from_numpy(recipe.task.encode(solutions))
    exact = right.all(-1).double().mean(1)
    row |= {f"exact_{n}": round(exact[n - 1].item(), 4) for n in (2, 8, 16)}
    row |= at_the_end(best, inputs[:8])
    for name in EXTRA:
        shares = [line[f"active_{name}"] for line in log if f"active_{name}" in line]
        row[f"active_{name}"] = round(sum(shares) / len(shares), 3) if shares else ""
    return row


def at_the_end(model, inputs) -> dict:
    """The dynamics after 16 segments, on a few puzzles."""
    state = model.initial_state(len(inputs), inputs)
    z = orbit(model.segment_map(inputs), torch.stack(tuple(state), 1), 16)
    residual = (z[16] - z[15]).flatten(1).norm(dim=1) / z[16].flatten(1).norm(dim=1)
    radii, diagonals = [], []
    for i in range(len(inputs)):
        f = model.segment_map(inputs[i : i + 1])
        radii.append(spectral_radius(f, z[16, i : i + 1], tol=1e-2))
        z_H, z_L = z[16, i : i + 1].unbind(1)
        answer = lambda u, v=z_L: model.network(u, v)  # noqa: E731
        diagonals.append(mean_diagonal(answer, z_H, probes=8)[0])
    radii = torch.tensor(radii)
    return {
        "residual": float(f"{residual.median():.2g}"),
        "radius": round(radii.median().item(), 3),
        "radius_max": round(radii.max().item(), 3),
        "diagonal": round(sum(diagonals) / len(diagonals), 3),
    }


def write_table(runs: Path, path: Path) -> None:
    rows = [json.loads(file.read_text()) for file in runs.glob("*/seed*.json")]
    order = list(CONDITIONS)
    rows.sort(key=lambda row: (order.index(row["condition"]), row["seed"]))
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", choices=STEPS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("runs/cmm-study"))
    parser.add_argument("--part", default="1/1")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    conditions = ON_9X9 if arguments.size == "9x9-easy" else tuple(CONDITIONS)
    jobs = [(condition, seed) for seed in arguments.seeds for condition in conditions]
    k, n = map(int, arguments.part.split("/"))
    runs = arguments.out / arguments.size
    for condition, seed in tqdm(jobs[k - 1 :: n]):
        file = runs / condition / f"seed{seed}.json"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(one_run(arguments.size, condition, seed)))
    write_table(runs, Path(__file__).parent / "results" / f"cmm-{arguments.size}.csv")


if __name__ == "__main__":
    main()
