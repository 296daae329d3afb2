import sys
from types import SimpleNamespace

import pytest

from hrm_course.data.hub import fetch

REPOSITORY = "sapientinc/sudoku-extreme"


@pytest.fixture
def hub(monkeypatch):
    """A stand-in for huggingface_hub that records what it is asked for and has no network."""
    fake = SimpleNamespace(asked=[], content=None)

    def hf_hub_download(repository, file, repo_type, local_dir):
        fake.asked.append((repository, file, repo_type))
        if fake.content is None:
            raise ConnectionError("Name or service not known\nand a long story")
        (local_dir / file).parent.mkdir(parents=True, exist_ok=True)
        (local_dir / file).write_bytes(fake.content)
        return str(local_dir / file)

    fake.hf_hub_download = hf_hub_download
    monkeypatch.setitem(sys.modules, "huggingface_hub", fake)
    return fake


def test_a_file_that_is_there_is_taken_without_asking(hub, tmp_path):
    here = tmp_path / "sapientinc" / "sudoku-extreme" / "test.csv"
    here.parent.mkdir(parents=True)
    here.write_text("x")
    assert fetch(REPOSITORY, "test.csv", tmp_path) == here and hub.asked == []


def test_a_missing_file_is_downloaded_once(hub, tmp_path):
    hub.content = b"abc"
    for _ in range(2):
        path = fetch(REPOSITORY, "sub/test.csv", tmp_path)
        assert path.read_bytes() == b"abc" and path.is_relative_to(tmp_path)
    assert hub.asked == [(REPOSITORY, "sub/test.csv", "dataset")]
    fetch("sapientinc/HRM-checkpoint-ARC-2", "checkpoint", tmp_path, kind="model")
    assert hub.asked[-1] == ("sapientinc/HRM-checkpoint-ARC-2", "checkpoint", "model")


def test_without_a_network_the_sentence_says_which_file_to_put_where(hub, tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        fetch(REPOSITORY, "test.csv", tmp_path)
    sentence = str(error.value)
    assert f"put it at {tmp_path / REPOSITORY / 'test.csv'}" in sentence
    assert f"test.csv of the dataset {REPOSITORY}" in sentence
    assert "Name or service not known" in sentence and "long story" not in sentence


def test_without_the_package_the_sentence_names_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(FileNotFoundError, match=r"pip install huggingface_hub.*put it at"):
        fetch(REPOSITORY, "test.csv", tmp_path)


@pytest.mark.parametrize("file", ["../x", "/etc/passwd", "a/../../x", "", "a\\..\\x"])
def test_no_name_leaves_the_folder(hub, file, tmp_path):
    with pytest.raises(ValueError, match="not the name"):
        fetch(REPOSITORY, file, tmp_path)
    with pytest.raises(ValueError):
        fetch(file, "test.csv", tmp_path)


def test_repositories_have_an_owner(hub, tmp_path):
    with pytest.raises(ValueError, match="OWNER/NAME"):
        fetch("sudoku-extreme", "test.csv", tmp_path)
    with pytest.raises(ValueError, match="'dataset' or a 'model'"):
        fetch(REPOSITORY, "test.csv", tmp_path, kind="space")
    assert hub.asked == []
