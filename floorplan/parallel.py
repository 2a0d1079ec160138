"""One pool of threads for kernels that hold no interpreter lock.

A kernel compiled with `nogil=True` and called on several ranges at the same time costs one compilation; numba's own
parallel loops compile the whole loop body a second time, which took a third of the minutes of a first run.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

__all__ = ["core_count", "share_out"]


def core_count() -> int:
    """Return how many threads kernels may use: `FLOORPLAN_THREADS` if set, else the cores this process may run on."""
    given = os.environ.get("FLOORPLAN_THREADS", "")
    if given.isdigit() and int(given) > 0:
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_out(call: Callable[[int, int, int], object], count: int, least: int = 1) -> None:
    """Call `call(lane, begin, end)` on equal parts of 0..count, each on a thread of its own; return when all are done.

    Args:
        call: must release the interpreter lock, and touch nothing that another lane touches. Lanes count from 0 to
            `core_count() - 1`.
        count: how many items there are.
        least: items below which a further thread is not worth its start.

    Raises:
        Whatever a call raises.
    """
    parts = max(min(core_count(), count // least), 1)
    bounds = [count * i // parts for i in range(parts + 1)]
    spans = list(pairwise(bounds))
    others = [_pool().submit(call, lane, *span) for lane, span in enumerate(spans[1:], 1)]
    call(0, *spans[0])
    for other in others:
        other.result()


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(core_count() - 1, 1), thread_name_prefix="floorplan")
