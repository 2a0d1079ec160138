"""Objects that show themselves: what their HTML says, that it is harmless, and that it stays small."""

from __future__ import annotations

import base64
import gc
import pickle
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import floorplan
from agents.base import Result
from floorplan.accelerator import generate
from floorplan.accelerator.templates import chip
from floorplan.cluster import Clustering
from floorplan.cost import Cost, CostEngine
from floorplan.errors import ProblemError
from floorplan.formats.design import Design
from floorplan.netlist import Blockage, Canvas, Netlist, NetlistBuilder, NodeKind, Placement, Problem, Region
from floorplan.notebook import SHOWS, beside, html_of
from floorplan.notebook.plan import MOST_HARD, MOST_SOFT, plan_of
from floorplan.showable import Showable

HTML = {"div", "b", "span", "code", "table", "thead", "tr", "th", "td", "img", "br"}
SVG = {"svg", "style", "rect", "g", "path", "text", "image"}
EVIL = '<script>alert("1")</script>'
MOST_BYTES = 900_000
_PICTURE = re.compile(r'src="data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)"')


class _Reader(HTMLParser):
    """Collects elements, and text as a reader sees it; notes what is not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.wrong, self._open = "", "", list[str]()
        self.feed(html)
        self.wrong += " ".join(self._open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.wrong += f" </{tag}>"

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(thing: object) -> str:
    html = thing._repr_html_()  # type: ignore[attr-defined]  # what a notebook calls
    assert isinstance(html, str)
    return html


def pictures(html: str) -> list[str]:
    return [base64.b64decode(found).decode() for found in _PICTURE.findall(html)]


def check_harmless(html: str) -> None:
    """Well-formed HTML and SVG of few kinds of elements, that names no other host and says what pictures show."""
    read = _Reader(html)
    assert read.wrong == ""
    assert {tag for tag, _ in read.tags} <= HTML
    for tag, attributes in read.tags:
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "img":
            assert attributes["alt"]
            assert (attributes["src"] or "").startswith("data:image/svg+xml;base64,")
    assert "http" not in html
    for svg in pictures(html):
        assert "prefers-color-scheme: dark" in svg
        kinds = {element.tag.partition("}")[2] for element in ET.fromstring(svg).iter()}
        assert kinds <= SVG
        assert re.findall(r"https?://[^\"]*", svg) == ["http://www.w3.org/2000/svg"]
        assert all(url.startswith("data:image/png;base64,") for url in re.findall(r'href="([^"]*)"', svg))


def small(name: str = "two", soft: str = "s") -> tuple[Problem, Placement]:
    """Return a macro of 20 x 20 and one of 30 x 10 um, a soft macro and a port on 100 x 100 um, and a placement."""
    b = NetlistBuilder(name)
    b.add_port("in")
    b.add_macro("a", 20.0, 20.0)
    b.add_pin("a/o", "a")
    b.add_macro("b", 30.0, 10.0)
    b.add_pin("b/i", "b")
    b.add_macro(soft, 5.0, 5.0, soft=True)
    b.add_pin(f"{soft}/i", soft)
    b.add_net("in", ["b/i"])
    b.add_net("a/o", ["b/i", f"{soft}/i"], 3.0)
    start = Placement([0, 0, 0, 0], [50, 0, 0, 0], [0] * 4, [True, False, False, False])
    problem = Problem(b.build(), Canvas(100.0, 100.0, 10, 10, 10.0, 10.0), start)
    return problem, Placement([0, 30, 70, 50], [50, 50, 50, 50], [0] * 4, [True] * 4)


def everything() -> list[object]:
    from floorplan.accelerator.llm import model
    from floorplan.accelerator.workloads import workload
    from floorplan.estimate import Estimator, load_of

    problem, placement = small()
    engine = CostEngine(problem)
    cost = engine.full(placement)
    legality = floorplan.check_legality(problem, placement)
    die = chip("gpu_tile", tiles=16)
    placed = _in_rows(die.problem)
    estimate = Estimator(die, load_of(die, model("llama3-8b"), workload("chatbot"))).estimate(placed)
    return [
        problem,
        problem.netlist,
        placement,
        placement.on(problem),
        Result(placement.on(problem), cost, legality, 1200, 3, 1.5),
        cost,
        engine.maps(placement),
        legality,
        floorplan.check_legality(problem, placement.replace(x_um=[0, 30, 35, 50])),
        floorplan.lower_bound(problem),
        beside(one=placement.on(problem), other=placement.on(problem)),
        Design(problem, "protobuf", (Path("netlist.pb.txt"),)),
        Clustering(problem, np.array([-1, -1, -1, 0]), cut=1, held=0, parts=1, broken=1, given=False),
        die,
        estimate,
    ]


def _in_rows(problem: Problem) -> Placement:
    """Return a legal placement of a chip: legalised from rows."""
    from floorplan.legalize import legalize

    cv, n = problem.canvas, problem.netlist.num_nodes
    side = int(np.ceil(np.sqrt(n)))
    x = np.where(problem.fixed, problem.initial.x_um, (np.arange(n) % side + 0.5) / side * cv.width_um)
    y = np.where(problem.fixed, problem.initial.y_um, (np.arange(n) // side + 0.5) / side * cv.height_um)
    return legalize(problem, Placement(x, y, problem.initial.orient, np.ones(n, np.bool_)))


def test_everything_shows_itself_as_harmless_html_and_prints_short() -> None:
    for thing in everything():
        html = shown(thing)
        check_harmless(html)
        assert len(html) < MOST_BYTES
        assert len(repr(thing)) < 700, repr(thing)


def test_what_a_card_says() -> None:
    problem, placement = small()
    assert "2 hard macros, 1 soft macros, 1 ports, 2 nets" in _Reader(shown(problem.netlist)).text
    said = _Reader(shown(problem)).text
    assert "100 x 100 um, 10 x 10 cells" in said
    assert "7.0%" in said  # 20 x 20 + 30 x 10 of 100 x 100 um
    assert "3 nodes" in said  # not placed yet
    assert "legal" in _Reader(shown(placement.on(problem))).text
    said = _Reader(shown(placement.replace(x_um=[0, 30, 35, 50]).on(problem))).text
    assert "ILLEGAL: 1 broken rules; overlap of a and b by 15 um" in said
    cost = CostEngine(problem).full(placement)
    result = Result(placement.on(problem), cost, floorplan.check_legality(problem, placement), 1200, 1, 1.5)
    assert f"{cost.proxy:.4f}" in _Reader(shown(result)).text
    assert "1,200 proposals, 1 episode, 1.5 s" in _Reader(shown(result)).text


def test_a_cost_with_other_weights_does_not_claim_the_usual_ones() -> None:
    assert "1 / 0.5 / 0.5" in shown(Cost(0.1, 0.6, 0.8, 0.8, 10.0))
    other = shown(Cost(0.1, 0.6, 0.8, 0.9, 10.0))
    assert "those of its engine" in other
    assert pictures(other) == []  # no bars, since what each part adds is not known


def test_names_stay_text() -> None:
    problem, placement = small(name=EVIL, soft="Grp")
    nl = problem.netlist
    evil = Netlist(**{**nl.__dict__, "node_name": ("in", EVIL, f"{EVIL}/b", "Grp")})
    problem = Problem(evil, problem.canvas, problem.initial)
    overlapping = placement.replace(x_um=[0, 30, 35, 50])
    for thing in (
        evil,
        problem,
        overlapping.on(problem),
        floorplan.check_legality(problem, overlapping),
        beside(**{EVIL: placement.on(problem)}),
    ):
        html = shown(thing)
        check_harmless(html)
        assert EVIL in _Reader(html).text
        assert "<script" not in html + "".join(pictures(html))
    assert "&lt;script&gt;" in pictures(shown(overlapping.on(problem)))[0]  # in the legend


def test_long_names_are_cut() -> None:
    long = "cpu/" + "x" * 5000
    problem, placement = small(name=long)
    assert len(_Reader(shown(placement.on(problem))).text) < 600


def flat_of(cells: int, hard: int, placed: bool) -> tuple[Problem, Placement]:
    """Return a problem of very many nodes, made of arrays, and its placement; macros lie on each other."""
    n = cells + hard
    rng = np.random.default_rng(1)
    kind = np.full(n, NodeKind.CELL, np.uint8)
    kind[:hard] = NodeKind.HARD
    names = tuple(f"u{k}" for k in range(n))
    index = np.arange(n, dtype=np.int32)
    netlist = Netlist(
        name="many",
        node_name=names,
        node_kind=kind,
        node_w_um=np.where(kind == NodeKind.HARD, rng.uniform(2, 9, n), 1.0),
        node_h_um=np.ones(n),
        node_side=np.zeros(n, np.uint8),
        node_index=index,
        pin_name=names,
        pin_node=index,
        pin_dx_um=np.zeros(n),
        pin_dy_um=np.zeros(n),
        pin_index=index,
        net_ptr=np.array([0, 2], np.int32),
        net_pin=np.array([0, 1], np.int32),
        net_weight=np.ones(1),
    )
    side = 40.0 * np.sqrt(hard + cells)
    x, y = rng.uniform(0, side, (2, n))
    placement = Placement(x, y, np.zeros(n), np.full(n, placed))
    return Problem(netlist, Canvas(side, side, 30, 30, 10.0, 10.0), Placement.empty(n)), placement


@pytest.mark.parametrize("placed", [True, False])
def test_very_many_nodes_give_a_picture_of_bounded_size(placed: bool) -> None:
    problem, placement = flat_of(cells=60_000, hard=3000, placed=placed)
    for thing in (problem, problem.netlist, placement, placement.on(problem)):
        html = shown(thing)
        assert len(html) < MOST_BYTES
        check_harmless(html)
    if placed:
        svg = pictures(shown(placement.on(problem)))[0]
        assert svg.count("data:image/png;base64,") == 1  # the cells, as a picture of how much they cover
        assert f"smaller hard macros ({3000 - MOST_HARD:,})" in svg
        assert svg.count("<rect") < MOST_HARD + 50 < MOST_SOFT + MOST_HARD


def test_a_placement_without_its_problem_shows_points_and_says_so() -> None:
    problem, placement = small()
    html = shown(placement)
    assert "placement.on(problem)" in html
    assert pictures(html)[0].count("h0") == 4  # a dot for each node
    assert shown(Placement.empty(3)).count("<img") == 0
    assert pictures(shown(placement.on(problem)))[0].count('class="hard"') > 0


def test_what_a_placement_is_of_stays_with_it_but_not_in_copies_for_others() -> None:
    problem, placement = small()
    known = placement.on(problem)
    assert known.problem is problem
    assert known.x_um is placement.x_um  # shared, not copied
    assert placement.problem is None
    assert known.replace(x_um=[1, 2, 3, 4]).problem is problem
    sent = pickle.dumps(known)
    assert pickle.loads(sent).problem is None
    assert len(sent) <= len(pickle.dumps(placement)) + 100
    with pytest.raises(ProblemError, match="4 nodes, the netlist"):
        placement.on(generate("synthetic", hard_macros=4, soft_macros=24, modules=2, ports=4))


def test_the_start_of_a_problem_knows_it_but_does_not_keep_it() -> None:
    problem, _ = small()
    start = problem.initial
    assert start.problem is problem
    assert "placed of 'two'" in repr(start)
    del problem
    gc.collect()
    assert start.problem is None


def test_results_of_agents_and_episodes_know_what_they_place() -> None:
    from agents.base import Budget
    from agents.random_ import RandomAgent
    from floorplan.env import ConstructBatch

    problem, _ = small()
    assert RandomAgent().place(problem, Budget("e", 1), 0).placement.problem is problem
    batch = ConstructBatch(problem, 1)
    while not batch.finished:
        batch.step(batch.masks.argmax(axis=1))
    assert batch.finished[0].placement.problem is problem


def test_macros_that_are_not_placed_lie_beside_the_canvas() -> None:
    problem, _ = small()
    plan = plan_of(problem, problem.initial)
    assert plan.tray == 2
    assert (plan.hard.x_um > 100.0).all()
    assert (plan.hard.y_um + plan.hard.h_um <= 100.0 + 1e-9).all()
    (ax, bx), (ay, by) = plan.hard.x_um, plan.hard.y_um
    assert ax + 20 <= bx or bx + 30 <= ax or ay + 20 <= by or by + 10 <= ay  # not on each other
    assert "beside the canvas: not placed (2)" in pictures(shown(problem))[0]
    assert plan_of(problem, problem.initial, tray=False).tray == 0
    # what is not placed yet breaks no rule by that
    assert 'class="wrong"' not in pictures(shown(problem.initial))[0]
    overlapping = Placement([0, 30, 35, 50], [50] * 4, [0] * 4, [True, True, True, False])
    assert 'class="wrong"' in pictures(shown(overlapping.on(problem)))[0]


def test_constraints_are_drawn() -> None:
    problem, placement = small()
    halo = np.zeros((4, 4))
    halo[1] = 2.0
    bound = problem.replace(
        blockages=(Blockage(0, 0, 10, 10),), regions=(Region("r", np.array([[0.0, 0, 50, 100]]), True),), halo_um=halo
    )
    svg = pictures(shown(placement.on(bound)))[0]
    for kind in ("blocked", "region fence", "halo"):
        assert f'class="{kind}"' in svg
        assert f'class="{kind}"' not in pictures(shown(placement.on(problem)))[0]


def test_side_by_side_refuses_a_placement_that_does_not_know_what_it_places() -> None:
    _, placement = small()
    with pytest.raises(ProblemError, match="first does not know what it places"):
        shown(beside(first=placement))


def test_every_showable_class_is_shown_by_something_that_exists() -> None:
    for home, by in SHOWS.items():
        module, _, name = home.partition(":")
        assert issubclass(getattr(import_module(module), name), Showable), home
        module, _, name = by.partition(":")
        assert callable(getattr(import_module(module), name)), by
    ours = {f"{kind.__module__}:{kind.__qualname__}" for kind in Showable.__subclasses__()}
    assert {home for home in ours if home.startswith("floorplan.")} == set(SHOWS)
    assert html_of(object()) is None


def test_a_benchmark_shows_its_table(two_macros: Path) -> None:
    from floorplan.bench import Failure, Outcome, load_suite, run_suite, sections

    check_harmless(shown(Outcome()))
    assert "0 rows" in shown(Outcome())
    suite = two_macros / "suite.toml"
    suite.write_text(
        'name = "s"\nseeds = [0, 1]\nbudgets = ["1e"]\nwarmup = false\n'
        '[[designs]]\nname = "two"\nnetlist = "netlist.pb.txt"\n[[agents]]\nlabel = "chance"\nagent = "random"\n'
    )
    outcome = run_suite(load_suite(suite), two_macros / "out")
    check_harmless(shown(outcome))
    said = _Reader(shown(outcome)).text
    proxies = [row.score.proxy for row in outcome.rows if row.score is not None]
    assert "2 rows, 2 run now" in said
    assert repr(outcome) == "Outcome(2 rows, 2 run now, 0 there before)"
    assert repr(sections(outcome.rows)) == "[Section('two', 1 agents and budgets, 2 runs)]"
    assert "chance" in said
    assert f"{np.mean(proxies):.4f}" in said
    assert shown(sections(outcome.rows)[0]) in shown(outcome)
    first = outcome.rows[0]
    check_harmless(shown(first))
    assert f"{proxies[0]:.4f}" in _Reader(shown(first)).text
    assert repr(first) == f"Row(chance on two, 1e, seed 0: legal, proxy {proxies[0]:.4f})"
    failed = first.model_copy(update={"score": None, "error": Failure(type="Crash", message=EVIL)})
    assert f"Crash{EVIL}" in _Reader(shown(failed)).text
    check_harmless(shown(failed))
