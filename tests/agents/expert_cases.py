"""A small tile with experts found in a second, shared by the tests of cloning."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from torch import nn

from agents.gnn.choosing import make_network
from agents.gnn.instance import Instance
from agents.ppo.config import NetworkConfig, RunConfig, load_config
from agents.pretrain.heldout import Exam
from agents.pretrain.member import reference_cost
from floorplan.env import MAP_CHANNELS, SCALARS, ConstructBatch
from floorplan.netlist import Problem
from floorplan.netlist.variants import with_grid
from tests.agents.agent_cases import small_tile

NETWORK = {"graph_width": 8, "graph_layers": 1, "channels": 8, "conv_layers": 2}


@cache
def tile() -> Problem:
    """A tile of 24 hard and 30 soft macros on 14 x 14 cells."""
    return with_grid(small_tile(1, 1, 30), 14, 14)


@cache
def config() -> RunConfig:
    return load_config(overrides={"network": NETWORK, "env": {"outlooks": "1"}})


@cache
def greedy_cost() -> float:
    return reference_cost(tile(), config())


def fresh_network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    instance = Instance.of(tile(), ConstructBatch(tile(), 1).graph)
    return make_network(NetworkConfig(**NETWORK), instance, tuple(MAP_CHANNELS), len(SCALARS))


def exam(samples: int = 0) -> Exam:
    return Exam("tile", tile(), greedy_cost(), config(), samples)


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, by name."""
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}
