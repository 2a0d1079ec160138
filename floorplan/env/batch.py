"""Many construct episodes of one problem, stepped together in one process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from floorplan.cost import Cost, CostEngine
from floorplan.env.arrays import WORKING_MEMORY, build_state, build_static, movable_orient
from floorplan.env.config import ConstructConfig
from floorplan.env.graph import GraphArrays, build_graph
from floorplan.env.kernels.batch import IDLE, PLACE, START, advance
from floorplan.env.order import MacroOrder
from floorplan.env.schema import Dims, allocate
from floorplan.errors import InfeasibleActionError, ProblemError
from floorplan.netlist import Placement, Problem
from floorplan.parallel import share_out
from floorplan.soft import DEFAULT_SOFT_PLACER, SOFT_PLACERS, make_soft_placer
from floorplan.soft.outlook import soft_outlook

__all__ = ["ConstructBatch", "Finished", "StepResult"]

F64 = npt.NDArray[np.float64]
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


class ConstructBatch:
    """B episodes of the construct game on one problem: macros come one by one and are put on grid cells.

    Observation: `obs`, a dict of arrays with B as first axis, described by `floorplan.env.schema.OBSERVATION`. The
        arrays belong to the batch and every step rewrites them: copy what you keep.
    Action: a cell, row * columns + column. The macro's centre goes to the cell's centre, in orientation N (or the
        first allowed one). `masks` (B, A) says which cells are legal: no overlap, spacing, canvas edge, blockages.
        An environment whose mask is empty stands at a dead end; its next action is ignored.
    Reward: `terminal` is minus the proxy cost at the end of an episode. `dense` is minus the change of the partial
        cost at every step, and adds up to the same total. A dead end makes the total `dead_end_reward`.
    Episode: fixed macros stand from the start, soft macros at their start positions. When the last macro is placed the
        soft placer puts the soft macros and the exact cost is taken. An environment that is done starts its next
        episode in the same step, so its observation is already the next episode's first.

    Everything depends on (seed, environment, episode) alone: neither on the number of environments nor of threads.

    Attributes:
        problem, config, num_envs, seed: as given.
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

    def __init__(
        self,
        problem: Problem,
        num_envs: int,
        config: ConstructConfig | None = None,
        seed: int = 0,
        *,
        auto_reset: bool = True,
    ) -> None:
        """Set up the static side; the first episodes begin at once.

        Args:
            problem: what is placed.
            num_envs: B.
            config: the rules.
            seed: of the random macro orders.
            auto_reset: False leaves an environment that is done in its last state until `reset`.

        Raises:
            ProblemError: there is no macro to place, or num_envs is below 1.
            InfeasibleProblemError: a macro is larger than the canvas.
            ParseError: the order file does not fit the problem.
        """
        if num_envs < 1:
            raise ProblemError(f"num_envs must be at least 1, got {num_envs}")
        if len(problem.movable_hard) == 0:
            raise ProblemError(f"netlist {problem.netlist.name!r} has no movable hard macro: there is nothing to place")
        self.problem = problem
        self.config = config or ConstructConfig()
        self.num_envs = num_envs
        self.seed = seed
        self.auto_reset = auto_reset
        self.graph: GraphArrays = build_graph(problem)
        self.engine = CostEngine(problem, self.config.cost)
        self.soft_placer = make_soft_placer(self.config.soft_placer, problem, cost_options=self.config.cost)
        self._start = self._start_placement()
        self._static = build_static(problem, self.engine, self._start)
        self._order = MacroOrder(problem, self.config)
        self.dims = Dims(problem.canvas.rows, problem.canvas.columns, len(problem.movable_hard))
        self.obs = allocate(self.dims, num_envs)
        self._state = build_state(self._static, num_envs, self.obs)
        self.masks: BOOL = self._state.masks.reshape(num_envs, -1)
        self.wl_change_um: F64 = self._state.wl_change_um
        self.cost_change: F64 = self._state.cost_change
        self.partial: F64 = self._state.cost
        self.reward_exact = np.zeros(num_envs)
        self.finished: list[Finished] = []
        self.episode = np.zeros(num_envs, np.int64)
        self._actions = np.zeros((num_envs, self.dims.macros), np.int64)
        self.over = np.zeros(num_envs, np.bool_)
        # What the rewards so far add up to is -score in `dense`, 0 in `terminal`.
        self._score = np.zeros(num_envs)
        self._reward_sum = np.zeros(num_envs)
        self._begin(np.ones(num_envs, np.bool_))

    @property
    def num_actions(self) -> int:
        """A = rows * columns."""
        return self.dims.rows * self.dims.columns

    @property
    def steps(self) -> npt.NDArray[np.int32]:
        """(B,) macros placed in the running episodes."""
        return self._state.step

    def raw_wl(self, env: int) -> F64:
        """Return the (R, C) exact change of the weighted wirelength in um for the macro that `env` has in hand."""
        change: F64 = self.wl_change_um[env]
        return change

    def current_node(self, env: int) -> int:
        """Return the node id of the macro that `env` has in hand."""
        return int(self.graph.movable[self._state.current[env]])

    def placement(self, env: int) -> Placement:
        """Return where everything stands in `env` now; macros to come are not placed."""
        x, y, placed = self._start.x_um.copy(), self._start.y_um.copy(), self._start.placed.copy()
        ids = self.graph.movable
        x[ids], y[ids], placed[ids] = self._state.x[env], self._state.y[env], self._state.placed[env]
        return Placement(x, y, self._start.orient, placed)

    def reset(self, seed: int | None = None) -> None:
        """Drop all running episodes and start anew: from episode 0 if a seed is given, else with the next ones."""
        if seed is not None:
            self.seed = seed
            self.episode[:] = 0
        else:
            self.episode += 1
        self.finished = []
        self._begin(np.ones(self.num_envs, np.bool_))

    def step(self, actions: npt.ArrayLike) -> StepResult:
        """Place the macro in hand of every environment.

        Args:
            actions: (B,) integers, one legal cell each.

        Raises:
            InfeasibleActionError: an action is masked; no environment has moved then.
            ProblemError: actions are not B integers, or (without auto_reset) an episode is over.
        """
        chosen = self._checked(actions)
        active = self._state.legal_count > 0
        done, dead = self._advance(chosen, active)
        complete = done & ~dead
        self.finished = self._finish(np.flatnonzero(complete))
        result = StepResult(self.reward_exact.astype(np.float32), done, dead)
        self.over = done.copy()
        if self.auto_reset and done.any():
            self.episode[done] += 1
            self._begin(done)
        return result

    def take(self, source: npt.ArrayLike) -> None:
        """Let every environment go on from where another one stands: environment b continues episode `source[b]`.

        Observations, masks and partial costs go along, so nothing is computed. What was played in the copy is its own:
        `get_state` can only play it again where macros come in the same order in every episode.

        Args:
            source: (B,) integers, an environment for each; its own number leaves one alone.

        Raises:
            ProblemError: source is not B numbers of environments.
        """
        given = np.asarray(source)
        if given.shape != (self.num_envs,) or not np.issubdtype(given.dtype, np.integer):
            raise ProblemError(f"source must be {self.num_envs} integers, got {given.dtype} {given.shape}")
        if given.min() < 0 or given.max() >= self.num_envs:
            raise ProblemError(f"source must name environments 0..{self.num_envs - 1}")
        to = np.flatnonzero(given != np.arange(self.num_envs))
        if len(to) == 0:
            return
        start = given[to]
        for name, array in self._state._asdict().items():
            if name not in WORKING_MEMORY:
                array[to] = array[start]
        for own in (self._actions, self.over, self._score, self._reward_sum):
            own[to] = own[start]

    def get_state(self) -> dict[str, npt.NDArray[np.int64]]:
        """Return what it takes to stand here again: seed, episode numbers and the actions of the running episodes.

        Returns:
            `seed` (1,), `episode` (B,), `steps` (B,), `actions` (B, M), all int64.
        """
        return {
            "seed": np.array([self.seed], np.int64),
            "episode": self.episode.copy(),
            "steps": self._state.step.astype(np.int64),
            "actions": self._actions.copy(),
        }

    def set_state(self, state: Mapping[str, npt.NDArray[np.int64]]) -> None:
        """Go to a state that `get_state` gave, by playing its episodes again; observations are then bit-identical.

        Raises:
            ProblemError: the state does not belong to this problem and number of environments.
        """
        shapes = {"seed": (1,), "episode": (self.num_envs,), "steps": (self.num_envs,)}
        shapes["actions"] = self._actions.shape  # type: ignore[assignment]  # a tuple of two, not one
        for name, shape in shapes.items():
            if name not in state or state[name].shape != shape:
                raise ProblemError(f"environment state has no {name!r} of shape {shape}")
        steps, actions = state["steps"], state["actions"]
        if steps.min() < 0 or steps.max() >= self.dims.macros + (not self.auto_reset):
            raise ProblemError(f"environment state has steps outside 0..{self.dims.macros - 1}")
        self.seed = int(state["seed"][0])
        self.episode[:] = state["episode"]
        self.finished = []
        self._begin(np.ones(self.num_envs, np.bool_))
        for t in range(int(steps.max())):
            active = steps > t
            column = actions[:, t]
            rows = np.flatnonzero(active)
            within = (column[rows] >= 0) & (column[rows] < self.num_actions)
            if not (within.all() and self.masks[rows, column[rows]].all()):
                raise ProblemError("environment state holds an action that is not legal here: it is of another problem")
            self._advance(column, active)
        ended = (self._state.step == self.dims.macros) | ((steps > 0) & (self._state.legal_count == 0))
        if self.auto_reset and ended.any():
            raise ProblemError("environment state holds an episode that is over: it is of another problem")
        self.over = ended

    def _start_placement(self) -> Placement:
        """Return where everything but the movable macros stands during an episode."""
        problem = self.problem
        nl, cv = problem.netlist, problem.canvas
        x, y = problem.initial.x_um.copy(), problem.initial.y_um.copy()
        orient, placed = problem.initial.orient.copy(), problem.initial.placed.copy()
        soft, hard = problem.movable_soft, problem.movable_hard
        if self.config.soft_start == "port_pull":
            sx, sy = self.soft_placer.start()
            x[soft], y[soft] = sx[soft], sy[soft]
        elif self.config.soft_start == "outlook":
            bare = placed.copy()
            bare[hard] = False
            x[hard], y[hard] = cv.width_um / 2, cv.height_um / 2
            now = Placement(x, y, np.where(bare, orient, 0), bare)
            # A placer that reads no netlist has no outlook of its own.
            name = self.config.soft_placer if self.config.soft_placer != "none" else DEFAULT_SOFT_PLACER
            likely = soft_outlook(problem, now, SOFT_PLACERS[name], self.config.cost)
            x[soft], y[soft] = likely.x_um[soft], likely.y_um[soft]
        else:
            x[soft] = np.where(placed[soft], x[soft], cv.width_um / 2)
            y[soft] = np.where(placed[soft], y[soft], cv.height_um / 2)
        x[soft] = np.clip(x[soft], 0, cv.width_um)
        y[soft] = np.clip(y[soft], 0, cv.height_um)
        orient[soft], orient[hard] = 0, movable_orient(problem)
        placed[:] = True
        placed[hard] = False
        x[hard] = y[hard] = 0.0
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise ProblemError(f"soft placer {self.config.soft_placer!r} gave {nl.name!r} a start that is not finite")
        return Placement(x, y, orient, placed)

    def _begin(self, which: BOOL) -> None:
        for b in np.flatnonzero(which).tolist():
            self._state.order[b] = self._order.of_episode(self.seed, b, int(self.episode[b]))
        self._actions[which] = 0
        self._score[which] = 0.0
        self._reward_sum[which] = 0.0
        self.over[which] = False
        self._run(np.where(which, START, IDLE), np.zeros(self.num_envs, np.int64))

    def _run(self, todo: npt.NDArray[np.int64], actions: npt.NDArray[np.int64]) -> None:
        """Call the kernel on all environments."""
        work = todo.astype(np.uint8)
        share_out(
            lambda _lane, begin, end: advance(self._static, self._state, work, actions, begin, end),
            self.num_envs,
            least=_ENVS_A_THREAD,
        )

    def _checked(self, actions: npt.ArrayLike) -> npt.NDArray[np.int64]:
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

    def _advance(self, actions: npt.NDArray[np.int64], active: BOOL) -> tuple[BOOL, BOOL]:
        """Place one macro where active and set rewards, without the final cost of what is complete.

        Returns:
            done (B,), dead (B,): an environment that is not active counts as dead.
        """
        rows = np.flatnonzero(active)
        self._actions[rows, self._state.step[rows]] = actions[rows]
        self._run(np.where(active, PLACE, IDLE), actions)
        complete = self._state.step == self.dims.macros
        dead = (self._state.legal_count == 0) & ~complete
        running = active & ~complete & ~dead
        reward = np.zeros(self.num_envs)
        if self.config.reward == "dense":
            proxy = self._state.cost[:, 3]
            reward[running] = self._score[running] - proxy[running]
            self._score[running] = proxy[running]
        reward[dead] = self.config.dead_end_reward + self._score[dead]
        self.reward_exact = reward
        self._reward_sum += np.where(running | dead, reward, 0.0)
        return complete | dead, dead

    def _finish(self, complete: npt.NDArray[np.int64]) -> list[Finished]:
        """Place the soft macros of complete episodes, take their exact cost and set their last reward."""
        if len(complete) == 0:
            return []
        n = len(complete)
        x, y = np.tile(self._start.x_um, (n, 1)), np.tile(self._start.y_um, (n, 1))
        orient = np.tile(self._start.orient, (n, 1))
        x[:, self.graph.movable] = self._state.x[complete]
        y[:, self.graph.movable] = self._state.y[complete]
        self.soft_placer.place_batch(x, y, orient)
        costs = self.engine.batch(x, y, orient)
        reward = self._score[complete] - costs.proxy
        self.reward_exact[complete] = reward
        self._reward_sum[complete] += reward
        placed = np.ones(x.shape[1], np.bool_)
        return [
            Finished(int(b), Placement(x[i], y[i], orient[i], placed), costs[i], float(self._reward_sum[b]))
            for i, b in enumerate(complete.tolist())
        ]
