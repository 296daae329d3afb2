"""The command: what it prints, its exit status, and its sentences for mistakes."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors import safe_open

import hrm_course
from hrm_course.cli import main, parser
from hrm_course.cli.show import _that_fits, rarely_solved, read_puzzle, shipped_for, tasks_of
from hrm_course.data.check import check_lines
from hrm_course.data.dataset import build, read_dataset, write_dataset
from hrm_course.data.streams import training_and_test
from hrm_course.data.tables import write_csv
from hrm_course.dynamics import lyapunov_exponents, orbit
from hrm_course.models import TRM, Solver, TRMConfig
from hrm_course.tasks import Maze, Sudoku
from hrm_course.training import TrainConfig
from hrm_course.zoo import RECIPES
from hrm_course.zoo.recipes import split_grids

GOLDEN = Path(__file__).parent / "fixtures" / "golden"
FOUR = "3..4.4.3..42..31"
NINE = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"


@pytest.fixture
def call(capsys):
    """Runs a command; its exit status, what it printed, what it said on stderr."""

    def run(*arguments):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # the parser's way
            status = stop.code
        out, err = capsys.readouterr()
        assert "Traceback" not in err and "\x1b" not in out
        return status, out, err

    return run


# ---- solve -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("puzzle", "name"), [(FOUR, "trm-sudoku-4x4"), (NINE, "trm-sudoku-9x9-expert")]
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


def test_of_several_starts_the_most_trusted_answer_is_shown(call, tmp_path):
    task, model = Sudoku(), TRM.from_pretrained("trm-sudoku-9x9-hard")
    puzzles, _ = task.hard(6, seed=3)
    inputs, generator = torch.as_tensor(task.encode(puzzles)), torch.Generator().manual_seed(0)
    starts = [None, *(model.random_state(6, generator) for _ in range(2))]
    ends = [model.solve(inputs, 4, trace=True, state=state) for state in starts]
    trust = torch.stack([end.trace.halt_logit[-1] for end in ends])
    chosen = torch.stack([end.tokens for end in ends])[trust.argmax(0), torch.arange(6)]
    assert (trust.argmax(0) > 0).any() and not chosen.equal(ends[0].tokens)
    lists = tmp_path / "six.txt"
    lists.write_text("\n".join(task.format(puzzle).replace("\n", "") for puzzle in puzzles))
    hard = "--pretrained", "trm-sudoku-9x9-hard", "--segments", 4, "--starts", 3
    shown = [line.split()[0] for line in call("solve", lists, *hard)[1].splitlines()]
    answers = task.decode(chosen.numpy())
    assert shown == [task.format(answer).replace("\n", "") for answer in answers]


def test_a_board_that_the_model_does_not_solve_ends_honestly(call):
    status, out, _ = call("solve", NINE[:27] + "." * 54, "--segments", 2)
    assert status == 1
    assert "has more than one solution: row " in out and "Any solution will do" in out
    assert "this puzzle has 71 blanks. The model was trained on 20 to 62; the more there" in out
    assert re.search(r"^Not solved after 2 segments: \d+ of 27 rows", out.splitlines()[-1])


def test_fewer_blanks_than_trained_on_are_no_reason_to_warn(call):
    _, out, _ = call("solve", "3214243114234231".replace("1", ".", 1), "--segments", 1)
    assert "Note" not in out


def test_solve_with_other_models_and_from_stdin(call, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("3..4\n.4.3\n..42\n..31\n"))
    status, out, _ = call("solve", "-", "--pretrained", "feedforward-sudoku4")
    assert status in (0, 1) and out.count("segment 1:") == 1 and "halting head" not in out
    assert call("solve", FOUR, "--pretrained", "hrm-sudoku-4x4")[0] == 0


@pytest.mark.parametrize(
    ("puzzle", "sentence"),
    [
        ("12", "16 (4x4), 36 (6x6) or 81 (9x9) characters, row by row, with . for a blank; this"),
        ("3..4.4.3..42..3z", "Character 16 (row 4, column 4) is 'Z'"),
        ("puzzles/none.sdm", "There is no file puzzles/none.sdm"),
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
        (["inspect", tmp_path], "config.json"),
        (["evaluate", "--pretrained", "trm-chess"], "No model 'trm-chess'"),
        (["train"], "Name one recipe"),
        (["train", "trm-sudoku4", "--data", tmp_path], "Name one recipe"),
        (["train", "trm-sudoku5"], "no recipe 'trm-sudoku5'"),
        (["train", "--data", tmp_path, "--config", tmp_path / "no.json"], "is missing"),
        (["convert", tmp_path / "none", "--to", tmp_path], "--config"),
        (["data", "sudoku"], "--to FOLDER"),
        (["data", "check", tmp_path], "neither a folder train nor a folder test"),
        (["data", "sudoku", "--side", 5, "--to", tmp_path], "neither Sudoku nor mazes"),
    ):
        status, _, err = call(*arguments)
        assert status == 2 and sentence in err and len(err.splitlines()) == 1, arguments


def test_a_maze_with_several_shortest_paths_is_said():
    (reading,) = read_puzzle([Maze(5)], "######S  ## # ##  G######")
    assert reading.board.shape == (25,) and reading.warning.startswith("2 paths are the shortest")


def test_what_solve_prints_is_solved_again(call, monkeypatch):
    _, out, _ = call("solve", FOUR, "--segments", 2)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(out.encode()), closed=False))
    status, again, err = call("solve", "-")
    boards = out.count("changed") + 1 - out.count("nothing changed")
    assert status == 0 and err == f"{boards} of {boards} puzzles solved.\n"
    assert len(set(line.split()[0] for line in again.splitlines())) == 1  # all of one answer
    maze = Maze(9).format(Maze(9).generate(1, seed=4)[0][0])
    assert shipped_for(maze) == "trm-maze-9x9"
    _, out, _ = call("solve", maze, "--segments", 1)
    first = "\n".join(out.splitlines()[1:10])  # indented as printed
    assert call("solve", first, "--segments", 1)[1] == out


def test_files_of_puzzles(call, tmp_path):
    task = Sudoku((2, 2))
    puzzles, solutions = task.generate(20, 8, seed=9)
    lines = [task.format(puzzle) for puzzle in puzzles]
    file = tmp_path / "many.sdm"
    file.write_text("\ufeff# mine\n" + "\n".join(lines) + "\n", encoding="utf-8")
    status, out, err = call("solve", file, "--segments", 8)
    answers = [line.split("  ") for line in out.splitlines()]
    right = [a == task.format(s) for (a, _), s in zip(answers, solutions, strict=True)]
    assert [said.startswith("solved, segment") for _, said in answers] == right
    assert err == f"{sum(right)} of 20 puzzles solved.\n" and sum(right) > 15
    assert status == int(sum(right) < 20)
    evaluate = ["evaluate", "--pretrained", "trm-sudoku-4x4", "--puzzles", file]
    status, out, _ = call(*evaluate, "--segments", 8)
    assert status == 0 and out.split() == ["n", "20", "exact_8", str(sum(right) / 20)]
    assert call(*evaluate)[1].split()[2::2] == [f"exact_{n}" for n in (1, 2, 4, 8, 16, 32)]
    file.write_bytes("\n".join([*lines[:2], "1" * 16, lines[3][:-1]]).encode("utf-16"))
    status, out, err = call("solve", file)
    assert status == 1 and err.endswith(" of 4 puzzles solved.\n")
    assert out.splitlines()[2].startswith("line 3: The givens contradict each other")
    assert out.splitlines()[3].startswith("line 4: A 4x4 puzzle has 16 characters")
    status, _, err = call(*evaluate)
    assert status == 2 and err.startswith("hrm-course evaluate: line 3: The givens contradict")
    file.write_text(lines[0])  # one puzzle in a file is shown as always
    assert "segment 1: " in call("solve", file)[1]
    assert "Name one source" in call(*evaluate, "--data", tmp_path)[2]
    file.write_bytes(b"\xff\x00\xff")
    assert "no text in UTF-8" in call("solve", file)[2]


def test_a_puzzle_may_begin_with_a_minus(call):
    board = Sudoku((2, 2)).format(Sudoku((2, 2)).generate(1, 8, seed=3)[0][0])
    board = board[board.index(".") :] + board[: board.index(".")]  # begins with a blank
    given = call("solve", board, "--segments", 1)
    assert call("solve", board.replace(".", "-"), "--segments", 1) == given
    assert call("solve", "--segments", 1, "-" * 16)[0] in (0, 1)
    drawn = "-----\n" + "\n".join(FOUR[i : i + 4] for i in range(0, 16, 4))
    assert call("solve", drawn, "--segments", 1)[0] in (0, 1)


def test_no_standard_input(call, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    assert call("solve", "-") == (
        2,
        "",
        "hrm-course solve: There is no standard input to read a puzzle from.\n",
    )


def test_a_saved_model_does_not_say_its_boxes(call, tmp_path):
    """Boxes of 3x2: the rules tell them from 2x3, or the answer does; a recipe knows its own."""
    sizes = dict(vocab_size=8, seq_len=36, hidden_size=16, num_heads=2, num_layers=1)
    TRM(TRMConfig(**sizes, H_cycles=1, L_cycles=1, inner_multiple=8)).save_pretrained(
        tmp_path / "m"
    )
    tall = Sudoku((3, 2))
    puzzles, solutions = tall.generate(1, 18, seed=5)
    command = ["solve", tall.format(puzzles[0]), "--pretrained", tmp_path / "m", "--segments", 1]
    lines = call(*command)[1].splitlines()
    rules = [i for i, line in enumerate(lines[1:8]) if set(line.strip()) == set("-+")]
    assert rules == [3] and lines[4].count("+") == 2  # 3 rows, 3 columns of boxes
    model, open_board = SimpleNamespace(config=TRMConfig(**sizes)), tall.format(puzzles[0] * 0)
    both = read_puzzle(tasks_of("unknown", model), open_board)
    assert [reading.task.box for reading in both] == [(2, 3), (3, 2)]
    tokens = tall.encode(solutions)
    assert _that_fits(both, tokens).task.box == (3, 2)
    assert _that_fits(both, tokens * 0 + 2).task.box == (2, 3)  # neither: the usual one
    assert [task.box for task in tasks_of("trm-sudoku-6x6", model)] == [(2, 3)]
    write_dataset(tmp_path / "d", {"test": build(tall, *tall.generate(5, 18, 1))})
    assert call("data", "check", tmp_path / "d")[0] == 0


def test_what_a_card_says_of_hard_boards(tmp_path, call):
    (tmp_path / "results.csv").write_text(
        "seed,exact,exact_easy,exact_guesses_2,exact_guesses_3_to_6,exact_guesses_31_or_more,"
        "exact_blanks_60_or_more,exact_blanks_to_54_guesses_0,exact_blanks_above_60_guesses_7_to_50\n"
        "0,0.3,0.99,0.6,0.4,0.02,0.01,0.49,0.3\n1,1,1,1,1,1,1,1,1\n"
    )
    found = lambda *puzzle: list(rarely_solved(tmp_path / "results.csv", *puzzle))  # noqa: E731
    assert found(55, 0) == found(50, 2) == found(50, 7) == found(59, None) == []
    assert found(60, 7) == [(0.01, "60 or more blanks")]
    assert found(54, 0) == [(0.49, "to 54 blanks and 0 guesses")]
    assert found(61, 7)[1:] == [(0.3, "above 60 blanks and 7 to 50 guesses")]
    assert found(50, 3) == found(50, 6) == [(0.4, "3 to 6 guesses")]
    assert found(64, 51) == [(0.02, "31 or more guesses"), (0.01, "60 or more blanks")]
    assert list(rarely_solved(tmp_path / "none.csv", 64, 40)) == []
    inkala = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."
    _, out, _ = call("solve", inkala, "--segments", 1, "--pretrained", "trm-sudoku-9x9-hard")
    assert re.search(r"takes an exact solver \d+ guesses. Of unseen puzzles with .* its card", out)


def test_a_board_without_a_solution_gets_its_sentence_at_once(call):
    impossible = ".....5.8....6.1.43..........1.5........1.6...3.......553.....61........4........."
    status, _, err = call("solve", impossible)
    assert status == 2 and "no solution" in err


# ---- inspect ---------------------------------------------------------------------------------


@pytest.fixture
def quick_radius(monkeypatch):
    """Power iteration takes seconds; one test of this file waits for it."""
    monkeypatch.setattr("hrm_course.cli.inspect.spectral_radius", lambda *_, **__: 0.25)


def moves_and_exponents(out):
    rows = re.findall(r"^ +(\d+) +(\S+) +\S+ +\d+ +\S+ +(yes|no)$", out, re.M)
    assert [int(segment) for segment, _, _ in rows] == list(range(1, len(rows) + 1))
    exponents = re.search(r"per segment: (.*)$", out, re.M)[1].split()
    return (
        [float(move) for _, move, _ in rows],
        [right for *_, right in rows],
        [*map(float, exponents)],
    )


def test_inspect_gives_the_numbers_of_the_instruments(call, tmp_path):
    torch.manual_seed(0)
    sizes = dict(vocab_size=6, seq_len=16, hidden_size=4, num_heads=2, num_layers=1)
    TRM(TRMConfig(**sizes, H_cycles=1, L_cycles=1, inner_multiple=8)).save_pretrained(tmp_path)
    status, out, _ = call("inspect", tmp_path, FOUR, "--segments", 3)
    model, task = TRM.from_pretrained(tmp_path), Sudoku((2, 2))
    f = model.segment_map(torch.from_numpy(task.encode(task.parse(FOUR)))[None])
    states = orbit(f, torch.stack(model.initial_state(1), 1), 3)
    moves, right, exponents = moves_and_exponents(out)
    assert status == 0 and len(right) == 3 and "The joint state has 128 numbers" in out
    assert moves == pytest.approx((states[1:] - states[:-1]).flatten(1).norm(dim=1), rel=2e-3)
    assert exponents == pytest.approx(lyapunov_exponents(f, states[0], 3, k=3), abs=2e-3)
    radius = float(re.search(r"Jacobian after segment 3: (\S+)", out)[1])
    jacobian = torch.func.jacrev(f)(states[-1]).reshape(128, 128)
    assert radius == pytest.approx(torch.linalg.eigvals(jacobian).abs().max().item(), rel=0.02)


def test_inspect_a_shipped_model(call, quick_radius):
    status, out, _ = call("inspect", "trm-sudoku-4x4", FOUR, "--segments", 4)
    assert status == 0 and "  parameters             80,770" in out
    moves, right, _ = moves_and_exponents(out)
    assert right[-1] == "yes" and moves[-1] < moves[0] / 10  # it comes to rest
    assert "after segment 4: 0.250 (small disturbances die out)" in out


def test_inspect_makes_a_puzzle_and_says_what_has_no_map(call, quick_radius):
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
def test_an_official_checkpoint_goes_through_convert_inspect_and_solve(
    call, tmp_path, name, dtype, quick_radius
):
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


def test_convert_without_a_file_that_says_the_length(call, tmp_path):
    _, files = official_files(tmp_path, "trm_mlp")
    (tmp_path / "dataset.json").unlink()
    weights, _, config = files[:3]
    missing = call("convert", weights, "--config", config, "--to", tmp_path / "a")
    assert missing[0] == 2 and "seq_len" in missing[2] and not (tmp_path / "a").exists()
    length = ["--seq-len", 16]
    assert call("convert", weights, "--config", config, *length, "--to", tmp_path / "a")[0] == 0
    assert Solver.from_pretrained(tmp_path / "a").config.seq_len == 16


def test_a_full_disk_costs_no_conversion(call, tmp_path, monkeypatch):
    _, files = official_files(tmp_path, "trm_mlp")
    assert call("convert", *files, "--to", tmp_path / "ours")[0] == 0
    (tmp_path / "back").write_bytes(b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    status, out, err = call("convert", tmp_path / "ours", "--back", "--to", tmp_path / "back")
    assert status == 2 and out == "" and "back can't be written: No space left" in err
    assert (tmp_path / "back").read_bytes() == b"old"
    assert not list(tmp_path.glob("*.part")) and not (tmp_path / "back.json").exists()


def test_what_convert_ignored_is_said_in_a_line(call, tmp_path):
    state, files = official_files(tmp_path, "hrm")
    torch.save(state | {"step": torch.zeros(1)}, tmp_path / "step_10")
    status, _, err = call("convert", *files, "--to", tmp_path / "ours")
    assert status == 0 and re.fullmatch(r"hrm-course convert: Ignored.*\['step'\]\.\n", err)


# ---- data ------------------------------------------------------------------------------------


def test_data_is_made_checked_trained_on_and_evaluated(call, tmp_path, monkeypatch):
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
    alone = call("evaluate", "--pretrained", folder, "--segments", 2)
    assert "--segments goes with --data" in alone[2]
    assert "Which puzzles?" in call("evaluate", "--pretrained", folder)[2]
    for wrong in ({"model": "Chess"}, {"config": {"hidden": 3}}, {"training": {}}):
        (tmp_path / "config.json").write_text(json.dumps(settings | wrong))
        status, _, err = call(*train)
        assert status == 2 and "settings" in err
    (tmp_path / "config.json").write_text("{")
    assert "is no JSON" in call(*train)[2]
    (tmp_path / "config.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(settings).encode())
    monkeypatch.chdir(data)
    train[2] = "."  # ... has a name, too
    status, out, _ = call(*train, "--seeds", 4)
    assert status == 0 and out.startswith(str(tmp_path / "four" / "seed4"))


def test_a_data_set_with_wrong_labels_is_found(call, tmp_path):
    call("data", "maze", "--side", 7, "--train", 6, "--test", 3, "--variants", 7, "--to", tmp_path)
    path = tmp_path / "test" / "all__labels.npy"
    labels = np.load(path)
    labels[1] = np.load(tmp_path / "test" / "all__inputs.npy")[1]  # the path is missing
    np.save(path, labels)
    status, out, _ = call("data", "check", tmp_path)
    assert status == 1 and "1 label of the first 3 wrong, first example 1" in out
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
    tables += ["--train", 6, "--test", 5]
    status, out, err = call("data", "sudoku", *tables, "--to", tmp_path / "four")
    assert status == 0 and "train: 5 examples" in out
    assert err.splitlines() == [
        f"left out: {tmp_path / 'train.csv'}:7: 2 fields instead of 4.",
        f"{tmp_path / 'train.csv'} has 5 good rows, not 6.",
    ]
    assert len(read_dataset(tmp_path / "four", "test")) == 5
    assert list(check_lines(tmp_path / "four")) == out.splitlines()


def test_names_that_do_not_fit_are_found(call, tmp_path):
    task = Sudoku((2, 2))
    write_dataset(tmp_path, {"train": build(task, *task.generate(5, 8, 0))})
    names = tmp_path / "identifiers.json"
    assert call("data", "check", tmp_path)[0] == 0
    for content, words in (
        (None, "identifiers.json is missing"),
        ("[", "identifiers.json is no JSON"),
        ("{}", "must hold a list"),
        ("[3]", "names, which are strings"),
        ("[]", "has 0 names; dataset.json in train says 1"),
        ('["a"]', "must begin with '<blank>'"),
        ('["<blank>", "<blank>"]', "1 name of identifiers.json occur twice"),
    ):
        names.unlink() if content is None else names.write_text(content)
        status, out, err = call("data", "check", tmp_path)
        assert status == 1 and words in out and err == "", content


def test_puzzles_in_both_parts_are_found(call, tmp_path):
    task = Sudoku((2, 3))
    puzzles, solutions = task.generate(12, 14, seed=1)
    images = task.augment(puzzles[:3], solutions[:3], seed=5)
    write_dataset(
        tmp_path,
        {
            "train": build(task, puzzles[:8], solutions[:8], variants=2),
            "test": build(
                task,
                *(
                    np.concatenate(p)
                    for p in zip(images, (puzzles[7:], solutions[7:]), strict=True)
                ),
            ),
        },
    )
    status, out, _ = call("data", "check", tmp_path)
    assert status == 1 and "1 of 8 test examples are in train as well" in out
    assert "3 of 8 test examples are probably images of training puzzles" in out


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


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_go_on(call, tmp_path, monkeypatch):
    small = replace(RECIPES["trm-sudoku-4x4"], train_puzzles=20, test_puzzles=5, hidden_size=16)
    long = TrainConfig(100_000, segments=2, checkpoint_every=20)
    monkeypatch.setitem(RECIPES, "trm-sudoku-4x4", replace(small, training=long))
    folder = tmp_path / "trm-sudoku-4x4" / "seed0"
    for _ in range(2):  # the second run goes on from the first
        waits = threading.Thread(target=_interrupt_after_saving, args=[folder])
        waits.start()
        status, _, err = call("train", "--recipe", "trm-sudoku4", "--out", tmp_path)
        waits.join()
        said = r"hrm-course train: Interrupted after step (\d+) of 100000; saved in (.*)\. The same"
        assert status == 130 and Path(re.match(said, err)[2]) == folder
        assert len(err.splitlines()) == 1
        with safe_open(folder / "checkpoint.safetensors", framework="pt") as file:
            assert file.metadata()["step"] == re.match(said, err)[1]


def _interrupt_after_saving(folder):
    before = _modified(folder / "checkpoint.safetensors")
    for _ in range(6_000):
        if _modified(folder / "checkpoint.safetensors") != before:
            break
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)


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


def test_the_version_is_said(call):
    assert call("--version") == (0, f"hrm-course {hrm_course.__version__}\n", "")


def test_a_device_that_is_not_there_is_named(call, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    for device in ("cuda", "mps"):
        status, out, err = call("evaluate", "--pretrained", "trm-sudoku-4x4", "--device", device)
        assert status == 2 and out == "" and device in err


# ---- bad settings ----------------------------------------------------------------------------

SOUND = {  # arguments with which a command would do its work
    "solve": {"puzzle": FOUR, "--segments": 1},
    "inspect": {"pretrained": "trm-sudoku-4x4", "--segments": 1},
    "evaluate": {"--pretrained": "trm-sudoku-4x4"},
    "train": {"name": "trm-sudoku-4x4"},
    "convert": {"source": "step", "--config": "all.yaml", "--seq-len": 16, "--to": "new/ours"},
    "data": {
        "what": "sudoku",
        "--side": 4,
        "--blanks": 8,
        "--train": 2,
        "--test": 2,
        "--to": "new/d",
    },
    "release": {"--solutions": "none", "--exercises": "new/e"},
    "grade": {"submissions": "none", "--out": "new/g"},
    "outputs": {"notebooks": "none.ipynb"},
    "report": {"runs": "none", "--data": "none", "--to": "new/page.md"},
    "publish": {"recipe": "trm-sudoku-4x4", "--hardware": "none", "--out": "none", "--to": "new/p"},
}
NUMBERS = ("-1", "1.5", "x", "", "1e9", "9" * 30)
NAMES = ("no-such-thing", "folder", "empty", "garbage", "page.html", "no/such/thing", "nul\0")


def settings_of_all_commands():
    commands = next(a for a in parser()._actions if a.dest == "command").choices
    for name, sub in commands.items():
        for action in sub._actions:
            if action.nargs != 0:  # a flag takes no value
                yield name, action


@pytest.fixture
def bad_files(tmp_path, monkeypatch):
    """A folder with things of the wrong kind, and commands that would train or measure for long."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "garbage").write_bytes(bytes(range(256)))
    (tmp_path / "page.html").write_text("<!doctype html><title>Not found</title>")
    monkeypatch.chdir(tmp_path)
    done = {"exact": 1.0, "n": 1}
    monkeypatch.setattr("hrm_course.zoo.run", lambda *_, **__: done)
    monkeypatch.setattr(sys.modules["hrm_course.zoo.run"], "measure", lambda *_: done)


