"""A die in the making: blocks, buses that carry shares of traffic, PHYs on the edges; then a `Chip`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from floorplan.accelerator.assembly import Assembly, HardMacro
from floorplan.accelerator.chip import TRAFFIC, Chip, Dataflow
from floorplan.accelerator.floor import cells_along, port_positions
from floorplan.accelerator.logic import logic_nets, soft_areas_um2
from floorplan.accelerator.noc import link_shares, mesh_links, multicast_shares
from floorplan.accelerator.phys import Phy, controller_shape
from floorplan.accelerator.seeded import Draws
from floorplan.accelerator.shapes import Shape, router_shape, sram_shape
from floorplan.accelerator.technology import technology
from floorplan.errors import NetlistError, ProblemError
from floorplan.netlist import Canvas, Placement, Problem, Side

__all__ = [
    "ACCUMULATOR_BITS",
    "OPPOSITE",
    "Die",
    "Flow",
    "Share",
    "collective_flows",
    "results_per_activation",
    "shared",
]

Share = Mapping[str, float]
"""Class of traffic -> share of it that a bus carries."""

KBIT = 1024

ACCUMULATOR_BITS = 32
"""Width of a partial sum on every chip."""

OPPOSITE = {Side.TOP: Side.BOTTOM, Side.BOTTOM: Side.TOP, Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}

MEMORY_EDGES = (Side.LEFT, Side.RIGHT)
LINK_EDGES = (Side.TOP, Side.BOTTOM)

GLOBAL_TRACKS_FRAC = 0.5
"""Share of the routing tracks that buses between macros may have: the upper layers (assumed)."""

MACRO_TRACKS_FRAC = 0.25
"""Share of those that hard macros block, relative to all layers together: they end below the upper ones (assumed)."""

CORNER_UM = 50.0
"""What PHYs of two edges leave between them at a corner (assumed)."""

FEWEST_CELLS, MOST_CELLS = 40, 56
"""Cells a side, more than on a tile of the same number of macros: a die's macros differ more in size."""

CONTROL_BITS = 32

ARRAYS = (4, 8, 16)
"""Arrays that an SRAM macro may be built of (assumed): one alone would be too slow."""

TYPICAL_INPUTS = 4096
"""Inputs of a typical matrix product of a language model: its hidden size, 2048 to 16384 in the catalogue."""


@dataclass(frozen=True)
class _Block:
    name: str
    kind: str
    bytes_per_s: float = 0.0
    memory_bytes: int = 0


@dataclass(frozen=True)
class Flow:
    """Traffic over a mesh.

    Attributes:
        sources: share that enters at each router.
        sinks: share that leaves there; empty: all of it is wanted at every router.
        scale: class -> how often each of its bytes takes part.
    """

    sources: Sequence[float]
    sinks: Sequence[float]
    scale: Share


def collective_flows(routers: int, links: int) -> list[Flow]:
    """Return what evenly spread units send over a mesh to links that hang as in `Die.links`, and what comes back."""
    if not links:
        return []
    even, on = [1.0 / routers] * routers, [0.0] * routers
    for k in range(links):
        on[k % routers] += 1.0 / links
    return [Flow(even, on, {"collective": 1.0}), Flow(on, even, {"collective": 1.0})]


def results_per_activation(columns: int) -> float:
    """Return results that leave a unit for each activation read, which feeds `columns` of them.

    With d inputs a product reads d activations for `columns` results; d = 4096 stands for all models.
    """
    return columns / TYPICAL_INPUTS


def shared(share: float, *classes: str) -> dict[str, float]:
    """Return the same share for each class."""
    return dict.fromkeys(classes, share)


