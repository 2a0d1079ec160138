"""GSRC and MCNC floorplanning circuits (.blocks with .nets and .pl) as problems of hard macros and ports."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from floorplan.errors import NetlistError, ParseError, ProblemError
from floorplan.files import plain_name
from floorplan.formats.assemble import Connections, NameClashError, NodeTable, assemble
from floorplan.formats.design import Design
from floorplan.formats.gsrc.canvas import blocks_canvas, blocks_problem, check_white_space
from floorplan.formats.gsrc.tables import Blocks, GsrcNets, Spots, find_files, read_block_nets, read_blocks, read_spots
from floorplan.formats.ports import spread_on_edges
from floorplan.geometry import oriented_size_um
from floorplan.netlist import Canvas, Netlist, NodeKind, Placement

__all__ = ["aspect_ranges", "read_gsrc"]

_ASPECT = "aspect {} {}"  # of the metadata: min or max, and the block

log = logging.getLogger(__name__)

F64 = npt.NDArray[np.float64]


def read_gsrc(
    path: str | Path, *, aspect: float = 1.0, white_space: float | None = None, units_per_um: float = 1.0
) -> Design:
    """Read a floorplanning circuit: every block a hard macro, every terminal a port.

    The canvas is the box of the origin and the terminals, which in the public suites is a square, or nearly one, with
    15 % more area than the blocks. Where that has less area than the blocks, or `white_space` is given, it is a square
    of the blocks' area times (1 + white space), and the terminals keep their relative positions on it. Terminals
    without position are spread over the edges. The grid has 4 cells a side for each block, were they to stand in a
    square, but 10 to 128 (`blocks_canvas`).

    A soft block is a macro of the width / height nearest to `aspect` in its range, or of the DIMS that .pl gives it;
    `aspect_ranges` finds the range again. A rectilinear block is its bounding box. Each connection is a pin of its own,
    at its per cent of the block's size, or at the centre. Blocks may be turned; positions of blocks count unless two
    of them have the same, as in circuits that were never floorplanned.

    Args:
        path: .blocks, .nets or .pl; the others stand beside it, each plain, .gz or .xz.
        aspect: wanted width / height of soft blocks.
        white_space: share of the blocks' area; None for the terminals' outline.
        units_per_um: the file's units in a um.

    Raises:
        ParseError: a file is missing, damaged, or does not fit the others; it names the line.
        ProblemError: an option is out of range.
    """
    for what, value in (("aspect", aspect), ("units_per_um", units_per_um)):
        if not (math.isfinite(value) and value > 0):
            raise ProblemError(f"{what} must be positive, got {value}")
    check_white_space(white_space)
    files = find_files(Path(path))
    blocks = read_blocks(files["blocks"])
    nets = read_block_nets(files["nets"], blocks)
    spots = read_spots(files["pl"], blocks) if "pl" in files else Spots([], [], [], [], {}, [])
    size = _sizes(files, blocks, spots, aspect)
    if any(blocks.cut):
        log.info("%s: %d rectilinear blocks are taken as their bounding boxes", path, sum(blocks.cut))
    name = plain_name(files["blocks"]).removesuffix(".blocks")
    netlist = _netlist(name, files["blocks"], blocks, nets, size, units_per_um)
    try:
        canvas, placement, origin = _place(netlist, blocks, size, spots, white_space, units_per_um)
        problem = blocks_problem(netlist, canvas, placement)
    except ProblemError as e:
        raise ParseError(files.get("pl", files["blocks"]), 0, str(e)) from None
    return Design(problem, "gsrc", tuple(files.values()), origin, units_per_um)


def aspect_ranges(netlist: Netlist) -> F64:
    """Return (N, 2): least and largest width / height that each node may take; its own where its shape is settled.

    The range of a soft block is kept in the netlist's metadata, so it survives in protobuf text.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        out = np.repeat((netlist.node_w_um / netlist.node_h_um)[:, None], 2, axis=1)
    said = dict(netlist.metadata)
    for i, name in enumerate(netlist.node_name):
        least, most = said.get(_ASPECT.format("min", name)), said.get(_ASPECT.format("max", name))
        if isinstance(least, float) and isinstance(most, float):
            out[i] = least, most
    return out


