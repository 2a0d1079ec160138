"""YAL circuits (MCNC building blocks) as problems of hard macros and ports."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import numpy as np

from floorplan.errors import NetlistError, ParseError, ProblemError
from floorplan.files import plain_name, read_bytes_maybe_compressed
from floorplan.formats.assemble import Connections, NameClashError, NodeTable, assemble
from floorplan.formats.bookshelf.lines import SHOWN
from floorplan.formats.design import Design
from floorplan.formats.gsrc.canvas import blocks_canvas, blocks_problem, check_white_space
from floorplan.formats.gsrc.yal_modules import Call, Module, Pin, read_modules
from floorplan.formats.pbtxt.scanner import decode
from floorplan.netlist import Netlist, NodeKind, Placement

__all__ = ["read_yal"]

_CELLS = ("STANDARD", "FEEDTHROUGH")

log = logging.getLogger(__name__)


def read_yal(path: str | Path, *, white_space: float | None = None) -> Design:
    """Read a circuit: the network of its PARENT module, whose instances are hard macros and whose pins are ports.

    Instances of a STANDARD module are cells. A node is called after its module where every module is used once, as in
    the MCNC suite, so that names are those of the same circuits in .blocks; after its instance otherwise. A pin is
    called node/PIN. A name that an IOLIST gives more than once is that many pins of one net, `name@0`, `name@1`, ...
    The canvas is the parent's outline, unless that has less area than the blocks or `white_space` is given; see
    `floorplan.formats.gsrc.canvas`. A rectilinear module is its bounding box. PLACEMENT and CRITICALNETS are passed
    over. Numbers are microns.

    Args:
        path: plain, .gz or .xz file.
        white_space: canvas area above that of the blocks, as a share of theirs; None for the parent's outline.

    Raises:
        ParseError: the file is damaged or inconsistent; it names the line.
        ProblemError: `white_space` is negative.
    """
    check_white_space(white_space)
    p = Path(path)
    modules = read_modules(p, decode(p, read_bytes_maybe_compressed(p)))
    parents = [m for m in modules.values() if m.type == "PARENT"]
    if len(parents) != 1:
        line = parents[1].line if parents else 0
        raise ParseError(p, line, f"expected one module of TYPE PARENT, found {len(parents)}")
    parent = parents[0]
    for module in modules.values():
        if module.cut and module is not parent:
            log.info("%s: module %s is taken as its bounding box", path, module.name)
        for section in module.passed_over:
            log.info("%s: %s of module %s is passed over", path, section, module.name)
    calls = _calls(p, modules, parent)
    netlist, ports, master = _netlist(p, modules, parent, calls)
    x0, y0, x1, y1 = parent.box or _box_of(ports)
    try:
        canvas, stretch_x, stretch_y = blocks_canvas(netlist, (x1 - x0, y1 - y0), white_space)
        n, first = netlist.num_nodes, netlist.num_nodes - len(ports)
        x, y, placed = np.zeros(n), np.zeros(n), np.arange(n) >= first
        x[first:] = (np.array([pin.x for pin in ports]) - x0) * stretch_x
        y[first:] = (np.array([pin.y for pin in ports]) - y0) * stretch_y
        problem = blocks_problem(netlist, canvas, Placement(x, y, np.zeros(n, np.uint8), placed))
    except ProblemError as e:
        raise ParseError(p, parent.line, str(e)) from None
    return Design(problem, "yal", (p,), (x0, y0), 1.0, master)


def _box_of(ports: list[Pin]) -> tuple[float, float, float, float]:
    xs, ys = [0.0, *(pin.x for pin in ports)], [0.0, *(pin.y for pin in ports)]
    return min(xs), min(ys), max(xs), max(ys)


def _calls(path: Path, modules: dict[str, Module], parent: Module) -> list[Call]:
    """Return the parent's instances, checked, each under the name that its node gets."""
    if not parent.network:
        raise ParseError(path, parent.line, f"module {parent.name[:SHOWN]!r} has no NETWORK, or an empty one")
    lines: dict[str, int] = {}
    for call in parent.network:
        module = modules.get(call.module)
        if module is None or module is parent:
            raise ParseError(
                path, call.line, f"{call.name[:SHOWN]!r} is of module {call.module[:SHOWN]!r}, not defined"
            )
        if len(call.signals) != len(module.pins):
            said = f"{call.name[:SHOWN]!r} has {len(call.signals)} signals, its module {len(module.pins)} pins"
            raise ParseError(path, call.line, said)
        if lines.setdefault(call.name, call.line) != call.line:
            raise ParseError(
                path, call.line, f"instance {call.name[:SHOWN]!r} is there already (line {lines[call.name]})"
            )
    once = len({call.module for call in parent.network}) == len(parent.network)
    return [Call(call.module, call.module, call.signals, call.line) if once else call for call in parent.network]


