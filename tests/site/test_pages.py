"""Every page of the built site in a browser whose network is cut.

A page is opened once for each screen, and what is wrong with it is told all at once.
"""

import json
import math
import os
import re
import time
from collections.abc import Iterator

import nbformat
import pytest
from course_pages import PICTURES, explorables, notebook_of, pages

MEGABYTE = 1_000_000
DESKTOP = {"width": 1280, "height": 900, "colours": "light"}
PHONE = {"width": 390, "height": 844, "colours": "dark"}
NOTEBOOKS = [page for page in pages() if notebook_of(page)]
ALIVE = [page for page in NOTEBOOKS if "explore(" in notebook_of(page).read_text()]
every_page = pytest.mark.parametrize("page", pages())


@every_page
def test_a_page(page, address, open_page):
    """On a phone: as wide as the screen, dark, no formula cut off. Then, on the same page, on a
    desktop: complete on its own, light; its pictures move by hand alone and show right numbers.
    """
    opened = time.monotonic()
    tab, faults = open_page(f"{address}{page}.html", **PHONE)
    start = sliders(tab)
    faults += [*misfits(tab, **PHONE), *incomplete(tab), *heavy(page, tab)]
    tab.wait_for_timeout(max(0, 900 - 1000 * (time.monotonic() - opened)))  # play steps in 700
    if sliders(tab) != start:
        faults.append("a slider moves before its button is pressed")
    take_picture(page, tab, "phone-dark", faults)
    faults += [f"cut off and out of reach: {formula}" for formula in tab.evaluate(CUT_OFF)]
    tab.evaluate(TO_THE_END)
    faults += faint(tab.locator("body"))

    tab.set_viewport_size({"width": DESKTOP["width"], "height": DESKTOP["height"]})
    tab.emulate_media(reduced_motion="reduce")
    tab.evaluate(f"document.documentElement.dataset.theme = '{DESKTOP['colours']}'")
    faults += misfits(tab, **DESKTOP)
    if page in ALIVE:
        faults += [*unplayable(tab), *misinformed(page, tab)]
    take_picture(page, tab, "desktop-light", faults)
    assert not faults, report(page, faults)


def report(page: str, faults: list[str]) -> str:
    return "\n  ".join([f"{page} has {len(faults)} faults:", *faults])


def take_picture(page: str, tab, name: str, faults: list[str]) -> None:
    """Of a page with faults; of every page where SCREENSHOTS=1 asks for it."""
    if not faults and os.environ.get("SCREENSHOTS") != "1":
        return
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{page.replace('/', '-')}-{name}.jpg"
    tab.screenshot(path=path, type="jpeg", quality=70, full_page=True)


# ---- what every page owes its reader ----

SEEN = """() => {
  const all = (css, get) => [...document.querySelectorAll(css)].map(get);
  const copy = document.querySelector("article").cloneNode(true);
  copy.querySelectorAll("pre, code, .sig, mjx-container, script").forEach((node) => node.remove());
  const count = (css) => document.querySelectorAll(css).length;
  return {
    text: copy.textContent,
    formulas: [count("mjx-container"), count("span.math, div.math")],
    errors: all("mjx-merror", (node) => node.textContent),
    titles: count("article h1"),
    alts: all("article img", (img) => img.alt),
    scripts: all("script[src]", (script) => script.src),
  };
}"""
RAW = r"\$[^$\n]{1,80}\$|\\(?:frac|begin|lambda)\b|\{(?:cite|doc|prf:ref)\}"  # outside of code


def incomplete(tab) -> Iterator[str]:
    seen = tab.evaluate(SEEN)
    made, written = seen["formulas"]
    if made < written:
        yield f"of {written} formulas {made} are set"
    yield from (f"formula in error: {error}" for error in seen["errors"])
    yield from (f"raw formula: {raw}" for raw in re.findall(RAW, seen["text"]))
    if seen["titles"] != 1:
        yield f"{seen['titles']} titles"
    yield from (f"not a sentence: {alt!r}" for alt in seen["alts"] if not is_sentence(alt))
    for script in seen["scripts"]:
        if re.search("thebe|require|html-manager|embed-amd", script):
            yield f"loads {script}"


def is_sentence(alt: str) -> bool:
    return len(alt) >= 20 and " " in alt and not alt.startswith("../")


def misfits(tab, width: int, height: int, colours: str) -> Iterator[str]:
    theme, wide = tab.evaluate(
        "[document.documentElement.dataset.theme, document.documentElement.scrollWidth]"
    )
    if theme != colours:
        yield f"is {theme} where the system is {colours}"
    if wide > width:
        yield f"is {wide} pixels wide on a screen of {width}"


WEIGHT = """() => ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
  .filter((entry) => !entry.name.includes("/_static/"))
  .reduce((sum, entry) => sum + entry.decodedBodySize, 0)"""


