"""Official HRM and TRM weights and configurations <-> our models."""

import json
import re
import warnings
from collections.abc import Mapping
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from .hrm import HRM, HRMConfig
from .saving import misfit, read_bytes, shell
from .trm import TRM, TRMConfig

# What compiling, data parallel training and averaging put before a tensor's name, or into it.
_INSIDE = re.compile(r"_orig_mod\.|_fsdp_wrapped_module\.|_checkpoint_wrapped_module\.")
_BEFORE = re.compile(r"^((module|model|inner|_forward_module|ema_model|model_ema|ema|shadow)\.)+")
_AVERAGED = re.compile(r"\b(ema_model|model_ema|ema|shadow)\.")
# Under which names a checkpoint of a training run keeps its weights, and averages of them.
_WEIGHTS = ("model_state_dict", "state_dict", "model", "module")
_AVERAGES = ("ema_state_dict", "ema_model", "model_ema", "ema", "shadow")
_NAMES = (  # the official name of a part, ours
    ("embed_tokens.embedding_weight", "embed_tokens.weight"),
    ("embed_pos.embedding_weight", "embed_positions.weight"),
    ("puzzle_emb.weights", "puzzle_table.weight"),
    (".self_attn.qkv_proj.", ".mix.qkv."),
    (".self_attn.o_proj.", ".mix.out."),
    (".mlp_t.gate_up_proj.", ".mix.gate_up."),
    (".mlp_t.down_proj.", ".mix.down."),
    (".mlp.gate_up_proj.", ".mlp.gate_up."),
    (".mlp.down_proj.", ".mlp.down."),
)
_NETWORKS: dict[type, tuple] = {
    HRM: (("H_level.layers.", "H_layers."), ("L_level.layers.", "L_layers.")),
    TRM: (("L_level.layers.", "layers."),),
}
_SIZES = ("vocab_size", "seq_len", "num_puzzle_identifiers")
_FIXED = {"rope_theta": 10_000.0, "rms_norm_eps": 1e-5}  # as all published models have them
_FIELDS = {  # the official name of a setting, ours
    "vocab_size": "vocab_size",
    "seq_len": "seq_len",
    "hidden_size": "hidden_size",
    "num_heads": "num_heads",
    "expansion": "expansion",
    "L_layers": "num_layers",
    "H_cycles": "H_cycles",
    "L_cycles": "L_cycles",
    "pos_encodings": "position_code",
    "puzzle_emb_ndim": "puzzle_embedding_size",
    "puzzle_emb_len": "prefix_length",
    "num_puzzle_identifiers": "num_puzzles",
    "forward_dtype": "forward_dtype",
}
_USED = {*_FIELDS, *_FIXED, "name", "H_layers", "mlp_t", "no_ACT_continue"}
# Settings of a section arch that say nothing of a trained model.
_OF_TRAINING = {"loss", "batch_size", "halt_max_steps", "halt_exploration_prob", "causal"}


