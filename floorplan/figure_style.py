"""How figures look, and how they are saved: PNG, SVG or PDF by suffix, equal input to equal bytes.

Colours are those of Okabe and Ito's palette. No window is opened and no global Matplotlib state is touched.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floorplan.files import atomic_write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "BLUE",
    "FAINT",
    "GREEN",
    "INK",
    "ORANGE",
    "PINK",
    "RED",
    "SKY",
    "SOFT",
    "SUFFIXES",
    "frameless",
    "mark",
    "plain",
    "save",
    "title",
]

BLUE, ORANGE, GREEN, PINK, SKY, RED = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"
INK, SOFT, FAINT = "#1F2933", "#5B6B7B", "#C9D1D9"
SUFFIXES = (".png", ".svg", ".pdf")


def title(fig: Figure, text: str) -> None:
    """Head the whole figure."""
    fig.suptitle(text, fontsize=11, color=INK, x=0.01, ha="left", fontweight="bold")


def mark(ax: Axes, y: float, label: str, va: str = "center") -> None:
    """Draw a level across the axes and name it at the right edge."""
    ax.axhline(y, color=SOFT, linewidth=0.9, linestyle=":")
    where = ax.get_yaxis_transform()
    ax.text(1.005, y, label, transform=where, fontsize=7, color=SOFT, va=va, clip_on=False)


def frameless(ax: Axes) -> None:
    """Strip the frame and keep small, quiet ticks."""
    for side in ("top", "right", "left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.tick_params(labelsize=7.5, color=FAINT, labelcolor=SOFT, length=3)


def plain(ax: Axes, x_label: str, y_label: str) -> None:
    """Strip the frame, keep faint horizontal lines, name the axes."""
    frameless(ax)
    ax.tick_params(which="minor", length=0, labelsize=7, labelcolor=SOFT)
    ax.grid(axis="y", color=FAINT, linewidth=0.4)
    ax.set_axisbelow(True)
    ax.set_xlabel(x_label, fontsize=8, color=SOFT)
    ax.set_ylabel(y_label, fontsize=8, color=SOFT)


def save(path: Path, fig: Figure, dpi: int = 150, *, tight: bool = True, kind: str | None = None) -> None:
    """Render in memory, then replace the file in one step.

    Args:
        path: of the file.
        fig: what it shows.
        dpi: dots per inch of a PNG.
        tight: cut the figure to what is drawn.
        kind: png, svg or pdf, whatever the suffix; None goes by it.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    kind = kind or path.suffix[1:]
    # dates and random ids would make equal figures differ
    metadata: dict[str, Any] = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    buffer = io.BytesIO()
    FigureCanvasAgg(fig)
    with rc_context({"svg.hashsalt": "floorplan"}):
        margins: dict[str, Any] = {"bbox_inches": "tight", "pad_inches": 0.18} if tight else {}
        fig.savefig(buffer, format=kind, dpi=dpi, facecolor="white", metadata=metadata, **margins)
    atomic_write_bytes(path, buffer.getvalue())
