"""Long histograms in few bins, for people: exact for small values, ever wider above."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["bins"]

_EDGES = (1, 2, 5)
_EXACT = 6


def bins(histogram: Sequence[tuple[int, int]]) -> list[tuple[str, int]]:
    """Return (label, count): one bin a value below 6, then 6-10, 11-20, 21-50, 51-100, ... up to the largest value.

    Empty bins between filled ones are kept, so that gaps show.
    """
    if not histogram:
        return []
    largest = histogram[-1][0]
    out: list[tuple[int, int]] = [(v, v) for v in range(min(histogram[0][0], _EXACT), min(largest, _EXACT - 1) + 1)]
    low, scale, k = _EXACT, 10, 0
    while low <= largest:
        high = _EDGES[k] * scale
        if high >= low:
            out.append((low, high))
            low = high + 1
        k = (k + 1) % len(_EDGES)
        scale *= 10 if k == 0 else 1
    counts = [0] * len(out)
    at = 0
    for value, count in histogram:
        while value > out[at][1]:
            at += 1
        counts[at] += count
    return [(str(a) if a == b else f"{a}-{b}", n) for (a, b), n in zip(out, counts, strict=True)]
