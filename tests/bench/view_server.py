"""Serve a made design of a given number of cells, and the same mirrored, for tests and figures of the viewer."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from flat_designs import flat_design

from floorplan.view.run import serve
from floorplan.view.source import Frame, Opened


def show(url: str) -> None:
    print(url, flush=True)


if __name__ == "__main__":
    problem = flat_design(int(sys.argv[1]))
    made, nl = problem.initial, problem.netlist
    mirrored = made.x_um.copy()
    mirrored[nl.soft] = problem.canvas.width_um - mirrored[nl.soft]
    mirrored[nl.hard] = mirrored[np.roll(nl.hard, 1)]
    frames = (Frame("made", made), Frame("mirrored", made.replace(mirrored, made.y_um)))
    opened = Opened(nl.name, problem, frames)
    serve(opened, Path(nl.name), None, show, usual_port=0, token="b" * 43)
