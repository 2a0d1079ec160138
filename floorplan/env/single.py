"""What the Gymnasium environments of the games share: one environment of a batch, its spaces, masks and seeds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

import gymnasium
import numpy as np
import numpy.typing as npt

from floorplan.env.game import BatchedGame, Finished, StepResult
from floorplan.env.graph import GraphArrays
from floorplan.env.schema import OBSERVATION, observation_space
from floorplan.netlist import Problem

__all__ = ["LegalCells", "Observation", "SingleEnv"]

Observation = dict[str, Any]

Batch = TypeVar("Batch", bound=BatchedGame)


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


class SingleEnv(gymnasium.Env[Observation, np.int64], Generic[Batch], ABC):
    """Plays a batch of one, made without auto_reset."""

    metadata = {"render_modes": []}  # noqa: RUF012 - Gymnasium declares it as an instance variable

    def __init__(self, batch: Batch, cells: LegalCells) -> None:
        self.batch = batch
        self.observation_space = observation_space(batch.dims)
        self._cells = cells
        self.action_space = cells
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
        return self._observation(), self._begun()

    def step(self, action: np.int64 | int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Put the macro in hand on a cell.

        Raises:
            InfeasibleActionError: the cell is masked.
            gymnasium.error.ResetNeeded: the episode is over.
        """
        if not self._seeded or self.batch.over[0]:
            raise gymnasium.error.ResetNeeded("the episode is over or has not begun; call reset")
        result = self.batch.step(np.array([action], np.int64))
        info = self._stepped(result)
        for finished in self.batch.finished:
            info["cost"] = finished.cost.to_dict()
        return self._observation(), float(self.batch.reward_exact[0]), bool(result.done[0]), False, info

    @abstractmethod
    def _begun(self) -> dict[str, Any]:
        """Note that an episode has begun, and return what is told about it."""

    @abstractmethod
    def _stepped(self, result: StepResult, /) -> dict[str, Any]:
        """Return what is told about a step, but for the cost of a complete episode."""

    def _observation(self) -> Observation:
        out: Observation = {f.name: self.batch.obs[f.name][0].copy() for f in OBSERVATION}
        out["placed"] = out["placed"].astype(np.int8)
        return out
