"""What a flat problem asks of its macros, asked of the same macros once the cells are clustered."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from floorplan.netlist import Netlist, Placement, Problem

__all__ = ["clustered_problem"]

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

_OF_A_GROUP = {"fixed": False, "allowed_orient": 255, "halo_um": 0.0, "region": -1}
"""Constraints of single nodes, and what a group of cells gets: it may stand anywhere, in any orientation."""


def clustered_problem(flat: Problem, clustered: Netlist, kept: I64, x_um: F64, y_um: F64) -> Problem:
    """Return the problem of `clustered` with all constraints of `flat`; nodes kept stay where they are.

    Args:
        flat: problem with standard cells.
        clustered: its nodes are those `kept`, in that order, then the groups.
        kept: node ids in `flat`: ports and hard macros.
        x_um: (G,) centres of the groups.
        y_um: (G,) likewise.
    """
    groups = len(x_um)
    initial = flat.initial
    start = Placement(
        np.concatenate([initial.x_um[kept], x_um]),
        np.concatenate([initial.y_um[kept], y_um]),
        np.concatenate([initial.orient[kept], np.zeros(groups, np.uint8)]),
        np.concatenate([initial.placed[kept], np.ones(groups, np.bool_)]),
    )
    changes: dict[str, object] = {}
    for name, value in _OF_A_GROUP.items():
        mine = getattr(flat, name)
        changes[name] = np.concatenate([mine[kept], np.full((groups, *mine.shape[1:]), value, mine.dtype)])
    # spacing, blockages, regions and snap are of the whole problem: `replace` keeps them
    return flat.replace(netlist=clustered, initial=start, **changes)
