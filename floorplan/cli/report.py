"""`floorplan report`: what runs left behind, as one page to look at, to print and to send."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from floorplan.cli.options import OptionError, need_folders

__all__ = ["Report"]


@dataclass(frozen=True)
class Report:
    """Write a page on one run, or on several side by side, that opens from disk without a network."""

    runs: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Run folder of training, fine-tuning or pre-training; results folder of a benchmark, or a row of it (FOLDER#KEY);
    placement (.plc); netlist."""

    out: Annotated[Path, tyro.conf.arg(metavar="FILE.html")]
    """The page to write."""

    netlist: Annotated[Path | None, tyro.conf.arg(metavar="NETLIST")] = None
    """Netlist of placements that have none beside them, and of runs whose netlist has moved."""

    constraints: Annotated[Path | None, tyro.conf.arg(metavar="FILE.toml")] = None
    """Constraints that placements are checked against, as in `floorplan evaluate`."""

    weights: Annotated[tuple[float, float, float] | None, tyro.conf.arg(metavar="WL DEN CONG")] = None
    """Weights of wirelength, density and congestion in the proxy; without them, those of each run, or 1 / 0.5 / 0.5."""

    bound: tyro.conf.FlagCreatePairsOff[bool] = False
    """Compute certified lower bounds that are not known yet; takes seconds to minutes; kept beside the run."""

    title: str | None = None
    """Heading of the page."""

    def run(self) -> int:
        """Write the page and print its path.

        Raises:
            OptionError: nothing to report on, or the folder of the page does not exist.
        """
        from floorplan.cost import CostOptions, CostWeights
        from floorplan.files import atomic_write_text
        from floorplan.report.page import page, sheets_of
        from floorplan.report.runs import Source, read_runs

        if not self.runs:
            raise OptionError("name at least one run, placement or netlist")
        need_folders(self.out)
        if self.out.suffix not in (".html", ".htm"):
            raise OptionError(f"{self.out}: a report is a page, FILE.html; pictures are made by `floorplan plot`")
        options = None if self.weights is None else CostOptions(CostWeights(*self.weights))
        source = Source(netlist=self.netlist, constraints=self.constraints, options=options)
        runs = [run for path in self.runs for run in read_runs(path, source)]
        atomic_write_text(self.out, page(sheets_of(runs, bound=self.bound), self.title))
        print(self.out)
        return 0
