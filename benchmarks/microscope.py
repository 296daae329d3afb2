"""The traces of chapter 16: trained reasoners and an untrained one under the instruments.

    python benchmarks/microscope.py                # all parts: about 20 minutes on one core
    python benchmarks/microscope.py ends spectra   # these parts alone

A part that is there already is measured again only when it is named. Each part becomes
``benchmarks/results/microscope-PART.npz``; an array is named ``subject/what``. The subjects are
shipped models, each on boards of one level from the test set of its recipe:

    hard, hrm, cmm   the models of the hard 9x9 recipe, on minimal boards that need guesses
    expert           trm-sudoku-9x9-expert, on boards with 55 to 60 blanks and 7 to 50 guesses
    hrm-moderate     the same HRM on boards with 40 to 50 blanks, of which it solves most
    trapped          trm-sudoku-4x4-trapped, on 4x4 boards
    untrained        the network of "hard" before training, on its boards

The parts:

    ends       64 orbits of 64 segments (trapped: 400): wrong cells, motion |f(z) - z| / |z|, halting
               logit, how each ends (`dynamics.ending`)
    spectra    spectral radius by Arnoldi's method after 32 segments, five right and five wrong
    exponents  what two tangent vectors gain in each of 32 segments, 32 boards
    starts     16 boards from 8 random starts: right after 32 segments, and how far apart the ends
    handed     what becomes of a state handed in: a solution, somebody else's, the own end state
    blanks     boards with few blanks, after 1 to 8 segments
    dimension  participation ratio and two-neighbour dimension of orbits and of their controls
    order      after which half segment each cell is right for good, and by which rule and round
    probes     ridge regression of candidate sets on states, and its controls
    swap       the state of half a board replaced by another's
    frames     the pictures with sliders: four boards, three starts
"""

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from hrm_course.dynamics import (
    auc,
    ending,
    leading_eigenvalues,
    lyapunov_exponents,
    orbit,
    participation_ratio,
    residual,
    spectral_radius,
    two_nn,
    walk_like,
)
from hrm_course.dynamics.trajectories import KINDS
from hrm_course.models import Solver
from hrm_course.zoo import RECIPES

RESULTS = Path(__file__).parent / "results"
BOARDS, LONG, THINK = 64, 64, 32


@dataclass
class Subject:
    """A model and its boards, as tokens ``[B, S]``."""

    model: Solver
    task: object
    puzzles: np.ndarray
    inputs: Tensor
    labels: Tensor

    def start(self, rows: slice = slice(None)) -> Tensor:
        """The usual joint states ``[B, 2, L, D]``."""
        inputs = self.inputs[rows]
        return torch.stack(self.model.initial_state(len(inputs), inputs), dim=1)

    def map(self, rows: slice | Tensor = slice(None)):
        """The map of a segment on these boards."""
        return self.model.segment_map(self.inputs[rows])

    @torch.no_grad()
    def said(self, z: Tensor) -> Tensor:
        """The answer that joint states ``[..., 2, L, D]`` spell: tokens ``[..., S]``."""
        flat = z.reshape(-1, *z.shape[-3:])
        return self.model.read_out(flat[:, 0]).logits.argmax(-1).view(*z.shape[:-3], -1)

    def right(self, z: Tensor, rows: slice | Tensor = slice(None)) -> Tensor:
        """Which joint states ``[..., B, 2, L, D]`` spell the solution of their board."""
        return (self.said(z) == self.labels[rows]).all(-1)


