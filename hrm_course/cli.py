"""The command ``hrm-course``: it parses arguments and calls the rooms, nothing else."""

import argparse
import itertools
import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

_EXAMPLE = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status of ``hrm-course ...``.

    0: done. 1: something is out of date, or a puzzle is not solved. 2: an error, said in one
    sentence. 130: interrupted.
    """
    arguments = parser().parse_args(argv)
    say = f"hrm-course {arguments.command}:"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # PyTorch's own, of its parts
            warnings.filterwarnings("always", category=UserWarning, module="hrm_course")
            warnings.showwarning = lambda message, *_: print(say, message, file=sys.stderr)
            return arguments.run(arguments)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, FloatingPointError) as error:
        print(say, error, file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(
            say,
            stop if stop.args else "Interrupted; what was saved before is kept.",
            file=sys.stderr,
        )
        return 130


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; each sets ``run``, a function of the parsed arguments."""
    top = argparse.ArgumentParser(
        prog="hrm-course",
        description="Tools of the course Recursive Reasoners as Dynamical Systems.",
        epilog="hrm-course COMMAND --help explains a command and shows an example.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run, says: str, example: str):
        sub = commands.add_parser(
            name,
            help=says,
            description=f"{says[0].upper()}{says[1:]}.",
            epilog=f"example: hrm-course {name} {example}",
        )
        sub.set_defaults(run=run)
        return sub.add_argument

    model = dict(metavar="MODEL", help="a shipped model, or a folder with one")
    threads = dict(type=int, default=1, help="threads of PyTorch (1)")

    a = add("solve", _solve, "show a model filling a puzzle, segment by segment", _EXAMPLE)
    a("puzzle", help="its cells row by row, . or 0 for a blank; - reads them from stdin")
    a("--pretrained", **model | {"help": "a model; left out: the shipped one for this size"})
    a("--segments", type=int, default=16, help="how long it may think (16)")

    a = add("inspect", _inspect, "describe a model, and its segment as a map", "trm-sudoku-4x4")
    a("pretrained", **model)
    a("puzzle", nargs="?", help="as for solve; left out, one is made")
    a("--segments", type=int, default=16, help="length of the orbit (16)")

    says = "measure a model on unseen puzzles, at several depths"
    a = add("evaluate", _evaluate, says, "--pretrained trm-sudoku-9x9-easy")
    a("--pretrained", required=True, **model)
    a("--recipe", help="whose test puzzles; left out: the model's own")
    a("--data", metavar="FOLDER", help="test part of a published data set instead")
    a("--segments", type=int, help="with --data: measure at this depth alone")
    a("--device", choices=("cpu", "cuda"), default="cpu", help="where to compute (cpu)")
    a("--threads", **threads)

    says = "train a model, or go on where a run was interrupted"
    a = add("train", _train, says, "trm-sudoku-4x4 --seeds 0 1 2")
    a(
        "name",
        nargs="?",
        metavar="RECIPE",
        help="such as trm-sudoku-4x4, or all; a wrong one lists them",
    )
    a("--recipe", help="the same, said by name")
    a("--data", metavar="FOLDER", help="a published data set instead of a recipe")
    keys = 'the keys "model" (such as "TRM"), "config", "training", "batch_size"'
    a("--config", metavar="FILE", help=f"with --data: JSON with {keys}")
    a("--seeds", type=int, nargs="+", default=[0], metavar="SEED", help="one run for each (0)")
    a("--out", default="runs", help="folder for RECIPE/seedN (runs)")
    a("--device", choices=("cpu", "cuda"), default="cpu", help="where to compute (cpu)")
    a("--bfloat16", action="store_true", help="compute in bfloat16, as published; for GPUs")
    a("--compile", action="store_true", help="compile the blocks; needs a C++ compiler")
    a("--threads", **threads)

    says = "turn official HRM or TRM weights into a model of the course, or back"
    a = add("convert", _convert, says, "step_26041 --config all_config.yaml --to my-model")
    a("source", help="official file (torch.save, safetensors); with --back our folder")
    a("--config", metavar="FILE", help="the official configuration, YAML or JSON")
    a("--dataset", metavar="FILE", help="dataset.json of its data, for the sizes")
    a("--to", required=True, help="folder of the result; with --back a file")
    a("--back", action="store_true", help="from ours to official: TO and TO.json")

    says = "write or check a data set in the published format"
    a = add("data", _data, says, "sudoku --train 1000 --variants 100 --to my-data")
    a("what", choices=("sudoku", "maze", "check"), help="what to make; check reads one")
    a("folder", nargs="?", help="with check: the data set")
    a("--to", metavar="FOLDER", help="where the data set goes")
    a("--csv", nargs=2, metavar=("TRAIN", "TEST"), help="published tables to take puzzles from")
    a("--train", type=int, default=1000, help="training puzzles (1000)")
    a("--test", type=int, default=1000, help="test puzzles (1000)")
    a("--variants", type=int, default=0, help="symmetric images of a training puzzle (0)")
    a("--side", type=int, default=9, help="rows of a board (9); mazes: odd")
    a("--blanks", type=int, default=45, help="blanks of a Sudoku (45)")
    a("--dialect", choices=("trm", "hrm"), default="trm", help="whose format (trm)")
    a("--seed", type=int, default=0, help="of all that is drawn (0)")

    masters = dict(default="solutions", help="folder of the masters")
    says = "make the exercises from the solution notebooks"
    a = add("release", _release, says, "--class-seed 2027 --exercises to-hand-out")
    a("--solutions", **masters)
    a("--exercises", default="exercises", help="folder of the students' versions")
    a("--class-seed", type=int, help="the number that draws this class's variants")
    a("--check", action="store_true", help="write nothing, list what is stale")

    says = "grade a folder of submissions with the hidden tests"
    a = add("grade", _grade, says, "submissions --out marks")
    a("submissions", help="a folder STUDENT/NN-name.ipynb")
    a("--out", required=True, help="new folder for marks, feedback, gradebook")
    a("--solutions", **masters)
    a("--class-seed", type=int, help="the number the class was given")
    a("--timeout", type=int, default=60, help="seconds a cell may take (60)")

    says = "execute notebooks in place, store their outputs"
    a = add("outputs", _outputs, says, "book/01-maps-and-flows.ipynb")
    a("notebooks", nargs="+", metavar="NOTEBOOK")
    a("--timeout", type=int, default=600, help="seconds a cell may take (600)")

    says = "collect finished runs into a model with a card"
    a = add("publish", _publish, says, 'trm-sudoku-4x4 --hardware "a laptop"')
    a("recipe", help="the recipe of the runs")
    a("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="SEED", help="runs (0 1 2)")
    a("--out", default="runs", help="where the runs are (runs)")
    a("--to", default="hrm_course/pretrained", help="where the model goes")
    a("--hardware", required=True, help="where they were trained, in words")
    return top


# ---- models -------------------------------------------------------------------------------


def _solve(arguments: argparse.Namespace) -> int:
    from .console import load, shipped_for, solve_lines
    from .training import RECIPES

    text = sys.stdin.read() if arguments.puzzle == "-" else arguments.puzzle
    name, model = load(arguments.pretrained or shipped_for(text))
    blanks = getattr(RECIPES.get(name), "known_blanks", None)
    solved = _print(solve_lines(name, model, text, arguments.segments, blanks))
    return 0 if solved else 1


def _inspect(arguments: argparse.Namespace) -> int:
    from .console import inspect_lines, load

    name, model = load(arguments.pretrained)
    _print(inspect_lines(name, model, arguments.puzzle, arguments.segments))
    return 0


def _print(lines: Iterator[str]):
    """Prints the lines as they come; what their generator returns."""
    while True:
        try:
            print(next(lines), flush=True)
        except StopIteration as end:
            return end.value


def _train(arguments: argparse.Namespace) -> int:
    import torch

    from .training import RECIPES, Machine, run
    from .training.distributed import join
    from .training.recipes import full_name
    from .training.run import run_on_data

    torch.set_num_threads(arguments.threads)
    asked = [given for given in (arguments.name, arguments.recipe, arguments.data) if given]
    if len(asked) != 1 or bool(arguments.data) != bool(arguments.config):
        raise ValueError("Name one recipe to train, or a data set with --data and --config.")
    if arguments.data:
        names = [Path(arguments.data).name]
    else:
        names = list(RECIPES) if asked == ["all"] else [full_name(asked[0])]
    machine = Machine(arguments.device, arguments.bfloat16, arguments.compile)
    share, progress = join(), sys.stderr.isatty()
    for name, seed in itertools.product(names, arguments.seeds):
        folder = Path(arguments.out) / name / f"seed{seed}"
        if arguments.data:
            settings = _read_json(arguments.config)
            score = run_on_data(arguments.data, settings, seed, folder, progress, share, machine)
            result = {"exact": score.exact, "n": score.n} if score else {}
        else:
            result = run(name, seed, folder, progress, share, machine)
        if share.rank == 0:
            share_solved = f": {result['exact']:.1%} of {result['n']} unseen puzzles solved"
            print(f"{folder}{share_solved if result else ': trained'}", flush=True)
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    import torch

    from .console import load
    from .tasks.published import read_dataset
    from .training import RECIPES, Machine
    from .training.evaluate import evaluate_batches
    from .training.recipes import full_name
    from .training.run import DEPTHS, measure

    torch.set_num_threads(arguments.threads)
    name, model = load(arguments.pretrained)
    model = Machine(arguments.device).take(model)
    if arguments.segments is not None and not arguments.data:
        raise ValueError("--segments goes with --data; without it every depth is measured.")
    if arguments.data:
        test = read_dataset(arguments.data, "test")
        for depth in DEPTHS if arguments.segments is None else [arguments.segments]:
            print(f"exact_{depth:<4d} {evaluate_batches(model, test.batches(256), depth).exact}")
        return 0
    if name not in RECIPES and not arguments.recipe:
        raise ValueError("Which test puzzles? Name a recipe with --recipe or a folder with --data.")
    recipe = RECIPES[full_name(arguments.recipe or name)]
    for key, value in measure(model, recipe).items():
        print(f"{key:10s} {value}")
    return 0


def _publish(arguments: argparse.Namespace) -> int:
    from .training import publish
    from .training.recipes import full_name

    name = full_name(arguments.recipe)
    runs = [Path(arguments.out) / name / f"seed{seed}" for seed in arguments.seeds]
    print(publish(name, runs, arguments.to, arguments.hardware))
    return 0


def _convert(arguments: argparse.Namespace) -> int:
    import torch

    from .models import Solver, from_official, to_official

    if arguments.back:
        state, config = to_official(Solver.from_pretrained(arguments.source))
        path = Path(arguments.to)
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, path)
        Path(f"{path}.json").write_text(json.dumps(config, indent=2) + "\n")
        print(f"{path} and {path}.json: {len(state)} tensors under their official names")
        return 0
    if not arguments.config:
        raise ValueError("Official weights don't say their configuration: name it with --config.")
    model = from_official(arguments.source, arguments.config, arguments.dataset)
    model.save_pretrained(arguments.to)
    print(f"{arguments.to}: {type(model).__name__}, {model.num_parameters():,} parameters")
    return 0


# ---- data ---------------------------------------------------------------------------------


def _data(arguments: argparse.Namespace) -> int:
    from .console import check_lines, task_of
    from .tasks.maze import Maze
    from .tasks.published import build, read_csv, write_dataset
    from .training.data import training_and_test

    folder = arguments.folder if arguments.what == "check" else arguments.to
    if not folder:
        raise ValueError("Name the folder of the data set: `data check FOLDER`, else --to FOLDER.")
    if arguments.what != "check":
        side, sizes = arguments.side, (arguments.train, arguments.test)
        if arguments.what == "sudoku" and side == 4 and arguments.variants:
            print(
                "Note: 4x4 Sudoku has 288 grids, and symmetries turn those held out for testing "
                "into those trained on. For an honest test leave --variants out.",
                file=sys.stderr,
            )
        task = Maze(side) if arguments.what == "maze" else task_of(side**2, side + 2)
        if arguments.csv:
            tables = [
                read_csv(path, task, rows, arguments.seed)
                for path, rows in zip(arguments.csv, sizes, strict=True)
            ]
            for problem in (problem for table in tables for problem in table.problems):
                print(f"left out: {problem}", file=sys.stderr)
            pairs = [(table.puzzles, table.solutions) for table in tables]
        else:
            pairs = training_and_test(task, *sizes, arguments.seed, arguments.blanks)
        train, test = (
            build(task, *pair, variants, arguments.seed)
            for pair, variants in zip(pairs, (arguments.variants, 0), strict=True)
        )
        write_dataset(folder, {"train": train, "test": test}, arguments.dialect)
    return 0 if _print(check_lines(folder)) else 1


def _read_json(path: str):
    try:
        return json.loads(Path(path).read_text())
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}.") from error


# ---- the classroom ------------------------------------------------------------------------


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


if __name__ == "__main__":
    sys.exit(main())
