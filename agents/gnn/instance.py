"""What a network is told once about a netlist and its canvas, as tensors."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor

from floorplan.netlist import NodeKind, Problem

if TYPE_CHECKING:
    from floorplan.env import GraphArrays

__all__ = ["METADATA", "Instance", "shared_neighbours"]

METADATA = (
    "edges",
    "hard_macros",
    "soft_macros",
    "ports",
    "h_tracks",
    "v_tracks",
    "h_macro_tracks",
    "v_macro_tracks",
    "columns",
    "rows",
    "hard_utilisation",
    "soft_utilisation",
)
"""The twelve numbers about a netlist and its canvas that AlphaChip's network reads, each brought to about 0..1."""


@dataclass(frozen=True, eq=False)
class Instance:
    """The static half of an observation.

    Attributes:
        node_feat: (N, F) float32.
        edge_index: (2, M) int64, each edge in both directions.
        edge_feat: (M, G) float32.
        movable: (H,) int64 node ids of the macros that are placed.
        shared: (H, H) float32, how much two macros have the same neighbours (0..1).
        node_size: (N, 2) float32 width and height over the canvas's.
        node_type: (N, 3) float32 one-hot of hard macro, soft macro, port.
        node_pos: (N, 2) float32 centre over the canvas size of nodes with a fixed position, else 0.
        node_placed: (N,) float32, 1 where the position is fixed.
        metadata: (12,) float32 of `METADATA`.
        rows: rows of the grid.
        columns: columns of the grid.
    """

    node_feat: Tensor
    edge_index: Tensor
    edge_feat: Tensor
    movable: Tensor
    shared: Tensor
    node_size: Tensor
    node_type: Tensor
    node_pos: Tensor
    node_placed: Tensor
    metadata: Tensor
    rows: int
    columns: int

    @classmethod
    def of(cls, problem: Problem, graph: GraphArrays) -> Instance:
        """Return the instance of a problem and its environment's graph."""
        n, c, p = problem.netlist, problem.canvas, problem.initial
        size = np.array([c.width_um, c.height_um])
        known = problem.fixed & p.placed
        kind = n.node_kind
        soft = (kind == NodeKind.SOFT) | (kind == NodeKind.CELL)
        area = n.node_w_um * n.node_h_um / (c.width_um * c.height_um)
        counts = [graph.edge_index.shape[1] / 2, len(n.hard), len(n.soft), len(n.ports)]
        tracks = [c.h_tracks_per_um, c.v_tracks_per_um, c.h_macro_tracks_per_um, c.v_macro_tracks_per_um]
        metadata = [
            *(np.log1p(v) / 10 for v in counts),
            *(v / 100 for v in tracks),
            c.columns / 128,
            c.rows / 128,
            area[kind == NodeKind.HARD].sum(),
            area[soft].sum(),
        ]

        def f32(a: npt.ArrayLike) -> Tensor:
            return torch.from_numpy(np.array(a, dtype=np.float32))

        return cls(
            node_feat=f32(graph.node_feat),
            edge_index=torch.from_numpy(np.array(graph.edge_index, dtype=np.int64)),
            edge_feat=f32(graph.edge_feat),
            movable=torch.from_numpy(np.array(graph.movable, dtype=np.int64)),
            shared=f32(shared_neighbours(graph.edge_index, graph.movable, n.num_nodes)),
            node_size=f32(np.stack([n.node_w_um, n.node_h_um], axis=1) / size),
            node_type=f32(np.stack([kind == NodeKind.HARD, soft, kind == NodeKind.PORT], axis=1)),
            node_pos=f32(np.where(known[:, None], np.stack([p.x_um, p.y_um], axis=1) / size, 0.0)),
            node_placed=f32(known),
            metadata=f32(metadata),
            rows=c.rows,
            columns=c.columns,
        )

    def to(self, device: torch.device) -> Instance:
        """Return the instance with its tensors on `device`."""
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        moved: dict[str, Any] = {k: v.to(device) for k, v in values.items() if isinstance(v, Tensor)}
        return replace(self, **moved)


def shared_neighbours(
    edge_index: npt.NDArray[np.int64], movable: npt.NDArray[np.int32], num_nodes: int
) -> npt.NDArray[np.float32]:
    """Return (H, H) cosine similarity of the neighbourhoods of movable macros; a macro is among its own neighbours.

    Neighbours weigh 1 / sqrt(degree): two macros on the same two-macro cluster are closer than two on a clock tree.
    """
    m = edge_index.shape[1]
    a = sparse.coo_array((np.ones(m), (edge_index[0], edge_index[1])), shape=(num_nodes, num_nodes)).tocsr()
    a.data[:] = 1.0
    a = (a + sparse.eye_array(num_nodes, format="csr")).tocsr()
    degree = np.asarray(a.sum(axis=0)).ravel()
    rows = a[movable] @ sparse.diags_array(1 / np.sqrt(degree))
    gram = np.asarray((rows @ rows.T).todense())
    norm = np.sqrt(np.diag(gram))
    similarity = gram / np.outer(norm, norm)
    np.fill_diagonal(similarity, 0.0)
    out: npt.NDArray[np.float32] = similarity.astype(np.float32)
    return out
