"""The refine game as a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from floorplan.env.choice import RefineConfig
from floorplan.env.game import StepResult
from floorplan.env.refine import RefineBatch
from floorplan.env.single import LegalCells, SingleEnv
from floorplan.errors import ProblemError
from floorplan.netlist import Placement, Problem

__all__ = ["RefineEnv"]


class _AnyMacrosCells(LegalCells):
    """Draws, where there are any, cells that are legal whichever macro of the start placement is lifted.

    An environment checker draws an action before the reset that lifts the macro it is for.
    """

    def __init__(self, legal: npt.NDArray[np.bool_], common: npt.NDArray[np.bool_]) -> None:
        super().__init__(legal)
        self._first = common


class RefineEnv(SingleEnv[RefineBatch]):
    """Lifts macros of a finished placement and puts each back on a grid cell, one a step.

    Observation: a dict as in `floorplan.env.schema.OBSERVATION`, the macro in hand being the one that is not placed;
        the graph, which never changes, is `graph`.
    Action: a cell, row * columns + column; `action_masks()` says which are legal. An illegal one raises
        `InfeasibleActionError`. Where none is legal the macro stays, whatever the action.
    Reward: minus the exact change of the proxy, as in `floorplan.env.RefineBatch`.
    Termination: after `config.lifts` macros. Never truncated.
    Info: `proposed`, the exact change by the move, kept or not; when complete also `cost`, the exact cost as a dict.
    Result: `finished` holds placement and cost of the complete episode.
    """

    def __init__(
        self, problem: Problem, placement: Placement | None = None, config: RefineConfig | None = None
    ) -> None:
        """Set up the problem.

        Args:
            problem: what is refined.
            placement: where every episode begins; None takes the initial placement of the problem.
            config: the rules; macros cannot be given here.

        Raises:
            ProblemError: the placement is not complete and legal, or the rules want macros to be given.
        """
        if config is not None and config.choice == "given":
            raise ProblemError("choice 'given' is for batches: this environment draws its macros")
        batch = RefineBatch(problem, 1, config, auto_reset=False)
        batch.begin(problem.initial if placement is None else placement)
        super().__init__(batch, _AnyMacrosCells(batch.masks[0], _common_cells(batch)))

    def placement(self) -> Placement:
        """Return where everything stands now, the macro in hand where it was lifted from."""
        return self.batch.placements[0]

    def _begun(self) -> dict[str, Any]:
        return {}

    def _stepped(self, _result: StepResult, /) -> dict[str, Any]:
        return {"proposed": float(self.batch.proposed[0])}


def _common_cells(batch: RefineBatch) -> npt.NDArray[np.bool_]:
    """Return (A,) the cells that are legal for every macro that has one, in the placement as it stands."""
    common, in_hand = np.ones(batch.num_actions, np.bool_), batch.obs["current"].copy()
    for macro in range(batch.dims.macros):
        batch.lift([macro])
        mask = batch.masks[0]
        common &= mask | (not mask.any())
    batch.lift(in_hand)
    return common
