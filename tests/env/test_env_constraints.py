"""Masks under constraints against a slow twin, in both games, and whole episodes that end legal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.env import ConstructBatch, ConstructConfig, RefineBatch, RefineConfig
from floorplan.env.arrays import MIN_GAP_UM
from floorplan.env.game import BatchedGame
from floorplan.errors import InfeasibleProblemError
from floorplan.legalize import legalize
from floorplan.netlist import Blockage, Placement, Problem, Region, Snap, check_legality
from tests.constraint_cases import KINDS, brute_force_legal, constrained, plain, spread

PLAIN = ConstructConfig(soft_placer="none")


def assert_mask_is_right(batch: BatchedGame, at: Placement) -> None:
    """Check the mask of environment 0, whose macro in hand is not placed in `at`, cell by cell."""
    p = batch.problem
    # The games keep a millimetre's thousandth between macros even without a spacing.
    strict = p.replace(macro_spacing_um=max(p.macro_spacing_um, MIN_GAP_UM))
    node, name = batch.current_node(0), p.netlist.node_name[batch.current_node(0)]
    cells = np.arange(batch.num_actions)
    xs, ys = batch.spots(0, cells)
    cv = p.canvas
    clear, legal = [], []
    for cell, x, y in zip(cells.tolist(), xs.tolist(), ys.tolist(), strict=True):
        px, py, placed = at.x_um.copy(), at.y_um.copy(), at.placed.copy()
        px[node], py[node], placed[node] = x, y, True
        report = check_legality(strict, at.replace(px, py, placed=placed))
        row, column = divmod(cell, cv.columns)
        pitch = p.snap.pitch_um if p.snap else (0.0, 0.0)
        near = abs(x - (column + 0.5) * cv.cell_w_um) <= max(cv.cell_w_um, pitch[0]) / 2 + 1e-6
        near &= abs(y - (row + 0.5) * cv.cell_h_um) <= max(cv.cell_h_um, pitch[1]) / 2 + 1e-6
        fine = near and not [v for v in report.violations if name in v.nodes and v.kind != "unplaced"]
        legal.append(fine)
        clear.append(fine and not [v for v in report.warnings if name in v.nodes])
    # Soft blockages are avoided where there is a choice.
    wanted = np.array(clear if any(clear) else legal)
    assert np.array_equal(batch.masks[0], wanted)


@settings(max_examples=12, deadline=None)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 10**6))
def test_masks_of_the_construct_game(kind: str, seed: int) -> None:
    p = constrained(kind, seed)
    batch = ConstructBatch(p, 1, PLAIN, auto_reset=False)
    rng = np.random.default_rng(seed)
    for step in range(batch.dims.macros):
        if step % 2 == seed % 2:
            assert_mask_is_right(batch, batch.placement(0))
        if batch.over[0] or not batch.masks[0].any():
            return
        action = int(rng.choice(np.flatnonzero(batch.masks[0])))
        x, y = batch.spots(0, [action])
        node = batch.current_node(0)
        batch.step([action])
        now = batch.placement(0)
        assert (now.x_um[node], now.y_um[node]) == (x[0], y[0])
    (done,) = batch.finished
    assert check_legality(p, done.placement).legal
    assert brute_force_legal(p, done.placement)
    assert done.cost.proxy == pytest.approx(batch.engine.full(done.placement).proxy)


@settings(max_examples=8, deadline=None)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 10**6))
def test_masks_and_moves_of_the_refine_game(kind: str, seed: int) -> None:
    p = constrained(kind, seed)
    try:
        start = legalize(p, spread(p, seed), tries=0)
    except InfeasibleProblemError:
        return
    batch = RefineBatch(p, 1, RefineConfig(lifts=4, keep_worse=True), seed, auto_reset=False)
    batch.begin(start)
    rng = np.random.default_rng(seed)
    for _ in range(4):
        assert_mask_is_right(batch, batch.placement(0))
        legal = np.flatnonzero(batch.masks[0])
        action = int(rng.choice(legal)) if len(legal) else 0
        foretold = batch.changes([[action]])[0, 0]
        batch.step([action])
        if len(legal):
            assert foretold == pytest.approx(batch.proposed[0], abs=1e-9)
        assert brute_force_legal(p, batch.placements[0])
    state = batch.get_state()
    other = RefineBatch(p, 1, RefineConfig(lifts=4, keep_worse=True), seed, auto_reset=False)
    other.begin(start)
    other.set_state(state)
    assert np.array_equal(other.placements[0].x_um, batch.placements[0].x_um)


def test_macros_fill_a_row_that_no_cell_is_centred_in() -> None:
    """A strip as high as its macros: cells about it are legal, the centre goes to the one height there is."""
    p = plain(2, hard=3, soft=0)
    hard = p.netlist.hard
    height = float(p.netlist.node_h_um[hard].max())
    region = np.full(p.netlist.num_nodes, -1, np.int32)
    region[hard] = 0
    p = p.replace(regions=(Region("row", np.array([[0.0, 31.0, 100.0, 31.0 + height]])),), region=region)
    batch = ConstructBatch(p, 1, PLAIN, auto_reset=False)
    for _ in range(3):
        assert batch.masks[0].any()
        batch.step([int(batch.masks[0].argmax())])
    assert brute_force_legal(p, batch.finished[0].placement)


def test_an_unbound_problem_keeps_to_cell_centres() -> None:
    p = plain(0)
    batch = ConstructBatch(p, 1, PLAIN)
    x, y = batch.spots(0, np.arange(80))
    assert x.tolist() == [(c + 0.5) * p.canvas.cell_w_um for _ in range(8) for c in range(10)]
    assert y.tolist() == [(r + 0.5) * p.canvas.cell_h_um for r in range(8) for _ in range(10)]


def test_what_fits_nowhere_is_an_error_before_the_game() -> None:
    p = plain(0)
    region = np.full(p.netlist.num_nodes, -1, np.int32)
    region[p.netlist.hard[0]] = 0
    for bad in (
        p.replace(regions=(Region("nook", np.array([[0.0, 0.0, 7.0, 7.0]])),), region=region),
        p.replace(snap=Snap(300.0, 300.0, 95.0, 95.0)),
    ):
        with pytest.raises(InfeasibleProblemError, match="fits"):
            ConstructBatch(bad, 1, PLAIN)


def test_a_soft_blockage_over_all_forbids_nothing() -> None:
    p: Problem = plain(0)
    free = ConstructBatch(p.replace(blockages=(Blockage(0.0, 0.0, 5.0, 5.0, hard=False),)), 1, PLAIN).masks[0]
    over_all = ConstructBatch(p.replace(blockages=(Blockage(0.0, 0.0, 100.0, 90.0, hard=False),)), 1, PLAIN).masks[0]
    assert over_all.sum() >= free.sum() > 0
