"""The page: well formed, alone, safe with hostile names, and its numbers those of the cost engine."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from floorplan.cost import CostEngine, CostOptions, CostWeights
from floorplan.netlist import NetlistBuilder, Placement, Problem
from floorplan.report.drawing import MAX_VECTORS, colour_bar, scale_of
from floorplan.report.known_bound import bound_key, bound_of
from floorplan.report.page import page, sheets_of
from floorplan.report.runs import Run, read_runs
from floorplan.report.shown_text import json_script, shown
from tests.report.report_cases import HOSTILE, crowded, overlapping, write_design, write_training

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Reader(HTMLParser):
    """Collects elements, attributes and text, and checks that what is opened is closed in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            kind = self.tags[-1][1].get("type") or self.open[-1]
            self.scripts[kind] = self.scripts.get(kind, "") + data
        else:
            self.text.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def run_of(problem: Problem, folder: Path, illegal: bool = False) -> Run:
    netlist = write_design(folder, problem, overlapping(problem) if illegal else None)
    (run,) = read_runs(netlist)
    return run


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    p = crowded()
    return write_training(folder / "runs" / "first", write_design(folder / "design", p), p, p.initial)


@pytest.fixture(scope="module")
def html(training: Path) -> str:
    return page(sheets_of(read_runs(training)))


def test_it_is_well_formed_and_names_no_other_host(html: str) -> None:
    reader = read(html)
    for tag, attrs in reader.tags:
        for key, value in attrs.items():
            assert not key.startswith("on"), (tag, key)
            assert key != "style"
            if key in ("src", "href", "action", "data"):
                assert value is not None
                assert value.startswith("data:image/png;base64,"), (tag, key, value)
    bare = html.replace(
        "http://www.w3.org/2000/svg", ""
    )  # the name of a vocabulary, which the script creates shapes by
    assert not re.search(r"(?i)\b(?:https?|wss?|ftp):|//[a-z0-9.-]+\.[a-z]{2,}/|@import|url\((?!#)", bare)


