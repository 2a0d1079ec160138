"""The cells and macros that a Verilog netlist instantiates, from LEF: sizes, and pins by name and by bus."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.formats.lefdef.lef_tables import Lef, LefMacro

__all__ = ["Cell", "Library"]

_BIT = re.compile(r"(.+)[\[<]([0-9]{1,9})[\]>]", re.DOTALL)
_SUPPLIES = ("POWER", "GROUND")


@dataclass(frozen=True)
class Cell:
    """A LEF macro as a netlist sees it.

    Attributes:
        macro: the macro.
        pins: number in the library of each pin; -1 for supplies, whose nets are not placed for.
        buses: numbers of the pins `name[i]` of each bus, the highest index first.
    """

    macro: LefMacro
    pins: dict[str, int]
    buses: dict[str, list[int]]

    def numbers(self, pin: str) -> list[int] | None:
        """Return the pins that a name stands for, the highest of a bus first; None where there is none."""
        one = self.pins.get(pin)
        return self.buses.get(pin) if one is None else [one]


class Library:
    """Cells by name, made as they are asked for; pins of all of them are numbered through.

    Attributes:
        pin_name: of each pin.
        pin_out: of each pin, whether it drives its net.
    """

    def __init__(self, lef: Lef) -> None:
        self._lef = lef
        self._cells: dict[str, Cell] = {}
        self.pin_name: list[str] = []
        self.pin_out: list[bool] = []
        self._offset: list[tuple[float, float]] = []

    def __contains__(self, name: str) -> bool:
        return name in self._lef.macros

    def __getitem__(self, name: str) -> Cell:
        cell = self._cells.get(name)
        if cell is None:
            cell = self._cells[name] = self._make(self._lef.macros[name])
        return cell

    def get(self, name: str) -> Cell | None:
        """Return a cell, None where the LEF files have no macro of the name."""
        return self[name] if name in self._lef.macros else None

    def offsets(self) -> npt.NDArray[np.float64]:
        """Return (pins, 2): um from the cell's centre in orientation N."""
        return np.array(self._offset, np.float64).reshape(-1, 2)

    def _make(self, macro: LefMacro) -> Cell:
        pins: dict[str, int] = {}
        bits: dict[str, list[tuple[int, int]]] = {}
        for pin in macro.pins.values():
            name = pin.name.replace("\\", "")
            if pin.use in _SUPPLIES:
                pins[name] = -1
                continue
            pins[name] = number = len(self.pin_name)
            self.pin_name.append(name)
            self.pin_out.append(pin.direction == "OUTPUT")
            self._offset.append(macro.pin_offset_um(pin))
            if (m := _BIT.fullmatch(name)) is not None:
                bits.setdefault(m[1], []).append((int(m[2]), number))
        buses = {name: [number for _, number in sorted(found, reverse=True)] for name, found in bits.items()}
        return Cell(macro, pins, buses)
