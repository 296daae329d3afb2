"""Where puzzles come from: published folders and tables, ARC, the hub, and streams of batches."""

from . import arc, hub, tables
from .dataset import Dataset, build, read_dataset, write_dataset
from .streams import DatasetStream, PuzzleStream, split_grids, training_and_test

__all__ = [
    "Dataset",
    "DatasetStream",
    "PuzzleStream",
    "arc",
    "build",
    "hub",
    "read_dataset",
    "split_grids",
    "tables",
    "training_and_test",
    "write_dataset",
]
