from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from chip_cases import SMALL

from floorplan.accelerator.chip import OPERAND_PRECISIONS, TRAFFIC, Chip, Dataflow
from floorplan.accelerator.command import NETLIST_FILE, run
from floorplan.accelerator.die import Die
from floorplan.accelerator.phys import PHYS, controller_shape, phy
from floorplan.accelerator.systolic_chip import SystolicChip
from floorplan.accelerator.technology import technology
from floorplan.accelerator.templates import CHIPS, TEMPLATES, chip, parameters_of
from floorplan.env import ConstructBatch
from floorplan.errors import NetlistError, ProblemError, UnknownNameError
from floorplan.formats import read_problem
from floorplan.legalize import legalize
from floorplan.netlist import Placement, Side, check_legality

MACROS = {
    "systolic_chip": (60, 150),
    "gpu_tile": (150, 400),
    "sram_first": (100, 250),
    "prefill_chip": (100, 250),
    "decode_chip": (100, 300),
    "chiplet": (100, 250),
}
"""Hard macros that a chip of each template should have."""


@pytest.fixture(scope="module", params=CHIPS)
def default(request: pytest.FixtureRequest) -> Chip:
    return chip(request.param)


@pytest.fixture(scope="module", params=SMALL)
def small(request: pytest.FixtureRequest) -> Chip:
    return chip(request.param, **SMALL[request.param])


@pytest.fixture(scope="module", params=[*CHIPS, *(f"small {name}" for name in SMALL)])
def either(request: pytest.FixtureRequest) -> Chip:
    size, _, name = request.param.rpartition(" ")
    return chip(name, **(SMALL[name] if size else {}))


def test_every_chip_template_is_one_that_generate_knows() -> None:
    assert set(CHIPS) == set(MACROS) == set(SMALL) <= set(TEMPLATES)


def test_the_peak_is_what_the_parameters_say_and_the_sum_over_mac_macros(either: Chip) -> None:
    c = either
    macs = sum(n for n, kind in zip(c.block_macs.tolist(), c.block_kind, strict=True) if kind == "mac")
    assert macs == c.block_macs.sum() > 0
    assert c.parameters.peak_flops == 2 * macs * c.clock_hz
    names = OPERAND_PRECISIONS[c.parameters.operand_bits]
    assert {p: f.value for p, f in c.hardware.peak_flops.items()} == dict.fromkeys(names, c.parameters.peak_flops)
    assert all(f.dense for f in c.hardware.peak_flops.values())


def test_sram_bytes_are_what_the_parameters_say_and_the_sum_over_sram_macros(either: Chip) -> None:
    c = either
    bits = sum(n for n, kind in zip(c.block_bits.tolist(), c.block_kind, strict=True) if kind == "sram")
    assert bits == c.block_bits.sum() > 0
    assert c.hardware.sram_bytes is not None
    assert c.parameters.sram_bytes == bits / 8 == c.hardware.sram_bytes.value


def test_memory_bandwidth_is_what_the_parameters_say_and_the_sum_over_phys(either: Chip) -> None:
    c = either
    phys = [b for b, kind in zip(c.block_bytes_per_s.tolist(), c.block_kind, strict=True) if kind == "memory_phy"]
    assert c.parameters.memory_bytes_per_s == pytest.approx(sum(phys), rel=1e-15)
    assert c.dataflow.has_memory == bool(phys) == (c.memory != "sram")
    assert c.hardware.memory == c.memory
    if phys:
        assert c.hardware.bandwidth() == sum(phys)
        stack = phy(c.parameters.memory_phy)
        assert c.hardware.memory_bytes is not None
        assert c.hardware.memory_bytes.value == len(phys) * stack.memory_bytes
    else:
        assert c.hardware.bandwidth() == c.sram_bytes_per_s
        assert c.hardware.memory_bytes == c.hardware.sram_bytes


