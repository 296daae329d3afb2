"""Runs a command and says at its end what it cost and which tests were slowest.

python tests/timed.py build/ci make check tests
"""

import os
import resource
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

SLOWEST = 10


def main(folder: str, *command: str) -> int:
    """The exit status of ``command``, after a line of its wall and processor time and the tests that
    took longest, from the JUnit files that its pytest runs left in ``folder``.
    """
    reports = Path(folder)
    reports.mkdir(parents=True, exist_ok=True)
    for old in reports.glob("*.xml"):
        old.unlink()
    began = time.perf_counter()
    status = subprocess.run(command).returncode
    wall = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)  # with the children's children, so browsers
    print("\nSlowest (a notebook is all its cells):")
    for name, seconds in slowest(reports):
        print(f"  {seconds:7.1f} s  {name}")
    print(
        f"Took {wall:.0f} s of wall time and {used.ru_utime + used.ru_stime:.0f} s of processor time "
        f"on {os.cpu_count()} cores, children and browser included."
    )
    return status


def slowest(reports: Path) -> list[tuple[str, float]]:
    """Names and seconds of the slowest tests; the cells of a notebook are added up."""
    seconds: Counter[str] = Counter()
    for report in reports.glob("*.xml"):
        for case in ElementTree.parse(report).iter("testcase"):
            name, test = case.get("classname", ""), case.get("name", "")
            if not name.endswith(".ipynb"):
                name = f"{name}::{test}"
            seconds[name] += float(case.get("time", 0))
    return seconds.most_common(SLOWEST)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
