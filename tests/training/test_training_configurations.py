"""Whatever a configuration is given, it works or a sentence names the field."""

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_resume import SHAPE, TASK, Stream, config

from hrm_course.data import PuzzleStream
from hrm_course.data.dataset import build, write_dataset
from hrm_course.models import TRM
from hrm_course.settings import made
from hrm_course.training import CMMTerms, CMMTrainConfig, Machine, TrainConfig, train
from hrm_course.zoo import RECIPES, run, run_on_data

PUZZLES, SOLUTIONS = TASK.generate(4, 6, 0)
nonsense = (
    st.text(max_size=3)
    | st.none()
    | st.lists(st.integers(), max_size=2)
    | st.just({})
    | st.just(float("nan"))
    | st.sampled_from([float("inf"), -float("inf"), 1e300, -1, -0.5, 10**30])
    | st.just(b"4")
)
WHOLE = {
    TrainConfig: ["steps", "warmup", "segments", "seed", "evaluate_every", "checkpoint_every"],
    CMMTerms: [f.name for f in fields(CMMTerms) if f.type is int],
    PuzzleStream: ["batch_size", "seed", "curriculum"],
}
NEEDED = {
    TrainConfig: dict(steps=3),
    CMMTrainConfig: dict(steps=3),
    CMMTerms: {},
    PuzzleStream: dict(task=TASK, puzzles=PUZZLES, solutions=SOLUTIONS, batch_size=2, seed=0),
    Machine: {},
}
FREE = {"terms", "task", "puzzles", "solutions"}
ALL = [(kind, f.name) for kind in NEEDED for f in fields(kind) if f.name not in FREE]


@given(st.sampled_from(ALL), nonsense)
@settings(max_examples=300)
def test_nonsense_in_any_field_gets_a_sentence_that_names_it(what, value):
    kind, field = what
    with pytest.raises(ValueError, match=f"^{field} must be .*, not .*\\.$"):
        kind(**NEEDED[kind] | {field: value})


@pytest.mark.parametrize(("kind", "field"), [(k, name) for k in WHOLE for name in WHOLE[k]])
def test_whole_numbers_are_whole(kind, field):
    for value in (1.5, 2.0, True, "4"):
        with pytest.raises(ValueError, match=f"^{field} must be a whole number from"):
            kind(**NEEDED[kind] | {field: value})


@pytest.mark.parametrize(
    ("field", "wrong", "right"),
    [
        ("steps", [0, -5], [1]),
        ("lr", [-1e-9, 1_001], [0, 1e-5]),
        ("ema", [2, 1.001, -0.1], [0, 1]),
        ("exploration", [2, -0.1], [0, 1]),
        ("final_lr", [1.5, -0.1], [0, 1]),
        ("segments", [0], [1]),
        ("evaluate_every", [0], [1]),
        ("checkpoint_every", [0], [1]),
        ("warmup", [-1], [0]),
        ("seed", [-1, 2**64], [0, 2**63 - 1]),
        ("weight_decay", [-0.1], [0]),
        ("puzzle_weight_decay", [-0.1], [0]),
        ("puzzle_lr", [-0.1], [0]),
    ],
)
def test_the_ends_of_the_ranges(field, wrong, right):
    for value in wrong:
        with pytest.raises(ValueError, match=f"^{field} must be"):
            config(**{field: value})
    for value in right:
        assert getattr(config(**{field: value}), field) == value


@pytest.mark.parametrize(
    "change", [{"segments": 1}, {"exploration": 1}, {"warmup": 100}, {"lr": 0}]
)
def test_the_ends_of_the_ranges_train(change):
    settings = config(steps=2, ema=0, **change)
    assert (
        len(train(TRM(TRM.config_class(**SHAPE)), Stream("trm"), settings, progress=False)[1]) == 1
    )


def test_terms_are_terms():
    for wrong in ("all", None, 3, [1]):
        with pytest.raises(ValueError, match=r"^terms: names with values are needed"):
            CMMTrainConfig(3, terms=wrong)
    with pytest.raises(ValueError, match=r"^terms: there is no 'radios', but cells, halting, "):
        CMMTrainConfig(3, terms={"radios": 1.0})
    with pytest.raises(ValueError, match=r"^radius must be a number from 0"):
        CMMTrainConfig(3, terms={"radius": -1})
    with pytest.raises(ValueError, match=r"^steps must be"):
        CMMTrainConfig("3", terms={"radius": 1})


