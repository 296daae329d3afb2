"""What a configuration's fields may hold, said beside each field and checked in one place."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, field, fields
from typing import Any


def whole(default: Any = MISSING, *, least: int, most: int) -> Any:
    """A field that holds a whole number from ``least`` to ``most``."""
    return field(default=default, metadata={"rule": (_whole, least, most)})


def real(default: Any = MISSING, *, least: float, most: float, above: bool = False) -> Any:
    """A field that holds a finite number from ``least`` (or ``above`` it) to ``most``."""
    return field(default=default, metadata={"rule": (_real, least, most, above)})


def choice(default: Any = MISSING, *, among: Sequence) -> Any:
    """A field that holds one of the values ``among``."""
    return field(default=default, metadata={"rule": (_choice, among)})


def check_fields(config: Any) -> None:
    """Compares every field of a dataclass with its rule.

    A subclass that changes a default only, as in ``num_layers: int = 4``, keeps the rule.

    Raises:
        ValueError: names the field, what it may be, and what it is.
    """
    for f in fields(config):
        rule = _rule(type(config), f.name)
        if rule:
            check, *limits = rule
            check(f.name, getattr(config, f.name), *limits)


def made(kind: Any, values: Any, name: str) -> Any:
    """A configuration of this kind from names with values, as a file of settings has them.

    Raises:
        ValueError: no names with values, a name that there is not, one that is missing, or a value
            that its field refuses; the message says ``name``.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{name}: names with values are needed, as in {{...}}, not {values!r}.")
    known = {f.name: f.default is MISSING is f.default_factory for f in fields(kind)}
    for key in values:
        if key not in known:
            raise ValueError(f"{name}: there is no {key!r}, but {', '.join(known)}.")
    for key, needed in known.items():
        if needed and key not in values:
            raise ValueError(f"{name}: {key} is missing.")
    return kind(**values)


def _rule(kind: type, name: str) -> tuple | None:
    declared = (vars(base).get("__dataclass_fields__", {}).get(name) for base in kind.__mro__)
    rules = (f.metadata.get("rule") for f in declared if f is not None)
    return next(filter(None, rules), None)


def _whole(name: str, value: Any, least: int, most: int) -> None:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most:,}, not {value!r}.")


def _real(name: str, value: Any, least: float, most: float, above: bool) -> None:
    number = type(value) in (int, float) and math.isfinite(value)
    if not number or not least <= value <= most or (above and value == least):
        start = "above" if above else "from"
        raise ValueError(f"{name} must be a number {start} {least:g} to {most:,g}, not {value!r}.")


def _choice(name: str, value: Any, among: Sequence) -> None:
    if not any(type(value) is type(offered) and value == offered for offered in among):
        raise ValueError(f"{name} must be one of {tuple(among)}, not {value!r}.")
