"""A placement: where each node of a netlist stands. Separate from the netlist, frozen like it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from floorplan.errors import ProblemError
from floorplan.showable import Showable

if TYPE_CHECKING:
    from floorplan.netlist.problem import Problem

__all__ = ["Placement"]


@dataclass(frozen=True, eq=False)
class Placement(Showable):
    """Centres and orientations of all N nodes.

    Attributes:
        x_um: (N,) float64 centre.
        y_um: (N,) float64 centre.
        orient: (N,) uint8 of `floorplan.geometry.Orient`.
        placed: (N,) bool; coordinates of unplaced nodes mean nothing.
    """

    x_um: npt.NDArray[np.float64]
    y_um: npt.NDArray[np.float64]
    orient: npt.NDArray[np.uint8]
    placed: npt.NDArray[np.bool_]

    # Not a field: what is placed is no part of where it stands. The initial placement of a problem knows it weakly.
    _problem = None

    def __post_init__(self) -> None:
        n = len(self.x_um)
        if not (len(self.y_um) == len(self.orient) == len(self.placed) == n):
            raise ProblemError("placement arrays differ in length")
        for name, dtype in (("x_um", np.float64), ("y_um", np.float64), ("orient", np.uint8), ("placed", np.bool_)):
            a = np.array(getattr(self, name), dtype=dtype)
            a.flags.writeable = False
            object.__setattr__(self, name, a)
        if not (np.isfinite(self.x_um[self.placed]).all() and np.isfinite(self.y_um[self.placed]).all()):
            raise ProblemError("placement holds a coordinate that is not finite")
        if n and int(self.orient.max()) > 7:
            raise ProblemError("placement holds an orientation that does not exist")

    @classmethod
    def empty(cls, num_nodes: int) -> Placement:
        """Return a placement of `num_nodes` nodes, none placed."""
        z = np.zeros(num_nodes)
        return cls(z, z, np.zeros(num_nodes, np.uint8), np.zeros(num_nodes, np.bool_))

    @property
    def problem(self) -> Problem | None:
        """What is placed, where that is known: with it a notebook draws macros instead of points."""
        of: Callable[[], Problem | None] | None = self._problem
        return None if of is None else of()

    def on(self, problem: Problem, *, weakly: bool = False) -> Placement:
        """Return the same placement, its arrays shared, that knows what it places and so shows itself drawn.

        Args:
            problem: of as many nodes.
            weakly: know it only while something else holds it.

        Raises:
            ProblemError: the problem has another number of nodes.
        """
        if len(self) != problem.netlist.num_nodes:
            raise ProblemError(f"placement has {len(self)} nodes, the netlist {problem.netlist.num_nodes}")
        out = copy(self)
        object.__setattr__(out, "_problem", weakref.ref(problem) if weakly else lambda: problem)
        return out

    def replace(
        self,
        x_um: npt.ArrayLike | None = None,
        y_um: npt.ArrayLike | None = None,
        orient: npt.ArrayLike | None = None,
        placed: npt.ArrayLike | None = None,
    ) -> Placement:
        """Return a copy with the given arrays, each (N,), instead of its own."""
        out = Placement(
            np.asarray(self.x_um if x_um is None else x_um, dtype=np.float64),
            np.asarray(self.y_um if y_um is None else y_um, dtype=np.float64),
            np.asarray(self.orient if orient is None else orient, dtype=np.uint8),
            np.asarray(self.placed if placed is None else placed, dtype=np.bool_),
        )
        object.__setattr__(out, "_problem", self._problem)
        return out

    def __getstate__(self) -> dict[str, Any]:
        # A copy that goes to another process goes without the problem.
        return {name: value for name, value in self.__dict__.items() if name != "_problem"}

    def __repr__(self) -> str:
        of = "" if self.problem is None else f" of {self.problem.netlist.name!r}"
        return f"Placement({int(self.placed.sum())} of {len(self)} nodes placed{of})"

    def __len__(self) -> int:
        return len(self.x_um)
