"""What a DEF file says, as tables in its own database units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from floorplan.errors import ParseError
from floorplan.formats.lefdef.text import Source

__all__ = [
    "Components",
    "Def",
    "DefBlockage",
    "DefGroup",
    "DefNets",
    "DefPin",
    "DefRegion",
    "Gcells",
    "Halo",
    "Rect",
    "Row",
    "Status",
    "Tracks",
]

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

Rect = tuple[int, int, int, int]
"""x0, y0, x1, y1 in database units, x0 <= x1 and y0 <= y1."""


class Status(IntEnum):
    """How firmly a component or pin stands."""

    UNPLACED = 0
    PLACED = 1
    FIXED = 2
    COVER = 3


@dataclass(frozen=True)
class Row:
    """A row of sites: nx by ny of them from (x, y) on, step_x and step_y apart (0 where not given)."""

    name: str
    site: str
    x: int
    y: int
    orient: int
    nx: int
    ny: int
    step_x: int
    step_y: int


@dataclass(frozen=True)
class Tracks:
    """Routing tracks: `axis` X means vertical lines at start + k * step; of `layers`."""

    axis: str
    start: int
    count: int
    step: int
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Gcells:
    """One GCELLGRID statement."""

    axis: str
    start: int
    count: int
    step: int


@dataclass(frozen=True)
class Halo:
    """Room around a component: left, bottom, right, top of its macro in orientation N; soft where so marked."""

    sides: Rect
    soft: bool


@dataclass(frozen=True)
class DefRegion:
    """A region; `kind` is FENCE, GUIDE or "" where the file gives no type."""

    name: str
    rects: tuple[Rect, ...]
    kind: str


@dataclass(frozen=True)
class DefGroup:
    """A group of components; members may hold `*` as a wild card; `region` is "" where it is tied to none."""

    name: str
    members: tuple[str, ...]
    region: str


@dataclass(frozen=True)
class DefBlockage:
    """A placement blockage: `density` is the percentage of its area that a partial one leaves to cells."""

    rects: tuple[Rect, ...]
    soft: bool
    partial: bool
    density: float
    component: str
    offset: int


@dataclass(frozen=True)
class DefPin:
    """A pin of the design.

    Attributes:
        name: of the pin; `net` is that of its net.
        direction: INPUT, OUTPUT, INOUT, FEEDTHRU or "".
        use: SIGNAL, POWER, GROUND, CLOCK, ... or "".
        special: it belongs to a special net.
        at: centre of the shapes of its first placed port, or that port's point where it has no shapes; in half
            database units, so that it is exact; None where it is not placed.
        status: of that port.
        offset: where its statement begins.
    """

    name: str
    net: str
    direction: str
    use: str
    special: bool
    at: tuple[int, int] | None
    status: Status
    offset: int


@dataclass(frozen=True, eq=False)
class Components:
    """C components in file order.

    Attributes:
        name: (C,).
        master: (C,) int32 into `masters`.
        masters: names of the library cells, in the order of their first use.
        status: (C,) uint8 of `Status`.
        x: (C,) lower-left corner of the oriented bounding box; 0 where not placed.
        y: (C,) likewise.
        orient: (C,) uint8 of `floorplan.geometry.Orient`.
        halo: by component.
        region: by component, where the component itself names one.
    """

    name: Sequence[str]
    master: I32
    masters: tuple[str, ...]
    status: npt.NDArray[np.uint8]
    x: I64
    y: I64
    orient: npt.NDArray[np.uint8]
    halo: dict[int, Halo]
    region: dict[int, str]


@dataclass(frozen=True, eq=False)
class DefNets:
    """E nets with T connections in file order.

    Attributes:
        name: (E,).
        use: (E,) POWER, GROUND, SIGNAL, ..., "" where not given.
        weight: (E,) float64, 1 where not given.
        ptr: (E + 1,) int64, where the connections of each net begin.
        component: (T,) int32, -1 for a pin of the design, -2 for the wild card `*`.
        pin: (T,) int32 into `pin_names`.
        pin_names: in the order of their first use.
    """

    name: Sequence[str]
    use: Sequence[str]
    weight: npt.NDArray[np.float64]
    ptr: I64
    component: I32
    pin: I32
    pin_names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Def:
    """A DEF file; lengths are integers of which `dbu_per_um` make a um.

    Attributes:
        path: the file.
        version: VERSION, "" where not given.
        design: DESIGN.
        divider: DIVIDERCHAR.
        bus_bits: BUSBITCHARS.
        dbu_per_um: UNITS DISTANCE MICRONS.
        die: corners of DIEAREA: two of a rectangle or those of a rectilinear polygon.
        rows: ROW statements.
        tracks: TRACKS statements.
        gcells: GCELLGRID statements.
        regions: REGIONS.
        groups: GROUPS.
        components: COMPONENTS.
        pins: PINS.
        blockages: placement blockages of BLOCKAGES.
        nets: NETS.
        source: the file's text, which finds lines again.
        sections: where the statements of each section begin and end in it.
    """

    path: Path
    version: str
    design: str
    divider: str
    bus_bits: str
    dbu_per_um: int
    die: tuple[tuple[int, int], ...]
    rows: tuple[Row, ...]
    tracks: tuple[Tracks, ...]
    gcells: tuple[Gcells, ...]
    regions: tuple[DefRegion, ...]
    groups: tuple[DefGroup, ...]
    components: Components
    pins: tuple[DefPin, ...]
    blockages: tuple[DefBlockage, ...]
    nets: DefNets
    source: Source
    sections: dict[str, tuple[int, int]]

    def fault(self, section: str, number: int, what: str) -> ParseError:
        """Return the error for statement `number` (from 0) of a section, with its line."""
        start, end = self.sections[section]
        return self.source.fault(self.source.offset(start, end, number), what)
