"""The clustered netlist: groups as soft macros, nets between them merged."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from floorplan.formats.pbtxt.reader import SOFT_PREFIX
from floorplan.netlist import Netlist, NetlistBuilder, Side

__all__ = ["build_clustered"]


def build_clustered(
    flat: Netlist, host: npt.NDArray[np.int64], w_um: npt.NDArray[np.float64], h_um: npt.NDArray[np.float64]
) -> Netlist:
    """Return ports, hard macros with their pins, and one soft macro a group, named `Grp_0`, `Grp_1`, ...

    A net joins the ports, macro pins and groups that its flat net reaches; one that stays in a group vanishes. Nets
    from the same group to the same sinks become one, of their summed weight, and get an output pin of their own; a
    group's sinks share its pin `Pinput`.

    Args:
        flat: netlist with standard cells.
        host: (N,) group of each cell, -1 for ports and hard macros.
        w_um: (G,) widths of the groups.
        h_um: (G,) heights.
    """
    # what a net can end at: the flat pins of ports and macros by their number, groups after them
    end = np.where(host[flat.pin_node] >= 0, flat.num_pins + host[flat.pin_node], np.arange(flat.num_pins))
    driven, outputs = _nets(flat, end[flat.net_pin].tolist(), len(w_um))
    sunk = {sink for sinks, _ in driven.values() for sink in sinks}
    sunk |= {sink for nets in outputs for sinks in nets for sink in sinks}

    builder = NetlistBuilder(flat.name)
    pins_of: list[list[int]] = [[] for _ in range(flat.num_nodes)]
    for pin, owner in enumerate(flat.pin_node.tolist()):
        pins_of[owner].append(pin)
    sources: list[tuple[str, tuple[int, ...], float]] = []

    def took(pin: int) -> None:
        if pin in driven:
            sources.append((flat.pin_name[pin], *driven[pin]))

    for node in flat.ports.tolist():
        builder.add_port(flat.node_name[node], Side(flat.node_side[node]))
        for pin in pins_of[node]:
            took(pin)
    for node in flat.hard.tolist():
        builder.add_macro(flat.node_name[node], float(flat.node_w_um[node]), float(flat.node_h_um[node]))
        for pin in pins_of[node]:
            dx, dy = float(flat.pin_dx_um[pin]), float(flat.pin_dy_um[pin])
            builder.add_pin(flat.pin_name[pin], flat.node_name[node], dx, dy)
            took(pin)
    names = dict(enumerate(flat.pin_name))
    for g, nets in enumerate(outputs):
        group = f"{SOFT_PREFIX}_{g}"
        builder.add_macro(group, float(w_um[g]), float(h_um[g]), soft=True)
        if flat.num_pins + g in sunk:
            names[flat.num_pins + g] = f"{group}/Pinput"
            builder.add_pin(f"{group}/Pinput", group)
        made = {"single": 0, "multi": 0}
        for sinks, weight in nets.items():
            kind = "single" if len(sinks) == 1 else "multi"
            name = f"{group}/Poutput_{kind}_{made[kind]}"
            made[kind] += 1
            builder.add_pin(name, group)
            sources.append((name, sinks, weight))
    for name, sinks, weight in sources:
        builder.add_net(name, [names[sink] for sink in sinks], weight)
    return builder.build()


def _nets(
    flat: Netlist, ends: list[int], num_groups: int
) -> tuple[dict[int, tuple[tuple[int, ...], float]], list[dict[tuple[int, ...], float]]]:
    """Return the net of each driving port or macro pin, and of each group its weight by sinks."""
    driven: dict[int, tuple[tuple[int, ...], float]] = {}
    outputs: list[dict[tuple[int, ...], float]] = [{} for _ in range(num_groups)]
    ptr, weights = flat.net_ptr.tolist(), flat.net_weight.tolist()
    for e, weight in enumerate(weights):
        source, *rest = ends[ptr[e] : ptr[e + 1]]
        sinks = {sink: None for sink in rest if sink != source}
        if not sinks:
            continue
        if source in driven:
            # a pin is the source of one net only, a group of any number: the net's first group takes it over
            other = next((sink for sink in sinks if sink >= flat.num_pins), None)
            if other is None:
                known, known_weight = driven[source]
                driven[source] = (tuple(sorted({*known, *sinks})), max(known_weight, weight))
                continue
            sinks = {source: None, **{sink: None for sink in sinks if sink != other}}
            source = other
        to = tuple(sorted(sinks))
        if source >= flat.num_pins:
            nets = outputs[source - flat.num_pins]
            nets[to] = nets.get(to, 0.0) + weight
        else:
            driven[source] = (to, weight)
    return driven, outputs
