"""`floorplan estimate`: watts, nanoseconds and tokens per joule of a placed chip."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

if TYPE_CHECKING:
    from floorplan.accelerator.chip import Chip
    from floorplan.estimate import Estimate as Estimated
    from floorplan.netlist import Legality, Placement

__all__ = ["Estimate"]

_HEADLINE = ("ns_per_token", "tokens_per_s", "tokens_per_s_per_w", "usd_per_mtoken", "temperature_max_c", "wns_ps")
_SHOWN = 10


@dataclass(frozen=True)
class Estimate:
    """Say what a placed chip delivers: ns and J per token, tokens per watt, dollars, temperature, slack."""

    placement: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN|PLACEMENT")]
    """Placement (.plc, also .gz or .xz) of the chip's netlist, or a run folder with best.plc or placement.plc in it."""

    chip: Annotated[str, tyro.conf.arg(metavar="TEMPLATE")]
    """Template of the chip; `floorplan generate --list` names them all."""

    model: Annotated[str, tyro.conf.arg(metavar="M")]
    """Language model that it serves, as in `llama3-70b`."""

    workload: Annotated[str, tyro.conf.arg(metavar="W")]
    """What it is asked: chatbot, coding, web-use or computer-use."""

    set: Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE"), tyro.conf.UseAppendAction] = ()
    """Parameter of the template that differs from its default; may be given several times."""

    precision: Annotated[str | None, tyro.conf.arg(metavar="P")] = None
    """Of weights and KV cache: bf16, fp8, nvfp4, ...; default: what the chip multiplies."""

    batch: Annotated[int | None, tyro.conf.arg(metavar="B")] = None
    """Requests decoded together; default: what fits, at most 64."""

    chips: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Chips that share the model; default: the fewest that hold it."""

    stages: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Pipeline stages that the chips make; default: one, but as many as serve best on chips without external memory."""

    phase: Literal["both", "decode", "prefill"] = "both"
    """Count the workload's mix of phases, or one alone."""

    technology: Annotated[str | None, tyro.conf.arg(metavar="NODE")] = None
    """Process node of wires and energies: ng45, asap7, sky130, n28 to n7; default: the chip's."""

    samples: Annotated[int, tyro.conf.arg(metavar="N")] = 200
    """Draws of the uncertain constants behind the error bars."""

    seed: int = 1
    """Seed of the draws."""

    hotspot: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Also write chip.flp and chip.ptrace for HotSpot here."""

    plot: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Also draw energy, nets, critical buses and temperature here."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON object instead of tables."""

    def run(self) -> int:
        """Estimate and print; an illegal placement is a result, without any number, not an error."""
        from floorplan.accelerator.command import parse_params
        from floorplan.accelerator.llm import model
        from floorplan.accelerator.templates import chip
        from floorplan.accelerator.workloads import workload
        from floorplan.cli.result import print_json
        from floorplan.estimate import Estimator, EstimatorOptions, IllegalPlacementError, load_of
        from floorplan.estimate.placed import read_placed

        made = chip(self.chip, **parse_params(self.chip, self.set))
        load = load_of(
            made,
            model(self.model),
            workload(self.workload),
            self.precision,
            self.batch,
            self.chips,
            self.phase,
            stages=self.stages,
        )
        placement = read_placed(self.placement, made)
        options = EstimatorOptions(technology=self.technology, samples=self.samples, seed=self.seed)
        estimator = Estimator(made, load, options)
        try:
            estimate = estimator.estimate(placement)
        except IllegalPlacementError as error:
            if self.json:
                print_json(_refusal(estimator.chip.name, load.name, error.legality))
            else:
                sys.stdout.write(
                    f"{load.name}\n{error.legality.summary(_SHOWN)}\nno estimate of an illegal placement\n"
                )
            return 0
        self._write(made, placement, estimate)
        if self.json:
            print_json(estimate.to_dict(_SHOWN))
        else:
            _print(estimate)
        return 0

    def _write(self, chip: Chip, placement: Placement, estimate: Estimated) -> None:
        if self.hotspot:
            from floorplan.estimate import write_hotspot

            write_hotspot(self.hotspot, chip.problem, placement, estimate)
        if self.plot:
            from floorplan.estimate.figures import write_estimate_figures

            write_estimate_figures(self.plot, chip.problem, placement, estimate)


def _refusal(chip: str, load: str, legality: Legality) -> dict[str, Any]:
    """Return what is said of an illegal placement: every headline number is null, never low."""
    return {
        "legal": False,
        "verdict": "ILLEGAL",
        "violations": [v.to_dict() for v in legality.violations],
        "chip": chip,
        "load": load,
        **dict.fromkeys(_HEADLINE),
        "j_per_token": None,
    }


def _print(estimate: Estimated) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 160)
    console.print(f"{estimate.load}, {estimate.technology}: legal")

    def table(*columns: str) -> Table:
        made = Table(box=None, pad_edge=False)
        for i, name in enumerate(columns):
            made.add_column(name, justify="left" if i == 0 else "right", no_wrap=True)
        return made

    results = table("", "value", "unit", "5 %", "95 %")
    rows = {**estimate.quantities, **{f"  {name}": part for name, part in estimate.parts.items()}}
    for name, q in rows.items():
        bars = [f"{v:.4g}" if v == v else "" for v in (q.low, q.high)]
        results.add_row(name.replace("_", " "), f"{q.value:.5g}", q.unit, *bars)
    console.print(results)
    for title, nets in (
        ("nets that cost most", estimate.nets.ranking(_SHOWN)),
        ("critical nets", estimate.nets.critical(_SHOWN)),
    ):
        shown = table(title, "traffic", "um", "bits/token", "J/token", "stages", "slack ps")
        for r in nets:
            shown.add_row(
                f"{r['source']} #{r['net']}",
                r["traffic"],
                f"{r['length_um']:,.0f}",
                f"{r['bits_per_token']:.3g}",
                f"{r['j_per_token']:.3g}",
                str(r["stages"]),
                f"{r['slack_ps']:.1f}",
            )
        console.print()
        console.print(shown)
