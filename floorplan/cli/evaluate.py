"""`floorplan evaluate`: the exact cost and the legality of a placement."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

__all__ = ["Evaluate"]


@dataclass(frozen=True)
class Evaluate:
    """Say what a placement costs and whether it is legal."""

    netlist: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="NETLIST")]
    """Netlist in protobuf text (.pb.txt, also .gz or .xz)."""

    placement: Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="PLACEMENT")] = None
    """Placement (.plc, also .gz or .xz); without one, the file beside the netlist."""

    weights: Annotated[tuple[float, float, float], tyro.conf.arg(metavar="WL DEN CONG")] = (1.0, 0.5, 0.5)
    """Weights of wirelength, density and congestion in the proxy."""

    density_top: float = 0.1
    """Share of the grid cells, densest first, that the density cost averages."""

    congestion_top: float = 0.05
    """Share of the horizontal and vertical cells, fullest first, that the congestion cost averages."""

    square_soft: tyro.conf.FlagCreatePairsOff[bool] = False
    """Make soft macros square first, as the ICCAD04 suite was costed."""

    png: Annotated[Path | None, tyro.conf.arg(metavar="FILE.png")] = None
    """Also draw the placement here."""

    maps: Annotated[Path | None, tyro.conf.arg(metavar="FILE.png")] = None
    """Also draw the density and congestion maps here."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON object instead of a table."""

    def run(self) -> int:
        """Evaluate and print; an illegal placement is a result, not an error."""
        from floorplan.cli.result import cost_line, print_json, print_table, result_object
        from floorplan.cost import CostEngine, CostOptions, CostWeights
        from floorplan.formats import read_problem
        from floorplan.netlist import check_legality

        options = CostOptions(CostWeights(*self.weights), self.density_top, self.congestion_top, self.square_soft)
        problem = read_problem(self.netlist, self.placement)
        engine = CostEngine(problem, options)
        cost = engine.full(problem.initial)
        legality = check_legality(problem, problem.initial)
        if self.png or self.maps:
            from floorplan.report import write_maps_png, write_placement_png

            title = f"{problem.netlist.name}\n{cost_line(cost, options)} - {'legal' if legality.legal else 'ILLEGAL'}"
            if self.png:
                write_placement_png(self.png, problem, problem.initial, title)
            if self.maps:
                maps = engine.maps(problem.initial)
                write_maps_png(self.maps, problem, problem.initial, maps, problem.netlist.name)
        if self.json:
            print_json(result_object(problem, cost, options, legality))
        else:
            print_table(problem, cost, options, legality)
        return 0
