"""The spring system, factorised once per problem."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from floorplan.netlist import Problem
from floorplan.parallel import share_out
from floorplan.soft.kernels.held import complement, solve_held
from floorplan.soft.kernels.solve import TOGETHER, count_columns, factorize, solve
from floorplan.soft.springs import Springs

__all__ = ["SpringSystem", "anchored_systems"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


class SpringSystem:
    """Solves springs for the soft macros, given what the anchors pull.

    A component that nothing holds gets springs to the middle of the canvas, so that all of it comes to stand there.

    Args:
        springs: of the problem.
        problem: gives the canvas.
        use: (A,) leave out the anchors where False.
        anchor: each soft macro is also tied to a given point, by this much of the sum of its other springs.
        like: another system of these springs, whose order of elimination serves this one too; found anew if None.
        holdable: (S,) macros that `solve_held` may be told to hold; none if None.
    """

    def __init__(
        self,
        springs: Springs,
        problem: Problem,
        *,
        use: npt.NDArray[np.bool_] | None = None,
        anchor: float = 0.0,
        like: SpringSystem | None = None,
        holdable: npt.NDArray[np.bool_] | None = None,
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
        matrix = (sparse.diags_array(diagonal + self._tie) - graph).tocsc()
        self._order: I32 = _order(matrix, holdable) if like is None else like._order
        self._first = s - (0 if holdable is None else int(holdable.sum()))
        self._schur: F64 | None = None
        matrix = matrix[self._order][:, self._order]
        matrix.sort_indices()
        if like is None:
            self._parent = np.empty(s, np.int64)
            self._begin = count_columns(matrix.indptr, matrix.indices, self._parent)
        else:
            self._parent, self._begin = like._parent, like._begin
        self._rows = np.empty(int(self._begin[-1]), np.int32)
        self._lower = np.empty(len(self._rows))
        self._inverse = np.empty(s)
        into = (self._begin, self._rows, self._lower, self._inverse)
        factorize(matrix.indptr, matrix.indices, matrix.data, self._parent, *into)

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
        groups = -(-len(right) // TOGETHER)
        share_out(lambda _lane, begin, end: self._solve_groups(begin, end, right, both), groups)
        return both[: len(pull_x)], both[len(pull_x) :]

    def solve_held(
        self,
        pull_x: F64,
        pull_y: F64,
        held: npt.NDArray[np.bool_],
        stands_x: F64,
        stands_y: F64,
        at_x: F64 | None = None,
        at_y: F64 | None = None,
    ) -> tuple[F64, F64]:
        """Return x and y, each (B, S), with some macros held where they stand.

        Args:
            pull_x: (B, S) of `anchor_pull`.
            pull_y: likewise.
            held: (B, S), which; only `holdable` ones.
            stands_x: (B, S) where they stand; not read elsewhere.
            stands_y: likewise.
            at_x: as in `solve`.
            at_y: likewise.
        """
        into = (self._begin, self._rows, self._lower, self._inverse)
        if self._schur is None:
            self._schur = complement(*into, self._first)
        schur, order, rows = self._schur, self._order, len(pull_x)
        right_x, right_y = pull_x + self._loose_x, pull_y + self._loose_y
        if at_x is not None and at_y is not None:
            right_x, right_y = right_x + self._tie * at_x, right_y + self._tie * at_y
        right_x, right_y = np.where(held, stands_x, right_x), np.where(held, stands_y, right_y)
        x, y = np.empty_like(right_x), np.empty_like(right_y)

        def solve_rows(_lane: int, begin: int, end: int) -> None:
            for b in range(begin, end):
                both = np.stack([right_x[b, order], right_y[b, order]], axis=1)
                solve_held(*into, schur, held[b, order[self._first :]], both)
                x[b, order], y[b, order] = both.T

        share_out(solve_rows, rows)
        return x, y

    def _solve_groups(self, begin: int, end: int, right: F64, both: F64) -> None:
        for g in range(begin, end):
            rows = right[g * TOGETHER : (g + 1) * TOGETHER, self._order]
            x = np.zeros((len(self._order), TOGETHER))
            x[:, : len(rows)] = rows.T
            solve(self._begin, self._rows, self._lower, self._inverse, x)
            both[g * TOGETHER : (g + 1) * TOGETHER, self._order] = x[:, : len(rows)].T


def anchored_systems(
    plain: SpringSystem,
    springs: Springs,
    problem: Problem,
    anchors: tuple[float, ...],
    holdable: npt.NDArray[np.bool_] | None = None,
) -> list[SpringSystem]:
    """Return a system for each strength of anchor, like `plain` otherwise, factorised side by side on all cores."""
    made: list[SpringSystem] = [plain] * len(anchors)

    def make(_lane: int, begin: int, end: int) -> None:
        for i in range(begin, end):
            made[i] = SpringSystem(springs, problem, anchor=anchors[i], like=plain, holdable=holdable)

    share_out(make, len(anchors))
    return made


def _order(matrix: sparse.csc_array, last: npt.NDArray[np.bool_] | None = None) -> I32:
    """Return (S,) which unknown is struck out when, for little fill: multiple minimum degree, as SuperLU has it.

    Those of `last` come after all others, in their order.
    """
    if last is not None:
        others = np.flatnonzero(~last)
        first = others[_order(matrix[others][:, others].tocsc())]
        return np.concatenate([first, np.flatnonzero(last)]).astype(np.int32)
    if not matrix.shape[0]:
        return np.zeros(0, np.int32)
    pattern = matrix.copy()
    pattern.data[:] = -1.0
    pattern.setdiag(float(matrix.shape[0]))  # a matrix of the same pattern that no rounding makes singular
    made = splu(pattern, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return np.argsort(made.perm_c).astype(np.int32)
