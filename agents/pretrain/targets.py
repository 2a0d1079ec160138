"""What a policy is to imitate: observations of the games with, for each, a distribution over cells and a return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from agents.pretrain.expertfiles import ExpertSet
from agents.pretrain.lattice import least_of
from agents.pretrain.scripts import Script
from floorplan.cost.incremental import IncrementalCost
from floorplan.env import ConstructBatch
from floorplan.env.refine import RefineBatch
from floorplan.errors import ProblemError
from floorplan.netlist import Placement

__all__ = ["RefineState", "TargetConfig", "TargetSet", "construct_targets", "refine_states", "refine_targets", "soften"]

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
BOOL = npt.NDArray[np.bool_]
Arrays = dict[str, npt.NDArray[Any]]

LARGEST = 6e4
"""Maps are kept in half precision, which ends a little above."""

NEAR, HOME, CHEAP = 12, 8, 16
"""Cells of which a lifted macro tries: nearest to where it stood, to where search has it in the end, and with the least
estimated change of cost."""


@dataclass(frozen=True)
class TargetConfig:
    """How targets are made.

    Attributes:
        spread: distance in cells over which the probability of a cell falls to 1/e of that of the nearest to the
            script's; 0: all on the nearest.
        keep: cells of a distribution that are kept, the most probable ones.
        stray: chance that a macro goes not to the script's cell but to one drawn from its distribution, in all episodes
            of a batch but the first: so the policy learns what to do once something is not where it should be.
        margin: share above the cheapest script's cost over which the weight of a script falls to 1/e.
        heat: in the refine game, change of proxy over which the probability of a cell falls to 1/e of that of the best,
            times proxy over macros.
    """

    spread: float = 0.5
    keep: int = 24
    stray: float = 0.1
    margin: float = 0.01
    heat: float = 0.02

    def __post_init__(self) -> None:
        if self.keep < 1 or min(self.spread, self.stray) < 0 or self.stray > 1 or min(self.margin, self.heat) <= 0:
            raise ProblemError(f"targets need keep >= 1, spread >= 0, 0 <= stray <= 1, margin and heat > 0: {self}")


class Sample(NamedTuple):
    """Rows of a target set; observations and masks as the environment gives them, but for half precision of maps."""

    obs: Arrays
    masks: BOOL
    cell: I64
    prob: F32
    weight: F32
    step: I64
    returns: F32


@dataclass(frozen=True, eq=False)
class TargetSet:
    """S steps of one problem's games.

    Attributes:
        obs: observation arrays with S as first axis; maps in float16.
        masks: (S, ceil(A / 8)) uint8, packed.
        cell: (S, K) int32 cells of the target distribution, the best one first.
        prob: (S, K) float32 their probabilities, adding up to 1; 0 where there are fewer than K.
        weight: (S,) float32 how much a step counts for the policy; 0: for the critic only.
        step: (S,) int32 macros placed before.
        returns: (S,) float32 rewards to come, in units of the reference cost; NaN where not known.
        columns: of the grid.
        actions: A.
    """

    obs: Arrays
    masks: npt.NDArray[np.uint8]
    cell: npt.NDArray[np.int32]
    prob: F32
    weight: F32
    step: npt.NDArray[np.int32]
    returns: F32
    columns: int
    actions: int

    def __len__(self) -> int:
        return len(self.weight)

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        own = (self.masks, self.cell, self.prob, self.weight, self.step, self.returns)
        return sum(a.nbytes for a in (*self.obs.values(), *own))

    def take(self, rows: npt.NDArray[np.integer]) -> Sample:
        """Return some rows, maps in float32 again."""
        obs = {k: v[rows].astype(np.float32) if k == "maps" else v[rows] for k, v in self.obs.items()}
        masks = np.unpackbits(self.masks[rows], axis=1, count=self.actions).astype(np.bool_)
        return Sample(
            obs,
            masks,
            self.cell[rows].astype(np.int64),
            self.prob[rows],
            self.weight[rows],
            self.step[rows].astype(np.int64),
            self.returns[rows],
        )

    @staticmethod
    def bytes_a_step(batch: ConstructBatch | RefineBatch, keep: int) -> int:
        """Return the memory that one step of a game takes."""
        obs: int = sum(v[0].nbytes // (2 if k == "maps" else 1) for k, v in batch.obs.items())
        return obs + (batch.num_actions + 7) // 8 + 8 * keep + 12


class _Rows:
    """Gathers steps into a target set."""

    def __init__(self, batch: ConstructBatch | RefineBatch, keep: int) -> None:
        self._batch = batch
        self._keep = keep
        self._parts: dict[str, list[npt.NDArray[Any]]] = {k: [] for k in batch.obs}
        self._own: dict[str, list[npt.NDArray[Any]]] = {k: [] for k in ("masks", "cell", "prob", "weight", "step")}

    def add(self, env: I64, cell: I64, prob: F64, weight: F64, step: I64) -> None:
        """Copy the present observations of some environments, with their targets (E, K)."""
        for k, v in self._batch.obs.items():
            rows = v[env]
            half = k == "maps"
            self._parts[k].append(np.clip(rows, -LARGEST, LARGEST).astype(np.float16) if half else rows)
        own = self._own
        own["masks"].append(np.packbits(self._batch.masks[env], axis=1))
        own["cell"].append(cell.astype(np.int32))
        own["prob"].append(prob.astype(np.float32))
        own["weight"].append(weight.astype(np.float32))
        own["step"].append(step.astype(np.int32))

    def finish(self, returns: F32, chosen: I64 | None = None) -> TargetSet:
        """Return all rows, or those chosen."""
        pick = slice(None) if chosen is None else chosen
        joined = {k: np.concatenate(v)[pick] for k, v in self._own.items()}
        obs = {k: np.concatenate(v)[pick] for k, v in self._parts.items()}
        columns = self._batch.dims.columns
        return TargetSet(obs, **joined, returns=returns[pick], columns=columns, actions=self._batch.num_actions)


def soften(value: F64, mask: BOOL, scale: float, keep: int) -> tuple[I64, F64]:
    """Return cells (keep,) and probabilities falling as exp(-value / scale) over the allowed ones, the best first.

    Shapes:
        value (A,), mask (A,) with at least one True; unused places hold the best cell with probability 0.
    """
    allowed = np.flatnonzero(mask)
    count = min(keep if scale > 0 else 1, len(allowed))
    least = allowed[np.argpartition(value[allowed], count - 1)[:count]]
    least = least[np.argsort(value[least], kind="stable")]
    cell, prob = np.full(keep, least[0], np.int64), np.zeros(keep)
    cell[:count] = least
    prob[:count] = np.exp(-(value[least] - value[least[0]]) / scale) if scale > 0 else 1.0
    return cell, prob / prob.sum()


def construct_targets(
    batch: ConstructBatch,
    cells: I64,
    weights: F64,
    reference: float,
    config: TargetConfig,
    rng: np.random.Generator,
) -> tuple[TargetSet, F64]:
    """Play one episode of each script side by side and return what a policy should have done at every step.

    In the first environment every macro goes to its script's cell; in the others some stray. The target falls with the
    distance of a legal cell from the script's, whatever has strayed. Returns are those of the episode as played: with
    the soft placer, and in units of the reference cost.

    Args:
        batch: of the game, with as many environments as scripts; its episodes are begun anew.
        cells: (B, M) cell of each macro in the order of `graph.movable`.
        weights: (B,) of the scripts, for the policy.
        reference: proxy cost that counts as 1.
        config: of the targets.
        rng: of the straying.

    Returns:
        the targets, and the proxy (B,) that each episode ended with, inf for a dead end. Steps of an episode with a
        dead end count for the critic only.

    Raises:
        ProblemError: cells are not one script an environment.
    """
    envs, macros = batch.num_envs, batch.dims.macros
    if cells.shape != (envs, macros) or weights.shape != (envs,):
        raise ProblemError(f"expected {envs} scripts of {macros} cells, got {cells.shape}")
    batch.reset()
    columns = batch.dims.columns
    row, column = np.divmod(np.arange(batch.num_actions), columns)
    rows = _Rows(batch, config.keep)
    every = np.arange(envs)
    running = np.ones(envs, np.bool_)
    reward = np.zeros((macros, envs))
    taken = np.zeros((macros, envs), np.bool_)
    proxy = np.full(envs, np.inf)
    cell, prob = np.zeros((envs, config.keep), np.int64), np.zeros((envs, config.keep))
    for t in range(macros):
        home = cells[every, batch.obs["current"].astype(np.int64)]
        for b in np.flatnonzero(running).tolist():
            distance = np.hypot(row - row[home[b]], column - column[home[b]])
            cell[b], prob[b] = soften(distance, batch.masks[b], config.spread, config.keep)
        rows.add(every, cell, prob, weights * running, np.full(envs, t))
        taken[t] = running
        action = cell[:, 0].copy()
        for b in np.flatnonzero(running & (rng.random(envs) < config.stray) & (every > 0)).tolist():
            action[b] = rng.choice(cell[b], p=prob[b])
        # Those whose episode ended early play on, unseen, to keep in step.
        idle = np.flatnonzero(~running)
        action[idle] = batch.masks[idle].argmax(axis=1)
        result = batch.step(action)
        reward[t] = np.where(running, batch.reward_exact, 0.0)
        for f in batch.finished:
            if running[f.env]:
                proxy[f.env] = f.cost.proxy
        running &= ~result.done
    returns = (np.cumsum(reward[::-1], axis=0)[::-1] / reference).astype(np.float32).reshape(-1)
    made = rows.finish(returns, np.flatnonzero(taken.reshape(-1)))
    of_env = np.tile(every, macros)[taken.reshape(-1)]
    return replace(made, weight=made.weight * np.isfinite(proxy)[of_env].astype(np.float32)), proxy


class RefineState(NamedTuple):
    """A complete placement to improve, and where search would have everything."""

    placement: Placement
    home: Placement


def refine_states(experts: ExpertSet, scripts: Sequence[Script], points: int) -> list[RefineState]:
    """Return placements that a refine game may meet: points along each trail, and the ends of the scripts' games."""
    by_number = {e.number: e.placement for e in experts.experts}
    out = [RefineState(s.placement, by_number[s.number]) for s in scripts if s.number in by_number]
    for trail in experts.trails:
        x, y, orient = trail.start.x_um.copy(), trail.start.y_um.copy(), trail.start.orient.copy()
        stops = {round(i * len(trail.moves) / max(points, 1)) for i in range(points)}
        seen = [trail.start] if 0 in stops else []
        for n, m in enumerate(trail.moves, 1):
            x[m.node], y[m.node], orient[m.node] = m.x_um, m.y_um, m.orient
            if n in stops:
                seen.append(trail.start.replace(x, y, orient))
        end = trail.start.replace(x, y, orient)
        out += [RefineState(p, end) for p in seen]
    return out