def subject(name: str, boards: int = BOARDS) -> Subject:
    """The subject of this name, see above."""
    model, _, level = name.partition("-")
    recipe = {"trapped": "trm-sudoku-4x4-trapped", "expert": "trm-sudoku-9x9-expert"}.get(
        model, "trm-sudoku-9x9-hard"
    )
    shipped = {"hrm": "hrm-sudoku-9x9-hard", "cmm": "cmm-sudoku-9x9-hard"}.get(model, recipe)
    recipe = RECIPES[recipe]
    if model == "untrained":
        torch.manual_seed(0)
        solver = recipe.build().eval().requires_grad_(False)
    else:
        solver = Solver.from_pretrained(shipped)
    if level == "moderate":
        puzzles, solutions = recipe.task.generate(boards, (40, 50), seed=1_601)
    elif model == "trapped":
        puzzles, solutions = (rows[:boards] for rows in recipe.test_set(600))
    elif model == "expert":  # where it still fails often enough to look at failures
        part = recipe.parts()["blanks_55_to_60_guesses_7_to_50"]
        puzzles, solutions = (rows[:boards] for rows in part)
    else:
        puzzles, solutions = RECIPES["trm-sudoku-9x9-hard"].test_set(boards)
    inputs, labels = (torch.from_numpy(recipe.task.encode(rows)) for rows in (puzzles, solutions))
    return Subject(solver, recipe.task, puzzles, inputs, labels)


NINE = ("hard", "expert", "hrm", "cmm", "hrm-moderate")


def ends() -> dict:
    """How long orbits end, of right answers and of wrong ones."""
    found = {}
    for name in tqdm((*NINE, "trapped", "untrained")):
        s = subject(name, 400 if name == "trapped" else BOARDS)
        f, z = s.map(), s.start()
        wrong, motion, halt, states = [], [], [], [z]
        with torch.no_grad():
            for _ in range(LONG):
                image = f(z)
                size = image.flatten(1).norm(dim=1)
                motion.append((image - z).flatten(1).norm(dim=1) / size)
                z = image
                out = s.model.read_out(z[:, 0])
                wrong.append((out.logits.argmax(-1) != s.labels).sum(1))
                halt.append(out.halt_logit)
                states.append(z)
        end = ending(torch.stack(states), batched=True)
        found |= {
            f"{name}/wrong": torch.stack(wrong).to(torch.uint8),
            f"{name}/motion": torch.stack(motion),
            f"{name}/halt": torch.stack(halt),
            f"{name}/kind": torch.tensor([KINDS.index(kind) for kind in end.kind]),
            f"{name}/shrink": end.shrink,
            f"{name}/still": end.still,
            f"{name}/recurrence": end.recurrence,
        }
    return found


def spectra() -> dict:
    """Spectral radii after 32 segments, at five states that are right and five that are wrong."""
    found = {}
    for name in ("trapped", "hard", "expert", "hrm-moderate"):
        s = subject(name, 200 if name == "trapped" else BOARDS)
        z = orbit(s.map(), s.start(), THINK)[-1]
        right = s.right(z)
        rows = torch.cat([part.nonzero().flatten()[:5] for part in (right, ~right)])
        radius = [spectral_radius(s.map(rows[i : i + 1]), z[rows[i : i + 1]].clone())
                  for i in tqdm(range(len(rows)), name)]  # fmt: skip
        found |= {f"{name}/radius": torch.tensor(radius), f"{name}/right": right[rows]}
        found |= {f"{name}/motion": _motion(s.map(rows), z[rows])}
    return found


def _motion(f, z: Tensor) -> Tensor:
    return residual(f, z, batched=True) / z.flatten(1).norm(dim=1)


def exponents() -> dict:
    """What each of two orthonormal tangents gains in each segment: logarithms [32, B, 2]."""
    found = {}
    for name in tqdm(("hard", "expert", "hrm-moderate")):
        s = subject(name, 32)
        with torch.no_grad():
            means = lyapunov_exponents(s.map(), s.start(), THINK, 2, batched=True, history=True)
        sums = means * torch.arange(1, THINK + 1).view(-1, 1, 1)
        z = orbit(s.map(), s.start(), THINK)
        found |= {
            f"{name}/gain": sums.diff(dim=0, prepend=torch.zeros_like(sums[:1])),
            f"{name}/right": s.right(z[1:]),
            f"{name}/motion": (z[1:] - z[:-1]).flatten(2).norm(dim=2)
            / z[1:].flatten(2).norm(dim=2),
            f"{name}/halt": s.model.read_out(z[-1][:, 0]).halt_logit,
        }
    return found


