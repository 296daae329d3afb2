"""The page that ``hrm-course report`` fills, against numbers counted anew."""

import json
import re
from typing import Any

import numpy as np
import pytest
import torch

from hrm_course.cli import main
from hrm_course.cli.report import report_lines, runs_in, verdict
from hrm_course.data import Dataset, write_dataset
from hrm_course.models import TRM, FeedForward, FeedForwardConfig, TRMConfig
from hrm_course.tasks import Parity

TASK = Parity(4)
SHAPE: dict[str, Any] = dict(vocab_size=3, seq_len=4, hidden_size=8, num_heads=2, mixer="tokens")
SHAPE |= dict(position_code="none", inner_multiple=8, H_cycles=1, L_cycles=1)


def data(n=40):
    before, after = (TASK.encode(side) for side in TASK.generate(n, seed=3))
    return Dataset.from_rows(before, after, TASK.vocab_size)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Runs of two kinds of untrained models, and a data set."""
    top = tmp_path_factory.mktemp("report")
    for kind, config in ((TRM, TRMConfig), (FeedForward, FeedForwardConfig)):
        for seed in (0, 1, 10):
            torch.manual_seed(seed + 5)
            folder = top / kind.__name__ / f"seed{seed}"
            kind(config(**SHAPE)).save_pretrained(folder)
            (folder / "result.json").write_text(json.dumps({"seed": seed, "steps": 7 + seed}))
    write_dataset(top / "data", {"train": data(), "test": data()})
    return top


@pytest.fixture(scope="module")
def page(folders):
    test = data()
    runs = [runs_in(folders / kind, test) for kind in ("TRM", "FeedForward")]
    return list(report_lines(*runs, test, segments=3))


def rows(page, first):
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in page]
    return [row for row in cells if row[0] == first]


def test_accuracies_are_those_counted_anew(folders, page):
    test = data()
    inputs, labels = torch.from_numpy(test.inputs).long(), torch.from_numpy(test.labels).long()
    models = rows(page, "model")
    assert [row[1] for row in models] == ["seed0", "seed1", "seed10"]
    assert [row[3] for row in models] == ["7", "8", "17"]
    for row in models:
        tokens = TRM.from_pretrained(folders / "TRM" / row[1]).solve(inputs, 3).tokens
        assert row[4] == f"{(tokens == labels).all(1).double().mean():.1%}"
        assert row[6] == f"{(tokens == labels).double().mean():.1%}"
    assert len(rows(page, "baseline")) == 3


def test_failures_and_the_halting_head_add_up(folders, page):
    text, test = "\n".join(page), data()
    model = TRM.from_pretrained(folders / "TRM" / "seed0")
    inputs, labels = torch.from_numpy(test.inputs).long(), torch.from_numpy(test.labels).long()
    trace = model.solve(inputs, 3, trace=True).trace
    right = (trace.tokens == labels).all(-1).numpy()
    wrong, rest = ~right[-1], trace.residual[-1].numpy() < 0.01
    said = re.search(r"Of (\d+) boards (\d+) are wrong.* (\d+) were right.* (\d+) are at", text)
    assert said is not None
    counted = len(wrong), wrong.sum(), (wrong & right.any(0)).sum(), (wrong & rest).sum()
    assert tuple(map(int, said.groups())) == counted
    head = re.search(r"trusts (\d+) right and (\d+) wrong boards; it doubts (\d+).* (\d+)", text)
    assert head is not None and sum(map(int, head.groups())) == len(wrong)
    assert [row[0] for n in (1, 2, 3, 4, 8, 16, 32) for row in rows(page, str(n))] == [
        "1", "2", "3", "4", "8", "16", "32"
    ]  # fmt: skip


def test_the_radius_is_that_of_the_dense_jacobian(folders, page):
    from hrm_course.dynamics import jacobian

    model, test = TRM.from_pretrained(folders / "TRM" / "seed0").double(), data()
    inputs = torch.from_numpy(test.inputs).long()
    model = model.computing_in("float64")
    right = (model.solve(inputs, 3).tokens.numpy() == test.labels).all(1)
    row = int(np.flatnonzero(~right)[0])
    f = model.segment_map(inputs[row : row + 1])
    z = torch.stack(model.initial_state(1), dim=1)
    with torch.no_grad():
        for _ in range(3):
            z = f(z)
    J = jacobian(f, z).reshape(z.numel(), z.numel())
    true = torch.linalg.eigvals(J).abs().max().item()
    told = re.search(r"wrong boards ([\d.]+)", "\n".join(page))
    assert told is not None and abs(float(told[1]) - true) < 0.1 * true + 0.01


def test_what_seeds_allow_to_say():
    assert "model is ahead" in verdict([0.5, 0.6, 0.7], [0.1, 0.2, 0.49])
    assert "baseline is ahead" in verdict([0.1, 0.2, 0.3], [0.4, 0.5, 0.6])
    assert "overlap" in verdict([0.5, 0.6, 0.7], [0.1, 0.2, 0.5])
    assert "Three seeds" in verdict([0.5], [0.1]) and "Three" not in verdict([1] * 3, [0] * 3)
    assert "no baseline" in verdict([0.5], [])


def test_the_command_writes_the_page(folders, tmp_path, capsys, page):
    call = ["report", str(folders / "TRM"), "--baseline", str(folders / "FeedForward")]
    call += ["--data", str(folders / "data"), "--segments", "3"]
    assert main(call) == 0
    assert capsys.readouterr().out.splitlines() == page
    assert main([*call, "--to", str(tmp_path / "page.md")]) == 0
    assert (tmp_path / "page.md").read_text().splitlines() == page
    titles = [line for line in page if line.startswith("#")]
    assert titles[0].startswith("# A TRM of ") and "## To be written by you" in titles


@pytest.mark.parametrize(
    "runs, change, words",
    [
        ("nowhere", {}, "holds no finished runs seed0"),
        ("FeedForward", {}, "has no segments and no map: name it as --baseline"),
        ("TRM", {"vocab_size": 4}, "4 cells of 3 tokens, the data has 4 of 4"),
    ],
)
def test_mistakes_get_one_sentence(folders, tmp_path, capsys, runs, change, words):
    before, after = (TASK.encode(side) for side in TASK.generate(5, seed=3))
    part = Dataset.from_rows(before, after, **({"vocab_size": 3} | change))
    write_dataset(tmp_path / "data", {"train": part, "test": part})
    assert main(["report", str(folders / runs), "--data", str(tmp_path / "data")]) == 2
    assert words in capsys.readouterr().err