def from_official(
    weights: Mapping[str, Tensor] | str | Path,
    config: Mapping | str | Path,
    dataset: Mapping | str | Path | None = None,
    seq_len: int | None = None,
) -> Any:
    """An `HRM` or a `TRM` with the weights of an official checkpoint, whichever they belong to.

    Args:
        weights: tensors under the official names, with or without the prefixes that compiling,
            data parallel training (DDP, FSDP) and averaging add; or a file of them, written by
            ``torch.save`` or safetensors; or a training run's checkpoint that holds them as
            ``model_state_dict``, ``state_dict`` or ``model``. Averaged weights (EMA) that lie
            beside the raw ones are preferred, as in the official evaluation. A file is read as
            plain tensors: it can't run code.
        config: the official configuration, with the model's keys in a section ``arch`` or at the
            top; or a file of it (YAML, JSON), as ``all_config.yaml`` beside a checkpoint.
        dataset: where ``vocab_size``, ``seq_len`` and ``num_puzzle_identifiers`` are if the
            configuration lacks them: the data's ``dataset.json``, read or as a file. What the
            shapes of the weights say may be missing in both.
        seq_len: cells of a puzzle, if there is no ``dataset.json`` at hand; goes before the others.

    Returns:
        The model, in evaluation mode; its parameters can be trained on. A puzzle table keeps the
        rows it has. What was ignored (a table size other than configured, tensors that are no
        part of the model) is said in a `UserWarning`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a file can't be read, the configuration asks for what isn't offered here, or
            the weights do not fit it.
    """
    tensors, remarks = _read_weights(weights)
    settings = _settings(config, dataset, remarks)
    if seq_len is not None:
        settings["seq_len"] = seq_len
    kind = _kind(tensors, settings)
    tensors = {_rename(key, kind): value for key, value in tensors.items()}
    told = settings.get("num_puzzle_identifiers")
    ours = _our_config(kind, settings, tensors, remarks)
    model = shell(kind, ours)
    expected = model.state_dict()
    known = ("layers.", "H_layers.", "L_layers.", "embed_", "lm_head.", "q_head.", "puzzle_table.")
    foreign = [k for k in tensors if k not in expected and not k.startswith(known)]
    tensors = {key: value for key, value in tensors.items() if key not in foreign}
    problem = misfit(expected, tensors)
    if problem:
        raise ValueError(f"These weights do not fit the configuration: {problem}.")
    if foreign:
        remarks.append(f"Ignored, as no part of {kind.__name__}: {sorted(foreign)}.")
    if ours.puzzle_embedding_size and told not in (None, ours.num_puzzles):
        remarks.append(
            f"The puzzle table has {ours.num_puzzles} rows, the configuration says {told}: kept "
            f"the rows there are."
        )
    for remark in remarks:
        warnings.warn(remark, stacklevel=2)
    return model.fill(tensors, torch.get_default_device()).eval()


def to_official(model: HRM | TRM) -> tuple[dict[str, Tensor], dict]:
    """``(state_dict, config)`` under the official names: what `from_official` reads.

    Raises:
        ValueError: the official code can't express this model.
    """
    kind = type(model)
    if kind not in _NETWORKS or model.config.inner_multiple != 256:
        raise ValueError("Only an HRM or a TRM with inner_multiple=256 has an official form.")
    c = model.config
    if kind is HRM and c.prefix != ceil(c.puzzle_embedding_size / c.hidden_size):
        raise ValueError("The official HRM has as many prefix tokens as its puzzle's vector fills.")
    state = {}
    for key, value in model.state_dict().items():
        for theirs, ours in (*_NETWORKS[kind], *_NAMES):
            key = key.replace(ours, theirs)
        state[f"model.inner.{key}"] = value.clone()
    config = {theirs: getattr(c, ours) for theirs, ours in _FIELDS.items()}
    config |= {"H_layers": c.num_layers, "mlp_t": c.mixer == "tokens"}
    if kind is TRM:
        return state, config | {"H_layers": 0, "no_ACT_continue": True}
    del config["puzzle_emb_len"]  # HRM's prefix is as long as its vector needs
    return state, config


def _kind(tensors: dict[str, Tensor], settings: dict) -> type[HRM] | type[TRM]:
    """Which model the weights are, if the configuration is not plainly that of the other."""
    has_H, has_L = (any(k.startswith(f"{n}_level.") for k in tensors) for n in "HL")
    if not has_L:
        raise ValueError(
            "These weights are neither an HRM's nor a TRM's: both have a network L_level."
        )
    name, keys = str(settings.get("name", "")), settings.keys()
    if "singlez" in name or "hier6" in name:
        raise ValueError(f"{name} is a variant of TRM that can't be converted.")
    told = None
    if "HierarchicalReasoningModel" in name:
        told = HRM
    elif (
        "TinyRecursiveReasoningModel" in name
        or "no_ACT_continue" in keys
        or settings.get("puzzle_emb_len")
        or settings.get("H_layers") == 0
    ):
        told = TRM
    elif "H_layers" in keys and not keys & {"mlp_t", "puzzle_emb_len"}:  # which came with TRM
        told = HRM
    kind = HRM if has_H else TRM
    if told not in (None, kind):
        raise ValueError(
            f"The weights are {_A[kind]}, the configuration is {_A[told]}: take the one that lay "
            f"beside the weights."
        )
    return kind


_A = {HRM: "an HRM's, with a network H_level", TRM: "a TRM's, without a network H_level"}


