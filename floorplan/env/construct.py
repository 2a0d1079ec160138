"""The construct game as a Gymnasium environment."""

from __future__ import annotations

from typing import Any

from floorplan.env.batch import ConstructBatch
from floorplan.env.config import ConstructConfig
from floorplan.env.game import StepResult
from floorplan.env.single import LegalCells, SingleEnv
from floorplan.netlist import Placement, Problem

__all__ = ["ConstructEnv"]


class ConstructEnv(SingleEnv[ConstructBatch]):
    """Places the macros of one problem on grid cells, one a step.

    Observation: a dict as in `floorplan.env.schema.OBSERVATION`; the graph, which never changes, is `graph`.
    Action: a cell, row * columns + column; `action_masks()` says which are legal. An illegal one raises
        `InfeasibleActionError`.
    Reward: as in `floorplan.env.ConstructBatch`.
    Termination: all macros stand, or the next one finds no legal cell. Never truncated.
    Info: `dead_end` (bool) always; when complete also `cost`, the exact cost as a dict. If `reset` gives `dead_end`,
        not even the first macro fits: any action then ends the episode.
    Result: `finished` holds placement and cost of the complete episode.

    Example:
        >>> import gymnasium, floorplan.env  # doctest: +SKIP
        >>> env = gymnasium.make("floorplan/Construct-v0", problem=problem)  # doctest: +SKIP
    """

    def __init__(self, problem: Problem, config: ConstructConfig | None = None) -> None:
        batch = ConstructBatch(problem, 1, config, auto_reset=False)
        super().__init__(batch, LegalCells(batch.masks[0]))

    def placement(self) -> Placement:
        """Return where everything stands now: macros to come are not placed, soft macros stand where they started."""
        return self.batch.placement(0)

    def _begun(self) -> dict[str, Any]:
        self._cells.begin()
        return {"dead_end": not self.batch.masks.any()}

    def _stepped(self, result: StepResult, /) -> dict[str, Any]:
        return {"dead_end": bool(result.dead_end[0])}
