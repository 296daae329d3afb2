import csv
import errno
import json
import os
import signal
import sys
from dataclasses import replace

import all_boards
import numpy as np
import pytest

from hrm_course.cli import main
from hrm_course.data import PuzzleStream
from hrm_course.models import PRETRAINED, TRM, Solver
from hrm_course.zoo import RECIPES, publish, run
from hrm_course.zoo.cards import overview
from hrm_course.zoo.recipes import full_name, split_grids
from hrm_course.zoo.run import measure

SHIPPED = sorted(path.parent.name for path in PRETRAINED.glob("*/config.json"))
ONE_SEED = {f"{model}-sudoku-9x9-hard" for model in ("cmm", "feedforward", "hrm")}
ONE_SEED |= {"trm-sudoku-9x9-expert"}
LONG = {"trm-sudoku-9x9-expert"}  # trained for hours, and shipped when it has been


def test_all_models_of_the_course_are_shipped():
    assert set(RECIPES) - LONG == set(SHIPPED) - LONG


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_is_small_and_has_its_seeds(name):
    folder = PRETRAINED / name
    assert (folder / "model.safetensors").stat().st_size <= 650_000
    model = Solver.from_pretrained(name)
    assert model.num_parameters() <= 150_000
    with (folder / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    # of what takes an hour to train there may be one
    seeds = 1 if name in ONE_SEED else 3
    assert ("one seed only" in (folder / "README.md").read_text()) == (seeds == 1)
    assert [row["seed"] for row in rows] == [str(seed) for seed in range(seeds)]
    assert all((folder / f"log-seed{seed}.csv").exists() for seed in range(seeds))
    card = (folder / "README.md").read_text()
    for said in (f"hrm-course train {name}", "unseen puzzles", "95 % interval", "Known limits"):
        assert said in card
    if name.endswith("hard"):
        assert "| moderate | 1,000 | " in card and "| guesses 2 | " in card


@pytest.mark.parametrize("name", ["trm-sudoku-4x4", "feedforward-sudoku-4x4"])
def test_a_card_says_what_the_weights_do(name, monkeypatch):
    monkeypatch.setattr(sys.modules["hrm_course.zoo.run"], "DEPTHS", (1, 8))
    recipe = replace(RECIPES[name], test_puzzles=200)
    with (PRETRAINED / name / "results.csv").open() as file:
        said = float(next(csv.DictReader(file))["exact"])
    assert measure(Solver.from_pretrained(name), recipe)["exact"] == pytest.approx(said, abs=0.02)


def test_the_split_of_4x4_is_by_grid():
    recipe = replace(RECIPES["trm-sudoku-4x4"], train_puzzles=2_000)
    train_grids, test_grids = (
        {tuple(g) for g in part.tolist()} for part in split_grids(recipe.task)
    )
    assert len(train_grids) == 240 and len(test_grids) == 48 and not train_grids & test_grids
    trained = {tuple(s) for s in recipe.train_set()[1].tolist()}
    tested = {tuple(s) for s in recipe.test_set()[1].tolist()}
    assert trained <= train_grids and tested <= test_grids
    assert not recipe.stream(0).symmetries  # a symmetry would carry a grid across the split


@pytest.mark.parametrize("names", all_boards.alike(), ids=lambda names: names[-1])
def test_no_test_puzzle_is_a_symmetric_image_of_a_training_puzzle(names):
    """Of all boards the table says so; that they still are those boards a sample says."""
    table, recipe, sample = all_boards.table(), RECIPES[names[0]], all_boards.sample(names[0])
    for row in map(table.get, names):
        assert row["images"] == "0" and row["sample"] == all_boards.sample_checksum(sample)
        assert int(row["training"]) == recipe.train_puzzles
        assert int(row["test"]) >= recipe.test_puzzles
    assert all_boards.images(sample) == 0
    # what training shows, under symmetries, are images of the training puzzles
    shown = recipe.task.decode(sample.stream(0)[123]["inputs"].numpy())
    trained = all_boards.keys(recipe.task, sample.train_set()[0])
    assert np.isin(all_boards.keys(recipe.task, shown), trained).all()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_card_names_the_boards_it_was_measured_on(name):
    card, recipe = (PRETRAINED / name / "README.md").read_text(), RECIPES[name]
    assert all(part in card for part in recipe.describe())
    if recipe.symmetries:
        assert all_boards.table()[name]["test_sha256"] in card
        if name not in ("trm-sudoku-6x6", "trm-sudoku-9x9-easy"):
            return  # boards of others too, or they take minutes to make: see all_boards.py
    assert recipe.checksum() in card


def test_the_hard_recipe_mixes_levels_and_tests_each():
    recipe = all_boards.sample("trm-sudoku-9x9-hard")  # 60 to train on, 15 to test on
    puzzles, solutions = recipe.train_set()
    blanks = (puzzles == 0).sum(1)
    assert (np.diff(blanks) >= 0).all() and len(puzzles) == 60
    assert (blanks[:40] >= 30).all() and (blanks[:40] <= 50).all()
    assert all(map(recipe.task.is_minimal, puzzles[40:]))
    assert all(map(recipe.task.is_solution, puzzles, solutions))
    tested, answers = recipe.test_set()
    assert all(map(recipe.task.is_minimal, tested))
    guesses = np.array([recipe.task.difficulty(puzzle) for puzzle in tested])
    assert (guesses > 0).all() and all(map(recipe.task.is_solution, tested, answers))
    parts = recipe.parts()
    assert len(parts["easy"][0]) == len(parts["moderate"][0]) == 15
    for name, low, high in (("easy", 30, 40), ("moderate", 40, 50)):
        blanks = (parts[name][0] == 0).sum(1)
        assert blanks.min() >= low and blanks.max() <= high
        assert all(map(recipe.task.is_solution, *parts[name]))
    # the easy ones are those of the recipe for easy puzzles: the same boards for both models
    easy = replace(RECIPES["trm-sudoku-9x9-easy"], test_puzzles=15).test_set()[0]
    assert np.array_equal(parts["easy"][0], easy)
    by_guesses = {name: len(part[0]) for name, part in parts.items() if "guesses" in name}
    assert sum(by_guesses.values()) == 15
    assert by_guesses["guesses_2"] == (guesses == 2).sum()


def test_the_table_of_all_models_is_up_to_date():
    table = (PRETRAINED / "README.md").read_text()
    assert table == overview(PRETRAINED)
    assert all(f"[{name}]({name}/README.md)" in table for name in SHIPPED)


def test_no_test_maze_has_the_walls_of_a_training_maze():
    recipe = replace(RECIPES["trm-maze-9x9"], train_puzzles=250, test_puzzles=50)
    task = recipe.task

    def layouts(puzzles):
        images = (puzzles == 0)[:, task.images]  # [n, 8, cells]
        return {min(map(bytes, maze)) for maze in images}

    trained, tested = layouts(recipe.train_set()[0]), layouts(recipe.test_set()[0])
    assert len(recipe.test_set()[0]) == 50 and len(recipe.test_set(7)[0]) == 7
    assert not trained & tested


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe_runs_and_is_not_repeated(name, tiny, tmp_path):
    folder = tmp_path / name / "seed0"
    result = run(name, 0, folder, progress=False)
    assert result["steps"] == 3 and 0 <= result["exact"] <= 1
    assert run(name, 0, folder, progress=False) == result
    assert Solver.from_pretrained(folder).num_parameters() == result["parameters"]


def test_one_command_trains_all(tiny, tmp_path, monkeypatch, capsys):
    for name in list(RECIPES)[2:]:
        monkeypatch.delitem(RECIPES, name)
    assert main(["train", "all", "--out", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    expected = [f"{tmp_path / name / 'seed0'}: " for name in RECIPES]
    assert [line[: len(start)] for line, start in zip(lines, expected, strict=True)] == expected
    assert all((tmp_path / name / "seed0" / "result.json").exists() for name in RECIPES)


def test_a_full_disk_is_an_error_of_the_command(tiny, tmp_path, monkeypatch, capsys):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert main(["train", "trm-sudoku-4x4", "--out", str(tmp_path)]) == 2
    said = "can't be written: No space left on device. What was there before is kept."
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_the_status_of_the_command(
    tiny, deaf, tmp_path, number, status, monkeypatch, capsys
):
    batch = PuzzleStream.__getitem__

    def stopping(stream, step):
        os.kill(os.getpid(), number) if step == 1 else None
        return batch(stream, step)

    monkeypatch.setattr(PuzzleStream, "__getitem__", stopping)
    assert main(["train", "trm-sudoku-4x4", "--out", str(tmp_path)]) == status
    assert "Interrupted after step 2 of 3; saved in" in capsys.readouterr().err


def test_from_training_to_a_card(tiny, tmp_path, capsys):
    arguments = ["trm-sudoku-4x4", "--seeds", "0", "1", "--out", str(tmp_path)]
    assert main(["train", *arguments]) == 0
    assert "of 5 unseen puzzles solved" in capsys.readouterr().out
    where = ["--to", str(tmp_path / "shipped"), "--hardware", "a test"]
    assert main(["publish", *arguments, *where]) == 0
    folder = tmp_path / "shipped" / "trm-sudoku-4x4"
    assert "over 2 seeds" in (folder / "README.md").read_text()
    assert json.loads((folder / "config.json").read_text())["hidden_size"] == 16
    assert TRM.from_pretrained(folder).config.hidden_size == 16
    # another run's weights take the place of the first one's, and so do their checksums
    arguments = ["trm-sudoku-4x4", "--seeds", "1", "0", "--out", str(tmp_path)]
    was = (folder / "SHA256SUMS").read_text()
    assert main(["publish", *arguments, *where]) == 0
    assert (folder / "SHA256SUMS").read_text() != was


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("trm-sudoku4", "trm-sudoku-4x4"),
        ("cmm-sudoku6", "cmm-sudoku-6x6"),
        ("trm-sudoku9", "trm-sudoku-9x9-easy"),
        ("feedforward-sudoku9", "feedforward-sudoku-9x9-easy"),
    ],
)
def test_short_names_of_recipes(short, full):
    assert full_name(short) == full_name(full) == full
    with pytest.raises(ValueError, match="no recipe 'trm-sudoku5'"):
        full_name("trm-sudoku5")


def test_bad_names_get_a_sentence(tmp_path, capsys):
    assert main(["train", "trm-chess", "--out", str(tmp_path)]) == 2
    assert "There is no recipe 'trm-chess'; there are" in capsys.readouterr().err
    assert main(["evaluate", "--pretrained", "trm-chess"]) == 2
    with pytest.raises(FileNotFoundError, match="is not finished"):
        publish("trm-sudoku-4x4", [tmp_path], tmp_path / "to", "nowhere")
    assert not (tmp_path / "to").exists()


def test_publishing_overwrites_no_foreign_file(tiny, tmp_path):
    run("trm-sudoku-4x4", 0, tmp_path / "run", progress=False)
    (tmp_path / "README.md").write_text("# My project\n")
    with pytest.raises(ValueError, match="no table of models and stays as it is"):
        publish("trm-sudoku-4x4", [tmp_path / "run"], tmp_path, "nowhere")
    assert (tmp_path / "README.md").read_text() == "# My project\n"
    for _ in range(2):  # its own table may be written again
        publish("trm-sudoku-4x4", [tmp_path / "run"], tmp_path / "to", "nowhere")


def test_evaluate_prints_every_depth(capsys, monkeypatch):
    monkeypatch.setitem(
        RECIPES, "trm-sudoku-4x4", replace(RECIPES["trm-sudoku-4x4"], test_puzzles=20)
    )
    assert main(["evaluate", "--pretrained", "trm-sudoku-4x4"]) == 0
    assert {"exact_1", "exact_16", "n"} <= set(capsys.readouterr().out.split())
