"""A placement: where each node of a netlist stands. Separate from the netlist, frozen like it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.errors import ProblemError

__all__ = ["Placement"]


@dataclass(frozen=True, eq=False)
class Placement:
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

    def replace(
        self,
        x_um: npt.ArrayLike | None = None,
        y_um: npt.ArrayLike | None = None,
        orient: npt.ArrayLike | None = None,
        placed: npt.ArrayLike | None = None,
    ) -> Placement:
        """Return a copy with the given arrays, each (N,), instead of its own."""
        return Placement(
            np.asarray(self.x_um if x_um is None else x_um, dtype=np.float64),
            np.asarray(self.y_um if y_um is None else y_um, dtype=np.float64),
            np.asarray(self.orient if orient is None else orient, dtype=np.uint8),
            np.asarray(self.placed if placed is None else placed, dtype=np.bool_),
        )

    def __len__(self) -> int:
        return len(self.x_um)
