"""The log of a training run: plain numbers, and a table of them."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from .. import files


def plain_numbers(scores) -> dict[str, float]:
    """What an evaluation returned, with plain numbers, as the log can keep them."""
    if isinstance(scores, Mapping):
        found = {str(name): _number(value) for name, value in scores.items()}
        if all(isinstance(value, bool | int | float | str | None) for value in found.values()):
            return found
    raise ValueError(
        f"evaluate must return names with numbers, as in {{'exact': 0.5}}, not {scores!r}."
    )


def _number(value):
    """The number in a tensor or array of one; anything else as it is."""
    return value.item() if getattr(value, "shape", None) in ((), (1,)) else value


def write_table(rows: list[dict], path: Path) -> None:
    """The rows as CSV, with every column that any of them has."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)))
    writer.writeheader()
    writer.writerows(rows)
    files.write(path, text.getvalue())
