"""Turning finished runs into a model that ships with the course, with a card and a row in the table
of all models.
"""

import csv
from pathlib import Path

from .. import files
from ..models import FeedForward, Solver
from ..models.saving import seal
from ..training import Score
from ..training.evaluate import failures
from ..training.log import write_table
from .recipes import RECIPES, Recipe, full_name
from .run import DEPTHS, RESULT, about, read_result

TITLE = "# Trained models of the course\n"


def publish(name: str, runs: list[Path], destination: str | Path, hardware: str) -> Path:
    """Collects finished runs of one recipe into a folder that ships: weights of the first run,
    the log of each, checksums, ``results.csv`` and a card. The table beside the folders is written anew.

    Args:
        name: the recipe.
        runs: folders that `run` wrote, one a seed; the first one's weights are shipped.
        destination: the folder ``pretrained`` of the library, or another.
        hardware: where the runs took place, in words, for the card.

    Raises:
        FileNotFoundError: a run is not finished.
        ValueError: there is no such recipe, a run is of another one, two are of one seed, or the
            destination has a README.md of another kind.
    """
    name = full_name(name)
    recipe, folder = RECIPES[name], Path(destination) / name
    table = folder.parent / "README.md"
    if table.exists() and not table.read_text(encoding="utf-8").startswith(TITLE):
        raise ValueError(f"{table} is no table of models and stays as it is: take another folder.")
    results = [_result(name, path) for path in runs]
    seeds = [result["seed"] for result in results]
    if len({*seeds}) < len(seeds) or not runs:
        raise ValueError(f"A model is published from runs of different seeds, not of {seeds}.")
    for file in ("config.json", "model.safetensors"):  # the only place where weights are shipped
        files.write(folder / file, (runs[0] / file).read_bytes())
    seal(folder)
    for path, seed in zip(runs, seeds, strict=True):
        files.write(folder / f"log-seed{seed}.csv", (path / "log.csv").read_bytes())
    write_table(results, folder / "results.csv")
    failed = _failures(Solver.from_pretrained(folder), recipe)
    files.write(folder / "README.md", _card(name, recipe, results, hardware, failed))
    files.write(table, overview(folder.parent))
    return folder


def _result(name: str, run: Path) -> dict:
    """What a finished run of the recipe says."""
    for file in (RESULT, "config.json", "model.safetensors", "log.csv"):
        if not (run / file).is_file():
            raise FileNotFoundError(f"The run in {run} is not finished: it has no {file}.")
    return read_result(run, about(name))


def overview(destination: str | Path) -> str:
    """The table of all models in a folder, from the ``results.csv`` of each."""
    lines = [
        TITLE,
        "Exact accuracy, in percent, on held-out puzzles at the depth of training, seed by seed; the",
        "interval (95 %) is that of the shipped weights. Load one with",
        "`Solver.from_pretrained(name)`; its card, in the folder of its name, says the rest.",
        "",
        "| model | parameters | puzzles | exact, each seed | interval | training seconds |",
        "|---|---|---|---|---|---|",
    ]
    for path in sorted(Path(destination).glob("*/results.csv")):
        with path.open() as file:
            rows = list(csv.DictReader(file))
        name = path.parent.name
        seconds = " ".join(row["seconds"] for row in rows)
        first = f"[{name}]({name}/README.md) | {int(rows[0]['parameters']):,}"
        parts = [key.removeprefix("n") for key in rows[0] if key == "n" or key.startswith("n_")]
        for part in parts:
            exact = " ".join(f"{100 * float(row['exact' + part]):.1f}" for row in rows)
            p = float(rows[0]["exact" + part])
            low, high = Score(p, p, int(rows[0]["n" + part])).interval
            what = f"{int(rows[0]['n' + part]):,} {part[1:].replace('_', ' ')}".strip()
            interval = f"{100 * low:.1f} to {100 * high:.1f}"
            lines.append(f"| {first} | {what} | {exact} | {interval} | {seconds} |")
            first, seconds = " | ", ""
    return "\n".join(lines) + "\n"


