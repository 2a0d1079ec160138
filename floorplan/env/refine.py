"""Many refine episodes of one problem: a finished placement, one macro lifted at a time and put back better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from floorplan.cost import Cost
from floorplan.cost.incremental import IncrementalCost
from floorplan.env.choice import RefineConfig, checked_macros, cost_shares, draw_by_share, draw_uniform
from floorplan.env.exact import ExactCosts
from floorplan.env.game import BatchedGame, Finished, StepResult
from floorplan.env.kernels.batch import IDLE as UNSHOWN
from floorplan.env.kernels.batch import LIFTED, advance
from floorplan.env.kernels.lift import IDLE, LIFT, MOVE, SHOW, lift_macros
from floorplan.env.lifting import Base, build_bases, build_complete, load
from floorplan.errors import ProblemError
from floorplan.geometry import ORIENT_MATRIX, Orient
from floorplan.netlist import Placement, Problem

__all__ = ["RefineBatch"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
BOOL = npt.NDArray[np.bool_]

STAY = -1
"""Stands in the record of an episode for a macro that found no legal cell."""

PLACES = ("x_um", "y_um", "orient")


class RefineBatch(BatchedGame):
    """B episodes of the refine game on one problem: lift a macro of a finished placement and put it back better.

    Observation, action and masks: those of `ConstructBatch` for the macro in hand, with all other macros placed and
        soft macros where the placement has them. `pos` and `cell` say where macros truly stand, which need not be a
        cell's centre. Changes of cost are those against the placement without the macro.
    Action: the macro's centre goes to the cell's centre (or near it, see `spots`), in the orientation it has. Staying
        is no action of its own: what makes the proxy worse is taken back (unless `keep_worse`), and the cell the macro
        stood in is as a rule legal. Drawn macros are such that find a legal cell; where a macro finds none (a crowded
        placement off the grid) its mask is empty, and whatever the action it stays where it stood.
    Reward: minus the exact change of the proxy by the move, from the incremental engine; 0 for what was taken back.
    Episode: `lifts` macros. An environment that is done starts again in the same step from the placement given to
        `begin`, with the next episode's draws.

    Everything depends on (seed, environment, episode) and the placement alone: neither on the number of environments
    nor of threads.

    The attributes beyond these are those of `BatchedGame`; `partial` is the cost of what stands, without the macro in
    hand.

    Attributes:
        config: as given.
        lifts: macros lifted in an episode.
        steps: (B,) macros lifted and put back in the running episodes.
        proposed: (B,) float64 exact change of the proxy by the moves of the last step, kept or not; 0 without a move.
    """

    def __init__(
        self,
        problem: Problem,
        num_envs: int,
        config: RefineConfig | None = None,
        seed: int = 0,
        *,
        auto_reset: bool = True,
    ) -> None:
        """Set up the static side; `begin` gives the placement.

        Args:
            problem: what is refined.
            num_envs: B.
            config: the rules.
            seed: of the draws of macros.
            auto_reset: False leaves an environment that is done in its last state until `reset` or `begin`.

        Raises:
            ProblemError: there is no movable macro, or num_envs is below 1.
            InfeasibleProblemError: a macro is larger than the canvas.
        """
        self.config = config or RefineConfig()
        super().__init__(problem, num_envs, self.config.cost, seed, auto_reset=auto_reset, purpose="lift")
        bare = problem.initial.placed.copy()
        bare[problem.movable_hard] = False
        self._lay_out(problem.initial.replace(placed=bare))
        self._complete = build_complete(problem, self.engine, self._static, num_envs)
        self.lifts = self.config.lifts or self.dims.macros
        self.steps = np.zeros(num_envs, np.int64)
        self.proposed = np.zeros(num_envs)
        # What was lifted and where it was put, kept to play an episode again.
        self._macros = np.zeros((num_envs, self.lifts), np.int64)
        self._actions = np.zeros((num_envs, self.lifts), np.int64)
        # Macros that the caller named for the steps to come, -1 where they are drawn.
        self._given = np.zeros((num_envs, 0), np.int64)
        self._bases: list[Base] = []
        self._begun = False
        self._exact = ExactCosts(problem, num_envs, self.config.cost)

    @property
    def placements(self) -> list[Placement]:
        """The B placements as they stand, each macro in hand where it was lifted from."""
        return [self._stands(b) for b in range(self.num_envs)]

    @property
    def costs(self) -> list[Cost]:
        """The exact costs of `placements`."""
        self._check_begun()
        return [self._exactly(b).cost for b in range(self.num_envs)]

    def placement(self, env: int) -> Placement:
        """Return where everything stands in `env` now; the macro in hand is not placed."""
        placed = np.ones(self.problem.netlist.num_nodes, np.bool_)
        placed[self.graph.movable] = self._state.placed[env]
        return self._stands(env).replace(placed=placed)

    def shares(self, env: int) -> F64:
        """Return (M,) how much of the cost of `env`'s placement lies on each movable macro; sums to 1."""
        return cost_shares(self._exactly(env), self._complete.movable)

    def begin(self, placement: Placement | Sequence[Placement], macros: npt.ArrayLike | None = None) -> None:
        """Start an episode in every environment from a finished placement, one macro lifted.

        Later episodes begin from it too. Cheap where one placement serves all: it is checked and routed once.

        Args:
            placement: one for all environments, or B.
            macros: (B,) first macros, or (B, L) the first L, as positions in `graph.movable`; None draws them. With
                `choice="given"` (B, lifts), which every later episode follows as well.

        Raises:
            ProblemError: a placement is of another netlist, incomplete or not legal, or a macro does not exist.
        """
        given = self._named(() if macros is None else macros)
        if self.config.choice == "given" and given.shape[1] < self.lifts:
            raise ProblemError(f"choice 'given' needs {self.lifts} macros an environment, got {given.shape[1]}")
        each = [placement] * self.num_envs if isinstance(placement, Placement) else list(placement)
        if len(each) != self.num_envs:
            raise ProblemError(f"expected one placement or {self.num_envs}, got {len(each)}")
        self._bases = build_bases(self.engine, each)
        self.episode += self._begun
        self._begun = True
        self._given = given
        self.finished = []
        self._begin(np.ones(self.num_envs, np.bool_))

    def lift(self, macros: npt.ArrayLike) -> None:
        """Put every macro in hand back where it was and lift others instead: a policy may choose what to move.

        Args:
            macros: (B,) positions in `graph.movable`; -1 leaves an environment as it is.

        Raises:
            ProblemError: `begin` was not called, an episode is over, or a macro does not exist.
        """
        self._check_running()
        m = np.asarray(macros)
        kept = np.where(m == -1, self._state.current, m) if m.shape == (self.num_envs,) else m
        self._run(np.where(m == -1, IDLE, LIFT), self._named(kept))

    def changes(self, actions: npt.ArrayLike) -> F64:
        """Return the exact change of the proxy that the macro in hand would bring on some cells; nothing is moved.

        Args:
            actions: (B, K) integers.

        Returns:
            (B, K), infinite where a cell is not legal.

        Raises:
            ProblemError: `begin` was not called, an episode is over, or actions are not (B, K) cells of the grid.
        """
        self._check_running()
        a = np.asarray(actions)
        if a.ndim != 2 or len(a) != self.num_envs or not np.issubdtype(a.dtype, np.integer):
            raise ProblemError(f"actions must be a row of integers for each of {self.num_envs} environments")
        if a.size and not (a.min() >= 0 and a.max() < self.num_actions):
            raise ProblemError(f"actions must lie in 0..{self.num_actions - 1}, got {a.min()} to {a.max()}")
        out = np.full(a.shape, np.inf)
        for b in range(self.num_envs):
            legal = self.masks[b, a[b]]
            exact = self._exactly(b)
            out[b, legal] = exact.each(self.current_node(b), *self.spots(b, a[b, legal])) - exact.cost.proxy
        return out

    def reset(self, seed: int | None = None) -> None:
        """Drop all running episodes and start anew: from episode 0 if a seed is given, else with the next ones.

        Raises:
            ProblemError: `begin` was not called.
        """
        self._check_begun()
        super().reset(seed)

    def step(self, actions: npt.ArrayLike) -> StepResult:
        """Put the macro in hand of every environment on a cell, and lift the next.

        Args:
            actions: (B,) integers, one legal cell each; any where the mask is empty.

        Raises:
            InfeasibleActionError: an action is masked; no environment has moved then.
            ProblemError: `begin` was not called, actions are not B integers, or an episode is over.
        """
        self._check_running()
        chosen = self._checked(actions)
        stays = self._state.legal_count == 0
        self._advance(self._state.current, np.where(stays, STAY, chosen), np.ones(self.num_envs, np.bool_))
        done = self.steps == self.lifts
        ended = np.flatnonzero(done).tolist()
        again = done & self.auto_reset
        self.over = done & ~again
        self._next(np.where(again, MOVE, np.where(done, SHOW, LIFT)))
        self.finished = [Finished(b, self._stands(b), self._exactly(b).cost, float(self._reward_sum[b])) for b in ended]
        if again.any():
            self.episode[again] += 1
            if self.config.choice != "given":
                self._given[again] = -1
            self._begin(again)
        return StepResult(self.reward_exact.astype(np.float32), done, np.zeros(self.num_envs, np.bool_))

    def get_state(self) -> dict[str, npt.NDArray[Any]]:
        """Return what it takes to stand here again: where the episodes began, and what was lifted and put where.

        Returns:
            `seed` (1,), `episode`, `steps`, `current` (B,), `macros`, `actions` (B, lifts), `given` (B, L) int64;
            `x_um`, `y_um` (B, N) float64 and `orient` (B, N) uint8 of the placements begun with.

        Raises:
            ProblemError: `begin` was not called.
        """
        self._check_begun()
        start = [base.placement for base in self._bases]
        return {
            "seed": np.array([self.seed], np.int64),
            "episode": self.episode.copy(),
            "steps": self.steps.copy(),
            "current": self._state.current.copy(),
            "macros": self._macros.copy(),
            "actions": self._actions.copy(),
            "given": self._given.copy(),
            "x_um": np.stack([p.x_um for p in start]),
            "y_um": np.stack([p.y_um for p in start]),
            "orient": np.stack([p.orient for p in start]),
        }

    def set_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go to a state that `get_state` gave, by playing its episodes again; observations are then bit-identical.

        Raises:
            ProblemError: the state does not belong to this problem, rules and number of environments.
        """
        b, n, steps_shape = self.num_envs, self.problem.netlist.num_nodes, (self.num_envs, self.lifts)
        shapes = {"seed": (1,), "episode": (b,), "steps": (b,), "current": (b,), "macros": steps_shape}
        shapes |= {"actions": steps_shape, "x_um": (b, n), "y_um": (b, n), "orient": (b, n)}
        self._check_shapes(state, shapes)
        steps, macros, actions = (np.asarray(state[k], np.int64) for k in ("steps", "macros", "actions"))
        if steps.min() < 0 or steps.max() >= self.lifts + (not self.auto_reset):
            raise ProblemError(f"environment state has steps outside 0..{self.lifts - self.auto_reset}")
        within = (macros >= 0) & (macros < self.dims.macros) & (actions >= STAY) & (actions < self.num_actions)
        if not within.all():
            raise ProblemError("environment state holds a macro or an action that does not exist: of another problem")
        given = self._named(state.get("given", ()), drawn=True)
        current = self._named(state["current"])
        placed = np.ones(n, np.bool_)
        start = [Placement(x, y, o, placed) for x, y, o in zip(*(state[k] for k in PLACES), strict=True)]
        self._bases = build_bases(self.engine, start)
        self.seed = int(state["seed"][0])
        self.episode[:] = state["episode"]
        self._given, self._begun, self.finished = given, True, []
        self._forget(np.ones(b, np.bool_))
        for t in range(int(steps.max())):
            active = steps > t
            self._advance(macros[:, t], actions[:, t], active)
            self._run(np.where(active, MOVE, IDLE), current)
        self.over = self.steps == self.lifts
        self._state.current[:] = current[:, 0]
        self._run(np.where(self.over, SHOW, LIFT), current)

    def _turned(self, env: int, macro: int, /) -> int:
        return int(self._complete.orient[env, self.graph.movable[macro]] >= Orient.E)

    def _check_begun(self) -> None:
        if not self._begun:
            raise ProblemError("call begin with a placement first")

    def _check_running(self) -> None:
        self._check_begun()
        if self.over.any():
            raise ProblemError("the episode is over; call begin or reset")

    def _named(self, macros: npt.ArrayLike, *, drawn: bool = False) -> I64:
        return checked_macros(macros, self.num_envs, self.dims.macros, drawn=drawn)

    def _forget(self, which: BOOL) -> None:
        """Put environments back to where their episodes begin, nothing lifted."""
        for b in np.flatnonzero(which).tolist():
            load(self._complete, b, self._bases[b])
        self.steps[which] = 0
        self._macros[which] = 0
        self._actions[which] = 0
        self._reward_sum[which] = 0.0
        self._exact.forget(which)
        self.over[which] = False

    def _begin(self, which: BOOL) -> None:
        self._forget(which)
        self._next(np.where(which, LIFT, IDLE))

    def _next(self, todo: I64) -> None:
        """Do in each environment what `todo` says; which macro is lifted is settled here."""
        choice = np.full((self.num_envs, self.dims.macros), -1, np.int64)
        for b in np.flatnonzero(todo == LIFT).tolist():
            t = int(self.steps[b])
            key = (self.seed, b, int(self.episode[b]), t)
            if t < self._given.shape[1] and self._given[b, t] >= 0:
                choice[b, 0] = self._given[b, t]
            elif self.config.choice == "cost":
                choice[b] = draw_by_share(*key, cost_shares(self._exactly(b), self._complete.movable))
            else:
                choice[b] = draw_uniform(*key, self.dims.macros)
        self._run(todo, choice)

    def _run(self, todo: I64, choice: I64) -> None:
        """Call the kernels on all environments."""
        work, order = todo.astype(np.uint8), choice.astype(np.int32)
        shown = np.where((todo == LIFT) | (todo == SHOW), LIFTED, UNSHOWN).astype(np.uint8)
        actions = np.zeros(self.num_envs, np.int64)

        def run(_lane: int, begin: int, end: int) -> None:
            lift_macros(
                self._static, self._state, self._complete, self.engine.arrays, ORIENT_MATRIX, work, order, begin, end
            )
            advance(self._static, self._state, shown, actions, begin, end)

        self._share_out(run)

    def _advance(self, macros: I64, actions: I64, active: BOOL) -> None:
        """Make the moves (-1: none) of active environments in the engine, and set rewards and `move`."""
        self.reward_exact, self.proposed = np.zeros(self.num_envs), np.zeros(self.num_envs)
        self._state.current[active] = macros[active]
        for b in np.flatnonzero(active).tolist():
            self._macros[b, self.steps[b]], self._actions[b, self.steps[b]] = macros[b], actions[b]
            if actions[b] == STAY:
                continue
            (x,), (y,) = self.spots(b, actions[b : b + 1], int(macros[b]))
            exact = self._exactly(b)
            before = exact.cost.proxy
            change = exact.propose(int(self.graph.movable[macros[b]]), x, y).proxy - before
            self.proposed[b] = change
            if change <= 0 or self.config.keep_worse:
                self.reward_exact[b] = -change
                self._complete.move[b] = x, y, exact.commit().wirelength_um
            else:
                exact.rollback()
        self.steps[active] += 1
        self._reward_sum += self.reward_exact

    def _exactly(self, env: int) -> IncrementalCost:
        """Return the engine that holds the placement of `env`; it is built for the first step, not before."""
        self._check_begun()
        return self._exact.at(env, self._stands)

    def _stands(self, env: int) -> Placement:
        f = self._complete
        return Placement(f.x[env], f.y[env], f.orient[env], np.ones(f.x.shape[1], np.bool_)).on(self.problem)
