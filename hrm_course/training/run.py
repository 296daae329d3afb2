"""Running a recipe, or a model of any shape on published data."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import torch

from ..models import FeedForward, Solver
from ..tasks.published import DatasetStream, read_dataset
from .checkpoint import check_checkpoint, seconds_spent
from .cmm_terms import CMMTrainConfig
from .distributed import Share
from .evaluate import Score, by_depth, evaluate, evaluate_batches
from .loop import TrainConfig, train
from .machine import Machine
from .recipes import RECIPES, Recipe, full_name

DEPTHS = (1, 2, 4, 8, 16, 32)  # segments at which a finished model is evaluated


def run(
    name: str,
    seed: int,
    folder: str | Path,
    progress: bool = True,
    share: Share | None = None,
    machine: Machine | None = None,
) -> dict:
    """Trains the recipe ``name`` with one seed into ``folder`` and evaluates the result.

    The folder then holds the checkpoint, ``log.csv``, the model and ``result.json``. A run that
    was interrupted continues; one that is finished is not repeated.

    Args:
        name: the recipe, or a short form of its name.
        seed: of the weights, the order of the puzzles and the exploration.
        folder: of this run alone.
        progress: show a progress bar.
        share: this process's rows, when several train together; only the first one evaluates.
        machine: the device and number type to train with; by default the CPU in float32.

    Returns:
        What ``result.json`` says; nothing in a process that is not the first.

    Raises:
        ValueError: there is no such recipe, or the folder holds a run of another one.
    """
    recipe, folder = RECIPES[full_name(name)], Path(folder)
    every = max(recipe.training.steps // 15, 1)
    config = replace(recipe.training, seed=seed, evaluate_every=every)
    machine = machine or Machine()
    torch.manual_seed(seed)
    model = recipe.build()
    dtype = model.config.forward_dtype
    model = machine.take(model)
    if (folder / "result.json").exists():
        check_checkpoint(folder, model, config)
        return json.loads((folder / "result.json").read_text())
    stream, scorer = recipe.stream(seed), recipe.scorer(200)
    best, _ = train(model, stream, config, scorer, folder, progress, share)
    if share is not None and share.rank > 0:
        return {}
    best = machine.give_back(best, dtype)
    best.save_pretrained(folder)
    result = {"seed": seed, "steps": config.steps, "parameters": best.num_parameters()}
    result |= {"seconds": round(seconds_spent(folder)), **measure(best, recipe)}
    (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    return result


def run_on_data(
    data: str | Path,
    settings: dict,
    seed: int,
    folder: str | Path,
    progress: bool = True,
    share: Share | None = None,
    machine: Machine | None = None,
) -> Score | None:
    """Trains a model of any shape on a folder of the published format, into ``folder``.

    Args:
        data: a folder that `hrm_course.tasks.published.read_dataset` reads.
        settings: ``model`` (the name of its class, such as HRM), ``config`` (its
            configuration without ``vocab_size``, ``seq_len`` and ``num_puzzles``, which the data
            gives), ``training`` (fields of `TrainConfig`, or of
            `CMMTrainConfig` if there are ``terms`` among them) and ``batch_size``.
        seed, folder, progress, share, machine: as for `run`.

    Returns:
        The `Score` on the test part, whose first 256 examples the log follows; None where the
        data has no such part, or in a process that is not the first.

    Raises:
        ValueError: the settings or the data are not as they should be.
    """
    part = read_dataset(data, "train")
    known = {"model", "config", "training", "batch_size"}
    if not isinstance(settings, dict) or settings.keys() != known:
        raise ValueError(f"The settings must have exactly the keys {sorted(known)}.")
    if settings["model"] not in _kinds():
        raise ValueError(f"The model must be one of {sorted(_kinds())} in the settings.")
    kind = _kinds()[settings["model"]]
    shape = {"vocab_size": part.vocab_size, "seq_len": part.seq_len}
    try:
        training = CMMTrainConfig if "terms" in settings["training"] else TrainConfig
        config = training(**settings["training"] | {"seed": seed})
        shape = kind.config_class(
            **shape | {"num_puzzles": part.num_puzzle_identifiers} | settings["config"]
        )
    except TypeError as error:
        raise ValueError(f"The settings do not fit: {error}.") from error
    torch.manual_seed(seed)
    stream = DatasetStream(part, settings["batch_size"], seed, epochs_per_iteration=10)
    test = read_dataset(data, "test") if (Path(data) / "test").is_dir() else None

    def score(model, batches: int | None = None) -> Score | None:
        some = test and itertools.islice(test.batches(256), batches)
        return some and evaluate_batches(model, some, config.segments)

    def scores(model) -> dict[str, float]:
        found = score(model, batches=1)
        return {"exact": round(found.exact, 4), "cells": round(found.cells, 4)} if found else {}

    machine = machine or Machine()
    model = machine.take(kind(shape))
    best, _ = train(model, stream, config, scores, folder, progress, share)
    if share is not None and share.rank > 0:
        return None
    best = machine.give_back(best, shape.forward_dtype)
    best.save_pretrained(folder)
    return score(best)


def _kinds(kind: type[Solver] = Solver) -> dict[str, type[Solver]]:
    """Every kind of model that can be built, by the name of its class."""
    found = {kind.__name__: kind} if hasattr(kind, "config_class") else {}
    for child in kind.__subclasses__():
        found |= _kinds(child)
    return found


def measure(model, recipe: Recipe) -> dict[str, float]:
    """Exact accuracy on the recipe's whole test set, at each of several depths, and on its parts
    at the depth of training.
    """
    segments = recipe.training.segments
    if isinstance(model, FeedForward):
        found, trained = {}, evaluate(model, recipe.task, *recipe.test_set())
    else:
        scores = by_depth(model, recipe.task, *recipe.test_set(), DEPTHS[-1])
        found = {f"exact_{depth}": scores[depth - 1].exact for depth in DEPTHS}
        trained = scores[segments - 1]
    found |= {"n": trained.n, "exact": trained.exact, "cells": round(trained.cells, 5)}
    for name, part in recipe.parts().items():
        score = evaluate(model, recipe.task, *part, segments)
        found |= {f"n_{name}": score.n, f"exact_{name}": round(score.exact, 4)}
    return found
