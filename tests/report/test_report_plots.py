"""Figures and animations: in every format, equal each time, of the right size, and showing what is there."""

from __future__ import annotations

import io
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from floorplan.cost import CostEngine, CostOptions, CostWeights
from floorplan.report.animation import AnimationError, episode_steps, search_steps, write_animation
from floorplan.report.plots import figure_of, write_plot
from floorplan.report.runs import Run, RunError, TracePoint
from tests.report.report_cases import HOSTILE, crowded, overlapping, turned

METRICS = tuple({"episodes": 4 * i, "best_proxy": 1.0 - 0.1 * i, "mean_proxy": 1.2, "entropy": 2.0} for i in range(4))


def run_of(title: str = "start", *, illegal: bool = False, name: str = "bank/ram0") -> Run:
    p = crowded(name)
    at = overlapping(p) if illegal else p.initial
    return Run("placement", title, "crowded", Path(f"{title}.plc"), p, at, CostOptions(), ())


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_figure_is_written_in_each_format_and_the_same_again(tmp_path: Path, suffix: str) -> None:
    first, again = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    write_plot(first, [run_of()])
    write_plot(again, [run_of()])
    data = first.read_bytes()
    assert data == again.read_bytes()
    assert {".png": data[:4] == b"\x89PNG", ".svg": b"<svg" in data, ".pdf": data[:5] == b"%PDF-"}[suffix]
    if suffix == ".png":
        with Image.open(first) as image:
            assert min(image.size) > 500
            assert len(np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)) > 20
    if suffix == ".svg":
        assert b"date" not in data.lower()


@pytest.mark.parametrize("what", ["density", "congestion", "curves", "cost"])
def test_each_sort_of_figure_says_what_it_shows(tmp_path: Path, what: str) -> None:
    run = replace(run_of(), metrics=METRICS)
    write_plot(tmp_path / "a.svg", [run], what)
    fig = figure_of([run], what)
    assert run.problem is not None
    assert run.placement is not None
    engine = CostEngine(run.problem)
    said = " ".join(t.get_text() for ax in fig.axes for t in (ax.title, *ax.texts, ax.xaxis.label))
    said += " ".join(ax.get_title(loc="left") for ax in fig.axes)
    maps, cost = engine.maps(run.placement), engine.full(run.placement)
    wanted = {
        "density": f"density: mean {maps.density.mean():.3f}, largest {maps.density.max():.3f}",
        "congestion": f"vertical congestion: mean {maps.v.mean():.3f}, largest {maps.v.max():.3f}",
        "curves": "Proxy cost",
        "cost": f"{cost.proxy:.4f}",
    }
    assert wanted[what] in said
    assert ("horizontal" in said) == (what == "congestion")


def test_a_run_without_a_placement_shows_its_curves_and_nothing_else(tmp_path: Path) -> None:
    run = Run("pre-training", "pool", "pool", Path("pool"), None, None, CostOptions(), (), METRICS)
    write_plot(tmp_path / "a.png", [run])
    with pytest.raises(RunError, match="no placement to draw: it is over many netlists"):
        write_plot(tmp_path / "b.png", [run], "placement")
    with pytest.raises(RunError, match="no curves to draw"):
        write_plot(tmp_path / "b.png", [run_of()], "curves")
    assert not (tmp_path / "b.png").exists()


def test_several_runs_share_curves_and_bars_only(tmp_path: Path) -> None:
    traces = [TracePoint(0.5, 1.2), TracePoint(1.0, 1.1)]
    two = [replace(run_of("a"), trace=tuple(traces)), replace(run_of("b"), trace=tuple(traces))]
    assert len(figure_of(two, "curves").axes[0].lines) == 2
    assert [t.get_text() for t in figure_of(two, "cost").axes[0].get_yticklabels()] == ["a", "b"]
    with pytest.raises(RunError, match="shows one run; 2 are given"):
        figure_of(two, "placement")
    with pytest.raises(RunError, match="2 different netlists: their costs cannot be compared"):
        figure_of([run_of(), run_of(name="another/name")], "cost")
    heavier = replace(run_of(), options=CostOptions(CostWeights(1.0, 1.0, 1.0)))
    with pytest.raises(RunError, match="different weights; --weights costs all of them alike"):
        figure_of([run_of(), heavier], "cost")