def _netlist(
    path: Path, modules: dict[str, Module], parent: Module, calls: list[Call]
) -> tuple[Netlist, list[Pin], tuple[str, ...]]:
    """Return the netlist (blocks, then ports), the pins that its ports are, and the module of each node."""
    net_id: dict[str, int] = {}
    joins: list[tuple[int, int, bool, float, float, str]] = []  # net, node, out, offset from the centre, pin
    for node, call in enumerate(calls):
        module = modules[call.module]
        x0, y0, x1, y1 = module.box or (0.0, 0.0, 0.0, 0.0)
        for pin, name, signal in zip(module.pins, _pin_names(module), call.signals, strict=True):
            net = net_id.setdefault(signal, len(net_id))
            dx, dy = pin.x - (x0 + x1) / 2, pin.y - (y0 + y1) / 2
            joins.append((net, node, pin.out, dx, dy, f"{call.name}/{name}"))
    for node, (pin, name) in enumerate(zip(parent.pins, _pin_names(parent), strict=True), len(calls)):
        net = net_id.setdefault(pin.name, len(net_id))
        joins.append((net, node, pin.out, 0.0, 0.0, name))

    order = np.argsort([net for net, *_ in joins], kind="stable").tolist()
    joins = [joins[k] for k in order]
    degree = np.bincount([net for net, *_ in joins], minlength=len(net_id))
    sizes = np.array([_size(modules[call.module]) for call in calls] + [(0.0, 0.0)] * len(parent.pins))
    kinds = [NodeKind.CELL if modules[call.module].type in _CELLS else NodeKind.HARD for call in calls]
    names = [call.name for call in calls] + _pin_names(parent)
    lines = [call.line for call in calls] + [pin.line for pin in parent.pins]
    seen: set[str] = set()
    for name, line in zip(names, lines, strict=True):
        if name in seen:
            raise ParseError(path, line, f"{name[:SHOWN]!r} is the name of a block and of a pin, or of two")
        seen.add(name)
    table = NodeTable(
        names,
        np.array(kinds + [NodeKind.PORT] * len(parent.pins), np.uint8),
        sizes[:, 0],
        sizes[:, 1],
    )
    connections = Connections(
        np.concatenate([[0], np.cumsum(degree)]).astype(np.int64),
        np.array([node for _, node, *_ in joins], np.int64),
        np.array([out for _, _, out, *_ in joins], np.bool_),
        np.array([dx for *_, dx, _, _ in joins], np.float64),
        np.array([dy for *_, dy, _ in joins], np.float64),
        [name for *_, name in joins],
    )
    try:
        netlist = assemble(plain_name(path).removesuffix(".yal"), table, connections)
    except NameClashError as e:
        raise ParseError(path, lines[e.owner], str(e)) from None
    except NetlistError as e:
        raise ParseError(path, 0, str(e)) from None
    return netlist, parent.pins, tuple(call.module for call in calls) + ("",) * len(parent.pins)


def _size(module: Module) -> tuple[float, float]:
    x0, y0, x1, y1 = module.box or (0.0, 0.0, 0.0, 0.0)
    return x1 - x0, y1 - y0


def _pin_names(module: Module) -> list[str]:
    """Return a name for each line of an IOLIST: the signal's own, with a number where several lines have it."""
    count = Counter(pin.name for pin in module.pins)
    rank: Counter[str] = Counter()
    out = []
    for pin in module.pins:
        out.append(f"{pin.name}@{rank[pin.name]}" if count[pin.name] > 1 else pin.name)
        rank[pin.name] += 1
    return out
