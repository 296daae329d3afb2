"""The command ``hrm-course``: it parses arguments and calls the rooms, nothing else."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status of ``hrm-course ...``: 0 done, 1 something is out of date, 2 an error."""
    arguments = parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except (ValueError, OSError) as error:
        print(f"hrm-course {arguments.command}: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; each sets ``run``, a function of the parsed arguments."""
    top = argparse.ArgumentParser(prog="hrm-course", description="Tools of the course.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    sub = commands.add_parser("release", help="make the exercises from the solution notebooks")
    sub.add_argument("--solutions", default="solutions", help="folder of the masters")
    sub.add_argument("--exercises", default="exercises", help="folder of the students' versions")
    sub.add_argument("--class-seed", type=int, help="the number that draws this class's variants")
    sub.add_argument("--check", action="store_true", help="write nothing, list what is stale")
    sub.set_defaults(run=_release)

    sub = commands.add_parser("grade", help="grade a folder of submissions with the hidden tests")
    sub.add_argument("submissions", help="a folder STUDENT/NN-name.ipynb")
    sub.add_argument("--out", required=True, help="new folder for marks, feedback, gradebook")
    sub.add_argument("--solutions", default="solutions", help="folder of the masters")
    sub.add_argument("--class-seed", type=int, help="the number the class was given")
    sub.add_argument("--timeout", type=int, default=60, help="seconds a cell may take (60)")
    sub.set_defaults(run=_grade)

    sub = commands.add_parser("outputs", help="execute notebooks in place, store their outputs")
    sub.add_argument("notebooks", nargs="+", metavar="NOTEBOOK")
    sub.add_argument("--timeout", type=int, default=600, help="seconds a cell may take (600)")
    sub.set_defaults(run=_outputs)

    sub = commands.add_parser("train", help="train a model of the course, or continue to")
    sub.add_argument("recipe", help="for example trm-sudoku-4x4; a wrong name lists all")
    sub.add_argument("--seeds", type=int, nargs="+", default=[0], metavar="SEED")
    sub.add_argument("--out", default="runs", help="folder for RECIPE/seedN (runs)")
    sub.add_argument("--threads", type=int, default=1, help="threads of PyTorch (1)")
    sub.set_defaults(run=_train)

    sub = commands.add_parser("publish", help="collect finished runs into a model with a card")
    sub.add_argument("recipe")
    sub.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="SEED")
    sub.add_argument("--out", default="runs", help="where the runs are (runs)")
    sub.add_argument("--to", default="hrm_course/pretrained", help="where the model goes")
    sub.add_argument("--hardware", required=True, help="where they were trained, in words")
    sub.set_defaults(run=_publish)

    sub = commands.add_parser("evaluate", help="measure a shipped model on its held-out puzzles")
    sub.add_argument("--pretrained", required=True, metavar="NAME", help="name of a shipped model")
    sub.add_argument("--threads", type=int, default=1, help="threads of PyTorch (1)")
    sub.set_defaults(run=_evaluate)
    return top


def _release(arguments: argparse.Namespace) -> int:
    from .classroom.release import release

    folders = arguments.solutions, arguments.exercises
    stale = release(*folders, arguments.class_seed, arguments.check)
    for path in stale:
        print(f"{path}: out of date" if arguments.check else f"{path}: written")
    if not stale:
        print("The exercises are up to date.")
    return int(arguments.check and bool(stale))


def _grade(arguments: argparse.Namespace) -> int:
    from .classroom.grade import grade
    from .classroom.marks import export

    marks = grade(
        arguments.submissions,
        arguments.solutions,
        arguments.out,
        class_seed=arguments.class_seed,
        timeout=arguments.timeout,
        progress=print,
    )
    for path in export(marks, arguments.out):
        print(path)
    return 0


def _outputs(arguments: argparse.Namespace) -> int:
    from .classroom.outputs import refresh

    for path in arguments.notebooks:
        print(f"{path}: executed in {refresh(path, arguments.timeout):.1f} s")
    return 0


def _train(arguments: argparse.Namespace) -> int:
    import torch

    from .training import run

    torch.set_num_threads(arguments.threads)
    for seed in arguments.seeds:
        folder = Path(arguments.out) / arguments.recipe / f"seed{seed}"
        result = run(arguments.recipe, seed, folder)
        print(f"{folder}: {result['exact']:.1%} of {result['n']} unseen puzzles solved")
    return 0


def _publish(arguments: argparse.Namespace) -> int:
    from .training import publish

    runs = [Path(arguments.out) / arguments.recipe / f"seed{seed}" for seed in arguments.seeds]
    print(publish(arguments.recipe, runs, arguments.to, arguments.hardware))
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    import torch

    from .models import TRM, FeedForward
    from .training.run import find_recipe, measure

    torch.set_num_threads(arguments.threads)
    recipe = find_recipe(arguments.pretrained)
    kind = FeedForward if recipe.model == "feedforward" else TRM
    for key, value in measure(kind.from_pretrained(arguments.pretrained), recipe).items():
        print(f"{key:10s} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