class Die:
    """Collects blocks and buses by name; ends of buses are written as in `Assembly`."""

    def __init__(self, template: str, parameters: Any) -> None:
        """Begin with nothing but the parameters, which become metadata of the netlist."""
        self.template, self.parameters = template, parameters
        self.tech = technology(parameters.technology)
        self.asm = Assembly(template)
        said = {"template": template, **asdict(parameters)}
        self.asm.metadata += [(key, v if isinstance(v, str) else float(v)) for key, v in said.items()]
        self.blocks: list[_Block] = []
        self.edges: dict[Side, list[str]] = {}
        self.memories: list[str] = []
        self._carried: dict[str, tuple[Share, bool]] = {}

    def add(self, name: str, kind: str, shape: Shape, sides: dict[str, Side], *, bits: int = 0, macs: int = 0) -> str:
        """Add a movable macro of `kind` and return its name.

        Raises:
            NetlistError: there is one of that name.
        """
        if name in self.asm.hard:
            raise NetlistError(f"name {name!r} is used twice")
        self.asm.hard[name] = HardMacro(shape, {**sides, "ctl": sides.get("ctl", Side.BOTTOM)}, bits, macs)
        self.blocks.append(_Block(name, kind))
        return name

    def sram(self, name: str, kbit: int, word_bits: int, aspect: float, sides: dict[str, Side]) -> str:
        """Add an SRAM macro of `kbit` * 1024 bits, read `word_bits` at a time, of about `aspect` (width / height).

        A memory of megabits is built of equal arrays in rows, each of which gives its part of the word. Their number is
        4, 8 or 16, and the arrangement the one with the smallest product of area and miss of the aspect.

        Raises:
            ProblemError: it cannot be divided like that.
        """
        bits = kbit * KBIT
        candidates: list[Shape] = []
        for arrays in ARRAYS:
            if word_bits % arrays == 0 and bits % word_bits == 0:
                for across in (k for k in range(1, arrays + 1) if arrays % k == 0):
                    up = arrays // across
                    one = sram_shape(self.tech, bits // arrays, word_bits // arrays, aspect * up / across)
                    candidates.append(Shape(round(one.w_um * across, 4), round(one.h_um * up, 4)))
        if not candidates:
            raise ProblemError(f"SRAM {name} of {bits} bits cannot be read {word_bits} bits at a time")
        shape = min(candidates, key=lambda s: abs(math.log(s.w_um / s.h_um / aspect)) + math.log(s.area_um2))
        return self.add(name, "sram", shape, sides, bits=bits)

    def phy(self, name: str, kind: Phy, side: Side) -> str:
        """Add a PHY that stands fixed on an edge, with pins `tx`, `rx` inwards, and its controller `NAME_ctrl`.

        Returns:
            The macro that the chip talks to: the controller (pins `up`, `down`), or the PHY if it holds its own.
        """
        shape = kind.shape(side)
        self.add(name, kind.kind, shape, dict.fromkeys(("tx", "rx", "ctl"), OPPOSITE[side]))
        self.blocks[-1] = replace(self.blocks[-1], bytes_per_s=kind.bytes_per_s, memory_bytes=kind.memory_bytes)
        self.edges.setdefault(side, []).append(name)
        if not kind.controller_transistors:
            return name
        along = shape.h_um if side in (Side.LEFT, Side.RIGHT) else shape.w_um
        inner = controller_shape(self.tech, kind.controller_transistors, along, side)
        role = kind.kind.replace("_phy", "_controller")
        pins = {"tx": side, "rx": side, "up": OPPOSITE[side], "down": OPPOSITE[side]}
        return self.add(f"{name}_ctrl", role, inner, pins)

    def memory(self, number: int, count: int, kind: Phy, edges: Sequence[Side] = MEMORY_EDGES) -> tuple[str, Side]:
        """Add memory PHY `number` of `count`, as many on each of `edges`, the first ones on the first.

        Returns:
            The macro whose pins `up_*` bring data in, and the side that looks inwards.
        """
        edge = edges[number * len(edges) // count]
        ctrl = self.phy(f"mem_{number}", kind, edge)
        self.memories.append(kind.memory)
        if ctrl != f"mem_{number}":
            self.bus(f"mem_{number}/rx", f"{ctrl}/rx", kind.bits, {"offchip": 1 / count})
        return ctrl, OPPOSITE[edge]

    def links(
        self,
        kind: Phy,
        count: int,
        routers: Sequence[str],
        edges: Sequence[Side] = LINK_EDGES,
        stem: str = "link",
        share: Share = MappingProxyType({"collective": 1.0}),
    ) -> None:
        """Add PHYs `STEM_k`, as many on each of `edges`, number k talking to router k modulo their number.

        `share` of each class comes in over all of them together, and the same goes out.
        """
        for k in range(count):
            name = f"{stem}_{k}"
            end = self.phy(name, kind, edges[k * len(edges) // count])
            router, carried = routers[k % len(routers)], {key: value / count for key, value in share.items()}
            up, down = (f"{end}/up", f"{end}/down") if end != name else (f"{name}/rx", f"{name}/tx")
            if end != name:
                self.bus(f"{name}/rx", f"{end}/rx", kind.bits, carried)
                self.bus(f"{end}/tx", f"{name}/tx", kind.bits, carried)
            self.bus(up, f"{router}/l_up_{name}", kind.bits, carried)
            self.bus(f"{router}/l_down_{name}", down, kind.bits, carried)

    def bus(self, source: str, sinks: str | list[str], bits: int, share: Share, *, pipelined: bool = True) -> None:
        """Add one net of `bits` wires that carries `share` of each class named."""
        unknown = set(share) - set(TRAFFIC[1:])
        if unknown:
            raise ProblemError(f"bus of {source} carries unknown traffic {sorted(unknown)}")
        self.asm.bus(source, sinks, bits)
        self._carried[source] = (share, pipelined)

    def mesh(
        self,
        rows: int,
        columns: int,
        flit_bits: int,
        local: float,
        flows: Sequence[Flow],
        name: str = "noc",
        kind: str = "router",
    ) -> list[str]:
        """Add a mesh of routers `NAME_I`, I = row * columns + column, with links that carry all flows; return them.

        Besides the four links of the mesh a router has room for `local` ports of the same width, rounded up. Their pins
        begin with `l`, for what is local to it, or with `b`, for a memory.
        """
        compass = {"n": Side.TOP, "s": Side.BOTTOM, "e": Side.RIGHT, "w": Side.LEFT}
        shape = router_shape(self.tech, flit_bits, links=4 + math.ceil(local))
        sides = {**compass, "l": Side.TOP, "b": Side.BOTTOM}
        names = [self.add(f"{name}_{i}", kind, shape, sides) for i in range(rows * columns)]
        carried: dict[tuple[int, int], dict[str, float]] = {link: {} for link in mesh_links(rows, columns)}
        for flow in flows:
            if flow.sinks:
                parts = link_shares(rows, columns, flow.sources, flow.sinks)
            else:
                parts = multicast_shares(rows, columns, flow.sources)
            for link, part in parts.items():
                for key, scale in flow.scale.items():
                    carried[link][key] = carried[link].get(key, 0.0) + part * scale
        for (a, b), mix in carried.items():
            same_row = a // columns == b // columns
            out, back = "ew" if same_row else "ns"
            if b < a:
                out, back = back, out
            self.bus(f"{names[a]}/{out}_out", f"{names[b]}/{back}_in", flit_bits, mix)
        return names

    def control(self, clusters: int, draws: Draws) -> None:
        """Add soft macros of control logic, each steering a run of macros; they exchange a few signals."""
        names = [f"Grp_ctl_{i}" for i in range(clusters)]
        self.asm.soft += names
        steered = [b.name for b in self.blocks]
        for i, name in enumerate(names):
            run = steered[i * len(steered) // clusters : (i + 1) * len(steered) // clusters]
            if run:
                self.asm.bus(name, [f"{m}/ctl" for m in run], CONTROL_BITS)
        self.asm.nets += logic_nets(draws, {"ctl": names}, {"ctl": ["ctl"]}, 2, 0.65)

    def finish(self, clock_hz: float, dataflow: Dataflow) -> Chip:
        """Choose the canvas, fix PHYs on its edges, freeze."""
        p = self.parameters
        draws = Draws(p.seed)
        self.control(p.control_clusters, draws)
        canvas = self._canvas(p.hard_utilisation_frac)
        soft_um2 = (p.utilisation_frac - p.hard_utilisation_frac) * canvas.width_um * canvas.height_um
        netlist = self.asm.build(soft_areas_um2(draws, self.asm.soft, soft_um2))
        x, y = np.zeros(netlist.num_nodes), np.zeros(netlist.num_nodes)
        fixed = np.zeros(netlist.num_nodes, np.bool_)
        for side, names in self.edges.items():
            span_frac = 1.0 - 2.0 * self._corner_um(side) / canvas.width_um
            for name, (px, py) in zip(names, port_positions(canvas, [side] * len(names), span_frac), strict=True):
                node, shape = netlist.node_id[name], self.asm.hard[name].shape
                x[node] = min(max(px, shape.w_um / 2), canvas.width_um - shape.w_um / 2)
                y[node] = min(max(py, shape.h_um / 2), canvas.height_um - shape.h_um / 2)
                fixed[node] = True
        initial = Placement(x, y, np.zeros(netlist.num_nodes, np.uint8), fixed.copy())
        problem = Problem(netlist, canvas, initial, fixed=fixed)
        mix = np.zeros((netlist.num_nets, len(TRAFFIC)))
        width = netlist.net_weight.copy()
        pipelined = np.ones(netlist.num_nets, np.bool_)
        for e, pin in enumerate(netlist.net_pin[netlist.net_ptr[:-1]].tolist()):
            carried = self._carried.get(netlist.pin_name[pin])
            if carried is not None:
                share, pipelined[e] = carried
                for key, value in share.items():
                    mix[e, TRAFFIC.index(key)] = value
        macros = [self.asm.hard[b.name] for b in self.blocks]
        return Chip(
            name=self.template,
            problem=problem,
            technology=p.technology,
            clock_hz=clock_hz,
            memory=self.memories[0] if self.memories else "sram",
            dataflow=dataflow,
            parameters=p,
            block_node=netlist.hard.copy(),
            block_kind=np.array([b.kind for b in self.blocks]),
            block_bits=np.array([m.bits for m in macros], np.int64),
            block_macs=np.array([m.macs for m in macros], np.int64),
            block_bytes_per_s=np.array([b.bytes_per_s for b in self.blocks]),
            block_memory_bytes=np.array([b.memory_bytes for b in self.blocks], np.float64),
            net_mix=mix,
            net_width_bits=width,
            net_pipelined=pipelined,
        )

    def _corner_um(self, side: Side) -> float:
        """Return what PHYs on `side` leave free at both of its ends, for the depth of those on the edges beside it."""
        upright = side in (Side.LEFT, Side.RIGHT)
        beside = [
            n for edge, names in self.edges.items() for n in names if (edge in (Side.LEFT, Side.RIGHT)) != upright
        ]
        shapes = [self.asm.hard[n].shape for n in beside]
        return CORNER_UM + max((s.h_um if upright else s.w_um for s in shapes), default=0.0)

    def _canvas(self, hard_utilisation_frac: float) -> Canvas:
        """Return a square canvas, as large as the macros or the PHYs of an edge ask for."""
        shapes = [m.shape for m in self.asm.hard.values()]
        side = math.sqrt(sum(s.area_um2 for s in shapes) / hard_utilisation_frac)
        for edge, names in self.edges.items():
            along = [self.asm.hard[n].shape for n in names]
            longest = max(s.h_um if edge in (Side.LEFT, Side.RIGHT) else s.w_um for s in along)
            side = max(side, longest * len(names) + 2.0 * self._corner_um(edge))
        side = math.ceil(side * 1e3) / 1e3
        w, h = [s.w_um for s in shapes], [s.h_um for s in shapes]
        tech = self.tech
        return Canvas(
            width_um=side,
            height_um=side,
            columns=cells_along(side, w, h, FEWEST_CELLS, MOST_CELLS),
            rows=cells_along(side, h, w, FEWEST_CELLS, MOST_CELLS),
            h_tracks_per_um=round(tech.h_tracks_per_um * GLOBAL_TRACKS_FRAC, 6),
            v_tracks_per_um=round(tech.v_tracks_per_um * GLOBAL_TRACKS_FRAC, 6),
            h_macro_tracks_per_um=round(tech.h_macro_tracks_per_um * GLOBAL_TRACKS_FRAC * MACRO_TRACKS_FRAC, 6),
            v_macro_tracks_per_um=round(tech.v_macro_tracks_per_um * GLOBAL_TRACKS_FRAC * MACRO_TRACKS_FRAC, 6),
        )