def starts() -> dict:
    """Eight random starts of 16 boards; of trapped, half of them boards that the usual start fails."""
    found = {}
    for name in ("trapped", "hard", "expert"):
        s = subject(name, 16)
        if name == "trapped":  # those that the usual start gets wrong, and as many others
            s = subject(name, 200)
            right = s.right(orbit(s.map(), s.start(), THINK)[-1])
            rows = torch.cat([part.nonzero().flatten()[:8] for part in (~right, right)])
            s = replace(s, puzzles=s.puzzles[rows], inputs=s.inputs[rows], labels=s.labels[rows])
        generator = torch.Generator().manual_seed(16)
        ends, usual = [], orbit(s.map(), s.start(), THINK)[-1]
        for _ in tqdm(range(8), name):
            z = torch.stack(s.model.random_state(16, generator), dim=1)
            ends.append(orbit(s.map(), z, THINK)[-1])
        z = torch.stack(ends)
        size = z.flatten(2).norm(dim=2).mean()
        apart = torch.stack(
            [torch.cdist(row, row) for row in z.transpose(0, 1).flatten(2).double()]
        )
        found |= {
            f"{name}/usual": s.right(usual),
            f"{name}/right": s.right(z),  # [starts, boards]
            f"{name}/motion": torch.stack([_motion(s.map(), end) for end in ends]),
            f"{name}/halt": torch.stack([s.model.read_out(end[:, 0]).halt_logit for end in ends]),
            f"{name}/apart": (apart / size).half(),  # [boards, starts, starts]
        }
    return found


def handed() -> dict:
    """Share of boards right at once and after 1, 2, 4, 8 segments, from states handed in.

    Rows: the solution's embedding as z_H; another board's solution; the state in which the model
    rests when it is given the solution as its puzzle; the same of another board (a control: does
    it keep whatever it gets?); and the usual start. For the controls also how often the answer is
    still the one handed in.
    """
    found = {}
    for name in tqdm(("trapped", "hard", "expert", "hrm-moderate", "cmm")):
        s = subject(name, 32)
        other = s.labels.roll(1, 0)
        with torch.no_grad():
            given = s.model.segment_map(s.labels)
            full = orbit(given, s.start(), 8)[-1]
            embedded = [
                torch.stack((s.model.embed(tokens), s.start()[:, 1]), 1)
                for tokens in (s.labels, other)
            ]
        states = [embedded[0], embedded[1], full, full.roll(1, 0), s.start()]
        right, kept = [], []
        for z in states:
            said = s.said(orbit(s.map(), z, 8)[[0, 1, 2, 4, 8]])
            right.append((said == s.labels).all(-1))
            kept.append((said == other).all(-1))
        found |= {f"{name}/right": torch.stack(right), f"{name}/kept": torch.stack(kept)}
    return found


def blanks() -> dict:
    """Right after 1, 2, 4, 8 segments: 64 boards with 0, 1, 2, 4, 8, 16 blanks."""
    found = {}
    for name in ("hard", "expert", "hrm"):
        s, right = subject(name), []
        for n in tqdm((0, 1, 2, 4, 8, 16), name):
            pair = s.task.generate(64, n, seed=1_616)
            inputs, labels = (torch.from_numpy(s.task.encode(rows)) for rows in pair)
            tokens = s.model.solve(inputs, 8, trace=True).trace.tokens[[0, 1, 3, 7]]
            right.append((tokens == labels).all(-1))
        found[f"{name}/right"] = torch.stack(right)  # [blanks, segments, boards]
    return found


