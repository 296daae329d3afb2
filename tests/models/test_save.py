"""Saving and loading: what was saved comes back, and nothing else does."""

import builtins
import hashlib
import json
import os
import pickle
import stat
import struct
from dataclasses import replace

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from hrm_course.models import (
    HRM,
    PRETRAINED,
    TRM,
    FeedForward,
    FeedForwardConfig,
    HRMConfig,
    Reasoner,
    Solver,
    TRMConfig,
    from_official,
    to_official,
)
from hrm_course.models.saving import seal

SHAPE = dict(vocab_size=5, seq_len=4, hidden_size=8, num_heads=2, num_layers=1, inner_multiple=8)
TOKENS = dict(mixer="tokens", position_code="none")
MODELS = {
    "hrm": lambda: HRM(HRMConfig(**SHAPE)),
    "trm": lambda: TRM(TRMConfig(**SHAPE, puzzle_embedding_size=12, num_puzzles=3)),
    "trm, learned, bfloat16": lambda: TRM(
        TRMConfig(**SHAPE, position_code="learned", forward_dtype="bfloat16")
    ),
    "feed-forward": lambda: FeedForward(FeedForwardConfig(**SHAPE, **TOKENS)),
}


@pytest.fixture
def saved(tmp_path):
    """A folder with a small TRM."""
    torch.manual_seed(0)
    MODELS["trm"]().save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", MODELS)
def test_what_was_saved_comes_back(name, tmp_path):
    model = MODELS[name]()
    model.save_pretrained(tmp_path / "new" / "folder")
    for kind in (type(model), Solver):
        loaded = kind.from_pretrained(tmp_path / "new" / "folder")
        assert type(loaded) is type(model) and loaded.config == model.config
        assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())
        ours, theirs = model.state_dict(), loaded.state_dict()
        for key in ours.keys() | theirs.keys():
            assert ours[key].dtype == theirs[key].dtype and torch.equal(ours[key], theirs[key])


@pytest.mark.parametrize("path", sorted(PRETRAINED.glob("*/config.json")), ids=str)
def test_shipped_models_load_by_name(path):
    name = path.parent.name
    model = Solver.from_pretrained(name)
    assert type(model).__name__ == json.loads(path.read_text())["model"]
    assert model.solve(torch.ones(1, model.config.seq_len, dtype=torch.long)).tokens.shape


def test_a_class_loads_its_own_kind_and_what_derives_from_it(saved):
    assert type(Reasoner.from_pretrained(saved)) is TRM
    for other in (HRM, FeedForward):
        with pytest.raises(ValueError, match=f"holds TRM, not {other.__name__}"):
            other.from_pretrained(saved)


@pytest.mark.parametrize("name", ["no-such-model", "", "\0", "x" * 5_000, "../..", "/dev/null"])
def test_a_name_of_nothing_gets_a_sentence(name):
    with pytest.raises(FileNotFoundError, match="one of the shipped models"):
        TRM.from_pretrained(name)


