"""The definitions of a chapter, for the studies that measure what a chapter defines."""

import json
import os
from pathlib import Path

ROOT = Path(__file__).parents[1]


def chapter(name: str, cells: tuple[str, ...]) -> dict:
    """What the cells with these ids define, executed in their order in ``book/``.

    Raises:
        ValueError: the chapter has no such cell.
    """
    notebook = json.loads((ROOT / f"book/{name}.ipynb").read_text())
    sources = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}
    os.chdir(ROOT / "book")
    space = {}
    for cell in cells:
        if cell not in sources:
            raise ValueError(f"{name} has no cell {cell}: correct the list in the script.")
        exec(sources[cell].split("\nexplore(")[0], space)  # without the picture with sliders
    return space