def test_the_ridge_points_order_the_templates_by_their_purpose() -> None:
    ridge = {name: (h := chip(name).hardware).ridge(next(iter(h.peak_flops))) for name in CHIPS}
    assert ridge["sram_first"] < ridge["decode_chip"] < ridge["systolic_chip"] < ridge["prefill_chip"]
    assert ridge["gpu_tile"] == pytest.approx(153, rel=0.01)  # that of an A100


def test_the_number_of_macros_is_in_range(default: Chip) -> None:
    low, high = MACROS[default.name]
    assert low <= len(default.problem.netlist.hard) <= high


def test_blocks_are_the_hard_macros_in_file_order(default: Chip) -> None:
    assert default.block_node.tolist() == default.problem.netlist.hard.tolist()
    assert ((default.block_kind == "mac") == (default.block_macs > 0)).all()
    assert ((default.block_kind == "sram") == (default.block_bits > 0)).all()


def test_srams_are_larger_than_their_cells_and_not_by_much(default: Chip) -> None:
    nl, tech = default.problem.netlist, technology(default.technology)
    srams = default.block_node[default.block_bits > 0]
    area = nl.node_w_um[srams] * nl.node_h_um[srams]
    cells = default.block_bits[default.block_bits > 0] * tech.bitcell_um2 / tech.array_efficiency_frac
    assert (area > cells).all()
    assert (area < 2.0 * cells).all()


def test_a_bus_is_one_net_whose_weight_is_its_width(default: Chip) -> None:
    nl = default.problem.netlist
    assert (default.net_width_bits == nl.net_weight).all()
    ends = [tuple(nl.pin_node[nl.net_pin[a:b]].tolist()) for a, b in zip(nl.net_ptr[:-1], nl.net_ptr[1:], strict=True)]
    carrying = [e for e, c in zip(ends, default.net_class.tolist(), strict=True) if c]
    soft = set(nl.soft.tolist())
    assert not any(soft.intersection(e) for e in carrying)
    assert all(soft.intersection(e) for e, c in zip(ends, default.net_class.tolist(), strict=True) if not c)


def test_class_and_share_of_a_net_are_the_greatest_of_its_mix(default: Chip) -> None:
    for row, klass, share in zip(default.net_mix, default.net_class, default.net_share, strict=True):
        assert share == row.max() == row[klass]


