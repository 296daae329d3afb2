"""The command ``hrm-course``: it parses arguments and calls the rooms, nothing else."""

import argparse
import io
import itertools
import json
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .. import __version__

_EXAMPLE = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status of ``hrm-course ...``.

    0: done. 1: something is out of date, or a puzzle is not solved. 2: an error, said in one
    sentence. 130: interrupted, 143: ended by SIGTERM.
    """
    given = sys.argv[1:] if argv is None else argv
    arguments = parser().parse_args([_shielded(argument) for argument in given])
    say = f"hrm-course {arguments.command}:"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # PyTorch's own, of its parts
            warnings.filterwarnings("always", category=UserWarning, module="hrm_course")
            warnings.showwarning = _teller(say)
            return arguments.run(arguments)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, FloatingPointError) as error:
        print(say, error, file=sys.stderr)
        return 2
    except (ImportError, MemoryError) as error:
        what = str(error) or "there is not enough memory for this"
        missing = getattr(error, "name", None)
        hint = f": pip install {missing}" if missing else ""
        print(say, what + hint, file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(
            say,
            stop if stop.args else "Interrupted; what was saved before is kept.",
            file=sys.stderr,
        )
        return getattr(stop, "status", 130)


def _teller(command: str) -> Any:
    """Shows a warning as one line of the command that gave it."""
    return lambda message, *_, **__: print(command, message, file=sys.stderr)


def _shielded(argument: str) -> str:
    """The argument, with a space before a board that begins with ``-``: no option has one."""
    board = re.fullmatch(r"-[-.0_*xX?1-9A-P|+\s]{3,}", argument)
    return f" {argument}" if board else argument


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message}. See {self.prog} --help.\n")


def _whole(least: int, most: int) -> Callable[[str], int]:
    """The type of a setting that is a whole number from ``least`` to ``most``."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(
                f"must be a whole number from {least} to {most:,}, not {text!r}"
            )
        return number

    return read


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; each sets ``run``, a function of the parsed arguments."""
    top = _Parser(
        prog="hrm-course",
        description="Tools of the course Recursive Reasoners as Dynamical Systems.",
        epilog="hrm-course COMMAND --help explains a command and shows an example.",
    )
    top.add_argument("--version", action="version", version=f"hrm-course {__version__}")
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
    threads = dict(type=_whole(1, 256), default=1, help="threads of PyTorch (1)")
    devices = dict(choices=("cpu", "cuda", "mps"), default="cpu", help="where to compute (cpu)")
    depth, number, seed = _whole(1, 10_000), _whole(1, 10_000_000), _whole(0, 2**32 - 1)

    a = add("solve", _solve, "show a model filling a puzzle, segment by segment", _EXAMPLE)
    says = "its cells row by row, . or 0 for a blank; or a file with one or many; - reads stdin"
    a("puzzle", help=says)
    a("--pretrained", **model | {"help": "a model; left out: the shipped one for this size"})
    a("--segments", type=depth, default=16, help="how long it may think (16)")
    says = "how often to start, at random after the first; the halting head chooses (1)"
    a("--starts", type=_whole(1, 1_000), default=1, help=says)

    a = add("inspect", _inspect, "describe a model, and its segment as a map", "trm-sudoku-4x4")
    a("pretrained", **model)
    a("puzzle", nargs="?", help="as for solve; left out, one is made")
    a("--segments", type=depth, default=16, help="length of the orbit (16)")

    says = "measure a model on unseen puzzles, at several depths"
    a = add("evaluate", _evaluate, says, "--pretrained trm-sudoku-9x9-easy")
    a("--pretrained", required=True, **model)
    a("--recipe", help="whose test puzzles; left out: the model's own")
    a("--data", metavar="FOLDER", help="test part of a published data set instead")
    a("--puzzles", metavar="FILE", help="puzzles of a file instead, one a line or drawn")
    says = "with --data or --puzzles: measure at this depth alone"
    a("--segments", type=depth, help=says)
    a("--device", **devices)
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
    a("--seeds", type=seed, nargs="+", default=[0], metavar="SEED", help="one run for each (0)")
    a("--out", default="runs", help="folder for RECIPE/seedN (runs)")
    a("--device", **devices)
    a("--bfloat16", action="store_true", help="compute in bfloat16, as published; for GPUs")
    a("--compile", action="store_true", help="compile the blocks; needs a C++ compiler")
    a("--threads", **threads)

    says = "turn official HRM or TRM weights into a model of the course, or back"
    a = add("convert", _convert, says, "step_26041 --config all_config.yaml --to my-model")
    a("source", help="official file (torch.save, safetensors); with --back our folder")
    a("--config", metavar="FILE", help="the official configuration, YAML or JSON")
    a("--dataset", metavar="FILE", help="dataset.json of its data, for the sizes")
    a("--seq-len", type=_whole(1, 1_000_000), help="cells of its boards, where no file says it")
    a("--to", required=True, help="folder of the result; with --back a file")
    a("--back", action="store_true", help="from ours to official: TO and TO.json")

    says = "write or check a data set in the published format"
    a = add("data", _data, says, "sudoku --train 1000 --variants 100 --to my-data")
    a("what", choices=("sudoku", "maze", "check"), help="what to make; check reads one")
    a("folder", nargs="?", help="with check: the data set")
    a("--to", metavar="FOLDER", help="where the data set goes")
    a("--csv", nargs=2, metavar=("TRAIN", "TEST"), help="published tables to take puzzles from")
    a("--train", type=number, default=1000, help="training puzzles (1000)")
    a("--test", type=number, default=1000, help="test puzzles (1000)")
    a(
        "--variants",
        type=_whole(0, 1_000_000),
        default=0,
        help="symmetric images of a training puzzle (0)",
    )
    a("--side", type=_whole(2, 64), default=9, help="rows of a board (9); mazes: odd")
    a("--blanks", type=_whole(0, 624), default=45, help="blanks of a Sudoku (45)")
    a("--dialect", choices=("trm", "hrm"), default="trm", help="whose format (trm)")
    a("--seed", type=seed, default=0, help="of all that is drawn (0)")

    masters = dict(default="solutions", help="folder of the masters")
    says = "make the exercises from the solution notebooks"
    a = add("release", _release, says, "--class-seed 2027 --exercises to-hand-out")
    a("--solutions", **masters)
    a("--exercises", default="exercises", help="folder of the students' versions")
    class_seed = _whole(0, 2**63 - 1)
    a("--class-seed", type=class_seed, help="the number that draws this class's variants")
    a("--check", action="store_true", help="write nothing, list what is stale")

    says = "grade a folder of submissions with the hidden tests"
    a = add("grade", _grade, says, "submissions --out marks")
    a("submissions", help="a folder STUDENT/NN-name.ipynb")
    a("--out", required=True, help="new folder for marks, feedback, gradebook")
    a("--solutions", **masters)
    a("--class-seed", type=class_seed, help="the number the class was given")
    a("--timeout", type=_whole(1, 86_400), default=60, help="seconds a cell may take (60)")

    says = "execute notebooks in place, store their outputs"
    a = add("outputs", _outputs, says, "book/01-maps-and-flows.ipynb")
    a("notebooks", nargs="+", metavar="NOTEBOOK")
    a("--timeout", type=_whole(1, 86_400), default=600, help="seconds a cell may take (600)")

    says = "collect finished runs into a model with a card"
    a = add("publish", _publish, says, 'trm-sudoku-4x4 --hardware "a laptop"')
    a("recipe", help="the recipe of the runs")
    a("--seeds", type=seed, nargs="+", default=[0, 1, 2], metavar="SEED", help="runs (0 1 2)")
    a("--out", default="runs", help="where the runs are (runs)")
    a("--to", default="hrm_course/pretrained", help="where the model goes")
    a("--hardware", required=True, help="where they were trained, in words")

    says = "fill a page about a reasoner from its finished runs"
    a = add("report", _report, says, "runs/my-data --baseline plain/my-data --data my-data")
    a("runs", help="folder with the runs seed0, seed1, ... of the reasoner")
    a("--baseline", metavar="RUNS", help="the same of what it is compared with")
    a("--data", required=True, metavar="FOLDER", help="the data set; its test part is used")
    a("--segments", type=depth, default=8, help="depth at which it is judged (8)")
    a("--to", metavar="FILE", help="where the page goes; left out: shown")
    return top


# ---- models -------------------------------------------------------------------------------


def _solve(arguments: argparse.Namespace) -> int:
    from ..tasks.shapes import puzzles_in
    from .show import list_lines, load, shipped_for, solve_lines, tasks_of

    text = _puzzle_text(arguments.puzzle)
    name, model = load(arguments.pretrained or shipped_for(text))
    puzzles = puzzles_in(text, tasks_of(name, model)[0])
    effort = arguments.segments, arguments.starts
    if len(puzzles) == 1:
        return 0 if _print(solve_lines(name, model, puzzles[0][1], *effort)) else 1
    solved = _print(list_lines(name, model, puzzles, *effort))
    print(f"{solved:,} of {len(puzzles):,} puzzles solved.", file=sys.stderr)
    return 0 if solved == len(puzzles) else 1


def _puzzle_text(argument: str, only_files: bool = False) -> str:
    """A puzzle as given, unless there may be ``only_files``; or from stdin or a file in UTF-8.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no text.
    """
    if argument == "-":
        if sys.stdin is None or sys.stdin.closed:
            raise ValueError("There is no standard input to read a puzzle from.")
        content = getattr(sys.stdin, "buffer", sys.stdin).read()
    elif os.path.isfile(argument):
        content = Path(argument).read_bytes()
    elif os.path.isdir(argument):
        raise ValueError(f"{argument} is a folder; a puzzle or a file of puzzles is expected.")
    elif only_files or re.search(r"^[^\n]*([/\\]|\.(txt|csv|sdk|sdm|ss|sud)$)", argument):
        raise FileNotFoundError(f"There is no file {argument}.")
    else:
        return argument
    if isinstance(content, str):
        return content
    utf_16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")  # as some shells of Windows write it
    try:
        return content.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError:
        where = "Standard input" if argument == "-" else argument
        raise ValueError(f"{where} is no text in UTF-8.") from None


def _inspect(arguments: argparse.Namespace) -> int:
    from .inspect import inspect_lines
    from .show import load

    name, model = load(arguments.pretrained)
    text = None if arguments.puzzle is None else _puzzle_text(arguments.puzzle)
    _print(inspect_lines(name, model, text, arguments.segments))
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

    from ..files import read_json
    from ..training import Machine
    from ..training.distributed import join
    from ..zoo import RECIPES, full_name, run, run_on_data

    torch.set_num_threads(arguments.threads)
    asked = [given for given in (arguments.name, arguments.recipe, arguments.data) if given]
    if len(asked) != 1 or bool(arguments.data) != bool(arguments.config):
        raise ValueError("Name one recipe to train, or a data set with --data and --config.")
    if arguments.data:
        names = [Path(arguments.data).resolve().name or "data"]
    else:
        names = list(RECIPES) if asked == ["all"] else [full_name(asked[0])]
    machine = Machine(arguments.device, arguments.bfloat16, arguments.compile)
    share, progress = join(), sys.stderr.isatty()
    for name, seed in itertools.product(names, arguments.seeds):
        folder = Path(arguments.out) / name / f"seed{seed}"
        if arguments.data:
            settings = read_json(arguments.config)
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

    from ..data import read_dataset
    from ..tasks.shapes import puzzles_in
    from ..training import Machine, evaluate_batches
    from ..zoo import RECIPES, full_name
    from ..zoo.run import DEPTHS, measure
    from .show import evaluate_lines, load, tasks_of

    torch.set_num_threads(arguments.threads)
    name, model = load(arguments.pretrained)
    model = Machine(arguments.device).take(model)
    sources = arguments.recipe, arguments.data, arguments.puzzles
    if sum(map(bool, sources)) > 1:
        raise ValueError("Name one source of puzzles: --recipe, --data or --puzzles.")
    if arguments.segments is not None and not (arguments.data or arguments.puzzles):
        raise ValueError(
            "--segments goes with --data or --puzzles; without them every depth is measured."
        )
    depths = DEPTHS if arguments.segments is None else [arguments.segments]
    if arguments.puzzles:
        text = _puzzle_text(arguments.puzzles, only_files=True)
        _print(evaluate_lines(name, model, puzzles_in(text, tasks_of(name, model)[0]), depths))
        return 0
    if arguments.data:
        test = read_dataset(arguments.data, "test")
        for depth in depths:
            print(f"exact_{depth:<4d} {evaluate_batches(model, test.batches(256), depth).exact}")
        return 0
    if name not in RECIPES and not arguments.recipe:
        raise ValueError("Which puzzles? Name them with --recipe, --data or --puzzles.")
    recipe = RECIPES[full_name(arguments.recipe or name)]
    for key, value in measure(model, recipe).items():
        print(f"{key:10s} {value}")
    return 0


def _publish(arguments: argparse.Namespace) -> int:
    from ..zoo import full_name, publish

    name = full_name(arguments.recipe)
    runs = [Path(arguments.out) / name / f"seed{seed}" for seed in arguments.seeds]
    print(publish(name, runs, arguments.to, arguments.hardware))
    return 0


def _convert(arguments: argparse.Namespace) -> int:
    import torch

    from .. import files
    from ..files import read_json
    from ..models import Solver, from_official, to_official

    if arguments.back:
        state, config = to_official(Solver.from_pretrained(arguments.source))
        path, weights = Path(arguments.to), io.BytesIO()
        torch.save(state, weights)
        text = json.dumps(config, indent=2) + "\n"
        files.write_together([(path, weights.getvalue()), (f"{path}.json", text)])
        print(f"{path} and {path}.json: {len(state)} tensors under their official names")
        return 0
    if not arguments.config:
        raise ValueError("Official weights don't say their configuration: name it with --config.")
    dataset = arguments.dataset
    if arguments.seq_len is not None:
        dataset = (read_json(dataset) if dataset else {}) | {"seq_len": arguments.seq_len}
    model = from_official(arguments.source, arguments.config, dataset)
    model.save_pretrained(arguments.to)
    print(f"{arguments.to}: {type(model).__name__}, {model.num_parameters():,} parameters")
    return 0


def _report(arguments: argparse.Namespace) -> int:
    from .. import files
    from ..data import read_dataset
    from .report import report_lines, runs_in

    data = read_dataset(arguments.data, "test")
    runs = runs_in(arguments.runs, data)
    baseline = runs_in(arguments.baseline, data) if arguments.baseline else []
    lines = report_lines(runs, baseline, data, arguments.segments)
    if arguments.to:
        files.write(arguments.to, "\n".join(lines) + "\n")
        print(arguments.to)
    else:
        _print(lines)
    return 0


# ---- data ---------------------------------------------------------------------------------


def _data(arguments: argparse.Namespace) -> int:
    from ..data import build, training_and_test, write_dataset
    from ..data.check import check_lines
    from ..tasks import Maze
    from ..tasks.shapes import tasks_for

    folder = arguments.folder if arguments.what == "check" else arguments.to
    if not folder:
        raise ValueError("Name the folder of the data set: `data check FOLDER`, else --to FOLDER.")
    if arguments.what != "check":
        if arguments.folder:
            raise ValueError(
                f"`data {arguments.what}` writes to --to FOLDER: leave {arguments.folder!r} out."
            )
        side, sizes = arguments.side, (arguments.train, arguments.test)
        if arguments.what == "sudoku" and side == 4 and arguments.variants:
            print(
                "Note: 4x4 Sudoku has 288 grids, and symmetries turn those held out for testing "
                "into those trained on. For an honest test leave --variants out.",
                file=sys.stderr,
            )
        task = Maze(side) if arguments.what == "maze" else tasks_for(side**2, side + 2)[0]
        if arguments.csv:
            pairs = [
                _from_table(path, task, rows, arguments.seed)
                for path, rows in zip(arguments.csv, sizes, strict=True)
            ]
        else:
            pairs = training_and_test(task, *sizes, arguments.seed, arguments.blanks)
        train, test = (
            build(task, *pair, variants, arguments.seed)
            for pair, variants in zip(pairs, (arguments.variants, 0), strict=True)
        )
        write_dataset(folder, {"train": train, "test": test}, arguments.dialect)
    return 0 if _print(check_lines(folder)) else 1


def _from_table(path: str, task, rows: int, seed: int):
    """Puzzles and solutions of a table; what is left out and what is lacking is said on stderr."""
    from ..data.tables import read_csv

    table = read_csv(path, task, rows, seed)
    for problem in table.problems:
        print(f"left out: {problem}", file=sys.stderr)
    if len(table.puzzles) < rows:
        print(f"{path} has {len(table.puzzles):,} good rows, not {rows:,}.", file=sys.stderr)
    return table.puzzles, table.solutions


# ---- the classroom ------------------------------------------------------------------------


def _release(arguments: argparse.Namespace) -> int:
    from ..classroom.release import release

    folders = arguments.solutions, arguments.exercises
    stale = release(*folders, arguments.class_seed, arguments.check)
    for path in stale:
        print(f"{path}: out of date" if arguments.check else f"{path}: written")
    if not stale:
        print("The exercises are up to date.")
    return int(arguments.check and bool(stale))


def _grade(arguments: argparse.Namespace) -> int:
    from ..classroom.grade import grade
    from ..classroom.marks import export

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
    from ..classroom.outputs import refresh

    for path in arguments.notebooks:
        print(f"{path}: executed in {refresh(path, arguments.timeout):.1f} s")
    return 0
