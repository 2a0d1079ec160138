"""Modules to one flat table: every library cell under its full name, every pin with the number of its bit."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from floorplan.errors import ParseError
from floorplan.formats.verilog.library import Cell, Library
from floorplan.formats.verilog.modules import CONSTANT, Module, several
from floorplan.formats.verilog.text import Text, plain
from floorplan.formats.verilog.words import show

__all__ = ["Flat", "find_top", "flatten"]

I64 = npt.NDArray[np.int64]

# connections of a flat design; a small file must not become a large one
_FEW, _A_CHARACTER, _MOST = 1 << 20, 8, 1 << 25
_NAMED = 5  # names that a message lists


@dataclass
class Flat:
    """What a netlist comes to.

    Attributes:
        top: name of the top module.
        top_at: its offset in the text.
        name: of each cell, with the instances it lies in: `u1/u2/g7`.
        master: of each cell.
        at: offset of each cell in the text.
        node: (C,) cell of each connection.
        pin: (C,) its pin, a number of the library.
        net: (C,) its net; `CONSTANT` for what is tied to a constant.
        port_name: of each bit of each port of the top module, a bus from its lowest bit on.
        port_drives: whether it drives its net (inputs of the chip do).
        port_net: its net.
    """

    top: str
    top_at: int
    name: list[str] = field(default_factory=list)
    master: list[str] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    node: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    pin: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    net: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    port_name: list[str] = field(default_factory=list)
    port_drives: list[bool] = field(default_factory=list)
    port_net: I64 = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass
class _Part:
    """A module taken apart, once for all its instances: its own cells, and the modules inside it."""

    name: list[str]
    master: list[str]
    at: list[int]
    node: I64
    pin: I64
    bit: I64
    alias: I64  # (A, 2) pairs of own bits
    children: list[tuple[str, str, I64]]  # instance, module, (J, 2) own bit and the child's
    bits: int


def find_top(text: Text, modules: dict[str, Module], library: Library, top: str | None) -> Module:
    """Return the module called `top`, or the only one that no other has an instance of.

    Modules that are macros of the library, and such as have nothing in them, are no candidates.
    """
    if top is not None:
        found = next((m for m in modules.values() if plain(m.name) == top), None)
        if found is None:
            raise ParseError(text.path, 0, f"has no module {top!r}")
        return found
    used = {master for m in modules.values() for master in m.inst_master}
    roots = [m for m in modules.values() if m.name not in used and plain(m.name) not in library]
    roots = [m for m in roots if m.inst_name or m.aliases] or roots
    if len(roots) != 1:
        names = ", ".join(show(m.name) for m in roots[:_NAMED]) + (", ..." if len(roots) > _NAMED else "")
        what = f"several modules could be the top: {names}" if roots else "every module is used by another one"
        raise text.fault(roots[1].at if roots else 0, what)
    return roots[0]


def flatten(text: Text, modules: dict[str, Module], library: Library, top: Module) -> Flat:
    """Return all cells under `top`.

    Raises:
        ParseError: an instance is of nothing known, a connection fits no pin, modules contain each other, or the
            design is too large; it names the line.
    """
    parts = _parts(text, modules, library, top)
    flat = Flat(plain(top.name), top.at)
    nodes: list[I64] = []
    pins: list[I64] = []
    bits: list[I64] = []
    pairs: list[I64] = []
    stack: list[tuple[str, str, int]] = [(top.name, "", 0)]
    used = parts[top.name].bits
    while stack:
        module, prefix, offset = stack.pop()
        part = parts[module]
        nodes.append(part.node + len(flat.name))
        pins.append(part.pin)
        bits.append(_shift(part.bit, offset))
        pairs.append(_shift(part.alias, offset))
        flat.name += [prefix + name for name in part.name] if prefix else part.name
        flat.master += part.master
        flat.at += part.at
        inside = []
        for instance, child, joins in part.children:
            pairs.append(np.stack([_shift(joins[:, 0], offset), _shift(joins[:, 1], used)], axis=1))
            inside.append((child, f"{prefix}{instance}/", used))
            used += parts[child].bits
        stack.extend(reversed(inside))

    ports: list[int] = []
    for port in top.ports:
        if len(ports) > _limit(text):
            raise text.fault(top.at, f"the ports of module {show(top.name)} have more than {_limit(text)} bits")
        span, numbers = top.span[port], several(top.whole(port))[::-1]
        low = min(span) if span is not None else 0
        if span is not None and span[0] < span[1]:
            numbers = numbers[::-1]  # declared [0:7]: the lowest index is the highest bit
        for k, bit in enumerate(numbers):
            flat.port_name.append(plain(port) if span is None else f"{plain(port)}[{low + k}]")
            flat.port_drives.append(top.direction[port] == "input")
            ports.append(bit)
    net_of = _Nets(np.concatenate(pairs))
    flat.node, flat.pin = np.concatenate(nodes), np.concatenate(pins)
    flat.net = net_of(np.concatenate(bits))
    flat.port_net = net_of(np.array(ports, np.int64))
    return flat


def _shift(bits: I64, offset: int) -> I64:
    return np.where(bits == CONSTANT, CONSTANT, bits + offset)


class _Nets:
    """Bits that are joined are one net, called after the lowest of them."""

    def __init__(self, pairs: I64) -> None:
        self._bits = np.unique(pairs)
        parent = list(range(len(self._bits)))
        for a, b in np.searchsorted(self._bits, pairs).tolist():
            while parent[a] != a:
                parent[a] = a = parent[parent[a]]
            while parent[b] != b:
                parent[b] = b = parent[parent[b]]
            parent[max(a, b)] = min(a, b)
        for k, p in enumerate(parent):  # parents stand before their children
            parent[k] = parent[p]
        self._net = self._bits[parent]

    def __call__(self, bits: I64) -> I64:
        if not len(self._bits):
            return bits
        at = np.minimum(np.searchsorted(self._bits, bits), len(self._bits) - 1)
        return np.where(self._bits[at] == bits, self._net[at], bits)


def _parts(text: Text, modules: dict[str, Module], library: Library, top: Module) -> dict[str, _Part]:
    """Return what is used, taken apart; modules inside each other, and designs of absurd size, are refused."""
    parts: dict[str, _Part] = {}
    size: dict[str, int] = {}  # connections and joins of a module and all inside it
    open_: set[str] = set()
    stack = [top.name]
    while stack:
        name = stack[-1]
        if name in size:
            stack.pop()
            continue
        if name not in parts:
            open_.add(name)
            parts[name] = _part(text, modules, library, modules[name])
        part = parts[name]
        missing = [child for _, child, _ in part.children if child not in size]
        if not missing:
            size[name] = len(part.node) + len(part.alias) + len(part.name) + 1
            size[name] += sum(size[child] + len(joins) for _, child, joins in part.children)
            open_.discard(name)
            stack.pop()
            continue
        for child in missing:
            if child in open_:
                raise text.fault(modules[child].at, f"module {show(child)} contains itself")
        stack.extend(dict.fromkeys(missing))
    if size[top.name] > _limit(text):
        raise text.fault(top.at, f"flattened, the design has more than {_limit(text)} connections")
    return parts


def _limit(text: Text) -> int:
    return min(max(_FEW, _A_CHARACTER * len(text.body)), _MOST)


def _part(text: Text, modules: dict[str, Module], library: Library, module: Module) -> _Part:
    names: list[str] = []
    masters: list[str] = []
    ats: list[int] = []
    counts: list[int] = []
    pins: list[int] = []
    bits: list[int] = []
    children: list[tuple[str, str, I64]] = []
    joined = 0
    cells: dict[str, Cell | None] = {}
    for i, (name, master, at) in enumerate(zip(module.inst_name, module.inst_master, module.inst_at, strict=True)):
        if master not in cells:
            cells[master] = library.get(plain(master))
        cell = cells[master]
        if cell is not None:
            found, to = _pins_of(text, modules, cell, module, i)
            names.append(plain(name))
            masters.append(cell.macro.name)
            ats.append(at)
            counts.append(len(found))
            pins += found
            bits += to
        elif master in modules:
            children.append((plain(name), master, _joins(text, module, i, modules[master])))
            joined += len(children[-1][2])
            if joined > _limit(text):
                raise text.fault(at, f"module {show(module.name)} joins more than {_limit(text)} bits to other modules")
        else:
            said = f"{show(name)} is of {show(master)}, which is neither a module nor a macro of the LEF files"
            raise text.fault(at, said)
    if len(set(module.inst_name)) < len(module.inst_name):
        seen: set[str] = set()
        for name, at in zip(module.inst_name, module.inst_at, strict=True):
            if name in seen:
                raise text.fault(at, f"instance {show(name)} is there already")
            seen.add(name)
    node, pin, bit = np.repeat(np.arange(len(names)), counts), np.array(pins, np.int64), np.array(bits, np.int64)
    signal = pin >= 0
    return _Part(
        names,
        masters,
        ats,
        node[signal],
        pin[signal],
        bit[signal],
        np.array(module.aliases, np.int64).reshape(-1, 2),
        children,
        module.bits,
    )


def _pins_of(
    text: Text, modules: dict[str, Module], cell: Cell, module: Module, instance: int
) -> tuple[list[int], list[int]]:
    """Return the library's pins that an instance of a cell connects, and the bit of each."""
    begin, end = module.inst_begin[instance], module.inst_begin[instance + 1]
    if module.inst_plain[instance]:
        found = list(map(cell.pins.get, module.conn_pin[begin:end]))  # type: ignore[arg-type]  # plain: names only
        if None not in found:
            return found, module.conn_bits[begin:end]  # type: ignore[return-value]  # plain: one bit each, pins known
    pins: list[int] = []
    bits: list[int] = []
    for k in range(begin, end):
        numbers, to = _bus_of(text, modules, cell, module, instance, k)
        pins += numbers
        bits += to
    return pins, bits


