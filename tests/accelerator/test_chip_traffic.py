from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from floorplan.accelerator.chip import TRAFFIC, Chip, Dataflow
from floorplan.accelerator.llm import LlmModel, model
from floorplan.accelerator.templates import CHIPS, chip
from floorplan.accelerator.traffic import PHASES, Phase, bits_per_token, class_bytes_per_token
from floorplan.errors import ProblemError, UnknownNameError

FLOW = Dataflow(reuse_columns=128, reuse_rows=64, reuse_tokens=256, operand_bytes=2.0)
MULTICAST = {"prefill_chip": {"weights"}, "decode_chip": {"activation"}}
"""Classes that routers copy, so that more leaves than enters."""


@pytest.fixture(scope="module")
def llama() -> LlmModel:
    return model("llama3-70b")


@pytest.fixture(scope="module", params=CHIPS)
def made(request: pytest.FixtureRequest) -> Chip:
    return chip(request.param)


def _ends(c: Chip) -> tuple[npt.NDArray[np.int64], list[list[int]]]:
    """Return driver and sinks of each net, as indices of blocks; -1 for what is none."""
    nl = c.problem.netlist
    block = np.full(nl.num_nodes, -1)
    block[c.block_node] = np.arange(len(c.block_node))
    at = block[nl.pin_node[nl.net_pin]]
    return at[nl.net_ptr[:-1]], [at[a + 1 : b].tolist() for a, b in zip(nl.net_ptr[:-1], nl.net_ptr[1:], strict=True)]


