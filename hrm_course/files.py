"""Files that are whole or not there: written beside their place first, then moved into it."""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def write(path: str | Path, content: str | bytes) -> None:
    """Puts ``content`` into a file; until all of it is on the disk the old file stays as it is.

    Text is UTF-8 with the line ends it has. Who may read the file is what the system's umask says.

    Raises:
        OSError: the disk is full, or the place can't be written to; the message names the file.
    """
    write_together([(path, content)])


def write_together(files: Iterable[tuple[str | Path, str | bytes]]) -> None:
    """As `write`, for several files: none takes its place before all are on the disk."""
    places: list[tuple[Path, Path]] = []
    path = Path()
    try:
        for name, content in files:
            path = Path(name)
            unfinished = path.with_name(path.name + ".part")
            path.parent.mkdir(parents=True, exist_ok=True)
            places.append((unfinished, path))
            with unfinished.open("wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
        for unfinished, path in places:
            os.replace(unfinished, path)
    except OSError as error:
        raise OSError(
            f"{path} can't be written: {error.strerror or error}. What was there before is kept."
        ) from error
    finally:
        for unfinished, _ in places:
            _discard(unfinished)


def _discard(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def read_json(path: str | Path, kind: type = dict):
    """What a JSON file in UTF-8 holds.

    Args:
        path: the file.
        kind: ``dict`` or ``list``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or holds something else.
    """
    path = existing(path)
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:  # no JSON, no text
        raise ValueError(f"{path} is no JSON: {error}.") from None
    if not isinstance(value, kind):
        words = "a list" if kind is list else "keys and values"
        raise ValueError(f"{path} must hold {words} in JSON, not {str(value)[:40]!r}.")
    return value


def existing(path: str | Path) -> Path:
    """The path of a file that is there; raises as `read_json` where none is."""
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder; a file is expected there.")
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing.")
    return path