def test_arrays_are_read_only(small: Chip) -> None:
    for f in fields(small):
        value = getattr(small, f.name)
        if isinstance(value, np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                value[0] = value[0]


def test_phys_are_fixed_on_the_edges_and_nothing_else_is_placed(either: Chip) -> None:
    c = either
    p, nl, cv = c.problem, c.problem.netlist, c.problem.canvas
    is_phy = np.char.endswith(c.block_kind, "_phy")
    assert is_phy.any()
    assert p.fixed[c.block_node].tolist() == is_phy.tolist()
    assert p.initial.placed.tolist() == p.fixed.tolist()
    for node in c.block_node[is_phy].tolist():
        x, y, w, h = p.initial.x_um[node], p.initial.y_um[node], nl.node_w_um[node], nl.node_h_um[node]
        gaps = (x - w / 2, cv.width_um - x - w / 2, y - h / 2, cv.height_um - y - h / 2)
        assert min(gaps) == pytest.approx(0.0, abs=1e-6)
    assert {v.kind for v in check_legality(p, p.initial).violations} == {"unplaced"}


def test_sides_of_a_chiplets_phys() -> None:
    p = chip("chiplet", **SMALL["chiplet"]).problem
    at, width = p.netlist.node_id, p.canvas.width_um
    assert p.initial.x_um[at["mem_0"]] < width / 4
    assert all(p.initial.x_um[at[f"twin_{k}"]] > width * 3 / 4 for k in range(3))
    assert p.initial.y_um[at["io_0"]] > width * 3 / 4 > width / 4 > p.initial.y_um[at["io_1"]]


def test_macros_fit_and_utilisation_is_no_more_than_asked(either: Chip) -> None:
    c = either
    nl, cv = c.problem.netlist, c.problem.canvas
    area, canvas = nl.node_w_um * nl.node_h_um, cv.width_um * cv.height_um
    hard = area[nl.hard].sum() / canvas
    assert hard <= c.parameters.hard_utilisation_frac + 1e-6
    assert area[nl.soft].sum() / canvas == pytest.approx(
        c.parameters.utilisation_frac - c.parameters.hard_utilisation_frac, abs=1e-3
    )
    assert max(nl.node_w_um.max(), nl.node_h_um.max()) < cv.width_um


def test_uniformly_random_episodes_make_legal_placements(small: Chip) -> None:
    batch = ConstructBatch(small.problem, 2)
    batch.reset(0)
    rng = np.random.default_rng(5)
    finished = 0
    for _ in range(len(small.problem.movable_hard)):
        result = batch.step(np.array([rng.choice(np.flatnonzero(m)) for m in batch.masks]))
        assert not result.dead_end.any()
        for episode in batch.finished:
            assert check_legality(small.problem, episode.placement).legal
            finished += 1
    assert finished == 2


def test_a_crowd_is_made_legal(small: Chip) -> None:
    p, cv = small.problem, small.problem.canvas
    rng = np.random.default_rng(3)
    x, y = rng.uniform(0.3, 0.7, (2, len(p.fixed))) * cv.width_um
    x, y = np.where(p.fixed, p.initial.x_um, x), np.where(p.fixed, p.initial.y_um, y)
    crowd = Placement(x, y, p.initial.orient, np.ones(len(x), np.bool_))
    assert check_legality(p, legalize(p, crowd, tries=50)).legal


def test_the_same_parameters_give_the_same_chip(small: Chip) -> None:
    again = chip(small.name, **SMALL[small.name])
    assert again.problem.netlist.content_hash == small.problem.netlist.content_hash
    assert (again.net_mix == small.net_mix).all()
    other = chip(small.name, **SMALL[small.name], seed=2)
    assert other.problem.netlist.content_hash != small.problem.netlist.content_hash


def test_generate_writes_the_same_bytes_and_fixed_phys_come_back(small: Chip, tmp_path: Path) -> None:
    settings = SMALL[small.name]
    for folder in ("a", "b"):
        run(small.name, settings, 1, tmp_path / folder / "chip")
    for file in (tmp_path / "a" / "chip").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / "chip" / file.name).read_bytes()
    back = read_problem(tmp_path / "a" / "chip" / NETLIST_FILE)
    assert back.netlist.content_hash == small.problem.netlist.content_hash
    assert (back.fixed == small.problem.fixed).all()
    assert not [v for v in check_legality(back, back.initial).violations if v.kind != "unplaced"]


@pytest.mark.parametrize("name", CHIPS)
def test_variants_are_chips_of_the_right_size(name: str) -> None:
    hashes = set()
    low, high = MACROS[name]
    for seed in range(4):
        made = CHIPS[name](TEMPLATES[name].parameters.variant(seed))
        hashes.add(made.problem.netlist.content_hash)
        assert low <= len(made.problem.netlist.hard) <= high
        assert {v.kind for v in check_legality(made.problem, made.problem.initial).violations} == {"unplaced"}
    assert len(hashes) == 4


@pytest.mark.parametrize("name", [n for n in CHIPS if "links" in vars(parameters_of(n))])
def test_a_chip_without_links_carries_no_collectives(name: str) -> None:
    made = chip(name, **{**SMALL[name], "links": 0})
    assert not made.net_mix[:, TRAFFIC.index("collective")].any()
    assert made.hardware.link_bytes_per_s is None


