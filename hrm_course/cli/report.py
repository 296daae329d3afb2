"""The page that ``hrm-course report`` fills from finished runs: lines of Markdown."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..data import Dataset
from ..dynamics import spectral_radius
from ..files import read_json
from ..models import Reasoner, Solver
from ..training import evaluate_batches

DEPTHS = (1, 2, 4, 8, 16, 32)
REST = 0.01  # a smaller residual counts as rest, as on the cards of the models
BOARDS = 4  # of each kind, at which the spectral radius is computed
STARTS = 4  # random ones
MOST = 256  # puzzles that are looked at closely
TO_WRITE = (
    "**The question.** What about this task needs several steps, and how would one see it?",
    "**The data.** What do training and test puzzles share, and what may a model remember?",
    "**The baseline.** Was it as large, and trained with as much compute? Who won, and why?",
    "**The map.** Do right boards rest, do wrong ones, and what do the radii say about it?",
    "**One failure.** Show a wrong board segment by segment. Which rule does it break?",
    "**What this does not say.** Seeds, sizes and puzzles that were not tried.",
)


@dataclass(frozen=True)
class Run:
    """A finished run: the name of its folder, its model, and how many steps it took."""

    name: str
    model: Solver
    steps: int


def runs_in(folder: str | Path, data: Dataset) -> list[Run]:
    """The finished runs ``seed0``, ``seed1``, ... in ``folder``.

    Raises:
        FileNotFoundError: there are none.
        ValueError: a model reads other boards than those of ``data``.
    """
    found = sorted(Path(folder).glob("seed*/result.json"), key=lambda p: (len(str(p)), str(p)))
    if not found:
        raise FileNotFoundError(
            f"{folder} holds no finished runs seed0, seed1, ...: make them with hrm-course train."
        )
    runs = []
    for path in found:
        model = Solver.from_pretrained(path.parent)
        reads, has = ((shape.seq_len, shape.vocab_size) for shape in (model.config, data))
        if reads != has:
            raise ValueError(
                f"{path.parent} reads {reads[0]} cells of {reads[1]} tokens, the data has {has[0]} "
                f"of {has[1]}: it was trained on another task."
            )
        runs.append(Run(path.parent.name, model, read_json(path)["steps"]))
    return runs


def report_lines(
    runs: list[Run], baseline: list[Run], data: Dataset, segments: int
) -> Iterator[str]:
    """The page about a reasoner.

    Args:
        runs: of the reasoner; the first one is dissected.
        baseline: of what it is compared with; may be none.
        data: the test puzzles; the first `MOST` of them are looked at closely.
        segments: the depth at which models are compared and dissected.

    Raises:
        ValueError: the model has no segments.
    """
    model = runs[0].model
    if not isinstance(model, Reasoner):
        raise ValueError(
            f"A {type(model).__name__} has no segments and no map: name it as --baseline."
        )
    batch = data.batch(np.arange(min(len(data), MOST)))
    batch = {name: torch.from_numpy(rows) for name, rows in batch.items()}
    parts = {
        "Task": _task(data),
        f"Accuracy after {segments} segments": _accuracy(runs, baseline, data, segments),
        f"The map, of {runs[0].name}": _map(model, batch, segments),
        "To be written by you": (f"- {line}" for line in TO_WRITE),
    }
    yield f"# A {type(model).__name__} of {model.num_parameters():,} parameters"
    for title, lines in parts.items():
        yield ""
        yield f"## {title}"
        yield ""
        yield from lines


def _task(data: Dataset) -> Iterator[str]:
    copied = (data.inputs == data.labels).all(1).mean()
    counts = np.bincount(data.labels.ravel().astype(np.int64))
    yield (
        f"{len(data):,} unseen puzzles of {data.seq_len} cells and {data.vocab_size} tokens. "
        f"Copying the puzzle solves {copied:.1%} of them; the most frequent token is right in "
        f"{counts.max() / counts.sum():.1%} of all cells."
    )


def _accuracy(runs, baseline, data: Dataset, segments: int) -> Iterator[str]:
    yield "| | run | parameters | steps | solved | 95 % interval | cells right |"
    yield "|---|---|---|---|---|---|---|"
    solved = []
    for kind, several in (("model", runs), ("baseline", baseline)):
        solved.append([])
        for run in several:
            score = evaluate_batches(run.model, data.batches(256), segments)
            low, high = score.interval
            solved[-1].append(score.exact)
            yield (
                f"| {kind} | {run.name} | {run.model.num_parameters():,} | {run.steps:,} | "
                f"{score.exact:.1%} | {low:.1%} to {high:.1%} | {score.cells:.1%} |"
            )
    yield ""
    yield verdict(*solved)


def verdict(model: list[float], baseline: list[float]) -> str:
    """What the shares solved by the runs of a model and of its baseline allow to say."""
    if not baseline:
        return "There is no baseline: nothing says yet that recursion is needed."
    few = "" if min(len(model), len(baseline)) >= 3 else " Three seeds of each are the least."
    if min(model) > max(baseline):
        return f"Every run of the model is ahead of every run of the baseline.{few}"
    if max(model) < min(baseline):
        return f"Every run of the baseline is ahead of every run of the model.{few}"
    return f"The runs of the two overlap: these seeds do not tell them apart.{few}"


def _map(model: Reasoner, batch: dict[str, Tensor], segments: int) -> Iterator[str]:
    inputs, labels, ids = batch["inputs"], batch["labels"], batch["puzzle_identifiers"]
    counted, deep = labels != -100, max(segments, DEPTHS[-1])
    trace = model.solve(inputs, deep, trace=True, puzzle_identifiers=ids).trace
    assert trace is not None  # it was asked for
    right = ((trace.tokens == labels) | ~counted).all(-1)  # [segments, puzzles]

    yield "| after segment | solved | residual, right boards | residual, wrong boards |"
    yield "|---|---|---|---|"
    for depth in sorted({*DEPTHS, segments}):
        now, moved = right[depth - 1], trace.residual[depth - 1]
        yield (
            f"| {depth} | {now.float().mean():.1%} | {_median(moved[now])} | {_median(moved[~now])} |"
        )
    yield ""
    now, moved = right[segments - 1], trace.residual[segments - 1]
    wrong = ~now
    lost, at_rest = wrong & right[:segments].any(0), wrong & (moved < REST)
    yield (
        f"**Failures.** Of {len(now)} boards {wrong.sum()} are wrong after segment {segments}. Of "
        f"these {lost.sum()} were right after an earlier one, {at_rest.sum()} are at rest (residual "
        f"below {REST}), and {(wrong & ~at_rest).sum()} still move."
    )
    yield ""
    says = trace.halt_logit[segments - 1] > 0
    yield (
        f"**Halting head.** It trusts {(says & now).sum()} right and {(says & wrong).sum()} wrong "
        f"boards; it doubts {(~says & now).sum()} right and {(~says & wrong).sum()} wrong ones."
    )
    yield ""
    yield _radii(model, inputs, ids, now, segments)
    yield ""
    yield _starts(model, inputs, labels, ids, now, segments)


def _radii(model: Reasoner, inputs, ids, right: Tensor, segments: int) -> str:
    said = []
    for kind, rows in (("right", right), ("wrong", ~right)):
        some = rows.nonzero().squeeze(1)[:BOARDS]
        if len(some) == 0:
            said.append(f"there are no {kind} boards")
            continue
        f = model.segment_map(inputs[some], ids[some])
        z = torch.stack(model.initial_state(len(some), inputs[some], ids[some]), dim=1)
        with torch.no_grad():
            for _ in range(segments):
                z = f(z)
            radii = torch.as_tensor(spectral_radius(f, z, batched=True))
        said.append(f"{kind} boards {' '.join(f'{radius:.2f}' for radius in radii.tolist())}")
    return (
        f"**Spectral radius** of a segment's Jacobian after segment {segments}: {'; '.join(said)}. "
        f"It decides about stability only at boards that are at rest."
    )


def _starts(model: Reasoner, inputs, labels, ids, usual: Tensor, segments: int) -> str:
    generator = torch.Generator().manual_seed(0)
    solved = []
    for _ in range(STARTS):
        state = model.random_state(len(inputs), generator)
        tokens = model.solve(inputs, segments, puzzle_identifiers=ids, state=state).tokens
        solved.append(((tokens == labels) | (labels == -100)).all(-1))
    solved = torch.stack(solved).float()
    any_of_them = torch.maximum(solved.max(0).values, usual.float())
    return (
        f"**Random starts.** The usual start solves {usual.float().mean():.1%}, one of {STARTS} "
        f"random ones {solved.mean():.1%} on average; at least one of all {STARTS + 1} solves "
        f"{any_of_them.mean():.1%}, which an oracle would have to choose."
    )


def _median(values: Tensor) -> str:
    return f"{values.median().item():.2g}" if len(values) else "none"
