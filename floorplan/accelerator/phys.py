"""PHYs and their controllers: area, edge length, wires, bandwidth and capacity, with a source a row."""

from __future__ import annotations

from dataclasses import dataclass

from floorplan.accelerator.shapes import Shape
from floorplan.accelerator.technology import Technology, technology
from floorplan.errors import UnknownNameError
from floorplan.netlist import Side

__all__ = ["PHYS", "Phy", "controller_shape", "phy"]

GB = 10**9
GIB = 2**30

TRANSISTORS_PER_MM2_N7 = 91.2e6
"""Logic density of TSMC N7 with high-density cells, of 2018 (recalled, not verified)."""

LINK_OVERHEAD = "area and controller: cost_model.py of LLMCompass (arXiv 2312.03134), mm2 and transistors"


CONTROLLER_ASPECT = 2.0
"""Extent of a controller along its edge over that across (assumed)."""


@dataclass(frozen=True)
class Phy:
    """One hardened interface at the edge of a die. PHYs do not shrink with the node.

    Attributes:
        name: key in `PHYS`.
        kind: memory_phy, link_phy or d2d_phy.
        area_mm2: all of it.
        edge_mm: length along the die's edge.
        bits: data wires to the die, in each direction.
        bytes_per_s: of a memory, reads; of a link, in each direction.
        memory_bytes: behind it.
        controller_transistors: of the macro between PHY and chip; 0 where the PHY holds its own.
        source: of these numbers, and which are recalled or assumed.
        memory: hbm or gddr, of a memory.
    """

    name: str
    kind: str
    area_mm2: float
    edge_mm: float
    bits: int
    bytes_per_s: float
    memory_bytes: int
    controller_transistors: float
    source: str
    memory: str = ""

    def shape(self, side: Side) -> Shape:
        """Return its size when it stands on that edge of the die."""
        along, across = round(self.edge_mm * 1e3, 4), round(self.area_mm2 / self.edge_mm * 1e3, 4)
        return Shape(across, along) if side in (Side.LEFT, Side.RIGHT) else Shape(along, across)


PHYS: dict[str, Phy] = {
    p.name: p
    for p in (
        Phy(
            name="hbm2e",
            kind="memory_phy",
            area_mm2=10.45,
            edge_mm=6.0,
            bits=1024,
            bytes_per_s=1024 * 3.2e9 / 8,
            memory_bytes=16 * GIB,
            controller_transistors=552.7e6,
            source=f"{LINK_OVERHEAD}; 3.2 Gb/s a pin: JEDEC JESD235C; edge 6 mm of the 10 mm stack: assumed",
            memory="hbm",
        ),
        Phy(
            name="hbm3",
            kind="memory_phy",
            area_mm2=10.45,
            edge_mm=6.0,
            bits=1024,
            bytes_per_s=1024 * 6.4e9 / 8,
            memory_bytes=16 * GIB,
            controller_transistors=552.7e6,
            source="6.4 Gb/s a pin: JEDEC JESD238; area, edge, controller: those of hbm2e, assumed",
            memory="hbm",
        ),
        Phy(
            name="hbm3e",
            kind="memory_phy",
            area_mm2=10.45,
            edge_mm=6.0,
            bits=1024,
            bytes_per_s=1e12,
            memory_bytes=24 * GB,
            controller_transistors=552.7e6,
            source="1 TB/s and 24 GB a stack: six make the 4.8 TB/s and 141 GB of an H200 at 0.8 TB/s; B200 has eight "
            "of 1 TB/s (accelerator catalogue); area, edge, controller: those of hbm2e, assumed",
            memory="hbm",
        ),
        Phy(
            name="gddr7",
            kind="memory_phy",
            area_mm2=2 * 1.45,
            edge_mm=2.4,
            bits=32,
            bytes_per_s=32 * 32e9 / 8,
            memory_bytes=3 * GIB,
            controller_transistors=100e6,
            source="32 Gb/s a pin and 24 Gb a device: JEDEC JESD239 and vendors' notices, recalled, not verified; area "
            "twice the 1.45 mm2 of a 32-bit DDR5 PHY in LLMCompass, edge and controller: assumed",
            memory="gddr",
        ),
        Phy(
            name="link",
            kind="link_phy",
            area_mm2=0.965,
            edge_mm=1.2,
            bits=256,
            bytes_per_s=25e9,
            memory_bytes=0,
            controller_transistors=86.6e6,
            source=f"NVLink4: 25 GB/s a link and direction; {LINK_OVERHEAD}; edge assumed",
        ),
        Phy(
            name="ici",
            kind="link_phy",
            area_mm2=1.888,
            edge_mm=1.8,
            bits=512,
            bytes_per_s=50e9,
            memory_bytes=0,
            controller_transistors=86.6e6,
            source="TPU v4 ICI: 50 GB/s a link and direction (arXiv 2304.01433); area of NVLink3's 50 GB/s and "
            "NVLink4's controller from LLMCompass; edge assumed",
        ),
        Phy(
            name="c2c",
            kind="link_phy",
            area_mm2=4 * 0.48,
            edge_mm=1.6,
            bits=128,
            bytes_per_s=4 * 30e9 / 8,
            memory_bytes=0,
            controller_transistors=0.0,
            source="four lanes of 30 Gb/s: D. Abts et al., Think Fast: A Tensor Streaming Processor (ISCA 2020); area "
            "of four PCIe 4 lanes in LLMCompass, controller within; edge assumed",
        ),
        Phy(
            name="ucie",
            kind="d2d_phy",
            area_mm2=0.3888 * 1.043 * 4,
            edge_mm=0.3888 * 4,
            bits=4 * 64 * 16,
            bytes_per_s=4 * 64 * 32e9 / 8,
            memory_bytes=0,
            controller_transistors=0.0,
            source="four UCIe 1.0 advanced-package modules of 64 lanes at 32 Gb/s, 388.8 um of edge and 1043 um deep "
            "at a bump pitch of 45 um: recalled, not verified; 16 parallel wires a lane: assumed",
        ),
    )
}


def phy(name: str) -> Phy:
    """Return the PHY called `name`.

    Raises:
        UnknownNameError: there is none.
    """
    found = PHYS.get(name)
    if found is None:
        raise UnknownNameError("PHY", name, list(PHYS))
    return found


def controller_shape(tech: Technology, transistors: float, along_um: float, side: Side) -> Shape:
    """Size of a hardened controller of `transistors`: stretched along the edge, no longer there than its PHY.

    Density is that of N7, and for other nodes in proportion to their flip-flops.
    """
    area_um2 = transistors / TRANSISTORS_PER_MM2_N7 * 1e6 * tech.flop_um2 / technology("n7").flop_um2
    along = round(min(along_um, (CONTROLLER_ASPECT * area_um2) ** 0.5), 4)
    across = round(area_um2 / along, 4)
    return Shape(across, along) if side in (Side.LEFT, Side.RIGHT) else Shape(along, across)
