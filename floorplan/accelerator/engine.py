"""A matrix engine as several chips have it: MAC array, vector unit, two SRAMs, and the buses between them."""

from __future__ import annotations

from floorplan.accelerator.die import ACCUMULATOR_BITS, Die, results_per_activation
from floorplan.accelerator.shapes import lane_shape, mac_shape
from floorplan.netlist import Side

__all__ = ["add_engine"]


def add_engine(
    die: Die,
    i: int,
    *,
    rows: int,
    columns: int,
    operand_bits: int,
    vector: str,
    vector_alus: int,
    activation_kbit: int,
    sum_kbit: int,
    share: float,
    weights: tuple[str, int, dict[str, float]],
) -> str:
    """Add engine `i` and return the name of its vector unit; its way to the network is the caller's.

    Args:
        die: that it is part of.
        i: number of the engine.
        rows: MAC cells of the array in y.
        columns: MAC cells in x.
        operand_bits: of weights and activations.
        vector: stem of the vector unit's name.
        vector_alus: 32-bit units in it.
        activation_kbit: size of the activation SRAM.
        sum_kbit: size of the partial-sum SRAM.
        share: of all activations and partial sums that this engine handles.
        weights: where the array's weights come from, width of that bus, and its traffic.
    """
    operands, sums = rows * operand_bits, columns * ACCUMULATOR_BITS
    mac = die.add(
        f"mac_{i}",
        "mac",
        mac_shape(die.tech, rows, columns, operand_bits, ACCUMULATOR_BITS),
        {"act": Side.LEFT, "wgt": Side.TOP, "sum": Side.BOTTOM},
        macs=rows * columns,
    )
    sides = {"sum": Side.TOP, "acc": Side.RIGHT, "out": Side.LEFT, "net": Side.LEFT}
    unit = die.add(f"{vector}_{i}", "vector", lane_shape(die.tech, vector_alus), sides)
    acts = die.sram(f"act_{i}", activation_kbit, operands, 0.5, {"out": Side.RIGHT, "in": Side.BOTTOM})
    store = die.sram(f"sum_{i}", sum_kbit, sums, 2.0, {"in": Side.LEFT, "out": Side.LEFT})
    source, width, traffic = weights
    die.bus(source, f"{mac}/wgt", width, traffic)
    die.bus(f"{acts}/out", f"{mac}/act", operands, {"activation": share}, pipelined=False)
    die.bus(f"{mac}/sum", f"{unit}/sum", sums, {"partial_sum": share}, pipelined=False)
    die.bus(f"{unit}/acc_out", f"{store}/in", sums, {"partial_sum": share})
    die.bus(f"{store}/out", f"{unit}/acc_in", sums, {"partial_sum": share})
    die.bus(f"{unit}/out", f"{acts}/in", operands, {"activation": share * results_per_activation(columns)})
    return unit
