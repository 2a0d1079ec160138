"""The refine game as a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from floorplan.env.batch import Finished
from floorplan.env.choice import RefineConfig
from floorplan.env.construct import LegalCells, Observation
from floorplan.env.graph import GraphArrays
from floorplan.env.refine import RefineBatch
from floorplan.env.schema import OBSERVATION, observation_space
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


class RefineEnv(gymnasium.Env[Observation, np.int64]):
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

    metadata = {"render_modes": []}  # noqa: RUF012 - Gymnasium declares it as an instance variable

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
        self.batch = RefineBatch(problem, 1, config, auto_reset=False)
        self.batch.begin(problem.initial if placement is None else placement)
        self.observation_space = observation_space(self.batch.dims)
        self.action_space = _AnyMacrosCells(self.batch.masks[0], self._common_cells())
        self._seeded = False

    @property
    def graph(self) -> GraphArrays:
        """The static graph of the problem."""
        return self.batch.graph

    @property
    def problem(self) -> Problem:
        """What is refined."""
        return self.batch.problem

    @property
    def finished(self) -> Finished | None:
        """The complete episode that the last step ended, None if it did not."""
        return self.batch.finished[0] if self.batch.finished else None

    def placement(self) -> Placement:
        """Return where everything stands now, the macro in hand where it was lifted from."""
        return self.batch.placements[0]

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Return (A,) bool, True where the macro in hand may stand."""
        masks: npt.NDArray[np.bool_] = self.batch.masks[0].copy()
        return masks

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start the next episode; with a seed, the first one of that seed."""
        super().reset(seed=seed, options=options)
        if seed is not None or not self._seeded:
            self.batch.reset(seed=int(self.np_random.integers(2**62)))
            self._seeded = True
        else:
            self.batch.reset()
        return self._observation(), {}

    def step(self, action: np.int64 | int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Put the macro in hand on a cell and lift the next.

        Raises:
            InfeasibleActionError: the cell is masked.
            gymnasium.error.ResetNeeded: the episode is over.
        """
        if not self._seeded or self.batch.over[0]:
            raise gymnasium.error.ResetNeeded("the episode is over or has not begun; call reset")
        result = self.batch.step(np.array([action], np.int64))
        info: dict[str, Any] = {"proposed": float(self.batch.proposed[0])}
        for finished in self.batch.finished:
            info["cost"] = finished.cost.to_dict()
        return self._observation(), float(self.batch.reward_exact[0]), bool(result.done[0]), False, info

    def _common_cells(self) -> npt.NDArray[np.bool_]:
        """Return (A,) the cells that are legal for every macro that has one, in the placement as it stands."""
        common, in_hand = np.ones(self.batch.num_actions, np.bool_), self.batch.obs["current"].copy()
        for macro in range(self.batch.dims.macros):
            self.batch.lift([macro])
            mask = self.batch.masks[0]
            common &= mask | (not mask.any())
        self.batch.lift(in_hand)
        return common

    def _observation(self) -> Observation:
        out: Observation = {f.name: self.batch.obs[f.name][0].copy() for f in OBSERVATION}
        out["placed"] = out["placed"].astype(np.int8)
        return out
