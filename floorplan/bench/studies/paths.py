"""Where wire energy comes from: traffic x mean path x energy per bit and mm, for every kind of bus of a template."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from floorplan.accelerator.chip import TRAFFIC, Chip
from floorplan.bench.studies.setting import Bench, Row, Setting, Tell, place

__all__ = ["inner_nets", "rows"]

_LEAST_SHARE = 0.005
"""Of the joules: kinds of buses below this are summed up as `other`."""


def rows(setting: Setting, tell: Tell) -> Iterator[Row]:
    """Yield, for decode: a row for each template, mapping, placement and kind of bus, and one for their sum."""
    for name in setting.templates:
        mappings: list[tuple[str, Row]] = [("", {})]
        first = Bench.of(name, setting, mix="decode")
        if first.load.stages > 1:
            mappings.append(("tensor parallel only", {"stages": 1}))
        for agent, budget in (("random", "1e"), ("anneal", f"{setting.proposals}p")):
            placement, _ = place(first.problem, agent, budget, 1)
            for mapping, choices in mappings:
                bench = first if not choices else Bench.of(name, setting, mix="decode", **choices)
                length = bench.lengths_m(placement)
                yield from _of(bench, length, {"template": name, "variant": mapping, "agent": agent})
            inner = inner_nets(first.chip)
            if inner.any():
                length = np.where(inner, 0.0, first.lengths_m(placement))
                yield from _of(first, length, {"template": name, "variant": "tiles in one piece", "agent": agent})
        tell(name)


def inner_nets(made: Chip) -> npt.NDArray[np.bool_]:
    """Return which nets stay inside one tile of a GPU-like chip: core, register file and L1 of the same number."""
    nl = made.problem.netlist
    tile = [
        n.split("_")[1] if n.startswith(("core_", "rf_", "smem_")) else f"{n} {i}" for i, n in enumerate(nl.node_name)
    ]
    number = np.unique(np.array(tile), return_inverse=True)[1]
    at = number[nl.pin_node[nl.net_pin]]
    start = nl.net_ptr[:-1]
    same = np.minimum.reduceat(at, start) == np.maximum.reduceat(at, start)
    return np.asarray(same & (np.diff(nl.net_ptr) > 1), np.bool_)


def _of(bench: Bench, length_m: npt.NDArray[np.float64], head: Row) -> Iterator[Row]:
    made, load, totals = bench.chip, bench.load, bench.estimator.totals(length_m)
    nl = made.problem.netlist
    kind = np.full(nl.num_nodes, "control", dtype="U20")
    kind[made.block_node] = made.block_kind
    source, sink = nl.pin_node[nl.net_pin[nl.net_ptr[:-1]]], nl.pin_node[nl.net_pin[nl.net_ptr[:-1] + 1]]
    bits = load.decode.bits
    joules = bits * length_m * bench.estimator.nets.j_per_bit_m
    groups: dict[tuple[str, str, str], list[int]] = {}
    for e in np.flatnonzero(bits).tolist():
        key = (TRAFFIC[made.net_class[e]], str(kind[source[e]]), str(kind[sink[e]]))
        groups.setdefault(key, []).append(e)

    def row(what: str, nets: list[int]) -> Row:
        moved = float(bits[nets].sum())
        return {
            **head,
            "bus": what,
            "tb_per_s": moved / 8e12 / totals.seconds,
            "path_mm": 1e3 * float((bits[nets] * length_m[nets]).sum()) / moved,
            "wire_w": float(joules[nets].sum()) / totals.seconds,
            "wire_pct": 100.0 * load.chips * float(joules[nets].sum()) / totals.j_per_token,
        }

    small: list[int] = []
    for (klass, a, b), nets in sorted(groups.items()):
        if load.chips * joules[nets].sum() < _LEAST_SHARE * totals.j_per_token:
            small += nets
        else:
            yield {"kind": "bus", **row(f"{klass}: {a} to {b}", nets)}
    if small:
        yield {"kind": "bus", **row("other", small)}
    parts = ("wire", "sram", "mac", "memory", "link", "clock", "leakage")
    yield {
        "kind": "sum",
        **row("all", np.flatnonzero(bits).tolist()),
        "j_per_token": totals.j_per_token,
        "ns_per_token": totals.ns_per_token,
        "chips": load.chips,
        "stages": load.stages,
        "batch": load.batch,
        "clock_ghz": totals.clock_hz / 1e9,
        "die_w": totals.die_w,
        "die_mm": made.problem.canvas.width_um / 1e3,
        "fj_per_bit_mm": 1e12 * float(np.max(bench.estimator.nets.j_per_bit_m)),
        **{f"{p}_pct": 100.0 * getattr(totals, f"{p}_j") / totals.j_per_token for p in parts},
    }