def _through(c: Chip, kinds: tuple[str, ...]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return (K, C) shares that enter and leave each block, and zero those of other kinds."""
    driver, sinks = _ends(c)
    enters, leaves = np.zeros((2, len(c.block_node), len(TRAFFIC)))
    for e, row in enumerate(c.net_mix):
        if row.any():
            leaves[driver[e]] += row
            for s in sinks[e]:
                enters[s] += row
    keep = np.isin(c.block_kind, kinds)[:, None]
    return enters * keep, leaves * keep


def test_every_bit_that_leaves_a_memory_phy_reaches_an_sram(made: Chip) -> None:
    at = TRAFFIC.index("offchip")
    _, out = _through(made, ("memory_phy",))
    got, _ = _through(made, ("sram",))
    expected = 1.0 if made.dataflow.has_memory else 0.0
    assert out[:, at].sum() == pytest.approx(expected)
    assert got[:, at].sum() == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["memory_controller", "link_controller"])
def test_controllers_send_on_what_they_receive(made: Chip, kind: str) -> None:
    enters, leaves = _through(made, (kind,))
    np.testing.assert_allclose(enters, leaves)


def test_routers_send_on_what_they_receive(made: Chip) -> None:
    enters, leaves = _through(made, ("router", "switch"))
    assert enters.any()
    copied = [TRAFFIC.index(k) for k in MULTICAST.get(made.name, set())]
    straight = [i for i in range(len(TRAFFIC)) if i not in copied]
    np.testing.assert_allclose(enters[:, straight], leaves[:, straight], atol=1e-12)
    assert (leaves[:, copied].sum(0) > enters[:, copied].sum(0)).all()


def test_mac_units_are_fed_all_that_they_are_said_to_be(made: Chip) -> None:
    enters, leaves = _through(made, ("mac",))
    macs = int((made.block_kind == "mac").sum())
    copies = {"weights": macs} if made.name == "prefill_chip" else {}
    for key in ("weights", "kv", "activation"):
        np.testing.assert_allclose(enters[:, TRAFFIC.index(key)].sum(), copies.get(key, 1.0))
    np.testing.assert_allclose(leaves[:, TRAFFIC.index("partial_sum")].sum(), 1.0)


def test_weights_and_kv_come_out_of_sram(made: Chip) -> None:
    _, leaves = _through(made, ("sram",))
    # A tile of a GPU has a memory of its own on the way.
    times = 2.0 if made.name == "gpu_tile" else 1.0
    for key in ("weights", "kv"):
        assert leaves[:, TRAFFIC.index(key)].sum() == pytest.approx(times)


def test_what_links_receive_is_what_they_send(made: Chip) -> None:
    enters, leaves = _through(made, ("link_phy", "d2d_phy"))
    assert leaves[:, TRAFFIC.index("collective")].sum() == pytest.approx(1.0)
    np.testing.assert_allclose(enters, leaves)


def test_memory_moves_the_weights_of_a_step_over_its_batch_and_the_kv_cache(llama: LlmModel) -> None:
    for batch in (1, 7, 64):
        moved = class_bytes_per_token(llama, "fp8", "decode", batch, 4096, dataflow=FLOW)
        weights = llama.weights_read_bytes(batch, "fp8") / batch
        assert moved["offchip"] == weights + llama.kv_bytes(4096, "fp8")
        assert moved["kv_offchip"] == llama.kv_bytes(4096, "fp8") == moved["kv"]
        assert moved["weights"] == weights


def test_memory_moves_in_prefill_what_the_roofline_counts(llama: LlmModel) -> None:
    moved = class_bytes_per_token(llama, "bf16", "prefill", 1, 2048, dataflow=FLOW)
    assert moved["offchip"] * 2048 == pytest.approx(llama.prefill_bytes(2048), rel=1e-12)


def test_bits_of_phys_are_the_bytes_that_memory_moves(llama: LlmModel) -> None:
    c = chip("gpu_tile")
    bits = bits_per_token(c, llama, "bf16", "decode", 8, 1000, 4)
    driver, _ = _ends(c)
    phys = np.isin(driver, np.flatnonzero(c.block_kind == "memory_phy"))
    expected = (llama.weights_read_bytes(8, "bf16") / 8 + llama.kv_bytes(1000, "bf16")) / 4
    assert bits[phys].sum() / 8 == pytest.approx(expected)


def test_activations_and_partial_sums_count_multiplications_over_reuse(llama: LlmModel) -> None:
    moved = class_bytes_per_token(llama, "bf16", "decode", 1, 100, dataflow=FLOW)
    assert moved["activation"] == llama.decode_flops(100) / 2 / 128 * 2
    assert moved["partial_sum"] == llama.decode_flops(100) / 2 / 64 * 4


def test_one_all_reduce_of_a_70b_on_eight_chips(llama: LlmModel) -> None:
    moved = class_bytes_per_token(llama, "bf16", "decode", 1, 100, 8, dataflow=FLOW)
    assert moved["collective"] == pytest.approx(4.59e6, rel=1e-3)  # accelerator.md 1.1: 4.59 MB a token and rank
    assert class_bytes_per_token(llama, "bf16", "decode", 1, 100, 1, dataflow=FLOW)["collective"] == 0.0


def test_a_weight_is_delivered_once_for_as_many_tokens_as_there_is_room_for(llama: LlmModel) -> None:
    once = class_bytes_per_token(llama, "bf16", "prefill", 1, 256, dataflow=FLOW)["weights"] * 256
    twice = class_bytes_per_token(llama, "bf16", "prefill", 1, 257, dataflow=FLOW)["weights"] * 257
    assert once == pytest.approx(llama.weights_read_bytes(256, "bf16"))
    assert twice == pytest.approx(2 * llama.weights_read_bytes(257, "bf16"))


@pytest.mark.parametrize("name", ["llama3-8b", "gpt-oss-20b"])
@pytest.mark.parametrize("context", [1, 100, 300])
def test_prefill_reads_the_cache_that_each_block_of_queries_sees(name: str, context: int) -> None:
    m = model(name)
    moved = class_bytes_per_token(m, "bf16", "prefill", 1, context, dataflow=FLOW)
    read = sum(m.kv_bytes(i, "bf16") for i in range(1, context + 1)) / context / FLOW.query_block
    assert moved["kv"] == pytest.approx(read + m.kv_bytes(context, "bf16") / context, rel=1e-12)


def test_kv_cache_that_stays_on_the_chip_does_not_pass_the_phys(llama: LlmModel) -> None:
    half = dataclasses.replace(FLOW, kv_sram_bytes=2 * llama.kv_bytes(4000, "bf16"))
    assert class_bytes_per_token(llama, "bf16", "decode", 2, 4000, dataflow=half)["kv_offchip"] == 0.0
    spill = class_bytes_per_token(llama, "bf16", "decode", 4, 4000, dataflow=half)
    assert spill["kv_offchip"] == pytest.approx(llama.kv_bytes(4000, "bf16") / 2)
    assert spill["kv"] == llama.kv_bytes(4000, "bf16")


def test_a_chip_without_memory_moves_nothing_off_it(llama: LlmModel) -> None:
    c = chip("sram_first")
    for phase in PHASES:
        moved = class_bytes_per_token(llama, "fp8", phase, 1, 500, 700, dataflow=c.dataflow)
        assert moved["offchip"] == moved["kv_offchip"] == 0.0
        assert moved["weights"] > 0


def test_no_context_is_no_cache(llama: LlmModel) -> None:
    moved = class_bytes_per_token(llama, "bf16", "decode", 1, 0, dataflow=FLOW)
    assert moved["kv"] == moved["kv_offchip"] == 0.0
    assert moved["offchip"] == moved["weights"] > 0


def test_zero_activity_is_zero_bits(made: Chip, llama: LlmModel) -> None:
    idle = dataclasses.replace(made, net_mix=np.zeros_like(made.net_mix))
    assert not bits_per_token(idle, llama, "fp8", "decode", 64, 100_000, 8).any()
    control = made.net_class == 0
    assert control.any()
    # More cache than any SRAM holds, so that some passes the PHYs.
    bits = bits_per_token(made, llama, "fp8", "decode", 64, 100_000, 8)
    assert not bits[control].any()
    assert (bits[~control] > 0).all()


@pytest.mark.parametrize("phase", PHASES)
def test_bits_rise_with_context_and_width_of_numbers_and_fall_with_chips(
    made: Chip, llama: LlmModel, phase: Phase
) -> None:
    base = bits_per_token(made, llama, "fp8", phase, 4, 1024, 8)
    wide = bits_per_token(made, llama, "bf16", phase, 4, 1024, 8)
    assert (wide >= base).all()
    assert wide.sum() > base.sum()
    longer = class_bytes_per_token(llama, "fp8", phase, 4, 2048, 8, dataflow=made.dataflow)
    shorter = class_bytes_per_token(llama, "fp8", phase, 4, 1024, 8, dataflow=made.dataflow)
    for key in ("kv", "activation", "partial_sum"):
        assert longer[key] > shorter[key]
    if phase == "decode":
        assert (bits_per_token(made, llama, "fp8", phase, 4, 2048, 8) >= base).all()
    more = class_bytes_per_token(llama, "fp8", phase, 4, 1024, 16, dataflow=made.dataflow)
    for key in ("weights", "kv", "activation", "partial_sum"):
        assert more[key] == pytest.approx(shorter[key] / 2)


def test_bits_are_linear_in_bytes_of_each_class(made: Chip, llama: LlmModel) -> None:
    moved = class_bytes_per_token(llama, "fp8", "decode", 2, 64, 8, dataflow=made.dataflow)
    bits = bits_per_token(made, llama, "fp8", "decode", 2, 64, 8)
    total = sum(8 * moved[key] * made.net_mix[:, i].sum() for i, key in enumerate(TRAFFIC))
    assert bits.sum() == pytest.approx(total)


def test_the_cache_may_have_a_precision_of_its_own(llama: LlmModel) -> None:
    moved = class_bytes_per_token(llama, "bf16", "decode", 1, 64, dataflow=FLOW, kv_precision="fp8")
    assert moved["kv"] == llama.kv_bytes(64, "fp8")
    assert moved["weights"] == llama.weights_read_bytes(1, "bf16")


@pytest.mark.parametrize("name", ["llama3-8b", "deepseek-v3", "gpt-oss-120b", "qwen3-235b", "llama4-scout"])
def test_all_kinds_of_models_are_served(name: str) -> None:
    c = chip("systolic_chip")
    for phase in PHASES:
        bits = bits_per_token(c, model(name), "mxfp4", phase, 3, 777, 2)
        assert np.isfinite(bits).all()
        assert bits.max() > 0


@pytest.mark.parametrize(
    ("phase", "batch", "context", "chips"),
    [("decode", 0, 1, 1), ("decode", 1, -1, 1), ("decode", 1, 1, 0), ("prefill", 1, 0, 1), ("train", 1, 1, 1)],
)
def test_counts_that_make_no_sense_are_refused(
    llama: LlmModel, phase: Phase, batch: int, context: int, chips: int
) -> None:
    with pytest.raises(ProblemError):
        class_bytes_per_token(llama, "bf16", phase, batch, context, chips, dataflow=FLOW)


def test_an_unknown_precision_is_refused(llama: LlmModel) -> None:
    with pytest.raises(UnknownNameError):
        class_bytes_per_token(llama, "fp3", "decode", 1, 1, dataflow=FLOW)
