from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from expert_cases import files, greedy_cost, tile

from agents.base import Budget
from agents.pretrain.expertfiles import ExpertSet
from agents.pretrain.experts import collect_experts, refresh
from agents.pretrain.lattice import Lattice
from agents.pretrain.scripts import fit_scripts, script_of_trail, variant_cells
from agents.random_ import RandomAgent
from floorplan.cost import CostEngine
from floorplan.env import ConstructBatch, ConstructConfig
from floorplan.errors import ParseError, ProblemError
from floorplan.netlist import check_legality
from floorplan.netlist.variants import SYMMETRIES, mirror, relabel, with_grid


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> ExpertSet:
    root = tmp_path_factory.mktemp("experts")
    return collect_experts({"tile": tile()}, root, seconds=0.8, placements_per_netlist=2, seed=0)["tile"]


def copy(source: Path, target: Path) -> Path:
    target.mkdir(parents=True)
    for name, data in files(source).items():
        (target / name).write_bytes(data)
    return target


def test_experts_are_legal_near_best_and_their_rows_say_what_they_cost(collected: ExpertSet) -> None:
    engine = CostEngine(tile())
    assert [e.number for e in sorted(collected.experts, key=lambda e: e.number)] == [0, 1]
    for e in collected.experts:
        assert check_legality(tile(), e.placement).legal
        assert e.cost.proxy == engine.full(e.placement).proxy
    assert collected.best.cost.proxy < greedy_cost()
    assert collected.best.cost.proxy <= collected.worst.cost.proxy


def test_every_move_of_a_trail_pays_and_leads_to_a_legal_placement(collected: ExpertSet) -> None:
    engine, hard = CostEngine(tile()), set(tile().movable_hard.tolist())
    assert sum(len(t.moves) for t in collected.trails) > 5
    for trail in collected.trails:
        x, y, orient = trail.start.x_um.copy(), trail.start.y_um.copy(), trail.start.orient.copy()
        before = engine.full(trail.start).proxy
        for m in trail.moves:
            x[m.node], y[m.node], orient[m.node] = m.x_um, m.y_um, m.orient
            now = trail.start.replace(x, y, orient)
            after = engine.full(now).proxy
            assert m.node in hard
            assert m.gain > 0
            assert before - after == pytest.approx(m.gain, abs=1e-9)
            assert check_legality(tile(), now).legal
            before = after


def test_a_collection_goes_on_where_it_was(collected: ExpertSet, tmp_path: Path) -> None:
    folder = copy(collected.folder, tmp_path / "tile")
    (folder / "001.toml").unlink()  # as a run that was killed between placement and row leaves it
    kept = {n: b for n, b in files(folder).items() if n.startswith("000")}
    assert len(ExpertSet.load(folder, tile()).experts) == 1
    told: list[tuple[int, int]] = []
    again = collect_experts({"tile": tile()}, tmp_path, 0.8, 2, 0, lambda p: told.append((p.done, p.total)))["tile"]
    assert told == [(1, 2), (2, 2)]
    assert len(again.experts) == 2
    assert {n: b for n, b in files(folder).items() if n.startswith("000")} == kept
    before = files(folder)
    collect_experts({"tile": tile()}, tmp_path, 0.8, 2, 0)
    assert files(folder) == before


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("000.plc", lambda t: t.replace("\n", "\n# x : 1\n", 1)[:-40], "placed|not legal|proxy|fixed|expected"),
        ("000.toml", lambda t: t.replace("proxy = 0.", "proxy = 1."), "says 1"),
        ("000.toml", lambda t: t.replace("columns = 14", "columns = 15"), "canvas"),
        ("000.toml", lambda t: t.replace("[cost]", "[price]"), "lacks"),
        ("000.toml", lambda t: t[: len(t) // 2] + "[", "TOML"),
        ("000.moves.toml", lambda t: t.replace("moves = [", "moves = [[0, 1.0],", 1), "move"),
    ],
)
def test_a_file_that_is_wrong_is_named(
    collected: ExpertSet, tmp_path: Path, name: str, change: object, says: str
) -> None:
    folder = copy(collected.folder, tmp_path / "tile")
    path = folder / name
    changed = change(path.read_text())  # type: ignore[operator]  # a function of text
    assert changed != path.read_text()
    path.write_text(changed)
    with pytest.raises(ParseError, match=f"(?s)000.*({says})"):
        ExpertSet.load(folder, tile())


def test_experts_of_another_grid_are_refused(collected: ExpertSet) -> None:
    with pytest.raises(ParseError, match="canvas"):
        ExpertSet.load(collected.folder, with_grid(tile(), 13, 14))


