"""What the site needs beyond Jupyter Book's settings.

It asks no other host for anything, and it loads ``explore.mjs`` on the pages that use it.
"""

from pathlib import Path

from sphinx.application import Sphinx

EXPLORE = Path(__file__).parents[1] / "_static" / "explore.mjs"
WIDGET = "application/vnd.jupyter.widget-view+json"


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
    for files in ("script_files", "css_files"):
        context[files] = [file for file in context[files] if not _foreign(file)]


def _foreign(file) -> bool:
    address = str(getattr(file, "filename", file) or "")
    inline = str(getattr(file, "attributes", {}).get("body", ""))
    return (
        address.startswith(("http:", "https:", "//"))
        or "thebe" in (address + inline).lower()
    )


def setup(app: Sphinx) -> dict:
    app.connect("config-inited", prefer_html)
    app.connect("html-page-context", stay_on_this_host, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
