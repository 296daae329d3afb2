"""Sudoku boards as people write and draw them, one or many in a text.

What is understood, for boards of any size:

- one board a line, a character a cell, whatever follows (lists, ``.sdm``, ``.csv``);
- a board in lines, with or without spaces, commas or brackets between its cells, and with or
  without a frame of ``|``, ``-``, ``+``, ``*``, ``=`` or box-drawing characters (``.ss``);
- ``# comments``, the section ``[Puzzle]`` of ``.sdk``, titles such as ``Grid 01``;
- what ``hrm-course solve`` prints, where a star behind a cell says that it has changed.

A blank is ``.``, ``0``, ``_``, ``*``, ``x``, ``-``, ``?`` or a middle dot; or a space, if every line
has its full length. Where a line could be a frame or a row of blanks, it is a row only if the other
rows write their blanks so, too.
"""

import re
from itertools import takewhile

SYMBOLS = "123456789ABCDEFGHIJKLMNOP"
_BLANKS = ".0_*X-?·•"
_TO_DOT = str.maketrans(dict.fromkeys(_BLANKS, "."))
_FRAME = re.compile(r"[\s|+=:;,!'\"\[\](){}/\\\u2500-\u257f\ufeff]")
_RULE = re.compile(r"[\s|+=:*\-\u2500-\u257f]*[-=*+\u2500\u2501\u2550][\s|+=:*\-\u2500-\u257f]*")
_SURE_RULE = re.compile(r"[+=\u2500-\u257f]|-.*\*|\*.*-")
_TITLE = re.compile(r"(?i)(?=[a-z]*[q-wyz])[a-z]{3,}")
_MARK = re.compile(r"(?<=[^\s|*])\*")


def one(text: str, side: int) -> str:
    """The cells of the board in ``text``, ``side * side`` characters in capitals, blanks as dots.

    Raises:
        ValueError: there is no board in it, or more than one.
    """
    if not isinstance(text, str):
        raise ValueError(f"A puzzle is read from text, not from {text!r}.")
    boards = many(text, side)
    if len(boards) > 1:
        raise ValueError(f"This text has {len(boards)} puzzles; one is expected.")
    cells = plain(boards[0][1])
    if len(cells) != side * side:
        raise ValueError(
            f"A {side}x{side} puzzle has {side * side} characters; this text has {len(cells)}."
        )
    return cells.upper().translate(_TO_DOT)


def many(text: str, side: int) -> list[tuple[str, str]]:
    """Where each board of ``side * side`` cells in ``text`` is ("line 3", "board 2"), and the board.

    What is no board is given back as it is, at least once, so that `one` can say what is wrong.
    """
    text = text.replace("\ufeff", "")
    line = text.strip("\r\n")
    if len(line) == side * side and "\n" not in line and not set(line.upper()) & set(_BLANKS):
        return [("line 1", line.replace(" ", "."))]
    lines = [line.split("#")[0] for line in text.splitlines()]
    if "[Puzzle]" in map(str.strip, lines):
        start = [line.strip() for line in lines].index("[Puzzle]") + 1
        lines = list(takewhile(lambda line: not line.startswith("["), lines[start:]))
    whole = [_first_whole(line, side * side) for line in lines]
    if any(whole):
        return [
            (f"line {i}", board or line)
            for i, (board, line) in enumerate(zip(whole, lines, strict=True), start=1)
            if board or (line.strip() and not _TITLE.search(line))
        ]
    boards = [board for part in _parts(lines) for board in _drawn(part, side)]
    return [(f"board {i}", board) for i, board in enumerate(boards, start=1)] or [("board 1", "")]


def plain(line: str) -> str:
    """The cells of a line without what is drawn between them."""
    return _FRAME.sub("", line)


def _first_whole(line: str, cells: int) -> str | None:
    """The first word of so many characters."""
    return next((word for word in re.split(r"[\s,;:|\"]+", line) if len(word) == cells), None)


def _parts(lines: list[str]) -> list[list[str]]:
    """The lines between titles."""
    parts: list[list[str]] = [[]]
    for line in lines:
        if _TITLE.search(line):
            parts.append([])
        else:
            parts[-1].append(line)
    return [part for part in parts if any(line.strip() for line in part)]


def _drawn(lines: list[str], side: int) -> list[str]:
    """The boards drawn in these lines; if they can't be told apart, all cells in one."""
    frames = [bool(_RULE.fullmatch(line)) for line in lines]
    rows = [line for line, frame in zip(lines, frames, strict=True) if not frame]
    styles = {char for char in "".join(rows).upper() if char in _BLANKS}

    def may_be_row(line: str) -> bool:
        return not styles or bool(styles & set(line))

    unsure = [
        line
        for line, frame in zip(lines, frames, strict=True)
        if not frame
        or (len(plain(line)) == side and not _SURE_RULE.search(line) and may_be_row(line))
    ]
    loose = [
        line for line, frame in zip(lines, frames, strict=True) if not frame or may_be_row(line)
    ]
    for some in (rows, unsure, loose):
        boards = _cut([plain(_MARK.sub("", line)) for line in some], side, loose=False)
        boards = boards or _cut([plain(line) for line in some], side, loose=True)
        if boards:
            return boards
    return _with_spaces(lines, frames, styles, side) or ["".join(map(plain, rows))]


def _cut(rows: list[str], side: int, loose: bool) -> list[str]:
    """The boards that consist of these rows, if they do; one board's cells may lie ``loose``."""
    if loose and sum(map(len, rows)) == side * side:
        return ["".join(rows)]
    rows = [row for row in rows if row]
    if not rows or len(rows) % side or any(len(row) != side for row in rows):
        return []
    return ["".join(rows[i : i + side]) for i in range(0, len(rows), side)]


def _with_spaces(lines: list[str], frames: list[bool], styles: set[str], side: int) -> list[str]:
    """The one board whose blanks are spaces, ``side`` lines of full length."""
    rows = [
        re.sub(r"[|\u2500-\u257f]", "", line)
        for line, frame in zip(lines, frames, strict=True)
        if line and not frame
    ]
    if styles or len(rows) != side or any(len(row) != side for row in rows):
        return []
    return ["".join(rows).replace(" ", ".")]
