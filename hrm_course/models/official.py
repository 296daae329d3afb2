"""Official HRM and TRM weights and configurations <-> our models."""

import json
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from .hrm import HRM, HRMConfig
from .reasoner import Reasoner
from .solver import misfit
from .trm import TRM, TRMConfig

_WRAPPERS = re.compile(r"^(_orig_mod\.|module\.|model\.|inner\.)*")
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
_NETWORKS = {
    HRM: (("H_level.layers.", "H_layers."), ("L_level.layers.", "L_layers.")),
    TRM: (("L_level.layers.", "layers."),),
}
_SIZES = ("vocab_size", "seq_len", "num_puzzle_identifiers")


def from_official(
    weights: Mapping[str, Tensor] | str | Path,
    config: Mapping | str | Path,
    dataset: Mapping | str | Path | None = None,
) -> HRM | TRM:
    """An `HRM` or a `TRM` with the weights of an official checkpoint, whichever they belong to.

    Args:
        weights: tensors under the official names, with or without wrapper prefixes; or a file of
            them, written by ``torch.save`` or safetensors. A file is read as plain tensors: it
            can't run code.
        config: the official configuration, with the model's keys in a section ``arch`` or at the
            top; or a file of it (YAML, JSON), as ``all_config.yaml`` beside a checkpoint.
        dataset: where ``vocab_size``, ``seq_len`` and ``num_puzzle_identifiers`` are if the
            configuration lacks them: the data's ``dataset.json``, read or as a file. What the
            shapes of the weights say may be missing in both.

    Returns:
        The model, in evaluation mode; its parameters can be trained on. A puzzle table keeps the
        rows it has. What was ignored (a table size other than configured, tensors that are no
        part of the model) is said in a `UserWarning`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a file can't be read, or the weights do not fit the configuration.
    """
    tensors = _read_weights(weights)
    has_H, has_L = (any(k.startswith(f"{n}_level.") for k in tensors) for n in "HL")
    if not has_L:
        raise ValueError(
            "These weights are neither an HRM's nor a TRM's: both have a network L_level."
        )
    kind = HRM if has_H else TRM
    tensors = {_rename(key, kind): value for key, value in tensors.items()}
    settings = _settings(config, dataset)
    ours = _our_config(kind, settings, tensors)
    with torch.device("meta"):  # shapes only: nothing is allocated before all of them fit
        expected = kind(ours).state_dict()
    known = ("layers.", "H_layers.", "L_layers.", "embed_", "lm_head.", "q_head.", "puzzle_table.")
    foreign = [k for k in tensors if k not in expected and not k.startswith(known)]
    tensors = {key: value for key, value in tensors.items() if key not in foreign}
    problem = misfit(expected, tensors)
    if problem:
        raise ValueError(f"These weights do not fit the configuration: {problem}.")
    if foreign:
        warnings.warn(f"Ignored, as no part of {kind.__name__}: {sorted(foreign)}.", stacklevel=2)
    told = settings.get("num_puzzle_identifiers")
    if ours.puzzle_embedding_size and told not in (None, ours.num_puzzles):
        warnings.warn(
            f"The puzzle table has {ours.num_puzzles} rows, the configuration says {told}: kept "
            f"the rows there are.",
            stacklevel=2,
        )
    model = kind(ours)
    model.load_state_dict(tensors)
    return model.eval()


def to_official(model: HRM | TRM) -> tuple[dict[str, Tensor], dict]:
    """``(state_dict, config)`` under the official names: what `from_official` reads.

    Raises:
        ValueError: the official code can't express this model.
    """
    kind, c = type(model), model.config
    if kind not in _NETWORKS or c.inner_multiple != 256:
        raise ValueError("Only an HRM or a TRM with inner_multiple=256 has an official form.")
    state = {}
    for key, value in model.state_dict().items():
        for theirs, ours in (*_NETWORKS[kind], *_NAMES):
            key = key.replace(ours, theirs)
        state[f"model.inner.{key}"] = value.clone()
    config = {theirs: getattr(c, ours) for theirs, ours in _FIELDS.items()}
    config |= {"H_layers": c.num_layers, "mlp_t": c.mixer == "tokens"}
    return state, config


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


def _our_config(kind: type[Reasoner], settings: dict, tensors: dict) -> HRMConfig | TRMConfig:
    """The settings in our words, completed and corrected by what the tensors' shapes say."""
    settings = {"puzzle_emb_len": 0, "forward_dtype": "bfloat16"} | settings
    settings.setdefault("vocab_size", _shape(tensors, "embed_tokens.weight")[0])
    if not settings.get("puzzle_emb_ndim"):
        settings |= {"puzzle_emb_ndim": 0, "puzzle_emb_len": 0}
    settings["num_puzzle_identifiers"] = _shape(tensors, "puzzle_table.weight")[0] or 1
    if settings.get("pos_encodings") not in ("rope", "learned"):
        settings["pos_encodings"] = "none"
    missing = [theirs for theirs in _FIELDS if settings.get(theirs) is None]
    if missing:
        hint = " (see dataset.json of its data)" if "seq_len" in missing else ""
        raise ValueError(f"The configuration does not say {', '.join(missing)}{hint}.")
    if kind is HRM and settings.get("H_layers") != settings["L_layers"]:
        raise ValueError("An HRM is read only if both of its networks have equally many layers.")
    ours = {ours: settings[theirs] for theirs, ours in _FIELDS.items()}
    mixer = "tokens" if settings.get("mlp_t") else "attention"
    return kind.config_class(**ours, mixer=mixer)


def _shape(tensors: dict[str, Tensor], key: str) -> tuple[int | None, ...]:
    return tuple(tensors[key].shape) if key in tensors and tensors[key].dim() else (None,)


def _settings(config: Mapping | str | Path, dataset: Mapping | str | Path | None) -> dict:
    """The model's settings without nesting; those of the configuration win over the data's."""
    config = _read_config(config)
    arch = config.get("arch") or {}
    if not isinstance(arch, Mapping):
        raise ValueError(f"The section arch of the configuration must hold keys, not {arch!r}.")
    data = {} if dataset is None else _read_config(dataset)
    return {k: data[k] for k in _SIZES if k in data} | dict(config) | dict(arch)


def _read_config(source: Mapping | str | Path) -> Mapping:
    """A configuration as it came, or from a YAML or JSON file (JSON is YAML)."""
    if isinstance(source, Mapping):
        return source
    path = _existing(source)
    parse = json.loads if path.suffix == ".json" else _yaml().safe_load
    try:
        content = parse(path.read_text())
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


def _read_weights(source: Mapping[str, Tensor] | str | Path) -> dict[str, Tensor]:
    """Tensors by official name, wrapper prefixes stripped."""
    if not isinstance(source, Mapping):
        path = _existing(source)
        try:
            if path.suffix == ".safetensors":
                source = load_file(path)
            else:
                source = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged pickle can raise anything
            reason = str(error).strip().split("\n")[0]
            raise ValueError(
                f"{path.name} can't be read as a file of plain tensors, the only kind that is "
                f"opened here because others can run code ({type(error).__name__}: {reason})."
            ) from error
    if not isinstance(source, Mapping) or not all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in source.items()
    ):
        raise ValueError("Weights must be a mapping of names to tensors.")
    return {_WRAPPERS.sub("", key): value for key, value in source.items()}


def _existing(path: str | Path) -> Path:
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    return path


def _rename(key: str, kind: type[Reasoner]) -> str:
    for theirs, ours in (*_NETWORKS[kind], *_NAMES):
        key = key.replace(theirs, ours)
    return key
