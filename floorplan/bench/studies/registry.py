"""The studies by name, and how one is run to a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from floorplan.bench.studies.setting import Row, Setting, Tell, rounded
from floorplan.errors import UnknownNameError

__all__ = ["STUDIES", "Study", "read_rows", "run_study"]


@dataclass(frozen=True)
class Study:
    """One study.

    Attributes:
        module: that holds its `rows(setting, tell)`, in `floorplan.bench.studies`.
        about: one line for listings.
    """

    module: str
    about: str

    def rows(self, setting: Setting, tell: Tell) -> Iterator[Row]:
        """Yield the rows, as they are found; `tell` hears what is being done."""
        made: Callable[[Setting, Tell], Iterator[Row]]
        made = import_module(f"floorplan.bench.studies.{self.module}").rows
        return made(setting, tell)


STUDIES: dict[str, Study] = {
    "paths": Study("paths", "traffic x path x energy of each template's buses: why a chip is sensitive to its layout"),
    "correlation": Study("correlation", "rank correlation of the proxy and its parts with J and ns a token"),
    "elasticity": Study("elasticity", "d log(tokens per J) / d log(length) by template, model, batch and workload"),
    "swap": Study("swap", "prefill and decode chips, placed for either phase, under both"),
    "reward": Study("reward", "wirelength against traffic-weighted wirelength at equal budget"),
    "measured": Study("measured", "power against wirelength of placed and routed designs, one design left out"),
    "rankings": Study("rankings", "random, annealed and policy placements with error bars; do rankings survive?"),
}


def run_study(name: str, out: Path, setting: Setting | None = None, tell: Tell = lambda _: None) -> int:
    """Run a study and write its rows to `out`, a JSON object a line; return how many.

    Rows gather in `out` + ".part", which takes the place of `out` when the study is done.

    Raises:
        UnknownNameError: there is no such study.
    """
    study = STUDIES.get(name)
    if study is None:
        raise UnknownNameError("study", name, list(STUDIES))
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    count = 0
    with part.open("w", encoding="utf-8") as file:
        for row in study.rows(setting or Setting(), tell):
            file.write(json.dumps({"study": name, **rounded(row)}, separators=(",", ":")) + "\n")
            file.flush()
            count += 1
    part.replace(out)
    return count


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a file that `run_study` wrote."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
