"""Energy and temperature over the floorplan: what the maps add up to, the figures, drags, and when there is no chip."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

pytest.importorskip("starlette", reason="the viewer's packages are not installed")

from floorplan.accelerator.templates import CHIPS
from floorplan.accelerator.templates import chip as make_chip
from floorplan.errors import FloorplanError, ProblemError
from floorplan.estimate import Estimator, EstimatorOptions
from floorplan.estimate.length import net_boxes_um
from floorplan.formats import write_plc
from floorplan.legalize import legalize
from floorplan.netlist import Placement
from floorplan.view import Session, open_path
from floorplan.view import session as session_module
from floorplan.view.maps import Maps
from floorplan.view.serving import Serving, Wanted
from floorplan.view.source import Frame, Opened
from tests.estimate.chips import small_chip, small_load
from tests.report.report_cases import write_training
from tests.view.view_cases import page_of, small

A, B = 1, 2
CHIP = small_chip(12)
SERVING = Serving(CHIP, small_load(CHIP), None, "by hand")


def chip_session() -> Session:
    frame = Frame("made", CHIP.problem.initial)
    return Session(Opened("chip", CHIP.problem, (frame,), serving=SERVING, said=SERVING.said))


@pytest.fixture
def session() -> Session:
    return chip_session()


@pytest.fixture
def maps(session: Session) -> Maps:
    return Maps(session, SERVING, SERVING.said)


def cell_mm2(session: Session) -> float:
    cv = session.problem.canvas
    return cv.cell_w_um * cv.cell_h_um * 1e-6


def test_the_wire_map_adds_up_to_the_energy_of_a_bit_on_every_wire(two_macros: Path) -> None:
    session = Session(small(two_macros))
    values = Maps(session).values("wire")
    # two nets of two pins, one 30 um and one 40 um long, the second of weight 3; 45 nm: a wire of its bus layer
    from floorplan.estimate.technology import node, system_constants
    from floorplan.estimate.wires import energy_per_bit_m

    per_um = energy_per_bit_m(node("ng45")).value * 1e-6 * 1e12 * system_constants()["base_detour"].value
    assert session.maps().h.max() <= 1.0  # so that nothing is routed around
    assert values.shape == (10, 10)
    assert values.sum() * cell_mm2(session) == pytest.approx(per_um * (30.0 + 3 * 40.0), rel=1e-9)
    assert (values[:4] == 0).all()  # both run along y = 50


def test_nodes_without_a_place_are_left_out_of_the_wires(two_macros: Path) -> None:
    opened = small(two_macros)
    whole = Maps(Session(opened)).values("wire").sum()
    start = opened.problem.initial.replace(placed=[True, True, False])
    session = Session(Opened("x", opened.problem.replace(initial=start), (Frame("x", start),)))
    assert Maps(session).values("wire").sum() == pytest.approx(whole * 30.0 / 150.0, rel=1e-9)


def test_another_technology_has_other_wires(two_macros: Path) -> None:
    session = Session(small(two_macros))
    from floorplan.estimate.technology import node
    from floorplan.estimate.wires import energy_per_bit_m

    ratio = Maps(session, technology="n7").values("wire").sum() / Maps(session).values("wire").sum()
    assert ratio == pytest.approx(energy_per_bit_m(node("n7")).value / energy_per_bit_m(node("ng45")).value)
    assert "ng45 (assumed" in Maps(session).layers()[3]["assumes"]
    assert "n7" in Maps(session, technology="n7").layers()[3]["assumes"]
    with pytest.raises(FloorplanError, match="technology"):
        open_path(two_macros / "initial.plc", wanted=Wanted(technology="n1"))


def test_the_maps_of_a_chip_are_the_estimates(session: Session, maps: Maps) -> None:
    estimate = Estimator(CHIP, SERVING.load).estimate(CHIP.problem.initial)
    assert maps.values("token").sum() * cell_mm2(session) == pytest.approx(1e6 * estimate.nets.j_per_token.sum())
    np.testing.assert_allclose(maps.values("heat"), estimate.heat.temperature_c, atol=1e-9)
    told = maps.estimate()
    assert told is not None
    named = {f["name"]: f for f in told["figures"]}
    for name in ("tokens_per_s", "j_per_token", "ns_per_token", "power_w", "temperature_max_c"):
        assert named[name]["value"] == named[name]["opened"] == estimate.quantities[name].value
    row, column = np.unravel_index(np.argmax(estimate.heat.temperature_c), estimate.heat.temperature_c.shape)
    assert told["hottest"]["x"] == pytest.approx((column + 0.5) * CHIP.problem.canvas.width_um / 48)
    assert told["hottest"]["y"] == pytest.approx((row + 0.5) * CHIP.problem.canvas.height_um / 48)
    assert sum(told["parts"].values()) == pytest.approx(estimate.totals.j_per_token)
    joules = estimate.nets.j_per_token
    assert [n["j_per_token"] for n in told["nets"]] == sorted(joules, reverse=True)[:8]
    nl, first, worst = CHIP.problem.netlist, told["nets"][0], int(np.argmax(joules))
    assert first["name"].startswith(estimate.nets.source[worst])
    assert first["share"] == pytest.approx(joules[worst] / estimate.totals.j_per_token)
    assert set(first["nodes"]) == set(nl.pin_node[nl.net_pin[nl.net_ptr[worst] : nl.net_ptr[worst + 1]]].tolist())
    x0, y0, x1, y1 = first["box"]
    assert (x1 - x0) + (y1 - y0) == pytest.approx(estimate.nets.hpwl_um[worst])


def test_a_move_is_estimated_anew_and_undo_takes_it_back(session: Session, maps: Maps) -> None:
    before, heat = maps.estimate(), maps.values("heat")
    far = CHIP.problem.canvas.width_um - 300.0
    session.move([3], [far], [far])
    after = maps.estimate()
    assert before is not None
    assert after is not None
    exact = Estimator(CHIP, SERVING.load).estimate(session.placement).quantities
    for figure in after["figures"]:
        assert figure["value"] == exact[figure["name"]].value
        assert figure["opened"] == next(f["value"] for f in before["figures"] if f["name"] == figure["name"])
    assert after["figures"][1]["value"] > before["figures"][1]["value"]  # longer wires take more joules
    assert np.abs(maps.values("heat") - heat).max() > 1e-3
    session.undo()
    np.testing.assert_array_equal(maps.values("heat"), heat)


def test_a_drag_tells_the_joules_that_the_drop_would_have(session: Session, maps: Maps) -> None:
    assert maps.proposed(3, 500.0, 500.0, None) is None  # until the page has asked for the estimate
    maps.estimate()
    e = Estimator(CHIP, SERVING.load, EstimatorOptions(samples=0))
    for node, x, y in ((3, 3000.0, 3000.0), (4, 2500.0, 200.0)):
        told = maps.proposed(node, x, y, None)
        assert told is not None
        at = session.placement
        xs, ys = at.x_um.copy(), at.y_um.copy()
        xs[node], ys[node] = x, y
        there = Placement(xs, ys, at.orient, at.placed)
        totals = e.totals(e.scale_m_per_um(at) * net_boxes_um(e.terminals, there).hpwl_um)
        assert told["j_per_token"] == pytest.approx(totals.j_per_token, rel=1e-12)
        assert told["ns_per_token"] == pytest.approx(totals.ns_per_token, rel=1e-12)
        assert told["from"]["j_per_token"] == pytest.approx(e.estimate(at).totals.j_per_token, rel=1e-12)
        session.move([node], [x], [y])


def test_an_illegal_placement_has_no_figures_and_no_map(session: Session) -> None:
    client = page_of(session)
    assert client.get("/api/map?name=heat").status_code == 200
    x, y = session.placement.x_um, session.placement.y_um
    session.move([3], [float(x[4]) + 10.0], [float(y[4])])
    told = client.get("/api/estimate").json()
    assert "overlap" in told["why_not"]
    assert "figures" not in told
    for name in ("token", "heat"):
        refused = client.get(f"/api/map?name={name}")
        assert refused.content == b""
        assert "overlap" in unquote(refused.headers["x-why"])
    assert client.get("/api/map?name=wire").status_code == 200
    # neither has a spot that would be illegal
    here = {"node": 5, "x_um": float(x[6]) + 10.0, "y_um": float(y[6])}
    answer = client.post("/api/propose", here).json()
    assert answer["wrong"]
    assert "estimate" not in answer
    session.undo()
    far = CHIP.problem.canvas.width_um - 300.0
    answer = client.post("/api/propose", {"node": 5, "x_um": far, "y_um": far}).json()
    assert answer["wrong"] == []
    assert answer["estimate"]["j_per_token"] > answer["estimate"]["from"]["j_per_token"]


def test_frames_have_maps_of_their_own(session: Session, maps: Maps) -> None:
    at = session.placement
    far = CHIP.problem.canvas.width_um - 300.0
    x, y = at.x_um.copy(), at.y_um.copy()
    x[3], y[3] = far, far
    other = at.replace(x, y)
    frame = session.add_frame("other", other)
    now = {name: maps.values(name) for name in ("wire", "token", "heat")}
    there = {name: maps.values(name, frame) for name in now}
    session.take_over(other, "other")
    for name, values in now.items():
        assert np.abs(values - there[name]).max() > 0
        np.testing.assert_allclose(maps.values(name), there[name], rtol=1e-12)


def test_without_a_chip_the_layers_say_why(two_macros: Path) -> None:
    session = Session(small(two_macros))
    client = page_of(session)
    layers = {layer["name"]: layer for layer in client.get("/api/scene").json()["layers"]}
    assert layers["wire"]["why_not"] == ""
    for name in ("token", "heat"):
        assert "--chip" in layers[name]["why_not"]
        assert client.get(f"/api/map?name={name}").status_code == 409
    assert client.get("/api/estimate").status_code == 204
    assert client.get("/api/map?name=nothing").status_code == 400


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `floorplan generate systolic_chip` leaves, and a legal placement."""
    from floorplan.accelerator.command import run

    folder = tmp_path_factory.mktemp("chip")
    run("systolic_chip", {"matrix_units": 4, "common_banks": 8}, 1, folder)
    problem = make_chip("systolic_chip", matrix_units=4, common_banks=8).problem
    nl, cv = problem.netlist, problem.canvas
    rng = np.random.default_rng(1)
    x = np.where(problem.fixed, problem.initial.x_um, rng.uniform(0, cv.width_um, nl.num_nodes))
    y = np.where(problem.fixed, problem.initial.y_um, rng.uniform(0, cv.height_um, nl.num_nodes))
    start = problem.initial.replace(x, y, placed=np.ones(nl.num_nodes, np.bool_))
    write_plc(folder / "placed.plc", problem, legalize(problem, start))
    return folder