def dimension() -> dict:
    """Orbits of 32 segments without their start, and long ones of boards that stay unsolved.

    ``slow`` is z_H alone. ``walk``: the walk with the steps of the orbit. ``cloud``: Gaussian
    points with the variances of the orbit, which has its participation ratio and no order in time.
    """
    found = {}
    for name in ("hard", "expert", "hrm-moderate", "untrained"):
        s = subject(name)
        z = orbit(s.map(), s.start(), THINK)
        slow = z[1:, :, 0]
        found |= {
            f"{name}/right": s.right(z[-1]),
            f"{name}/slow": participation_ratio(slow, batched=True),
            f"{name}/joint": participation_ratio(z[1:], batched=True),
            f"{name}/walk": torch.stack(
                [participation_ratio(walk_like(slow[:, i], seed=i)) for i in range(BOARDS)]
            ),
            f"{name}/ends": participation_ratio(slow[-1]),
            f"{name}/ends_fast": participation_ratio(z[-1, :, 1]),
            f"{name}/ends_cloud": participation_ratio(
                torch.randn(slow[-1].shape, generator=torch.Generator().manual_seed(0))
            ),
            f"{name}/ends_two": two_nn(slow[-1]),
        }
        late = slow[8:]  # without the first, large moves
        found |= {
            f"{name}/late": participation_ratio(late, batched=True),
            f"{name}/late_walk": torch.stack(
                [participation_ratio(walk_like(late[:, i], seed=i)) for i in range(BOARDS)]
            ),
        }
        if name in ("hard", "expert"):
            found |= {f"{name}/{key}": value for key, value in _long(s, z[-1]).items()}
    return found


def _long(s: Subject, z: Tensor, boards: int = 12, length: int = 256) -> dict[str, Tensor]:
    rows = (~s.right(z)).nonzero().flatten()[:boards]
    f, z, states = s.map(rows), z[rows], []
    with torch.no_grad():
        for _ in tqdm(range(length), "long"):
            z = f(z)
            states.append(z[:, 0].flatten(1).clone())
    states = torch.stack(states)  # [n, rows, numbers]
    generator = torch.Generator().manual_seed(0)
    two, walks, clouds, ratios = [], [], [], []
    for path in states.transpose(0, 1):
        centred = path.double() - path.double().mean(0)
        variances = torch.linalg.svdvals(centred).square() / len(path)
        cloud = torch.randn(length, len(variances), generator=generator) * variances.sqrt()
        two.append(two_nn(path))
        walks.append(two_nn(walk_like(path)))
        clouds.append(two_nn(cloud))
        ratios.append(participation_ratio(path))
    long = {"two": two, "two_walk": walks, "two_cloud": clouds, "ratio": ratios}
    found = {f"long_{key}": torch.stack(value) for key, value in long.items()}
    # some are solved or come to rest after all: those are told by their last move
    return found | {"long_right": s.right(z, rows), "long_motion": _motion(f, z)}


def order() -> dict:
    """When each cell is right for good (0: before anything, in half segments), and by what rule.

    ``naked``: the round of `Sudoku.rounds`; ``either``: the round of a solver that also fills a
    value's only cell in a unit; ``candidates``: values that the givens leave open.
    """
    found = {}
    for name in tqdm(("hard-moderate", "expert-moderate", "hrm-moderate")):
        s = subject(name)
        z, x, said = s.start(), s.model.embed(s.inputs), []
        state = tuple(z.unbind(1))
        with torch.no_grad():
            for _ in range(8 * s.model.config.H_cycles):
                state = s.model.cycle(*state, x)
                said.append(s.model.read_out(state[0]).logits.argmax(-1))
        right = torch.stack(said) == s.labels  # [half segments, B, S]
        last_wrong = (~right).long() * torch.arange(1, len(right) + 1).view(-1, 1, 1)
        found |= {
            f"{name}/decided": (last_wrong.amax(0) + 1).to(torch.uint8),  # 17: never
            f"{name}/naked": torch.from_numpy(s.task.rounds(s.puzzles)).to(torch.int8),
            f"{name}/either": torch.from_numpy(s.task.rounds(s.puzzles, hidden=True)).to(
                torch.int8
            ),
            f"{name}/candidates": torch.from_numpy(s.task.candidates(s.puzzles).sum(-1)).to(
                torch.int8
            ),
        }
    return found


