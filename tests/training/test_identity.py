"""No run is taken for another: each way in which two can differ is told apart, and said."""

import json
import shutil
import sys
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_resume import SHAPE, TASK, Stream, config, make

from hrm_course.data import PuzzleStream
from hrm_course.data.dataset import build, write_dataset
from hrm_course.models import TRM, TRMConfig
from hrm_course.tasks import Sudoku
from hrm_course.training import CMMTerms, CMMTrainConfig, Machine, TrainConfig, train
from hrm_course.training.checkpoint import FILE, load_checkpoint, save_checkpoint
from hrm_course.training.distributed import Share
from hrm_course.training.identity import differences, identity
from hrm_course.training.loop import Training
from hrm_course.zoo import RECIPES, publish, recipes, run, run_on_data
from hrm_course.zoo.run import RESULT, about

PUZZLES, SOLUTIONS = TASK.generate(50, 6, 0)


def stream(**change):
    settings = dict(task=TASK, puzzles=PUZZLES, solutions=SOLUTIONS, batch_size=8, seed=0)
    return PuzzleStream(**settings | change)


def training(model=None, settings=None, batches=None, **more):
    batches = batches or stream()
    about = {"stream": batches, **more}
    return Training(model or make("trm"), settings or config(), batches[0], Share(), about)


def other(value):
    """Another value of a field that is allowed as well."""
    if isinstance(value, bool):
        return not value
    return value / 2 or 0.5 if isinstance(value, float) else value + 1


# ---- what goes on ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    save_checkpoint(training(), folder)
    return folder


def test_the_same_run_goes_on(saved):
    assert load_checkpoint(training(), saved)
    assert load_checkpoint(training(settings=config(lr=0.002, exploration=0.5)), saved)


@pytest.mark.parametrize("field", [f.name for f in fields(TrainConfig)])
def test_every_field_of_the_training_tells_runs_apart(saved, field):
    was = getattr(config(), field)
    now = other(was)
    with pytest.raises(ValueError, match=rf"training\.{field} was {was:g}, now {now:g}\. Train in"):
        load_checkpoint(training(settings=config(**{field: now})), saved)


MODEL = {
    "hidden_size": 24, "num_heads": 4, "expansion": 3, "num_layers": 2, "H_cycles": 1,
    "L_cycles": 2, "inner_multiple": 16, "forward_dtype": "bfloat16", "vocab_size": 7,
    "position_code": "learned", "mixer": "attention",
}  # fmt: skip


@pytest.mark.parametrize("field", MODEL)
def test_the_shape_of_the_model_tells_runs_apart(saved, field):
    model = TRM(TRMConfig(**SHAPE | {field: MODEL[field]}))
    with pytest.raises(ValueError, match=rf"config\.{field} was .*, now .*{MODEL[field]}"):
        load_checkpoint(training(model), saved)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (dict(batch_size=4), "stream.batch_size was 8, now 4"),
        (dict(seed=1), "stream.seed was 0, now 1"),
        (dict(symmetries=False), "stream.symmetries was true, now false"),
        (dict(curriculum=5), "stream.curriculum was 0, now 5"),
        (dict(puzzles=PUZZLES[::-1]), r"stream.puzzles was \"SHA-256 .*, now \"SHA-256"),
        (dict(solutions=SOLUTIONS[::-1]), r"stream.solutions was \"SHA-256"),
        (dict(puzzles=PUZZLES[:49], solutions=SOLUTIONS[:49]), r"stream.puzzles was .*solutions"),
    ],
)
def test_the_data_and_how_they_are_shown_tell_runs_apart(saved, change, said):
    with pytest.raises(ValueError, match=said):
        load_checkpoint(training(batches=stream(**change)), saved)


@given(row=st.integers(0, 49), cell=st.integers(0, 15))
def test_one_cell_of_the_data_tells_runs_apart(row, cell):
    changed = PUZZLES.copy()
    changed[row, cell] = (changed[row, cell] + 1) % 5
    [said] = differences(identity(stream()), identity(stream(puzzles=changed)))
    assert said.startswith("puzzles was")