def _bus_of(
    text: Text, modules: dict[str, Module], cell: Cell, module: Module, instance: int, k: int
) -> tuple[list[int], tuple[int, ...]]:
    """Return pins and bits of a connection: of one pin or a bus, by name or by position."""
    at, pin, name = module.inst_at[instance], module.conn_pin[k], show(cell.macro.name)
    if isinstance(pin, int):
        # LEF does not know the order of pins; a module of the same name, which tools write for macros, does
        master = module.inst_master[instance]
        ports = modules[master].ports if master in modules else []
        if pin >= len(ports):
            said = f"pin {pin + 1} of {show(module.inst_name[instance])} is given by position"
            raise text.fault(at, f"{said}, but no module {name} says which it is")
        pin = ports[pin]
    numbers = cell.numbers(plain(pin))
    if numbers is None:
        raise text.fault(at, f"macro {name} has no pin {show(pin)}")
    to = several(module.conn_bits[k])
    if not any(to):
        return [], ()
    if len(to) != len(numbers):
        raise text.fault(at, f"pin {show(pin)} of {name} has {len(numbers)} bits, {len(to)} are connected")
    return numbers, to


def _joins(text: Text, module: Module, instance: int, child: Module) -> I64:
    """Return the pairs of bits, outside and inside, that an instance of a module joins."""
    at = module.inst_at[instance]
    if not child.inst_name and not child.aliases and child.ports:
        raise text.fault(at, f"module {show(child.name)} is empty, and the LEF files have no macro of that name")
    out: list[tuple[int, int]] = []
    for k in range(module.inst_begin[instance], module.inst_begin[instance + 1]):
        port, to = module.conn_pin[k], several(module.conn_bits[k])
        if isinstance(port, int):
            if port >= len(child.ports):
                raise text.fault(at, f"module {show(child.name)} has {len(child.ports)} ports, more are connected")
            port = child.ports[port]
        if port not in child.direction:
            raise text.fault(at, f"module {show(child.name)} has no port {show(port)}")
        inside = several(child.whole(port))
        if not any(to):
            to = (CONSTANT,) * len(inside)
        if len(to) != len(inside):
            raise text.fault(
                at, f"port {show(port)} of {show(child.name)} has {len(inside)} bits, {len(to)} are connected"
            )
        out.extend(zip(to, inside, strict=True))
    return np.array(out, np.int64).reshape(-1, 2)
