"""What LEF files say: sites, routing layers and macros, in micrometres."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Lef", "LefLayer", "LefMacro", "LefPin", "LefRect", "LefSite"]


@dataclass(frozen=True)
class LefSite:
    """A placement site; `kind` is CORE, PAD or ""."""

    name: str
    w_um: float
    h_um: float
    kind: str
    symmetry: frozenset[str]


@dataclass(frozen=True)
class LefLayer:
    """A layer; direction is HORIZONTAL, VERTICAL, DIAG45, DIAG135 or "", lengths are 0 where not given."""

    name: str
    kind: str
    direction: str
    pitch_x_um: float
    pitch_y_um: float
    width_um: float


@dataclass(frozen=True, slots=True)
class LefRect:
    """A shape's bounding box on a layer, in the macro's own coordinates."""

    layer: str
    x0_um: float
    y0_um: float
    x1_um: float
    y1_um: float


@dataclass(frozen=True)
class LefPin:
    """A pin of a macro.

    Attributes:
        name: as the file gives it, brackets and backslashes kept.
        direction: INPUT, OUTPUT, INOUT, FEEDTHRU or "".
        use: SIGNAL, POWER, GROUND, CLOCK, ANALOG or "".
        shapes: of all its ports.
    """

    name: str
    direction: str
    use: str
    shapes: tuple[LefRect, ...]

    @property
    def centre_um(self) -> tuple[float, float] | None:
        """Centre of the box around all shapes, as circuit_training's netlists have it; None without shapes."""
        if not self.shapes:
            return None
        x0, x1 = min(s.x0_um for s in self.shapes), max(s.x1_um for s in self.shapes)
        y0, y1 = min(s.y0_um for s in self.shapes), max(s.y1_um for s in self.shapes)
        return (x0 + x1) / 2, (y0 + y1) / 2


@dataclass(frozen=True)
class LefMacro:
    """A library cell or hard macro.

    Attributes:
        name: of the macro.
        kind: CLASS: CORE, BLOCK, PAD, RING, COVER, ENDCAP or "".
        subkind: the word after it (SPACER, BUMP, BLACKBOX, ...) or "".
        w_um: SIZE in x.
        h_um: SIZE in y.
        origin_um: ORIGIN: what is added to all shapes so that the lower-left corner is (0, 0).
        symmetry: of X, Y, R90.
        site: name of its site, "" where not given.
        foreign: name of the layout cell, "" where not given.
        pins: by name, in file order.
        obstruction_um2: area of OBS shapes by layer, overlaps counted twice.
        path: the file it was read from.
        line: where it begins.
    """

    name: str
    kind: str
    subkind: str
    w_um: float
    h_um: float
    origin_um: tuple[float, float]
    symmetry: frozenset[str]
    site: str
    foreign: str
    pins: dict[str, LefPin]
    obstruction_um2: dict[str, float]
    path: Path
    line: int

    def pin_offset_um(self, pin: LefPin) -> tuple[float, float]:
        """Return a pin's offset from the macro's centre in orientation N; (0, 0) for a pin without shapes."""
        centre = pin.centre_um
        if centre is None:
            return 0.0, 0.0
        return centre[0] + self.origin_um[0] - self.w_um / 2, centre[1] + self.origin_um[1] - self.h_um / 2


@dataclass(frozen=True)
class Lef:
    """One or more LEF files taken together; of two definitions of a name the first holds.

    Attributes:
        paths: the files.
        dbu_per_um: DATABASE MICRONS, 0 where not given.
        manufacturing_grid_um: 0 where not given.
        sites: by name.
        layers: by name, in stack order.
        macros: by name.
    """

    paths: tuple[Path, ...]
    dbu_per_um: int
    manufacturing_grid_um: float
    sites: dict[str, LefSite]
    layers: dict[str, LefLayer]
    macros: dict[str, LefMacro]