def test_the_manifest_beside_a_netlist_names_the_chip(generated: Path) -> None:
    opened = open_path(generated / "placed.plc")
    assert opened.serving is not None
    assert opened.serving.chip.parameters.matrix_units == 4
    assert "MANIFEST.toml" in opened.said
    assert "llama3-8b with chatbot is assumed" in opened.said
    session = Session(opened)
    told = Maps(session, opened.serving, opened.said).estimate()
    assert told is not None
    assert told["figures"][0]["value"] > 0
    asked = open_path(generated / "placed.plc", wanted=Wanted(model="gpt-oss-20b", workload="coding", phase="decode"))
    assert asked.serving is not None
    assert asked.serving.load.name.startswith("gpt-oss-20b")
    assert "assumed" not in asked.said


def test_a_run_on_a_generated_netlist_knows_its_chip(generated: Path, tmp_path: Path) -> None:
    problem = open_path(generated / "placed.plc").problem
    run = write_training(tmp_path / "run", generated / "netlist.pb.txt", problem, problem.initial)
    opened = open_path(run)
    assert opened.serving is not None
    assert "MANIFEST.toml" in opened.said
    told = Maps(Session(opened), opened.serving, opened.said).estimate()
    assert told is not None
    assert "figures" in told


def test_a_manifest_that_does_not_fit_is_told_and_not_used(generated: Path, tmp_path: Path) -> None:
    for name in ("netlist.pb.txt", "placed.plc"):
        (tmp_path / name).write_bytes((generated / name).read_bytes())
    good = (generated / "MANIFEST.toml").read_text()
    for text, why in (
        (good.replace('netlist_hash = "', 'netlist_hash = "00'), "another one"),
        (good.replace('"systolic_chip"', '"synthetic"'), "not a whole chip"),
        (good.replace("matrix_units = 4", "matrix_units = 8"), "not the netlist"),
        (good.replace("matrix_units = 4", 'matrix_units = "two"'), "matrix_units"),
        (good.replace("matrix_units = 4", "of_nothing = 2"), "of_nothing"),
        (good.replace('"systolic_chip"', '["systolic_chip"]'), "not a whole chip"),
        ("\x00", "not TOML"),
    ):
        (tmp_path / "MANIFEST.toml").write_text(text)
        opened = open_path(tmp_path / "placed.plc")
        assert opened.serving is None
        assert why in opened.said


