"""Animations: an episode replayed macro by macro, or a search from one placement to the next; as GIF or MP4."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from floorplan.cost import Cost, CostEngine
from floorplan.errors import FloorplanError
from floorplan.figure_style import BLUE, FAINT, GREEN, INK, ORANGE, RED, SOFT, plain
from floorplan.files import atomic_write_bytes
from floorplan.geometry import oriented_size_um
from floorplan.netlist import Placement, Problem
from floorplan.report.figures import MAX_SOFT, PALETTE, draw_cloud
from floorplan.report.groups import group_macros
from floorplan.report.plots import placed_run
from floorplan.report.runs import Run, RunError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["ANIMATED", "AnimationError", "Step", "episode_steps", "search_steps", "write_animation"]

F64 = npt.NDArray[np.float64]

ANIMATED = (".gif", ".mp4")

_DPI = 100
_COLOURS = 128
_END_MS = 1500
"""How long the end stays at least."""
_HOLD = 8
"""Frames for which each placement of a search stays."""
_TWEENS = 6
"""Pictures from one placement to the next; the last of them is exact."""


class AnimationError(FloorplanError):
    """An animation cannot be written here."""


@dataclass(frozen=True, eq=False)
class Step:
    """One frame.

    Attributes:
        placement: what stands; its `placed` says which nodes are drawn.
        caption: below the heading.
        at: position on the axis of the cost.
        cost: exact cost of what stands; None between two placements of a search.
        fresh: nodes that have just come.
        frames: for how many frames it stays.
    """

    placement: Placement
    caption: str
    at: float
    cost: Cost | None
    fresh: tuple[int, ...] = ()
    frames: int = 1


def episode_steps(run: Run, frames: int = 60) -> list[Step]:
    """Return the steps of an episode: hard macros come in the order in which agents place them, soft macros last.

    Args:
        run: with a placement; the order is by falling area, as training and the greedy agent have it, unless the
            run's own is a file; random orders are drawn anew for each episode and not on record.
        frames: at most; several macros come in one where there are more.

    Raises:
        RunError: the run has no placement.
    """
    problem, final = placed_run(run)
    engine, nl = CostEngine(problem, run.options), problem.netlist
    area = nl.node_w_um * nl.node_h_um
    order = _order(run, problem, area)
    order = order[final.placed[order]]
    on = final.placed.copy()
    on[order] = False
    on[nl.soft] = False
    steps = [_step(engine, final, on, 0.0, f"0 of {len(order)} macros placed", ())]
    ends = np.unique(np.linspace(0, len(order), max(2, min(frames, len(order) + 1))).round().astype(int))
    for begin, end in pairwise(ends.tolist()):
        fresh = order[begin:end]
        on = on.copy()
        on[fresh] = True
        steps.append(
            _step(engine, final, on, float(end), f"{end} of {len(order)} macros placed", tuple(fresh.tolist()))
        )
    if final.placed[nl.soft].any():
        caption = f"{len(order)} of {len(order)} macros placed, soft macros settled"
        steps.append(_step(engine, final, final.placed, float(len(order)), caption, ()))
    return steps


def _order(run: Run, problem: Problem, area: F64) -> npt.NDArray[np.int32]:
    """Return the movable hard macros as the run places them: by its own file, else by falling area."""
    movable = problem.movable_hard
    file = Path(run.order)
    if run.order not in ("area", "random") and file.is_file():
        from floorplan.env.order import read_order

        return movable[read_order(problem, file)]
    return movable[np.argsort(-area[movable], kind="stable")]


def _step(
    engine: CostEngine, final: Placement, on: npt.NDArray[np.bool_], at: float, caption: str, fresh: tuple[int, ...]
) -> Step:
    stands = final.replace(placed=on)
    return Step(stands, caption, at, engine.full(stands), fresh)


def search_steps(runs: Sequence[Run]) -> list[Step]:
    """Return the steps of a search: from one placement of a netlist to the next, macros gliding in between.

    Args:
        runs: at least two, each with a placement of the same netlist on the same canvas.

    Raises:
        RunError: they are not.
    """
    problem, _ = placed_run(runs[0])
    steps: list[Step] = []
    for number, run in enumerate(runs):
        other, end = placed_run(run)
        if other.netlist.content_hash != problem.netlist.content_hash or other.canvas != problem.canvas:
            raise RunError(f"{run.path}: places another netlist, or on another canvas, than {runs[0].path}")
        cost = CostEngine(other, runs[0].options).full(end)
        caption = f"{run.title} ({number + 1} of {len(runs)})"
        if steps:
            start = steps[-1].placement
            both = start.placed & end.placed
            for k in range(1, _TWEENS):
                share = 3 * (k / _TWEENS) ** 2 - 2 * (k / _TWEENS) ** 3
                between = end.replace(
                    x_um=np.where(both, (1 - share) * start.x_um + share * end.x_um, end.x_um),
                    y_um=np.where(both, (1 - share) * start.y_um + share * end.y_um, end.y_um),
                )
                steps.append(Step(between, caption, number + share, None))
        steps.append(Step(end, caption, number + 1.0, cost, frames=_HOLD))
    return steps


def write_animation(
    path: Path, runs: Sequence[Run], heading: str | None = None, frames: int = 60, fps: int = 12
) -> int:
    """Write an animation by suffix and return its number of pictures; equal runs give an equal GIF.

    Args:
        path: .gif or .mp4, replaced in one step.
        runs: one is replayed as an episode, several are gone through as a search.
        heading: stands above it.
        frames: at most, for an episode.
        fps: frames a second; the end stays for a while.

    Raises:
        AnimationError: an MP4 is asked for and there is no ffmpeg, or it fails.
        RunError: there is nothing to animate.
    """
    ffmpeg = shutil.which("ffmpeg")
    if path.suffix == ".mp4" and ffmpeg is None:
        raise AnimationError(f"{path}: MP4 needs the program ffmpeg, which is not on the PATH; a .gif needs nothing")
    steps = episode_steps(runs[0], frames) if len(runs) == 1 else search_steps(runs)
    problem, _ = placed_run(runs[0])
    axis = "macros placed" if len(runs) == 1 else "placement"
    film = _Film(problem, steps, heading or runs[0].design, axis)
    data = _mp4(ffmpeg, path, film, fps) if path.suffix == ".mp4" and ffmpeg is not None else _gif(film, fps)
    atomic_write_bytes(path, data)
    return len(steps)


class _Film:
    """One figure, set to one step after the other."""

    def __init__(self, problem: Problem, steps: Sequence[Step], heading: str, axis: str) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.collections import PolyCollection
        from matplotlib.figure import Figure
        from matplotlib.patches import Rectangle

        self.problem, self.steps = problem, steps
        nl, cv = problem.netlist, problem.canvas
        aspect = cv.height_um / cv.width_um
        plan_w, plan_h = (6.4, 6.4 * aspect) if aspect <= 1 else (6.4 / aspect, 6.4)
        plan_w, plan_h = max(plan_w, 2.4), max(plan_h, 2.8)
        width, height = plan_w + 4.3, plan_h + 1.1
        fig = Figure(figsize=(_even(width), _even(height)), dpi=_DPI, facecolor="white")
        self.canvas = FigureCanvasAgg(fig)
        ax = fig.add_axes((0.3 / width, 0.35 / height, plan_w / width, plan_h / height))
        ax.set_xlim(-0.01 * cv.width_um, 1.01 * cv.width_um)
        ax.set_ylim(-0.01 * cv.height_um, 1.01 * cv.height_um)
        ax.set_aspect("equal")
        ax.axis("off")
        ax.add_patch(Rectangle((0, 0), cv.width_um, cv.height_um, facecolor="#FBFCFD", edgecolor=INK, linewidth=1.0))
        self.soft = PolyCollection([], facecolor=(*_rgb(SOFT), 0.18), edgecolor=(*_rgb(SOFT), 0.25), linewidths=0.3)
        self.hard = PolyCollection([], linewidths=0.5, edgecolor=INK)
        self.fresh = PolyCollection([], linewidths=2.2, edgecolor=INK, facecolor="none")
        for collection in (self.soft, self.hard, self.fresh):
            ax.add_collection(collection)
        end = steps[-1].placement
        ports = nl.ports[end.placed[nl.ports]]
        ax.scatter(end.x_um[ports], end.y_um[ports], s=4, c=INK, linewidths=0, clip_on=False)
        if len(nl.soft) > MAX_SOFT:  # too many to move: shaded where they end up
            draw_cloud(ax, problem, end, nl.soft[end.placed[nl.soft]])
        left, right = 0.3 / width, (plan_w + 0.75) / width
        bold: dict[str, Any] = {"color": INK, "fontweight": "bold", "parse_math": False}
        fig.text(left, 1 - 0.27 / height, heading, fontsize=12, va="center", **bold)
        self.caption = fig.text(left, 1 - 0.54 / height, "", fontsize=9, color=SOFT, va="center", parse_math=False)
        fig.text(right, 1 - 0.8 / height, "proxy cost of what stands", fontsize=8.5, color=SOFT)
        self.number = fig.text(right, 1 - 0.95 / height, "", fontsize=20, va="top", **bold)
        where = ((plan_w + 1.15) / width, 0.75 / height, 2.75 / width, (plan_h - 1.5) / height)
        self.lines = _cost_axes(fig, where, steps, axis)
        self.colour = _colours(problem)

    def __iter__(self) -> Iterator[Image]:
        """Yield the picture of each step."""
        known: list[tuple[float, Cost]] = []
        for step in self.steps:
            if step.cost is not None:
                known.append((step.at, step.cost))
            yield self.picture(step, known)

    def picture(self, step: Step, known: Sequence[tuple[float, Cost]]) -> Image:
        """Draw one step, with the costs known by then."""
        from PIL import Image

        nl, at = self.problem.netlist, step.placement
        soft = nl.soft if len(nl.soft) <= MAX_SOFT else nl.soft[:0]
        fresh = np.array(step.fresh, np.int32)
        for collection, ids in ((self.soft, soft), (self.hard, nl.hard), (self.fresh, fresh)):
            drawn = ids[at.placed[ids]]
            collection.set_verts(list(_corners(self.problem, at, drawn)))
            if collection is self.hard:
                collection.set_facecolor([self.colour[i] for i in drawn.tolist()])
        self.caption.set_text(step.caption)
        if known:
            self.number.set_text(f"{known[-1][1].proxy:.4f}")
            self.number.set_color(FAINT if step.cost is None else INK)
        for name, line in self.lines.items():
            line.set_data([x for x, _ in known], [getattr(c, name) for _, c in known])
        self.canvas.draw()  # type: ignore[no-untyped-call]  # untyped in Matplotlib
        size = self.canvas.get_width_height()
        pixels = bytes(self.canvas.buffer_rgba())  # type: ignore[no-untyped-call]  # untyped in Matplotlib
        return Image.frombytes("RGBA", size, pixels).convert("RGB")


def _cost_axes(fig: Any, where: tuple[float, float, float, float], steps: Sequence[Step], axis: str) -> dict[str, Any]:
    """Return lines of the cost's parts, in axes that hold the whole animation."""
    from matplotlib.ticker import MaxNLocator

    ax = fig.add_axes(where)
    costs = [s.cost for s in steps if s.cost is not None]
    names = (("proxy", INK), ("wirelength", BLUE), ("density", ORANGE), ("congestion", GREEN))
    top = max(max(getattr(c, n) for n, _ in names) for c in costs)
    ax.set_xlim(steps[0].at, max(steps[-1].at, steps[0].at + 1e-9))
    ax.set_ylim(0, 1.06 * top if top else 1.0)
    plain(ax, axis, "")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    lines = {}
    for name, colour in names:
        (lines[name],) = ax.plot([], [], color=colour, linewidth=1.8, label=name)
    ax.legend(frameon=False, fontsize=8, labelcolor=INK, loc="lower left", bbox_to_anchor=(-0.03, 1.0), ncols=2)
    ax.tick_params(color=FAINT)
    return lines


