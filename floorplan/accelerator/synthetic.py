"""The synthetic netlist: a hierarchy of modules with hard macros, logic and ports, drawn from one seed."""

from __future__ import annotations

from dataclasses import asdict

from floorplan.accelerator.assembly import Assembly, HardMacro
from floorplan.accelerator.floor import with_ports_placed
from floorplan.accelerator.logic import apportion, logic_nets, soft_areas_um2
from floorplan.accelerator.seeded import Draws, power_law
from floorplan.accelerator.synthetic_macros import Grid, MacroGroup, choose_grid, draw_groups
from floorplan.accelerator.synthetic_parameters import Synthetic
from floorplan.accelerator.technology import technology
from floorplan.netlist import Canvas, Netlist, Problem, Side

__all__ = ["Synthetic", "synthetic"]

EDGES = (Side.TOP, Side.RIGHT, Side.BOTTOM, Side.LEFT)

READERS = power_law(1.0, 3)
"""Soft macros that a read-data net goes to, after SKY130HD_ariane133: 1176, 600 and 308 nets have 1, 2 and 3."""

ADDRESS_FRAC = 0.4
"""Address and control nets of a group for each write-data net."""

BLOCK_NETS, SMALL_NETS = 2.0, 0.6
"""Data nets of a big block and of a small macro for each of an SRAM."""

LEAF = 8
"""Soft macros of a leaf: a net that reaches beyond goes to one other leaf, and so stays small."""

NEAR_COPIES = (16, 6, 2, 1)
"""How often a leaf one, two, ... levels up the hierarchy is listed as near: together 16, 12, 8 and 8 times, a fall by
about 2**(p - 1) a level, which is Rent's rule."""

FAIR_WIRELENGTH = 0.08
"""Normalised wirelength at which `routing_demand_frac` is meant: greedy placements of the public netlists have 0.07 to
0.10."""


def synthetic(parameters: Synthetic) -> Problem:
    """Generate netlist, canvas and port positions; macros are left unplaced.

    The same parameters give the same problem, bit for bit.
    """
    p = parameters
    # The macros have a stream of their own, so that `Synthetic.variant` sees the same ones before the rest is drawn.
    groups = draw_groups(Draws(p.seed), p.hard_macros, p.sram_frac, p.block_frac, p.sram_kinds, p.group_macros)
    draws = Draws(2**32 + p.seed)
    asm = Assembly("synthetic")
    said = {"template": "synthetic", **asdict(p)}
    asm.metadata += [(key, v if isinstance(v, str) else float(v)) for key, v in said.items()]
    modules = _modules(draws, p)
    asm.soft = [name for members in modules.values() for name in members]
    _add_macros(draws, p, asm, groups, modules)
    _add_ports(draws, p, asm, modules)
    leaves = _leaves(modules)
    asm.nets += logic_nets(draws, leaves, _near(list(leaves)), p.nets_per_soft, p.rent_exponent)

    grid = choose_grid(groups, p.hard_utilisation_frac, p.canvas_aspect, p.grid_cells)
    soft_um2 = (p.utilisation_frac - p.hard_utilisation_frac) * grid.width_um * grid.height_um
    netlist = asm.build(soft_areas_um2(draws, asm.soft, soft_um2))
    return _problem(p, netlist, grid, asm)


def _modules(draws: Draws, p: Synthetic) -> dict[str, list[str]]:
    """Return module -> its soft macros, modules differing in size by up to a factor of four."""
    shares = {f"u{i}": 2.0 ** draws.between(-1.0, 1.0) for i in range(p.modules)}
    counts = apportion(p.soft_macros, shares, least=2)
    return {name: [f"Grp_{name}_{j}" for j in range(n)] for name, n in counts.items()}


def _leaves(modules: dict[str, list[str]]) -> dict[str, list[str]]:
    """Cut each module into leaves of `LEAF` soft macros, but the last one, which has half to one and a half of that."""
    out: dict[str, list[str]] = {}
    for name, members in modules.items():
        count = max(round(len(members) / LEAF), 1)
        for i in range(count):
            end = (i + 1) * LEAF if i + 1 < count else len(members)
            out[f"{name}.{i}"] = members[i * LEAF : end]
    return out