def test_a_name_leads_to_no_other_folder_of_the_library(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # a path is taken from here, never from the shipped models
    with pytest.raises(FileNotFoundError):
        TRM.from_pretrained("./trm-sudoku-4x4")
    with pytest.raises(FileNotFoundError):
        TRM.from_pretrained("trm-sudoku-4x4/../trm-sudoku-6x6")


def test_a_missing_file_gets_a_sentence(saved):
    (saved / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="the weights are missing"):
        TRM.from_pretrained(saved)
    (saved / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match="nor one of the shipped models"):
        TRM.from_pretrained(saved)


# ---- config.json -----------------------------------------------------------------------------

TEXTS = [
    ("", "can't be read"),
    ("{", "can't be read"),
    ("[" * 100_000, "can't be read"),
    ('{"model": "TRM", "vocab_size": ' + "9" * 5_000 + "}", "can't be read"),
    ("[]", "must hold keys and values"),
    ("3", "must hold keys and values"),
    ("{}", "holds an unknown model, and no model has this name; the models are .*'CMM'.*'TRM'"),
    *(
        (json.dumps({"model": name}), "and no model has this name")
        for name in ("Module", "os.system", "Solver", "Reasoner", "", None, 3, ["TRM"], {"a": 1})
    ),
    ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git LFS"),
    ("\ufeff<!DOCTYPE html><html>", "a web page, not the file itself"),
    ('{"model": "TRM"}', "missing .*and 10 more"),
]


@pytest.mark.parametrize(("text", "sentence"), TEXTS)
def test_a_configuration_that_is_none_gets_a_sentence(saved, text, sentence):
    (saved / "config.json").write_text(text)
    for kind in (TRM, Solver):
        with pytest.raises(ValueError, match=sentence):
            kind.from_pretrained(saved)


def test_a_configuration_that_is_no_text_gets_a_sentence(saved):
    (saved / "config.json").write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(ValueError, match="can't be read"):
        TRM.from_pretrained(saved)


FIELDS = [
    (dict(color=1), r"unexpected \['color'\]"),
    (dict(__class__="x"), r"unexpected \['__class__'\]"),
    (dict(num_heads="2"), "num_heads must be a whole number"),
    (dict(num_heads=3), "3 heads"),
    (dict(num_layers=90), "missing"),
    (dict(num_puzzles=2**31), r"has the shape \[3, 12\], not \[2147483648, 12\]"),
    (dict(hidden_size=2**16), "has the shape"),
    (dict(hidden_size=6), "even width"),
    (dict(inner_multiple=2**16), "has the shape"),
    (dict(prefix_length=1), "does not fit into 1 prefix tokens"),
    (dict(puzzle_embedding_size=0), r"unexpected \['puzzle_table.weight'\]"),
    (dict(position_code="learned"), r"missing \['embed_positions.weight'\]"),
    (dict(model="HRM"), "holds HRM"),
]


@pytest.mark.parametrize(("change", "sentence"), FIELDS, ids=str)
def test_a_wrong_configuration_gets_a_sentence(saved, change, sentence):
    config = json.loads((saved / "config.json").read_text())
    (saved / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(ValueError, match=sentence):
        TRM.from_pretrained(saved)


@pytest.mark.parametrize("field", ["vocab_size", "H_cycles", "num_heads"])
def test_a_field_is_never_guessed(saved, field):
    config = json.loads((saved / "config.json").read_text())
    del config[field]
    (saved / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=rf"missing \['{field}'\]"):
        TRM.from_pretrained(saved)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_configuration_may_have_been_saved_by_an_editor(saved, encoding):
    text = (saved / "config.json").read_text()
    (saved / "config.json").write_bytes(text.replace("\n", "\r\n").encode(encoding))
    assert TRM.from_pretrained(saved).config.vocab_size == 5


def test_of_two_models_with_one_name_the_older_counts(saved):
    """A reader who writes a class TRM of their own still gets the library's by name."""
    theirs = type("TRM", (Reasoner,), {"config_class": TRMConfig})
    assert type(Solver.from_pretrained(saved)) is TRM is not theirs


@pytest.mark.parametrize("thing", [None, 3, b"trm-sudoku-4x4", ["a"]])
def test_what_is_neither_a_name_nor_a_folder_gets_a_sentence(thing):
    with pytest.raises(ValueError, match="A model is a name or a folder, not "):
        Solver.from_pretrained(thing)


# ---- what saving and loading leave as it was ----------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_drawn_for_weights_that_are_read(name, tmp_path):
    model = MODELS[name]()
    model.save_pretrained(tmp_path)
    calls = [lambda: Solver.from_pretrained(tmp_path), lambda: model.computing_in("float64")]
    if name.startswith("trm"):
        torch.manual_seed(0)
        official = to_official(TRM(replace(model.config, inner_multiple=256)))
        calls.append(lambda: from_official(*official))
    for call in calls:
        before = torch.get_rng_state()
        call()
        assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", MODELS)
def test_a_copy_in_another_precision_has_the_same_weights_and_tables(name):
    model = MODELS[name]().eval()
    copy = model.computing_in("float64")
    assert copy.config == replace(model.config, forward_dtype="float64") and not copy.training
    for key, tensor in model.state_dict().items():
        assert torch.equal(copy.state_dict()[key].to(tensor.dtype), tensor)
    ours, theirs = dict(model.named_buffers()), dict(copy.named_buffers())
    assert ours.keys() == theirs.keys()
    for key in ours.keys() - model.state_dict().keys():  # the rotary tables
        assert torch.equal(ours[key], theirs[key]) and not theirs[key].is_meta
    with torch.no_grad():  # a copy, not a view
        copy.lm_head.weight.zero_()
    assert model.lm_head.weight.abs().max() > 0


def test_a_model_loads_onto_the_default_device(saved):
    with torch.device("meta"):  # stands for a GPU
        assert {t.device.type for t in TRM.from_pretrained(saved).state_dict().values()} == {"meta"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such bits")
def test_others_may_read_what_was_saved_as_far_as_the_umask_lets_them(tmp_path):
    before = os.umask(0o022)
    try:
        MODELS["trm"]().save_pretrained(tmp_path)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"config.json": 0o644, "model.safetensors": 0o644}


@pytest.mark.parametrize("full_at", [1, 2])
def test_a_full_disk_leaves_no_half_written_file_and_is_told(saved, monkeypatch, full_at):
    """The old model stays; in a new folder there is none that looks like one."""
    sizes, written = {path.name: path.stat().st_size for path in saved.iterdir()}, []

    def full(*_):
        written.append(1)
        if len(written) == full_at:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for folder in (saved, saved / "new"):
        written.clear()
        with pytest.raises(OSError, match="can't be written: No space left on device"):
            MODELS["trm"]().save_pretrained(folder)
    assert {p.name: p.stat().st_size for p in saved.iterdir() if p.is_file()} == sizes
    with pytest.raises(FileNotFoundError):
        TRM.from_pretrained(saved / "new")


# ---- checksums of what is published ------------------------------------------------------------


@pytest.fixture
def sealed(saved):
    seal(saved)
    return saved


def test_checksums_are_those_of_the_ordinary_command(sealed):
    lines = (sealed / "SHA256SUMS").read_text().splitlines()
    expected = [
        f"{hashlib.sha256((sealed / name).read_bytes()).hexdigest()}  {name}"
        for name in ("config.json", "model.safetensors")
    ]
    assert lines == expected
    assert TRM.from_pretrained(sealed).config.vocab_size == 5


def test_line_ends_are_no_change_and_new_weights_have_no_old_checksum(sealed):
    text = (sealed / "config.json").read_bytes()
    (sealed / "config.json").write_bytes(text.replace(b"\n", b"\r\n"))  # as git does on Windows
    model = TRM.from_pretrained(sealed)
    with torch.no_grad():
        model.lm_head.weight.add_(1)
    model.save_pretrained(sealed)
    assert torch.equal(TRM.from_pretrained(sealed).lm_head.weight, model.lm_head.weight)


def test_every_shipped_model_has_its_checksums():
    folders = {path.parent for path in PRETRAINED.glob("*/config.json")}
    assert folders == {path.parent for path in PRETRAINED.glob("*/SHA256SUMS")}
    for folder in folders:
        assert len((folder / "SHA256SUMS").read_text().splitlines()) == 2


# ---- model.safetensors -----------------------------------------------------------------------


class Malicious:
    """Unpickling this runs code."""

    def __reduce__(self):
        return (exec, ("import builtins; builtins.harm_was_done = True",))


def lying_header(names):
    text = json.dumps(names).encode()
    return struct.pack("<Q", len(text)) + text


def test_a_pointer_or_a_page_in_place_of_weights_is_called_so(saved):
    for text, what in (
        ("version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        ("<html>", "web page"),
    ):
        (saved / "model.safetensors").write_text(text)
        with pytest.raises(ValueError, match=f"model.safetensors can't be read: it is a .*{what}"):
            TRM.from_pretrained(saved)


BYTES = [
    b"",
    b"\0" * 8,
    b"no weights at all",
    pickle.dumps(Malicious()),
    struct.pack("<Q", 2**63),
    lying_header({"H_init": {"dtype": "F32", "shape": [2**62], "data_offsets": [0, 2**64 - 1]}}),
    lying_header({"H_init": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}),
    lying_header({"../../x": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}),
    lying_header([1]),
]


@pytest.mark.parametrize("content", BYTES, ids=range(len(BYTES)))
def test_a_file_that_holds_no_weights_gets_a_sentence(saved, content):
    (saved / "model.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=r"model.safetensors in .* (is damaged|does not fit)"):
        TRM.from_pretrained(saved)
    assert not hasattr(builtins, "harm_was_done")


def test_a_pickle_of_torch_is_not_opened(saved):
    torch.save({"H_init": Malicious()}, saved / "model.safetensors")
    with pytest.raises(ValueError, match="damaged or no safetensors file"):
        TRM.from_pretrained(saved)
    assert not hasattr(builtins, "harm_was_done")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.pop("H_init"), r"missing \['H_init'\]"),
        (lambda t: t.update(extra=torch.zeros(1)), r"unexpected \['extra'\]"),
        (lambda t: t.update(H_init=torch.zeros(9)), r"H_init has the shape \[9\], not \[8\]"),
        (lambda t: t.update(H_init=torch.zeros(8).int()), "not of floating-point numbers"),
        (lambda t: t.update(H_init=torch.zeros(8).to(torch.float8_e5m2)), "float8_e5m2, not of"),
        (lambda t: t["H_init"][3].fill_(float("nan")), "H_init has entries that are not finite"),
        (lambda t: t["H_init"][3].fill_(float("-inf")), "H_init has entries that are not finite"),
    ],
)
def test_weights_of_another_shape_get_a_sentence(saved, change, sentence):
    tensors = load_file(saved / "model.safetensors")
    change(tensors)
    save_file(tensors, saved / "model.safetensors")
    with pytest.raises(ValueError, match=sentence):
        TRM.from_pretrained(saved)


def damage(content, data):
    """A truncated copy, or one with a few bytes changed, most of them in the first 1,500."""
    content = bytearray(content)
    if data.draw(st.booleans()):
        return bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    for _ in range(data.draw(st.integers(1, 6))):
        last = len(content) - 1 if data.draw(st.booleans()) else min(1_500, len(content) - 1)
        content[data.draw(st.integers(0, last))] = data.draw(st.integers(0, 255))
    return bytes(content)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A small TRM, a folder, and what the files of the model in it hold."""
    folder = tmp_path_factory.mktemp("files")
    torch.manual_seed(0)
    model = MODELS["trm"]()
    model.save_pretrained(folder)
    return model, folder, {path.name: path.read_bytes() for path in folder.iterdir()}


def put(folder, contents):
    for name, content in contents.items():
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
@given(data=st.data())
def test_damage_gives_a_sentence_or_an_intact_load(files, file, data):
    model, folder, contents = files
    put(folder, contents | {file: damage(contents[file], data)})
    try:
        loaded = TRM.from_pretrained(folder)
    except ValueError as error:
        assert str(error).endswith(".")
    else:
        assert loaded.state_dict().keys() == model.state_dict().keys()
        assert loaded.solve(torch.ones(1, 4).long(), 2, puzzle_identifiers=torch.tensor([1]))


@given(
    st.dictionaries(
        st.sampled_from(["vocab_size", "hidden_size", "num_layers", "expansion", "mixer", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner),
            max_leaves=4,
        ),
    )
)
@example({"expansion": 999.0})
def test_any_value_in_a_configuration_gives_a_sentence_or_an_intact_load(files, change):
    _, folder, contents = files
    config = json.loads(contents["config.json"]) | change
    put(folder, contents | {"config.json": json.dumps(config).encode()})
    try:
        assert TRM.from_pretrained(folder).config.vocab_size == 5
    except ValueError as error:
        assert str(error).endswith(".")


@given(
    file=st.sampled_from(["config.json", "model.safetensors"]),
    place=st.floats(0, 1, exclude_max=True),
)
def test_a_changed_byte_of_a_published_model_gets_a_sentence(files, file, place):
    _, folder, contents = files
    put(folder, contents)
    seal(folder)
    content = bytearray(contents[file])
    content[int(place * len(content))] ^= 1
    put(folder, {file: content})
    said = f"{file} in .* is not the published file: its checksum differs"
    with pytest.raises(ValueError, match=said):
        TRM.from_pretrained(folder)
    (folder / "SHA256SUMS").unlink()
