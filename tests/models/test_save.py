"""Saving and loading: what was saved comes back, and nothing else does."""

import builtins
import json
import pickle
import struct

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
)

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
    ("{}", "holds an unknown model"),
    ('{"model": "Module"}', "holds Module"),
    ('{"model": "os.system"}', "holds os.system"),
    ('{"model": ["TRM"]}', "holds"),
    ('{"model": "TRM"}', "missing .*and 10 more"),
]


@pytest.mark.parametrize(("text", "sentence"), TEXTS)
def test_a_configuration_that_is_none_gets_a_sentence(saved, text, sentence):
    (saved / "config.json").write_text(text)
    with pytest.raises(ValueError, match=sentence):
        TRM.from_pretrained(saved)


def test_a_configuration_that_is_no_text_gets_a_sentence(saved):
    (saved / "config.json").write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(ValueError, match="can't be read"):
        TRM.from_pretrained(saved)


FIELDS = [
    (dict(color=1), r"unexpected \['color'\]"),
    (dict(__class__="x"), r"unexpected \['__class__'\]"),
    (dict(num_heads="2"), "num_heads must be a whole number"),
    (dict(num_heads=2.0), "num_heads must be a whole number"),
    (dict(num_heads=True), "num_heads must be a whole number"),
    (dict(num_heads=None), "num_heads must be a whole number"),
    (dict(num_heads=3), "3 heads"),
    (dict(seq_len=0), "seq_len must be a whole number from 1 to"),
    (dict(seq_len=10**12), "seq_len must be a whole number"),
    (dict(seq_len=-4), "seq_len must be a whole number"),
    (dict(num_layers=10**9), "num_layers must be a whole number"),
    (dict(num_layers=90), "missing"),
    (dict(num_puzzles=2**31), r"has the shape \[3, 12\], not \[2147483648, 12\]"),
    (dict(hidden_size=2**16), "has the shape"),
    (dict(hidden_size=6), "even width"),
    (dict(inner_multiple=2**16), "has the shape"),
    (dict(expansion=0), "expansion must be a number"),
    (dict(expansion=float("nan")), "expansion must be a number"),
    (dict(expansion=float("inf")), "expansion must be a number"),
    (dict(expansion="4"), "expansion must be a number"),
    (dict(mixer=["attention"]), "mixer must be one of"),
    (dict(mixer="__import__('os')"), "mixer must be one of"),
    (dict(forward_dtype="load"), "forward_dtype must be one of"),
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


# ---- model.safetensors -----------------------------------------------------------------------


class Malicious:
    """Unpickling this runs code."""

    def __reduce__(self):
        return (exec, ("import builtins; builtins.harm_was_done = True",))


def lying_header(names):
    text = json.dumps(names).encode()
    return struct.pack("<Q", len(text)) + text


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


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
@given(data=st.data())
def test_damage_gives_a_sentence_or_an_intact_load(tmp_path_factory, file, data):
    folder = tmp_path_factory.getbasetemp() / "damaged"
    torch.manual_seed(0)
    model = MODELS["trm"]()
    model.save_pretrained(folder)
    (folder / file).write_bytes(damage((folder / file).read_bytes(), data))
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
def test_any_value_in_a_configuration_gives_a_sentence_or_an_intact_load(tmp_path_factory, change):
    folder = tmp_path_factory.getbasetemp() / "settings"
    MODELS["trm"]().save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text()) | change
    (folder / "config.json").write_text(json.dumps(config))
    try:
        assert TRM.from_pretrained(folder).config.vocab_size == 5
    except ValueError as error:
        assert str(error).endswith(".")
