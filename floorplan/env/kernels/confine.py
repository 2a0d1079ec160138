"""Where the macro in hand may stand, and where exactly on each cell, if more binds macros than one spacing for all."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.env.kernels.mask import TOLERANCE_UM
from floorplan.env.rules import Rules
from floorplan.netlist.constraints import SIDE_TURN

__all__ = ["WIDTH", "confined_mask", "spot", "turned_side", "write_stander"]

F64 = npt.NDArray[np.float64]

WIDTH = 10
"""Columns of what stands: x0, y0, x1, y1; the gap to keep; halo left, below, right, above; 1 for a macro, else 0."""


@njit(cache=True)
def turned_side(halo: F64, orient: int, side: int) -> float:
    """Return the halo (4,) of a macro in orientation N on the side (0 left, 1 below, 2 right, 3 above) when turned."""
    width: float = halo[SIDE_TURN[orient, side]]
    return width


@njit(cache=True)
def spot(rules: Rules, k: int, cx: float, cy: float, gw: float, gh: float) -> tuple[bool, float, float]:
    """Return whether a macro may stand on the cell centred at (cx, cy), others or not, and where its centre then is.

    That is the nearest point of its ground, no more than half a cell away along each axis, or half a pitch of the grid
    to snap to. k is 2 m for macro m, 2 m + 1 where it is turned by 90 degrees.
    """
    found, best, bx, by = False, np.inf, cx, cy
    px, py = rules.pitch[0], rules.pitch[1]
    reach_x, reach_y = max(gw, px) / 2 + TOLERANCE_UM, max(gh, py) / 2 + TOLERANCE_UM
    for r in range(rules.ptr[k], rules.ptr[k + 1]):
        x = min(max(cx, rules.rect[r, 0]), rules.rect[r, 2])
        y = min(max(cy, rules.rect[r, 1]), rules.rect[r, 3])
        if px > 0.0:
            x = rules.phase[k, 0] + np.round((x - rules.phase[k, 0]) / px) * px
        if py > 0.0:
            y = rules.phase[k, 1] + np.round((y - rules.phase[k, 1]) / py) * py
        away = abs(x - cx) + abs(y - cy)
        if away < best and abs(x - cx) <= reach_x and abs(y - cy) <= reach_y:
            found, best, bx, by = True, away, x, y
    return found, bx, by


@njit(cache=True)
def write_stander(
    row: F64, x0: float, y0: float, x1: float, y1: float, gap: float, left: float, below: float, right: float,
    above: float, macro: float,
) -> None:  # fmt: skip
    """Fill a row (WIDTH,) of what stands."""
    row[0], row[1], row[2], row[3], row[4] = x0, y0, x1, y1, gap
    row[5], row[6], row[7], row[8], row[9] = left, below, right, above, macro


@njit(cache=True)
def confined_mask(
    rules: Rules, k: int, w: float, h: float, left: float, below: float, right: float, above: float, gw: float,
    gh: float, stand: F64, xs: F64, ys: F64, mask: npt.NDArray[np.bool_],
) -> int:  # fmt: skip
    """Write to mask (R, C) whether the macro in hand may stand on each cell; return how many such cells.

    Cells on which it would cover soft blockages are legal only where there are no others.

    Args:
        rules: what binds it.
        k: as in `spot`.
        w: its width.
        h: its height.
        left: its halo as turned.
        below: likewise.
        right: likewise.
        above: likewise.
        gw: width of a cell.
        gh: height of a cell.
        stand: (S, WIDTH) what stands.
        xs: (R, C) receives where its centre would be.
        ys: (R, C) likewise.
        mask: (R, C).
    """
    rows, columns = mask.shape
    for r in range(rows):
        for c in range(columns):
            ok, x, y = spot(rules, k, (c + 0.5) * gw, (r + 0.5) * gh, gw, gh)
            mask[r, c], xs[r, c], ys[r, c] = ok, x, y
    # A centre may lie this far from its cell's.
    slack_x, slack_y = max(gw, rules.pitch[0]) / 2 + 1.0e-3, max(gh, rules.pitch[1]) / 2 + 1.0e-3
    for i in range(len(stand)):
        x0, y0, x1, y1, gap = stand[i, 0], stand[i, 1], stand[i, 2], stand[i, 3], stand[i, 4]
        before_x, before_y, behind_x, behind_y = 0.0, 0.0, 0.0, 0.0
        if stand[i, 9] > 0.0:
            # Gaps that halos ask for if the macro in hand lies left of it, below, right of it, above.
            before_x, before_y = right + stand[i, 5], above + stand[i, 6]
            behind_x, behind_y = left + stand[i, 7], below + stand[i, 8]
        gap -= TOLERANCE_UM
        low_x, high_x = x0 - w / 2 - gap, x1 + w / 2 + gap
        low_y, high_y = y0 - h / 2 - gap, y1 + h / 2 + gap
        halo_low_x, halo_high_x = x0 - w / 2 - before_x + TOLERANCE_UM, x1 + w / 2 + behind_x - TOLERANCE_UM
        halo_low_y, halo_high_y = y0 - h / 2 - before_y + TOLERANCE_UM, y1 + h / 2 + behind_y - TOLERANCE_UM
        c0 = max(math.floor((min(low_x, halo_low_x) - slack_x) / gw), 0)
        c1 = min(math.ceil((max(high_x, halo_high_x) + slack_x) / gw) + 1, columns)
        r0 = max(math.floor((min(low_y, halo_low_y) - slack_y) / gh), 0)
        r1 = min(math.ceil((max(high_y, halo_high_y) + slack_y) / gh) + 1, rows)
        for r in range(r0, r1):
            for c in range(c0, c1):
                x, y = xs[r, c], ys[r, c]
                clash = low_x < x < high_x and low_y < y < high_y
                clash |= halo_low_x < x < halo_high_x and halo_low_y < y < halo_high_y
                if clash:
                    mask[r, c] = False
    count, clear = 0, 0
    for r in range(rows):
        for c in range(columns):
            if mask[r, c]:
                count += 1
                clear += not _covers(rules.soft, xs[r, c], ys[r, c], w, h)
    if clear == 0 or clear == count:
        return count
    for r in range(rows):
        for c in range(columns):
            if mask[r, c] and _covers(rules.soft, xs[r, c], ys[r, c], w, h):
                mask[r, c] = False
    return clear


@njit(cache=True)
def _covers(boxes: F64, x: float, y: float, w: float, h: float) -> bool:
    """Return whether a macro centred at (x, y) covers some of the boxes (S, 4)."""
    for i in range(len(boxes)):
        wide = x + w / 2 > boxes[i, 0] + TOLERANCE_UM and x - w / 2 < boxes[i, 2] - TOLERANCE_UM
        if wide and y + h / 2 > boxes[i, 1] + TOLERANCE_UM and y - h / 2 < boxes[i, 3] - TOLERANCE_UM:
            return True
    return False
