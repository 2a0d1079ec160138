"""The reward of whole placements: the exact proxy and the exact estimate, by the weights of an objective."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from floorplan.cost import Cost, CostEngine, CostOptions
from floorplan.errors import ProblemError
from floorplan.estimate.errors import ThermalRunawayError
from floorplan.estimate.length import net_boxes_um
from floorplan.estimate.objective import Objective, reference

if TYPE_CHECKING:
    from floorplan.estimate.estimator import Estimator
    from floorplan.estimate.results import Totals
    from floorplan.netlist import Placement

__all__ = ["Episode", "Frozen", "Reward", "Scored"]

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Frozen:
    """What moves leave as it was measured: where it is crowded, and how much hotter the hottest cell is than the mean.

    Attributes:
        scale_m_per_um: (E,) metres of wire per um of half-perimeter.
        excess_k_per_w: hottest cell over mean die temperature, per watt of the die; NaN where the map ran away.
    """

    scale_m_per_um: F64
    excess_k_per_w: float


@dataclass(frozen=True)
class Scored:
    """A placement by an objective.

    Attributes:
        cost: of the stock proxy.
        reward: minus its proxy, and the terms of the objective.
        j_per_token: infinite where leakage runs away; NaN for a stock objective, which estimates nothing.
        ns_per_token: likewise NaN.
        temperature_c: of the hottest cell; NaN where the objective has no weight for it.
    """

    cost: Cost
    reward: float
    j_per_token: float
    ns_per_token: float
    temperature_c: float


class Episode(Protocol):
    """A complete episode, such as `floorplan.env` lists under `finished`."""

    @property
    def placement(self) -> Placement:
        """Of all nodes."""
        ...

    @property
    def cost(self) -> Cost:
        """Its exact cost."""
        ...


class Reward:
    """Scores placements of one chip under one load by one objective.

    Attributes:
        estimator: of chip and load.
        objective: what counts beside the proxy.
        options: of the proxy.
        reference: of the logarithms.
    """

    def __init__(self, estimator: Estimator, objective: Objective, options: CostOptions | None = None) -> None:
        """Prepare.

        Raises:
            EstimateError: the options invite macros piled up at the PHYs.
        """
        self.estimator, self.objective, self.options = estimator, objective, options or CostOptions()
        objective.check(self.options)
        self.reference = reference(estimator)
        self._engine: CostEngine | None = None

    def score(self, placement: Placement) -> Scored:
        """Return the reward of a legal placement.

        Raises:
            IllegalPlacementError: a node is unplaced, or a rule is broken: such placements have no reward, not a low
                cost.
            ProblemError: the placement is of another netlist.
        """
        self.estimator.check(placement)
        if self._engine is None:
            self._engine = CostEngine(self.estimator.chip.problem, self.options)
        return self.of(placement, self._engine.full(placement))

    def episodes(self, finished: Sequence[Episode]) -> F64:
        """Return what each complete episode earns, (K,), its own cost counted: `-cost.proxy` for a stock objective.

        For environments: the difference to `-cost.proxy` is added to the last reward of the episode.

        Raises:
            ProblemError: a placement is not complete.
        """
        return np.array([self.of(f.placement, f.cost).reward for f in finished], np.float64)

    def of(self, placement: Placement, cost: Cost, frozen: Frozen | None = None) -> Scored:
        """Return the reward of a complete placement whose cost is known; legality is not looked at.

        Args:
            placement: of all nodes.
            cost: of the stock proxy.
            frozen: what not to measure anew.

        Raises:
            ProblemError: a node is not placed, or the placement is of another netlist.
        """
        o, e = self.objective, self.estimator
        if o.stock:
            return Scored(cost, -cost.proxy, math.nan, math.nan, math.nan)
        nl = e.chip.problem.netlist
        if len(placement) != nl.num_nodes or not placement.placed.all():
            raise ProblemError("a reward of joules needs a complete placement of the chip's netlist")
        scale = e.scale_m_per_um(placement) if frozen is None else frozen.scale_m_per_um
        totals = e.totals(scale * net_boxes_um(e.terminals, placement).hpwl_um)
        excess = self._excess(placement, scale, totals) if frozen is None else frozen.excess_k_per_w
        return self.combine(cost, totals.j_per_token, totals.ns_per_token, hottest(totals, excess))

    def measure(self, placement: Placement) -> Frozen:
        """Return what increments leave as it stands in this placement.

        Raises:
            ProblemError: the placement is of another netlist.
        """
        e = self.estimator
        scale = e.scale_m_per_um(placement)
        totals = e.totals(scale * net_boxes_um(e.terminals, placement).hpwl_um)
        return Frozen(scale, self._excess(placement, scale, totals))

    def combine(self, cost: Cost, j: float, ns: float, temperature_c: float) -> Scored:
        """Return the reward from its parts; with all weights 0 it is minus the proxy, bit for bit."""
        if self.objective.stock:
            return Scored(cost, -cost.proxy, j, ns, temperature_c)
        terms = self.objective.terms(j, ns, temperature_c, self.reference)
        return Scored(cost, -cost.proxy - terms, j, ns, temperature_c)

    def _excess(self, placement: Placement, scale: F64, totals: Totals) -> float:
        """Return K of the hottest cell over the mean, per watt; NaN where it is not asked for or ran away."""
        if not (self.objective.temperature and math.isfinite(totals.mean_temperature_c)):
            return math.nan
        boxes = net_boxes_um(self.estimator.terminals, placement)
        try:
            heat = self.estimator.heat.map(placement, boxes, scale * boxes.hpwl_um, totals)
        except ThermalRunawayError:
            return math.nan
        return (heat.max_c - totals.mean_temperature_c) / totals.die_w


def hottest(totals: Totals, excess_k_per_w: float) -> float:
    """Return degC of the hottest cell, by its excess over the mean of the die; NaN where that is not known."""
    return totals.mean_temperature_c + excess_k_per_w * totals.die_w
