"""Where the cells of a flat netlist stand, or would stand, around placed macros and ports."""

from __future__ import annotations

import logging

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array, diags_array

from floorplan.geometry import oriented_offsets_um
from floorplan.netlist import Problem

__all__ = ["cell_spots"]

F64 = npt.NDArray[np.float64]

_SPREAD = 0.05
"""Given positions whose deviation is below this share of the canvas, in x or y, are no placement: all in one heap."""
_HOLD = 1e-4
_TOLERANCE = 1e-4
_MAX_STEPS = 1000

log = logging.getLogger(__name__)


def cell_spots(problem: Problem) -> tuple[F64, F64, bool]:
    """Return x and y of every cell, (S,) in the order of `netlist.soft`, in um, and whether they were given.

    The positions of the initial placement, if it has them; where it has none, or has all cells in one heap, the ones
    of least sum of squared net lengths, each net a star, with placed hard macros and ports held.
    """
    netlist, initial, canvas = problem.netlist, problem.initial, problem.canvas
    cells = netlist.soft
    x, y = initial.x_um[cells], initial.y_um[cells]
    spread = len(cells) > 0 and x.std() > _SPREAD * canvas.width_um and y.std() > _SPREAD * canvas.height_um
    if initial.placed[cells].all() and spread:
        return np.clip(x, 0.0, canvas.width_um), np.clip(y, 0.0, canvas.height_um), True
    log.info("%s: the cells have no placement; solving for one", netlist.name)
    return *_solve(problem), False


def _solve(problem: Problem) -> tuple[F64, F64]:
    netlist, initial, canvas = problem.netlist, problem.initial, problem.canvas
    cells = netlist.soft
    held = initial.placed.copy()
    held[cells] = False
    size = netlist.num_nodes + netlist.num_nets  # one variable a node, one a star
    degree = np.diff(netlist.net_ptr)
    net = np.repeat(np.arange(netlist.num_nets), degree)
    node = netlist.pin_node[netlist.net_pin].astype(np.int64)
    star = netlist.num_nodes + net
    spring = (netlist.net_weight / np.maximum(degree - 1, 1))[net]

    links = coo_array((spring, (node, star)), shape=(size, size)).tocsr()
    links = csr_array(links + links.T)
    total = np.asarray(links.sum(axis=1)).ravel()
    free = np.flatnonzero(np.concatenate([~held, np.ones(netlist.num_nets, np.bool_)]) & (total > 0))
    fixed = np.flatnonzero(np.concatenate([held, np.zeros(netlist.num_nets, np.bool_)]))
    # a weak spring to the middle keeps what hangs on nothing fixed from floating
    diagonal: F64 = np.asarray(total[free] * (1 + _HOLD), np.float64)
    system = csr_array(diags_array(diagonal) - links[free][:, free])
    to_fixed = csr_array(links[free][:, fixed])
    dx, dy = oriented_offsets_um(netlist.pin_dx_um, netlist.pin_dy_um, initial.orient[netlist.pin_node])
    held_pin = held[node]
    out = []
    for at, offset, extent in ((initial.x_um, dx, canvas.width_um), (initial.y_um, dy, canvas.height_um)):
        pull = np.zeros(size)
        # a held macro pulls from where its pin is
        np.add.at(pull, star[held_pin], (spring * offset[netlist.net_pin])[held_pin])
        right = to_fixed @ at[fixed] + pull[free] + _HOLD * total[free] * extent / 2
        full = np.full(size, extent / 2)
        full[free] = _descend(system, diagonal, right, full[free])
        out.append(np.clip(full[cells], 0.0, extent))
    return out[0], out[1]


def _descend(system: csr_array, diagonal: F64, right: F64, start: F64) -> F64:
    """Solve by conjugate gradients scaled by the diagonal.

    Sums stand where a dot product would, since those of a threaded library are neither quick at this size nor equal
    with any number of threads.
    """
    at = start.copy()
    left = right - system @ at
    aim = float(((right * right) / diagonal).sum()) * _TOLERANCE**2
    scaled = left / diagonal
    way = scaled.copy()
    size = float((left * scaled).sum())
    for _ in range(_MAX_STEPS):
        if size <= aim:
            break
        turned = system @ way
        step = size / float((way * turned).sum())
        at += step * way
        left -= step * turned
        scaled = left / diagonal
        before, size = size, float((left * scaled).sum())
        way = scaled + (size / before) * way
    return at
