"""A chapter and an exercise as JupyterLab shows them before any cell has run."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from course_pages import PICTURES, ROOT

NOTEBOOKS = ("book/01-maps-and-flows.ipynb", "exercises/01-maps-and-flows.ipynb")
TROUBLE = r"Error displaying|Javascript Error|JSON Parse|Math input error|Could not render"

SETTINGS = {
    # All cells in the page at once, so that the test and its picture see all of them.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab on copies of the notebooks, with settings of its own."""
    home = tmp_path_factory.mktemp("lab")
    for name in NOTEBOOKS:
        (home / "course" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, home / "course" / name)
    for name, setting in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(setting))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    options = [
        "--IdentityProvider.token=",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port_retries=0",
    ]
    root = f"--ServerApp.root_dir={home / 'course'}"
    with (home / "log.txt").open("w") as log:
        server = subprocess.Popen(
            [*command, *options, root], env=environment, stdout=log, stderr=log
        )
        try:
            _wait(f"http://127.0.0.1:{port}/api", home / "log.txt")
            yield f"http://127.0.0.1:{port}/lab/tree/"
        finally:
            server.terminate()
            server.wait(20)


def _wait(url: str, log, seconds: int = 60) -> None:
    for _ in range(seconds * 4):
        try:
            urllib.request.urlopen(url).close()
            return
        except OSError:
            time.sleep(0.25)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_notebook_reads_well_in_jupyterlab(notebook, lab, open_page):
    tab, _ = open_page(f"{lab}{notebook}?reset", width=1400, height=2400)
    document = tab.locator(".jp-NotebookPanel").first
    document.locator("h1").first.wait_for(timeout=30_000)
    tab.wait_for_timeout(1500)
    PICTURES.mkdir(parents=True, exist_ok=True)
    tab.screenshot(path=PICTURES / f"lab-{notebook.replace('/', '-')[:-6]}.jpg", type="jpeg")
    text = document.inner_text()
    assert not re.search(TROUBLE, text)
    assert tab.locator(".jp-Dialog:has-text('Error')").count() == 0
    for still in document.locator("figure.explore img").all():
        assert still.evaluate("(img) => img.complete && img.naturalWidth > 100")