def test_a_chip_that_is_named_needs_no_netlist(generated: Path, tmp_path: Path) -> None:
    (tmp_path / "best.plc").write_bytes((generated / "placed.plc").read_bytes())
    wanted = Wanted("systolic_chip", ("matrix_units=4", "common_banks=8"))
    for path in (tmp_path / "best.plc", tmp_path):
        opened = open_path(path, wanted=wanted)
        assert opened.serving is not None
        assert opened.problem.initial.placed.all()
        assert opened.said.startswith("systolic_chip, as named")
    with pytest.raises(FloorplanError):
        open_path(tmp_path / "best.plc", wanted=Wanted("systolic_chip"))  # of other parameters


def test_what_is_asked_for_and_cannot_be_is_an_error(two_macros: Path, generated: Path) -> None:
    path = two_macros / "initial.plc"
    for wanted, why in (
        (Wanted("systolic_chip"), "not the netlist"),
        (Wanted("no_chip"), "no_chip"),
        (Wanted(settings=("matrix_units=4",)), "--chip"),
        (Wanted(model="llama3-8b"), "--chip"),
    ):
        netlist = two_macros / "netlist.pb.txt" if wanted.chip == "systolic_chip" else None
        with pytest.raises(FloorplanError, match=why):
            open_path(path, netlist, wanted=wanted)
    with pytest.raises(FloorplanError, match="does not fit"):
        open_path(generated / "placed.plc", wanted=Wanted(model="llama3-70b", chips=1, batch=64))