@pytest.mark.parametrize(
    ("name", "action"),
    list(settings_of_all_commands()),
    ids=lambda value: value if isinstance(value, str) else value.dest,
)
def test_a_bad_setting_gets_one_sentence(name, action, call, bad_files):
    option = action.option_strings[0] if action.option_strings else action.dest
    numeric = action.type is not None
    for bad in NUMBERS if numeric else ("tpu",) if action.choices else NAMES:
        given = SOUND[name] | {option: bad}
        if option == "--csv":
            given[option] = [bad, bad]
        if name == "train" and option != "name" and option in ("--recipe", "--data", "--config"):
            given.pop("name")
        if name == "evaluate" and option == "--segments":
            given["--puzzles"] = "empty"
        positional = [v for k, v in given.items() if k[0] != "-"]
        options = [
            word
            for key, value in given.items()
            if key[0] == "-"
            for word in (key, *(value if isinstance(value, list) else [value]))
        ]
        status, _, err = call(name, *positional, *options)
        free = option in ("--hardware", "--out", "--to", "--exercises")  # may be named so
        if status != 2:
            assert free, (option, bad, err)
            continue
        assert len(err.splitlines()) == 1 and err.startswith(f"hrm-course {name}: "), err
        assert len(err) > 30, err


def test_symmetries_of_4x4_across_the_split_are_named(call, tmp_path):
    small = ["--side", 4, "--blanks", 8, "--train", 4, "--test", 2]
    status, _, error = call("data", "sudoku", *small, "--variants", 1, "--to", tmp_path / "d")
    assert status == 0 and "leave --variants out" in error
