"""What the site needs beyond Jupyter Book's settings.

It asks no other host for anything, it loads ``explore.mjs`` on the pages that use it, it says in
each page's head what the page is about, its search looks at words and not at code, and it
carries the course itself as ``course.zip``, so that whoever reads can also run.
"""

import html
import re
import textwrap
import zipfile
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

EXPLORE = Path(__file__).parents[1] / "_static" / "explore.mjs"
WIDGET = "application/vnd.jupyter.widget-view+json"
# What runs the chapters and the exercises; solutions and tests stay with the instructor.
COURSE = (
    "README.md CITATION.cff CONTRIBUTING.md LICENSE LICENSE-CONTENT Makefile _config.yml _toc.yml "
    "constraints.txt pyproject.toml requirements.txt benchmarks book exercises hrm_course"
).split()


def prefer_html(app: Sphinx, config) -> None:
    """Where an output offers a widget and HTML, the page takes the HTML."""
    config.nb_mime_priority_overrides = [("*", WIDGET, None)]


def stay_on_this_host(
    app: Sphinx, pagename: str, template: str, context: dict, doctree
) -> None:
    """Drop every script and style that another host would serve, and thebe, which would ask one."""
    if 'class="explore"' in context.get("body", ""):
        # Inside the page, not as a file beside it: browsers refuse a module file on file://, and
        # readers open the page from their disk.
        app.add_js_file(None, body=EXPLORE.read_text(), type="module")
    if pagename == "search":
        app.add_js_file(None, body=SNIPPETS)
    for files in ("script_files", "css_files"):
        context[files] = [file for file in context[files] if not _foreign(file)]


def _foreign(file) -> bool:
    address = str(getattr(file, "filename", file) or "")
    inline = str(getattr(file, "attributes", {}).get("body", ""))
    return (
        address.startswith(("http:", "https:", "//"))
        or "thebe" in (address + inline).lower()
    )


def describe(
    app: Sphinx, pagename: str, template: str, context: dict, doctree
) -> None:
    """In the head the page's first paragraph, and the title of the course only once."""
    if doctree is None:
        return
    if context["title"] == context["docstitle"]:
        context["docstitle"] = None
    texts = [" ".join(p.astext().split()) for p in doctree.findall(nodes.paragraph)]
    first = next((text for text in texts if len(text) > 60), context["title"])
    sentence = html.escape(textwrap.shorten(first, 200, placeholder=" …"))
    title = html.escape(html.unescape(re.sub("<[^>]+>", "", context["title"])))
    context["metatags"] += (
        f'<meta name="description" content="{sentence}">'
        f'<meta property="og:description" content="{sentence}">'
        f'<meta property="og:title" content="{title}">'
        '<meta property="og:type" content="article">'
    )


# Sphinx shows what stands around the first match; what a reader searches stands in sentences.
SNIPPETS = """addEventListener("DOMContentLoaded", () => {
  const text = Search.htmlToText;
  Search.htmlToText = (source, anchor) => {
    const page = new DOMParser().parseFromString(source, "text/html");
    page.querySelectorAll("pre, figure.explore").forEach((node) => node.remove());
    return text(page.documentElement.outerHTML, anchor);
  };
});"""


def search_words(app: Sphinx) -> None:
    """Leave code out of the search index, so that a chapter isn't found by its imports."""
    if app.builder.format != "html":
        return
    index = app.builder.index_page

    def index_without_code(
        pagename: str, doctree: nodes.document, title: str
    ) -> None:
        words = doctree.deepcopy()
        for code in list(words.findall(nodes.literal_block)):
            code.parent.remove(code)
        index(pagename, words, title)

    app.builder.index_page = index_without_code


def pack_course(app: Sphinx, exception: Exception | None) -> None:
    """Write ``course.zip``; equal files give an equal archive, so times are left out."""
    if exception is not None or app.builder.format != "html":
        return
    root = Path(app.srcdir)
    with zipfile.ZipFile(Path(app.outdir) / "course.zip", "w") as archive:
        for path in course_files(root):
            entry = zipfile.ZipInfo(f"course/{path.relative_to(root).as_posix()}")
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


def course_files(root: Path) -> list[Path]:
    """The files of `COURSE`, without what Python and Jupyter leave between them."""
    found = [
        file
        for name in COURSE
        for file in [root / name, *(root / name).rglob("*")]
        if file.is_file()
    ]
    return sorted(
        file
        for file in found
        if not any(
            part.startswith((".", "__pycache__"))
            for part in file.relative_to(root).parts
        )
    )


def setup(app: Sphinx) -> dict:
    app.connect("config-inited", prefer_html)
    app.connect("builder-inited", search_words)
    app.connect("html-page-context", describe)
    app.connect("html-page-context", stay_on_this_host, priority=900)
    app.connect("build-finished", pack_course)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