@pytest.mark.parametrize(("seconds", "count", "name"), [(0, 1, "a"), (1, 0, "a"), (1, 1, "a/b"), (1, 1, "..")])
def test_a_collection_without_sense_is_refused(tmp_path: Path, seconds: float, count: int, name: str) -> None:
    with pytest.raises(ProblemError):
        collect_experts({name: tile()}, tmp_path / "x", seconds, count, 0)
    assert not (tmp_path / "x").exists()


def test_refresh_searches_on_from_a_placement_and_drops_the_worst(collected: ExpertSet, tmp_path: Path) -> None:
    folder = copy(collected.folder, tmp_path / "tile")
    old = ExpertSet.load(folder, tile())
    worse = collect_experts({"r": tile()}, tmp_path, 0.02, 1, 5)["r"]  # hardly searched: easy to beat
    given = old.best.placement
    new, entered = refresh(worse, tile(), given, 0.3, seed=3, keep=1)
    assert entered is not None
    assert entered.origin.start == "policy"
    assert [e.number for e in new.experts] == [entered.number]
    assert entered.cost.proxy <= old.best.cost.proxy + 1e-9
    assert ExpertSet.load(new.folder, tile()).best.cost.proxy == entered.cost.proxy
    # What is worse than all that is stored stays out.
    bad = RandomAgent(num_envs=1).place(tile(), Budget("e", 1), 0).placement
    same, nothing = refresh(new, tile(), bad, 0.02, seed=4, keep=1)
    assert nothing is None
    assert same is new


def test_scripts_are_what_the_game_makes_of_them(collected: ExpertSet, tmp_path: Path) -> None:
    folder = copy(collected.folder, tmp_path / "tile")
    experts, rules = ExpertSet.load(folder, tile()), ConstructConfig()
    scripts = fit_scripts(tile(), experts, rules, seconds=0.3, seed=0)
    assert len(scripts) == 2
    assert scripts[0].cost.proxy <= scripts[1].cost.proxy <= greedy_cost() + 1e-12
    batch = ConstructBatch(tile(), 2, rules, auto_reset=False)
    for _ in range(batch.dims.macros):
        batch.step(np.array([scripts[b].cells[batch.obs["current"][b]] for b in range(2)]))
    assert [f.cost.proxy for f in batch.finished] == [s.cost.proxy for s in scripts]

    rows = files(folder)
    again = fit_scripts(tile(), experts, rules, seconds=0.3, seed=1)
    assert files(folder) == rows
    assert [s.cells.tolist() for s in again] == [s.cells.tolist() for s in scripts]

    row = folder / "000.cells.toml"
    text = row.read_text()
    first = text.index("cells = [") + len("cells = [")
    row.write_text(text[:first] + "0, " + text[first:])
    with pytest.raises(ParseError, match=r"000.cells.toml.*does not allow"):
        fit_scripts(tile(), experts, rules, seconds=0.3, seed=0)


def test_time_on_the_lattice_makes_a_script_cheaper() -> None:
    lattice = Lattice(ConstructBatch(tile(), 1))
    # Not a collected one: how good that is hangs on the time it got, and a good one may snap to a local optimum.
    scattered = RandomAgent(num_envs=1).place(tile(), Budget("e", 1), 0).placement
    at_once = lattice.fit(scattered, 0.0, np.random.default_rng(0))
    # As much time as it takes on a busy machine: what is claimed is that there is something to be found.
    for seconds in (0.6, 2.0, 6.0, 20.0):
        later = lattice.fit(scattered, seconds, np.random.default_rng(0))
        if later.cost.proxy < at_once.cost.proxy:
            break
    assert later.cost.proxy < at_once.cost.proxy
    assert lattice.allows(later.cells)
    taken_twice = later.cells.copy()
    taken_twice[1] = taken_twice[0]
    assert not lattice.allows(taken_twice)
    assert not lattice.allows(later.cells - 10_000)


def test_cells_of_a_variant_are_the_same_geometry(collected: ExpertSet) -> None:
    scripts = script_of_trail(tile(), collected.trails, ConstructConfig())
    assert len(scripts) == 2
    cv = tile().canvas
    for flip in SYMMETRIES:
        variant = relabel(mirror(tile(), *flip), seed=4)
        cells = variant_cells(variant, scripts[0].cells)
        row, column = np.divmod(cells, cv.columns)
        ids = variant.problem.movable_hard
        seen = variant.forth(scripts[0].placement)
        np.testing.assert_allclose(seen.x_um[ids], (column + 0.5) * cv.cell_w_um, rtol=1e-12)
        np.testing.assert_allclose(seen.y_um[ids], (row + 0.5) * cv.cell_h_um, rtol=1e-12)
    with pytest.raises(ProblemError, match="grid"):
        variant_cells(mirror(tile(), True, False).with_grid(13, 14), scripts[0].cells)
