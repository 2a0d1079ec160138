"""`floorplan study`: one command for each study of chips, placements and the estimator."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from floorplan.errors import ProblemError

__all__ = ["Study"]

_LISTED = 14


@dataclass(frozen=True)
class Study:
    """Run a study and store its rows, a JSON object a line; without a name, list the studies there are."""

    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME")] = ""
    """Of the study."""

    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Rows to write (.jsonl); what was there is replaced once the study is done."""

    templates: Annotated[str, tyro.conf.arg(metavar="T,...")] = ""
    """Chips studied, by comma; default: all six."""

    model: Annotated[str, tyro.conf.arg(metavar="M")] = "llama3-8b"
    """Language model, where the study does not vary it."""

    workload: Annotated[str, tyro.conf.arg(metavar="W")] = "chatbot"
    """What it is asked, where the study does not vary it."""

    placements: Annotated[int, tyro.conf.arg(metavar="N")] = 200
    """Legal placements per template in `correlation`."""

    seeds: Annotated[int, tyro.conf.arg(metavar="N")] = 3
    """Runs of each kind."""

    proposals: Annotated[int, tyro.conf.arg(metavar="N")] = 400_000
    """Of an annealing run."""

    samples: Annotated[int, tyro.conf.arg(metavar="N")] = 200
    """Draws of the uncertain constants, and resamples of the bootstrap."""

    def run(self) -> int:
        """Run the study; progress goes to stderr, one line for what was written to stdout."""
        from floorplan.bench.studies import STUDIES, Setting, run_study

        if not self.name:
            sys.stdout.writelines(f"{name:<{_LISTED}}{study.about}\n" for name, study in STUDIES.items())
            return 0
        if self.out is None:
            raise ProblemError("a study needs --out FILE for its rows")
        chosen = {"templates": tuple(self.templates.split(","))} if self.templates else {}
        setting = Setting(
            model=self.model,
            workload=self.workload,
            placements=self.placements,
            seeds=self.seeds,
            proposals=self.proposals,
            samples=self.samples,
            **chosen,
        )
        count = run_study(self.name, self.out, setting, self._tell)
        sys.stdout.write(f"{count} rows in {self.out}\n")
        return 0

    def _tell(self, text: str) -> None:
        sys.stderr.write(f"{self.name}: {text}\n")
