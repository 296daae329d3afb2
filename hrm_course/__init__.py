"""The library of the course *Recursive Reasoners as Dynamical Systems*.

One idea runs through it: everything is a map ``f: state -> state``, a plain callable
that takes a tensor and returns a tensor of the same shape.
"""

__version__ = "0.2.0"
