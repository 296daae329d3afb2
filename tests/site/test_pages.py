"""Every page of the built site in a browser whose network is cut."""

import math
import re

import pytest
from course_pages import PICTURES, explorables, notebook_of, pages

MEGABYTE = 1_000_000
every_page = pytest.mark.parametrize("page", pages())
SCREENS = {"desktop": (1280, 900), "phone": (390, 844)}


@every_page
def test_a_page_is_complete_on_its_own(page, address, open_page):
    tab, faults = open_page(f"{address}{page}.html")
    assert tab.locator("mjx-container").count() >= tab.locator("span.math, div.math").count()
    assert tab.locator("mjx-merror").count() == 0
    assert raw_formulas(tab) == []
    assert tab.locator("article h1").count() == 1
    for alt in tab.eval_on_selector_all("article img", "all => all.map((img) => img.alt)"):
        assert is_sentence(alt), f"not a sentence: {alt!r}"
    for script in tab.eval_on_selector_all("script[src]", "all => all.map((s) => s.src)"):
        assert not re.search("thebe|require|html-manager|embed-amd", script)
    assert faults == []


def raw_formulas(tab) -> list[str]:
    """Dollars that no formula came out of, outside of code."""
    text = tab.evaluate(
        """() => {
            const copy = document.querySelector("article").cloneNode(true);
            copy.querySelectorAll("pre, code, .sig, mjx-container, script").forEach((n) => n.remove());
            return copy.textContent;
        }"""
    )
    return re.findall(r"\$[^$\n]{1,80}\$|\\(?:frac|begin|lambda)\b|\{(?:cite|doc|prf:ref)\}", text)


def is_sentence(alt: str) -> bool:
    return len(alt) >= 20 and " " in alt and not alt.startswith("../")


@every_page
@pytest.mark.parametrize(("screen", "colours"), [("desktop", "light"), ("phone", "dark")])
def test_a_page_fits_the_screen(page, screen, colours, address, open_page):
    width, height = SCREENS[screen]
    tab, _ = open_page(f"{address}{page}.html", width, height, colours)
    assert tab.evaluate("document.documentElement.dataset.theme") == colours
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    PICTURES.mkdir(parents=True, exist_ok=True)
    name = f"{page.replace('/', '-')}-{screen}-{colours}.jpg"
    tab.screenshot(path=PICTURES / name, type="jpeg", quality=70, full_page=True)


@every_page
def test_a_page_is_light(page, address, open_page):
    """What a page loads for itself alone; style, scripts and MathJax are loaded once for all."""
    sizes = []
    tab, _ = open_page("about:blank")
    tab.on("response", lambda r: "/_static/" in r.url or sizes.append(len(r.body())))
    tab.goto(f"{address}{page}.html")
    assert 1_000 < sum(sizes) < 3 * MEGABYTE
    notebook = notebook_of(page)
    assert notebook is None or notebook.stat().st_size < MEGABYTE


@pytest.mark.parametrize("page", [p for p in pages() if notebook_of(p)])
def test_sliders_show_what_the_library_computes(page, address, open_page):
    """Moved by the keyboard to both ends, every explorable shows the numbers computed anew."""
    path = notebook_of(page)
    if "explore(" not in path.read_text():
        pytest.skip("no explorable on this page")
    tab, faults = open_page(f"{address}{page}.html", reduced_motion="reduce")
    figures = tab.locator("figure.explore")
    calls = explorables(path)
    assert figures.count() == len(calls) > 0
    for i, (frame, values) in enumerate(calls):
        figure = figures.nth(i)
        for key, end in (("End", -1), ("Home", 0)):
            for name in values:
                figure.locator(f'input[data-parameter="{name}"]').press(key)
            expected = frame(**{name: choices[end] for name, choices in values.items()})
            assert expected.readouts, f"explorable {i + 1} shows no number that can be checked"
            numbers = {name: float(value) for name, value in expected.readouts.items()}
            assert readouts(figure) == pytest.approx(numbers, rel=0.01, abs=1e-6, nan_ok=True)
            assert figure.locator(".explore-stage svg path").count() > 0
    assert faults == []


def readouts(figure) -> dict[str, float]:
    spans = figure.locator("[data-readout]").all()
    shown = {s.get_attribute("data-readout"): s.get_attribute("data-value") for s in spans}
    return {name: math.nan if value == "null" else float(value) for name, value in shown.items()}


def test_sliders_work_when_the_page_is_opened_from_the_disk(site, open_page):
    """Readers open the file that `make book` names; no server stands behind it."""
    tab, faults = open_page((site / "book" / "01-maps-and-flows.html").as_uri())
    assert tab.locator("figure.explore input[type=range]").count() >= 3
    assert tab.locator("mjx-container").count() > 10
    assert faults == []


@pytest.mark.parametrize("page", [p for p in pages() if notebook_of(p)])
def test_a_play_button_plays_and_pauses(page, address, open_page):
    tab, faults = open_page(f"{address}{page}.html")
    figures = tab.locator("figure.explore:has(.explore-play)")
    if not figures.count():
        pytest.skip("nothing to play on this page")
    button = figures.first.locator(".explore-play")
    name = button.inner_text().removeprefix("▶ Play ")
    slider = figures.first.locator(f'input[data-parameter="{name}"]')
    before = slider.input_value()
    tab.wait_for_timeout(900)
    assert slider.input_value() == before, "nothing may move before the button is pressed"
    button.press("Enter")
    assert slider.input_value() != before and "Pause" in button.inner_text()
    button.press("Enter")
    assert "Play" in button.inner_text()
    assert faults == []


@pytest.mark.parametrize("page", [p for p in pages() if notebook_of(p)])
def test_without_scripts_a_page_still_shows_pictures(page, address, open_page):
    tab, _ = open_page(f"{address}{page}.html", java_script_enabled=False)
    for still in tab.locator("figure.explore img").all():
        assert is_sentence(still.get_attribute("alt")) and still.is_visible()


@pytest.mark.parametrize("page", [p for p in pages() if notebook_of(p)])
def test_a_notebook_stores_no_widget(page):
    """A stored widget is an error message for whoever opens the notebook without running it."""
    assert "widget-view+json" not in notebook_of(page).read_text()
