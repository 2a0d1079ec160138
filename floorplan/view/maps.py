"""The maps that can be laid over the floorplan: what there is, what each says, and its values for any placement."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from floorplan.errors import FloorplanError, ProblemError
from floorplan.view.serving import ASSUMED_TECHNOLOGY

if TYPE_CHECKING:
    from floorplan.cost import CostMaps
    from floorplan.estimate import Estimate
    from floorplan.netlist import Placement
    from floorplan.view.energy import ChipEnergy, WireEnergy
    from floorplan.view.serving import Serving
    from floorplan.view.session import Session

__all__ = ["Layer", "Maps"]

F64 = npt.NDArray[np.float64]

COST_MAPS = ("density", "h", "v")
_HEAT_GRID = 48
_KEPT_FRAMES = 32


@dataclass(frozen=True)
class Layer:
    """One map.

    Attributes:
        name: in addresses.
        says: what it shows, for the legend.
        unit: of its values.
        scale: how it is coloured: `fullness` (1 is full), `amount` (from 0) or `warmth` (from its least).
        columns: of its grid.
        rows: likewise.
        assumes: what it takes for granted; empty where nothing.
        why_not: why it is not offered; empty where it is.
    """

    name: str
    says: str
    unit: str
    scale: str
    columns: int
    rows: int
    assumes: str = ""
    why_not: str = ""


class Maps:
    """Knows all layers of a session. Every public method may be called from any thread.

    Args:
        session: what is looked at.
        serving: the chip and its load; None where there is none.
        said: where those come from, or why there are none.
        technology: node of wires; None takes the chip's, else an assumed one.
    """

    def __init__(
        self, session: Session, serving: Serving | None = None, said: str = "", technology: str | None = None
    ) -> None:
        self._session = session
        self.serving, self.said = serving, said
        self._technology = technology or (None if serving is None else serving.technology or serving.chip.technology)
        self._lock = threading.RLock()
        self._wire: WireEnergy | None = None
        self._chip: ChipEnergy | None = None
        self._now: tuple[int, Estimate | FloorplanError] | None = None
        self._opened: Estimate | FloorplanError | None = None
        self._frames: dict[int, tuple[Placement, Estimate | FloorplanError]] = {}

    def layers(self) -> list[dict[str, Any]]:
        """Return all layers, those that are not offered too, as plain values."""
        cv = self._session.problem.canvas
        size = (cv.columns, cv.rows)
        assumed = f"{ASSUMED_TECHNOLOGY} (assumed; --technology names another)"
        wires = f"one random bit on every wire, technology {self._technology or assumed}"
        why = "" if self.serving else self.said
        heat = _HEAT_GRID
        out = [
            Layer("density", "Cell area covered", "%", "fullness", *size),
            Layer("h", "Horizontal tracks wanted", "%", "fullness", *size),
            Layer("v", "Vertical tracks wanted", "%", "fullness", *size),
            Layer("wire", "Wire energy of a bit", "pJ/mm\u00b2", "amount", *size, wires),
            Layer("token", "Wire energy of a token", "\u00b5J/mm\u00b2", "amount", *size, why_not=why),
            Layer("heat", "Temperature", "\u00b0C", "warmth", heat, heat, why_not=why),
        ]
        return [asdict(layer) for layer in out]

    def values(self, name: str, frame: int | None = None) -> F64:
        """Return (rows, columns) of a layer, for the placement as it stands or for one of the frames.

        Raises:
            ProblemError: there is no such layer, or it is not offered.
            FloorplanError: the placement has no estimate.
        """
        if name in COST_MAPS:
            maps = self._cost_maps(frame)
            return {"density": maps.density, "h": maps.h, "v": maps.v}[name]
        if name == "wire":
            return self._wires(frame)
        if name not in ("token", "heat"):
            raise ProblemError(f"there is no layer {name}")
        placement, estimate = self._estimated(frame)
        if isinstance(estimate, FloorplanError):
            raise estimate
        if name == "heat":
            return estimate.heat.temperature_c
        return self._energy().uj_per_token_mm2(placement, estimate)

    def estimate(self) -> dict[str, Any] | None:
        """Return what the panel shows of the placement as it stands; None where there is no chip."""
        from floorplan.view.energy import told

        if self.serving is None:
            return None
        with self._session.work:
            version = self._session.version
            placement, now = self._estimated(None)
            opened = self._as_opened()
        base = {"version": version, "said": self.said, "load": self.serving.load.name}
        if isinstance(now, FloorplanError):
            return {**base, "why_not": str(now)}
        canvas = self._session.problem.canvas
        nets = self._energy().costly_nets(placement, now)
        return {**base, **told(now, None if isinstance(opened, FloorplanError) else opened, canvas), "nets": nets}

    def proposed(self, node: int, x_um: float, y_um: float, orient: int | None) -> dict[str, Any] | None:
        """Return J and ns per token with one node elsewhere; None without a chip, or until the first estimate."""
        session = self._session
        if self._chip is None:
            return None
        with session.work, self._lock:
            at = session.placement
            turn = int(at.orient[node]) if orient is None else orient
            return self._chip.proposed(session.version, at, (node, x_um, y_um, turn))

    # -- behind it ----------------------------------------------------------------------------------------------------

    def _cost_maps(self, frame: int | None) -> CostMaps:
        return self._session.maps() if frame is None else self._session.frame_maps(frame)

    def _placement(self, frame: int | None) -> Placement:
        return self._session.placement if frame is None else self._session.frames[frame].placement

    def _wires(self, frame: int | None) -> F64:
        from floorplan.view.energy import WireEnergy

        with self._session.work:
            placement, maps = self._placement(frame), self._cost_maps(frame)
            if self._wire is None:
                arrays = self._session.engine().arrays
                technology = self._technology or ASSUMED_TECHNOLOGY
                self._wire = WireEnergy(self._session.problem, arrays, technology)
        return self._wire.pj_per_mm2(placement, maps)

    def _energy(self) -> ChipEnergy:
        from floorplan.view.energy import ChipEnergy

        if self.serving is None:
            raise ProblemError(self.said)
        with self._lock:
            if self._chip is None:
                self._chip = ChipEnergy(self.serving)
            return self._chip

    def _estimated(self, frame: int | None) -> tuple[Placement, Estimate | FloorplanError]:
        with self._session.work, self._lock:
            placement = self._placement(frame)
            if frame is None:
                version = self._session.version
                if self._now is None or self._now[0] != version:
                    self._now = version, self._try(placement)
                return placement, self._now[1]
            kept = self._frames.get(frame)
            if kept is None or kept[0] is not placement:
                while len(self._frames) >= _KEPT_FRAMES:
                    self._frames.pop(next(iter(self._frames)))
                kept = self._frames[frame] = placement, self._try(placement)
            return kept

    def _as_opened(self) -> Estimate | FloorplanError:
        with self._lock:
            if self._opened is None:
                self._opened = self._try(self._session.problem.initial)
            return self._opened

    def _try(self, placement: Placement) -> Estimate | FloorplanError:
        """Estimate; what there is no estimate of is remembered as the error that says why."""
        energy = self._energy()
        try:
            return energy.estimate(placement)
        except FloorplanError as error:
            return error
