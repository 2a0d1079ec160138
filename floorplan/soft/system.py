"""The spring system, factorised once per problem."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU, splu

from floorplan.netlist import Problem
from floorplan.parallel import share_out
from floorplan.soft.kernels.solve import factorize, solve_range
from floorplan.soft.springs import Springs

__all__ = ["SpringSystem"]

F64 = npt.NDArray[np.float64]

DENSE_LIMIT = 1500
"""Up to this many soft macros a dense factor (18 MB) is quicker than a sparse one, and shared by a batch."""


class SpringSystem:
    """Solves springs for the soft macros, given what the anchors pull.

    A component that nothing holds gets springs to the middle of the canvas, so that all of it comes to stand there.

    Args:
        springs: of the problem.
        problem: gives the canvas.
        use: (A,) leave out the anchors where False.
        anchor: each soft macro is also tied to a given point, by this much of the sum of its other springs.
    """

    def __init__(
        self, springs: Springs, problem: Problem, *, use: npt.NDArray[np.bool_] | None = None, anchor: float = 0.0
    ) -> None:
        s = len(springs.soft)
        k = springs.anchor_k if use is None else np.where(use, springs.anchor_k, 0.0)
        held = np.bincount(springs.anchor_soft, k, s)
        graph = sparse.coo_array((springs.pair_k, (springs.pair_a, springs.pair_b)), (s, s)).tocsr()
        loose = np.zeros(s)
        if s:
            parts, part = connected_components(graph, directed=False)
            loose[:] = (np.bincount(part, held, parts) <= 0)[part]
        graph = graph + graph.T
        diagonal = np.asarray(graph.sum(axis=0)).ravel() + held + loose
        self._tie = anchor * diagonal
        self._loose_x = loose * (problem.canvas.width_um / 2)
        self._loose_y = loose * (problem.canvas.height_um / 2)
        matrix = (sparse.diags_array(diagonal + self._tie) - graph).tocsc() if s else None
        self._dense: F64 | None = None
        self._factor: SuperLU | None = None
        if matrix is not None and s <= DENSE_LIMIT:
            dense = matrix.toarray()
            if factorize(dense):
                self._dense = dense
            else:  # springs so weak beside others that they are lost in rounding
                self._factor = splu(matrix)
        elif matrix is not None:
            self._factor = splu(matrix)

    def solve(self, pull_x: F64, pull_y: F64, at_x: F64 | None = None, at_y: F64 | None = None) -> tuple[F64, F64]:
        """Return x and y, each (B, S).

        Args:
            pull_x: (B, S) of `anchor_pull`.
            pull_y: likewise.
            at_x: (B, S) the points that the macros are tied to, where the system was made with an anchor.
            at_y: likewise.
        """
        right = np.concatenate([pull_x + self._loose_x, pull_y + self._loose_y])
        if at_x is not None and at_y is not None:
            right += self._tie * np.concatenate([at_x, at_y])
        both = np.empty_like(right)
        if self._factor is not None:
            for i in range(len(right)):
                both[i] = self._factor.solve(right[i])
        elif self._dense is not None:
            dense = self._dense
            share_out(lambda _lane, begin, end: solve_range(dense, right, both, begin, end), len(right), least=2)
        return both[: len(pull_x)], both[len(pull_x) :]
