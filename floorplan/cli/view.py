"""`floorplan view`: look at a floorplan in the browser, move macros and see what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from floorplan.errors import FloorplanError

__all__ = ["View"]


@dataclass(frozen=True)
class View:
    """Show a run, a placement or a netlist in the browser: pan, zoom, search, move macros, improve."""

    path: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN|PLACEMENT|NETLIST")]
    """Run folder, placement (.plc) or design of any format that is read, plain, .gz or .xz."""

    netlist: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Netlist of a placement; without it, the one beside it."""

    compare: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="PLACEMENT"), tyro.conf.UseAppendAction] = ()
    """A further placement of the same netlist, to compare with; may be given several times."""

    constraints: Annotated[Path | None, tyro.conf.arg(metavar="FILE.toml")] = None
    """Fixed macros, halos, spacings, blockages, regions, orientations and snapping to hold the macros to."""

    chip: Annotated[str | None, tyro.conf.arg(metavar="TEMPLATE")] = None
    """Template of the chip, for energy and temperature; default: what MANIFEST.toml beside the netlist says."""

    set: Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE"), tyro.conf.UseAppendAction] = ()
    """Parameter of the template that differs from its default; may be given several times."""

    model: Annotated[str | None, tyro.conf.arg(metavar="M")] = None
    """Language model that the chip serves; default: llama3-8b."""

    workload: Annotated[str | None, tyro.conf.arg(metavar="W")] = None
    """What it is asked: chatbot, coding, web-use or computer-use; default: chatbot."""

    precision: Annotated[str | None, tyro.conf.arg(metavar="P")] = None
    """Of weights and KV cache: bf16, fp8, nvfp4, ...; default: what the chip multiplies."""

    batch: Annotated[int | None, tyro.conf.arg(metavar="B")] = None
    """Requests decoded together; default: what fits, at most 64."""

    chips: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Chips that share the model; default: the fewest that hold it."""

    stages: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Pipeline stages that the chips make; default: as `floorplan estimate` takes them."""

    phase: Literal["both", "decode", "prefill"] = "both"
    """Count the workload's mix of phases, or one alone."""

    technology: Annotated[str | None, tyro.conf.arg(metavar="NODE")] = None
    """Process node of wires and energies: ng45, asap7, sky130, n28 to n7; default: the chip's, without a chip ng45."""

    policy: Annotated[Path | None, tyro.conf.arg(metavar="POLICY")] = None
    """Run folder or weights file that is asked where it wants a macro; default: the run's own, else the shipped one."""

    port: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Port on 127.0.0.1; 0 takes 8765, or any free one if that is taken."""

    browser: bool = True
    """Open the page in the browser."""

    def run(self) -> int:
        """Read, print the address, serve until Ctrl-C.

        Raises:
            FloorplanError: something cannot be read, or the port is taken.
        """
        from floorplan.view.run import announcer, serve
        from floorplan.view.serving import Wanted
        from floorplan.view.source import open_path

        if not 0 <= self.port <= 65535:
            raise FloorplanError(f"--port must be 0 to 65535, got {self.port}")
        wanted = Wanted(
            self.chip,
            self.set,
            self.model,
            self.workload,
            self.precision,
            self.batch,
            self.chips,
            self.stages,
            self.phase,
            self.technology,
        )
        opened = open_path(self.path, self.netlist, self.constraints, self.compare, wanted)
        serve(opened, self.path, self.port or None, announcer(browser=self.browser), policy=self.policy)
        return 0
