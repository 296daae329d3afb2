"""Pictures with sliders: alive in Jupyter, and alive on the built page without a kernel.

A chapter writes one function from parameters to a `Frame` and calls `explore`. In Jupyter the
sliders call that function again. The same call leaves a still picture and, as JSON, the frames
of every setting; on the page ``book/_static/explore.mjs`` draws those.
"""

import base64
import html
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
from IPython import get_ipython
from IPython.display import display
from matplotlib.figure import Figure

from .plotting import COLOURS, plot_board, plot_grid, set_style
from .plotting.boards import board_cells, grid_cells
from .plotting.style import QUIET, as_array

__all__ = ["Board", "Frame", "Grid", "Line", "Panel", "Points", "explore"]

LIMIT = 400_000  # bytes of JSON for one explorable; a page may weigh 3 MB
KINDS = ("given", "answer", "error")


@dataclass(frozen=True)
class Line:
    """A polyline through ``x [n]`` and ``y [n]``; ``colour_index=None`` is a quiet helping line."""

    x: Sequence
    y: Sequence
    label: str | None = None
    colour_index: int | None = 0
    dashed: bool = False


@dataclass(frozen=True)
class Points:
    """Dots at ``x [n]`` and ``y [n]``."""

    x: Sequence
    y: Sequence
    label: str | None = None
    colour_index: int | None = 0


@dataclass(frozen=True)
class Panel:
    """Marks on common axes. Limits left out cover what all settings draw.

    ``log`` makes the vertical axis logarithmic, ``equal`` gives both axes the same length.
    """

    marks: Sequence[Line | Points]
    xlabel: str = ""
    ylabel: str = ""
    xlim: tuple[float, float] | None = None
    ylim: tuple[float, float] | None = None
    log: bool = False
    equal: bool = False


@dataclass(frozen=True)
class Board:
    """A Sudoku board; arguments as in `hrm_course.plotting.plot_board`."""

    puzzle: Sequence
    answer: Sequence | None = None
    solution: Sequence | None = None
    confidence: Sequence | None = None
    box: tuple[int, int] = (3, 3)
    title: str = ""


@dataclass(frozen=True)
class Grid:
    """A square of coloured cells, such as a maze; arguments as in `hrm_course.plotting.plot_grid`."""

    colours: Sequence
    letters: str = ""
    wrong: Sequence | None = None
    title: str = ""


@dataclass(frozen=True)
class Frame:
    """What one setting of the sliders shows: panels side by side, numbers, a sentence."""

    panels: Sequence[Panel | Board | Grid]
    readouts: Mapping[str, float] = field(default_factory=dict)
    caption: str = ""


def explore(
    frame: Callable[..., Frame],
    title: str,
    alt: str,
    play: str | None = None,
    start: Mapping | None = None,
    **values: Sequence,
) -> None:
    """Display a picture with one slider for each keyword in ``values``.

    Args:
        frame: called as ``frame(r=..., z0=...)`` with one value of each list.
        title: what stands above the picture.
        alt: a sentence that tells what is to be seen to whoever can't see it.
        play: the name of a parameter that gets a play button.
        start: values at which sliders stand at first; the first of its list when left out.
        **values: for each parameter the list of its values, numbers or words.

    Raises:
        ValueError: a list is empty, ``play`` or ``start`` name something else, the alternative
            text is no sentence, or the frames of all settings weigh more than 400 KB.
        TypeError: ``frame`` returned something that is not a `Frame`.
    """
    values = {name: list(choices) for name, choices in values.items()}
    begin = _start_indices(values, play, start or {}, alt)
    settings = [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]
    frames = [_checked(frame(**setting)) for setting in settings]
    limits = _common_limits(frames)
    text = _json(title, alt, values, begin, play, frames, limits)
    first = {name: values[name][i] for name, i in begin.items()}
    bundle = {
        "text/plain": f"{title}. {alt}",
        "text/html": _figure(title, _still(frame(**first), alt, limits), text, values),
    }
    if get_ipython() is not None:
        live = _live(lambda **setting: _still(frame(**setting), alt, limits), values, begin, play)
        widget = live._repr_mimebundle_()
        bundle |= {kind: data for kind, data in widget.items() if kind != "text/plain"}
    display(bundle, raw=True)