def test_other_ways_to_differ(saved):
    class Other(PuzzleStream):
        pass

    class Swapped(PuzzleStream):  # the attributes are equal, the batches are not
        def __getitem__(self, step):
            return {key: rows.flip(0) for key, rows in super().__getitem__(step).items()}

    Swapped.__name__ = "PuzzleStream"
    settings = (TASK, PUZZLES, SOLUTIONS, 8, 0)
    for another, said in (
        (training(batches=Other(*settings)), 'stream.kind was "PuzzleStream", now "Other"'),
        (training(batches=Swapped(*settings)), "first_batch.inputs was"),
        (training(recipe="a"), 'recipe was not there, now "a"'),
        (training(TwinOfTRM(TRMConfig(**SHAPE))), 'model was "TRM", now "TwinOfTRM"'),
    ):
        with pytest.raises(ValueError, match=said):
            load_checkpoint(another, saved)


class TwinOfTRM(TRM):
    pass


def test_every_term_of_a_cmm_tells_runs_apart():
    """And plain training with the same numbers."""
    spaced = dict(every=2, segment_every=8, balance_every=8)

    def of(**change):
        terms = CMMTerms(**spaced | change)
        return identity({"training": CMMTrainConfig(**vars(config()), terms=terms)})

    special = dict(eq_detach="none", balance="gradnorm", segment_every=16, every=4)
    for f in fields(CMMTerms):
        now = special.get(f.name) or other(getattr(CMMTerms(**spaced), f.name))
        [said] = differences(of(), of(**{f.name: now}))
        assert said.startswith(f"training.terms.{f.name} was ")
    told = differences(of(), identity({"training": config()}))
    assert 'training.kind was "CMMTrainConfig", now "TrainConfig"' in told


def test_batches_without_a_stream_are_told_apart_too(tmp_path):
    batches = [Stream("trm")[step] for step in range(30)]
    train(make("trm"), batches, config(steps=2), folder=tmp_path, progress=False)
    train(make("trm"), batches, config(steps=2), folder=tmp_path, progress=False)
    changed = [*batches[:29], batches[0]]
    with pytest.raises(ValueError, match='stream was "SHA-256'):
        train(make("trm"), changed, config(steps=2), folder=tmp_path, progress=False)


plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)


@given(st.dictionaries(st.text(max_size=3), plain | st.lists(plain, max_size=20), max_size=3))
def test_an_identity_survives_its_file(told):
    was = identity(told)
    assert not differences(json.loads(json.dumps(was)), identity(told))


@given(st.integers(0, 2**31), st.sampled_from(["u1", "i4", "i8", "f4"]))
def test_checksums_are_of_type_shape_and_numbers(seed, kind):
    array = np.random.default_rng(seed).integers(0, 9, (4, 6)).astype(kind)
    same = np.asfortranarray(array)
    assert identity(array) == identity(same) != identity(array.reshape(6, 4))
    assert identity(torch.from_numpy(array)) == identity(torch.from_numpy(array.copy()))
    assert identity(array) != identity(array.astype("f8"))
    array[3, 5] += 1
    assert identity(array) != identity(same)


# ---- what is finished ------------------------------------------------------------------------


@pytest.fixture
def finished(tiny, tiny_run, tmp_path):
    shutil.copytree(tiny_run[0], tmp_path / "seed0")
    return tmp_path / "seed0", tiny_run[1]


@pytest.mark.parametrize("name", sorted(set(RECIPES) - {"trm-sudoku-4x4"}))
def test_a_run_of_another_recipe_is_refused(name, finished):
    folder, _ = finished
    for file in (RESULT, FILE):  # the finished run, then the checkpoint that might be continued
        with pytest.raises(ValueError, match=rf"{file} is of another run: recipe.name"):
            run(name, 0, folder, progress=False)
        (folder / file).unlink()


CHANGES = {
    "batch_size": 8, "train_puzzles": 19, "test_puzzles": 6, "hidden_size": 32, "expansion": 2,
    "changes": {"L_cycles": 1}, "blanks": (7, 10), "train_blanks": (2, 4), "box": (1, 4),
}  # fmt: skip


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_of_a_recipe_tells_runs_apart(field, finished, monkeypatch):
    folder, _ = finished
    changed = replace(RECIPES["trm-sudoku-4x4"], **{field: CHANGES[field]})
    monkeypatch.setitem(RECIPES, "trm-sudoku-4x4", changed)
    if field == "box":  # not a board whose grids are split
        monkeypatch.setattr(recipes, "split_grids", lambda task: (task.all_grids(),) * 2)
    for file in (RESULT, FILE):
        with pytest.raises(ValueError, match=rf"{file} .* recipe\.{field}\S* was .*, now "):
            run("trm-sudoku-4x4", 0, folder, progress=False)
        (folder / file).unlink()


