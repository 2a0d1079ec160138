"""All reality checks of one placement."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from floorplan.errors import ProblemError
from floorplan.netlist import Placement, Problem
from floorplan.reality.access import PinReport, check_pins
from floorplan.reality.channels import ChannelReport, check_channels
from floorplan.reality.flat import FlatNetlist, place_flat
from floorplan.reality.options import RealityOptions
from floorplan.reality.outlines import outlines
from floorplan.reality.router import RoutingReport, route_nets
from floorplan.reality.softroom import SoftReport, check_soft_room
from floorplan.reality.steiner import SteinerReport, check_steiner

__all__ = ["FlatReport", "RealityReport", "check_reality"]


@dataclass(frozen=True)
class FlatReport:
    """Checks on the nets of the unclustered netlist.

    Attributes:
        netlist_hash: its content hash.
        nets: its nets.
        steiner: wirelength, the cells spread over their soft macros.
        routing: overflow.
    """

    netlist_hash: str
    nets: int
    steiner: SteinerReport
    routing: RoutingReport


@dataclass(frozen=True)
class RealityReport:
    """What the proxy does not see of a placement.

    Attributes:
        channels: room between hard macros.
        pins: hard-macro pins that are boxed in.
        soft: soft area where there is no room for it.
        steiner: Steiner wirelength of the nets.
        routing: overflow of the nets under a pattern router.
        flat: Steiner wirelength and overflow of the unclustered nets, None without such a netlist.
    """

    channels: ChannelReport
    pins: PinReport
    soft: SoftReport
    steiner: SteinerReport
    routing: RoutingReport
    flat: FlatReport | None = None

    def to_dict(self) -> dict[str, object]:
        """Return all of it as plain values, ready for JSON."""
        return asdict(self)


def check_reality(
    problem: Problem, placement: Placement, flat: FlatNetlist | None = None, options: RealityOptions | None = None
) -> RealityReport:
    """Check a placement, legal or not, for what a low proxy can hide.

    Args:
        problem: netlist and canvas.
        placement: of all nodes.
        flat: the netlist before clustering, from `read_flat`.
        options: thresholds and efforts.

    Raises:
        ProblemError: a node is not placed, the placement or the flat netlist belongs to another netlist, the netlist
            has no net, or the routing grid would have more than 4096 cells along a side.
    """
    options = options or RealityOptions()
    nl, cv = problem.netlist, problem.canvas
    if len(placement) != nl.num_nodes:
        raise ProblemError(f"placement has {len(placement)} nodes, the netlist {nl.num_nodes}")
    if not placement.placed.all():
        name = nl.node_name[int(np.argmin(placement.placed))]
        raise ProblemError(f"{name} is not placed; the reality checks need a whole placement")
    if max(cv.columns, cv.rows) * options.grid_factor > 4096:
        raise ProblemError(f"grid_factor {options.grid_factor} makes more than 4096 routing cells along a side")
    hard = outlines(nl, placement, nl.hard)
    # The cheap test of whether the two belong together comes before the work.
    flat_placement = None if flat is None else place_flat(flat, nl, placement)
    return RealityReport(
        channels=check_channels(problem, hard, options),
        pins=check_pins(problem, placement, hard, options),
        soft=check_soft_room(nl, cv, placement, hard),
        steiner=check_steiner(nl, placement),
        routing=route_nets(cv, hard, nl, placement, options),
        flat=None
        if flat is None or flat_placement is None
        else FlatReport(
            netlist_hash=flat.netlist.content_hash,
            nets=flat.netlist.num_nets,
            steiner=check_steiner(flat.netlist, flat_placement),
            routing=route_nets(cv, hard, flat.netlist, flat_placement, options),
        ),
    )
