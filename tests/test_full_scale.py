"""The appendix on full scale: its settings build the published shapes, its commands are commands."""

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.autograd.forward_ad as forward_ad
import torch.nn.functional as F
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.attention import SDPBackend, sdpa_kernel

from hrm_course.cli import main, parser
from hrm_course.data import DatasetStream, read_dataset
from hrm_course.models import CMM, HRM, TRM
from hrm_course.training.cmm_losses import CMMTrainConfig, repulsion_loss
from hrm_course.training.evaluate import Score
from hrm_course.training.loop import TrainConfig, schedule
from hrm_course.training.losses import reasoner_loss

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "book" / "appendix-c-full-scale.md").read_text()
FOLDER = ROOT / "book" / "_static" / "full-scale"
FILES = sorted(FOLDER.glob("*.json"))
KINDS = {"HRM": HRM, "TRM": TRM, "CMM": CMM}
DATA = {"sudoku": (11, 81), "maze": (6, 900), "arc": (12, 900)}
EPOCHS = {"HRM": 20_000, "TRM": 50_000, "CMM": 50_000}  # of 1000 puzzles; ARC is another matter
SHAPE = {"vocab_size", "seq_len"}

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def read(path):
    settings = json.loads(path.read_text())
    kind = KINDS[settings["model"]]
    task = next(task for task in DATA if task in path.stem)
    shape = dict(zip(("vocab_size", "seq_len"), DATA[task], strict=True))
    return settings, kind, kind.config_class(**shape | settings["config"]), task


def row(path):
    """The line of the page's table of settings that speaks of this file."""
    rows = [line for line in PAGE.splitlines() if line.startswith(f"| {{download}}`{path.name} ")]
    assert len(rows) == 1, f"{path.name} has {len(rows)} rows"
    return [cell.strip() for cell in rows[0].strip("|").split("|")]


# ---- the settings ----------------------------------------------------------------------------


def test_the_page_names_every_file_and_no_other():
    named = set(re.findall(r"full-scale/([\w-]+\.json)", PAGE))
    assert named == {path.name for path in FILES} and len(named) >= 4


@every_file
def test_parameters_on_the_page_are_those_of_the_model(path):
    _, kind, config, _ = read(path)
    with torch.device("meta"):  # shapes only
        model = kind(config)
    assert row(path)[2] == f"{model.num_parameters():,}"


def test_other_counts_in_the_text():
    with torch.device("meta"):
        shape = {
            key: value
            for key, value in json.loads((FOLDER / "cmm-small-sudoku.json").read_text())[
                "config"
            ].items()
            if key not in ("mixer", "position_code")
        }
        attention = CMM(CMM.config_class(*DATA["sudoku"], **shape))
        prefix = dict(puzzle_embedding_size=128, prefix_length=16, mixer="tokens")
        tokens = CMM(CMM.config_class(*DATA["sudoku"], **shape, position_code="none", **prefix))
    assert f"{attention.num_parameters():,}" in PAGE and f"{tokens.num_parameters():,}" in PAGE


@every_file
def test_steps_are_the_epochs_and_the_schedule_is_the_published_one(path):
    settings, _, _, task = read(path)
    training, batch = settings["training"], settings["batch_size"]
    kind = CMMTrainConfig if "terms" in training else TrainConfig
    config = kind(**training)
    if task != "arc":
        assert config.steps == EPOCHS[settings["model"]] * 1000 // batch
    assert row(path)[3:5] == [f"{batch}", f"{config.steps:,}"]
    assert [schedule(step, config) for step in (1, 1000, 2000, config.steps)] == [
        1 / 2000,
        0.5,
        1,
        1,
    ]
    assert (config.segments, config.exploration) == (16, 0.1)
    assert config.ema == (0 if settings["model"] == "HRM" else 0.999)
    assert batch % 8 == 0  # eight processes can share it
    shorter = replace(config, steps=3000)  # the beginning of the longer run
    assert all(schedule(step, shorter) == schedule(step, config) for step in (1, 2500, 3000))


def test_ten_epochs_at_a_time_drop_what_the_page_says(tmp_path):
    made = "data sudoku --side 4 --blanks 4 --train 100 --test 1".split()
    assert main([*made, "--to", str(tmp_path)]) == 0
    plan = DatasetStream(read_dataset(tmp_path), 768, epochs_per_iteration=100)._plan(0)
    left = 10 * 1000 - sum(map(len, plan))  # 100 epochs of 100 puzzles: as 10 of 1000
    assert (len(plan), left) == (13, 16) and "16 of 10,000" in PAGE


def test_how_far_chance_moves_a_score():
    widths = [high - low for low, high in (Score(0.55, 1, n).interval for n in (1000, 422_786))]
    assert [round(100 * width, 1) for width in widths] == [6.2, 0.3]


# ---- memory ----------------------------------------------------------------------------------


class _Flash(torch.autograd.Function):
    """What a fused attention kernel keeps: its inputs and its output."""

    @staticmethod
    def forward(ctx, q, k, v):
        out = torch.empty_like(q)
        ctx.save_for_backward(q, k, v, out)
        return out


def kept(model, run):
    """Bytes that ``run()`` keeps for the backward pass, without the parameters; on the meta device."""
    own = {p.untyped_storage()._cdata for p in model.parameters()}
    storages = {}  # held, so that no number is given twice

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            storages[storage._cdata] = storage
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor):
        run()
    return sum(storage.nbytes() for storage in storages.values())


