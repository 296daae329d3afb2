"""Running a recipe, and turning its runs into a model that ships with the course."""

import csv
import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import torch

from ..models import FeedForward
from .evaluate import Score, evaluate
from .loop import train
from .recipes import RECIPES, Recipe

DEPTHS = (1, 2, 4, 8, 16)  # segments at which a finished model is evaluated


def run(name: str, seed: int, folder: str | Path, progress: bool = True) -> dict:
    """Trains the recipe ``name`` with one seed into ``folder`` and evaluates the result.

    The folder then holds the checkpoint, ``log.csv``, the model and ``result.json``. A run that
    was interrupted continues; one that is finished is not repeated.

    Returns:
        What ``result.json`` says.

    Raises:
        ValueError: there is no such recipe.
    """
    recipe, folder = find_recipe(name), Path(folder)
    if (folder / "result.json").exists():
        return json.loads((folder / "result.json").read_text())
    every = max(recipe.training.steps // 15, 1)
    config = replace(recipe.training, seed=seed, evaluate_every=every)
    torch.manual_seed(seed)
    model = recipe.build()
    started = time.perf_counter()
    best, _ = train(model, recipe.stream(seed), config, recipe.scorer(200), folder, progress)
    seconds = time.perf_counter() - started
    best.save_pretrained(folder)
    result = {"seed": seed, "steps": config.steps, "parameters": best.num_parameters()}
    result |= {"seconds": round(seconds), **measure(best, recipe)}
    (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    return result


def measure(model, recipe: Recipe) -> dict[str, float]:
    """Exact accuracy on the recipe's whole test set, at each of several depths."""
    puzzles, solutions = recipe.test_set()
    if isinstance(model, FeedForward):
        score = evaluate(model, recipe.task, puzzles, solutions)
        return {"n": score.n, "exact": score.exact, "cells": round(score.cells, 5)}
    scores = {}
    for segments in DEPTHS:
        score = evaluate(model, recipe.task, puzzles, solutions, segments)
        scores[f"exact_{segments}"] = score.exact
        if segments == recipe.training.segments:
            scores |= {"n": score.n, "exact": score.exact, "cells": round(score.cells, 5)}
    return scores


def find_recipe(name: str) -> Recipe:
    """The recipe of that name, or a `ValueError` that lists all names."""
    if name not in RECIPES:
        raise ValueError(f"There is no recipe {name!r}; there are {sorted(RECIPES)}.")
    return RECIPES[name]


def publish(name: str, runs: list[Path], destination: str | Path, hardware: str) -> Path:
    """Collects finished runs of one recipe into a folder that ships: weights of the first run,
    the log of each, ``results.csv`` and a card.

    Args:
        name: the recipe.
        runs: folders that `run` wrote, one a seed; the first one's weights are shipped.
        destination: the folder ``pretrained`` of the library, or another.
        hardware: where the runs took place, in words, for the card.

    Raises:
        FileNotFoundError: a run is not finished.
    """
    recipe, folder = find_recipe(name), Path(destination) / name
    folder.mkdir(parents=True, exist_ok=True)
    for path in runs:
        if not (path / "result.json").exists():
            raise FileNotFoundError(f"The run in {path} is not finished: it has no result.json.")
    results = [json.loads((path / "result.json").read_text()) for path in runs]
    for file in ("config.json", "model.safetensors"):
        shutil.copyfile(runs[0] / file, folder / file)
    for path, result in zip(runs, results, strict=True):
        shutil.copyfile(path / "log.csv", folder / f"log-seed{result['seed']}.csv")
    with (folder / "results.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(results[0]))
        writer.writeheader()
        writer.writerows(results)
    (folder / "README.md").write_text(_card(name, recipe, results, hardware))
    return folder


def _card(name: str, recipe: Recipe, results: list[dict], hardware: str) -> str:
    h, w = recipe.box
    exact = [result["exact"] for result in results]
    low, high = _interval(results[0])
    rows = "\n".join(
        f"| {r['seed']} | {r['exact']:.1%} | {r['cells']:.2%} | {r['seconds']} s |" for r in results
    )
    split = (
        "240 of the 288 complete 4x4 grids for training, the other 48 for testing, no symmetries; "
        "each held-out grid is still the image of some training grid under a symmetry of Sudoku"
        if recipe.box == (2, 2)
        else "training and test puzzles are drawn with different seeds and each starts from a "
        "random complete grid of its own; training puzzles are shown under random symmetries"
    )
    depth = (
        "one pass"
        if recipe.model == "feedforward"
        else f"{recipe.training.segments} segments, the depth it was trained with"
    )
    return f"""# {name}

| | |
|---|---|
| model | `{recipe.model}`, {results[0]["parameters"]:,} parameters, hidden size {recipe.hidden_size}, expansion {recipe.expansion:g}, SwiGLU widths rounded to 32 (`inner_multiple`) |
| task | {h * w}x{h * w} Sudoku with {recipe.blanks[0]} to {recipe.blanks[1]} blanks and exactly one solution |
| data | {recipe.train_puzzles:,} training puzzles; {split} |
| training | {recipe.training} |
| command | `hrm-course train {name} --seeds {" ".join(str(r["seed"]) for r in results)} --out runs` |
| hardware | {hardware} |
| shipped weights | those of seed {results[0]["seed"]}, averaged over training (EMA), float32 |

Exact accuracy on {results[0]["n"]:,} unseen puzzles after {depth}:
{min(exact):.1%} to {max(exact):.1%} over {len(results)} seeds. The shipped weights: {exact[0]:.1%}, 95 % interval {low:.1%} to {high:.1%}.

| seed | exact | cells | training time |
|---|---|---|---|
{rows}

`log-seed*.csv` follow the first 200 test puzzles during training. `results.csv` also holds the
accuracy at other depths.

Known limits: trained on puzzles with {recipe.blanks[0]} to {recipe.blanks[1]} blanks only; fewer givens, or another board
size, are outside what it has seen.
"""


def _interval(result: dict) -> tuple[float, float]:
    return Score(result["exact"], result["cells"], result["n"]).interval
