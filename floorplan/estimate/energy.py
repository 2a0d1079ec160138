"""Energy of what is not a wire: SRAM accesses, multiply-accumulates, external memory and links."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from floorplan.estimate.errors import EstimateError
from floorplan.estimate.technology import Node, system_constants

if TYPE_CHECKING:
    from floorplan.estimate.quantity import Constant
    from floorplan.netlist import Netlist

__all__ = ["mac_energy", "memory_energy", "sram_j_per_bit", "sram_j_per_terminal_bit"]

F64 = npt.NDArray[np.float64]


def sram_j_per_bit(node: Node, macro_bits: npt.ArrayLike) -> F64:
    """Return the energy to read or write one bit of an SRAM macro of so many bits: base + slope x sqrt(bits)."""
    base, slope = node.constants["sram_base"].value, node.constants["sram_slope"].value
    return np.asarray((base + slope * np.sqrt(np.asarray(macro_bits, np.float64))) * 1e-15, np.float64)


def sram_j_per_terminal_bit(
    node: Node, netlist: Netlist, block_node: npt.NDArray[np.int32], block_bits: npt.NDArray[np.int64]
) -> F64:
    """Return (T,) SRAM energy that one bit on a net costs at each of its terminals.

    A bus that an SRAM macro drives is a read of it; one that ends in k of them is written to one of the k.
    """
    per_bit = np.zeros(netlist.num_nodes)
    stores = block_bits > 0
    per_bit[block_node[stores]] = sram_j_per_bit(node, block_bits[stores])
    out = per_bit[netlist.pin_node[netlist.net_pin]]
    source = np.zeros(len(out), np.bool_)
    source[netlist.net_ptr[:-1]] = True
    net = np.repeat(np.arange(netlist.num_nets), np.diff(netlist.net_ptr))
    written = np.bincount(net[~source & (out > 0)], minlength=netlist.num_nets)
    return np.asarray(np.where(source, out, out / np.maximum(written, 1)[net]), np.float64)


def mac_energy(node: Node, precision: str) -> Constant:
    """Return the energy of a multiply-accumulate at an arithmetic precision, pJ.

    Raises:
        EstimateError: the node has no figure for it.
    """
    key = {"fp16": "bf16", "int4": "fp4", "mxfp4": "fp4", "nvfp4": "fp4"}.get(precision, precision)
    found = node.constants.get(f"mac_{key}")
    if found is None:
        raise EstimateError(f"{node.name} has no energy of a {precision} multiply-accumulate")
    return found


def memory_energy(kind: str) -> Constant:
    """Return the energy of a bit from external memory, pJ/bit: `hbm` or `gddr`.

    Raises:
        EstimateError: no such memory is known.
    """
    if kind not in ("hbm", "gddr"):
        raise EstimateError(f"energy of external memory is known for hbm and gddr, not for {kind!r}")
    return system_constants()[kind]