def _our_config(
    kind: type[HRM] | type[TRM], settings: dict, tensors: dict, remarks: list[str]
) -> HRMConfig | TRMConfig:
    """The settings in our words, completed and corrected by what the tensors' shapes say."""
    _check_fixed(kind, settings)
    settings = {"puzzle_emb_ndim": 0, "forward_dtype": "bfloat16", "mlp_t": False} | settings
    settings["puzzle_emb_len"] = _prefix_length(kind, settings, remarks)
    settings["num_puzzle_identifiers"] = _shape(tensors, "puzzle_table.weight")[0] or 1
    settings.setdefault("vocab_size", _shape(tensors, "embed_tokens.weight")[0])
    needed = (*_FIELDS, "H_layers") if kind is HRM else _FIELDS
    missing = [theirs for theirs in needed if settings.get(theirs) is None]
    if missing:
        hint = (
            ": pass seq_len=, the number of cells of a puzzle, or the dataset.json of its data"
            if "seq_len" in missing
            else ""
        )
        raise ValueError(f"The configuration does not say {', '.join(missing)}{hint}.")
    if kind is HRM and settings.get("H_layers") != settings["L_layers"]:
        raise ValueError("An HRM is read only if both of its networks have equally many layers.")
    ours = {ours: settings[theirs] for theirs, ours in _FIELDS.items()}
    try:
        return kind.config_class(**ours, mixer="tokens" if settings["mlp_t"] else "attention")
    except ValueError as error:
        message = str(error)
        for theirs, name in _FIELDS.items():
            message = re.sub(rf"\b{name}\b", theirs, message)
        raise ValueError(message) from error


def _check_fixed(kind: type[HRM] | type[TRM], settings: dict) -> None:
    """Refuses settings that the models here know in one way only, if they say another."""
    for name, published in _FIXED.items():
        try:
            value = float(settings.get(name, published))  # YAML reads 1e-5 as a text
        except (TypeError, ValueError):
            value = None
        if value != published and (name != "rope_theta" or settings.get("pos_encodings") == "rope"):
            raise ValueError(
                f"{name} is {settings[name]!r}; only the published {published:g} is offered here."
            )
    for name in ("mlp_t", "no_ACT_continue"):
        if type(settings.get(name, True)) is not bool:
            raise ValueError(f"{name} must be true or false, not {settings[name]!r}.")
    if kind is TRM and not settings.get("no_ACT_continue", True):
        raise ValueError(
            "no_ACT_continue is false: a TRM that halts by two heads, as HRM does, can't be "
            "converted."
        )


def _prefix_length(kind: type[HRM] | type[TRM], settings: dict, remarks: list[str]) -> int:
    """Prefix tokens as our configuration says them: 0 for as many as the puzzle's vector fills."""
    told = settings.get("puzzle_emb_len")
    if kind is TRM and settings["puzzle_emb_ndim"]:
        return 16 if told is None else told  # 16: TRM's default
    if told:
        why = "an HRM doesn't read it" if kind is HRM else "there is no puzzle table"
        remarks.append(f"Ignored, as {why}: puzzle_emb_len {told}.")
    return 0


def _shape(tensors: dict[str, Tensor], key: str) -> tuple[int | None, ...]:
    return tuple(tensors[key].shape) if key in tensors and tensors[key].dim() else (None,)


def _settings(
    config: Mapping | str | Path, dataset: Mapping | str | Path | None, remarks: list[str]
) -> dict:
    """The model's settings without nesting; those of the configuration win over the data's."""
    config = _read_config(config)
    arch = config.get("arch") or {}
    if not isinstance(arch, Mapping):
        raise ValueError(f"The section arch of the configuration must hold keys, not {arch!r}.")
    unknown = sorted(map(str, arch.keys() - _USED - _OF_TRAINING))
    if unknown:
        remarks.append(f"Ignored, as nothing here has such a setting: {', '.join(unknown)}.")
    data = {} if dataset is None else _read_config(dataset)
    sections = {k: data for k in _SIZES if k in data}
    for section in (config, arch):
        sections |= {k: section for k in _USED & section.keys()}
    return {k: _resolved(k, section[k], section, config) for k, section in sections.items()}


