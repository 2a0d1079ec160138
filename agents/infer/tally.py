"""What a search over a policy has found and spent so far."""

from __future__ import annotations

from agents.base import BudgetClock, ProgressCallback
from floorplan.cost import Cost
from floorplan.netlist import Placement

__all__ = ["Tally"]


class Tally:
    """Keeps the best complete placement, counts what was spent, and says when a share of the budget is used up.

    Attributes:
        clock: of the budget.
        placement: the best complete placement so far, None before the first.
        cost: its exact cost.
        ended: episodes that were begun and are over, dead ends included.
    """

    def __init__(self, clock: BudgetClock, progress: ProgressCallback | None = None) -> None:
        self.clock = clock
        self.placement: Placement | None = None
        self.cost: Cost | None = None
        self.ended = 0
        self._progress = progress

    @property
    def dead_ends(self) -> int:
        """Episodes that came to no complete placement."""
        return max(self.ended - self.clock.episodes, 0)

    def offer(self, placement: Placement, cost: Cost) -> bool:
        """Take a complete placement; return whether it is the best so far."""
        if self.cost is not None and cost.proxy >= self.cost.proxy:
            return False
        self.placement, self.cost = placement, cost
        return True

    def spent(self, share: float = 1.0) -> bool:
        """Return whether this share of the budget is used up."""
        return self.clock.spent_frac >= share

    def tell(self, note: str = "") -> None:
        """Report the state of affairs to whoever wants to know."""
        if self._progress is not None:
            dead = f"{self.dead_ends} dead ends" if self.dead_ends else ""
            note = ", ".join(part for part in (note, dead) if part)
            self._progress(self.clock.progress(self.cost, note, self.placement))