def test_fields_of_recipes_are_all_looked_at():
    names = {f.name for f in fields(recipes.SudokuRecipe)} - {"model", "training"}
    assert names == set(CHANGES)
    hard = about("trm-sudoku-9x9-hard")["recipe"]
    assert {f.name for f in fields(recipes.HardSudokuRecipe)} <= hard.keys()
    assert {f.name for f in fields(recipes.MazeRecipe)} <= about("trm-maze-9x9")["recipe"].keys()


@pytest.mark.parametrize("name", ["TRAIN_SEED", "TEST_SEED", "LEVELS"])
def test_boards_that_are_made_in_another_way_tell_runs_apart(name, monkeypatch):
    recipe = "trm-sudoku-9x9-hard"
    was = about(recipe)
    for cache in (recipes._levels, recipes._hard, recipes._parts):
        cache.cache_clear()
    monkeypatch.setattr(recipes, name, {"easy": (31, 31)} if name == "LEVELS" else 5)
    try:
        assert all("first_boards" in said for said in differences(was, about(recipe)))
        assert differences(was, about(recipe))
    finally:
        for cache in (recipes._levels, recipes._hard, recipes._parts):
            cache.cache_clear()


def test_seed_number_type_and_training_tell_finished_runs_apart(finished, monkeypatch):
    folder, result = finished
    recipe = RECIPES["trm-sudoku-4x4"]
    assert run("trm-sudoku4", 0, folder, progress=False) == result  # a short name
    with pytest.raises(ValueError, match=r"training\.seed was 0, now 1"):
        run("trm-sudoku-4x4", 1, folder, progress=False)
    with pytest.raises(ValueError, match=r'config\.forward_dtype was "float32", now "bfloat16"'):
        run("trm-sudoku-4x4", 0, folder, progress=False, machine=Machine(bfloat16=True))
    longer = replace(recipe, training=replace(recipe.training, exploration=0.7))
    monkeypatch.setitem(RECIPES, "trm-sudoku-4x4", longer)
    with pytest.raises(ValueError, match=r"exploration was 0.1, now 0.7\. Train into another"):
        run("trm-sudoku-4x4", 0, folder, progress=False)


def test_a_finished_run_is_known_without_its_checkpoint_and_by_it(finished, monkeypatch):
    folder, result = finished
    path = folder / RESULT
    said = json.loads(path.read_text())
    assert result == {key: value for key, value in said.items() if key != "identity"}
    assert "stream" in said["identity"] and "recipe" in said["identity"]
    (folder / FILE).rename(folder / "kept")
    assert run("trm-sudoku-4x4", 0, folder, progress=False) == result
    (folder / FILE).write_bytes((folder / "kept").read_bytes()[:-1])
    with pytest.raises(ValueError, match=rf"{FILE} can't be read .* Delete this file"):
        run("trm-sudoku-4x4", 0, folder, progress=False)


@pytest.mark.parametrize("text", ["", "{}", "[]", "{", "\xff\xfe", "null", '{"exact": 1}'])
def test_a_damaged_result_is_named_and_can_be_made_again(text, finished):
    folder, result = finished
    (folder / RESULT).write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=rf"{RESULT} is damaged .* Delete this file") as stop:
        run("trm-sudoku-4x4", 0, folder, progress=False)
    with pytest.raises(ValueError, match="is damaged"):
        publish("trm-sudoku-4x4", [folder], folder / "to", "nowhere")
    assert "Expecting value" not in str(stop.value) or RESULT in str(stop.value)
    (folder / RESULT).unlink()
    assert run("trm-sudoku-4x4", 0, folder, progress=False) == result


def test_files_of_older_versions_get_a_sentence(finished):
    folder, result = finished
    (folder / RESULT).write_text(json.dumps(result))
    with pytest.raises(ValueError, match=f"{RESULT} does not say which run it is of, as if an"):
        run("trm-sudoku-4x4", 0, folder, progress=False)
    (folder / RESULT).unlink()
    old = training()
    old.identity = ["TRM", vars(old.model.config), vars(old.config)]  # as it was
    save_checkpoint(old, folder)
    with pytest.raises(ValueError, match=f"{FILE} does not say which run it is of, as if an"):
        run("trm-sudoku-4x4", 0, folder, progress=False)