def _resolved(key: str, value: Any, section: Mapping, root: Mapping, depth: int = 0) -> Any:
    """What a reference like ``${.hidden_size}`` or ``${arch.hidden_size}`` stands for."""
    if not (isinstance(value, str) and "${" in value) or key == "name":
        return value
    reference = re.fullmatch(r"\$\{(\.*)(\w[\w.]*)\}", value.strip())
    target = section if reference and reference[1] == "." else {"arch": root, **root}
    for name in reference[2].split(".") if reference else [None]:
        target = target.get(name) if isinstance(target, Mapping) else None
    if target is None or isinstance(target, Mapping) or depth > 10:
        raise ValueError(
            f"{key} is {value} in the configuration, and what that refers to is not there: write "
            f"the value itself."
        )
    return _resolved(key, target, section, root, depth + 1)


def _read_config(source: Mapping | str | Path) -> Mapping:
    """A configuration as it came, or from a YAML or JSON file (JSON is YAML)."""
    if isinstance(source, Mapping):
        return source
    path = _existing(source)
    parse = json.loads if path.suffix == ".json" else _yaml().safe_load
    try:
        content = parse(read_bytes(path))  # UTF-8 or UTF-16, with or without a mark
    except Exception as error:  # each parser has exceptions of its own
        raise ValueError(f"{path.name} can't be read as YAML or JSON: {error}.") from error
    if not isinstance(content, Mapping):
        raise ValueError(f"{path.name} must hold keys and values, not a {type(content).__name__}.")
    return content


def _yaml():
    try:
        import yaml
    except ImportError as error:
        raise ValueError(
            "Reading this file takes PyYAML: pip install pyyaml. Or pass the settings as a dict."
        ) from error
    return yaml


def _read_weights(source: Mapping | str | Path) -> tuple[dict[str, Tensor], list[str]]:
    """Tensors by official name, without what wrappers add to it, and what is to be said of them."""
    if not isinstance(source, Mapping):
        source = _read_file(_existing(source))
    raw, averaged = {}, {}
    for name, tensor, is_average in _tensors(source):
        place, name = averaged if is_average else raw, _plain_name(name)
        if name in place:
            raise ValueError(
                f"Two models lie in these weights: both have {name}. Pass one of them."
            )
        place[name] = tensor
    if raw and averaged:
        return raw | averaged, ["Taken: the averaged weights (EMA) that lie beside the raw ones."]
    return raw | averaged, []


def _tensors(source: Any, average: bool = False):
    """``(name, tensor, whether averaged)`` of all weights in a state dict or a checkpoint."""
    parts = [(source[k], average) for k in _WEIGHTS if _holds(source, k)][:1]
    parts += [(source[k], True) for k in _AVERAGES if _holds(source, k)][:1]
    for part, averaged in parts:
        yield from _tensors(part, averaged)
    if parts:
        return
    if not isinstance(source, Mapping) or not all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in source.items()
    ):
        raise ValueError("Weights must be a mapping of names to tensors, as state_dict() is one.")
    for name, tensor in source.items():
        yield name, tensor, average or bool(_AVERAGED.search(name))


def _holds(source: Any, key: str) -> bool:
    part = source.get(key) if isinstance(source, Mapping) else None
    return isinstance(part, Mapping) and any(isinstance(v, Tensor | Mapping) for v in part.values())


def _plain_name(name: str) -> str:
    return _BEFORE.sub("", _INSIDE.sub("", name))


def _read_file(path: Path) -> Any:
    """What a file of tensors holds; a file that needs more than tensors is not opened."""
    begin = read_bytes(path, 9)
    safe = path.suffix == ".safetensors" or begin[8:9] == b"{"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about versions of pickle
            read = load_file if safe else partial(torch.load, weights_only=True, map_location="cpu")
            return read(path)
    except Exception as error:  # a damaged pickle can raise anything
        # Not the message of PyTorch: it advises to switch the protection off.
        classes = sorted(set(re.findall(r"GLOBAL ([\w.]+)", str(error))))
        what = f"it holds {', '.join(classes)}" if classes else "it is damaged or of another kind"
        raise ValueError(
            f"{path.name} can't be read as a file of plain tensors, the only kind that is opened "
            f"here because others can run code: {what}. Where it was made, save the model's "
            f"state_dict() alone, best with safetensors."
        ) from error


def _existing(path: str | Path) -> Path:
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    return path


def _rename(key: str, kind: type) -> str:
    for theirs, ours in (*_NETWORKS[kind], *_NAMES):
        key = key.replace(theirs, ours)
    return key
