"""What the built site consists of, read without a browser: links, downloads, colours."""

import importlib
import os
import re
import subprocess
import sys
import zipfile
import zlib
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from course_pages import ROOT, pages, source_of

from hrm_course.plotting import COLOURS
from hrm_course.plotting.style import GIVEN, QUIET, RIGHT, WRONG

# ---- the reference of the library ----


def test_every_public_name_is_in_the_reference(site):
    inventory = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    described = {line.split()[0] for line in zlib.decompress(inventory).decode().splitlines()}
    for room in re.findall(r"^\.\. room:: (\S+)$", source_of("book/api").read_text(), re.M):
        public = {f"{room}.{name}" for name in importlib.import_module(room).__all__}
        assert public and public <= described


# ---- links and downloads ----


class Page(HTMLParser):
    """The places of a page that can be linked to, and where its own links lead."""

    def __init__(self, path: Path):
        super().__init__()
        self.ids, self.links, self.downloads = {"", "top"}, set(), set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids |= {attributes.get("id"), attributes.get("name")}
        links = {attributes[name] for name in ("href", "src") if attributes.get(name)}
        self.links |= links
        if "download" in attributes or "btn-download" in (attributes.get("class") or ""):
            self.downloads |= links

    handle_startendtag = handle_starttag


page_at = cache(Page)


def test_every_link_leads_somewhere(site):
    """Also from the disk: each link is a path to a file of the site, and a place in it."""
    broken = []
    made = [path for path in site.rglob("*.html") if "_static" not in path.parts]  # no templates
    for path in made:
        for link in page_at(path).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            if not there.is_file():
                broken.append(f"{path.relative_to(site)}: no file {link}")
            elif there.suffix == ".html" and place not in page_at(there).ids:
                broken.append(f"{path.relative_to(site)}: no place {link}")
    assert not broken, "\n".join(sorted(broken))


@pytest.mark.parametrize("page", pages())
def test_a_page_gives_its_source_away(page, site):
    """The notebook behind the button is the one in the repository."""
    path, source = site / f"{page}.html", source_of(page)
    given = [path.parent / link for link in page_at(path).downloads if link.endswith(source.name)]
    assert [file.read_bytes() for file in given] == [source.read_bytes()]


def test_the_course_can_be_taken_home(site, tmp_path):
    """Unpacked, course.zip holds all pages and a library that finds its trained models."""
    landing = site / "book" / "index.html"
    assert "../course.zip" in page_at(landing).downloads
    with zipfile.ZipFile(landing.parent / "../course.zip") as archive:
        archive.extractall(tmp_path)
    home = tmp_path / "course"
    for page in pages():
        source = source_of(page)
        assert (home / source.relative_to(ROOT)).read_bytes() == source.read_bytes()
    assert not (home / "solutions").exists() and not (home / "tests").exists()
    assert not list(home.rglob("__pycache__"))
    code = "import hrm_course.models as m; m.TRM.from_pretrained('trm-maze-9x9'); print(m.__file__)"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=home / "book", capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(home)},
    )  # fmt: skip
    assert ran.stdout.startswith(str(home)), ran.stderr


def test_a_page_says_what_it_is_about(site):
    """For lists of results and shared links: a sentence of its own, and the title once."""
    seen = {page: (site / f"{page}.html").read_text() for page in pages()}
    about = {
        p: re.findall('<meta name="description" content="([^"]*)"', t) for p, t in seen.items()
    }
    assert all(len(found) == 1 and 60 < len(found[0]) <= 1000 for found in about.values()), about
    assert len({found[0] for found in about.values()}) == len(about)
    for text in seen.values():
        title = re.search("<title>(.*)</title>", text)[1]
        assert title.count("Recursive Reasoners as Dynamical Systems") == 1, title


# ---- colours ----

PAPER = {"light": "#ffffff", "dark": "#14181e"}  # the theme's own


def palette(theme: str) -> dict[str, str]:
    css = (ROOT / "book" / "_static" / "course.css").read_text()
    block = {"light": r"^:root \{(.*?)\}", "dark": r'^html\[data-theme="dark"\] \{(.*?)\}'}[theme]
    (text,) = re.findall(block, css, re.S | re.M)
    return dict(re.findall(r"--colour-(\w+): (#\w{6});", text))


def contrast(one: str, other: str) -> float:
    """From 1 to 21, by the definition in the Web Content Accessibility Guidelines 2.1."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    light = []
    for colour in (one, other):
        rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        light.append(float(weights @ linear))
    return (max(light) + 0.05) / (min(light) + 0.05)


def test_contrast_is_what_the_guidelines_say():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the known example


def test_the_page_has_the_colours_of_the_figures():
    names = [*map(str, range(len(COLOURS))), "error", "quiet"]
    figures = [colour.lower() for colour in (*COLOURS, WRONG, QUIET)]
    light = palette("light")
    assert [light[name] for name in names] == figures
    assert palette("dark").keys() == light.keys()


@pytest.mark.parametrize("theme", PAPER)
def test_lines_and_digits_can_be_told_from_the_page(theme):
    colours = {k: contrast(v, PAPER[theme]) for k, v in palette(theme).items() if k != "grid"}
    assert min(colours.values()) >= 3, colours
    assert min(colours["0"], colours["error"]) >= 4.5, colours  # digits of boards


def test_digits_of_figures_can_be_read():
    assert min(contrast(colour, "#ffffff") for colour in (RIGHT, WRONG, GIVEN)) >= 4.5
