"""Official checkpoints and configurations -> our models, and back."""

import argparse
import json
import pickle
import re
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


PREFIXES = [
    "_orig_mod.model.inner.",
    "module.model.inner.",
    "model.",
    "",
    "_fsdp_wrapped_module._orig_mod.model.inner.",
    "_forward_module.model.inner.",
    "ema_model.module.model.inner.",
    "shadow.model.inner.",
]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_there_and_back(official, prefix):
    model, state, config = official
    state = {k.replace("model.inner.", prefix): v for k, v in state.items()}
    assert same(from_official(state, config), model)


@pytest.mark.parametrize(
    "inside", ["_fsdp_wrapped_module.", "_orig_mod.", "_checkpoint_wrapped_module."]
)
def test_wrapped_layers(official, inside):
    model, state, config = official
    state = {re.sub(r"(layers\.\d\.)", rf"\1{inside}", k): v for k, v in state.items()}
    assert same(from_official(state, config), model)


def raw_weights(state):
    """The same names, other numbers: what an average lies beside."""
    return {k: v + 1 for k, v in state.items()}


TRAINING = {
    "optimizer_state_dict": {"state": {}},
    "epoch": 3,
    "lr": [1e-4],
    "ema": {"decay": 0.999},
}
WRAPPED = {
    "model_state_dict": lambda state: {"model_state_dict": state},
    "state_dict": lambda state: {"state_dict": state, "pytorch-lightning_version": "2.4"},
    "model": lambda state: {"model": state, "step": torch.tensor(3)},
    "module": lambda state: {"module": state},
    "model, state_dict": lambda state: {"model": {"state_dict": state}},
}


@pytest.mark.parametrize("form", WRAPPED)
def test_checkpoints_of_training_runs(official, form, tmp_path):
    model, state, config = official
    checkpoint = TRAINING | WRAPPED[form](state)
    assert same(from_official(checkpoint, config), model)
    torch.save(checkpoint, tmp_path / "last.ckpt")
    assert same(from_official(tmp_path / "last.ckpt", config), model)


AVERAGED = {
    "ema_model": lambda average, raw: {"model": raw, "ema_model": average},
    "ema, shadow": lambda average, raw: {"state_dict": raw, "ema": {"shadow": average}},
    "names": lambda average, raw: (
        raw | {k.replace("model.inner.", "ema_model.model.inner."): v for k, v in average.items()}
    ),
}


@pytest.mark.parametrize("form", AVERAGED)
def test_averaged_weights_are_preferred_as_in_the_official_evaluation(official, form):
    model, state, config = official
    average = {k: v for k, v in state.items() if not k.endswith("_init")}  # only what is trained
    raw = raw_weights(state) | {k: v for k, v in state.items() if k.endswith("_init")}
    with pytest.warns(UserWarning, match="Taken: the averaged weights"):
        assert same(from_official(AVERAGED[form](average, raw), config), model)


def test_two_models_in_one_mapping_get_a_sentence(trm):
    _, state, config = trm
    twice = state | {k.removeprefix("model.inner."): v for k, v in state.items()}
    with pytest.raises(ValueError, match="Two models lie in these weights"):
        from_official(twice, config)


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
    with pytest.raises(ValueError, match="does not say seq_len: pass seq_len="):
        from_official(state, config)
    assert same(from_official(state, config, seq_len=9), model)
    assert same(from_official(state, config, {"seq_len": 9}), model)
    assert from_official(state, config, {"seq_len": 9}, seq_len=4).config.seq_len == 4
    for wrong in (0, "9", 9.0):
        with pytest.raises(ValueError, match="seq_len must be a whole number"):
            from_official(state, config, seq_len=wrong)


def test_a_prefix_length_that_is_not_read_is_ignored_and_named():
    for name in ("trm, tokens", "hrm"):
        model = KINDS[name]()
        state, config = to_official(model)
        config |= {"puzzle_emb_len": 16}
        if name == "hrm":
            config["name"] = "recursive_reasoning.hrm@HierarchicalReasoningModel_ACTV1"
        with pytest.warns(UserWarning, match="Ignored, as .*: puzzle_emb_len 16"):
            assert same(from_official(state, config), model)


def test_the_prefix_of_a_trm_is_16_unless_told_otherwise():
    torch.manual_seed(0)
    model = TRM(TRMConfig(**SHAPE, **TABLE, prefix_length=16))
    state, config = to_official(model)
    del config["puzzle_emb_len"]
    assert same(from_official(state, config), model)
    as_needed = from_official(state, config | {"puzzle_emb_len": 0})
    assert as_needed.config.prefix == 1


REFERENCES = [
    {"puzzle_emb_ndim": "${.hidden_size}"},
    {"puzzle_emb_ndim": "${arch.hidden_size}"},
    {"puzzle_emb_ndim": "${..width}"},
    {"puzzle_emb_ndim": "${.hidden_size}", "hidden_size": "${width}"},
]


@pytest.mark.parametrize("change", REFERENCES, ids=str)
def test_references_of_omegaconf_are_followed(trm, change, tmp_path):
    model, state, config = trm
    config, data = nested(config)
    config |= {"width": 16, "arch": config["arch"] | change, "run_name": "${oc.env:NAME}"}
    assert same(from_official(state, config, data), model)
    (tmp_path / "all_config.yaml").write_text(yaml.dump(config))
    assert same(from_official(state, tmp_path / "all_config.yaml", data), model)


def test_a_reference_within_a_bare_section_is_followed(trm):
    model, state, config = trm
    for text in ("${.hidden_size}", "${arch.hidden_size}", "${hidden_size}"):
        assert same(from_official(state, config | {"puzzle_emb_ndim": text}), model)


