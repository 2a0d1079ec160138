"""How much of each pixel rectangles cover."""

from __future__ import annotations

from numba import njit

__all__ = ["add_cover", "pick_in_box"]


@njit(cache=True, nogil=True)
def add_cover(ids, x0, y0, x1, y1, left, bottom, pixel, out):  # type: ignore[no-untyped-def]  # numba infers
    """Add to out (rows, columns), row 0 at the bottom, the share of each pixel that each rectangle of `ids` covers.

    Args:
        ids: (K,) which of the N rectangles.
        x0: (N,) left edges, um.
        y0: (N,) lower edges.
        x1: (N,) right edges.
        y1: (N,) upper edges.
        left: of the picture, um.
        bottom: of the picture, um.
        pixel: side of a pixel, um.
        out: (rows, columns) float32, added to.
    """
    rows, cols = out.shape
    scale = 1.0 / pixel
    for k in range(len(ids)):
        i = ids[k]
        a, b = (x0[i] - left) * scale, (x1[i] - left) * scale
        c, d = (y0[i] - bottom) * scale, (y1[i] - bottom) * scale
        if b <= 0.0 or d <= 0.0 or a >= cols or c >= rows:
            continue
        a, b, c, d = max(a, 0.0), min(b, float(cols)), max(c, 0.0), min(d, float(rows))
        c0, c1 = int(a), min(int(b), cols - 1)
        r0, r1 = int(c), min(int(d), rows - 1)
        for r in range(r0, r1 + 1):
            high = min(d, r + 1.0) - max(c, float(r))
            for col in range(c0, c1 + 1):
                out[r, col] += high * (min(b, col + 1.0) - max(a, float(col)))


@njit(cache=True, nogil=True)
def pick_in_box(ids, x0, y0, x1, y1, left, bottom, right, top, out):  # type: ignore[no-untyped-def]  # numba infers
    """Write to out those of `ids` whose rectangles meet the box, until it is full; return how many there are in all."""
    n = 0
    for k in range(len(ids)):
        i = ids[k]
        if x1[i] >= left and x0[i] <= right and y1[i] >= bottom and y0[i] <= top:
            if n < len(out):
                out[n] = i
            n += 1
    return n
