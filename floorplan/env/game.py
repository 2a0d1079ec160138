"""What the construct and the refine game share: sizes, observation, masks, checked actions, the macro in hand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from floorplan.cost import Cost, CostEngine, CostOptions
from floorplan.env.arrays import build_state, build_static
from floorplan.env.graph import GraphArrays, build_graph
from floorplan.env.kernels.confine import spot
from floorplan.env.schema import Dims, allocate
from floorplan.errors import InfeasibleActionError, ProblemError
from floorplan.netlist import Placement, Problem
from floorplan.parallel import share_out

__all__ = ["BatchedGame", "Finished", "StepResult"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
BOOL = npt.NDArray[np.bool_]

_ENVS_A_THREAD = 4
"""Fewer environments than this are done sooner than another thread has woken up."""


class StepResult(NamedTuple):
    """What a step gave each of B environments.

    Attributes:
        reward: (B,) float32.
        done: (B,) bool, the episode ended with this step.
        dead_end: (B,) bool, it ended because a macro found no legal cell.
    """

    reward: npt.NDArray[np.float32]
    done: BOOL
    dead_end: BOOL


@dataclass(frozen=True)
class Finished:
    """A complete episode.

    Attributes:
        env: which environment played it.
        placement: all nodes placed, soft macros by the soft placer.
        cost: its exact cost.
        reward_sum: total reward of the episode, in double precision.
    """

    env: int
    placement: Placement
    cost: Cost
    reward_sum: float


class BatchedGame(ABC):
    """B episodes on one problem, each with one macro in hand that goes to a grid cell.

    Attributes:
        problem, num_envs, seed: as given.
        auto_reset: whether an environment that is done starts its next episode in the same step.
        graph: the static graph.
        dims: sizes of the observation.
        engine: the cost engine behind the final cost.
        obs: the observation.
        masks: (B, A) bool legal cells.
        wl_change_um: (B, R, C) float64 exact change of the weighted wirelength behind `wl_change`.
        cost_change: (B, R, C) float64 estimated change of the proxy behind `cost_change`, 0 where not legal.
        partial: (B, 4) float64 wirelength, density, congestion and proxy of the partial placements.
        reward_exact: (B,) float64 rewards of the last step before rounding to float32.
        finished: complete episodes of the last step.
        over: (B,) bool, the episode is over and waits for `reset`; only without auto_reset.
        episode: (B,) int64 number of the running episode of each environment.
    """

    obs: dict[str, npt.NDArray[np.generic]]
    masks: BOOL
    wl_change_um: F64
    cost_change: F64
    partial: F64

    def __init__(
        self, problem: Problem, num_envs: int, cost: CostOptions, seed: int, *, auto_reset: bool, purpose: str
    ) -> None:
        """Set up what does not depend on where things stand; `_lay_out` must follow.

        Raises:
            ProblemError: there is no movable macro to do what `purpose` says with, or num_envs is below 1.
        """
        if num_envs < 1:
            raise ProblemError(f"num_envs must be at least 1, got {num_envs}")
        if len(problem.movable_hard) == 0:
            name = problem.netlist.name
            raise ProblemError(f"netlist {name!r} has no movable hard macro: there is nothing to {purpose}")
        self.problem = problem
        self.num_envs = num_envs
        self.seed = seed
        self.auto_reset = auto_reset
        self.graph: GraphArrays = build_graph(problem)
        self.engine = CostEngine(problem, cost)
        self.dims = Dims(problem.canvas.rows, problem.canvas.columns, len(problem.movable_hard))
        self.reward_exact = np.zeros(num_envs)
        self.finished: list[Finished] = []
        self.episode = np.zeros(num_envs, np.int64)
        self.over = np.zeros(num_envs, np.bool_)
        self._reward_sum = np.zeros(num_envs)

    def _lay_out(self, start: Placement) -> None:
        """Allocate observation and state, for episodes in which all but the movable macros stand as in `start`.

        Raises:
            InfeasibleProblemError: a macro is larger than the canvas.
        """
        self._static = build_static(self.problem, self.engine, start)
        self.obs = allocate(self.dims, self.num_envs)
        self._state = build_state(self._static, self.num_envs, self.obs)
        self.masks = self._state.masks.reshape(self.num_envs, -1)
        self.wl_change_um = self._state.wl_change_um
        self.cost_change = self._state.cost_change
        self.partial = self._state.cost

    @property
    def num_actions(self) -> int:
        """A = rows * columns."""
        return self.dims.rows * self.dims.columns

    def raw_wl(self, env: int) -> F64:
        """Return the (R, C) exact change of the weighted wirelength in um for the macro that `env` has in hand."""
        change: F64 = self.wl_change_um[env]
        return change

    def current_node(self, env: int) -> int:
        """Return the node id of the macro that `env` has in hand."""
        return int(self.graph.movable[self._state.current[env]])

    def spots(self, env: int, cells: npt.ArrayLike, macro: int | None = None) -> tuple[F64, F64]:
        """Return where the centre of the macro that `env` has in hand goes on some cells, um.

        That is the cell's centre, or where constraints bind the macro the nearest point to it that they allow.

        Args:
            env: the environment.
            cells: (K,) cells of the grid, legal or not.
            macro: another macro than that in hand, a position in `graph.movable`.

        Returns:
            x, y (K,).
        """
        st = self._static
        row, column = np.divmod(np.asarray(cells, np.int64), self.dims.columns)
        x, y = (column + 0.5) * st.gw, (row + 0.5) * st.gh
        if st.rules.on:
            m = int(self._state.current[env]) if macro is None else macro
            k = 2 * m + self._turned(env, m)
            for i in range(len(x)):
                _, x[i], y[i] = spot(st.rules, k, x[i], y[i], st.gw, st.gh)
        return x, y

    @abstractmethod
    def _turned(self, env: int, macro: int, /) -> int:
        """Return 1 if `env` has a macro (a position in `graph.movable`) turned by 90 degrees, else 0."""

    @abstractmethod
    def step(self, actions: npt.ArrayLike) -> StepResult:
        """Put the macro in hand of every environment on a cell: (B,) integers, one legal cell each."""

    def reset(self, seed: int | None = None) -> None:
        """Drop all running episodes and start anew: from episode 0 if a seed is given, else with the next ones."""
        if seed is not None:
            self.seed = seed
            self.episode[:] = 0
        else:
            self.episode += 1
        self.finished = []
        self._begin(np.ones(self.num_envs, np.bool_))

    @abstractmethod
    def _begin(self, which: BOOL) -> None:
        """Start the episodes whose numbers `episode` holds, where `which` (B,) says so."""

    def _checked(self, actions: npt.ArrayLike) -> I64:
        """Return the actions of a step, 0 in place of what is not on the grid where no cell is legal.

        Raises:
            InfeasibleActionError: an action is masked.
            ProblemError: actions are not B integers, or (without auto_reset) an episode is over.
        """
        a = np.asarray(actions)
        if a.shape != (self.num_envs,) or not np.issubdtype(a.dtype, np.integer):
            raise ProblemError(f"actions must be {self.num_envs} integers, got {a.dtype} {a.shape}")
        if self.over.any() and not self.auto_reset:
            raise ProblemError("the episode is over; call reset")
        chosen = a.astype(np.int64)
        on_grid = (chosen >= 0) & (chosen < self.num_actions)
        safe = np.where(on_grid, chosen, 0)
        illegal = ~(on_grid & self.masks[np.arange(self.num_envs), safe]) & (self._state.legal_count > 0)
        if illegal.any():
            b = int(np.argmax(illegal))
            raise InfeasibleActionError(int(chosen[b]), int(self._state.legal_count[b]))
        return safe

    def _check_shapes(self, state: Mapping[str, npt.NDArray[Any]], shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Check that a state to go to has arrays of these shapes.

        Raises:
            ProblemError: one is missing or has another shape.
        """
        for name, shape in shapes.items():
            if name not in state or state[name].shape != shape:
                raise ProblemError(f"environment state has no {name!r} of shape {shape}")

    def _share_out(self, call: Callable[[int, int, int], object]) -> None:
        """Call `call(lane, begin, end)` on all environments, on several threads if there are enough of them."""
        share_out(call, self.num_envs, least=_ENVS_A_THREAD)