def _card(name: str, recipe: Recipe, results: list[dict], hardware: str, failed: str) -> str:
    task, split = recipe.describe()
    exact = [result["exact"] for result in results]
    rows = "\n".join(
        f"| {r['seed']} | {r['exact']:.1%} | {r['cells']:.2%} | {r['seconds']} s |" for r in results
    )
    depth = (
        "one pass"
        if recipe.model is FeedForward
        else f"{recipe.training.segments} segments, the depth it was trained with"
    )
    over = f"{min(exact):.1%} to {max(exact):.1%} over {len(results)} seeds"
    averaged = "averaged over training (EMA)" if recipe.training.ema else "as training left them"
    return f"""# {name}

| | |
|---|---|
| model | `{recipe.model.__name__}`, {results[0]["parameters"]:,} parameters, hidden size {recipe.hidden_size}, expansion {recipe.expansion:g}, SwiGLU widths rounded to 32 (`inner_multiple`); all settings in `config.json` |
| task | {task} |
| data | {recipe.train_puzzles:,} training puzzles; {split} |
| test set | {recipe.test_puzzles:,} puzzles made by seed, SHA-256 `{recipe.checksum()}` |
| training | {recipe.training} |
| command | `hrm-course train {name} --seeds {" ".join(str(r["seed"]) for r in results)} --out runs` |
| hardware | {hardware} |
| shipped weights | those of seed {results[0]["seed"]}, {averaged}, float32 |

Exact accuracy on {results[0]["n"]:,} unseen puzzles after {depth}:
{over if len(results) > 1 else "one seed only"}. The shipped weights: {_with_interval(results[0])}.

| seed | exact | cells | training time |
|---|---|---|---|
{rows}
{_depths(results)}{_parts(results)}
`log-seed*.csv` follow the first 200 test puzzles during training. `results.csv` holds all numbers.

Known limits: trained and tested on {task} only; everything else is outside what it has seen. {failed}
"""


def _with_interval(result: dict, part: str = "") -> str:
    exact, n = result["exact" + part], result["n" + part]
    low, high = Score(exact, exact, n).interval
    return f"{exact:.1%}, 95 % interval {low:.1%} to {high:.1%}"


def _depths(results: list[dict]) -> str:
    """The accuracy of each seed at every depth, as a table."""
    depths = [depth for depth in DEPTHS if f"exact_{depth}" in results[0]]
    if not depths:
        return ""
    lines = [f"| segments | {' | '.join(map(str, depths))} |", "|---" * (len(depths) + 1) + "|"]
    for r in results:
        cells = " | ".join(f"{r[f'exact_{depth}']:.1%}" for depth in depths)
        lines.append(f"| seed {r['seed']} | {cells} |")
    return "\n" + "\n".join(lines) + "\n"


def _parts(results: list[dict]) -> str:
    """The accuracy on the parts of the recipe, where it has some, as a table."""
    parts = [key.removeprefix("n") for key in results[0] if key.startswith("n_")]
    lines = [
        f"| {part[1:].replace('_', ' ')} | {results[0]['n' + part]:,} "
        f"| {' / '.join(format(r['exact' + part], '.1%') for r in results)} "
        f"| {_with_interval(results[0], part)} |"
        for part in parts
    ]
    head = "\n| puzzles | number | exact, each seed | shipped weights |\n|---|---|---|---|\n"
    return head + "\n".join(lines) + "\n" if lines else ""


def _failures(model: Solver, recipe: Recipe) -> str:
    """Known failures of a model, in one sentence."""
    if isinstance(model, FeedForward):
        return "It has one pass and cannot think longer about a harder puzzle."
    found = failures(model, recipe.task, *recipe.test_set(), DEPTHS[-1])
    if not found.wrong:
        return f"Known failures: none of the test puzzles after {DEPTHS[-1]} segments."
    return (
        f"Known failures: after {DEPTHS[-1]} segments {found.wrong} of the test puzzles are wrong. "
        f"Of these, {found.lost} were right after fewer segments, and {found.at_rest} have come "
        f"to rest (residual below 0.01) in a wrong state; the other {found.wrong - found.at_rest} "
        f"still move."
    )
