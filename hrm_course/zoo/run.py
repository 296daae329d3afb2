"""Running a recipe, or a model of any shape on published data."""

import itertools
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from .. import files
from ..data import Dataset, DatasetStream, read_dataset
from ..models import FeedForward, Solver
from ..models.saving import kinds_of
from ..settings import check_fields, made, whole
from ..training import (
    CMMTrainConfig,
    Machine,
    Score,
    TrainConfig,
    evaluate,
    evaluate_batches,
    train,
)
from ..training.checkpoint import FILE, read_metadata
from ..training.distributed import Share
from ..training.evaluate import by_depth
from ..training.identity import check, identity
from .recipes import RECIPES, Recipe, full_name

DEPTHS = (1, 2, 4, 8, 16, 32)  # segments at which a finished model is evaluated
RESULT = "result.json"


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
        What ``result.json`` says of the run; nothing in a process that is not the first.

    Raises:
        ValueError: there is no such recipe, or the folder holds another run or damaged files; the
            sentence says what differs and what to do.
    """
    name = full_name(name)
    recipe = RECIPES[name]
    every = max(recipe.training.steps // 15, 1)
    config = replace(recipe.training, seed=seed, evaluate_every=every)
    torch.manual_seed(seed)
    model = recipe.build()

    def data():
        scores = recipe.scorer(min(200, recipe.test_puzzles))
        return recipe.stream(seed), scores, lambda best: measure(best, recipe)

    return _run(model, config, folder, about(name), data, progress, share, machine)


def about(name: str) -> dict:
    """What tells the runs of the recipe ``name`` from those of others, without making all of its
    puzzles: its fields, and the boards that its code makes first.
    """
    recipe = RECIPES[name]
    few = replace(recipe, train_puzzles=6, test_puzzles=3)
    boards = [few.train_set(), few.test_set(), *few.parts().values()]
    return {"recipe": {"name": name, **identity(recipe), "first_boards": identity(boards)}}


@dataclass(frozen=True)
class Settings:
    """What `run_on_data` trains.

    Raises:
        ValueError: a number of the wrong kind or out of range, or no such kind of model.
    """

    model: str  # the name of its class, such as HRM
    config: dict  # its configuration, without ``vocab_size``, ``seq_len`` and ``num_puzzles``
    training: dict  # of `TrainConfig`, or of `CMMTrainConfig` if there are ``terms`` among them
    batch_size: int = whole(least=1, most=10**6)

    def __post_init__(self):
        check_fields(self)
        if self.model not in list(kinds_of(Solver)):  # what can be no key is no name either
            raise ValueError(
                f"The model must be one of {sorted(kinds_of(Solver))} in the settings, not {self.model!r}."
            )

    def build(self, data: Dataset, seed: int) -> tuple[Solver, TrainConfig]:
        """The untrained model, and how to train it."""
        terms = isinstance(self.training, dict) and "terms" in self.training
        kind = CMMTrainConfig if terms else TrainConfig
        config = _made(kind, "training", self.training, {"seed": seed}, "the command")
        shape = {"vocab_size": data.vocab_size, "seq_len": data.seq_len}
        shape["num_puzzles"] = data.num_puzzle_identifiers
        model = kinds_of(Solver)[self.model]
        shape = _made(model.config_class, "config", self.config, shape, "the data set")
        torch.manual_seed(seed)
        return model(shape), config


def _made(kind: Any, part: str, values: dict, given: dict, giver: str):
    """A configuration of what a part of the settings says and of what is given elsewhere."""
    if isinstance(values, dict):
        for name in given.keys() & values.keys():
            raise ValueError(
                f"{part} in the settings says {name}, which {giver} gives: leave it out."
            )
        values = given | values
    return made(kind, values, f"{part} in the settings")


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
        data: a folder that `hrm_course.data.dataset.read_dataset` reads.
        settings: the fields of `Settings`.
        seed, folder, progress, share, machine: as for `run`.

    Returns:
        The `Score` on the test part, whose first 256 examples the log follows; None where the
        data has no such part, or in a process that is not the first.

    Raises:
        ValueError: the settings or the data are not as they should be, or the folder holds
            another run, also one on data that has changed since; the sentence says which.
    """
    part = read_dataset(data, "train")
    test = read_dataset(data, "test") if (Path(data) / "test").is_dir() else None
    wanted = made(Settings, settings, "The settings")
    model, config = wanted.build(part, seed)
    stream = DatasetStream(part, wanted.batch_size, seed, epochs_per_iteration=10)

    def scores(model, batches: int | None = None) -> dict:
        if test is None:
            return {}
        some = itertools.islice(test.batches(256), batches)
        return vars(evaluate_batches(model, some, config.segments))

    def first_scores(model) -> dict:
        found = scores(model, batches=1)
        return {name: round(found[name], 4) for name in ("exact", "cells") if found}

    about, parts = {"stream": stream, "test": test}, (stream, first_scores, scores)
    result = _run(model, config, folder, about, lambda: parts, progress, share, machine)
    return Score(result["exact"], result["cells"], result["n"]) if "n" in result else None


def _run(model, config, folder, about, data, progress, share, machine) -> dict:
    """What a finished run says; one that is not finished is trained, measured and saved first.

    Args:
        model: the untrained model.
        config: how to train it.
        folder: of this run alone.
        about: what else tells this run from others.
        data: gives the stream, the scores for the log and those at the end; called only where
            there is something to train.
        progress, share, machine: as for `run`.
    """
    share, machine, dtype = share or Share(), machine or Machine(), model.config.forward_dtype
    model = machine.take(model)
    asked = {**about, "model": type(model), "config": model.config, "training": config}
    if (Path(folder) / RESULT).exists():
        return read_result(folder, asked)
    stream, scores, measured = data()
    best, _ = train(model, stream, config, scores, folder, progress, share, about)
    if share.rank > 0:
        return {}
    best = machine.give_back(best, dtype)
    best.save_pretrained(folder)
    saved = read_metadata(folder)
    result = {"seed": config.seed, "steps": config.steps, "parameters": best.num_parameters()}
    result |= {"seconds": round(saved["seconds"]), **measured(best)}
    text = json.dumps(result | {"identity": saved["identity"]}, indent=2)
    files.write(Path(folder) / RESULT, text + "\n")
    return result


def read_result(folder: str | Path, asked: dict) -> dict:
    """What ``result.json`` in ``folder`` says, if it is of the run that was asked for.

    Args:
        folder: of a finished run.
        asked: what tells the run from others. Parts of an identity that are left out are not
            compared.

    Raises:
        ValueError: the file, or the checkpoint beside it, is damaged or of another run.
    """
    path = Path(folder) / RESULT
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(result, dict) or "seed" not in result:
            raise ValueError("no result of a run")
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged ({error}). Delete this file: the next call measures the model again."
        ) from error
    asked, told = identity(asked), {path: result.pop("identity", None)}
    if (path.parent / FILE).exists():
        told[path.parent / FILE] = read_metadata(folder)["identity"]
    for file, was in told.items():
        check(file, {k: was.get(k) for k in asked} if isinstance(was, dict) else was, asked)
    return result


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
