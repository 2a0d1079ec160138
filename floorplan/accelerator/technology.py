"""Areas and routing supply of a few process nodes: what turns bits, flip-flops and multipliers into um2."""

from __future__ import annotations

from dataclasses import dataclass, replace

from floorplan.errors import UnknownNameError

__all__ = ["TECHNOLOGIES", "Technology", "technology"]


@dataclass(frozen=True)
class Technology:
    """One process node.

    Attributes:
        name: key in `TECHNOLOGIES`.
        bitcell_um2: six-transistor SRAM cell.
        array_efficiency_frac: share of an SRAM's core that is bit cells; the rest is straps and wells.
        line_um2: SRAM periphery (driver, sense amplifier, decoder share) per word line or bit-line pair.
        flop_um2: D flip-flop.
        mux2_um2: two-way multiplexer of one bit.
        mac8_um2: 8-bit multiplier and 32-bit adder, without registers.
        alu32_um2: 32-bit multiplier and adder.
        logic_fill_frac: standard-cell area over the area of a hardened logic macro.
        h_tracks_per_um: horizontal routing tracks per um of height, all layers together.
        v_tracks_per_um: vertical routing tracks per um of width.
        h_macro_tracks_per_um: horizontal tracks that a hard macro takes.
        v_macro_tracks_per_um: vertical tracks that a hard macro takes.
        source: where the numbers come from, and which of them are scaled.
    """

    name: str
    bitcell_um2: float
    array_efficiency_frac: float
    line_um2: float
    flop_um2: float
    mux2_um2: float
    mac8_um2: float
    alu32_um2: float
    logic_fill_frac: float
    h_tracks_per_um: float
    v_tracks_per_um: float
    h_macro_tracks_per_um: float
    v_macro_tracks_per_um: float
    source: str


_NANGATE45 = Technology(
    name="nangate45",
    bitcell_um2=0.30,
    array_efficiency_frac=0.70,
    line_um2=38.0,
    flop_um2=4.522,
    mux2_um2=1.862,
    mac8_um2=282.0 + 137.0,
    alu32_um2=3495.0 + 137.0,
    logic_fill_frac=0.70,
    h_tracks_per_um=57.031,
    v_tracks_per_um=56.818,
    h_macro_tracks_per_um=39.583,
    v_macro_tracks_per_um=30.303,
    source=(
        "bit cell: typical 45 nm; efficiency and line: fitted to the LEF sizes of fakeram45 256x16 (1.87 um2/bit) and "
        "512x64 (0.80 um2/bit), which they meet within 14 %; flip-flop and multiplexer: NanGate45 DFF_X1 and MUX2_X1; "
        "arithmetic: 45 nm areas in W. Dally, High-Performance Hardware for Machine Learning (NIPS 2015 tutorial); "
        "tracks: .plc headers of TILOS MacroPlacement, the same for all of its nodes"
    ),
)


def _scaled(name: str, bitcell_um2: float) -> Technology:
    """Shrink NanGate45 by the ratio of the bit cells; logic and periphery have followed them within about a third."""
    k = bitcell_um2 / _NANGATE45.bitcell_um2
    return replace(
        _NANGATE45,
        name=name,
        bitcell_um2=bitcell_um2,
        line_um2=_NANGATE45.line_um2 * k,
        flop_um2=_NANGATE45.flop_um2 * k,
        mux2_um2=_NANGATE45.mux2_um2 * k,
        mac8_um2=_NANGATE45.mac8_um2 * k,
        alu32_um2=_NANGATE45.alu32_um2 * k,
        source=f"bit cell {bitcell_um2} um2: typical high-density cell of the node; the rest: nangate45 scaled by it",
    )


TECHNOLOGIES: dict[str, Technology] = {
    t.name: t for t in (_NANGATE45, _scaled("n28", 0.127), _scaled("n16", 0.070), _scaled("n7", 0.027))
}


def technology(name: str) -> Technology:
    """Return the node called `name`.

    Raises:
        UnknownNameError: there is none.
    """
    found = TECHNOLOGIES.get(name)
    if found is None:
        raise UnknownNameError("technology", name, list(TECHNOLOGIES))
    return found
