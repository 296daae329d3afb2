"""The command: what it prints, its exit status, and its sentences for mistakes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from hrm_course.cli import main, parser
from hrm_course.console import check_lines, read_puzzle, task_of
from hrm_course.models import TRM, Solver
from hrm_course.tasks import Sudoku
from hrm_course.tasks.maze import Maze
from hrm_course.tasks.published import read_dataset, write_csv
from hrm_course.training.data import training_and_test
from hrm_course.training.recipes import split_grids

GOLDEN = Path(__file__).parent / "data" / "golden"
FOUR = "3..4.4.3..42..31"
NINE = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"


@pytest.fixture
def call(capsys):
    """Runs a command; its exit status, what it printed, what it said on stderr."""

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err and "\x1b" not in out
        return status, out, err

    return run


# ---- solve -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("puzzle", "name"), [(FOUR, "trm-sudoku-4x4"), (NINE, "trm-sudoku-9x9-hard")]
)
def test_solve_shows_the_board_filling(call, puzzle, name):
    status, out, err = call("solve", puzzle, "--segments", 8)
    assert status == 0 and err == ""
    assert out.startswith(f"{name}: TRM, ")
    assert len(re.findall(r"^segment \d+: ", out, re.M)) == 8
    assert out.splitlines()[-1].startswith("Solved. The board was right for the first time")
    boards = out.split("segment ")
    stars = [board.count("*") for board in boards]
    said = [re.match(r"\d+: (\d+) cells? changed", board) for board in boards]
    assert [int(match[1]) if match else 0 for match in said] == stars
    assert stars[1] >= puzzle.count(".")  # the first segment fills every blank


def test_the_board_after_the_last_segment_is_the_models_answer(call):
    _, out, _ = call("solve", FOUR, "--segments", 3)
    task = Sudoku((2, 2))
    board = re.findall(r"^ +\d.*\|.*$", out, re.M)[-4:]
    digits = [int(char) for char in "".join(board) if char.isdigit()]
    inputs = torch.from_numpy(task.encode(task.parse(FOUR)))[None]
    tokens = TRM.from_pretrained("trm-sudoku-4x4").solve(inputs, 3).tokens[0].numpy()
    assert digits == task.decode(tokens).tolist()
    assert task.is_solution(task.parse(FOUR), np.array(digits))


def test_a_board_that_the_model_does_not_solve_ends_honestly(call):
    status, out, _ = call("solve", NINE[:27] + "." * 54, "--segments", 2)
    assert status == 1
    assert "has more than one solution: row 8" in out and "Any solution will do" in out
    assert "this puzzle has 71 blanks. The model was trained on 30 to 60" in out
    assert re.search(r"^Not solved after 2 segments: \d+ of 27 rows", out.splitlines()[-1])


def test_solve_with_other_models_and_from_stdin(call, monkeypatch):
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("3..4\n.4.3\n..42\n..31\n"))
    status, out, _ = call("solve", "-", "--pretrained", "feedforward-sudoku4")
    assert status in (0, 1) and out.count("segment 1:") == 1 and "halting head" not in out
    assert call("solve", FOUR, "--pretrained", "hrm-sudoku-4x4")[0] == 0


@pytest.mark.parametrize(
    ("puzzle", "sentence"),
    [
        ("12", "16 (4x4), 36 (6x6) or 81 (9x9) characters, row by row, with . for a blank; this"),
        ("3..4.4.3..42..3x", "Character 16 (row 4, column 4) is 'X'"),
        ("33.4.4.3..42..31", "contradict each other: row 1, column 1 and row 1, column 2"),
        ("12..34......3...", "no solution"),
    ],
)
def test_a_bad_puzzle_gets_one_sentence(call, puzzle, sentence):
    if puzzle.startswith("12.."):
        puzzle = "123....4........"  # the last cell of the first row can be nothing
    status, out, err = call("solve", puzzle)
    assert status == 2 and out == "" and len(err.splitlines()) == 1
    assert err.startswith("hrm-course solve: ") and sentence in err


def test_bad_models_and_numbers_get_one_sentence(call, tmp_path):
    for arguments, sentence in (
        (["solve", FOUR, "--pretrained", "trm-chess"], "No model 'trm-chess'"),
        (["solve", NINE, "--pretrained", "trm-sudoku-4x4"], "has 16 characters"),
        (["solve", FOUR, "--segments", 0], "at least one segment"),
        (["inspect", tmp_path], "config.json"),
        (["evaluate", "--pretrained", "trm-chess"], "No model 'trm-chess'"),
        (["train"], "Name one recipe"),
        (["train", "trm-sudoku4", "--data", tmp_path], "Name one recipe"),
        (["train", "trm-sudoku5"], "no recipe 'trm-sudoku5'"),
        (["train", "--data", tmp_path, "--config", tmp_path / "no.json"], "No such file"),
        (["convert", tmp_path / "none", "--to", tmp_path], "--config"),
        (["data", "sudoku"], "--to FOLDER"),
        (["data", "check", tmp_path], "neither a folder train nor a folder test"),
        (["data", "sudoku", "--side", 5, "--to", tmp_path], "neither Sudoku nor mazes"),
    ):
        status, _, err = call(*arguments)
        assert status == 2 and sentence in err and len(err.splitlines()) == 1, arguments


def test_the_task_of_a_model():
    assert task_of(81, 11).box == (3, 3) and task_of(36, 8).box == (2, 3)
    assert task_of(256, 18).box == (4, 4)
    assert isinstance(task_of(900, 6), Maze) and task_of(49, 6).size == 7
    for wrong in ((900, 12), (80, 11), (81, 10)):
        with pytest.raises(ValueError, match="neither Sudoku nor mazes"):
            task_of(*wrong)


def test_a_maze_with_several_shortest_paths_is_said():
    maze = Maze(5)
    board, warning = read_puzzle(maze, "######S  ## # ##  G######")
    assert board.shape == (25,) and warning.startswith("2 paths are the shortest")


# ---- inspect ---------------------------------------------------------------------------------


def test_inspect_gives_the_numbers_of_the_instruments(call):
    from hrm_course.dynamics import lyapunov_exponents, orbit, spectral_radius

    status, out, _ = call("inspect", "trm-sudoku-4x4", FOUR, "--segments", 4)
    assert status == 0 and "  parameters             80,770" in out
    model, task = TRM.from_pretrained("trm-sudoku-4x4"), Sudoku((2, 2))
    f = model.segment_map(torch.from_numpy(task.encode(task.parse(FOUR)))[None])
    states = orbit(f, torch.stack(model.initial_state(1), 1), 4)
    rows = re.findall(r"^ +(\d+) +(\S+) +\S+ +\d+ +\S+ +(yes|no)$", out, re.M)
    for k, (segment, move, _) in enumerate(rows):
        expected = (states[k + 1] - states[k]).norm().item()
        assert int(segment) == k + 1 and float(move) == pytest.approx(expected, rel=2e-3, abs=1e-3)
    assert len(rows) == 4 and rows[-1][2] == "yes"
    radius = float(re.search(r"Jacobian after segment 4: (\S+)", out)[1])
    assert radius == pytest.approx(spectral_radius(f, states[-1], tol=1e-5), rel=0.03)
    found = [float(v) for v in re.search(r"per segment: (.*)$", out, re.M)[1].split()]
    expected = lyapunov_exponents(f, states[0], 4, k=3).tolist()
    assert found == pytest.approx(expected, abs=2e-3)


def test_inspect_makes_a_puzzle_and_says_what_has_no_map(call):
    assert "2,048 numbers" in call("inspect", "hrm-sudoku4", "--segments", 2)[1]
    assert "no map to inspect" in call("inspect", "feedforward-sudoku-4x4")[1]


# ---- convert: official weights, and the way back ---------------------------------------------


def official_files(folder, name, **change):
    """A checkpoint as the official scripts leave it, from the golden weights."""
    with safe_open(GOLDEN / f"{name}.safetensors", framework="pt") as file:
        config = json.loads(file.metadata()["config"])
        state = {
            "_orig_mod." + key.removeprefix("state/"): file.get_tensor(key)
            for key in file.keys()
            if key.startswith("state/")
        }
    sizes = {key: config.pop(key) for key in ("vocab_size", "seq_len", "num_puzzle_identifiers")}
    torch.save(state, folder / "step_10")
    (folder / "all_config.yaml").write_text(json.dumps({"arch": config | change, "lr": 1e-4}))
    (folder / "dataset.json").write_text(json.dumps(sizes))
    config = ["--config", folder / "all_config.yaml", "--dataset", folder / "dataset.json"]
    return state, [folder / "step_10", *config]


@pytest.mark.parametrize(("name", "dtype"), [("hrm", "float32"), ("trm_mlp", "bfloat16")])
def test_an_official_checkpoint_goes_through_convert_inspect_and_solve(call, tmp_path, name, dtype):
    state, files = official_files(tmp_path, name, forward_dtype=dtype)
    ours = tmp_path / "ours"
    status, out, _ = call("convert", *files, "--to", ours)
    kind = "HRM" if name == "hrm" else "TRM"
    assert status == 0 and f"{ours}: {kind}, " in out
    status, out, err = call("inspect", ours, FOUR, "--segments", 2)
    assert status == 0 and "Spectral radius" in out and err == ""
    assert ("computed in float32" in out) == (dtype == "bfloat16")
    status, out, _ = call("solve", FOUR, "--pretrained", ours, "--segments", 2)
    assert status == 1 and "Not solved after 2 segments" in out  # random weights
    model = Solver.from_pretrained(ours)
    puzzle = torch.from_numpy(Sudoku((2, 2)).encode(Sudoku((2, 2)).parse(FOUR)))[None]
    tokens = model.solve(puzzle, 2, puzzle_identifiers=torch.zeros(1, dtype=torch.long)).tokens[0]
    last = "".join(re.findall(r"^ +\d.*\|.*$", out, re.M)[-4:])
    if tokens.min() >= 2:
        assert [int(c) for c in last if c.isdigit()] == (tokens - 1).tolist()

    back = tmp_path / "back" / "step_11"
    assert call("convert", ours, "--back", "--to", back)[0] == 0
    again = torch.load(back, weights_only=True)
    assert {key.removeprefix("_orig_mod.") for key in state} == again.keys()
    for key, tensor in state.items():
        assert torch.equal(
            again[key.removeprefix("_orig_mod.")].to(tensor.dtype),
            tensor.to(again[key.removeprefix("_orig_mod.")].dtype).to(tensor.dtype),
        ), key
    assert call("convert", back, "--config", f"{back}.json", "--to", tmp_path / "twice")[0] == 0
    twice = Solver.from_pretrained(tmp_path / "twice")
    assert all(torch.equal(v, twice.state_dict()[k]) for k, v in model.state_dict().items())


def test_what_convert_ignored_is_said_in_a_line(call, tmp_path):
    state, files = official_files(tmp_path, "hrm")
    torch.save(state | {"step": torch.zeros(1)}, tmp_path / "step_10")
    status, _, err = call("convert", *files, "--to", tmp_path / "ours")
    assert status == 0 and re.fullmatch(r"hrm-course convert: Ignored.*\['step'\]\.\n", err)


# ---- data ------------------------------------------------------------------------------------


def test_data_is_made_checked_trained_on_and_evaluated(call, tmp_path):
    data, small = tmp_path / "four", ["--side", 4, "--blanks", 8, "--train", 30, "--test", 10]
    status, out, _ = call("data", "sudoku", *small, "--variants", 2, "--to", data)
    assert (
        status == 0 and "train: 90 examples of 16 cells and 6 tokens, 90 puzzles, 30 groups" in out
    )
    assert call("data", "check", data)[1] == out
    shape = dict(hidden_size=16, num_heads=2, num_layers=1, H_cycles=1, L_cycles=1)
    settings = {
        "model": "HRM",
        "config": shape | {"inner_multiple": 8, "puzzle_embedding_size": 16},
        "training": {"steps": 4, "evaluate_every": 2, "segments": 2},
        "batch_size": 4,
    }
    (tmp_path / "config.json").write_text(json.dumps(settings))
    train = ["train", "--data", data, "--config", tmp_path / "config.json", "--out", tmp_path]
    status, out, _ = call(*train, "--seeds", 3)
    folder = tmp_path / "four" / "seed3"
    assert status == 0 and f"{folder}: 0.0% of 10 unseen puzzles solved" in out
    assert Solver.from_pretrained(folder).config.puzzle_embedding_size == 16
    assert (folder / "log.csv").read_text().startswith("step,loss,exact,cells\n2,")
    status, out, _ = call("evaluate", "--pretrained", folder, "--data", data)
    assert status == 0 and out.split()[::2] == [f"exact_{n}" for n in (1, 2, 4, 8, 16, 32)]
    status, out, _ = call("evaluate", "--pretrained", folder, "--data", data, "--segments", 2)
    assert status == 0 and out.split()[::2] == ["exact_2"]
    none = call("evaluate", "--pretrained", folder, "--data", data, "--segments", 0)
    assert none[0] == 2 and "at least one segment" in none[2]
    assert (
        "--segments goes with --data"
        in call("evaluate", "--pretrained", folder, "--segments", 2)[2]
    )
    assert "Which test puzzles?" in call("evaluate", "--pretrained", folder)[2]
    for wrong in ({"model": "Chess"}, {"config": {"hidden": 3}}, {"training": {}}):
        (tmp_path / "config.json").write_text(json.dumps(settings | wrong))
        status, _, err = call(*train)
        assert status == 2 and "settings" in err
    (tmp_path / "config.json").write_text("{")
    assert "is no JSON" in call(*train)[2]


def test_a_data_set_with_wrong_labels_is_found(call, tmp_path):
    call("data", "maze", "--side", 7, "--train", 6, "--test", 3, "--variants", 7, "--to", tmp_path)
    path = tmp_path / "test" / "all__labels.npy"
    labels = np.load(path)
    labels[1] = np.load(tmp_path / "test" / "all__inputs.npy")[1]  # the path is missing
    np.save(path, labels)
    status, out, _ = call("data", "check", tmp_path)
    assert status == 1 and "1 label of the first 1,000 wrong, first example 1" in out
    labels[1, 0] = 9
    np.save(path, labels)
    assert "Tokens must be 0 to 5" in call("data", "check", tmp_path)[2]


def test_a_data_set_from_tables(call, tmp_path):
    task = Sudoku((2, 2))
    for name, seed in (("train", 0), ("test", 1)):
        write_csv(tmp_path / f"{name}.csv", task, *task.generate(5, 8, seed))
    with (tmp_path / "train.csv").open("a") as file:
        file.write("broken,line\n")
    tables = ["--csv", tmp_path / "train.csv", tmp_path / "test.csv", "--side", 4]
    status, out, err = call("data", "sudoku", *tables, "--to", tmp_path / "four")
    assert status == 0 and "train: 5 examples" in out
    assert err == f"left out: {tmp_path / 'train.csv'}:7: 2 fields instead of 4.\n"
    assert len(read_dataset(tmp_path / "four", "test")) == 5
    assert list(check_lines(tmp_path / "four")) == out.splitlines()


def test_training_and_test_puzzles_do_not_overlap():
    maze = Maze(9)
    (train, _), (test, _) = training_and_test(maze, 40, 20, seed=1)
    walls = lambda boards: {np.minimum(b, 1).tobytes() for b in boards}  # noqa: E731
    assert len(train) == 40 and len(test) == 20
    assert not walls(train[:, maze.images].reshape(-1, 81)) & walls(test)
    four = Sudoku((2, 2))
    (_, train), (_, test) = training_and_test(four, 40, 20, seed=1, blanks=8)
    grids = [{g.tobytes() for g in part} for part in split_grids(four)]
    assert {s.tobytes() for s in train} <= grids[0] and {s.tobytes() for s in test} <= grids[1]
    with pytest.raises(ValueError, match="too few layouts"):
        training_and_test(Maze(5), 1_000, 100)


# ---- processes -------------------------------------------------------------------------------

TRAINS = """
import sys
from dataclasses import replace
from hrm_course.cli import main
from hrm_course.training import RECIPES, TrainConfig
small = replace(RECIPES["trm-sudoku-4x4"], train_puzzles=20, test_puzzles=5, hidden_size=16)
RECIPES["trm-sudoku-4x4"] = replace(small, training=TrainConfig(100_000, segments=2, checkpoint_every=20))
sys.exit(main(["train", "--recipe", "trm-sudoku4", "--out", sys.argv[1]]))
"""


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path):
    folder = tmp_path / "trm-sudoku-4x4" / "seed0"
    for _ in range(2):  # the second run goes on from the first
        command = [sys.executable, "-c", TRAINS, str(tmp_path)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        before = _modified(folder / "checkpoint.safetensors")
        while _modified(folder / "checkpoint.safetensors") == before:  # until one is saved
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        said = r"hrm-course train: Interrupted after step (\d+) of 100000; saved in (.*)\. The same"
        assert Path(re.match(said, err)[2]) == folder and len(err.splitlines()) == 1
        with safe_open(folder / "checkpoint.safetensors", framework="pt") as file:
            assert file.metadata()["step"] == re.match(said, err)[1]


def _modified(path):
    return path.stat().st_mtime_ns if path.exists() else None


@pytest.mark.slow
def test_torchrun_trains_with_two_processes(tmp_path):
    data = tmp_path / "four"
    assert main(["data", "sudoku", "--side", "4", "--blanks", "8", "--train", "20", "--test", "5",
                 "--to", str(data)]) == 0  # fmt: skip
    shape = dict(hidden_size=16, num_heads=2, num_layers=1, H_cycles=1, L_cycles=1)
    settings = dict(model="TRM", config=shape, training={"steps": 3}, batch_size=4)
    (tmp_path / "config.json").write_text(json.dumps(settings))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    train = ["train", "--data", str(data), "--config", str(tmp_path / "config.json")]
    done = subprocess.run(
        [*torchrun, "-m", "hrm_course.cli", *train, "--out", str(tmp_path)],
        capture_output=True, text=True, timeout=120, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("of 5 unseen puzzles solved") == 1  # one process speaks
    assert TRM.from_pretrained(data / "seed0").config.hidden_size == 16


# ---- help ------------------------------------------------------------------------------------


def test_every_command_explains_itself_with_an_example(capsys):
    commands = next(a for a in parser()._actions if a.dest == "command").choices
    assert {"train", "evaluate", "solve", "inspect", "convert", "data"} <= commands.keys()
    for name in commands:
        with pytest.raises(SystemExit) as stop:
            main([name, "--help"])
        said = " ".join(capsys.readouterr().out.split())
        assert stop.value.code == 0 and f"example: hrm-course {name} " in said
    with pytest.raises(SystemExit) as stop:
        main(["sleep"])
    assert stop.value.code == 2


def test_symmetries_of_4x4_across_the_split_are_named(call, tmp_path):
    small = ["--side", 4, "--blanks", 8, "--train", 4, "--test", 2]
    status, _, error = call("data", "sudoku", *small, "--variants", 1, "--to", tmp_path / "d")
    assert status == 0 and "leave --variants out" in error
