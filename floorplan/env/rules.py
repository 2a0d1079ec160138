"""What binds macros beyond the canvas, blockages and one spacing for all, as the kernels of the games need it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from floorplan.geometry import Orient
from floorplan.legalize.ground import check_ground, ground_of
from floorplan.netlist import Placement, Problem
from floorplan.netlist.constraints import turned_halo_um

__all__ = ["Rules", "build_rules"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
U8 = npt.NDArray[np.uint8]


class Rules(NamedTuple):
    """M movable macros, N nodes; all arrays but `pitch` are empty where nothing binds.

    Attributes:
        on: whether anything binds. If not, macros stand on the centres of cells.
        ptr: (2 M + 1,) offsets into `rect` of macro m in an orientation that keeps width and height (2 m) or not.
        rect: (T, 4) rectangles of centres, as in `floorplan.legalize.ground.Ground`.
        pitch: (2,) of the grid that macros snap to, 0 where an axis is free.
        phase: (2 M, 2) centres on that grid.
        turned: (M,) 1 where the construct game turns a macro by 90 degrees.
        macro_halo: (M, 4) halos as the construct game turns the macros.
        node_halo: (N, 4) halos of nodes in orientation N.
        obstacle_halo: (F, 4) halos of the fixed macros, which are the first F obstacles.
        soft: (S, 4) soft blockages.
    """

    on: bool
    ptr: I32
    rect: F64
    pitch: F64
    phase: F64
    turned: I32
    macro_halo: F64
    node_halo: F64
    obstacle_halo: F64
    soft: F64


def build_rules(problem: Problem, orient: U8, start: Placement) -> Rules:
    """Lay out what binds the macros of a problem.

    Args:
        problem: what is placed.
        orient: (M,) how the construct game turns the movable macros.
        start: where the fixed ones stand.

    Raises:
        InfeasibleProblemError: a macro has no place even without the others.
    """
    none = np.zeros((0, 4))
    if not problem.confined:
        whole = np.zeros(0, np.int32)
        return Rules(False, whole, none, np.zeros(2), np.zeros((0, 2)), whole, none, none, none, none)
    movable = problem.movable_hard
    check_ground(problem, movable, ground_of(problem, movable, orient), orient)
    plain, turned = (ground_of(problem, movable, np.full(len(movable), o, np.uint8)) for o in (Orient.N, Orient.E))
    # Plain and turned rectangles of each macro in turn.
    count = np.stack([np.diff(plain.ptr), np.diff(turned.ptr)], axis=1).reshape(-1)
    owner = np.concatenate(
        [np.repeat(2 * np.arange(len(movable)) + k, np.diff(g.ptr)) for k, g in enumerate((plain, turned))]
    )
    rect = np.concatenate([plain.rect, turned.rect])[np.argsort(owner, kind="stable")]
    hard = problem.netlist.hard
    fixed = hard[problem.fixed[hard]]
    soft = [(b.x0_um, b.y0_um, b.x1_um, b.y1_um) for b in problem.soft_blockages]
    return Rules(
        on=True,
        ptr=np.concatenate([[0], np.cumsum(count)]).astype(np.int32),
        rect=rect,
        pitch=plain.pitch,
        # In memory as that of a problem that nothing binds, or the kernels would be compiled anew.
        phase=np.ascontiguousarray(np.stack([plain.phase.T, turned.phase.T], axis=1).reshape(-1, 2)),
        turned=(orient >= Orient.E).astype(np.int32),
        macro_halo=turned_halo_um(problem.halo_um[movable], orient),
        node_halo=problem.halo_um.copy(),
        obstacle_halo=turned_halo_um(problem.halo_um[fixed], start.orient[fixed]),
        soft=np.array(soft, np.float64).reshape(-1, 4),
    )
