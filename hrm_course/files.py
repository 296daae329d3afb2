"""Files that are whole or not there: written beside their place first, then moved into it."""

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