def test_a_name_is_no_formula(tmp_path: Path) -> None:
    run = replace(run_of(HOSTILE, name="$\\frac{$/ram"), design="$\\bad{", metrics=METRICS)
    for what in ("placement", "density", "curves", "cost"):
        write_plot(tmp_path / f"{what}.svg", [run], what)
    write_plot(tmp_path / "two.svg", [run, replace(run, title="$x$")], "curves")
    assert write_animation(tmp_path / "a.gif", [run], frames=2) > 2


def frames_of(path: Path) -> tuple[list[np.ndarray], list[int]]:  # type: ignore[type-arg]  # pixels
    with Image.open(path) as image:
        pictures, stays = [], []
        for k in range(getattr(image, "n_frames", 1)):
            image.seek(k)
            pictures.append(np.asarray(image.convert("RGB")).astype(int))
            stays.append(int(image.info["duration"]))
    return pictures, stays


def test_an_episode_grows_by_falling_area_to_the_final_cost(tmp_path: Path) -> None:
    run = run_of()
    steps = episode_steps(run)
    assert run.problem is not None
    nl = run.problem.netlist
    came = [nl.node_name[i] for step in steps for i in step.fresh]
    assert came == ["cpu", "rom", "bank/ram0", "bank/ram1"]
    assert [step.at for step in steps] == [0.0, 1.0, 2.0, 3.0, 4.0, 4.0]
    assert run.placement is not None
    assert steps[-1].cost == CostEngine(run.problem).full(run.placement)
    assert not steps[0].placement.placed[nl.hard].any()
    assert steps[0].placement.placed[nl.ports].all()
    n = write_animation(tmp_path / "a.gif", [run])
    pictures, stays = frames_of(tmp_path / "a.gif")
    assert len(pictures) == n == len(steps)
    assert stays[-1] == 1500
    blue = [int((np.abs(p - [0, 114, 178]).max(axis=2) < 12).sum()) for p in pictures]
    assert blue[0] < blue[-1]
    assert write_animation(tmp_path / "b.gif", [run]) == n
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_an_order_of_the_runs_own_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "order.txt"
    file.write_text("bank/ram1\ncpu\nbank/ram0\nrom\n")
    run = replace(run_of(), order=str(file))
    assert run.problem is not None
    came = [run.problem.netlist.node_name[i] for step in episode_steps(run) for i in step.fresh]
    assert came == ["bank/ram1", "cpu", "bank/ram0", "rom"]


def test_few_frames_hold_several_macros_each() -> None:
    steps = episode_steps(run_of(), frames=3)
    assert [len(s.fresh) for s in steps] == [0, 2, 2, 0]


def test_a_search_goes_from_placement_to_placement(tmp_path: Path) -> None:
    runs = [run_of("first"), run_of("second", illegal=True)]
    steps = search_steps(runs)
    assert len(steps) == 7
    assert [s.cost is not None for s in steps] == [True] + [False] * 5 + [True]
    assert (steps[0].at, steps[-1].at) == (1.0, 2.0)
    x = [s.placement.x_um[4] for s in steps]
    assert x == sorted(x, reverse=True)
    assert (x[0], x[-1]) == (45.0, 35.0)
    assert write_animation(tmp_path / "a.gif", runs) == 7
    assert len(frames_of(tmp_path / "a.gif")[0]) == 7
    with pytest.raises(RunError, match="places another netlist"):
        search_steps([run_of(), run_of(name="another/name")])


def test_an_mp4_without_ffmpeg_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AnimationError, match="MP4 needs the program ffmpeg, which is not on the PATH"):
        write_animation(tmp_path / "a.mp4", [run_of()])
    assert not (tmp_path / "a.mp4").exists()
    ffmpeg = tmp_path / "ffmpeg"
    ffmpeg.write_text("#!/bin/sh\necho no such codec >&2\nexit 1\n")
    ffmpeg.chmod(0o755)
    with pytest.raises(AnimationError, match=r"ffmpeg failed \(no such codec\)"):
        write_animation(tmp_path / "a.mp4", [run_of()], frames=2)
    assert not (tmp_path / "a.mp4").exists()


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="the program ffmpeg is not installed")
def test_an_mp4_is_a_film(tmp_path: Path) -> None:
    write_animation(tmp_path / "a.mp4", [run_of()], frames=3)
    assert (tmp_path / "a.mp4").read_bytes()[4:8] == b"ftyp"


def test_a_turned_macro_is_drawn_as_it_lies() -> None:
    p = turned(crowded())
    run = Run("placement", "t", "t", Path("t"), p, p.initial, CostOptions(), ())
    out = io.BytesIO()
    figure_of([run]).savefig(out, format="svg")
    assert re.search(rb"<svg", out.getvalue())
