"""Where a policy wants a macro of a placement, how sure it is, and which of its inputs speak for that."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from agents.ppo.policyfile import SHIPPED, PolicyCard, find_policy, load_policy, read_card
from floorplan.errors import CheckpointError, ProblemError
from floorplan.netlist import Placement, Problem

if TYPE_CHECKING:
    from agents.explain.inhand import Table

__all__ = ["Explainer", "Explanation", "State", "TopCell"]

State = Literal["build", "refine"]
F64 = npt.NDArray[np.float64]

TOP = 5


@dataclass(frozen=True)
class TopCell:
    """A cell that a policy favours.

    Attributes:
        row, column: of it, row 0 at the bottom.
        x_um, y_um: where the macro's centre would go.
        probability: that the policy takes it.
        change: exact change of the proxy against the placement as it stands; None where the game is being built up.
    """

    row: int
    column: int
    x_um: float
    y_um: float
    probability: float
    change: float | None


@dataclass(frozen=True, eq=False)
class Explanation:
    """Where a policy wants a macro, and why.

    Attributes:
        node: the macro.
        state: `build` or `refine`, see `Explainer.explain`.
        policy: in words.
        probability: (R, C), 0 where not legal, sums to 1; row 0 at the bottom.
        legal: (R, C).
        entropy: nats.
        top: the most probable cells, most probable first.
        own: row, column, probability and rank (1 is the most probable) of the cell that the macro stands in now; None
            where it has no place. The rank is 0 where that cell is not legal.
        names: of the K inputs.
        shares: (K,) what each adds to the logit of the most probable cell, against the mean of the legal cells.
        parts: (K, R, C) float32, likewise for every cell.
        total: logit of the most probable cell, against the mean of the legal cells.
        method: how `parts` were come by, see `agents.explain.attribution.Attribution`.
        standing: node ids of the movable macros that stand in this state.
        moved: macros that the game could not put into the cell they stand in.
        shift_um: the farthest that it put one from where it stands.
    """

    node: int
    state: State
    policy: str
    probability: F64
    legal: npt.NDArray[np.bool_]
    entropy: float
    top: tuple[TopCell, ...]
    own: tuple[int, int, float, int] | None
    names: tuple[str, ...]
    shares: F64
    parts: npt.NDArray[np.float32]
    total: float
    method: str
    standing: tuple[int, ...]
    moved: int
    shift_um: float


class Explainer:
    """Explains policies on one problem. torch is imported when the first explanation is asked for.

    Args:
        problem: as a run of training is given it.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._table: tuple[Any, Table] | None = None
        self._network: tuple[Any, Any, PolicyCard] | None = None

    def explain(self, placement: Placement, node: int, state: State, policy: Path | None = None) -> Explanation:
        """Return where the policy wants a macro.

        Args:
            placement: the others stand in.
            node: a movable hard macro.
            state: `build`: those before it in the order of the game stand, none after it; `refine`: all others stand.
            policy: a run folder, a policy folder or a weights file; None is the shipped one. Of a run that has saved
                no policy yet it is the one that the run started from, or else the shipped one.

        Raises:
            ProblemError: no policy places the node, or the placement does not allow this state.
            CheckpointError: no policy, damaged, or made for other observations.
        """
        if state not in ("build", "refine"):
            raise ProblemError(f"state must be build or refine, got {state!r}")
        file, said = _weights(policy)
        network, card, table = self._made(file)
        said = f"{said}, {card.episodes:,} episodes" if card.episodes else said

        from agents.explain.attribution import attribute

        hand = table.built(placement, node) if state == "build" else table.lifted(placement, node)
        legal = hand.legal.ravel()
        found = attribute(network, hand.obs, legal, card.map_names)
        probability = _softmax(found.logits, legal)
        order = np.flatnonzero(legal)
        order = order[np.argsort(-probability[order], kind="stable")]
        shape = hand.legal.shape
        best = int(order[0])
        x, y = hand.game.spots(0, order[:TOP])
        change = [None] * TOP if state == "build" else table.changes(order[:TOP]).tolist()
        top = tuple(
            TopCell(a // shape[1], a % shape[1], float(x[k]), float(y[k]), float(probability[a]), change[k])
            for k, a in enumerate(order[:TOP].tolist())
        )
        some = probability[probability > 0]
        return Explanation(
            node=node,
            state=state,
            policy=said,
            probability=probability.reshape(shape),
            legal=hand.legal.copy(),
            entropy=float(-(some * np.log(some)).sum()),
            top=top,
            own=self._own(placement, node, probability, order),
            names=found.names,
            shares=found.parts[:, best].copy(),
            parts=found.parts.reshape(-1, *shape).astype(np.float32),
            total=float(found.logits[best]),
            method=found.method,
            standing=tuple(self.problem.movable_hard[hand.obs["placed"][0].astype(bool)].tolist()),
            moved=hand.moved,
            shift_um=hand.shift_um,
        )

    def _own(
        self, placement: Placement, node: int, probability: F64, order: npt.NDArray[np.int64]
    ) -> tuple[int, int, float, int] | None:
        cv = self.problem.canvas
        if not placement.placed[node]:
            return None
        row = min(max(int(placement.y_um[node] / cv.cell_h_um), 0), cv.rows - 1)
        column = min(max(int(placement.x_um[node] / cv.cell_w_um), 0), cv.columns - 1)
        cell = row * cv.columns + column
        rank = np.flatnonzero(order == cell)
        return row, column, float(probability[cell]), int(rank[0]) + 1 if len(rank) else 0

    def _made(self, file: Path) -> tuple[Any, PolicyCard, Table]:
        """Return the network in a weights file, its card, and the games that it plays; kept until the file changes."""
        from agents.explain.inhand import Table
        from agents.gnn.instance import Instance
        from floorplan.env import MAP_CHANNELS

        stat = file.stat()
        key = (file, stat.st_mtime_ns, stat.st_size)
        if self._network is None or self._network[0] != key:
            card = read_card(file)
            if self._table is None or self._table[0] != card.env:
                self._table = (card.env, Table(self.problem, card.env))
            game = self._table[1].construct
            scalars = game.obs["scalars"].shape[1]
            network, card = load_policy(file, Instance.of(self.problem, game.graph), tuple(MAP_CHANNELS), scalars)
            network.eval()
            self._network = (key, network, card)
        if self._table is None:
            raise RuntimeError("a network comes with its table")
        return self._network[1], self._network[2], self._table[1]


def _weights(policy: Path | None) -> tuple[Path, str]:
    """Return a weights file, and in words whose it is."""
    if policy is None or str(policy) == SHIPPED:
        return find_policy(None), "the shipped policy"
    config = policy / "config.toml"
    if not config.is_file():
        return find_policy(policy), f"policy {policy.name}"
    try:
        return find_policy(policy), "the policy of this run"
    except CheckpointError:
        start = _started_from(config)
        if start is not None:
            return find_policy(start), "the policy that this run started from (it has saved none yet)"
        return find_policy(None), "the shipped policy (this run has saved none yet)"


def _started_from(config: Path) -> Path | None:
    try:
        run = tomllib.loads(config.read_text(encoding="utf-8")).get("run", {})
    except (OSError, ValueError):
        return None
    given = run.get("policy") if isinstance(run, dict) else None
    return Path(given) if isinstance(given, str) and Path(given).is_file() else None


def _softmax(logits: F64, legal: npt.NDArray[np.bool_]) -> F64:
    out = np.zeros(len(logits))
    weight = np.exp(logits[legal] - logits[legal].max())
    out[legal] = weight / weight.sum()
    return out