def test_only_runs_of_the_recipe_are_published(finished, tmp_path):
    folder, _ = finished
    for runs, said in (
        ([folder, folder], r"runs of different seeds, not of \[0, 0\]"),
        ([], r"runs of different seeds, not of \[\]"),
    ):
        with pytest.raises(ValueError, match=said):
            publish("trm-sudoku-4x4", runs, tmp_path / "to", "nowhere")
    with pytest.raises(ValueError, match=r"is of another run: recipe\.name was"):
        publish("trm-sudoku-4x4-trapped", [folder], tmp_path / "to", "nowhere")
    (folder / "log.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"is not finished: it has no log\.csv"):
        publish("trm-sudoku-4x4", [folder], tmp_path / "to", "nowhere")
    assert not (tmp_path / "to").exists()


# ---- published data --------------------------------------------------------------------------

WANTED = {
    "model": "TRM",
    "config": {k: v for k, v in SHAPE.items() if k not in ("vocab_size", "seq_len")},
    "training": {"steps": 2, "segments": 2},
    "batch_size": 4,
}


def made_data(folder, seed=0, test_seed=1, test=True):
    parts = {"train": build(TASK, *TASK.generate(12, 8, seed))}
    if test:
        parts["test"] = build(TASK, *TASK.generate(4, 8, test_seed))
    write_dataset(folder, parts)
    return folder


@pytest.fixture(scope="module")
def on_data(tmp_path_factory):
    base = tmp_path_factory.mktemp("data")
    data = made_data(base / "four")
    score = run_on_data(data, WANTED, 0, base / "out", progress=False)
    return data, base / "out", score


def test_a_finished_run_on_data_is_not_repeated(on_data, tmp_path, monkeypatch):
    data, out, score = on_data
    monkeypatch.setattr(sys.modules["hrm_course.zoo.run"], "train", None)
    assert run_on_data(data, WANTED, 0, out, progress=False) == score
    moved = tmp_path / "elsewhere"
    shutil.copytree(data, moved)
    assert run_on_data(moved, WANTED, 0, out, progress=False) == score


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (dict(seed=5), "stream.data.inputs was"),
        (dict(test_seed=5), "test.inputs was"),
        (dict(test=False), "test.inputs was"),
    ],
)
def test_another_folder_of_the_same_name_is_noticed(on_data, tmp_path, change, said):
    _, out, _ = on_data
    shutil.copytree(out, tmp_path / "out")
    data = made_data(tmp_path / "four", **change)
    with pytest.raises(ValueError, match=f"{RESULT} .*{said}.*SHA-256"):
        run_on_data(data, WANTED, 0, tmp_path / "out", progress=False)
    (tmp_path / "out" / RESULT).unlink()
    if "test" not in said:  # the weights do not depend on the test part, the log does
        with pytest.raises(ValueError, match=f"{FILE} .*{said}"):
            run_on_data(data, WANTED, 0, tmp_path / "out", progress=False)


@pytest.mark.parametrize("array", ["inputs", "labels", "puzzle_identifiers", "group_indices"])
def test_data_that_changed_on_the_disk_are_noticed(on_data, tmp_path, array):
    data, out, _ = on_data
    shutil.copytree(data, tmp_path / "four")
    path = tmp_path / "four" / "train" / f"all__{array}.npy"
    changed = np.load(path)
    if array == "group_indices":
        changed = np.delete(changed, 1)
        facts = path.parent / "dataset.json"
        facts.write_text(facts.read_text().replace('"total_groups": 12', '"total_groups": 11'))
    elif array == "puzzle_identifiers":
        changed = changed.astype(np.int64)
    else:
        changed[3, 3] = 6 - changed[3, 3]
    np.save(path, changed)
    with pytest.raises(ValueError, match=rf"stream\.data\.{array} was \"SHA-256"):
        run_on_data(tmp_path / "four", WANTED, 0, out, progress=False)


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        ("batch_size", 8, "stream.batch_size was 4, now 8"),
        ("model", "FeedForward", 'model was "TRM", now "FeedForward"'),
        ("training", {"steps": 3, "segments": 2}, "training.steps was 2, now 3"),
        ("config", WANTED["config"] | {"L_cycles": 3}, "config.L_cycles was 1, now 3"),
    ],
)
def test_other_settings_on_the_same_data_are_noticed(on_data, part, change, said):
    data, out, _ = on_data
    with pytest.raises(ValueError, match=said):
        run_on_data(data, WANTED | {part: change}, 0, out, progress=False)


def test_data_without_a_test_part_have_no_score(tmp_path):
    data = made_data(tmp_path / "four", test=False)
    for _ in range(2):
        assert run_on_data(data, WANTED, 0, tmp_path / "out", progress=False) is None


def test_the_box_of_a_board_is_part_of_the_task():
    assert differences(identity(Sudoku((2, 3))), identity(Sudoku((3, 2)))) == [
        "box was [2, 3], now [3, 2]"
    ]
