"""The construct game as a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from floorplan.env.batch import ConstructBatch, Finished
from floorplan.env.config import ConstructConfig
from floorplan.env.graph import GraphArrays
from floorplan.env.schema import OBSERVATION, observation_space
from floorplan.netlist import Placement, Problem

__all__ = ["ConstructEnv", "LegalCells", "Observation"]

Observation = dict[str, Any]


class LegalCells(gymnasium.spaces.Discrete):
    """All cells of the grid; a sample is one of the legal ones, so that code that knows no masks can play too.

    Where it can be, it is also legal for the first macro: environment checkers draw an action, reset, and then play it.
    If nothing is legal every cell may be drawn.
    """

    def __init__(self, legal: npt.NDArray[np.bool_]) -> None:
        """Watch `legal` (A,), which the environment rewrites."""
        super().__init__(len(legal))
        self._legal = legal
        self._first = legal.copy()

    def begin(self) -> None:
        """Note that an episode begins."""
        self._first = self._legal.copy()

    def sample(self, mask: Any = None, probability: Any = None) -> np.int64:
        """Draw a cell, by `mask` or `probability` as in Gymnasium if one is given."""
        if mask is None and probability is None and self._legal.any():
            both = self._legal & self._first
            mask = (both if both.any() else self._legal).astype(np.int8)
        return super().sample(mask, probability)


class ConstructEnv(gymnasium.Env[Observation, np.int64]):
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

    metadata = {"render_modes": []}  # noqa: RUF012 - Gymnasium declares it as an instance variable

    def __init__(self, problem: Problem, config: ConstructConfig | None = None) -> None:
        self.batch = ConstructBatch(problem, 1, config, auto_reset=False)
        self.observation_space = observation_space(self.batch.dims)
        self._cells = LegalCells(self.batch.masks[0])
        self.action_space = self._cells
        self._seeded = False

    @property
    def graph(self) -> GraphArrays:
        """The static graph of the problem."""
        return self.batch.graph

    @property
    def problem(self) -> Problem:
        """What is placed."""
        return self.batch.problem

    @property
    def finished(self) -> Finished | None:
        """The complete episode that the last step ended, None if it did not."""
        return self.batch.finished[0] if self.batch.finished else None

    def placement(self) -> Placement:
        """Return where everything stands now: macros to come are not placed, soft macros stand where they started."""
        return self.batch.placement(0)

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
        self._cells.begin()
        return self._observation(), {"dead_end": not self.batch.masks.any()}

    def step(self, action: np.int64 | int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Place the macro in hand on a cell.

        Raises:
            InfeasibleActionError: the cell is masked.
            gymnasium.error.ResetNeeded: the episode is over.
        """
        if not self._seeded or self.batch.over[0]:
            raise gymnasium.error.ResetNeeded("the episode is over or has not begun; call reset")
        result = self.batch.step(np.array([action], np.int64))
        info: dict[str, Any] = {"dead_end": bool(result.dead_end[0])}
        for finished in self.batch.finished:
            info["cost"] = finished.cost.to_dict()
        return self._observation(), float(self.batch.reward_exact[0]), bool(result.done[0]), False, info

    def _observation(self) -> Observation:
        out: Observation = {f.name: self.batch.obs[f.name][0].copy() for f in OBSERVATION}
        out["placed"] = out["placed"].astype(np.int8)
        return out