def heavy(page: str, tab) -> Iterator[str]:
    """What a page loads for itself alone; style, scripts and MathJax are loaded once for all."""
    weight = tab.evaluate(WEIGHT)
    if not 1_000 < weight < 3 * MEGABYTE:
        yield f"weighs {weight / MEGABYTE:.1f} MB"
    notebook = notebook_of(page)
    if notebook and notebook.stat().st_size >= MEGABYTE:
        yield f"its notebook weighs {notebook.stat().st_size / MEGABYTE:.1f} MB"


# The formulas of which a part lies where neither the page nor a box around it scrolls to.
CUT_OFF = """() => {
  document.querySelectorAll("article details").forEach((details) => (details.open = true));
  const cut = (formula) => {
    let box = formula.querySelector("mjx-math").getBoundingClientRect();
    for (let node = formula; node !== document.documentElement; node = node.parentElement) {
      const frame = node.getBoundingClientRect();
      const flow = getComputedStyle(node).overflowX;
      if (flow !== "visible" && box.left < frame.left - 1) return true;
      if (["hidden", "clip"].includes(flow) && box.right > frame.right + 1) return true;
      if (["auto", "scroll"].includes(flow)) box = frame;
    }
    return box.left < -1 || box.right > innerWidth + 1;
  };
  return [...document.querySelectorAll("article mjx-container")].filter(cut)
    .map((formula) => formula.textContent.trim());
}"""


# ---- pictures with sliders ----

# Letters and digits of pictures with a contrast below 4.5 against what is drawn beneath them.
FAINT = """(figure) => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const blend = (above, below, share) => below.map((b, i) => share * above[i] + (1 - share) * b);
  const light = (rgb) => rgb.slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + [0.2126, 0.7152, 0.0722][i] * v, 0);
  const paper = numbers(getComputedStyle(document.body).backgroundColor).slice(0, 3);
  const contrast = (text) => {
    const box = text.getBoundingClientRect();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    let below = paper;
    for (const rect of text.parentElement.querySelectorAll(":scope > rect")) {
      const { left, right, top, bottom } = rect.getBoundingClientRect();
      const { fill, fillOpacity } = getComputedStyle(rect);
      if (fill !== "none" && left < x && x < right && top < y && y < bottom)
        below = blend(numbers(fill), below, Number(fillOpacity));
    }
    const [low, high] = [light(numbers(getComputedStyle(text).fill)), light(below)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  return [...figure.querySelectorAll(".explore-stage text")]
    .map((text) => [text.textContent, contrast(text)])
    .filter(([_, seen]) => seen < 4.5)
    .map(([text, seen]) => `${text} at ${seen.toFixed(2)} : 1`);
}"""


def faint(figure) -> Iterator[str]:
    if seen := figure.evaluate(FAINT):
        yield f"{len(seen)} letters are too faint: {', '.join(sorted(set(seen)))}"


TO_THE_END = """() => document.querySelectorAll("figure.explore input").forEach((slider) => {
  slider.value = slider.max;
  slider.dispatchEvent(new Event("input"));
})"""


def sliders(tab) -> list[str]:
    return tab.eval_on_selector_all("figure.explore input", "all => all.map((i) => i.value)")


def unplayable(tab) -> Iterator[str]:
    for i, figure in enumerate(tab.locator("figure.explore:has(.explore-play)").all(), 1):
        button = figure.locator(".explore-play")
        name = button.inner_text().removeprefix("▶ Play ")
        slider = figure.locator(f'input[data-parameter="{name}"]')
        before = slider.input_value()
        button.press("Enter")
        if slider.input_value() == before or "Pause" not in button.inner_text():
            yield f"play button {i} does not play"
        button.press("Enter")
        if "Play" not in button.inner_text():
            yield f"play button {i} does not pause"


def misinformed(page: str, tab) -> Iterator[str]:
    """Moved by the keyboard to both ends, every explorable shows the numbers computed anew."""
    figures, calls = tab.locator("figure.explore").all(), explorables(notebook_of(page))
    if not len(figures) == len(calls) > 0:
        yield f"shows {len(figures)} explorables; the notebook makes {len(calls)}"
        return
    for i, (figure, (frame, values)) in enumerate(zip(figures, calls, strict=True), 1):
        for key, end in (("End", -1), ("Home", 0)):
            for name in values:
                figure.locator(f'input[data-parameter="{name}"]').press(key)
            setting = {name: choices[end] for name, choices in values.items()}
            computed = {name: float(v) for name, v in frame(**setting).readouts.items()}
            shown, drawn = figure.evaluate(SHOWN)
            shown = {name: math.nan if v == "null" else float(v) for name, v in shown.items()}
            if not computed:
                yield f"explorable {i} shows no number that can be checked"
            if shown != pytest.approx(computed, rel=0.01, abs=1e-6, nan_ok=True):
                yield f"explorable {i} at {setting} shows {shown}; the library computes {computed}"
            if not drawn:
                yield f"explorable {i} at {setting} draws nothing"
            yield from faint(figure)


SHOWN = """(figure) => [
  Object.fromEntries([...figure.querySelectorAll("[data-readout]")].map(
    (span) => [span.dataset.readout, span.dataset.value])),
  figure.querySelectorAll(".explore-stage svg path").length,
]"""


