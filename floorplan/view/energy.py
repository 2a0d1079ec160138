"""What wires and a chip under load cost in energy, for the page: maps over the canvas and headline figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from floorplan.estimate import Estimator, EstimatorOptions, IncrementalEstimate
from floorplan.estimate.kernels.spread import spread
from floorplan.estimate.length import Boxes, detours, net_boxes_um, pin_factor
from floorplan.estimate.technology import node, system_constants
from floorplan.estimate.wires import energy_per_bit_m
from floorplan.geometry import oriented_offsets_um

if TYPE_CHECKING:
    from floorplan.cost import CostArrays, CostMaps
    from floorplan.estimate import Estimate, Totals
    from floorplan.netlist import Canvas, Placement, Problem
    from floorplan.view.serving import Serving

__all__ = ["ChipEnergy", "WireEnergy", "boxes_um", "told"]

F64 = npt.NDArray[np.float64]

_MM2_PER_UM2 = 1e-6
_NETS = 8
_NODES_OF_A_NET = 64

FIGURES = (
    ("tokens_per_s", "Tokens/s", 1),
    ("j_per_token", "J/token", -1),
    ("ns_per_token", "Time/token", -1),
    ("power_w", "Power", -1),
    ("temperature_max_c", "Hottest", -1),
    ("wns_ps", "Worst slack", 1),
)
"""Name of the quantity, what the page calls it, and whether more (1) or less (-1) of it is better."""


def boxes_um(arrays: CostArrays, placement: Placement) -> tuple[Boxes, npt.NDArray[np.bool_]]:
    """Return the boxes of the nets' placed pins, (E,), and which nets have any; the others' are a point at (0, 0)."""
    a, p = arrays, placement
    dx, dy = oriented_offsets_um(a.term_dx, a.term_dy, p.orient[a.term_node])
    x, y = p.x_um[a.term_node] + dx, p.y_um[a.term_node] + dy
    on, at = p.placed[a.term_node], a.net_ptr[:-1]
    if not on.all():
        low = [np.minimum.reduceat(np.where(on, v, np.inf), at) for v in (x, y)]
        high = [np.maximum.reduceat(np.where(on, v, -np.inf), at) for v in (x, y)]
    else:
        low = [np.minimum.reduceat(v, at) for v in (x, y)]
        high = [np.maximum.reduceat(v, at) for v in (x, y)]
    known = high[0] >= low[0]
    x0, x1, y0, y1 = (np.where(known, v, 0.0) for v in (low[0], high[0], low[1], high[1]))
    return Boxes(x0, x1, y0, y1), known


def _per_mm2(boxes: Boxes, amount: F64, canvas: Canvas) -> F64:
    """Spread amounts (E,) evenly over the nets' boxes; return (rows, columns) per square millimetre."""
    out = np.zeros((canvas.rows, canvas.columns))
    spread(boxes.x0_um, boxes.x1_um, boxes.y0_um, boxes.y1_um, amount, canvas.width_um, canvas.height_um, out)
    return out / (canvas.cell_w_um * canvas.cell_h_um * _MM2_PER_UM2)


class WireEnergy:
    """Energy of one random bit on every wire, by where the wires run.

    Lengths are those of the estimate: half-perimeter x factor of the pin count x detour by the congestion maps.
    """

    def __init__(self, problem: Problem, arrays: CostArrays, technology: str) -> None:
        """Prepare.

        Raises:
            UnknownNameError: there is no such node.
        """
        nl = problem.netlist
        self.technology = node(technology)
        self.j_per_bit_m = energy_per_bit_m(self.technology).value
        self._canvas, self._arrays = problem.canvas, arrays
        pins = np.bincount(arrays.node_net, minlength=nl.num_nets)
        constants = system_constants()
        self._base, self._slope = constants["base_detour"].value, constants["overflow_detour"].value
        self._pj_per_um = pin_factor(pins) * arrays.net_demand * (self.j_per_bit_m * 1e-6 * 1e12)

    def pj_per_mm2(self, placement: Placement, maps: CostMaps) -> F64:
        """Return (rows, columns) pJ per square millimetre of canvas; nodes without a place are left out."""
        boxes, known = boxes_um(self._arrays, placement)
        routed = boxes.hpwl_um * (self._base + detours(maps, boxes, self._canvas, self._slope))
        return _per_mm2(boxes, np.where(known, self._pj_per_um * routed, 0.0), self._canvas)