def _start_indices(values: dict, play: str | None, start: Mapping, alt: str) -> dict[str, int]:
    if not values or not all(values.values()):
        raise ValueError("explore needs at least one parameter, each with a list of values.")
    if len(alt) < 20:
        raise ValueError(f"alt must be a sentence that says what is to be seen, not {alt!r}.")
    for name in [*start, *([play] if play else [])]:
        if name not in values:
            raise ValueError(f"There is no parameter {name!r}; there are {sorted(values)}.")
    for name, value in start.items():
        if value not in values[name]:
            raise ValueError(f"{name} can't start at {value!r}: that is not in its list.")
    return {name: choices.index(start.get(name, choices[0])) for name, choices in values.items()}


def _checked(frame: Frame) -> Frame:
    if not isinstance(frame, Frame):
        raise TypeError(f"The function must return a Frame, not {type(frame).__name__}.")
    return frame


# ---- the picture that is stored, and redrawn in Jupyter ----


def _still(frame: Frame, alt: str, limits: list) -> str:
    """One frame as HTML: the picture, the numbers, the sentence."""
    picture = base64.b64encode(_png(frame, limits)).decode()
    numbers = " · ".join(
        f"{html.escape(name)} = {_text(value)}" for name, value in frame.readouts.items()
    )
    return (
        f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{picture}">'
        f"<p>{numbers}</p><p>{html.escape(frame.caption)}</p>"
    )