def test_a_model_that_does_not_fit_the_chip_found_is_told(generated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("floorplan.view.serving.MODEL", "no-such-model")
    opened = open_path(generated / "placed.plc")
    assert opened.serving is None
    assert "no-such-model" in opened.said


def test_until_the_engine_of_moves_is_there_a_large_design_is_costed_whole(
    two_macros: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "LARGE_NODES", 1)
    session = Session(small(two_macros))
    first = session.propose(A, 20.0, 70.0)
    assert not session.prompt
    assert session.live() is not None
    assert session.prompt
    second = session.propose(A, 20.0, 70.0)
    assert second["cost"] == pytest.approx(first["cost"], abs=1e-12)


def test_every_template_of_a_chip_can_be_described() -> None:
    from floorplan.accelerator.command import manifest
    from floorplan.view.serving import _described  # what a manifest says, without its file

    for name in CHIPS:
        made = make_chip(name)
        about = manifest(name, name, made.parameters, made.problem)
        assert _described(about, made.problem).name == name
    with pytest.raises(ProblemError):
        _described({}, made.problem)


def test_many_threads_at_once_come_to_an_end_and_to_the_exact_cost(
    two_macros: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "LARGE_NODES", 1)
    session = chip_session()
    maps = Maps(session, SERVING, SERVING.said)
    maps.estimate()
    far = CHIP.problem.canvas.width_um - 300.0
    wrong: list[BaseException] = []

    def often(act: Callable[[int], object]) -> None:
        try:
            for k in range(25):
                act(k)
        except BaseException as error:  # told by the test below, whatever it is
            wrong.append(error)

    acts: list[Callable[[int], object]] = [
        lambda k: session.propose(3, far, 300.0 + 10 * k),
        lambda k: session.move([5], [far - 10 * (k % 2)], [far]),
        lambda k: session.undo() if k % 3 else session.redo(),
        lambda _: session.standing(),
        lambda _: session.live(),
        lambda k: maps.proposed(4, far, 300.0 + 10 * k, None),
        lambda _: maps.estimate(),
        lambda k: maps.values(("wire", "density")[k % 2], 0 if k % 5 == 0 else None),
    ]
    threads = [threading.Thread(target=often, args=(act,), daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30.0)
    assert not any(thread.is_alive() for thread in threads), "they wait for each other"
    assert wrong == []
    live = session.live()
    assert live is not None
    assert live.cost.proxy == pytest.approx(session.cost().proxy, abs=1e-9)
