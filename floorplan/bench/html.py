"""The report as one HTML page that needs nothing else: no script, no font, no image from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from floorplan.bench.cells import COLUMNS, Line, lines, machine_text
from floorplan.bench.published import Published
from floorplan.bench.table import Section

__all__ = ["html_text"]

_LEFT = ("agent", "budget", "legal")

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --muted: #5b6b7b; --faint: #d5dce4; --page: #ffffff; --card: #f6f8fa;
  --good: #00734f; --bad: #b00020; --best: #e3f3ec; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --muted: #9fb0c0; --faint: #37424e; --page: #12171c;
  --card: #1a2129; --good: #4ccf9f; --bad: #ff8a8a; --best: #16362b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 74rem; padding: 1.5rem 1.25rem 4rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.25rem; margin: 2.75rem 0 .5rem; }
p.sub, figcaption, .src { color: var(--muted); font-size: .87rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0 1rem; font-size: .87rem; }
dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; border: 1px solid var(--faint); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: .87rem; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .65rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--faint); }
tr:last-child td { border-bottom: 0; }
th { background: var(--card); color: var(--muted); font-weight: 600; }
.l { text-align: left; } td.name { font-weight: 600; white-space: normal; min-width: 9rem; }
tr.cut td { border-top: 2px solid var(--faint); }
tr.best td.proxy { background: var(--best); color: var(--good); font-weight: 700; }
tr.published td { color: var(--muted); font-style: italic; } tr.published td.name { font-weight: 400; }
.tag { display: inline-block; margin-right: .4rem; padding: 0 .4rem;
  border: 1px solid var(--faint); border-radius: 99px; font: normal 600 .72rem/1.5 system-ui, sans-serif;
  color: var(--muted); }
.bad { color: var(--bad) !important; font-weight: 700; font-style: normal; }
figure { margin: 1.25rem 0; } svg { width: 100%; height: auto; display: block; }
svg text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif !important; }
ul { padding-left: 1.2rem; font-size: .9rem; } li { margin: .2rem 0; overflow-wrap: anywhere; }
h3 { font-size: .95rem; margin: 1.25rem 0 .25rem; } details > summary { cursor: pointer; font-weight: 600; }
"""


def html_text(title: str, found: Sequence[Section], svgs: Sequence[str]) -> str:
    """Return the page.

    Args:
        title: its heading.
        found: the tables.
        svgs: one plot for each of them, made by `convergence_svg`.
    """
    parts = [_section(section, svg) for section, svg in zip(found, svgs, strict=True)]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n"
        '<p class="sub">Every cost and every verdict on legality was computed by the benchmark, not by the agents. '
        "proxy: mean ± sample standard deviation over the legal results of all seeds; illegal results enter no mean. "
        "gap: of that mean to the certified lower bound.</p>\n" + "\n".join(parts) + "\n</body>\n</html>\n"
    )


def _section(section: Section, svg: str) -> str:
    facts = [*section.facts, ("run on", machine_text(section))]
    out = [f"<section>\n<h2>{escape(section.design)}</h2>"]
    out += ["<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts) + "</dl>"]
    head = "".join(f'<th class="l">{escape(c)}</th>' if c in _LEFT else f"<th>{escape(c)}</th>" for c in COLUMNS)
    body, last = [], ""
    for line in lines(section):
        mark = line.kind if line.kind == "published" else line.cells[1]
        body.append(_line(line, cut=last not in ("", mark)))
        last = mark
    out += [f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n' + "\n".join(body)]
    out += ["</tbody></table></div>"]
    out += [f"<figure>{svg}</figure>"]
    if section.notes:
        out += ["<h3>Notes</h3><ul>", *(_note(n) for n in section.notes), "</ul>"]
    if section.published:
        out += ["<h3>Published for this netlist, by others and on other hardware</h3><ul>"]
        out += [*(_source(p, with_proxy=False) for p in section.published), "</ul>"]
    if section.others:
        out += ["<details><summary>Published under the same name: different netlist, not comparable</summary><ul>"]
        out += [*(_source(p, with_proxy=True) for p in section.others), "</ul></details>"]
    return "\n".join(out) + "\n</section>"


def _line(line: Line, *, cut: bool) -> str:
    cells = []
    for column, text in zip(COLUMNS, line.cells, strict=True):
        classes = ["l"] if column in _LEFT else []
        classes += {"agent": ["name"], "proxy": ["proxy"]}.get(column, [])
        shown = escape(text)
        if column == "agent" and line.kind == "published":
            shown = '<span class="tag">published</span>' + escape(text.removeprefix("published: "))
        if "ILLEGAL" in text or "FAILED" in text:
            classes.append("bad")
        cells.append(f'<td class="{" ".join(classes)}">{shown}</td>' if classes else f"<td>{shown}</td>")
    row = " ".join(c for c in (line.kind, "best" if line.best else "", "cut" if cut else "") if c)
    return f'<tr class="{row}">{"".join(cells)}</tr>'


def _note(text: str) -> str:
    for word in ("ILLEGAL", "FAILED"):
        if text.startswith(word):
            return f'<li><span class="bad">{word}</span>{escape(text.removeprefix(word))}</li>'
    return f"<li>{escape(text)}</li>"


def _source(p: Published, *, with_proxy: bool) -> str:
    proxy = f"{p.proxy:g} " if with_proxy else ""
    hours = "" if p.hours is None else f", {p.hours:g} h"
    return (
        f"<li>{proxy}<strong>{escape(p.method)}</strong>: hardware {escape(p.hardware)}{hours}; {escape(p.caveats)}. "
        f'<span class="src">{escape(p.source)}</span></li>'
    )
