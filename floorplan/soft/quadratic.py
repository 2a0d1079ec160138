"""Quadratic placement of soft macros, spread over what the hard macros leave free and refined on the proxy cost.

1. Springs between soft macros and still pins are solved exactly (one factorisation per problem).
2. Top-down spreading moves macros out of cells without room; anchored to where they were moved, the springs are solved
   again, with ever stronger anchors (the alternation of Kim, Lee, Markov, "SimPL", 2012).
3. Sweeps of single-macro moves lower a majorant of the proxy (`floorplan.soft.kernels.sweep`).
4. More sweeps at sharp prices, kept where the exact proxy says so. Where soft macros themselves fill the canvas, as in
   the ICCAD04 designs, they lower it by up to 16 %; where long nets make the congestion, they chase it around.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.cost import CostEngine, CostOptions
from floorplan.geometry import ORIENT_MATRIX
from floorplan.netlist import Problem
from floorplan.parallel import core_count, share_out
from floorplan.soft.base import F64, SoftPlacer, start_positions
from floorplan.soft.kernels.stages import refine_range, spread_range
from floorplan.soft.kernels.sweep import MAX_WINDOW
from floorplan.soft.nets import build_nets
from floorplan.soft.springs import anchor_pull, build_springs
from floorplan.soft.system import SpringSystem, anchored_systems
from floorplan.soft.workspace import make_blocks, make_geometry, make_workspace

__all__ = ["QuadraticPlacer", "Sweep", "rows_of"]


@dataclass(frozen=True)
class Sweep:
    """One sweep of the refinement.

    Attributes:
        density: factor on the price of density.
        density_level: density that cells may reach for free, over the level at which all soft area would be spread
            evenly (never less than what the hard macros force).
        density_ramp: half width of the density price's ramp.
        congestion: factor on the price of congestion.
        congestion_ramp: half width of its ramp over the level of congestion that counts.
        congestion_excess: half width of its ramp over what that level exceeds the hard macros' own by: where routing,
            not macros, makes the congestion, sharp prices only drive it from cell to cell.
        refresh: moves between updates of the prices.
        window: cells to each side that a macro may go, at most MAX_WINDOW.
    """

    density: float = 1.0
    density_level: float = 1.0
    density_ramp: float = 0.05
    congestion: float = 1.0
    congestion_ramp: float = 0.05
    congestion_excess: float = 1.5
    refresh: int = 8
    window: int = MAX_WINDOW

    def __post_init__(self) -> None:
        if not 0 <= self.window <= MAX_WINDOW:
            raise ValueError(f"window must be 0 to {MAX_WINDOW}, got {self.window}")

    def row(self) -> list[float]:
        """Return the values in the order that the kernel reads them."""
        return [
            self.density,
            self.density_level,
            self.density_ramp,
            self.congestion,
            self.congestion_ramp,
            self.congestion_excess,
            float(self.refresh),
            float(self.window),
        ]


DEFAULT_SWEEPS = (
    Sweep(density_ramp=0.6, congestion_excess=3.0),
    Sweep(density_ramp=0.05, congestion_excess=1.5),
)
"""Wide ramps first, so that macros find their way out of crowded regions; then the cost as it is."""

SHARP_SWEEPS = tuple(Sweep(density_ramp=ramp, congestion_excess=0.2) for ramp in (0.3, 0.165, 0.09, 0.05))
"""Tried after the others. Chosen with the others by the mean cost over eight designs for training."""

DEFAULT_ANCHORS = (0.03, 0.06, 0.12, 0.25)
"""Each round ties the macros to where spreading put them twice as firmly as the one before."""


class QuadraticPlacer(SoftPlacer):
    """Solves the springs between soft macros and still pins, spreads, then lowers the proxy cost move by move."""

    def __init__(
        self,
        problem: Problem,
        cost_options: CostOptions | None = None,
        *,
        anchors: tuple[float, ...] = DEFAULT_ANCHORS,
        level: float = 1.0,
        sweeps: tuple[Sweep, ...] = DEFAULT_SWEEPS,
        trial: tuple[Sweep, ...] = SHARP_SWEEPS,
    ) -> None:
        """Compute what depends on the problem alone.

        Args:
            problem: what is placed.
            cost_options: of the proxy that is lowered.
            anchors: of the rounds of spreading, rising.
            level: density above which cells are emptied while spreading.
            sweeps: of the refinement.
            trial: sweeps after these, whose outcome is kept where the exact proxy is lower.
        """
        self.problem = problem
        options = cost_options or CostOptions()
        self._springs = build_springs(problem)
        self._system = SpringSystem(self._springs, problem)
        self._anchored = anchored_systems(self._system, self._springs, problem, anchors)
        self._nets = build_nets(problem, square_soft=options.square_soft)
        self._blocks = make_blocks(problem, square_soft=options.square_soft)
        self._geometry = make_geometry(problem, options)
        self._level = level
        self._plan = rows_of(sweeps)
        self._trial = rows_of(trial)
        self._engine = CostEngine(problem, options) if trial else None
        self._order = np.argsort(-self._nets.w * self._nets.h, kind="stable").astype(np.int32)
        self._lanes = make_workspace(problem, self._nets, 1)

    def place_batch(self, x_um: F64, y_um: F64, orient: npt.NDArray[np.uint8] | None = None) -> None:
        """Overwrite the movable soft macros' columns of x_um and y_um, each (B, N), on all cores; orient: all N."""
        soft = self._springs.soft
        if not len(soft) or not len(x_um):
            return
        # A copy is writable like any other: kernels are compiled anew for read-only arrays.
        orient = np.zeros(x_um.shape, np.uint8) if orient is None else orient.copy()
        if len(self._lanes.px) < min(core_count(), len(x_um)):
            self._lanes = make_workspace(self.problem, self._nets, core_count())
        pull = anchor_pull(self._springs, x_um, y_um, orient)
        x, y = self._system.solve(*pull)
        for system in (*self._anchored, None):
            self._spread(x_um, y_um, orient, x, y)
            if system is not None:
                x, y = system.solve(*pull, x, y)
        self._refine(x_um, y_um, orient, x, y, self._plan)
        x_um[:, soft] = x
        y_um[:, soft] = y
        if self._engine is None:
            return
        before = self._engine.batch(x_um, y_um, orient).proxy
        other_x, other_y = x_um.copy(), y_um.copy()
        self._refine(x_um, y_um, orient, x, y, self._trial)
        other_x[:, soft] = x
        other_y[:, soft] = y
        better = self._engine.batch(other_x, other_y, orient).proxy < before
        x_um[better] = other_x[better]
        y_um[better] = other_y[better]

    def _spread(self, x_um: F64, y_um: F64, orient: npt.NDArray[np.uint8], x: F64, y: F64) -> None:
        static = (self._nets, self._blocks, self._geometry, self._level)
        share_out(
            lambda lane, begin, end: spread_range(lane, begin, end, *static, x_um, y_um, orient, x, y, self._lanes),
            len(x),
        )

    def _refine(self, x_um: F64, y_um: F64, orient: npt.NDArray[np.uint8], x: F64, y: F64, plan: F64) -> None:
        static = (self._nets, self._blocks, self._geometry, self._order, plan)
        share_out(
            lambda lane, begin, end: refine_range(
                lane, begin, end, *static, x_um, y_um, orient, ORIENT_MATRIX, x, y, self._lanes
            ),
            len(x),
        )

    def start(self) -> tuple[F64, F64]:
        """Return x and y, each (N,), with the soft macros where ports and each other pull them."""
        return start_positions(self.problem, self._springs)


def rows_of(sweeps: tuple[Sweep, ...]) -> F64:
    """Return sweeps as the kernels read them, a row each."""
    return np.array([s.row() for s in sweeps]).reshape(-1, 8)
