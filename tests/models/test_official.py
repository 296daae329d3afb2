"""Official checkpoints and configurations -> our models, and back."""

import json
import pickle
import warnings

import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from hrm_course.models import HRM, TRM, HRMConfig, TRMConfig, from_official, to_official

SHAPE = dict(vocab_size=7, seq_len=9, hidden_size=16, num_heads=2, num_layers=1)
TABLE = dict(puzzle_embedding_size=16, num_puzzles=4)
KINDS = {
    "hrm": lambda: HRM(HRMConfig(**SHAPE, **TABLE)),
    "trm": lambda: TRM(TRMConfig(**SHAPE, **TABLE, prefix_length=2)),
    "trm, tokens": lambda: TRM(TRMConfig(**SHAPE, mixer="tokens", position_code="none")),
    "trm, learned": lambda: TRM(TRMConfig(**SHAPE, position_code="learned")),
}


@pytest.fixture(params=KINDS)
def official(request):
    """``(model, state_dict, config)``"""
    torch.manual_seed(0)
    model = KINDS[request.param]()
    return model, *to_official(model)


@pytest.fixture
def trm():
    torch.manual_seed(0)
    model = KINDS["trm"]()
    return model, *to_official(model)


def same(one, two):
    assert type(one) is type(two) and one.config == two.config
    a, b = one.state_dict(), two.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def nested(config):
    """As the official script writes all_config.yaml: the data's sizes are not in it."""
    sizes = ("vocab_size", "seq_len", "num_puzzle_identifiers")
    arch = {k: v for k, v in config.items() if k not in sizes}
    extra = {"name": "a@b", "loss": {"name": "c"}, "halt_max_steps": 16}
    training = {"lr": 1e-4, "epochs": 3, "data_path": "data/x", "arch": arch | extra}
    return training, {k: config[k] for k in sizes} | {"pad_id": 0, "sets": ["all"]}


@pytest.mark.parametrize("prefix", ["_orig_mod.model.inner.", "module.model.inner.", "model.", ""])
def test_there_and_back(official, prefix):
    model, state, config = official
    state = {k.replace("model.inner.", prefix): v for k, v in state.items()}
    assert same(from_official(state, config), model)


@pytest.mark.parametrize("form", ["torch", "legacy torch", "safetensors"])
@pytest.mark.parametrize("text", ["yaml", "json"])
def test_files(official, form, text, tmp_path):
    model, state, config = official
    config, data = nested(config)
    weights, told = tmp_path / "step_7", tmp_path / f"all_config.{text}"
    if form == "safetensors":
        weights = weights.with_suffix(".safetensors")
        save_file(state, weights)
    else:
        torch.save(state, weights, _use_new_zipfile_serialization=form == "torch")
    told.write_text(yaml.dump(config) if text == "yaml" else json.dumps(config))
    (tmp_path / "dataset.json").write_text(json.dumps(data))
    assert same(from_official(weights, told, tmp_path / "dataset.json"), model)
    assert same(from_official(str(weights), config, data), model)


def test_a_bfloat16_checkpoint_runs_in_the_type_asked_for(trm):
    model, state, config = trm
    state["model.inner.H_init"] = state["model.inner.H_init"].bfloat16()
    del config["forward_dtype"]  # the official default
    assert from_official(state, config).config.forward_dtype == "bfloat16"
    wide = from_official(state, config | {"forward_dtype": "float32"})
    assert wide.H_init.dtype == torch.float32
    assert torch.equal(wide.H_init, model.H_init.bfloat16().float())


def test_what_the_shapes_say_need_not_be_told(trm):
    model, state, config = trm
    del config["vocab_size"], config["num_puzzle_identifiers"]
    assert same(from_official(state, config), model)
    del config["seq_len"]
    with pytest.raises(ValueError, match=r"does not say seq_len \(see dataset.json"):
        from_official(state, config)


def test_a_prefix_length_without_a_puzzle_table_is_ignored_as_published():
    model = KINDS["trm, tokens"]()
    state, config = to_official(model)
    assert same(from_official(state, config | {"puzzle_emb_len": 16}), model)


@pytest.mark.parametrize("rows", [1, 3, 5, 1_000_000])
def test_a_puzzle_table_of_another_size_keeps_its_rows(trm, rows):
    model, state, config = trm
    with pytest.warns(UserWarning, match=f"table has 4 rows, the configuration says {rows}"):
        loaded = from_official(state, config | {"num_puzzle_identifiers": rows})
    assert same(loaded, model)


def test_foreign_tensors_are_ignored_and_named(official):
    model, state, config = official
    extra = {
        "model.inner.puzzle_emb.local_weights": torch.zeros(3, 16),
        "model.inner.puzzle_emb.local_ids": torch.zeros(3, dtype=torch.int32),
        "optimizer.step": torch.tensor(3),
    }
    with pytest.warns(UserWarning, match=r"Ignored.*optimizer.step.*puzzle_emb.local_ids"):
        assert same(from_official(state | extra, config), model)


def test_nothing_is_said_where_nothing_was_ignored(official):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_official(*official[1:])


def without(key):
    return lambda state, config: (state.pop("model.inner." + key), config)


def with_setting(**change):
    return lambda state, config: config.update(change)