class ChipEnergy:
    """The estimate of a chip under its load, for the placements that the page shows. Not for two threads at once."""

    def __init__(self, serving: Serving) -> None:
        """Build the estimator.

        Raises:
            EstimateError: the chip and its load make no sense together.
        """
        self.serving = serving
        self.estimator = Estimator(serving.chip, serving.load, EstimatorOptions(technology=serving.technology))
        self._moves: tuple[int, IncrementalEstimate] | None = None

    @property
    def grid(self) -> int:
        """Cells of the temperature map along each side."""
        return self.estimator.options.grid

    def estimate(self, placement: Placement) -> Estimate:
        """Return the estimate of a placement.

        Raises:
            IllegalPlacementError: the placement is not legal.
            ThermalRunawayError: the die has no steady temperature.
        """
        return self.estimator.estimate(placement)

    def uj_per_token_mm2(self, placement: Placement, estimate: Estimate) -> F64:
        """Return (rows, columns) microjoules a token takes on the wires, per square millimetre."""
        canvas = self.serving.chip.problem.canvas
        boxes = net_boxes_um(self.estimator.terminals, placement)
        return _per_mm2(boxes, 1e6 * estimate.nets.j_per_token, canvas)

    def costly_nets(self, placement: Placement, estimate: Estimate) -> list[dict[str, Any]]:
        """Return the nets whose wires take most of a token's joules, with their boxes (um) and nodes."""
        nl = self.serving.chip.problem.netlist
        boxes = net_boxes_um(self.estimator.terminals, placement)
        total = estimate.totals.j_per_token
        out = []
        for row in estimate.nets.ranking(_NETS):
            e = row["net"]
            nodes = nl.pin_node[nl.net_pin[nl.net_ptr[e] : nl.net_ptr[e + 1]]]
            box = (boxes.x0_um[e], boxes.y0_um[e], boxes.x1_um[e], boxes.y1_um[e])
            out.append(
                {
                    "name": f"{row['source']}, {row['traffic'].replace('_', ' ')}",
                    "j_per_token": row["j_per_token"],
                    "share": row["j_per_token"] / total,
                    "length_um": row["length_um"],
                    "box": [float(v) for v in box],
                    "nodes": np.unique(nodes)[:_NODES_OF_A_NET].tolist(),
                }
            )
        return out

    def proposed(
        self, version: int, placement: Placement, move: tuple[int, float, float, int]
    ) -> dict[str, Any] | None:
        """Return the figures with one node elsewhere, and as things stand; None where a node has no place.

        Detours are those of the placement as it stands, as the crowding is measured anew only after a drop.
        """
        if not placement.placed.all():
            return None
        if self._moves is None:
            self._moves = version, IncrementalEstimate(self.estimator, placement)
        elif self._moves[0] != version:
            self._moves[1].load(placement)
            self._moves = version, self._moves[1]
        moves = self._moves[1]
        now = _at_once(moves.totals)
        moves.propose([move[0]], [move[1]], [move[2]], [move[3]])
        then = _at_once(moves.totals)
        moves.rollback()
        return None if now is None or then is None else {**then, "from": now}


def _at_once(totals: Totals) -> dict[str, float] | None:
    """Return the figures that follow from totals alone; None where the die has no steady temperature."""
    joules, seconds = totals.j_per_token, totals.seconds
    if not np.isfinite(joules):
        return None
    return {
        "tokens_per_s": 1.0 / seconds,
        "j_per_token": joules,
        "ns_per_token": totals.ns_per_token,
        "power_w": joules / seconds,
        "wns_ps": totals.wns_s * 1e12,
    }


def told(estimate: Estimate, opened: Estimate | None, canvas: Canvas) -> dict[str, Any]:
    """Return what the panel shows of an estimate, with its values as the placement was opened."""
    q, was = estimate.quantities, None if opened is None else opened.quantities
    heat = estimate.heat
    row, column = np.unravel_index(int(np.argmax(heat.temperature_c)), heat.temperature_c.shape)
    rows, columns = heat.temperature_c.shape
    return {
        "load": estimate.load,
        "technology": estimate.technology,
        "figures": [
            {
                "name": name,
                "label": label,
                "better": better,
                **q[name].to_dict(),
                "opened": None if was is None else was[name].value,
            }
            for name, label, better in FIGURES
        ],
        "parts": {name: part.value for name, part in estimate.parts.items()},
        "hottest": {
            "x": (int(column) + 0.5) * canvas.width_um / columns,
            "y": (int(row) + 0.5) * canvas.height_um / rows,
            "w": canvas.width_um / columns,
            "h": canvas.height_um / rows,
        },
    }
