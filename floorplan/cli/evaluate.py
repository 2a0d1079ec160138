"""`floorplan evaluate`: the exact cost and the legality of a placement."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from floorplan.cli.options import OptionError, need_folders

if TYPE_CHECKING:
    from floorplan.netlist import Problem
    from floorplan.reality import RealityReport

__all__ = ["Evaluate"]


@dataclass(frozen=True)
class Evaluate:
    """Say what a placement costs and whether it is legal."""

    files: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="NETLIST [PLACEMENT]")]
    """Design in any format that convert reads, as in `netlist.pb.txt` or `cells.lef top.def`, and what places it, where
    that is apart (.plc or another that convert reads); a netlist in protobuf text has its .plc beside it."""

    constraints: Annotated[Path | None, tyro.conf.arg(metavar="FILE.toml")] = None
    """Fixed macros, halos, spacings, blockages, regions, orientations, snapping and preferred edges, to be checked."""

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

    checks: tyro.conf.FlagCreatePairsOff[bool] = False
    """Also print what the proxy does not see: channels, boxed-in pins, Steiner length, overflow, soft area."""

    flat: Annotated[Path | None, tyro.conf.arg(metavar="FLAT.pb.txt")] = None
    """The netlist before clustering, whose nets the checks also route; needs --groups, implies --checks."""

    groups: Annotated[Path | None, tyro.conf.arg(metavar="GROUPS")] = None
    """The clustering: a group number a line for each node and pin of --flat (groups.final)."""

    check_grid: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """Routing cells of the checks along each side of a canvas cell."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON object instead of a table."""

    def run(self) -> int:
        """Evaluate and print; an illegal placement is a result, not an error.

        Raises:
            OptionError: one of --flat and --groups is given without the other.
        """
        from floorplan.cli.ready import constrained, gridded
        from floorplan.cli.result import cost_line, print_json, print_table, result_object
        from floorplan.cost import CostEngine, CostOptions, CostWeights
        from floorplan.formats.read import read_design
        from floorplan.netlist import check_legality

        if (self.flat is None) != (self.groups is None):
            raise OptionError("--flat and --groups belong together: give both or neither")
        need_folders(self.png, self.maps)
        options = CostOptions(CostWeights(*self.weights), self.density_top, self.congestion_top, self.square_soft)
        if not self.files:
            raise OptionError("evaluate takes at least one file: the design")
        problem = constrained(gridded(read_design(*self.files, need_canvas=True)), self.constraints).problem
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
        report = self._check(problem) if self.checks or self.flat else None
        if self.json:
            result = result_object(problem, cost, options, legality)
            print_json(result if report is None else {**result, "checks": report.to_dict()})
        else:
            extra = None
            if report is not None:
                from floorplan.cli.checks import check_rows

                extra = check_rows(report)
            print_table(problem, cost, options, legality, extra)
        return 0

    def _check(self, problem: Problem) -> RealityReport:
        from floorplan.reality import RealityOptions, check_reality, read_flat

        options = RealityOptions(grid_factor=self.check_grid)
        flat = None
        if self.flat is not None and self.groups is not None:
            flat = read_flat(self.flat, self.groups, problem.netlist)
        return check_reality(problem, problem.initial, flat, options)
