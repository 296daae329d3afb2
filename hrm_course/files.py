"""Files that are whole or not there: written beside their place first, then moved into it."""

import os
from contextlib import suppress
from pathlib import Path


def write(path: str | Path, content: str | bytes) -> None:
    """Puts ``content`` into a file; until all of it is on the disk the old file stays as it is.

    Text is UTF-8 with the line ends it has. Who may read the file is what the system's umask says.

    Raises:
        OSError: the disk is full, or the place can't be written to; the message names the file.
    """
    path = Path(path)
    unfinished = path.with_name(path.name + ".part")
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        _discard(unfinished)
        raise OSError(
            f"{path} can't be written: {error.strerror or error}. What was there before is kept."
        ) from error
    except BaseException:
        _discard(unfinished)
        raise


def _discard(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
