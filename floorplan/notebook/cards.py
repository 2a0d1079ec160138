"""What every card in a notebook is made of: a heading, pictures, tables.

Pictures are SVG in the URL of an <img>: so their styles stay theirs, no script in them could ever run, and notebooks
that are not trusted show them. Text takes font and colours of the notebook.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

from floorplan.report.shown_text import shown

__all__ = ["MOST_LETTERS", "card", "facts", "named", "picture", "table"]

_PAD = "padding:.1em .6em .1em 0"
MOST_LETTERS = 64
"""Letters of a name that are shown; of longer ones the end."""


def named(name: object, most: int = MOST_LETTERS) -> str:
    """Return a name for HTML: harmless, and cut to its last letters where it is long."""
    text = str(name)
    return shown(text if len(text) <= most else "\u2026" + text[1 - most :])


def card(title: str, said: str, parts: Iterable[str]) -> str:
    """Return a card.

    Args:
        title: as HTML.
        said: the line below it, as HTML.
        parts: as HTML; side by side where there is room.
    """
    body = "".join(f'<div style="min-width:0;overflow-x:auto">{part}</div>' for part in parts if part)
    line = f'<div style="opacity:.75">{said}</div>' if said else ""
    head = f"<div><b>{title}</b></div>" if title else ""
    return (
        f'<div style="line-height:1.4">{head}{line}<div style="display:flex;flex-wrap:wrap;'
        f'gap:0 1.5em;align-items:flex-start;margin-top:.4em">{body}</div></div>'
    )


def picture(svg: str, label: str, width: int) -> str:
    """Return a picture that takes up to `width` pixels; `label` says in words what it shows."""
    url = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
    return f'<img src="{url}" alt="{shown(label)}" width="{width}" style="max-width:100%;height:auto">'


def table(
    rows: Sequence[Sequence[str]], head: Sequence[str] = (), best: Sequence[bool] = (), words: Sequence[int] = (0,)
) -> str:
    """Return a table.

    Args:
        rows: cells as HTML.
        head: headings as HTML, one a column; () for none.
        best: rows that are set off.
        words: columns of text, which begin at the left; figures end at the right.
    """
    sides = [f"text-align:{'left' if k in words else 'right'};{_PAD}" for k in range(len(rows[0]) if rows else 0)]
    out = ""
    if head:
        names = (f'<th style="{side}">{name}</th>' for side, name in zip(sides, head, strict=True))
        out = f"<thead><tr>{''.join(names)}</tr></thead>"
    for k, row in enumerate(rows):
        good = k < len(best) and best[k]
        cells = (
            f'<td style="{side}">{f"<b>{cell}</b>" if good else cell}</td>'
            for side, cell in zip(sides, row, strict=True)
        )
        out += f"<tr>{''.join(cells)}</tr>"
    return f'<table style="margin:0;font-variant-numeric:tabular-nums">{out}</table>'


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Return names and values, as HTML, as a table."""
    return table(pairs)