@pytest.mark.parametrize(
    ("name", "setting", "error"),
    [
        ("systolic_chip", {"common_banks": 33}, "memory_phys 4 must divide"),
        ("systolic_chip", {"matrix_units": 0}, "matrix_units"),
        ("systolic_chip", {"operand_bits": 4}, "operand_bits"),
        ("systolic_chip", {"hard_utilisation_frac": 0.9}, "utilisation"),
        ("systolic_chip", {"clock_mhz": 0.0}, "clock_mhz"),
        ("systolic_chip", {"seed": -1}, "seed"),
        ("gpu_tile", {"tiles": 63}, "routers 8 must divide"),
        ("prefill_chip", {"buffer_banks": 20}, "must divide"),
        ("decode_chip", {"engines": 12}, "must divide"),
        ("chiplet", {"remote_frac": 1.0}, "remote_frac"),
        ("sram_first", {"slice_bits": 3000}, "cannot be read"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(name: str, setting: dict[str, object], error: str) -> None:
    with pytest.raises(ProblemError, match=error):
        chip(name, **setting)


@pytest.mark.parametrize(
    "call",
    [
        lambda: chip("no_such"),
        lambda: chip("systolic_tile"),
        lambda: chip("systolic_chip", memory_phy="hbm9"),
        lambda: chip("systolic_chip", technology="n1"),
        lambda: phy("x"),
    ],
)
def test_unknown_names_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(UnknownNameError):
        call()


def test_a_die_refuses_two_macros_of_a_name_and_unknown_traffic() -> None:
    die = Die("x", SystolicChip())
    die.sram("a", 64, 64, 1.0, {"out": Side.LEFT})
    with pytest.raises(NetlistError, match="twice"):
        die.sram("a", 64, 64, 1.0, {"out": Side.LEFT})
    for key in ("none", "no_such"):
        with pytest.raises(ProblemError, match="unknown traffic"):
            die.bus("a/out", "a/in", 8, {key: 1.0})


@pytest.mark.parametrize("field", ["reuse_columns", "reuse_rows", "reuse_tokens", "operand_bytes", "query_block"])
def test_a_dataflow_refuses_what_is_not_positive(field: str) -> None:
    right: dict[str, float] = {"reuse_columns": 1, "reuse_rows": 1, "reuse_tokens": 1, "operand_bytes": 1.0}
    with pytest.raises(ProblemError, match=field):
        Dataflow(**{**right, field: 0})  # type: ignore[arg-type]  # integers all


@pytest.mark.parametrize("name", PHYS)
def test_phys_have_their_area_on_every_edge(name: str) -> None:
    kind = phy(name)
    assert kind.source
    for side in (Side.LEFT, Side.TOP, Side.RIGHT, Side.BOTTOM):
        shape = kind.shape(side)
        assert shape.area_um2 == pytest.approx(kind.area_mm2 * 1e6, rel=1e-6)
        along = shape.h_um if side in (Side.LEFT, Side.RIGHT) else shape.w_um
        assert along == pytest.approx(kind.edge_mm * 1e3)


def test_controllers_shrink_with_the_node_and_phys_do_not() -> None:
    old, new = technology("n16"), technology("n7")
    ratio = controller_shape(old, 1e8, 1e4, Side.TOP).area_um2 / controller_shape(new, 1e8, 1e4, Side.TOP).area_um2
    assert ratio == pytest.approx(old.bitcell_um2 / new.bitcell_um2, rel=1e-5)
    # 552.7 million transistors of an HBM2e controller at 91.2 million a mm2.
    assert controller_shape(new, 552.7e6, 6e3, Side.LEFT).area_um2 == pytest.approx(6.06e6, rel=1e-3)


@pytest.mark.parametrize(
    ("node", "megabytes", "die_mm2"),
    [("n16", 230, 725), ("n7", 900, 823)],  # Groq's first LPU; Graphcore's GC200 (areas recalled, not verified)
)
def test_srams_of_known_chips_would_fit_on_their_dies(node: str, megabytes: int, die_mm2: float) -> None:
    c = chip("sram_first", technology=node)
    nl = c.problem.netlist
    srams = c.block_node[c.block_bits > 0]
    mm2_per_byte = (nl.node_w_um[srams] * nl.node_h_um[srams]).sum() / 1e6 / c.sram_bytes
    assert 0.2 < megabytes * 1e6 * mm2_per_byte / die_mm2 < 0.6
