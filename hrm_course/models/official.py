"""Official TRM weights and configuration keys -> our model."""

import re
from collections.abc import Mapping

from torch import Tensor

from .trm import TRM, TRMConfig

_RENAMED = (
    (r"^(_orig_mod\.)?(model\.)?(inner\.)?", ""),
    (r"embed_tokens\.embedding_weight", "embed_tokens.weight"),
    (r"embed_pos\.embedding_weight", "embed_positions.weight"),
    (r"puzzle_emb\.weights", "puzzle_table.weight"),
    (r"^L_level\.", ""),
    (r"self_attn\.qkv_proj", "mix.qkv"),
    (r"self_attn\.o_proj", "mix.out"),
    (r"\.mlp_t\.", ".mix."),
    (r"gate_up_proj", "gate_up"),
    (r"down_proj", "down"),
)


def from_official(state_dict: Mapping[str, Tensor], config: Mapping) -> TRM:
    """A `TRM` with the weights of an official checkpoint.

    Args:
        state_dict: tensors under the official names, with or without wrapper prefixes.
        config: the official configuration (the section ``arch`` together with the data's
            ``vocab_size``, ``seq_len``, ``num_puzzle_identifiers``).

    Raises:
        ValueError: the weights are those of an HRM, which has two networks, or do not fit.
    """
    tensors = {_rename(key): value for key, value in state_dict.items()}
    if any(key.startswith("H_level.") for key in tensors):
        raise ValueError("These weights have an H_level: they belong to an HRM, not to a TRM.")
    model = TRM(
        TRMConfig(
            vocab_size=config["vocab_size"],
            seq_len=config["seq_len"],
            hidden_size=config["hidden_size"],
            num_heads=config["num_heads"],
            expansion=config["expansion"],
            num_layers=config["L_layers"],
            H_cycles=config["H_cycles"],
            L_cycles=config["L_cycles"],
            mixer="tokens" if config.get("mlp_t") else "attention",
            position_code=_position_code(config["pos_encodings"]),
            puzzle_embedding_size=config["puzzle_emb_ndim"],
            num_puzzles=config["num_puzzle_identifiers"],
            prefix_length=config.get("puzzle_emb_len", 0) if config["puzzle_emb_ndim"] else 0,
            forward_dtype=config.get("forward_dtype", "bfloat16"),
        )
    )
    expected, got = model.state_dict().keys(), tensors.keys()
    if expected != got:
        raise ValueError(
            f"These weights do not fit the configuration: missing {sorted(expected - got)}, "
            f"unexpected {sorted(got - expected)}."
        )
    model.load_state_dict(tensors)
    return model


def _rename(key: str) -> str:
    for pattern, ours in _RENAMED:
        key = re.sub(pattern, ours, key)
    return key


def _position_code(name: str) -> str:
    return name if name in ("rope", "learned") else "none"
