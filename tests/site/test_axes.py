"""The ticks that `explore.mjs` draws on a logarithmic axis, in a browser but without the site."""

import math
import re

import pytest
from course_pages import ROOT

from hrm_course import explore as module
from hrm_course.explore import Frame, Line, Panel, explore

SCRIPT = ROOT / "book" / "_static" / "explore.mjs"
RANGES = [(2, 8), (0.02, 0.09), (3, 4), (8, 13), (0.3, 1.5), (5, 200), (1e-9, 300), (2e-9, 7e-9)]
RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


@pytest.fixture
def panels(monkeypatch, tmp_path, open_page):
    """One drawn panel for each of the ranges."""
    bundles = []
    monkeypatch.setattr(module, "display", lambda bundle, raw: bundles.append(bundle))
    shown = [Panel([Line([0, 1], pair)], ylim=pair, log=True) for pair in RANGES]
    explore(lambda a: Frame(shown), "Axes", "Lines on logarithmic axes of all sizes.", a=[1])
    page = tmp_path / "page.html"
    script = f'<script type="module">{SCRIPT.read_text()}</script>'
    page.write_text(f'<meta charset="utf-8">{bundles[0]["text/html"]}{script}')
    tab, faults = open_page(page.as_uri())
    assert faults == []
    return tab.locator(".explore-panel").all()


def value(label: str) -> float:
    power = re.fullmatch("10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", label)
    return 10.0 ** int(power[1].translate(RAISED)) if power else float(label.replace("−", "-"))


def test_a_logarithmic_axis_has_ticks_inside_one_decade_too(panels):
    for (low, high), panel in zip(RANGES, panels, strict=True):
        axis = panel.locator("path.axis").first.get_attribute("d")
        top, bottom = (float(n) for n in re.match(r"M\S+ (\S+)V([^H]+)H", axis).groups())
        ticks = panel.locator("svg text[text-anchor=end]").all()
        assert 2 <= len(ticks) <= 7, (low, high)
        for tick in ticks:
            share = math.log(value(tick.text_content()) / low) / math.log(high / low)
            place = float(tick.get_attribute("y")) - 4  # the middle of a letter
            assert place == pytest.approx(bottom + share * (top - bottom), abs=0.5)
