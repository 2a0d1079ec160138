"""`floorplan plot`: figures and animations of runs, placements and netlists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from floorplan.cli.options import OptionError, need_folders

__all__ = ["Plot"]

_MAX_FRAMES = 600


@dataclass(frozen=True)
class Plot:
    """Draw a run, a placement or a netlist: a figure as PNG, SVG or PDF, or an animation as GIF or MP4."""

    runs: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN|PLACEMENT|NETLIST")]
    """As for `floorplan report`. Several are drawn together by --what curves and --what cost; as an animation, the
    search goes from one placement to the next."""

    out: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """FILE.png, .svg, .pdf, .gif or .mp4 (which needs ffmpeg)."""

    what: Literal["placement", "density", "congestion", "curves", "cost"] | None = None
    """What to draw; by itself the placement, or the curves of a run without one."""

    netlist: Annotated[Path | None, tyro.conf.arg(metavar="NETLIST")] = None
    """Netlist of a placement that has none beside it, or of a run whose netlist has moved."""

    weights: Annotated[tuple[float, float, float] | None, tyro.conf.arg(metavar="WL DEN CONG")] = None
    """Weights of wirelength, density and congestion in the proxy; without them, those of each run, or 1 / 0.5 / 0.5."""

    title: str | None = None
    """Heading of the figure."""

    frames: int = 60
    """Most frames of an episode, before its end stays for a moment."""

    fps: int = 12
    """Frames a second of an animation."""

    def run(self) -> int:
        """Draw, and print the path of the file.

        Raises:
            OptionError: nothing to draw, no such folder or format, or flags that do not go together.
        """
        from floorplan.cost import CostOptions, CostWeights
        from floorplan.figure_style import SUFFIXES
        from floorplan.report.animation import ANIMATED, write_animation
        from floorplan.report.plots import write_plot
        from floorplan.report.runs import Source, read_runs, with_titles_apart

        if not self.runs:
            raise OptionError("name at least one run, placement or netlist")
        need_folders(self.out)
        if self.out.suffix not in (*SUFFIXES, *ANIMATED):
            raise OptionError(f"{self.out}: can be drawn as {', '.join((*SUFFIXES, *ANIMATED))}")
        if not 2 <= self.frames <= _MAX_FRAMES or not 1 <= self.fps <= 50:
            raise OptionError(f"--frames is 2 to {_MAX_FRAMES} and --fps 1 to 50")
        animated = self.out.suffix in ANIMATED
        if animated and self.what not in (None, "placement"):
            raise OptionError(f"--what {self.what} stands still: animations show the placement")
        options = None if self.weights is None else CostOptions(CostWeights(*self.weights))
        source = Source(netlist=self.netlist, options=options)
        runs = with_titles_apart([run for path in self.runs for run in read_runs(path, source)])
        if animated:
            write_animation(self.out, runs, self.title, self.frames, self.fps)
        else:
            write_plot(self.out, runs, self.what, self.title)
        print(self.out)
        return 0
