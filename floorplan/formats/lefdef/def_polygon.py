"""Rectilinear polygons as rectangles: the inside, and what the bounding box has beyond it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from floorplan.formats.lefdef.def_tables import Rect

__all__ = ["bounding_box", "complement", "is_rectilinear", "rectangles"]

Point = tuple[int, int]


def bounding_box(points: Sequence[Point]) -> Rect:
    """Return the smallest rectangle around the points."""
    x, y = [p[0] for p in points], [p[1] for p in points]
    return min(x), min(y), max(x), max(y)


def is_rectilinear(corners: Sequence[Point]) -> bool:
    """Return whether every edge of the closed polygon runs along an axis."""
    return all(a[0] == b[0] or a[1] == b[1] for a, b in zip(corners, [*corners[1:], corners[0]], strict=True))


def rectangles(corners: Sequence[Point]) -> list[Rect]:
    """Return rectangles that make up a rectilinear polygon; one of two corners is a rectangle itself.

    The polygon is cut into horizontal slabs at its corners; slabs of one extent on top of each other are one rectangle.
    """
    return _merged([(y0, y1, spans) for y0, y1, spans in _slabs(corners)])


def complement(corners: Sequence[Point]) -> list[Rect]:
    """Return rectangles that make up what the bounding box of a rectilinear polygon has outside the polygon."""
    x0, _, x1, _ = bounding_box(corners)
    out = []
    for low, high, spans in _slabs(corners):
        edges = [x0, *(x for span in spans for x in span), x1]
        gaps = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
        out.append((low, high, gaps))
    return _merged(out)


def _slabs(corners: Sequence[Point]) -> list[tuple[int, int, list[Point]]]:
    """Return (y0, y1, x spans inside) from the bottom up, by the even-odd rule."""
    if len(corners) == 2:
        x0, y0, x1, y1 = bounding_box(corners)
        return [(y0, y1, [(x0, x1)])]
    pairs = zip(corners, [*corners[1:], corners[0]], strict=True)
    upright = sorted((a[0], min(a[1], b[1]), max(a[1], b[1])) for a, b in pairs if a[0] == b[0] and a[1] != b[1])
    levels = sorted({y for edge in upright for y in edge[1:]})
    out = []
    for low, high in itertools.pairwise(levels):
        x = [e[0] for e in upright if e[1] <= low and e[2] >= high]
        out.append((low, high, [(a, b) for a, b in zip(x[::2], x[1::2], strict=False) if b > a]))
    return out


def _merged(slabs: list[tuple[int, int, list[Point]]]) -> list[Rect]:
    open_at: dict[Point, int] = {}
    out: list[Rect] = []
    top = 0
    for low, high, spans in slabs:
        ended = [s for s in open_at if s not in spans]
        out += [(span[0], open_at.pop(span), span[1], low) for span in ended]
        for span in spans:
            open_at.setdefault(span, low)
        top = high
    out += [(x0, y0, x1, top) for (x0, x1), y0 in open_at.items()]
    return sorted(out, key=lambda r: (r[1], r[0]))
