"""The estimator's chain once more, in plain Python from the documented equations, for one phase mix."""

from __future__ import annotations

import math

from floorplan.estimate import Estimator
from floorplan.estimate.energy import sram_j_per_bit
from floorplan.estimate.technology import system_constants
from floorplan.estimate.wires import delay_per_m, energy_per_bit_m
from floorplan.netlist import Placement


def reference(e: Estimator, placement: Placement, detour: float = 0.0) -> dict[str, float]:
    """Return J by part, s per token, WNS and mean temperature of a chip whose nodes all stand in orientation N."""
    chip, load, nl, kit = e.chip, e.load, e.chip.problem.netlist, e.node
    s = {k: v.value for k, v in system_constants().items()}
    fo4 = kit.constants["fo4"].value * 1e-12
    period, ff = 1 / chip.clock_hz, s["flop_overhead"] * fo4
    bits_of = {int(n): int(b) for n, b in zip(chip.block_node, chip.block_bits, strict=True)}
    fast_of = {int(n): float(b) for n, b in zip(chip.block_node, chip.block_bytes_per_s, strict=True)}
    e_bit, tau = energy_per_bit_m(kit).value, delay_per_m(kit).value
    nets = []
    wns = period - ff
    for k in range(nl.num_nets):
        pins = nl.net_pin[nl.net_ptr[k] : nl.net_ptr[k + 1]].tolist()
        xs = [placement.x_um[nl.pin_node[p]] + nl.pin_dx_um[p] for p in pins]
        ys = [placement.y_um[nl.pin_node[p]] + nl.pin_dy_um[p] for p in pins]
        owners = [int(nl.pin_node[p]) for p in pins]
        q = {4: 1.0828}.get(len(set(owners)), 1.0)
        length = 1e-6 * q * (max(xs) - min(xs) + max(ys) - min(ys)) * (s["base_detour"] + detour)
        from_sram = bits_of.get(owners[0], 0) > 0
        path = (s["sram_access"] * fo4 if from_sram else 0.0) + length * tau
        stages = 0
        if chip.net_pipelined[k]:
            stages = max(0, math.ceil(path / (period - ff)) - 1)
        wns = min(wns, (period - ff) - path / (stages + 1))
        stores = [float(sram_j_per_bit(kit, bits_of[o])) for o in owners[1:] if bits_of.get(o, 0) > 0]
        sram = float(sram_j_per_bit(kit, bits_of[owners[0]])) if from_sram else 0.0
        sram += sum(stores) / len(stores) if stores else 0.0
        lanes = max([float(chip.net_width_bits[k])] + [8 * fast_of.get(o, 0.0) / chip.clock_hz for o in owners])
        nets.append((length, stages, sram, lanes, int(chip.net_class[k])))
    period -= min(0.0, wns)
    out = dict.fromkeys(("wire", "sram", "mac", "memory", "link", "seconds"), 0.0)
    macs = float(chip.block_macs.sum())
    for demand, share in ((load.decode, 1.0), (load.prefill, load.prefill_per_output)):
        if demand is None:
            continue
        bits = demand.bits.tolist()
        compute = demand.flops / (2 * macs) * period / s["mfu"]
        memory = demand.memory_bytes / chip.memory_bytes_per_s / s["mbu"]
        bus = 0.0
        most: dict[int, float] = {}
        for b, (length, stages, sram, lanes, klass) in zip(bits, nets, strict=True):
            out["wire"] += share * load.chips * b * e_bit * length
            out["sram"] += share * load.chips * b * sram
            bus = max(bus, b / lanes * max(1.0, (s["base_cycles"] + 2 * stages) / s["credit_cycles"]) * period)
            if b > 0:
                most[klass] = max(most.get(klass, 0), stages)
        link = demand.link_bytes / chip.link_bytes_per_s
        step = demand.tokens * (max(compute, memory, bus) + link)
        step += demand.passes * sum(most.values()) * period
        step += s["overhead"] * 1e-3 + demand.hops * s["link_latency"] * 1e-6
        out["seconds"] += share * step / demand.tokens
        out["mac"] += share * load.chips * demand.flops / 2 * kit.constants["mac_bf16"].value * 1e-12
        out["memory"] += share * load.chips * demand.memory_bytes * 8 * s["hbm"] * 1e-12
        out["link"] += share * load.chips * demand.link_bytes * 8 * s["link"] * 1e-12
    area = chip.problem.canvas.width_um * chip.problem.canvas.height_um
    sinks = macs * s["flops_per_mac"] + float(chip.block_bits.sum()) / 1024 * s["flops_per_kbit"]
    tree = s["clock_tree"] * math.sqrt(area * 1e-12 * max(1.0, sinks / s["cluster_sinks"]))
    farad = kit.layer().c_f_per_m * tree + sinks * kit.constants["clock_sink"].value * 1e-15
    clock_w = s["clock_gating"] * farad * kit.constants["vdd"].value ** 2 / period
    die = out["wire"] + out["sram"] + out["mac"] + out["link"] + out["memory"] * s["hbm_io"] / s["hbm"]
    power = die / (load.chips * out["seconds"]) + clock_w
    r = s["r_convec"] + s["t_tim"] * 1e-6 / (s["k_tim"] * area * 1e-12)
    leak0 = kit.constants["leakage"].value * float((nl.node_w_um * nl.node_h_um).sum()) * 1e-6
    t = s["ambient"]
    for _ in range(2000):
        t = s["ambient"] + r * (power + leak0 * 2 ** ((t - s["leakage_reference"]) / s["leakage_doubling"]))
    leak = leak0 * 2 ** ((t - s["leakage_reference"]) / s["leakage_doubling"])
    out |= {"clock": load.chips * clock_w * out["seconds"], "leakage": load.chips * leak * out["seconds"]}
    return out | {"wns": wns, "temperature": t}