def test_its_policy_allows_its_own_script_and_style_and_nothing_else(html: str) -> None:
    reader = read(html)
    policy = next(a["content"] for t, a in reader.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert "unsafe" not in policy
    for kind in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(reader.scripts[kind].encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"


def test_its_numbers_are_the_engines(html: str, training: Path) -> None:
    (run,) = read_runs(training)
    assert run.problem is not None
    assert run.placement is not None
    engine = CostEngine(run.problem, run.options)
    cost, maps = engine.full(run.placement), engine.maps(run.placement)
    text = "".join(read(html).text)
    for value in (cost.proxy, cost.wirelength, cost.density, cost.congestion):
        assert f"{value:.4f}" in text
    assert f"{2.0 * cost.wirelength:.4f}" in text
    assert f"{cost.wirelength_um:,.1f}" in text
    for values in (maps.density, maps.h, maps.v):
        assert f"mean {values.mean():.3f}, largest {values.max():.3f}" in text
    rows = re.findall(r'<tr data-net="\d+"><td class="l n">([^<]*)</td><td>([^<]*)</td>', html)
    hpwl = engine.net_hpwl_um(run.placement)
    driver = {run.problem.netlist.pin_name[run.problem.netlist.net_pin[p]]: e
              for e, p in enumerate(run.problem.netlist.net_ptr[:-1])}  # fmt: skip
    assert len(rows) == 4
    for name, said in rows:
        assert said == f"{hpwl[driver[name]]:,.1f}"


def test_the_pages_script_gets_the_shapes_as_drawn(html: str, training: Path) -> None:
    (run,) = read_runs(training)
    assert run.placement is not None
    data = json.loads(read(html).scripts["application/json"])
    drawn = {int(n) for n in re.findall(r'data-n="(\d+)"', html)}
    assert drawn == set(range(7))
    assert data["name"][:4] == ["bank/ram0", "bank/ram1", "rom", "cpu"]
    assert data["orient"][:4] == ["N", "S", "N", "FN"]
    assert data["x"][0] + data["w"][0] / 2 == pytest.approx(run.placement.x_um[3], abs=1e-3)
    # cpu (number 3) drives rom (number 2) hardest, or the port beside it as hard
    assert data["name"][data["fly"]["3"][0][0]] in ("rom", "out")
    assert len(data["maps"]["density"]) == 80


def test_curves_and_provenance_are_there(html: str) -> None:
    text = " ".join(read(html).text)
    for wanted in ("Learning curves", "Proxy cost", "Entropy of the policy (nats)", "best 0.8000", "Provenance"):
        assert wanted in text
    assert crowded().netlist.content_hash in text
    assert "weights policy.safetensors SHA-256" in text
    assert "No lower bound is on record" in text


def test_a_hostile_name_stays_a_name(tmp_path: Path) -> None:
    problem = crowded("a" + "\u202e" + "b")
    text = page(sheets_of([run_of(problem, tmp_path / "x")]))
    assert "\u202e" not in text
    assert "\\u202e" in text
    assert shown(HOSTILE + "\x00") == (
        "&lt;/script&gt;&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&quot;&#x27;$\\frac{\\u0000"
    )
    packed = json_script({"name": [HOSTILE]})
    assert not set("<>&") & set(packed)
    assert json.loads(packed) == {"name": [HOSTILE]}


def test_a_netlist_full_of_hostile_names_gives_a_page_without_their_markup() -> None:
    problem = crowded(HOSTILE)
    run = Run(
        "netlist", HOSTILE, HOSTILE, Path(HOSTILE), problem, problem.initial, CostOptions(), ((HOSTILE, HOSTILE),)
    )
    html = page(sheets_of([run, run]), title=HOSTILE)
    reader = read(html)
    assert [a for t, a in reader.tags if t == "img"] == []
    assert sum(t == "script" for t, _ in reader.tags) == 3  # the data of two runs, and the page's own
    assert not any(k.startswith("on") for _, a in reader.tags for k in a)
    assert HOSTILE in "".join(reader.text)


def test_an_illegal_placement_is_said_with_pair_and_amount(tmp_path: Path) -> None:
    html = page(sheets_of([run_of(crowded(), tmp_path / "x", illegal=True)]))
    text = "".join(read(html).text)
    assert "ILLEGAL" in text
    assert "overlap of bank/ram0 and bank/ram1 by 5 um" in text
    assert 'class="wrong"' in html
    legal = page(sheets_of([run_of(crowded(), tmp_path / "y")]))
    assert 'class="wrong"' not in legal
    assert "Legal: no rule is broken" in legal


def test_an_incomplete_placement_is_never_compared(tmp_path: Path) -> None:
    p = crowded()
    placed = p.initial.placed.copy()
    placed[6] = False
    whole, part = run_of(p, tmp_path / "a"), run_of(p, tmp_path / "b")
    part = replace(part, placement=p.initial.replace(placed=placed), title="part")
    html = page(sheets_of([whole, part]))
    assert "INCOMPLETE: 1 nodes not placed" in html
    row = re.search(r'<th class="l n">proxy cost</th>(.*?)</tr>', html)
    assert row is not None
    assert re.findall(r"<td[^>]*>([^<]*)</td>", row[1])[1] == "-"


def test_runs_of_one_netlist_are_ranked_and_of_two_are_not(tmp_path: Path) -> None:
    p = crowded()
    good, bad = run_of(p, tmp_path / "a"), run_of(p, tmp_path / "b", illegal=True)
    other = run_of(crowded("another/name"), tmp_path / "c")
    two = page(sheets_of([good, bad]))
    assert "Not compared" not in two
    assert two.count("class=best") == 1
    cost = CostEngine(p).full(p.initial)
    assert f"<td class=best>{cost.proxy:.4f}</td>" in two
    assert "<td>illegal</td>" in two
    three = page(sheets_of([good, bad, other]))
    assert "These runs place 2 different netlists" in three
    assert three.count('<div class="compare">') == 2
    # the other netlist stands alone in its table: nothing is best there
    assert three.count("class=best") == 1


def test_many_runs_go_below_each_other(tmp_path: Path) -> None:
    run = run_of(crowded(), tmp_path / "a")
    html = page(sheets_of([replace(run, title=f"run {i}") for i in range(7)]))
    read(html)
    table = re.search(r'<div class="compare down">(.*?)</table>', html)
    assert table is not None
    assert re.findall(r'<th class="l n"><span class="letter">(\w)</span> (run \d)</th>', table[1])[6] == ("G", "run 6")
    assert table[1].count("class=best") == 7  # all the same, so all the best


def test_other_weights_or_grids_are_not_ranked(tmp_path: Path) -> None:
    a = run_of(crowded(), tmp_path / "a")
    b = replace(a, options=CostOptions(CostWeights(1.0, 1.0, 1.0)), title="heavier")
    html = page(sheets_of([a, b]))
    assert "their costs are not ranked" in html
    assert "class=best" not in html


def test_a_bound_is_computed_once_and_kept_beside_the_run(tmp_path: Path) -> None:
    run = run_of(crowded(), tmp_path / "x")
    assert bound_of(run, compute=False) is None
    found = bound_of(run, compute=True)
    assert found is not None
    assert run.bound_file is not None
    assert bound_of(run, compute=False) == found
    html = page(sheets_of([run]))
    assert f"bound {found.proxy:.4f}" in html
    kept = json.loads(run.bound_file.read_text())
    assert run.problem is not None
    assert kept["key"] == bound_key(run.problem, run.options)
    # of other weights, or damaged, it is not taken
    kept["key"] = "0" * 64
    run.bound_file.write_text(json.dumps(kept))
    assert bound_of(run, compute=False) is None
    run.bound_file.write_text('{"format": 1')
    assert bound_of(run, compute=False) is None


def test_a_run_over_many_netlists_shows_curves_and_no_cost(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[run]\npool = "public.toml"\nseed = 0\nmethod = "ppo"\n')
    rows = [{"episodes": 8 * i, "seconds": i, "held_out": 1.0 - 0.01 * i, "mean_ratio": 1.1} for i in range(4)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    text = " ".join(read(page(sheets_of(read_runs(tmp_path)))).text)
    assert "it leaves a policy, not a placement" in text
    assert "Held-out netlists: cost over reference" in text
    assert "greedy 0.9700" in text


def test_the_page_of_ariane_is_small_and_equal_each_time(benchmarks: Path) -> None:
    (run,) = read_runs(benchmarks / "ct" / "NanGate45_ariane133" / "netlist.pb.txt.xz")
    html = page(sheets_of([run]))
    assert len(html.encode()) < 1_000_000
    assert page(sheets_of([run])) == html
    assert "ILLEGAL: 18 rules broken" in html  # its published start lies partly off the canvas
    read(html)


def test_a_few_crowded_cells_do_not_darken_a_map() -> None:
    values = np.full((50, 50), 0.4)
    assert scale_of(values) == (0.4, False)
    values[0, :3] = 9.0
    assert scale_of(values) == (0.4, True)
    assert "0.40 and more" in colour_bar("a", 0.4, cut=True)
    assert scale_of(np.zeros((2, 2)))[0] > 0


def test_very_many_cells_become_one_picture() -> None:
    b = NetlistBuilder("flat")
    b.add_port("p")
    count = MAX_VECTORS + 1
    for i in range(count):
        b.add_macro(f"c{i}", 1.0, 1.0, soft=True)
        b.add_pin(f"c{i}/i", f"c{i}")
    b.add_net("p", ["c0/i", "c1/i"])
    n = np.arange(count)
    at = Placement([0.0, *(n % 90 + 0.5)], [0.0, *(n // 90 + 0.5)], [0] * (count + 1), [True] * (count + 1))
    problem = Problem(b.build(), crowded().canvas, at)
    run = Run("netlist", "flat", "flat", Path("flat"), problem, at, CostOptions(), ())
    html = page(sheets_of([run]))
    read(html)
    assert html.count("<rect") < 100
    assert len(html) < 200_000
    picture = png_of(re.search(r'<svg class="plan".*?base64,([^"]+)"', html))
    assert picture.mode == "P"
    # clear where nothing lies (top right), shaded where cells lie (bottom left); the palette's index is the opacity
    pixels = np.asarray(picture)
    assert pixels[2, -2] == 0
    assert pixels[-5:, :5].max() > 100


def png_of(found: re.Match[str] | None) -> Image.Image:
    assert found is not None
    return Image.open(io.BytesIO(base64.b64decode(found[1])))
