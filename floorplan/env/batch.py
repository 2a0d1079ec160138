"""Many construct episodes of one problem, stepped together in one process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from floorplan.cost import Cost
from floorplan.env.arrays import WORKING_MEMORY, Static, build_static, movable_orient
from floorplan.env.config import ConstructConfig
from floorplan.env.game import BatchedGame, Finished, StepResult
from floorplan.env.kernels.batch import IDLE, PLACE, PUT, START, advance
from floorplan.env.order import MacroOrder
from floorplan.errors import ProblemError
from floorplan.netlist import Placement, Problem
from floorplan.soft import SOFT_PLACERS, make_soft_placer
from floorplan.soft.outlook import Outlook, make_outlook, soft_outlook

__all__ = ["ConstructBatch"]

BOOL = npt.NDArray[np.bool_]

F64 = npt.NDArray[np.float64]


class ConstructBatch(BatchedGame):
    """B episodes of the construct game on one problem: macros come one by one and are put on grid cells.

    Observation: `obs`, a dict of arrays with B as first axis, described by `floorplan.env.schema.OBSERVATION`. The
        arrays belong to the batch and every step rewrites them: copy what you keep.
    Action: a cell, row * columns + column. The macro's centre goes to the cell's centre, in orientation N (or the
        first allowed one); with halos, regions, soft blockages or a grid to snap to, to the nearest point in the cell
        that they allow (`spots`), and changes of cost are those of the cell's centre. `masks` (B, A) says which cells
        are legal: no overlap, spacing, canvas edge, blockages, and those constraints. An environment whose mask is
        empty stands at a dead end; its next action is ignored.
    Reward: `terminal` is minus the proxy cost at the end of an episode. `dense` is minus the change of the partial
        cost at every step, and adds up to the same total. A dead end makes the total `dead_end_reward`.
    Episode: fixed macros stand from the start, soft macros at their start positions; with `outlooks` they are guessed
        anew as macros come to stand. When the last macro is placed the soft placer puts the soft macros and the exact
        cost is taken. An environment that is done starts its next
        episode in the same step, so its observation is already the next episode's first.

    Everything depends on (seed, environment, episode) alone: neither on the number of environments nor of threads.

    The attributes beyond these are those of `BatchedGame`.

    Attributes:
        config: as given.
        soft_placer: puts the soft macros of complete episodes.
        steps: (B,) macros placed in the running episodes.
    """

    def __init__(
        self,
        problem: Problem,
        num_envs: int,
        config: ConstructConfig | None = None,
        seed: int = 0,
        *,
        auto_reset: bool = True,
        reward_of: Callable[[Sequence[Finished]], F64] | None = None,
    ) -> None:
        """Set up the static side; the first episodes begin at once.

        Args:
            problem: what is placed.
            num_envs: B.
            config: the rules.
            seed: of the random macro orders.
            auto_reset: False leaves an environment that is done in its last state until `reset`.
            reward_of: what complete episodes earn in all, in their order, in place of minus their proxy: that of
                another objective, as `floorplan.estimate.Reward.episodes`.

        Raises:
            ProblemError: there is no macro to place, or num_envs is below 1.
            InfeasibleProblemError: a macro is larger than the canvas.
            ParseError: the order file does not fit the problem.
        """
        self.config = config or ConstructConfig()
        self.reward_of = reward_of
        super().__init__(problem, num_envs, self.config.cost, seed, auto_reset=auto_reset, purpose="place")
        self.soft_placer = make_soft_placer(self.config.soft_placer, problem, cost_options=self.config.cost)
        self._outlook: Outlook | None = None
        self._start = self._start_placement()
        self._lay_out(self._start)
        # Where soft macros stand in each environment now, and what follows from it; at first the same for all.
        self._seen = [self._start] * num_envs
        self._statics: list[Static] = [self._static] * num_envs
        macros, looks = self.dims.macros, self.config.outlooks if self.config.soft_start == "outlook" else 1
        self._looks = np.zeros(macros + 1, np.bool_)
        self._looks[[round(i * macros / looks) for i in range(1, looks)]] = True
        self._looks[[0, macros]] = False
        self._order = MacroOrder(problem, self.config)
        self._actions = np.zeros((num_envs, self.dims.macros), np.int64)
        # What the rewards so far add up to is -score in `dense`, 0 in `terminal`.
        self._score = np.zeros(num_envs)
        self._begin(np.ones(num_envs, np.bool_))

    @property
    def steps(self) -> npt.NDArray[np.int32]:
        """(B,) macros placed in the running episodes."""
        return self._state.step

    def placement(self, env: int) -> Placement:
        """Return where everything stands in `env` now; macros to come are not placed."""
        seen = self._seen[env]
        x, y, placed = seen.x_um.copy(), seen.y_um.copy(), seen.placed.copy()
        ids = self.graph.movable
        x[ids], y[ids], placed[ids] = self._state.x[env], self._state.y[env], self._state.placed[env]
        return Placement(x, y, seen.orient, placed)

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
        self._seen = [self._seen[i] for i in given.tolist()]
        self._statics = [self._statics[i] for i in given.tolist()]

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
        each = (self.num_envs,)
        self._check_shapes(state, {"seed": (1,), "episode": each, "steps": each, "actions": self._actions.shape})
        steps, actions = state["steps"], state["actions"]
        if steps.min() < 0 or steps.max() >= self.dims.macros + (not self.auto_reset):
            raise ProblemError(f"environment state has steps outside 0..{self.dims.macros - 1}")
        self.seed = int(state["seed"][0])
        self.episode[:] = state["episode"]
        self.finished = []
        self._begin(np.ones(self.num_envs, np.bool_))
        for t in range(int(steps.max())):
            active = steps > t
            column = np.ascontiguousarray(actions[:, t])  # a column would have the kernel compiled anew
            rows = np.flatnonzero(active)
            within = (column[rows] >= 0) & (column[rows] < self.num_actions)
            if not (within.all() and self.masks[rows, column[rows]].all()):
                raise ProblemError("environment state holds an action that is not legal here: it is of another problem")
            self._advance(column, active)
        ended = (self._state.step == self.dims.macros) | ((steps > 0) & (self._state.legal_count == 0))
        if self.auto_reset and ended.any():
            raise ProblemError("environment state holds an episode that is over: it is of another problem")
        self.over = ended

    def soft_anew(self, placement: Placement) -> tuple[Placement, Cost]:
        """Return a complete placement with its soft macros where the soft placer puts them, and its exact cost."""
        x, y, orient = placement.x_um[None].copy(), placement.y_um[None].copy(), placement.orient[None].copy()
        self.soft_placer.place_batch(x, y, orient)
        made = placement.replace(x[0], y[0], orient[0])
        return made, self.engine.full(made)

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
            if self.config.outlooks > 1:
                self._outlook = make_outlook(self.config.guessing_placer, problem, self.config.cost)
                self._outlook.guess(x[None], y[None], now.orient[None], bare[None, hard])
            else:
                likely = soft_outlook(problem, now, SOFT_PLACERS[self.config.guessing_placer], self.config.cost)
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

    def _turned(self, _env: int, macro: int, /) -> int:
        return int(self._static.rules.turned[macro])

    def _begin(self, which: BOOL) -> None:
        for b in np.flatnonzero(which).tolist():
            self._state.order[b] = self._order.of_episode(self.seed, b, int(self.episode[b]))
            self._seen[b], self._statics[b] = self._start, self._static
        self._actions[which] = 0
        self._score[which] = 0.0
        self._reward_sum[which] = 0.0
        self.over[which] = False
        self._run(np.where(which, START, IDLE), np.zeros(self.num_envs, np.int64))

    def _run(self, todo: npt.NDArray[np.int64], actions: npt.NDArray[np.int64]) -> None:
        """Call the kernel on all environments."""
        work = todo.astype(np.uint8)

        def run(_lane: int, begin: int, end: int) -> None:
            # those that see soft macros in the same places go in one call
            while begin < end:
                static, until = self._statics[begin], begin + 1
                while until < end and self._statics[until] is static:
                    until += 1
                advance(static, self._state, work, actions, begin, until)
                begin = until

        self._share_out(run)

    def _look(self, rows: npt.NDArray[np.int64]) -> None:
        """Guess where soft macros will stand in some environments, and have these stand where they did with that."""
        assert self._outlook is not None  # made with the start, where there is more than one outlook
        ids, soft = self.graph.movable, self.problem.movable_soft
        seen = [self._seen[b] for b in rows.tolist()]
        x, y = np.stack([p.x_um for p in seen]), np.stack([p.y_um for p in seen])
        x[:, ids], y[:, ids] = self._state.x[rows], self._state.y[rows]
        self._outlook.guess(x, y, np.stack([p.orient for p in seen]), self._state.placed[rows])
        for i, b in enumerate(rows.tolist()):
            at_x, at_y = self._start.x_um.copy(), self._start.y_um.copy()
            at_x[soft] = np.clip(x[i, soft], 0, self.problem.canvas.width_um)
            at_y[soft] = np.clip(y[i, soft], 0, self.problem.canvas.height_um)
            self._seen[b] = self._start.replace(at_x, at_y)
            self._statics[b] = build_static(self.problem, self.engine, self._seen[b])
        self._replay(rows)

    def _replay(self, rows: npt.NDArray[np.int64]) -> None:
        """Bring environments to where they are, from the start."""
        steps = self._state.step.copy()
        inside = np.zeros(self.num_envs, np.bool_)
        inside[rows] = True
        self._run(np.where(inside, START, IDLE), np.zeros(self.num_envs, np.int64))
        for t in range(int(steps[rows].max())):
            column = np.ascontiguousarray(self._actions[:, t])
            last = steps == t + 1
            self._run(np.where(inside & (t < steps), np.where(last, PLACE, PUT), IDLE), column)

    def _advance(self, actions: npt.NDArray[np.int64], active: BOOL) -> tuple[BOOL, BOOL]:
        """Place one macro where active and set rewards, without the final cost of what is complete.

        Returns:
            done (B,), dead (B,): an environment that is not active counts as dead.
        """
        rows = np.flatnonzero(active)
        self._actions[rows, self._state.step[rows]] = actions[rows]
        self._run(np.where(active, PLACE, IDLE), actions)
        due = active & self._looks[self._state.step] & (self._state.legal_count > 0)
        if due.any():
            self._look(np.flatnonzero(due))
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
        x, y = (np.stack([getattr(self._seen[b], name) for b in complete.tolist()]) for name in ("x_um", "y_um"))
        orient = np.tile(self._start.orient, (n, 1))
        x[:, self.graph.movable] = self._state.x[complete]
        y[:, self.graph.movable] = self._state.y[complete]
        self.soft_placer.place_batch(x, y, orient)
        costs = self.engine.batch(x, y, orient)
        placed = np.ones(x.shape[1], np.bool_)
        done = [
            Finished(b, Placement(x[i], y[i], orient[i], placed).on(self.problem), costs[i], 0.0)
            for i, b in enumerate(complete.tolist())
        ]
        reward = self._score[complete] + (-costs.proxy if self.reward_of is None else self.reward_of(done))
        self.reward_exact[complete] = reward
        self._reward_sum[complete] += reward
        return [replace(f, reward_sum=float(self._reward_sum[f.env])) for f in done]
