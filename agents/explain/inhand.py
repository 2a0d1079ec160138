"""A macro in a policy's hand, while all that matters stands where a given placement has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from agents.ppo.config import EnvConfig
from agents.ppo.gameconfig import construct_config
from floorplan.env import ConstructBatch, RefineBatch, RefineConfig
from floorplan.env.game import BatchedGame
from floorplan.errors import ProblemError
from floorplan.netlist import Placement, Problem

__all__ = ["InHand", "Table"]

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class InHand:
    """One macro in hand.

    Attributes:
        game: one environment, with the macro in hand.
        moved: macros that were put on another cell than they stand in, because theirs was not legal.
        shift_um: the farthest that a macro was put from where it stands, 0 where all stand where they do.
    """

    game: BatchedGame
    moved: int = 0
    shift_um: float = 0.0

    @property
    def obs(self) -> dict[str, npt.NDArray[Any]]:
        """What a policy sees, with a first axis of 1."""
        return self.game.obs

    @property
    def legal(self) -> npt.NDArray[np.bool_]:
        """(R, C) where the macro may stand."""
        out: npt.NDArray[np.bool_] = self.game.masks[0].reshape(self.game.dims.rows, self.game.dims.columns)
        return out


class Table:
    """Takes macros of one problem into the hand of a policy that plays by `env`; both games are set up when needed.

    Args:
        problem: as a run of training is given it; its initial placement is that of the run.
        env: rules of the game that the policy was trained on.
    """

    def __init__(self, problem: Problem, env: EnvConfig) -> None:
        self.problem = problem
        self._config = construct_config(env)
        self._construct: ConstructBatch | None = None
        self._refine: RefineBatch | None = None
        self._position = {int(node): i for i, node in enumerate(problem.movable_hard)}

    @property
    def construct(self) -> ConstructBatch:
        """The construct game."""
        if self._construct is None:
            self._construct = ConstructBatch(self.problem, 1, self._config, auto_reset=False)
        return self._construct

    def check(self, node: int) -> None:
        """Check that a policy places the node.

        Raises:
            ProblemError: it is no movable hard macro.
        """
        if node not in self._position:
            name = self.problem.netlist.node_name[node] if 0 <= node < self.problem.netlist.num_nodes else node
            raise ProblemError(f"{name} is no movable hard macro; a policy places only those")

    def built(self, placement: Placement, node: int) -> InHand:
        """Return the macro in hand as in the construct game: those before it in the order stand, no others.

        Macros come to cells' centres in that game, so each goes to the cell that it stands in, or where that is not
        legal to the legal one that is nearest. Soft macros stand where the game has them by then.

        Raises:
            ProblemError: it is no movable hard macro, one before it has no place, or no legal cell is left on the way.
        """
        self.check(node)
        game, canvas = self.construct, self.problem.canvas
        game.reset(seed=0)
        moved, shift = 0, 0.0
        while game.current_node(0) != node:
            before = game.current_node(0)
            if not placement.placed[before]:
                raise ProblemError(f"{self._name(before)} comes first and has no place yet")
            legal = np.flatnonzero(game.masks[0])
            if not len(legal):
                raise ProblemError(f"{self._name(before)} comes first and finds no legal cell as the game is played")
            x, y = float(placement.x_um[before]), float(placement.y_um[before])
            sx, sy = game.spots(0, legal)
            row, column = (min(max(int(v), 0), n - 1) for v, n in (
                (y / canvas.cell_h_um, canvas.rows), (x / canvas.cell_w_um, canvas.columns)))  # fmt: skip
            away = np.hypot(sx - x, sy - y)
            own = np.flatnonzero(legal == row * canvas.columns + column)
            k = int(own[0]) if len(own) else int(away.argmin())
            moved += not len(own)
            shift = max(shift, float(away[k]))
            game.step(legal[k : k + 1])
        return self._with_a_cell(InHand(game, moved, shift), node)

    def lifted(self, placement: Placement, node: int) -> InHand:
        """Return the macro in hand as in the refine game: all others stand, soft macros too.

        Raises:
            ProblemError: it is no movable hard macro, or the placement is not complete and legal.
        """
        self.check(node)
        if self._refine is None:
            config = RefineConfig(choice="given", lifts=1, cost=self._config.cost)
            self._refine = RefineBatch(self.problem, 1, config, auto_reset=False)
        self._refine.begin(placement, [[self._position[node]]])
        return self._with_a_cell(InHand(self._refine), node)

    def changes(self, cells: I64) -> npt.NDArray[np.float64]:
        """Return (K,) the exact change of the proxy if the macro that was lifted last stood on these cells."""
        if self._refine is None:
            raise ValueError("no macro has been lifted")
        out: npt.NDArray[np.float64] = self._refine.changes(cells[None])[0]
        return out

    def _with_a_cell(self, hand: InHand, node: int) -> InHand:
        if not hand.legal.any():
            raise ProblemError(f"{self._name(node)} has no legal cell, so there is nothing to choose from")
        return hand

    def _name(self, node: int) -> str:
        return self.problem.netlist.node_name[node]