@pytest.mark.parametrize("page", ALIVE)
def test_without_scripts_a_page_still_shows_pictures(page, address, open_page):
    tab, _ = open_page(f"{address}{page}.html", java_script_enabled=False)
    stills = tab.locator("figure.explore img").all()
    assert stills
    for still in stills:
        assert is_sentence(still.get_attribute("alt")) and still.is_visible()


def test_sliders_work_when_the_page_is_opened_from_the_disk(site, open_page):
    """Readers open the file that `make book` names; no server stands behind it."""
    tab, faults = open_page((site / "book" / "01-maps-and-flows.html").as_uri(), **DESKTOP)
    faults += misfits(tab, **DESKTOP)
    assert tab.locator("figure.explore input[type=range]").count() >= 3
    assert tab.locator("mjx-container").count() > 10
    assert faults == []


PRINTED = """() => ({
  theme: document.documentElement.dataset.theme,
  closed: document.querySelectorAll(".quiz details:not([open])").length,
  cut: [...document.querySelectorAll("article pre")]
    .filter((pre) => pre.scrollWidth > pre.clientWidth + 1).map((pre) => pre.textContent),
  sliders: [...document.querySelectorAll(".explore-controls")]
    .filter((controls) => controls.offsetHeight > 0).length,
})"""


def test_a_chapter_can_be_printed(address, open_page):
    """On paper, from the dark: light, no code cut, quizzes open, and afterwards as it was."""
    tab, faults = open_page(f"{address}book/05-chaos-and-noise.html", 700, 990, "dark")
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.evaluate(PRINTED) == {"theme": "light", "closed": 0, "cut": [], "sliders": 0}
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.evaluate(PRINTED)["theme"] == "dark" and tab.evaluate(PRINTED)["closed"] > 0
    assert faults == []


def test_search_finds_sentences(address, open_page):
    """A chapter with a section about the word comes first (3: Lyapunov functions; 5: exponents),
    and what is shown of it is text, not code.
    """
    tab, faults = open_page(f"{address}search.html?q=Lyapunov")
    results = tab.locator("#search-results li")
    results.first.locator(".context").wait_for()
    assert re.match(r"[35]\. ", results.first.locator("a").inner_text())
    for snippet in tab.locator("#search-results .context").all_inner_texts():
        assert not re.search(r"import |torch\.|def ", snippet), snippet
    assert faults == []


# ---- what notebooks store ----


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_a_notebook_stores_only_what_it_means_to_show(page):
    """No widget, an error message for whoever opens it without running; no stray last value."""
    cells = [c for c in nbformat.read(notebook_of(page), as_version=4).cells if "outputs" in c]
    for cell in cells:
        for output in cell.outputs:
            assert output.output_type != "execute_result", f"{cell.id} shows what it returns"
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})


@pytest.mark.parametrize("page", ALIVE)
def test_an_explorable_writes_formulas_as_formulas(page):
    """Whatever stands outside of dollars is text: no A^t, no z_H, no `t =` before another `=`."""
    faults = []
    for data in stored(page):
        for text in texts(data):
            outside = "".join(text.split("$")[::2])
            if re.search(r"[\\^_]|=\s*$", outside) or text.count("$") % 2:
                faults.append(f"{data['title']}: {text!r}")
    assert not faults, report(page, sorted(set(faults)))


def stored(page: str) -> Iterator[dict]:
    """What the page's explorables carry: parameters, frames, numbers."""
    for cell in nbformat.read(notebook_of(page), as_version=4).cells:
        for output in cell.get("outputs", []):
            html = output.get("data", {}).get("text/html", "")
            if '<figure class="explore">' in html:
                (text,) = re.findall(r'<script type="application/json">(.*)</script>', html)
                (title,) = re.findall("<figcaption>(.*)</figcaption>", html)
                yield {"title": title, **json.loads(text)}


@pytest.mark.parametrize("page", ALIVE)
def test_a_board_says_how_many_of_its_cells_are_not_right(page):
    """The number beside a board is what one counts on it: blank cells and those in a red frame."""
    for data in stored(page):
        for frame in data["frames"]:
            boards = [panel for panel in frame["panels"] if "box" in panel]
            said = [v for name, v in frame["readouts"].items() if re.match("cells.*wrong", name)]
            if len(boards) == len(said) == 1:
                digits, kinds = (data["arrays"][boards[0][part]] for part in ("digits", "kinds"))
                counted = sum(d == 0 or k == 2 for d, k in zip(digits, kinds, strict=True))
                assert said == [counted], f"{data['title']}: {frame['readouts']}"


def texts(data: dict) -> Iterator[str]:
    """All words that an explorable shows, in every frame."""
    for frame in data["frames"]:
        yield from (frame["caption"], *frame["readouts"])
        for panel in frame["panels"]:
            yield from (panel.get(part, "") for part in ("title", "xlabel", "ylabel"))
            yield from (mark["label"] or "" for mark in panel.get("marks", []))
