"""How the elements of an SVG picture look, by class: light, and dark where the reader's theme is."""

from __future__ import annotations

from floorplan.figure_style import BLUE, FAINT, GREEN, INK, ORANGE, PINK, RED, SKY, SOFT

__all__ = ["STYLE"]

# Plain rules, no CSS variables: converters and editors know only those, and take the light ones.
STYLE = f"""\
text {{ font-family: system-ui, "Segoe UI", "DejaVu Sans", Helvetica, Arial, sans-serif; fill: {INK}; }}
.page {{ fill: #ffffff; }}
.canvas {{ fill: #fbfcfd; stroke: {SOFT}; stroke-width: 1.2; }}
.title {{ font-size: 19px; font-weight: 600; }}
.sub, .key {{ font-size: 12px; fill: {SOFT}; }}
.bar {{ stroke: {SOFT}; stroke-width: 1.5; fill: none; }}
.soft {{ fill: {GREEN}; fill-opacity: 0.1; stroke: {GREEN}; stroke-opacity: 0.3; stroke-width: 0.5; }}
.full {{ fill: {GREEN}; stroke: none; }}
.hard {{ fill: #d3e5f2; fill-opacity: 0.88; stroke: {BLUE}; stroke-width: 1; }}
.fixed {{ fill: #fae6bd; fill-opacity: 0.88; stroke: #a87400; stroke-width: 1; }}
.wrong {{ stroke: {RED}; stroke-width: 3; }}
.notch {{ fill: {BLUE}; }}
.fixednotch {{ fill: #a87400; }}
.halo {{ fill: none; stroke: {BLUE}; stroke-width: 0.8; stroke-dasharray: 3 3; }}
.block {{ fill: url(#fp-hatch); stroke: {RED}; stroke-width: 1; }}
.softblock {{ fill: url(#fp-hatch); fill-opacity: 0.4; stroke: {RED}; stroke-width: 1; stroke-dasharray: 5 4; }}
.hatch {{ stroke: {RED}; stroke-width: 1.6; }}
.region {{ fill: {PINK}; fill-opacity: 0.08; stroke: {PINK}; stroke-width: 1.6; stroke-dasharray: 7 4; }}
.fence {{ fill: {PINK}; fill-opacity: 0.14; stroke: {PINK}; stroke-width: 2.4; }}
.regionname {{ font-size: 12px; font-weight: 600; fill: #9a4478; }}
.port {{ stroke: {INK}; stroke-width: 4; stroke-linecap: round; fill: none; }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #e8edf2; }}
.page {{ fill: #10151b; }}
.canvas {{ fill: #161d25; stroke: #8697a8; }}
.sub, .key {{ fill: #a9b7c4; }}
.bar {{ stroke: #a9b7c4; }}
.soft {{ fill-opacity: 0.16; stroke-opacity: 0.45; }}
.hard {{ fill: #12405f; stroke: {SKY}; }}
.fixed {{ fill: #5a4310; stroke: {ORANGE}; }}
.notch {{ fill: {SKY}; }}
.fixednotch {{ fill: {ORANGE}; }}
.halo {{ stroke: {SKY}; }}
.regionname {{ fill: #e3a9c8; }}
.port {{ stroke: {FAINT}; }}
}}
"""