def _png(frame: Frame, limits: list) -> bytes:
    with plt.rc_context():
        set_style()
        panels = len(frame.panels)
        rows = 2 if panels == 4 else 1  # as they stand on the page
        figure = Figure(figsize=(6.4, 3.8) if panels < 2 else (7.6, 3.6 * rows))
        axes = figure.subplots(rows, panels // rows, squeeze=False).flat
        for ax, panel, limit in zip(axes, frame.panels, limits, strict=True):
            if isinstance(panel, Board | Grid):
                plot = plot_board if isinstance(panel, Board) else plot_grid
                options: dict = vars(panel) | {"title": panel.title or None}
                plot(**options, ax=ax)
            else:
                _draw_panel(ax, panel, *limit)
        file = BytesIO()
        figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def _draw_panel(ax, panel: Panel, xlim, ylim) -> None:
    for mark in panel.marks:
        i = mark.colour_index
        colour = QUIET if i is None else COLOURS[i % len(COLOURS)]
        style = "o" if isinstance(mark, Points) else "--" if mark.dashed else "-"
        ax.plot(
            as_array(mark.x, "x", (1,)), as_array(mark.y, "y", (1,)), style, color=colour,
            label=mark.label, lw=1 if i is None else 1.6,
        )  # fmt: skip
    ax.set(xlabel=panel.xlabel, ylabel=panel.ylabel, xlim=xlim, ylim=ylim)
    ax.set(yscale="log" if panel.log else "linear", aspect="equal" if panel.equal else "auto")
    if any(mark.label for mark in panel.marks):
        ax.legend()


def _live(picture: Callable[..., str], values: dict, begin: dict[str, int], play: str | None):
    """Sliders of Jupyter that draw the frame of their setting anew."""
    import ipywidgets as widgets  # here, since the page and the tests do without

    sliders = {
        name: widgets.SelectionSlider(
            options=[(_text(value), i) for i, value in enumerate(choices)],
            index=begin[name],
            description=name,
        )
        for name, choices in values.items()
    }
    canvas = widgets.HTML()

    def show(_change=None) -> None:
        canvas.value = picture(**{name: values[name][s.value] for name, s in sliders.items()})

    for slider in sliders.values():
        slider.observe(show, "index")
    show()
    buttons = []
    if play:
        button = widgets.Play(max=len(values[play]) - 1, interval=700, value=begin[play])
        widgets.jslink((button, "value"), (sliders[play], "index"))
        buttons = [button]
    return widgets.VBox([*buttons, *sliders.values(), canvas])


# ---- what the page gets ----


def _figure(title: str, still: str, text: str, values: dict) -> str:
    names = html.escape(", ".join(values))
    return (
        f'<figure class="explore"><figcaption>{html.escape(title)}</figcaption>'
        f'<div class="explore-still">{still}<p><em>The sliders ({names}) move on the page of the '
        f"course, and in Jupyter once this cell has run.</em></p></div>"
        f'<script type="application/json">{text}</script></figure>'
    )


def _json(title, alt, values, begin, play, frames, limits) -> str:
    """The frames in the order of ``itertools.product``; equal arrays are written once."""
    pool: dict[str, int] = {}

    def keep(array) -> int:
        text = _dump([_number(v, 5) for v in np.asarray(array, dtype=float).tolist()])
        return pool.setdefault(text, len(pool))

    packed = [
        {
            "panels": [_pack(p, limit, keep) for p, limit in zip(f.panels, limits, strict=True)],
            "readouts": {name: _number(value, 7) for name, value in f.readouts.items()},
            "caption": f.caption,
        }
        for f in frames
    ]
    parameters = [
        {"name": name, "values": [_text(v) for v in choices], "start": begin[name]}
        for name, choices in values.items()
    ]
    head = {"title": title, "alt": alt, "play": play, "parameters": parameters, "frames": packed}
    text = f'{_dump(head)[:-1]},"arrays":[{",".join(pool)}]}}'.replace("</", "<\\/")
    if len(text.encode()) > LIMIT:
        raise ValueError(
            f"{len(frames)} frames weigh {len(text) // 1000} KB of JSON, and {LIMIT // 1000} KB "
            f"is the limit: use fewer values of a parameter, or fewer points in a line."
        )
    return text


def _pack(panel: Panel | Board | Grid, limit, keep: Callable) -> dict:
    if isinstance(panel, Grid):
        colours, letters, wrong, side = grid_cells(panel.colours, panel.letters, panel.wrong)
        title = {"side": side, "title": panel.title, "letters": letters}
        return title | {"colours": keep(colours), "wrong": keep(wrong)}
    if isinstance(panel, Board):
        cells = board_cells(panel.puzzle, panel.answer, panel.solution, panel.box)
        return {
            "box": panel.box,
            "title": panel.title,
            "digits": keep([digit for digit, _ in cells]),
            "kinds": keep([KINDS.index(kind) for _, kind in cells]),
            "shade": None
            if panel.confidence is None
            else keep(np.round(as_array(panel.confidence, "confidence", (1,)), 2)),
        }
    marks = [
        {
            "dots": isinstance(mark, Points),
            "x": keep(as_array(mark.x, "x", (1,))),
            "y": keep(as_array(mark.y, "y", (1,))),
            "label": mark.label,
            "colour": mark.colour_index,
            "dashed": getattr(mark, "dashed", False),
        }
        for mark in panel.marks
    ]
    xlim, ylim = ([_number(v, 7) for v in pair] for pair in limit)
    axes = {name: getattr(panel, name) for name in ("xlabel", "ylabel", "log", "equal")}
    return axes | {"marks": marks, "xlim": xlim, "ylim": ylim}


def _common_limits(frames: list[Frame]) -> list:
    """For each panel its (xlim, ylim): the same in all frames, so that a slider moves the curve."""
    if len({len(f.panels) for f in frames}) != 1:
        raise ValueError("Every setting must show the same number of panels.")
    return [_limits([f.panels[i] for f in frames]) for i in range(len(frames[0].panels))]


def _limits(panels: list):
    if isinstance(panels[0], Board | Grid):
        return None
    ranges = []
    for axis, given, log in (("x", "xlim", False), ("y", "ylim", panels[0].log)):
        arrays = [as_array(getattr(m, axis), axis, (1,)) for p in panels for m in p.marks]
        numbers = np.concatenate([np.zeros(0), *arrays])
        numbers = numbers[np.isfinite(numbers) & ((numbers > 0) if log else True)]
        ranges.append(getattr(panels[0], given) or _padded(numbers, log))
    return ranges


def _padded(numbers: np.ndarray, log: bool) -> tuple[float, float]:
    if not numbers.size:
        return (0.1, 1.0) if log else (0.0, 1.0)
    low, high = numbers.min(), numbers.max()
    if log:
        return low / 1.5, high * 1.5
    pad = 0.04 * (high - low) or 0.5
    return low - pad, high + pad


def _number(value: float, digits: int) -> float | int | None:
    """``value`` with so many significant digits; None, JSON's null, where it is not finite."""
    value = float(value)
    if not math.isfinite(value):
        return None
    value = float(f"{value:.{digits}g}")
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def _text(value) -> str:
    """How a slider or a readout shows ``value``."""
    return value if isinstance(value, str) else f"{float(value):.4g}"


def _dump(tree) -> str:
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=False)
