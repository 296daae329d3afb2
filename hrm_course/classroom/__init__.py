"""The classroom: checks for students; release, grading and marks for instructors.

Only the two names that exercise notebooks use are imported here. The rest needs nbgrader and
is imported by its module: ``release``, ``grade``, ``marks``, ``outputs``.
"""

from .check import Check, draw

__all__ = ["Check", "draw"]