def probes() -> dict:
    """How well a linear probe tells the candidates of a blank from the values that are excluded.

    The answer of the cell itself is left out, so that a state that only knows the answer gains
    nothing. Rows: z_H and z_L after 1, 2, 4 segments; columns: 48 test boards, an AUC each.
    Controls: the embedded puzzle alone; the untrained network; labels of another board; the
    model's own logits of the values, without any probe.
    """
    found = {}
    train, boards = 208, 256
    for name in tqdm(("hard-moderate", "expert-moderate", "hrm-moderate", "untrained-moderate")):
        s = subject(name, boards)
        open_to = torch.from_numpy(s.task.candidates(s.puzzles))
        prefix = s.model.config.prefix
        z = orbit(s.map(), s.start(), 4)[[1, 2, 4], :, :, prefix:]  # [3, B, 2, S, D]
        features = [z[k, :, i] for i in (0, 1) for k in range(3)]
        embedded = s.model.embed(s.inputs)[:, prefix:]
        logits = s.model.lm_head(z[:, :, 0])[..., 2:]  # [3, B, S, values]
        found[f"{name}/auc"] = torch.stack([_probe(s, x, open_to, train) for x in features])
        found[f"{name}/embedded"] = _probe(s, embedded, open_to, train)
        found[f"{name}/logits"] = torch.stack([_ranked(s, x, open_to, train) for x in logits])
        found[f"{name}/other"] = _probe(s, features[0], open_to, train, shift=1)
    return found


def _probe(s: Subject, x: Tensor, open_to: Tensor, train: int, shift: int = 0) -> Tensor:
    """AUCs of a ridge regression, for each board from ``train`` on.

    ``shift``: the labels are those of another board, for cells that are blank in both.
    """
    blank = torch.from_numpy(s.puzzles == 0)
    if shift:
        blank, open_to = blank & blank.roll(shift, 0), open_to.roll(shift, 0)
    answer = torch.nn.functional.one_hot(s.labels.roll(shift, 0) - 2, s.task.side).bool()
    x = torch.cat((x, torch.ones_like(x[..., :1])), dim=-1).double()
    seen = x[:train][blank[:train]]
    gram = seen.T @ seen + 1.0 * torch.eye(seen.shape[1]).double()
    weights = torch.linalg.solve(gram, seen.T @ open_to[:train][blank[:train]].double())
    return _ranked(s, x @ weights, open_to, train, blank, answer)


def _ranked(s: Subject, guess: Tensor, open_to: Tensor, train: int, blank=None, answer=None):
    """AUCs of numbers for each value ``[B, S, side]``, answers left out, from ``train`` on."""
    blank = torch.from_numpy(s.puzzles == 0) if blank is None else blank
    answer = (
        torch.nn.functional.one_hot(s.labels - 2, s.task.side).bool() if answer is None else answer
    )
    scores = []
    for i in range(train, len(guess)):
        numbers, is_open, counts = (part[i][blank[i]] for part in (guess, open_to, ~answer))
        scores.append(auc(numbers[counts & is_open], numbers[counts & ~is_open]))
    return torch.tensor(scores)


