"""Ctrl-C, and the signal by which schedulers and containers end a process, between two steps."""

import signal
import time
from collections.abc import Generator
from contextlib import contextmanager

ECHO = 1.0  # seconds within which a second signal is the first one once more


class Stopped(KeyboardInterrupt):
    """Ctrl-C, or SIGTERM, has ended training between two steps."""

    def __init__(self, message: str, number: int):
        super().__init__(message)
        self.status = 128 + number  # for the shell: 130, or 143


@contextmanager
def interruption() -> Generator[list[int]]:
    """A list that is empty until Ctrl-C is pressed or SIGTERM comes, as from a scheduler or a
    container that ends; then it holds the signal's number. So no step is cut in half.

    A second signal stops at once, unless it follows within a second: starters of processes pass
    on what a terminal has told everybody. Outside the main thread signals act as ever.
    """
    came: list[int] = []
    first = 0.0

    def note(number: int, _frame) -> None:
        nonlocal first
        if not came:
            came.append(number)
            first = time.monotonic()
        elif time.monotonic() - first > ECHO:
            raise Stopped("Stopped at once; the last checkpoint is the one to go on from.", number)

    before = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, note)
    except ValueError:  # only the main thread may do this
        pass
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
