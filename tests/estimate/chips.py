"""A small chip, made by hand, whose numbers can be worked out beside it."""

from __future__ import annotations

import math

import numpy as np

from floorplan.accelerator.chip import TRAFFIC, Chip, Dataflow
from floorplan.estimate.load import Demand, Load
from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem

WEIGHTS, KV, ACTIVATION = 1, 2, 3
MACRO_UM = 400.0


def grid_placement(blocks: int, pitch_um: float, columns: int) -> Placement:
    at = np.arange(blocks)
    x, y = pitch_um * (at % columns + 0.5), pitch_um * (at // columns + 0.5)
    return Placement(x, y, np.zeros(blocks, np.uint8), np.ones(blocks, np.bool_))


def small_chip(
    blocks: int = 9,
    *,
    canvas_factor: float = 2.0,
    technology: str = "nangate45",
    clock_hz: float = 1e9,
    pipelined: bool = True,
    seed: int = 1,
    nets_per_block: int = 2,
) -> Chip:
    """Blocks of 400 x 400 um: memory PHY, link PHY, then SRAM and MAC units by turns; each drives nets to others."""
    rng = np.random.default_rng(seed)
    b = NetlistBuilder("small")
    kinds = ["memory_phy", "link_phy"] + ["sram" if k % 2 else "mac" for k in range(blocks - 2)]
    for i in range(blocks):
        b.add_macro(f"b{i}", MACRO_UM, MACRO_UM)
        for k in range(nets_per_block):
            b.add_pin(f"b{i}/o{k}", f"b{i}", 100.0 - 50.0 * k, 150.0)
        b.add_pin(f"b{i}/i", f"b{i}", -150.0, -100.0)
    width, klass = [], []
    for i in range(blocks):
        for k in range(nets_per_block):
            others = [j for j in rng.permutation(blocks).tolist() if j != i][: 1 + (i + k) % 3]
            b.add_net(f"b{i}/o{k}", [f"b{j}/i" for j in others], 512.0)
            width.append(512.0)
            klass.append((WEIGHTS, KV, ACTIVATION)[(i + k) % 3])
    netlist = b.build()
    columns = math.ceil(math.sqrt(blocks))
    side = MACRO_UM * canvas_factor * columns
    canvas = Canvas(side, side, 10, 10, 50.0, 50.0, 10.0, 10.0, 1)
    kind = np.array(kinds)
    problem = Problem(netlist, canvas, grid_placement(blocks, MACRO_UM * 1.3, columns))
    mix = np.zeros((netlist.num_nets, len(TRAFFIC)))
    mix[np.arange(netlist.num_nets), klass] = 1.0 / netlist.num_nets
    return Chip(
        name="small",
        problem=problem,
        technology=technology,
        clock_hz=clock_hz,
        memory="hbm",
        dataflow=Dataflow(reuse_columns=32, reuse_rows=32, reuse_tokens=64, operand_bytes=2.0),
        parameters=None,
        block_node=netlist.hard.copy(),
        block_kind=kind,
        block_bits=np.where(kind == "sram", 1 << 23, 0).astype(np.int64),
        block_macs=np.where(kind == "mac", 1024, 0).astype(np.int64),
        block_bytes_per_s=np.where(kind == "memory_phy", 2e11, np.where(kind == "link_phy", 5e10, 0.0)),
        block_memory_bytes=np.where(kind == "memory_phy", 24e9, 0.0),
        net_mix=mix,
        net_width_bits=np.array(width),
        net_pipelined=np.full(netlist.num_nets, pipelined),
    )


def small_load(chip: Chip, *, bits: float = 1e8, chips: int = 1, ratio: float = 4.0) -> Load:
    nets = chip.problem.netlist.num_nets
    spread = np.linspace(0.5, 1.5, nets)
    decode = Demand(8, bits * spread, 2e10, 3e9, 1e5 if chips > 1 else 0.0, 128)
    prefill = Demand(1000, bits / 50 * spread[::-1].copy(), 2e10, 1e7, 1e5 if chips > 1 else 0.0, 128)
    return Load("by hand", decode, prefill, ratio, chips, 8, 1000)
