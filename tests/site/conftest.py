"""A built site behind a local server, and a browser that can reach nothing else."""

import functools
import http.server
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from course_pages import ROOT

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # the network is cut
]
OURS = ("http://127.0.0.1:", "file:", "data:", "blob:", "about:")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("slow")


@pytest.fixture(scope="session")
def site() -> Path:
    """The built site: the folder SITE_DIR, as `make test` gives it, else what `make book` builds."""
    if "SITE_DIR" in os.environ:
        return Path(os.environ["SITE_DIR"])
    built = subprocess.run(["make", "book"], cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return ROOT / "build" / "site" / "_build" / "html"


@pytest.fixture(scope="session")
def address(site) -> str:
    handler = functools.partial(_Quiet, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def end_headers(self):
        self.send_header("Cache-Control", "max-age=3600")  # MathJax is fetched once, not 66 times
        super().end_headers()

    def log_message(self, *_arguments):
        pass


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        reason = "Chromium is not installed (Debian and Ubuntu: apt install chromium)."
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def context(browser):
    """``context(**options)``: the browser's window of these options; pages of one share a cache."""
    contexts = {}

    def context(**options):
        key = repr(sorted(options.items()))
        if key not in contexts:
            contexts[key] = browser.new_context(**options)
            contexts[key].set_default_navigation_timeout(120_000)  # machines may be busy
        return contexts[key]

    yield context
    for made in contexts.values():
        made.close()


@pytest.fixture
def open_page(context):
    """``open_page(url, ...)``: a page, and the list of what went wrong on it so far."""
    tabs = []

    def open_page(url: str, width=1280, height=900, colours="light", **options):
        screen = {"width": width, "height": height}
        page, faults = context(viewport=screen, color_scheme=colours, **options).new_page(), []
        tabs.append(page)
        page.on("request", lambda r: r.url.startswith(OURS) or faults.append(f"asks for {r.url}"))
        page.on("console", lambda m: m.type == "error" and faults.append(f"console: {m.text}"))
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("response", lambda r: r.status >= 400 and faults.append(f"{r.status}: {r.url}"))
        page.goto(url)
        page.evaluate("window.MathJax?.startup?.promise.then(() => null)")  # all formulas are set
        return page, faults

    yield open_page
    for page in tabs:
        page.close()