def test_made_says_what_is_missing_or_unknown():
    assert made(TrainConfig, {"steps": 3}, "training") == TrainConfig(3)
    with pytest.raises(ValueError, match=r"^training: steps is missing"):
        made(TrainConfig, {"lr": 1.0}, "training")
    with pytest.raises(ValueError, match=r"^training: there is no 1, but steps, lr,"):
        made(TrainConfig, {1: 2}, "training")


def test_streams_want_pairs_that_fit_the_task():
    stream = NEEDED[PuzzleStream]
    for change in (
        dict(puzzles=PUZZLES[:0], solutions=SOLUTIONS[:0]),
        dict(puzzles=PUZZLES[:3]),
        dict(puzzles=PUZZLES[:, :9], solutions=SOLUTIONS[:, :9]),
        dict(puzzles=[], solutions=[]),
        dict(puzzles=PUZZLES[0], solutions=SOLUTIONS[0]),
    ):
        with pytest.raises(ValueError, match=r"must come in pairs, \[n, 16\] each"):
            PuzzleStream(**stream | change)
    assert len(PuzzleStream(**stream | dict(puzzles=PUZZLES.tolist()))[0]["inputs"]) == 2


@pytest.mark.parametrize("seed", [-1, 1.5, "0", None, True])
def test_seeds_of_runs_are_whole_numbers(seed, tiny, tmp_path):
    with pytest.raises(ValueError, match=r"^seed must be a whole number from 0"):
        run("trm-sudoku-4x4", seed, tmp_path, progress=False)
    assert not list(tmp_path.iterdir())


# ---- the settings of a run on data -----------------------------------------------------------

WANTED = {
    "model": "TRM",
    "config": {k: v for k, v in SHAPE.items() if k not in ("vocab_size", "seq_len")},
    "training": {"steps": 1, "segments": 1},
    "batch_size": 2,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "four"
    write_dataset(folder, {"train": build(TASK, PUZZLES, SOLUTIONS)})
    return folder


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        *(("batch_size", v, "^batch_size must be a whole") for v in (0, -1, 1.5, "8", None, True)),
        *(("model", v, "^The model must be one of .* not") for v in ("Chess", None, 3, ["TRM"])),
        *(("model", v, "^The model must be one of") for v in ("Solver", "Reasoner")),
        *(("training", v, "^training in the settings: names") for v in (None, "3", 3, [])),
        *(("config", v, "^config in the settings: names") for v in (None, "3", 3, [])),
        ("training", {}, "^training in the settings: steps is missing"),
        ("training", {"steps": "3"}, "^steps must be a whole number"),
        ("training", {"steps": 1, "lr": "x"}, "^lr must be a number"),
        ("training", {"steps": 1, "stepz": 2}, "^training in the settings: there is no 'stepz'"),
        (
            "training",
            {"steps": 1, "seed": 5},
            "^training in the settings says seed, which the comm",
        ),
        ("training", {"steps": 1, "terms": None}, "^terms: names with values"),
        ("training", {"steps": 1, "terms": {"x": 1}}, "^terms: there is no 'x'"),
        (
            "config",
            WANTED["config"] | {"vocab_size": 9},
            "says vocab_size, which the data set gives",
        ),
        ("config", WANTED["config"] | {"seq_len": 9}, "says seq_len, which the data set gives"),
        ("config", WANTED["config"] | {"num_puzzles": 9}, "says num_puzzles, which the data set"),
        ("config", {"hidden": 3}, "^config in the settings: there is no 'hidden'"),
        ("batch_size", 10**5, "do not fill a batch"),
    ],
)
def test_wrong_settings_get_a_sentence(data, tmp_path, part, value, said):
    with pytest.raises(ValueError, match=said):
        run_on_data(data, WANTED | {part: value}, 0, tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


def test_settings_that_are_none_get_a_sentence(data, tmp_path):
    for wrong, said in (
        (None, "The settings: names with values are needed"),
        ([], "The settings: names with values are needed"),
        ({}, "The settings: model is missing"),
        (WANTED | {"seed": 1}, "The settings: there is no 'seed'"),
        ({k: v for k, v in WANTED.items() if k != "batch_size"}, "batch_size is missing"),
    ):
        with pytest.raises(ValueError, match=said):
            run_on_data(data, wrong, 0, tmp_path / "out", progress=False)
    with pytest.raises(ValueError, match=r"^seed must be"):
        run_on_data(data, WANTED, -1, tmp_path / "out", progress=False)


def test_recipes_are_checked_where_they_are_used():
    for batch_size in (0, "4", 1.5):
        recipe = replace(RECIPES["trm-sudoku-4x4"], batch_size=batch_size, train_puzzles=3)
        with pytest.raises(ValueError, match=r"^batch_size must be a whole number from 1"):
            recipe.stream(0)