@pytest.mark.parametrize(
    "text", ["${.nothing}", "${oc.env:WIDTH}", "${.puzzle_emb_ndim}", "${.hidden_size}0", "${"]
)
def test_a_reference_to_nothing_gets_a_sentence(trm, text):
    _, state, config = trm
    with pytest.raises(ValueError, match=r"puzzle_emb_ndim is .* what that refers to is not there"):
        from_official(state, config | {"puzzle_emb_ndim": text})


def test_settings_that_nobody_knows_are_ignored_and_named(trm):
    model, state, config = trm
    config, data = nested(config)
    config["arch"] |= {"dropout": 0.1}
    with pytest.warns(UserWarning, match="nothing here has such a setting: dropout"):
        assert same(from_official(state, config, data), model)


def test_published_constants_may_be_written_in_any_way(trm):
    """YAML's 1e-5 arrives as a text."""
    model, state, config = trm
    for eps in (1e-5, "1e-5", 0.00001):
        config |= {"rms_norm_eps": eps, "rope_theta": 10000}
        assert same(from_official(state, config), model)
    plain = KINDS["trm, tokens"]()
    state, config = to_official(plain)
    assert same(from_official(state, config | {"rope_theta": 5.0}), plain)  # it has no rope


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
    (with_setting(L_layers=10**9), "L_layers must be a whole number"),
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
    (with_setting(mlp_t="false"), "mlp_t must be true or false, not 'false'"),
    (with_setting(no_ACT_continue=False), "no_ACT_continue is false"),
    (with_setting(rope_theta=500.0), "rope_theta is 500.0; only the published 10000 is offered"),
    (with_setting(rms_norm_eps="1e-6"), "rms_norm_eps is '1e-6'; only the published 1e-05"),
    (with_setting(rms_norm_eps=None), "rms_norm_eps is None"),
    (with_setting(pos_encodings=None), "does not say pos_encodings"),
    (with_setting(pos_encodings="RoPE"), "pos_encodings must be one of .*not 'RoPE'"),
    (lambda state, config: config.pop("pos_encodings"), "does not say pos_encodings"),
    (with_setting(puzzle_emb_len=-1), "puzzle_emb_len must be a whole number"),
    (with_setting(name="trm@HierarchicalReasoningModel_ACTV1"), "the configuration is an HRM's"),
    (with_setting(name="r.trm_singlez@TinyRecursiveReasoningModel_ACTV1"), "can't be converted"),
    (with_setting(forward_dtype="float8"), "forward_dtype must be one of"),
    (with_setting(arch=3), "arch of the configuration must hold keys"),
    (with_tensor("L_level.layers.1.mlp.down_proj.weight", torch.zeros(2, 2)), "unexpected"),
    (with_tensor("embed_pos.embedding_weight", torch.zeros(11, 16)), "unexpected"),
    (
        with_tensor("H_level.layers.0.mlp.down_proj.weight", torch.zeros(16, 256)),
        "The weights are an HRM's, .* the configuration is a TRM's",
    ),
    (with_tensor("H_init", torch.full((16,), float("nan"))), "H_init has entries that are not fin"),
    (with_tensor("H_init", torch.zeros(16).to_sparse()), "H_init is a sparse tensor"),
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
    del config["H_layers"], config["mlp_t"]
    with pytest.raises(ValueError, match="does not say H_layers"):
        from_official(state, config)
    only_H = {k: v for k, v in state.items() if "L_level" not in k}
    with pytest.raises(ValueError, match="neither an HRM's nor a TRM's"):
        from_official(only_H, config)


def test_weights_and_configurations_of_different_models_get_a_sentence():
    hrm, trm = (to_official(KINDS[name]()) for name in ("hrm", "trm"))
    as_published = {k: v for k, v in hrm[1].items() if k != "mlp_t"}  # HRM has no such setting
    for (state, _), config in ((hrm, trm[1]), (trm, as_published)):
        with pytest.raises(
            ValueError, match=r"The weights are an? .RM's.*configuration is an? .RM"
        ):
            from_official(state, config)


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
    lightning = tmp_path / "last.ckpt"
    torch.save({"state_dict": state, "hyper_parameters": argparse.Namespace(lr=1)}, lightning)
    for path in (evil, text, plain, disguised, lightning):
        with pytest.raises(ValueError, match="can't be read as a file of plain tensors") as caught:
            from_official(path, config)
        assert "weights_only" not in str(caught.value)  # PyTorch's advice to load it unsafely
        assert ("it holds argparse.Namespace" in str(caught.value)) == (path == lightning)
    for content, what in (
        ("version https://git-lfs.github.com/spec/v1", "Git LFS"),
        ("<html>", "web page"),
    ):
        text.write_text(content)
        for weights, settings in ((text, config), (state, text)):
            with pytest.raises(ValueError, match=f"text can't be read.*: it is a .*{what}"):
                from_official(weights, settings)
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


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["c.json", "c.yaml"])
def test_configurations_in_any_unicode(trm, tmp_path, name, encoding):
    model, state, config = trm
    (tmp_path / name).write_bytes(json.dumps(config | {"note": "für 数独"}).encode(encoding))
    assert same(from_official(state, tmp_path / name), model)


def test_a_safetensors_file_may_have_any_name(trm, tmp_path):
    model, state, config = trm
    save_file(state, tmp_path / "step_7")
    assert same(from_official(tmp_path / "step_7", config), model)


def test_what_the_official_code_cannot_express_is_refused():
    with pytest.raises(ValueError, match="inner_multiple=256"):
        to_official(TRM(TRMConfig(**SHAPE, inner_multiple=8)))
    with pytest.raises(ValueError, match="as many prefix tokens"):
        to_official(HRM(HRMConfig(**SHAPE, **TABLE, prefix_length=3)))


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
