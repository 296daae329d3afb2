"""Fair timing on a busy machine: the sides take turns, and medians of their ratios are given."""

from collections.abc import Callable
from statistics import median
from time import perf_counter

import torch


def seconds(call: Callable[[], object]) -> float:
    """How long one call takes."""
    start = perf_counter()
    call()
    return perf_counter() - start


def take_turns(first: Callable, second: Callable, rounds: int) -> tuple[float, float, float]:
    """Median seconds of both sides, and the median over the rounds of second / first."""
    first(), second()  # warm up
    times = [(seconds(first), seconds(second)) for _ in range(rounds)]
    ratio = median(b / a for a, b in times)
    return median(a for a, _ in times), median(b for _, b in times), ratio


def peak(dtype: torch.dtype = torch.float32, rounds: int = 5) -> float:
    """Floating-point operations a second of one large matrix product: what the processor can do."""
    n = 2048
    a, b = torch.randn(n, n).to(dtype), torch.randn(n, n).to(dtype)
    a @ b
    return 2 * n**3 / min(seconds(lambda: a @ b) for _ in range(rounds))


def has_fast_bfloat16() -> bool:
    """Whether the processor multiplies matrices of bfloat16 in hardware (avx512_bf16 or amx)."""
    try:
        with open("/proc/cpuinfo") as file:
            flags = file.read()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def line(what: str, ratio: float, wanted: float, note: str = "") -> None:
    """Prints one measured ratio beside the one asked for."""
    verdict = "reached" if ratio >= wanted else "NOT reached"
    print(f"{what:<58} {ratio:5.2f}x  (wanted {wanted:.1f}x: {verdict}) {note}", flush=True)
