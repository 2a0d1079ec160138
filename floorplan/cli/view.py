"""`floorplan view`: look at a floorplan in the browser, move macros and see what it costs."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from floorplan.errors import FloorplanError

__all__ = ["View"]

_USUAL_PORT = 8765


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

    port: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Port on 127.0.0.1; 0 takes 8765, or any free one if that is taken."""

    browser: bool = True
    """Open the page in the browser."""

    def run(self) -> int:
        """Read, print the address, serve until Ctrl-C.

        Raises:
            FloorplanError: something cannot be read, the port is taken, or the packages of the viewer are missing.
        """
        try:
            from floorplan.view.run import serve
        except ModuleNotFoundError as error:
            if error.name not in ("starlette", "uvicorn"):
                raise
            raise FloorplanError(f"the viewer needs {error.name}: pip install 'floorplan-rl[view]'") from None
        from floorplan.view.source import open_path

        if not 0 <= self.port <= 65535:
            raise FloorplanError(f"--port must be 0 to 65535, got {self.port}")
        opened = open_path(self.path, self.netlist, self.constraints, self.compare)

        def show(url: str) -> None:
            sys.stdout.write(url + "\n")
            sys.stdout.flush()
            if self.browser:
                import webbrowser

                webbrowser.open(url)

        serve(opened, self.path, self.port or None, show, usual_port=_USUAL_PORT)
        return 0