def refine_targets(
    batch: RefineBatch, states: Sequence[RefineState], config: TargetConfig, rng: np.random.Generator
) -> TargetSet:
    """Lift macros of each placement, as many as there are environments, and return where they had best be put back.

    Cells near where a macro stands, near where search has it in the end, and of the least estimated cost are costed
    exactly; the target falls with what a cell costs more than the best of them. Returns are not known.

    Args:
        batch: of the refine game; a new episode is begun for each placement.
        states: of that problem, legal.
        config: of the targets.
        rng: of the macros lifted.

    Raises:
        ProblemError: there are no placements, or no macro of them finds a legal cell.
    """
    cv, movable = batch.problem.canvas, batch.graph.movable
    index = np.arange(batch.num_actions)
    x_um = (index % cv.columns + 0.5) * cv.cell_w_um
    y_um = (index // cv.columns + 0.5) * cv.cell_h_um
    rows = _Rows(batch, config.keep)
    total = 0
    for state in states:
        order = rng.permutation(len(movable))
        batch.begin(state.placement, np.resize(order, batch.num_envs))
        engine = IncrementalCost(batch.problem, state.placement, batch.config.cost)
        heat = config.heat * engine.cost.proxy / len(movable)
        env, cells, probs = [], [], []
        for b in range(min(batch.num_envs, len(movable))):
            node = batch.current_node(b)
            legal = np.flatnonzero(batch.masks[b])
            if len(legal) == 0:
                continue
            tried = [least_of(batch.cost_change[b].reshape(-1), legal, CHEAP)]
            for p, count in ((state.placement, NEAR), (state.home, HOME)):
                away = np.hypot((x_um - p.x_um[node]) / cv.cell_w_um, (y_um - p.y_um[node]) / cv.cell_h_um)
                tried.append(least_of(away, legal, count))
            cost = np.full(batch.num_actions, np.inf)
            for c in np.unique(np.concatenate(tried)).tolist():
                cost[c] = engine.propose(node, x_um[c], y_um[c]).proxy
                engine.rollback()
            best, prob = soften(cost, np.isfinite(cost), heat, config.keep)
            env.append(b)
            cells.append(best)
            probs.append(prob)
        if env:
            rows.add(np.array(env), np.stack(cells), np.stack(probs), np.ones(len(env)), np.zeros(len(env), np.int64))
            total += len(env)
    if total == 0:
        raise ProblemError(f"netlist {batch.problem.netlist.name!r}: no macro of these placements finds a legal cell")
    return rows.finish(np.full(total, np.nan, np.float32))
