"""Random circuits written as GSRC, YAL and Verilog with LEF, and read back as what they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.formats.gsrc.reader import read_gsrc
from floorplan.formats.gsrc.yal import read_yal
from floorplan.formats.verilog.reader import read_verilog
from floorplan.netlist import NodeKind, Problem

Connection = tuple[int, int, int]
"""A block, or a terminal numbered after the blocks; a pin's share of width and height from the centre, in eighths."""

OUTLINE = 900


@dataclass(frozen=True)
class Circuit:
    """Blocks by their sizes, terminals by their positions on a square outline, and nets."""

    sizes: list[tuple[int, int]]
    spots: list[tuple[int, int]]
    nets: list[list[Connection]]

    def pins(self, block: int) -> list[tuple[int, float, float]]:
        """Net and position, from the lower left corner, of each pin of a block."""
        w, h = self.sizes[block]
        found = [(e, x, y) for e, net in enumerate(self.nets) for node, x, y in net if node == block]
        return [(e, w / 2 + w * x / 8, h / 2 + h * y / 8) for e, x, y in found]

    def net_of(self, terminal: int) -> int:
        """The net of a terminal."""
        return next(e for e, net in enumerate(self.nets) for node, *_ in net if node == len(self.sizes) + terminal)


@st.composite
def circuits(draw: st.DrawFn) -> Circuit:
    """Circuits whose terminals are in one net each, as in the public suites."""
    length = st.integers(1, 200)
    at = st.integers(0, OUTLINE)
    sizes = draw(st.lists(st.tuples(length, length), min_size=1, max_size=6))
    spots = [*draw(st.lists(st.tuples(at, at), max_size=4)), (OUTLINE, OUTLINE)]
    pin = st.tuples(st.integers(0, len(sizes) - 1), st.integers(-4, 4), st.integers(-4, 4))
    nets: list[list[Connection]] = draw(st.lists(st.lists(pin, min_size=2, max_size=5), min_size=1, max_size=6))
    for k in range(len(spots)):
        nets[draw(st.integers(0, len(nets) - 1))].append((len(sizes) + k, 0, 0))
    return Circuit(sizes, spots, nets)


def from_gsrc(c: Circuit, folder: Path) -> Problem:
    blocks = [f"b{i} hardrectilinear 4 (0, 0) (0, {h}) ({w}, {h}) ({w}, 0)" for i, (w, h) in enumerate(c.sizes)]
    terminals = [f"t{k} terminal" for k in range(len(c.spots))]
    counts = f"NumHardRectilinearBlocks : {len(c.sizes)}\nNumTerminals : {len(c.spots)}"
    (folder / "c.blocks").write_text("\n".join(["UCSC blocks 1.0", counts, *blocks, *terminals]))
    names = [f"b{i}" for i in range(len(c.sizes))] + [f"t{k}" for k in range(len(c.spots))]
    lines = ["UCLA nets 1.0"]
    for net in c.nets:
        lines += [f"NetDegree : {len(net)}", *(f"{names[i]} B : %{x * 12.5} %{y * 12.5}" for i, x, y in net)]
    (folder / "c.nets").write_text("\n".join(lines))
    spots = [f"t{k} {x} {y}" for k, (x, y) in enumerate(c.spots)]
    (folder / "c.pl").write_text("\n".join(["UCLA pl 1.0", *spots]))
    return read_gsrc(folder / "c.nets").problem


def from_yal(c: Circuit, folder: Path) -> Problem:
    out, calls = [], []
    for i, (w, h) in enumerate(c.sizes):
        pins = c.pins(i)
        lines = [f"P_{k} B {x} {y} 1 METAL2;" for k, (_, x, y) in enumerate(pins)]
        out += [f"MODULE b{i}; TYPE GENERAL;", f"DIMENSIONS {w} 0 {w} {h} 0 {h} 0 0;"]
        out += ["IOLIST;", *lines, "ENDIOLIST;", "ENDMODULE;"]
        calls.append(f"C_{i} b{i} {' '.join(f'n{e}' for e, *_ in pins)};")
    ports = [f"n{c.net_of(k)} PB {x} {y} 1 METAL2;" for k, (x, y) in enumerate(c.spots)]
    out += ["MODULE bound; TYPE PARENT;", f"DIMENSIONS 0 0 {OUTLINE} 0 {OUTLINE} {OUTLINE} 0 {OUTLINE};"]
    out += ["IOLIST;", *ports, "ENDIOLIST;", "NETWORK;", *calls, "ENDNETWORK;", "ENDMODULE;"]
    (folder / "c.yal").write_text("\n".join(out))
    return read_yal(folder / "c.yal").problem


