"""Serve a made design of a given number of cells, for the figures of the viewer."""

from __future__ import annotations

import sys
from pathlib import Path

from flat_designs import flat_design

from floorplan.view.run import serve
from floorplan.view.source import Frame, Opened


def show(url: str) -> None:
    print(url, flush=True)


if __name__ == "__main__":
    problem = flat_design(int(sys.argv[1]))
    opened = Opened(problem.netlist.name, problem, (Frame("made", problem.initial),))
    serve(opened, Path(problem.netlist.name), None, show, usual_port=0, token="b" * 43)
