"""Flat designs of any size whose nets obey Rent's rule, to measure clustering and readers on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from floorplan.netlist import Canvas, Netlist, NodeKind, Placement, Problem, Side

__all__ = ["flat_design"]

I64 = npt.NDArray[np.int64]

_RENT = 0.65
_CELL_UM = 2.0
_MACROS = 64
_PORTS = 256
_PINS = 32


def flat_design(cells: int, seed: int = 1, *, placed: bool = True) -> Problem:
    """Return a square design of so many cells, 64 hard macros of 32 pins each, and 256 ports.

    Cells are leaves of a binary tree, in order along a Z curve over the canvas. Each drives one net, its sinks at a
    level of the tree of which P(level > l) = 2^(l (r - 1)): a block of B cells then has terminals as B^r, r = 0.65.

    Args:
        cells: number of cells.
        seed: of the nets.
        placed: give the cells their places.
    """
    rng = np.random.default_rng(seed)
    levels = max(int(np.ceil(np.log2(cells))), 1)
    fan = np.minimum(rng.geometric(0.4, cells), 40)
    source = np.repeat(np.arange(cells), fan)
    span = np.minimum(np.ceil(np.log2(1.0 / rng.random(len(source))) / (1.0 - _RENT)), levels).astype(np.int64)
    sink = ((source >> span) << span) + (rng.random(len(source)) * (1 << span)).astype(np.int64)
    keep = (sink < cells) & (sink != source)
    pair = np.unique(source[keep] * cells + sink[keep])
    source, sink = np.divmod(pair, cells)
    macro, port, cell = np.arange(_MACROS), np.arange(_PORTS), np.arange(cells)
    # nodes: ports, macros, cells; pins: of ports, of macros (even ones drive, odd ones are driven), of cells
    first_cell = _PORTS + _MACROS * _PINS
    outer = np.concatenate([port, _PORTS + np.arange(0, _MACROS * _PINS, 2)])
    driven = rng.integers(0, cells, len(outer))
    loads = _PORTS + np.arange(1, _MACROS * _PINS, 2)
    driver = rng.integers(0, cells, len(loads))
    a = np.concatenate([outer, first_cell + driver, first_cell + source])
    b = np.concatenate([first_cell + driven, loads, first_cell + sink])
    order = np.lexsort((np.arange(len(a)), a))
    netlist = _netlist(f"flat{cells}", cells, a[order], b[order])
    side_um = _CELL_UM * 2.0 ** np.ceil(levels / 2) * 1.25
    canvas = Canvas(side_um, side_um, 32, 32, 57.0, 57.0, 39.0, 30.0)
    x, y = _z_curve(cell, levels)
    grid = int(np.sqrt(_MACROS))
    mx, my = (macro % grid + 0.5) / grid, (macro // grid + 0.5) / grid
    around = port / _PORTS * 4
    px = np.select([around < 1, around < 2, around < 3], [around, 1.0, 3 - around], 0.0)
    py = np.select([around < 1, around < 2, around < 3], [0.0, around - 1, 1.0], 4 - around)
    at = [np.concatenate([p, m, c]) * side_um for p, m, c in ((px, mx, x), (py, my, y))]
    there = np.concatenate([np.ones(_PORTS + _MACROS, np.bool_), np.full(cells, placed)])
    return Problem(netlist, canvas, Placement(at[0], at[1], np.zeros(len(there), np.uint8), there))


def _z_curve(cell: I64, levels: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    half = (levels + 1) // 2
    x, y = np.zeros(len(cell), np.int64), np.zeros(len(cell), np.int64)
    for bit in range(half):
        x |= ((cell >> (2 * bit)) & 1) << bit
        y |= ((cell >> (2 * bit + 1)) & 1) << bit
    return (x + 0.5) / (1 << half), (y + 0.5) / (1 << half)


def _netlist(name: str, cells: int, source: I64, sink: I64) -> Netlist:
    nodes = _PORTS + _MACROS + cells
    kind = np.full(nodes, NodeKind.CELL, np.uint8)
    kind[:_PORTS], kind[_PORTS : _PORTS + _MACROS] = NodeKind.PORT, NodeKind.HARD
    w, h = (np.full(nodes, _CELL_UM) for _ in range(2))
    w[:_PORTS], h[:_PORTS] = 0.0, 0.0
    w[_PORTS : _PORTS + _MACROS] = h[_PORTS : _PORTS + _MACROS] = 12.0 * _CELL_UM
    side = np.zeros(nodes, np.uint8)
    side[:_PORTS] = Side.LEFT
    pins = _MACROS * _PINS
    owner = np.concatenate(
        [np.arange(_PORTS), _PORTS + np.repeat(np.arange(_MACROS), _PINS), np.arange(_PORTS + _MACROS, nodes)]
    )
    macro_at = _PORTS + np.arange(_MACROS) * (_PINS + 1)
    rest = _PORTS + _MACROS * (_PINS + 1) + np.arange(cells)
    pin_at = (macro_at[:, None] + 1 + np.arange(_PINS)).ravel()
    head = np.flatnonzero(np.diff(source, prepend=-1))
    fan = np.diff(np.append(head, len(source)))
    ptr = np.concatenate([[0], np.cumsum(fan + 1)])
    net_pin = np.empty(int(ptr[-1]), np.int32)
    first = np.zeros(len(net_pin), np.bool_)
    first[ptr[:-1]] = True
    net_pin[first], net_pin[~first] = source[head], sink
    ports, macros = [f"p{i}" for i in range(_PORTS)], [f"m{i}" for i in range(_MACROS)]
    names = [f"top/unit_{i >> 10}/block_{(i >> 5) & 31}/u{i}" for i in range(cells)]
    offset = np.zeros(_PORTS + pins + cells)
    offset[_PORTS : _PORTS + pins] = np.tile(np.linspace(-5.0, 5.0, _PINS), _MACROS)
    return Netlist(
        name=name,
        node_name=(*ports, *macros, *names),
        node_kind=kind,
        node_w_um=w,
        node_h_um=h,
        node_side=side,
        node_index=np.concatenate([np.arange(_PORTS), macro_at, rest]).astype(np.int32),
        pin_name=(*ports, *(f"{m}/{i}" for m in macros for i in range(_PINS)), *names),
        pin_node=owner.astype(np.int32),
        pin_dx_um=offset,
        pin_dy_um=np.zeros(len(offset)),
        pin_index=np.concatenate([np.arange(_PORTS), pin_at, rest]).astype(np.int32),
        net_ptr=ptr.astype(np.int32),
        net_pin=net_pin,
        net_weight=np.ones(len(head)),
    )
