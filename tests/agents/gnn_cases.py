"""Random instances and observations of the shapes that the environment gives."""

from __future__ import annotations

import torch
from torch import Tensor

from agents.gnn.instance import METADATA, Instance

MAPS = ("legal", "wl_change", "density", "cost_change")
SCALARS = 5
NODE_FEATURES = 6
EDGE_FEATURES = 3


def instance(nodes: int = 12, macros: int = 5, rows: int = 6, columns: int = 7, seed: int = 0) -> Instance:
    g = torch.Generator().manual_seed(seed)
    a = torch.arange(nodes - 1)
    b = a + 1
    extra = torch.randint(0, nodes // 2, (nodes,), generator=g)
    i, j = torch.cat([a, extra]), torch.cat([b, extra + nodes // 2])
    feat = torch.rand(len(i), EDGE_FEATURES, generator=g)
    shared = torch.rand(macros, macros, generator=g)
    return Instance(
        node_feat=torch.randn(nodes, NODE_FEATURES, generator=g),
        edge_index=torch.stack([torch.cat([i, j]), torch.cat([j, i])]),
        edge_feat=torch.cat([feat, feat]),
        movable=torch.arange(macros) * 2,
        shared=(shared + shared.T) / 2,
        node_size=torch.rand(nodes, 2, generator=g),
        node_type=torch.eye(3)[torch.randint(0, 3, (nodes,), generator=g)],
        node_pos=torch.zeros(nodes, 2),
        node_placed=torch.zeros(nodes),
        metadata=torch.rand(len(METADATA), generator=g),
        rows=rows,
        columns=columns,
    )


def observation(of: Instance, batch: int, seed: int = 1) -> dict[str, Tensor]:
    g = torch.Generator().manual_seed(seed)
    macros = len(of.movable)
    return {
        "maps": torch.randn(batch, len(MAPS), of.rows, of.columns, generator=g),
        "scalars": torch.rand(batch, SCALARS, generator=g),
        "current": torch.randint(0, macros, (batch,), generator=g),
        "pos": torch.rand(batch, macros, 2, generator=g),
        "cell": torch.randint(0, of.rows * of.columns, (batch, macros), generator=g),
        "placed": torch.rand(batch, macros, generator=g) < 0.5,
    }
