"""How tests are dealt out to processes: one by one, but together what runs or is made together.

The longest groups go first (xdist sees to it), then slow tests, so that no process is left alone
with something long at the end. Tests in a browser are no group, so they come after all notebooks:
where a browser is driven, no kernel can be started any more.
"""

import functools
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling


class Scheduling(LoadScopeScheduling):
    """The cells of a notebook go to one process, and so do the answers to a master and the tests of
    a module with a fixture of its own; every other test goes to whoever is free.
    """

    def _split_scope(self, nodeid: str) -> str:
        path, _, test = nodeid.partition("::")
        if path.endswith("test_answers.py"):
            return test.partition("/")[0]  # test_answers...[NN-name/question]: one run of NN-name
        return path if _together(path) else nodeid


@functools.cache
def _together(path: str) -> bool:
    file = Path(__file__).parent / path
    if file.suffix == ".ipynb":
        return True
    return "site" not in file.parts and 'scope="module"' in file.read_text(encoding="utf-8")


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> Scheduling:
    return Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    for item in items:  # what runs notebooks' code and pages says nothing of the library's lines
        if "site" in item.path.parts or item.path.name == "test_answers.py":
            item.add_marker("no_cover")
    # Coverage is that of the tests; with this option nbval would ask it of every kernel as well.
    config.option.cov_source = None