def _colours(problem: Problem) -> dict[int, tuple[float, float, float]]:
    hard = problem.netlist.hard.tolist()
    groups = group_macros([problem.netlist.node_name[i] for i in hard], limit=len(PALETTE))
    out = dict.fromkeys(hard, _rgb(RED))
    for group, colour in zip(groups, PALETTE, strict=False):
        for k in group.members:
            out[hard[k]] = _rgb(colour)
    return out


def _corners(problem: Problem, at: Placement, ids: npt.NDArray[np.int32]) -> F64:
    nl = problem.netlist
    w, h = oriented_size_um(nl.node_w_um[ids], nl.node_h_um[ids], at.orient[ids])
    x0, y0 = at.x_um[ids] - w / 2, at.y_um[ids] - h / 2
    x1, y1 = x0 + w, y0 + h
    corners: F64 = np.stack([np.stack(p, axis=-1) for p in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))], axis=1)
    return corners


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def _even(inches: float) -> float:
    """Return a length of an even number of pixels, which video wants."""
    return 2 * round(inches * _DPI / 2) / _DPI


def _gif(film: _Film, fps: int) -> bytes:
    from PIL import Image

    # one palette for all, of the last picture, which shows every colour: no flicker, and small differences
    steps = film.steps
    whole = film.picture(steps[-1], [(s.at, s.cost) for s in steps if s.cost is not None])
    palette = whole.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    frames = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in film]
    stays = [round(1000 * step.frames / fps) for step in steps]
    stays[-1] = max(stays[-1], _END_MS)
    out = io.BytesIO()
    frames[0].save(
        out, "GIF", save_all=True, append_images=frames[1:], duration=stays, loop=0, optimize=False, disposal=1
    )
    return out.getvalue()


def _mp4(ffmpeg: str, path: Path, film: _Film, fps: int) -> bytes:
    """Hand picture after picture to ffmpeg; a file for its complaints, since a full pipe of them would block it."""
    width, height = film.canvas.get_width_height()
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w+b") as log:
        out = Path(folder) / "out.mp4"
        command = [
            ffmpeg, "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}",
            "-r", str(fps), "-i", "-", "-an", "-pix_fmt", "yuv420p", "-fflags", "+bitexact", "-flags:v", "+bitexact",
            "-movflags", "+faststart", str(out),
        ]  # fmt: skip
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
        assert process.stdin is not None  # a pipe was asked for
        with contextlib.suppress(BrokenPipeError), process.stdin:
            for step, picture in zip(film.steps, film, strict=True):
                for _ in range(step.frames if step is not film.steps[-1] else max(step.frames, fps * _END_MS // 1000)):
                    process.stdin.write(picture.tobytes())
        if process.wait() != 0 or not out.is_file():
            log.seek(0)
            cause = log.read().decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
            raise AnimationError(f"{path}: ffmpeg failed ({cause[0]})")
        return out.read_bytes()