def swap() -> dict:
    """At solved end states, the states of the upper half (rows 1 to 4, or 1 and 2) are replaced.

    Rows: by the end state of another board; by random numbers; by the usual start; z_H alone by
    another's; z_L alone by another's. Columns 0, 1, 2, 4, 8 segments later: share of the cells
    in the other half that are right, and whether the board is.
    """
    found = {}
    for name in tqdm(("hard", "expert", "hard-moderate", "hrm-moderate")):
        s = subject(name, 48)
        z = orbit(s.map(), s.start(), 16)[-1]
        rows = s.right(z).nonzero().flatten()[:24]
        z, f, labels = z[rows], s.map(rows), s.labels[rows]
        prefix, side = s.model.config.prefix, s.task.side
        half = torch.zeros(z.shape[2], dtype=torch.bool)
        half[prefix : prefix + side * (side // 2)] = True
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(z.shape, generator=generator) * z.std()
        kinds = [z.roll(1, 0), noise, s.start()[: len(rows)], z.roll(1, 0), z.roll(1, 0)]
        kept, solved = [], []
        for k, donor in enumerate(kinds):
            mixed = z.clone()
            for which in {3: (0,), 4: (1,)}.get(k, (0, 1)):
                mixed[:, which, half] = donor[:, which, half]
            said = s.said(orbit(f, mixed, 8)[[0, 1, 2, 4, 8]]) == labels
            kept.append(said[..., side * (side // 2) :].double().mean(-1))
            solved.append(said.all(-1))
        found |= {f"{name}/kept": torch.stack(kept), f"{name}/right": torch.stack(solved)}
    return found


SHOWN = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32)


def frames() -> dict:
    """Four boards, three starts: answers, motion, two components, 24 eigenvalues at the end."""
    found = {}
    for label, name, want in (
        ("wanders", "hard", False),
        ("solved", "expert", True),
        ("solved late", "expert", None),
        ("at rest and wrong", "trapped", False),
    ):
        s = subject(name, 48)
        z = orbit(s.map(), s.start(), THINK)
        right = s.right(z[1:])
        first = torch.where(right.any(0), right.long().argmax(0), 99)
        rows = (~right[-1] if want is False else right[-1] & (first <= 6)).nonzero().flatten()
        if want is None:
            rows = (right[-1] & (first >= 10)).nonzero().flatten()
        row = rows[:1]
        generator = torch.Generator().manual_seed(3)
        begin = [s.start()[row]]
        begin += [torch.stack(s.model.random_state(1, generator), 1) for _ in range(2)]
        f, key = s.map(row), label.replace(" ", "_")
        paths = torch.stack([orbit(f, z0, THINK)[:, 0] for z0 in begin])  # [3, 33, 2, L, D]
        flat = paths.flatten(2).double()
        centre = flat[:, 1:].flatten(0, 1).mean(0)
        axes = torch.linalg.svd(flat[:, 1:].flatten(0, 1) - centre, full_matrices=False).Vh[:2]
        out = [s.model.read_out(path[:, 0]) for path in paths]
        sure = torch.stack([o.logits.softmax(-1).amax(-1) for o in out])
        values = [leading_eigenvalues(f, path[-1:].clone(), k=24) for path in tqdm(paths, label)]
        found |= {
            f"{key}/puzzle": torch.from_numpy(s.puzzles[int(row)]),
            f"{key}/solution": torch.from_numpy(s.task.decode(s.labels[row].numpy())[0]),
            f"{key}/answer": torch.from_numpy(s.task.decode(s.said(paths).numpy()).clip(0))[
                :, list(SHOWN)
            ].to(torch.uint8),
            f"{key}/sure": (100 * sure[:, list(SHOWN)]).round().to(torch.uint8),
            f"{key}/motion": torch.stack([_motion_along(f, path) for path in paths]),
            f"{key}/path": (flat - centre) @ axes.T,
            f"{key}/eigenvalues": torch.stack(values),
        }
    return found


def _motion_along(f, path: Tensor) -> Tensor:
    """|f(z) - z| / |z| at every state of an orbit."""
    return torch.cat([_motion(f, z.unsqueeze(0)) for z in path])


PARTS = {
    part.__name__: part
    for part in (
        order, handed, ends, frames, probes, dimension, swap, exponents, blanks, starts, spectra,
    )
}  # fmt: skip


def main() -> None:
    """Measures the parts that are asked for and writes their files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="left out: those not there yet")
    asked = parser.parse_args().parts
    if set(asked) - set(PARTS):
        parser.error(f"the parts are {', '.join(PARTS)}")
    torch.set_num_threads(1)
    for name, part in PARTS.items():
        path = RESULTS / f"microscope-{name}.npz"
        if name in asked or (not asked and not path.exists()):
            print(name, file=sys.stderr)
            arrays = {key: torch.as_tensor(value).detach().numpy() for key, value in part().items()}
            small = {
                k: a.astype(np.float32) if a.dtype == np.float64 else a for k, a in arrays.items()
            }
            np.savez_compressed(path, **small)


if __name__ == "__main__":
    main()