def _sizes(files: dict[str, Path], blocks: Blocks, spots: Spots, aspect: float) -> F64:
    """Return (N, 2) in the file's units, soft blocks in the shape that .pl or the option gives them."""
    size = np.array(blocks.size)
    for i, area in enumerate(blocks.area):
        if not area:
            continue
        least, most = blocks.aspect[i]
        shape = min(max(aspect, least), most)
        size[i] = math.sqrt(area * shape), math.sqrt(area / shape)
        if i in spots.dims:
            w, h = spots.dims[i]
            if not abs(w * h - area) <= 0.01 * area:
                said = f"{blocks.name[i]!r} is {w:g} x {h:g} here, but its area is {area:g}"
                raise ParseError(files["pl"], spots.line[spots.node.index(i)], said)
            size[i] = w, h
    return size


def _netlist(name: str, path: Path, blocks: Blocks, nets: GsrcNets, size: F64, units_per_um: float) -> Netlist:
    kind = np.where(blocks.terminal, NodeKind.PORT, NodeKind.HARD).astype(np.uint8)
    node = np.array(nets.node, np.int64)
    w, h = size[:, 0] / units_per_um, size[:, 1] / units_per_um
    joins = Connections(
        np.array(nets.begin, np.int64),
        node,
        np.array(nets.out, np.bool_),
        np.array(nets.share_x) * w[node],
        np.array(nets.share_y) * h[node],
    )
    kept = [
        (_ASPECT.format(which, blocks.name[i]), blocks.aspect[i][k])
        for i, area in enumerate(blocks.area)
        if area
        for k, which in enumerate(("min", "max"))
    ]
    try:
        return assemble(name, NodeTable(blocks.name, kind, w, h), joins, metadata=kept)
    except NameClashError as e:
        raise ParseError(path, blocks.line[blocks.id.get(e.name, e.owner)], str(e)) from None
    except NetlistError as e:
        raise ParseError(path, 0, f"{e} at {units_per_um} units to the um") from None


def _place(
    netlist: Netlist, blocks: Blocks, size: F64, spots: Spots, white_space: float | None, units_per_um: float
) -> tuple[Canvas, Placement, tuple[float, float]]:
    """Return the canvas, the positions on it, and the canvas's corner in the file's coordinates."""
    n = netlist.num_nodes
    at = np.array(spots.node, np.int64)
    x, y, placed, orient = np.zeros(n), np.zeros(n), np.zeros(n, np.bool_), np.zeros(n, np.uint8)
    x[at], y[at], orient[at] = np.array(spots.x) / units_per_um, np.array(spots.y) / units_per_um, spots.orient
    placed[at] = True
    terminal = np.array(blocks.terminal)
    known, bare = terminal & placed, np.flatnonzero(terminal & ~placed)
    x0, y0 = float(x[known].min(initial=0.0)), float(y[known].min(initial=0.0))
    outline = float(x[known].max(initial=0.0)) - x0, float(y[known].max(initial=0.0)) - y0
    canvas, stretch_x, stretch_y = blocks_canvas(netlist, outline, white_space)

    # .pl gives the lower left corner of the bounding box, wherever the outline has its own origin
    w, h = oriented_size_um(size[:, 0] / units_per_um, size[:, 1] / units_per_um, orient)
    x, y = x - x0, y - y0
    block = ~terminal & placed
    if len(np.unique(np.stack([x[block], y[block]]), axis=1).T) < block.sum():
        placed[block] = False
    x[block], y[block] = x[block] + w[block] / 2, y[block] + h[block] / 2
    x[known], y[known] = x[known] * stretch_x, y[known] * stretch_y
    x[bare], y[bare] = spread_on_edges(len(bare), canvas.width_um, canvas.height_um)
    placed[bare] = True
    orient[terminal | ~placed] = 0
    return canvas, Placement(np.where(placed, x, 0.0), np.where(placed, y, 0.0), orient, placed), (x0, y0)
