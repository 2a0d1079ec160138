"""Write the tables of docs/environment.md from the code that they describe: `python docs/write_tables.py`."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parent / "environment.md"


def tables() -> dict[str, str]:
    """Return name -> Markdown of every generated table."""
    from floorplan.env import EDGE_FEATURES, NODE_FEATURES
    from floorplan.env.schema import markdown_table

    graph = [
        "| array | columns |",
        "|-|-|",
        f"| `node_feat` | {', '.join(f'`{name}`' for name in NODE_FEATURES)} |",
        f"| `edge_feat` | {', '.join(f'`{name}`' for name in EDGE_FEATURES)} |",
    ]
    return {"observation": markdown_table(), "graph": "\n".join(graph) + "\n"}


def rewritten(text: str) -> str:
    """Return the page with each table replaced by what the code says now."""
    for name, table in tables().items():
        begin, end = f"<!-- begin {name} table", f"<!-- end {name} table -->"
        pattern = re.compile(rf"({re.escape(begin)}[^\n]*\n).*?({re.escape(end)})", re.DOTALL)
        text, count = pattern.subn(lambda m, t=table: f"{m[1]}\n{t}\n{m[2]}", text)  # type: ignore[misc]  # default binds t
        if count != 1:
            raise SystemExit(f"{PAGE}: {count} places for the {name} table")
    return text


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
