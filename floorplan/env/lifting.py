"""Complete placements side by side, as the kernels that lift macros out of them need them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from floorplan.cost import CostEngine
from floorplan.env.arrays import Static
from floorplan.env.settled import settle
from floorplan.errors import ProblemError
from floorplan.netlist import Placement, Problem, check_legality

__all__ = ["Base", "Complete", "build_bases", "build_complete", "load"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


class Complete(NamedTuple):
    """B complete placements of N nodes, H of them hard; every array without a note has B as its first axis.

    Attributes:
        movable: (M,) nodes, hard: (H,) nodes, blockage: (O, 5) as `Static.obstacle`; without B.
        counting: (P,) 0, 1, 2, ..., for kernels that take indices; without B.
        x, y, orient: (B, N) centres in um and orientations.
        hd, vd: (B, R, C + 1), (B, R + 1, C) routing demand differences of all nets.
        wl_um: (B,) weighted wirelength.
        move: (B, 3) where the macro in hand goes next, um, and the weighted wirelength then; NaN where it does not.
        own_box, other_box: (B, P, 4), weight: (B, P) of the nets of the macro in hand.
        stands: (B, N), local: (B, D), obstacle: (B, H + O, 5) working memory.
    """

    movable: I32
    hard: I32
    blockage: F64
    counting: I32
    x: F64
    y: F64
    orient: npt.NDArray[np.uint8]
    hd: F64
    vd: F64
    wl_um: F64
    move: F64
    own_box: F64
    other_box: F64
    weight: F64
    stands: npt.NDArray[np.bool_]
    local: I32
    obstacle: F64


class Base(NamedTuple):
    """One complete placement, routed: computed once, whichever of its macros is lifted."""

    placement: Placement
    hd: F64
    vd: F64
    wl_um: float


def build_complete(problem: Problem, engine: CostEngine, static: Static, num_envs: int) -> Complete:
    """Allocate `num_envs` complete placements; `load` fills them."""
    nl, a = problem.netlist, engine.arrays
    b, n, r, c = num_envs, nl.num_nodes, static.rows, static.columns
    movable = problem.movable_hard.astype(np.int32)
    nets = int(np.diff(a.node_net_ptr)[movable].max())
    degree = int(np.diff(a.net_ptr).max())
    blockage = [(k.x0_um, k.y0_um, k.x1_um, k.y1_um, 0.0) for k in problem.hard_blockages]
    return Complete(
        movable=movable,
        hard=nl.hard.astype(np.int32),
        blockage=np.array(blockage, np.float64).reshape(-1, 5),
        counting=np.arange(nets, dtype=np.int32),
        x=np.zeros((b, n)),
        y=np.zeros((b, n)),
        orient=np.zeros((b, n), np.uint8),
        hd=np.zeros((b, r, c + 1)),
        vd=np.zeros((b, r + 1, c)),
        wl_um=np.zeros(b),
        move=np.full((b, 3), np.nan),
        own_box=np.zeros((b, nets, 4)),
        other_box=np.zeros((b, nets, 4)),
        weight=np.zeros((b, nets)),
        stands=np.zeros((b, n), np.bool_),
        local=np.zeros((b, degree), np.int32),
        obstacle=np.zeros((b, len(nl.hard) + len(blockage), 5)),
    )


def build_bases(engine: CostEngine, placements: Sequence[Placement]) -> list[Base]:
    """Check and route complete placements, equal ones once.

    Raises:
        ProblemError: a placement is of another netlist, incomplete or not legal; the message says what is wrong.
    """
    routed: dict[bytes, Base] = {}
    # One placement for many environments is as a rule one object.
    of_object: dict[int, Base] = {}
    for p in placements:
        if id(p) in of_object:
            continue
        key = p.x_um.tobytes() + p.y_um.tobytes() + p.orient.tobytes() + p.placed.tobytes()
        if key not in routed:
            _check_finished(engine.problem, p)
            settled = settle(engine, p)
            routed[key] = Base(p, settled.hd, settled.vd, settled.wl_um)
        of_object[id(p)] = routed[key]
    return [of_object[id(p)] for p in placements]


def _check_finished(problem: Problem, placement: Placement) -> None:
    nl, fixed = problem.netlist, problem.fixed
    if len(placement) != nl.num_nodes:
        raise ProblemError(f"placement has {len(placement)} nodes, the netlist {nl.num_nodes}")
    # Where fixed macros overlap or stick out is the design's affair, and no move changes it.
    bad = [
        v
        for v in check_legality(problem, placement).violations
        if v.kind in ("moved", "unplaced") or not all(fixed[nl.node_id[name]] for name in v.nodes)
    ]
    if bad:
        more = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
        raise ProblemError(f"refining needs a legal complete placement: {bad[0]}{more}")


def load(complete: Complete, env: int, base: Base) -> None:
    """Put a placement into one environment."""
    complete.x[env] = base.placement.x_um
    complete.y[env] = base.placement.y_um
    complete.orient[env] = base.placement.orient
    complete.hd[env], complete.vd[env], complete.wl_um[env] = base.hd, base.vd, base.wl_um
    complete.move[env] = np.nan
