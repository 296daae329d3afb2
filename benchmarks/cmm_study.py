"""What each term of a CMM does, on Sudoku at equal parameters and steps.

    python benchmarks/cmm_study.py 6x6            # 66 runs of about two minutes on one core
    python benchmarks/cmm_study.py 9x9-easy       # 9 of about four minutes
    python benchmarks/cmm_study.py 4x4            # 30 of about half a minute

Columns: exact accuracy on held-out puzzles after some segments; ``residual``, the median over
puzzles of |f(z) - z| / |f(z)| at segment 16, f the map of a segment; ``radius`` and
``radius_max``, median and largest spectral radius of its Jacobian there; ``diagonal``, the mean
diagonal of the Jacobian of F at the answer, which is what the Routh-Hurwitz loss looks at;
``active_TERM``, the share of the evaluations in training in which the term was not 0.
"""

import time
from dataclasses import asdict, replace

import torch
from study import accuracy, data, study

from hrm_course.data import PuzzleStream
from hrm_course.dynamics import mean_diagonal, orbit, spectral_radius
from hrm_course.models import TRM
from hrm_course.training import CMMTerms, CMMTrainConfig, TrainConfig, train
from hrm_course.zoo import RECIPES

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
    "only repulsion_answer, 1,000": (replace(PLAIN, repulsion_answer=1_000.0), {}),
    "without repulsion_answer, others published": (CMMTerms(repulsion_answer=0.0), {}),
    "published weights, gradnorm": (CMMTerms(balance="gradnorm"), {}),
}
STEPS = {"4x4": 400, "6x6": 800, "9x9-easy": 1_000}


def one_run(size: str, condition: str, seed: int) -> dict:
    """Trains one model and measures it."""
    terms, changes = CONDITIONS[condition]
    name = f"cmm-sudoku-{size}"
    recipe = RECIPES[name]
    # More exploration than the recipes have, so that late segments are practised in every run.
    common = dict(steps=STEPS[size], seed=seed, exploration=0.5, ema=0.99)
    settings = {k: v for k, v in asdict(recipe.training).items() if k != "terms"} | common
    settings["evaluate_every"] = settings["steps"] // 7
    if terms is None:
        recipe = replace(recipe, model=TRM, training=TrainConfig(**settings))
    else:
        training = CMMTrainConfig(**settings, terms=terms)
        recipe = replace(recipe, changes=recipe.changes | changes, training=training)
    known, fresh = data(name)
    stream = PuzzleStream(recipe.task, *known, recipe.batch_size, seed, recipe.symmetries)
    torch.manual_seed(seed)
    started = time.process_time()
    best, log = train(recipe.build(), stream, recipe.training, progress=False)
    row = {"parameters": best.num_parameters(), "steps": settings["steps"]}
    row["cpu_seconds"] = round(time.process_time() - started)
    row |= accuracy(best, recipe.task, *fresh)
    row |= at_the_end(best, torch.from_numpy(recipe.task.encode(fresh[0][:8])))
    for term in EXTRA:
        shares = [line[f"active_{term}"] for line in log if f"active_{term}" in line]
        row[f"active_{term}"] = round(sum(shares) / len(shares), 3) if shares else ""
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


if __name__ == "__main__":
    only_small = ("only repulsion_answer, 1,000", "without repulsion_answer, others published")
    sizes = {
        "4x4": (
            *("trm", "plain", "all", "published weights", "published weights, gradnorm"),
            *("only repulsion_input", "only unstable", "only radius", *only_small),
        ),
        "6x6": tuple(name for name in CONDITIONS if name not in only_small),
        "9x9-easy": ("trm", "plain", "all"),
    }
    study(__doc__, "cmm", sizes, one_run)
