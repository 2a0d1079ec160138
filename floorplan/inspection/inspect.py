"""Everything that `floorplan inspect` says, as one object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from floorplan.formats.design import Design
from floorplan.inspection.degrees import (
    Spread,
    WeightRange,
    components,
    fan_outs,
    net_degrees,
    spread_of,
    weight_range,
)
from floorplan.inspection.odd_nets import odd_nets
from floorplan.inspection.odd_places import odd_places
from floorplan.inspection.rent import LEAST_NODES, Rent, rent_exponent
from floorplan.inspection.sizes import Areas, Counts, SizeGroup, areas_of, counts_of, size_groups
from floorplan.inspection.suspicion import Suspicion
from floorplan.inspection.unmet import unmet_constraints

__all__ = ["Inspection", "inspect_design"]


@dataclass(frozen=True, eq=False)
class Inspection:
    """What is in a design.

    Attributes:
        design: what was inspected.
        counts: nodes, pins and nets.
        areas: of the canvas and of the nodes on it.
        sizes: equal hard macros, the largest area first.
        degree: pins of a net.
        fan_out: sinks of a node that drives a net.
        weights: of the nets.
        components: number of parts of two or more nodes that no net ties together, and nodes of the largest.
        rent: None where it was not measured.
        rent_reason: why not, "" where it was.
        suspicions: errors first.
    """

    design: Design
    counts: Counts
    areas: Areas
    sizes: tuple[SizeGroup, ...]
    degree: Spread
    fan_out: Spread
    weights: WeightRange
    components: tuple[int, int]
    rent: Rent | None
    rent_reason: str
    suspicions: tuple[Suspicion, ...]

    @property
    def constraints(self) -> Mapping[str, object]:
        """What the design asks of a placement beyond no overlaps, as plain values."""
        return self.design.problem.constraints()

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain values; keys are added between versions, never renamed or removed."""
        d, p = self.design, self.design.problem
        cv = p.canvas
        return {
            "format": d.format,
            "files": [str(path) for path in d.paths],
            "netlist": p.netlist.name,
            "netlist_hash": p.netlist.content_hash,
            "counts": asdict(self.counts),
            "canvas": asdict(cv) | {"origin_um": list(d.origin_um)},
            "units_per_um": d.units_per_um,
            "manufacturing_grid_um": d.manufacturing_grid_um,
            "site_um": None if d.site_um is None else list(d.site_um),
            "area_um2": asdict(self.areas),
            "utilisation": {"hard": self.areas.hard_utilisation, "total": self.areas.utilisation},
            "macro_sizes": [asdict(g) for g in self.sizes],
            "net_degree": _spread_dict(self.degree),
            "fan_out": _spread_dict(self.fan_out),
            "net_weight": asdict(self.weights),
            "components": {"count": self.components[0], "largest_nodes": self.components[1]},
            "rent": None
            if self.rent is None
            else asdict(self.rent) | {"levels": [asdict(v) for v in self.rent.levels]},
            "rent_reason": self.rent_reason,
            "constraints": dict(self.constraints),
            "suspicions": [s.to_dict() for s in self.suspicions],
        }


def inspect_design(design: Design, *, rent_up_to: int | None = None, seed: int = 1) -> Inspection:
    """Look at a design without changing it.

    Args:
        design: what to look at.
        rent_up_to: measure Rent's exponent on netlists of at most so many nodes; None measures always, 0 never.
        seed: of the partitions that the exponent is measured on.
    """
    import numpy as np

    problem = design.problem
    nl = problem.netlist
    areas = areas_of(problem)
    rent, reason = None, ""
    if rent_up_to == 0:
        reason = "not asked for"
    elif rent_up_to is not None and nl.num_nodes > rent_up_to:
        reason = f"{nl.num_nodes:,} nodes can take minutes; --rent always measures it"
    else:
        rent = rent_exponent(nl, seed)
        reason = "" if rent else f"too few nodes or nets for three levels of blocks (at least {LEAST_NODES} nodes)"
    part = components(nl)
    size = np.bincount(part[part >= 0])
    found = (*unmet_constraints(problem), *odd_places(design, areas), *odd_nets(nl))
    return Inspection(
        design=design,
        counts=counts_of(problem),
        areas=areas,
        sizes=size_groups(problem, design.master),
        degree=spread_of(net_degrees(nl)),
        fan_out=spread_of(fan_outs(nl)),
        weights=weight_range(nl),
        components=(len(size), int(size.max(initial=0))),
        rent=rent,
        rent_reason=reason,
        suspicions=tuple(sorted(found, key=lambda s: s.rank)),
    )


def _spread_dict(spread: Spread) -> dict[str, object]:
    return asdict(spread) | {"histogram": [list(pair) for pair in spread.histogram]}
