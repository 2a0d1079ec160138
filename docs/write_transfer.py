"""Write the tables of docs/transfer.md from the rows stored beside it: `python docs/write_transfer.py`.

A table stands between `<!-- begin compare FOLDER... baseline=LABEL budget=B only=LABEL at=B -->` and
`<!-- end compare -->`; each FOLDER is one of docs/data/transfer and holds the rows that `floorplan bench` left.
`budget` is the baseline's, `only` names one agent, `at` leaves out all runs of other budgets.
"""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parent / "transfer.md"
ROWS = PAGE.parent / "data" / "transfer"
BLOCK = re.compile(r"(<!-- begin compare ([^\n]*?) -->\n).*?(<!-- end compare -->)", re.DOTALL)


def table(arguments: str) -> str:
    """Return the Markdown of one comparison."""
    from floorplan.bench import RowStore
    from floorplan.bench.compare import compare, markdown

    pairs = re.findall(r"(\w+)=(\"[^\"]*\"|\S+)", arguments)
    known = {key: value.strip('"') for key, value in pairs}
    folders = re.sub(r"\w+=(\"[^\"]*\"|\S+)", "", arguments).split()
    rows = [row for folder in folders for row in RowStore(ROWS / folder).read().values()]
    if "at" in known:
        rows = [row for row in rows if row.budget == known["at"]]
    budget = known.get("budget")
    found = compare(rows, known["baseline"], budget)
    if "only" in known:
        found = [c for c in found if c.label == known["only"]]
    against = known["baseline"] if budget is None else f"{known['baseline']}, {budget}"
    return "\n".join(markdown(c, against) for c in found)


def rewritten(text: str) -> str:
    """Return the page with every table made anew."""
    return BLOCK.sub(lambda m: f"{m[1]}\n{table(m[2])}\n{m[3]}", text)


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
