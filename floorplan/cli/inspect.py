"""`floorplan inspect`: what is in a design, and what looks wrong."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from floorplan.cli.options import need_folders

__all__ = ["Inspect"]


@dataclass(frozen=True)
class Inspect:
    """Say what is in a design: counts, sizes, degrees, Rent's exponent, and what looks wrong."""

    files: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="FILE...")]
    """Design of any format that is read, plain, .gz or .xz: one file, several that belong together (.lef and .def), or
    a netlist and its placement (.plc)."""

    constraints: Annotated[Path | None, tyro.conf.arg(metavar="FILE.toml")] = None
    """Constraints to look at with the design, as `floorplan place` takes them."""

    png: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also draw layout and histograms here (.png, .svg or .pdf)."""

    rent: Literal["auto", "always", "never"] = "auto"
    """Measure Rent's exponent: where it takes seconds (up to 20,000 nodes), always, or never."""

    seed: int = 1
    """Seed of the partitions that Rent's exponent is measured on."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON object instead of tables."""

    def run(self) -> int:
        """Read, inspect, print; what looks wrong is a result, not an error.

        Raises:
            OptionError: the folder of the picture does not exist.
        """
        from floorplan.cli.result import print_json
        from floorplan.formats.read import read_design
        from floorplan.inspection import AUTO_NODES, inspect_design

        need_folders(self.png)
        design = read_design(*self.files)
        if self.constraints is not None:
            from floorplan.formats.constraints_file import read_constraints

            bound = read_constraints(
                self.constraints,
                design.problem,
                site_um=design.site_um,
                manufacturing_grid_um=design.manufacturing_grid_um,
            )
            design = design.replace(problem=bound)
        up_to = {"auto": AUTO_NODES, "always": None, "never": 0}[self.rent]
        found = inspect_design(design, rent_up_to=up_to, seed=self.seed)
        if self.png is not None:
            from floorplan.report.inspect_figure import write_inspection_figure

            write_inspection_figure(self.png, found)
        if self.json:
            print_json(found.to_dict())
            return 0
        from rich.console import Console

        from floorplan.report.inspect_text import inspection_tables

        # without a terminal there is no width to fit into, and a name broken over two lines cannot be searched for
        width = None if sys.stdout.isatty() else 1000
        console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False, width=width)
        for table in inspection_tables(found):
            console.print(table)
        return 0
