"""Structural Verilog to modules: ports, wires by the bit, instances and their connections, aliases."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from sys import intern

from floorplan.errors import ParseError
from floorplan.formats.verilog.text import NAME, Text
from floorplan.formats.verilog.words import Words, show

__all__ = ["CONSTANT", "Bits", "Module", "read_modules", "several"]

CONSTANT = 0
"""The bit that all constants and supplies are; any other bit of a module has a number above."""

Bits = int | tuple[int, ...]
"""One bit, or several as they are written: the highest first."""

_MAX_WIDTH = 1 << 20
# bits of all expressions of several bits; a small file must not become a large table
_FEW, _A_CHARACTER, _MOST = 1 << 20, 8, 1 << 23
_MAX_DEPTH = 64

_S = r"\s*+"
_PIN = rf"{_S}\.{_S}{NAME}{_S}\([^()]*+\){_S}"
# what nearly all statements are: `wire x;` and `CELL name (.A(x), .B(y[3]));`
_USUAL = re.compile(rf"{_S}(?:wire\s++({NAME}){_S};|({NAME})\s++({NAME}){_S}\(((?:{_PIN}(?:,{_PIN})*+)?+){_S}\){_S};)")
_PINS = re.compile(rf"\.{_S}({NAME}){_S}\({_S}([^()]*+)\)")
_END = re.compile(r"\s*+endmodule\b")
_WIRES = frozenset(("wire", "tri", "wand", "wor", "reg", "supply0", "supply1"))
_DIRECTIONS = frozenset(("input", "output", "inout"))
_PASSED_OVER = frozenset(("parameter", "localparam", "specparam", "defparam"))
_BEHAVIOUR = frozenset(
    ("always", "always_ff", "always_comb", "always_latch", "initial", "function", "task", "generate", "genvar")
) | frozenset(("if", "case", "for", "begin"))
_RESERVED = _WIRES | _DIRECTIONS | _PASSED_OVER | _BEHAVIOUR | {"module", "assign", "endmodule"}


@dataclass
class Module:
    """A module; bits of its wires are numbered from 1, constants are bit 0.

    Attributes:
        name: as in `Text`.
        at: offset of its header.
        ports: names in their order.
        direction: of each port: input, output or inout.
        first: of each wire, the number of its lowest bit.
        span: of each wire, its highest and lowest index as declared, None for a single bit.
        bits: numbers given away, constants' counted.
        inst_name: of each instance, its name.
        inst_master: of each instance, its module or cell.
        inst_at: of each instance, its offset.
        inst_begin: (instances + 1,) where its connections begin.
        inst_plain: of each instance, whether all its pins are named and go to a bit each.
        conn_pin: of each connection, the pin's name, or its place where pins are given by position.
        conn_bits: of each connection, the bits it goes to.
        aliases: pairs of bits that are one net.
    """

    name: str
    at: int
    ports: list[str] = field(default_factory=list)
    direction: dict[str, str] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    span: dict[str, tuple[int, int] | None] = field(default_factory=dict)
    bits: int = 1
    inst_name: list[str] = field(default_factory=list)
    inst_master: list[str] = field(default_factory=list)
    inst_at: list[int] = field(default_factory=list)
    inst_begin: list[int] = field(default_factory=lambda: [0])
    inst_plain: list[bool] = field(default_factory=list)
    conn_pin: list[str | int] = field(default_factory=list)
    conn_bits: list[Bits] = field(default_factory=list)
    aliases: list[tuple[int, int]] = field(default_factory=list)

    def bit(self, name: str, index: int) -> int | None:
        """Return the bit of an index of a wire of several bits, None outside of its range."""
        span = self.span[name]
        if span is None or not min(span) <= index <= max(span):
            return None
        return self.first[name] + abs(index - span[1])

    def whole(self, name: str) -> Bits:
        """Return all bits of a wire."""
        span, first = self.span[name], self.first[name]
        return first if span is None else tuple(range(first + abs(span[0] - span[1]), first - 1, -1))


def several(bits: Bits) -> tuple[int, ...]:
    """Return bits as a tuple, also where it is one."""
    return (bits,) if isinstance(bits, int) else bits


def read_modules(text: Text) -> dict[str, Module]:
    """Return the modules of a file by name, in file order.

    Raises:
        ParseError: the text is not structural Verilog; it names the line.
    """
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: Text) -> None:
        self._text = text
        self._modules: dict[str, Module] = {}
        self._wide = 0
        self._start = 0  # of the statement at hand
        self._known: dict[str, int] = {}  # expressions of the module at hand that are one bit
        self._listed: set[str] = set()  # ports of the module at hand
        self._limit = min(max(_FEW, _A_CHARACTER * len(text.body)), _MOST)

    def read(self) -> dict[str, Module]:
        module: Module | None = None
        body, at = self._text.body, 0
        while at < len(body):
            self._start = at
            if module is not None and (m := _USUAL.match(body, at)) is not None and m[2] not in _RESERVED:
                at = m.end()
                if m[1] is not None:
                    self._declare(module, m[1], None)
                else:
                    self._instance(module, m[2], m[3], m[4])
                continue
            # endmodule has no semicolon, so the next header, or another one's end, may follow it
            if (m := _END.match(body, at)) is not None:
                if module is None:
                    raise self._fault("endmodule without module")
                self._check(module)
                module = None
                at = m.end()
                continue
            end = body.find(";", at)
            statement = body[at : len(body) if end < 0 else end]
            at = len(body) if end < 0 else end + 1
            if not statement or statement.isspace():
                continue
            if module is None:
                module = self._header(self._words(statement))
            else:
                self._statement(module, self._words(statement))
        if module is not None:
            raise self._text.fault(module.at, f"module {show(module.name)} has no endmodule")
        if not self._modules:
            raise ParseError(self._text.path, 0, "has no module")
        return self._modules

    def _fault(self, what: str) -> ParseError:
        return self._text.fault(self._start, what)

    def _words(self, statement: str) -> Words:
        return Words(self._text, self._start, statement)

    def _check(self, module: Module) -> None:
        for port in module.ports:
            if port not in module.direction:
                raise self._text.fault(module.at, f"port {show(port)} is neither input, output nor inout")

    def _instance(self, module: Module, master: str, name: str, pins: str | None) -> None:
        """Take the usual form, `CELL name (.A(x), .B(y[3]))`, without going word by word."""
        known, of_pin, of_bits = self._known, module.conn_pin, module.conn_bits
        is_plain = True
        for pin, expression in _PINS.findall(pins) if pins is not None else ():
            bits: Bits | None = known.get(expression)
            if bits is None:
                key = expression.rstrip()
                if not key:
                    continue
                words = self._words(key)
                bits = self._bits(module, words)
                words.end("')'")
                if isinstance(bits, int):
                    known[key] = bits
                else:
                    is_plain = False
            of_pin.append(intern(pin))  # a few names, a million times
            of_bits.append(bits)
        self._end_instance(module, intern(master), name, is_plain)

    def _end_instance(self, module: Module, master: str, name: str, is_plain: bool = False) -> None:
        module.inst_master.append(master)
        module.inst_name.append(name)
        module.inst_at.append(self._start)
        module.inst_begin.append(len(module.conn_pin))
        module.inst_plain.append(is_plain)

    def _header(self, words: Words) -> Module:
        if words.next != "module":
            raise self._fault(f"expected `module`, found {show(words.next)}")
        words.take()
        name = words.name("the module's name")
        if name in self._modules:
            line = self._text.line(self._modules[name].at)
            raise self._fault(f"module {show(name)} is there already (line {line})")
        module = self._modules[name] = Module(name, self._start)
        self._known, self._listed = {}, set()
        if words.skip("#"):
            words.balanced()
        if words.skip("("):
            self._ports(module, words)
        words.end("';'")
        return module

    def _ports(self, module: Module, words: Words) -> None:
        kind, span = "", None
        if words.skip(")"):
            return
        while True:
            if words.next in _DIRECTIONS:
                kind = words.take()
                while words.next in _WIRES or words.next == "signed":
                    words.take()
                span = self._range(words)
            port = words.name("a port")
            if port in self._listed:
                raise self._fault(f"port {show(port)} is listed twice")
            self._listed.add(port)
            module.ports.append(port)
            if kind:
                module.direction[port] = kind
                self._declare(module, port, span)
            if not words.skip(","):
                break
        words.want(")")

    def _statement(self, module: Module, words: Words) -> None:
        key = words.next
        if key in _DIRECTIONS or key in _WIRES:
            self._declaration(module, words)
        elif key == "assign":
            words.take()
            while True:
                left = self._bits(module, words)
                words.want("=")
                self._join(module, left, self._bits(module, words))
                if not words.skip(","):
                    break
            words.end("';'")
        elif key in _BEHAVIOUR:
            raise self._fault(f"{key!r} is behaviour; a netlist has instances, wires and assign only")
        elif key == "module":
            raise self._fault(f"module {show(module.name)} has no endmodule before this one")
        elif key not in _PASSED_OVER:  # of parameters nothing here may depend: a range that does is refused itself
            self._instances(module, words)

    def _declaration(self, module: Module, words: Words) -> None:
        kind = words.take()
        supply = kind.startswith("supply")
        while words.next in _WIRES or words.next == "signed":
            supply |= words.take().startswith("supply")
        span = self._range(words)
        while True:
            name = words.name(f"a name after {kind}")
            if kind in _DIRECTIONS:
                if name not in self._listed:
                    raise self._fault(f"{kind} {show(name)} is not in the module's list of ports")
                if name in module.direction:
                    raise self._fault(f"port {show(name)} has a direction already")
                module.direction[name] = kind
            self._declare(module, name, span)
            if supply:
                self._join(module, module.whole(name), CONSTANT)
            if words.skip("="):
                self._join(module, module.whole(name), self._bits(module, words))
            if not words.skip(","):
                break
        words.end("';'")

    def _declare(self, module: Module, name: str, span: tuple[int, int] | None) -> None:
        if name in module.span:
            # `output [3:0] y; wire [3:0] y;` says the same twice; `output [3:0] y; reg y;` is seen, too
            if span is not None and module.span[name] != span:
                raise self._fault(f"{show(name)} has had another range, or been used without one, before")
            return
        module.span[name] = span
        module.first[name] = module.bits
        if span is None:
            self._known[name] = module.bits
        module.bits += 1 if span is None else abs(span[0] - span[1]) + 1

    def _range(self, words: Words) -> tuple[int, int] | None:
        if not words.skip("["):
            return None
        high = words.integer()
        words.want(":")
        low = words.integer()
        words.want("]")
        if abs(high - low) >= _MAX_WIDTH:
            raise self._fault(f"the range is wider than {_MAX_WIDTH} bits")
        return high, low

    def _instances(self, module: Module, words: Words) -> None:
        master = words.name("a declaration or an instance")
        if words.skip("#"):
            words.balanced()
        while True:
            name = words.name(f"the name of an instance of {show(master)}")
            if words.next == "[":
                raise self._fault(f"{show(name)} is an array of instances, which is not read")
            words.want("(")
            if not words.skip(")"):
                place = 0
                while True:
                    self._connection(module, words, place)
                    place += 1
                    if not words.skip(","):
                        break
                words.want(")")
            self._end_instance(module, master, name)
            if not words.skip(","):
                break
        words.end("';'")

    def _connection(self, module: Module, words: Words, place: int) -> None:
        pin: str | int = place
        if words.skip("."):
            pin = words.name("a pin")
            words.want("(")
            if words.skip(")"):
                return
        elif words.next in (",", ")"):
            return
        bits = self._bits(module, words)
        if isinstance(pin, str):
            words.want(")")
        module.conn_pin.append(pin)
        module.conn_bits.append(bits)

    def _join(self, module: Module, left: Bits, right: Bits) -> None:
        to, by = several(left), several(right)
        if any(by) and len(by) != len(to):
            raise self._fault(f"{len(by)} bits are assigned to {len(to)}")
        module.aliases.extend(zip(to, by if any(by) else (CONSTANT,) * len(to), strict=True))

    def _bits(self, module: Module, words: Words, depth: int = 0) -> Bits:
        """Return the bits of the expression at hand: a wire or a part of it, a constant, or several in braces."""
        if words.next in ("{", "("):
            if depth == _MAX_DEPTH:
                raise self._fault(f"brackets are nested deeper than {_MAX_DEPTH}")
            if words.skip("("):
                bits = self._bits(module, words, depth + 1)
                words.want(")")
                return bits
            return self._braces(module, words, depth)
        if words.number:
            return self._constant(words.take())
        name = words.name("a wire, a constant or '{'")
        if name not in module.span:
            self._declare(module, name, None)
        if not words.skip("["):
            bits = module.whole(name)
            self._count(0 if isinstance(bits, int) else len(bits))
            return bits
        high = low = words.integer()
        part = words.skip(":")
        if part:
            low = words.integer()
        words.want("]")
        ends = module.bit(name, high), module.bit(name, low)
        span = module.span[name]
        if ends[0] is None or ends[1] is None or span is None or (high - low) * (span[0] - span[1]) < 0:
            said = "a single bit" if span is None else f"[{span[0]}:{span[1]}]"
            raise self._fault(f"{show(name)} has no [{high}{f':{low}' if part else ''}], it is {said}")
        if not part:
            return ends[0]
        self._count(ends[0] - ends[1] + 1)
        return tuple(range(ends[0], ends[1] - 1, -1))

    def _braces(self, module: Module, words: Words, depth: int) -> Bits:
        words.want("{")
        times = 1
        repeated = words.number and words.next.isdigit()
        if repeated:
            times = words.integer()
            words.want("{")
        out: list[int] = []
        while True:
            part = several(self._bits(module, words, depth + 1))
            self._count(len(part) * times)
            out += part
            if not words.skip(","):
                break
        words.want("}")
        if repeated:
            words.want("}")
        return tuple(out * times)

    def _constant(self, word: str) -> Bits:
        size = word.partition("'")[0].strip().replace("_", "") if "'" in word else ""
        if not size:
            return CONSTANT
        width = int(size) if len(size) < 10 else _MAX_WIDTH + 1
        if not 0 < width <= _MAX_WIDTH:
            raise self._fault(f"the constant {word[:20]!r} has no width from 1 to {_MAX_WIDTH}")
        self._count(width)
        return (CONSTANT,) * width if width > 1 else CONSTANT

    def _count(self, bits: int) -> None:
        self._wide += bits
        if self._wide > self._limit:
            raise self._fault(f"the file's expressions have more than {self._limit} bits")