def with_tensor(key, tensor):
    return lambda state, config: state.update({"model.inner." + key: tensor})


MISFITS = [
    (without("lm_head.weight"), r"missing \['lm_head.weight'\]"),
    (without("H_init"), r"missing \['H_init'\]"),
    (without("puzzle_emb.weights"), r"missing \['puzzle_table.weight'\]"),
    (with_setting(L_layers=2), r"missing \['layers.1.mix.out"),
    (with_setting(L_layers=10**9), "num_layers must be a whole number"),
    (with_setting(hidden_size=32), "has the shape"),
    (with_setting(hidden_size="16"), "hidden_size must be a whole number"),
    (with_setting(hidden_size=None), "does not say hidden_size"),
    (with_setting(vocab_size=8), r"embed_tokens.weight has the shape \[7, 16\], not \[8, 16\]"),
    (with_setting(num_heads=3), "3 heads"),
    (with_setting(puzzle_emb_ndim=0), r"unexpected \['puzzle_table.weight'\]"),
    (with_setting(puzzle_emb_ndim=8), "has the shape"),
    (with_setting(puzzle_emb_ndim=40), "does not fit into 2 prefix tokens"),
    (with_setting(pos_encodings="learned"), r"missing \['embed_positions.weight'\]"),
    (with_setting(mlp_t=True), "missing"),
    (with_setting(forward_dtype="float8"), "forward_dtype must be one of"),
    (with_setting(arch=3), "arch of the configuration must hold keys"),
    (with_tensor("L_level.layers.1.mlp.down_proj.weight", torch.zeros(2, 2)), "unexpected"),
    (with_tensor("embed_pos.embedding_weight", torch.zeros(11, 16)), "unexpected"),
    (with_tensor("H_level.layers.0.mlp.down_proj.weight", torch.zeros(16, 256)), "missing"),
    (with_tensor("q_head.bias", torch.zeros(2).int()), "not of floating-point numbers"),
    (with_tensor("q_head.bias", torch.zeros(2).tolist()), "mapping of names to tensors"),
    (with_tensor("embed_tokens.embedding_weight", torch.tensor(1.0)), "has the shape"),
]


@pytest.mark.parametrize(("change", "sentence"), MISFITS)
def test_weights_that_do_not_fit_get_a_sentence(trm, change, sentence):
    _, state, config = trm
    change(state, config)
    with pytest.raises(ValueError, match=sentence):
        from_official(state, config)


def test_an_hrm_needs_both_networks_of_one_depth():
    state, config = to_official(KINDS["hrm"]())
    with pytest.raises(ValueError, match="equally many layers"):
        from_official(state, config | {"H_layers": 2})
    only_H = {k: v for k, v in state.items() if "L_level" not in k}
    with pytest.raises(ValueError, match="neither an HRM's nor a TRM's"):
        from_official(only_H, config)


class Malicious:
    """Unpickling this runs code."""

    def __reduce__(self):
        return (exec, ("import builtins; builtins.harm_was_done = True",))


def test_files_that_are_no_weights_get_a_sentence_and_run_no_code(trm, tmp_path):
    import builtins

    _, state, config = trm
    evil, list_of, text = tmp_path / "evil", tmp_path / "list", tmp_path / "text"
    torch.save({"model.inner.H_init": Malicious()}, evil)
    torch.save([1, 2], list_of)
    text.write_text("no weights")
    plain, disguised = tmp_path / "plain.pkl", tmp_path / "evil.safetensors"
    for path in (plain, disguised):
        path.write_bytes(pickle.dumps(Malicious()))
    for path in (evil, text, plain, disguised):
        with pytest.raises(ValueError, match="can't be read as a file of plain tensors"):
            from_official(path, config)
    with pytest.raises(ValueError, match="mapping of names"):
        from_official(list_of, config)
    assert not hasattr(builtins, "harm_was_done")
    with pytest.raises(FileNotFoundError, match="no file"):
        from_official(tmp_path, config)
    with pytest.raises(FileNotFoundError, match=r"all_config\.yaml"):
        from_official(state, tmp_path / "all_config.yaml")


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("c.json", "{", "can't be read as YAML or JSON"),
        ("c.json", "[" * 100_000, "can't be read as YAML or JSON"),
        ("c.json", "[1]", "must hold keys and values"),
        ("c.yaml", "a: [1", "can't be read as YAML or JSON"),
        ("c.yaml", "!!python/object/apply:os.getcwd []", "can't be read as YAML or JSON"),
        ("c.yaml", "", "must hold keys and values"),
    ],
)
def test_configurations_that_are_none_get_a_sentence(trm, tmp_path, name, text, sentence):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=sentence):
        from_official(trm[1], tmp_path / name)


def test_what_the_official_code_cannot_express_is_refused():
    with pytest.raises(ValueError, match="inner_multiple=256"):
        to_official(TRM(TRMConfig(**SHAPE, inner_multiple=8)))


@given(st.data())
def test_damaged_files_give_a_sentence_or_load(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp()
    state, config = to_official(KINDS["trm, learned"]())
    path = folder / "step_1"
    torch.save(state, path)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        for _ in range(data.draw(st.integers(1, 8))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        model = from_official(path, config)
    except ValueError as error:
        assert str(error).endswith(".")
    else:
        assert type(model) is TRM
