"""What thinking longer and starting more often buy: shipped models, run 16 times on each board.

    python benchmarks/scaling_study.py expert     # 1 to 2 minutes of one core each
    python benchmarks/scaling_study.py hard trapped maze noise

Every start but the first is a random state. A set becomes ``benchmarks/results/scaling-NAME.npz``:

- ``depths [D]``, the numbers of segments after which the runs were looked at;
- ``right [starts, D, boards]``, whether the answer is right, ``legal`` whether it keeps the rules;
- ``answer``, a number for it: equal numbers on one board are equal answers;
- ``halt_logit`` and ``residual``, in half precision;
- ``guesses [boards]``, that an exact solver needs (mazes: steps of the path), and ``solver [boards]``,
  its CPU seconds; ``second``, CPU seconds of the model for one segment of one board;
- ``calls``, passes through the network in a segment.

``noise`` writes a table: the usual start and three others, with normal noise of a given size added
to the state after each segment, on the first boards of two sets. Columns: ``one``, the share right
of single runs; ``head``, if the halting head chooses among four; ``any``, if some run is right.
"""

import argparse
import csv
import io
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from hrm_course import files
from hrm_course.models import TRM, State, by_halting_head, from_starts
from hrm_course.tasks import Sudoku
from hrm_course.zoo import RECIPES

RESULTS = Path(__file__).parent / "results"
DEPTHS = (1, 2, 4, 8, 16, 32)
BATCH, STARTS = 20, 16
SETS = {  # model, how many of its recipe's test boards, how deep
    "expert": ("trm-sudoku-9x9-expert", 100, 32),
    "hard": ("trm-sudoku-9x9-hard", 100, 32),
    "trapped": ("trm-sudoku-4x4-trapped", 150, 16),
    "maze": ("trm-maze-9x9", 80, 8),
}
LEVELS, NOISY, SEGMENTS = (0.0, 0.1, 0.3), 30, 16


def boards(name: str):
    """The model, its task, and the puzzles and solutions of a set."""
    model, n, _ = SETS[name]
    recipe = RECIPES[model]
    if name == "maze":  # quicker than the recipe's test set; of layouts never trained on
        share = recipe.test_puzzles / (recipe.test_puzzles + recipe.train_puzzles)
        walls, paths = recipe.task.generate(4_000, seed=9)
        held_out = recipe.task.split(walls, share)
        both = walls[held_out], paths[held_out]
    elif name == "trapped":
        both = recipe.test_set()
    else:
        both = replace(recipe, test_puzzles=n).test_set()
    return TRM.from_pretrained(model), recipe.task, *(rows[:n] for rows in both)


def measure(name: str) -> dict[str, np.ndarray]:
    """The arrays of a set."""
    model, task, puzzles, solutions = boards(name)
    deepest, parts, started = SETS[name][2], [], time.process_time()
    depths = [d for d in DEPTHS if d <= deepest]
    at = torch.tensor(depths) - 1
    for first in tqdm(range(0, len(puzzles), BATCH), desc=name):
        inputs = torch.from_numpy(task.encode(puzzles[first : first + BATCH]))
        generator = torch.Generator().manual_seed(first)
        traces = from_starts(model, inputs, deepest, STARTS, generator)
        kept = [(t.tokens[at], t.halt_logit[at], t.residual[at]) for t in traces]
        parts.append([torch.stack(column).numpy() for column in zip(*kept, strict=True)])
    seconds = time.process_time() - started
    tokens, halt, residual = (np.concatenate(part, axis=2) for part in zip(*parts, strict=True))
    answers = task.decode(tokens)  # [starts, D, boards, cells]
    seen = [numbered(answers[:, :, i], task, puzzle) for i, puzzle in enumerate(puzzles)]
    answer, legal = (np.stack(part, axis=-1) for part in zip(*seen, strict=True))
    solver, guesses = zip(*(exact(task, puzzle) for puzzle in puzzles), strict=True)
    return {
        "depths": np.array(depths),
        "right": (answers == solutions).all(-1),
        "legal": legal,
        "answer": answer.astype(np.uint8),
        "halt_logit": halt.astype(np.float16),
        "residual": residual.astype(np.float16),
        "guesses": np.array(guesses),
        "solver": np.array(solver),
        "second": np.array(seconds / (len(puzzles) * STARTS * deepest)),
        "calls": np.array(model.config.H_cycles * (model.config.L_cycles + 1)),
    }


def numbered(answers: np.ndarray, task, puzzle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For ``answers [starts, D, cells]`` to one puzzle a number each, and whether it is legal."""
    distinct, number = np.unique(
        answers.reshape(-1, answers.shape[-1]), axis=0, return_inverse=True
    )
    legal = np.array([task.is_solution(puzzle, answer) for answer in distinct])
    number = number.reshape(answers.shape[:2])
    return number, legal[number]


def exact(task, puzzle: np.ndarray) -> tuple[float, int]:
    """CPU seconds of the exact solver, and how hard it found the puzzle."""
    started = time.process_time()
    if isinstance(task, Sudoku):
        task.solve(puzzle)
    else:
        task.paths(puzzle)
    return time.process_time() - started, task.difficulty(puzzle)


@torch.no_grad()
def noisy(model: TRM, inputs: torch.Tensor, state: State, level: float, generator):
    """Tokens and halting logits after the last segment, with noise after each but this one."""
    for step in range(SEGMENTS):
        if step:
            state = State(*(z + level * torch.randn(z.shape, generator=generator) for z in state))
        state, out = model.segment(state, inputs)
    return out.logits.argmax(-1), out.halt_logit


def noise() -> str:
    """The table of all levels of noise."""
    rows = []
    for name in tqdm(("expert", "trapped"), desc="noise"):
        model, task, puzzles, solutions = boards(name)
        inputs, labels = (torch.from_numpy(task.encode(b[:NOISY])) for b in (puzzles, solutions))
        for random in (False, True):
            for level in LEVELS:
                generator = torch.Generator().manual_seed(0)
                ends = []
                for k in range(4):
                    state = model.initial_state(len(inputs))
                    if random and k:
                        state = model.random_state(len(inputs), generator)
                    ends.append(noisy(model, inputs, state, level, generator))
                tokens, halt = (torch.stack(part) for part in zip(*ends, strict=True))
                right = (tokens == labels).all(-1)
                chosen = right[by_halting_head(halt), torch.arange(len(inputs))]
                shares = {"one": right, "head": chosen, "any": right.any(0)}
                shares = {k: round(v.double().mean().item(), 4) for k, v in shares.items()}
                starts = "random" if random else "usual"
                rows.append(
                    {"set": name, "n": len(inputs), "starts": starts, "level": level} | shares
                )
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return table.getvalue()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+", choices=(*SETS, "noise"))
    torch.set_num_threads(1)
    for name in parser.parse_args().sets:
        if name == "noise":
            files.write(RESULTS / "scaling-noise.csv", noise())
            continue
        file = io.BytesIO()
        np.savez_compressed(file, **measure(name))
        files.write(RESULTS / f"scaling-{name}.npz", file.getvalue())