def from_verilog(c: Circuit, folder: Path) -> Problem:
    lef, instances = [], []
    for i, (w, h) in enumerate(c.sizes):
        lef += [f"MACRO m{i}", "CLASS BLOCK ;", f"SIZE {w} BY {h} ;"]
        for k, (_, x, y) in enumerate(c.pins(i)):
            lef += [
                f"PIN P[{k}]",
                "DIRECTION INOUT ;",
                "PORT",
                "LAYER a ;",
                f"RECT {x} {y} {x} {y} ;",
                "END",
                f"END P[{k}]",
            ]
        lef.append(f"END m{i}")
        bits = ", ".join(f"n[{e}]" for e, *_ in reversed(c.pins(i)))
        instances.append(f"m{i} \\b{i}. ({f'.P({{{bits}}})' if bits else ''});")
    ports = [f"t{k}" for k in range(len(c.spots))]
    assigns = [f"assign t{k} = n[{c.net_of(k)}];" for k in range(len(c.spots))]
    top = f"module top({', '.join(ports)});\ninout {', '.join(ports)};\nwire [0:{len(c.nets) - 1}] n;"
    (folder / "c.lef").write_text("\n".join([*lef, "END LIBRARY"]))
    (folder / "c.v").write_text("\n".join([top, *instances, *assigns, "endmodule"]))
    return read_verilog(folder / "c.v", [folder / "c.lef"]).problem


def nets_of(problem: Problem) -> list[list[tuple[float, ...]]]:
    """Nets as sorted lists of terminals (number) and pins of blocks (size, offset from the centre)."""
    nl = problem.netlist
    rank = {int(node): k for k, node in enumerate(nl.ports)}
    out = []
    for a, b in zip(nl.net_ptr, nl.net_ptr[1:], strict=False):
        net: list[tuple[float, ...]] = []
        for pin in nl.net_pin[a:b].tolist():
            node = int(nl.pin_node[pin])
            offset = round(float(nl.pin_dx_um[pin]), 6), round(float(nl.pin_dy_um[pin]), 6)
            block = float(nl.node_w_um[node]), float(nl.node_h_um[node]), *offset
            net.append((float(rank[node]),) if nl.node_kind[node] == NodeKind.PORT else block)
        out.append(sorted(net))
    return sorted(out)


def expected(c: Circuit) -> list[list[tuple[float, ...]]]:
    out = []
    for net in c.nets:
        pins: list[tuple[float, ...]] = []
        for node, x, y in net:
            if node >= len(c.sizes):
                pins.append((float(node - len(c.sizes)),))
            else:
                w, h = c.sizes[node]
                pins.append((float(w), float(h), round(w * x / 8, 6), round(h * y / 8, 6)))
        out.append(sorted(pins))
    return sorted(out)


@pytest.mark.parametrize("read", [from_gsrc, from_yal, from_verilog])
@settings(max_examples=40, deadline=None)
@given(circuit=circuits())
def test_a_circuit_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, read: Callable[[Circuit, Path], Problem], circuit: Circuit
) -> None:
    folder = tmp_path_factory.getbasetemp() / "circuit"
    folder.mkdir(exist_ok=True)
    problem = read(circuit, folder)
    assert nets_of(problem) == expected(circuit)
    assert [
        (w, h) for w, h in zip(problem.netlist.node_w_um, problem.netlist.node_h_um, strict=True) if w
    ] == circuit.sizes
    if read is not from_verilog:  # which has no positions
        ports = problem.netlist.ports
        scale = problem.canvas.width_um / OUTLINE
        assert problem.initial.x_um[ports].tolist() == pytest.approx([x * scale for x, _ in circuit.spots])
        assert problem.initial.y_um[ports].tolist() == pytest.approx([y * scale for _, y in circuit.spots])