@every_file
def test_memory_on_the_page_is_what_a_step_keeps(path, monkeypatch):
    settings, kind, config, _ = read(path)
    number_type = "float32" if kind is CMM else "bfloat16"
    rows = settings["batch_size"]
    with torch.device("meta"):
        model = kind(config).computing_in(number_type)
        tokens = torch.zeros(rows, config.seq_len, dtype=torch.long)
        ids = torch.zeros(rows, dtype=torch.long)
    state = model.initial_state(rows, tokens, ids)

    def segment():
        out = model.segment(state, tokens, ids)[1]
        reasoner_loss(out, tokens)

    def terms():  # one call of the network with its forward derivative, at two points a row
        z = torch.zeros(2 * rows, config.length, config.hidden_size, device="meta")
        with forward_ad.dual_level(), sdpa_kernel(SDPBackend.MATH):
            model.network(forward_ad.make_dual(z, torch.zeros_like(z)), torch.zeros_like(z))

    total = kept(model, terms) if kind is CMM else 0
    monkeypatch.setattr(F, "scaled_dot_product_attention", _Flash.apply)
    total += kept(model, segment)
    assert row(path)[5] == f"{total / 1e9:.0f} GB"


def test_why_the_terms_of_a_cmm_are_computed_in_float32():
    rows = torch.randn(64, 41_472, generator=torch.Generator().manual_seed(0))
    wide, narrow = (repulsion_loss(z).item() for z in (rows, rows.bfloat16()))
    assert f"{wide:.1e}" == "2.4e-05" and narrow == 0.0


# ---- the commands ----------------------------------------------------------------------------


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def commands():
    """Arguments of every command of the course in the page's shell blocks."""
    for block in blocks("sh"):
        for line in block.replace("\\\n", " ").splitlines():
            found = re.search(r"(?:\bhrm-course|-m hrm_course\.cli) (.*)", line)
            if found:
                yield re.split(r"\|\||&&|;|#", found[1])[0].strip()


def test_every_command_on_the_page_is_one():
    found = list(commands())
    assert len(found) >= 10
    assert {line.split()[0] for line in found} >= {"data", "train", "convert", "evaluate"}
    for line in found:
        arguments = parser().parse_args(shlex.split(line))
        settings = getattr(arguments, "config", None)
        if arguments.command == "train":
            assert arguments.data and (ROOT / settings).is_file(), line
        assert "--bfloat16" not in line or "cmm-" not in line  # see the test above


@pytest.fixture(scope="module")
def small_data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("full-scale") / "sudoku-extreme"
    made = "data sudoku --side 4 --blanks 6 --train 8 --test 4 --seed 1".split()
    assert main([*made, "--to", str(folder)]) == 0
    return folder


TINY = {"hidden_size": 16, "num_heads": 2, "expansion": 2, "L_cycles": 1, "inner_multiple": 8}
AT_MOST = {"puzzle_embedding_size": 16, "prefix_length": 2, "num_layers": 2, "H_cycles": 2}


@every_file
def test_settings_train_when_shrunk(path, small_data, tmp_path, capsys):
    settings = json.loads(path.read_text())
    config = settings["config"]
    config |= TINY | {k: min(config[k], most) for k, most in AT_MOST.items() if k in config}
    settings["training"] |= {"steps": 2, "segments": 2, "evaluate_every": 2}
    settings["batch_size"] = 8
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    train = ["train", "--data", str(small_data), "--config", str(tmp_path / "settings.json")]
    assert main([*train, "--out", str(tmp_path)]) == 0, capsys.readouterr().err
    assert "of 4 unseen puzzles solved" in capsys.readouterr().out
    folder = tmp_path / "sudoku-extreme" / "seed0"
    assert {"model.safetensors", "checkpoint.safetensors", "log.csv"} <= {
        file.name for file in folder.iterdir()
    }


def test_what_python_on_the_page_imports_is_there():
    for script in blocks("python"):
        compile(script, "appendix C", "exec")
        exec("\n".join(line for line in script.splitlines() if line.startswith("from ")), {})


def test_the_page_cites_what_is_in_the_bibliography():
    known = set(re.findall(r"^@\w+\{(\w+),", (ROOT / "book" / "references.bib").read_text(), re.M))
    cited = {key for keys in re.findall(r"\{cite\}`([^`]+)`", PAGE) for key in keys.split(",")}
    assert cited and cited <= known


def test_the_page_evaluates_a_run(small_data, tmp_path, capsys, monkeypatch):
    """The lines for a GPU, on the CPU, with a tiny model under the name the page uses."""
    [script] = [block for block in blocks("python") if "evaluate_batches" in block]
    place = re.search(r'from_pretrained\("(runs/\S+)"\)', script)[1]
    config = TRM.config_class(6, 16, **TINY, mixer="tokens", position_code="none")
    TRM(config).save_pretrained(tmp_path / place)
    for folder in set(re.findall(r'read_dataset\("(\S+?)"', script)):
        (tmp_path / folder).symlink_to(small_data)
    monkeypatch.chdir(tmp_path)
    assert script.count('"cuda"') == 1
    exec(script.replace('"cuda"', '"cpu"'), {})
    assert capsys.readouterr().out.split()[2] == "4"  # puzzles
