"""What a move does to a reward: incremental proxy and incremental estimate together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from floorplan.cost import Cost, IncrementalCost
from floorplan.estimate.increments import IncrementalEstimate
from floorplan.estimate.kernels import chain
from floorplan.estimate.reward import Frozen, Reward, Scored, hottest

if TYPE_CHECKING:
    import numpy.typing as npt

    from floorplan.netlist import Placement

__all__ = ["ObjectiveCost"]


class ObjectiveCost:
    """Holds a complete placement, tells exactly what moves would earn, and makes them.

    The proxy, joules and nanoseconds are exact, for detours as they were when the placement was loaded. The hottest
    cell is the exact mean temperature plus the excess measured at loading, which goes with the power of the die: moves
    leave open where the heat sits. `remeasure` takes both anew. Legality is not looked at.

    A stock objective estimates nothing and returns minus the proxy, bit for bit.
    """

    def __init__(self, reward: Reward, placement: Placement) -> None:
        """Load a complete placement.

        Raises:
            ProblemError: a node is not placed, or the placement is of another netlist.
        """
        self.reward = reward
        self._cost = IncrementalCost(reward.estimator.chip.problem, placement, reward.options)
        self._estimate: IncrementalEstimate | None = None
        self.load(placement)

    def load(self, placement: Placement) -> Scored:
        """Start anew from a placement and return its score.

        Raises:
            ProblemError: a node is not placed, or the placement is of another netlist.
        """
        cost = self._cost.load(placement)
        self.frozen = Frozen(np.zeros(0), 0.0)
        if not self.reward.objective.stock:
            self.frozen = self.reward.measure(placement)
            if self._estimate is None:
                self._estimate = IncrementalEstimate(self.reward.estimator, placement)
            self._estimate.load(placement, self.frozen.scale_m_per_um)
        self._scored = self._before = self._score(cost)
        return self._scored

    def remeasure(self) -> Scored:
        """Measure detours and the hottest cell where everything stands now, and return the score."""
        return self.load(self.placement)

    @property
    def scored(self) -> Scored:
        """The score as it stands, a move in hand counted."""
        return self._scored

    @property
    def placement(self) -> Placement:
        """The layout as it stands; no move may be in hand."""
        return self._cost.placement

    @property
    def x_um(self) -> npt.NDArray[np.float64]:
        """(N,) centres as they stand; a view, not to be written to."""
        return self._cost.state.x

    @property
    def y_um(self) -> npt.NDArray[np.float64]:
        """(N,) likewise."""
        return self._cost.state.y

    def propose(
        self,
        nodes: Sequence[int],
        x_um: Sequence[float],
        y_um: Sequence[float],
        orient: Sequence[int] | None = None,
    ) -> float:
        """Return the reward with some nodes elsewhere; commit or roll back before the next move.

        Args:
            nodes: (M,) distinct node ids.
            x_um: (M,) centres.
            y_um: (M,) centres.
            orient: (M,) orientations; None keeps them.

        Raises:
            ProblemError: a move is in hand already, a node does not exist or is named twice, or a value is not finite.
        """
        cost = self._cost.propose(nodes, x_um, y_um, orient)
        if self._estimate is not None:
            self._estimate.propose(nodes, x_um, y_um, orient)
        self._before, self._scored = self._scored, self._score(cost)
        return self._scored.reward

    def swap(self, a: int, b: int) -> float:
        """Return the reward with the centres of two nodes exchanged; orientations stay with the nodes."""
        x, y = self._cost.state.x, self._cost.state.y
        return self.propose((a, b), (float(x[b]), float(x[a])), (float(y[b]), float(y[a])))

    def slowest_net(self) -> int | None:
        """Return the net with the least slack; None for a stock objective, which does not look at time."""
        if self._estimate is None:
            return None
        return int(np.argmin(self._estimate.layout.rows[chain.R_SLACK]))

    def commit(self) -> None:
        """Make the move in hand.

        Raises:
            ProblemError: there is none.
        """
        self._cost.commit()
        if self._estimate is not None:
            self._estimate.commit()

    def rollback(self) -> None:
        """Drop the move in hand.

        Raises:
            ProblemError: there is none.
        """
        self._cost.rollback()
        if self._estimate is not None:
            self._estimate.rollback()
        self._scored = self._before

    def _score(self, cost: Cost) -> Scored:
        if self._estimate is None:
            return self.reward.combine(cost, float("nan"), float("nan"), float("nan"))
        j, ns = self._estimate.figures
        t = hottest(self._estimate.totals, self.frozen.excess_k_per_w) if self.reward.objective.temperature else np.nan
        return self.reward.combine(cost, j, ns, t)
