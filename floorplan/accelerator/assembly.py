"""Collects ports, hard macros, soft macros and buses by name, then turns them into a `Netlist`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from floorplan.accelerator.shapes import Shape
from floorplan.netlist import Netlist, NetlistBuilder, Side

__all__ = ["Assembly", "HardMacro"]


@dataclass(frozen=True)
class HardMacro:
    """A hard macro to be.

    Attributes:
        shape: its size.
        pin_side: the side that pins stand on, by the first part of their label (`in` for `in_3`).
        bits: SRAM bits inside.
        macs: MAC cells inside.
    """

    shape: Shape
    pin_side: dict[str, Side]
    bits: int = 0
    macs: int = 0


@dataclass
class Assembly:
    """A netlist in the making.

    Ends of nets are written `macro/pin` for a hard macro and by plain name for a port or a soft macro. A pin exists if
    a net uses it; the pins of one side stand evenly spaced on it, in the order of first use. A soft macro has one input
    pin and one output pin for each net that it drives, as in the clustered netlists of circuit_training.
    """

    name: str
    ports: dict[str, Side] = field(default_factory=dict)
    hard: dict[str, HardMacro] = field(default_factory=dict)
    soft: list[str] = field(default_factory=list)
    nets: list[tuple[str, list[str], int]] = field(default_factory=list)
    metadata: list[tuple[str, float | str]] = field(default_factory=list)

    def bus(self, source: str, sinks: str | list[str], bits: int = 1) -> None:
        """Add one net of weight `bits` from one end to others; a sink named twice counts once."""
        ends = [sinks] if isinstance(sinks, str) else sinks
        self.nets.append((source, list(dict.fromkeys(ends)), bits))

    def port_in(self, name: str, side: Side, sinks: str | list[str], bits: int = 1) -> None:
        """Add an input port and the net that it drives."""
        self.ports[name] = side
        self.bus(name, sinks, bits)

    def port_out(self, name: str, side: Side, source: str, bits: int = 1) -> None:
        """Add an output port and the net that drives it."""
        self.ports[name] = side
        self.bus(source, name, bits)

    def build(self, soft_area_um2: dict[str, float]) -> Netlist:
        """Freeze to a netlist: ports, then hard macros, then soft macros, each macro followed by its pins.

        Soft macros are square, of the areas given. Sizes and offsets are rounded to 0.0001 um.
        """
        b = NetlistBuilder(self.name)
        b.metadata.extend(self.metadata)
        for name, side in self.ports.items():
            b.add_port(name, side)
        used = self._used_labels()
        hard_pins: list[str] = []
        for name, macro in self.hard.items():
            b.add_macro(name, macro.shape.w_um, macro.shape.h_um)
            for label, (dx, dy) in _pin_offsets(macro, used[name]).items():
                hard_pins.append(f"{name}/{label}")
                b.add_pin(hard_pins[-1], name, dx, dy)

        driven = dict.fromkeys(self.soft, 0)
        sources: list[str] = []
        for source, _, _ in self.nets:
            if source in driven:
                sources.append(f"{source}/Poutput_{driven[source]}")
                driven[source] += 1
            else:
                sources.append(source)
        soft_pins: list[str] = []
        for name in self.soft:
            side_um = round(math.sqrt(soft_area_um2[name]), 4)
            b.add_macro(name, side_um, side_um, soft=True)
            b.add_pin(f"{name}/Pinput", name)
            for k in range(driven[name]):
                soft_pins.append(f"{name}/Poutput_{k}")
                b.add_pin(soft_pins[-1], name)
        nets = dict(zip(sources, self.nets, strict=True))
        # Files number nets by their source pins; the same order here gives the same content hash after reading.
        for source in [*self.ports, *hard_pins, *soft_pins]:
            if source in nets:
                _, sinks, bits = nets[source]
                b.add_net(source, [f"{s}/Pinput" if s in driven else s for s in sinks], float(bits))
        return b.build()

    def _used_labels(self) -> dict[str, dict[str, None]]:
        used: dict[str, dict[str, None]] = {name: {} for name in self.hard}
        for source, sinks, _ in self.nets:
            for end in (source, *sinks):
                owner, slash, label = end.partition("/")
                if slash:
                    used[owner][label] = None
        return used


def _pin_offsets(macro: HardMacro, labels: dict[str, None]) -> dict[str, tuple[float, float]]:
    """Return label -> offset from the macro's centre."""
    sides: dict[Side, list[str]] = {}
    for label in labels:
        sides.setdefault(_side_of(macro, label), []).append(label)
    half_w, half_h = macro.shape.w_um / 2, macro.shape.h_um / 2
    out: dict[str, tuple[float, float]] = {}
    for side, names in sides.items():
        for i, label in enumerate(names):
            t = 2 * (i + 1) / (len(names) + 1) - 1
            dx, dy = {
                Side.LEFT: (-half_w, t * half_h),
                Side.RIGHT: (half_w, t * half_h),
                Side.BOTTOM: (t * half_w, -half_h),
                Side.TOP: (t * half_w, half_h),
            }[side]
            out[label] = (round(dx, 4), round(dy, 4))
    return {label: out[label] for label in labels}


def _side_of(macro: HardMacro, label: str) -> Side:
    stem = label
    while stem not in macro.pin_side:
        stem, underscore, _ = stem.rpartition("_")
        if not underscore:
            raise KeyError(f"no side for pin {label!r}")
    return macro.pin_side[stem]