def _near(leaves: list[str]) -> dict[str, list[str]]:
    """Return for each leaf those it exchanges signals with, in a binary hierarchy over their order."""
    out: dict[str, list[str]] = {}
    for i, name in enumerate(leaves):
        near: list[str] = []
        for j in range(len(leaves)):
            # The levels up to the smallest subtree that holds both.
            level = (i ^ j).bit_length()
            if 0 < level <= len(NEAR_COPIES):
                near += [leaves[j]] * NEAR_COPIES[level - 1]
        out[name] = near + leaves[max(i - 1, 0) : i] + leaves[i + 1 : i + 2] or [name]
    return out


def _add_macros(
    draws: Draws,
    p: Synthetic,
    asm: Assembly,
    groups: list[MacroGroup],
    modules: dict[str, list[str]],
) -> None:
    owners = list(modules)
    for g, group in enumerate(groups):
        owner = draws.choice(owners)
        names = [f"{owner}_{group.kind}{g}_{i}" for i in range(group.count)]
        for name in names:
            asm.hard[name] = HardMacro(group.shape, group.pin_side)
        scale = {"sram": 1.0, "block": BLOCK_NETS, "small": SMALL_NETS}[group.kind]
        nets = max(round(p.data_nets * scale), 1)
        # In the public netlists a net of an SRAM is one bit of weight 1, and those nets have a tenth of all weight.
        # Fewer nets than bits are given part of the weight of those left out; here they have a quarter.
        bits = max(round(group.word_bits / nets / 2), 1)
        _connect(draws, asm, names, modules[owner], nets, bits)


def _connect(draws: Draws, asm: Assembly, names: list[str], members: list[str], nets: int, bits: int) -> None:
    """Connect a group to a run of neighbouring soft macros of its module, one of which is each macro's own reader."""
    first = draws.below(len(members))
    run = [members[(first + k) % len(members)] for k in range(min(len(members), 3 + len(names)))]
    for i, name in enumerate(names):
        own = run[i % len(run)]
        for k in range(nets):
            sinks = [own if draws.unit() < 0.5 else draws.choice(run)]
            sinks += draws.sample(run, draws.ranked(READERS) - 1)
            asm.bus(f"{name}/rdata_{k}", sinks, bits)
    driver = draws.choice(run)
    for k in range(nets):
        asm.bus(draws.choice(run), [f"{n}/wdata_{k}" for n in names], bits)
    for k in range(max(round(nets * ADDRESS_FRAC), 1)):
        asm.bus(driver, [f"{n}/addr_{k}" for n in names])


def _add_ports(draws: Draws, p: Synthetic, asm: Assembly, modules: dict[str, list[str]]) -> None:
    """Give each of a few modules an interface: a run of ports on one edge, in and out."""
    owners = draws.sample(list(modules), max(len(modules) // 3, min(len(modules), 4)))
    sides = [EDGES[i % 4] for i in range(len(owners))]
    for i in range(p.ports):
        o = i * len(owners) // p.ports
        soft = draws.choice(modules[owners[o]])
        if draws.unit() < 0.5:
            asm.port_in(f"{owners[o]}_in_{i}", sides[o], soft)
        else:
            asm.port_out(f"{owners[o]}_out_{i}", sides[o], soft)


def _problem(p: Synthetic, netlist: Netlist, grid: Grid, asm: Assembly) -> Problem:
    tech = technology("nangate45")
    # Where wirelength is w, nets of total weight q take w * q * (W + H) um of track out of W * H * (h + v).
    weight = float(netlist.net_weight.sum())
    length_um = FAIR_WIRELENGTH * weight * (grid.width_um + grid.height_um)
    supply_um = grid.width_um * grid.height_um * (tech.h_tracks_per_um + tech.v_tracks_per_um)
    scale = length_um / (supply_um * p.routing_demand_frac)
    canvas = Canvas(
        width_um=grid.width_um,
        height_um=grid.height_um,
        columns=grid.columns,
        rows=grid.rows,
        h_tracks_per_um=round(tech.h_tracks_per_um * scale, 6),
        v_tracks_per_um=round(tech.v_tracks_per_um * scale, 6),
        h_macro_tracks_per_um=round(tech.h_macro_tracks_per_um * scale, 6),
        v_macro_tracks_per_um=round(tech.v_macro_tracks_per_um * scale, 6),
    )
    return with_ports_placed(netlist, canvas, list(asm.ports.values()))
