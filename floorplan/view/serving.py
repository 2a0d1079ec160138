"""Which chip is looked at and what it serves: named on the command line, or told by the manifest by its netlist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floorplan.errors import FloorplanError, ProblemError
from floorplan.files import read_toml

if TYPE_CHECKING:
    from floorplan.accelerator.chip import Chip
    from floorplan.estimate.load import Load, Mix
    from floorplan.netlist import Problem

__all__ = ["ASSUMED_TECHNOLOGY", "MODEL", "WORKLOAD", "Serving", "Wanted", "check_same", "chip_beside", "serving_of"]

MODEL, WORKLOAD = "llama3-8b", "chatbot"
"""What a chip is taken to serve where nobody says."""

ASSUMED_TECHNOLOGY = "ng45"
"""Node of a design that no chip template made, unless one is named: that of the public benchmarks."""

_NO_CHIP = "no chip is known: name its template with --chip T (and --model M, --workload W)"


@dataclass(frozen=True)
class Wanted:
    """What the command line says of chip and load, as `floorplan estimate` takes it; None leaves it open.

    Attributes:
        chip: template.
        settings: `KEY=VALUE` of the template's parameters that differ.
        model: language model.
        workload: what it is asked.
        precision: of weights and cache.
        batch: requests decoded together.
        chips: that share the model.
        stages: of the pipeline.
        phase: both, decode or prefill.
        technology: node of wires and energies.
    """

    chip: str | None = None
    settings: tuple[str, ...] = ()
    model: str | None = None
    workload: str | None = None
    precision: str | None = None
    batch: int | None = None
    chips: int | None = None
    stages: int | None = None
    phase: Mix = "both"
    technology: str | None = None

    def made(self) -> Chip | None:
        """Return the chip that is named; None where none is.

        Raises:
            FloorplanError: there is no such template or parameter, or parameters without a template.
        """
        if self.chip is None:
            if self.settings:
                raise ProblemError("--set gives parameters of a template; name it with --chip T")
            return None
        from floorplan.accelerator.command import parse_params
        from floorplan.accelerator.templates import chip

        return chip(self.chip, **parse_params(self.chip, self.settings))


@dataclass(frozen=True, eq=False)
class Serving:
    """A chip under a load.

    Attributes:
        chip: whose netlist is looked at.
        load: bits, operations and sizes.
        technology: node; None takes the chip's.
        said: where chip and load come from, in words.
    """

    chip: Chip
    load: Load
    technology: str | None
    said: str


def serving_of(wanted: Wanted, chip: Chip, said: str) -> Serving:
    """Return the chip under the load that is wanted; what is left open is `MODEL` under `WORKLOAD`, and said so.

    Raises:
        FloorplanError: there is no such model or workload, or it does not fit.
    """
    from floorplan.accelerator.llm import model
    from floorplan.accelerator.workloads import workload
    from floorplan.estimate import load_of

    model_name, workload_name = wanted.model or MODEL, wanted.workload or WORKLOAD
    load = load_of(
        chip,
        model(model_name),
        workload(workload_name),
        wanted.precision,
        wanted.batch,
        wanted.chips,
        wanted.phase,
        stages=wanted.stages,
    )
    left_open = [f"--{name}" for name, given in (("model", wanted.model), ("workload", wanted.workload)) if not given]
    if left_open:
        said += f"; {model_name} with {workload_name} is assumed: {' and '.join(left_open)} say otherwise"
    return Serving(chip, load, wanted.technology, said)


def chip_beside(netlist: Path | None, problem: Problem) -> tuple[Chip | None, str]:
    """Return the chip that the manifest beside a netlist says was generated there, and in words how that is known.

    Without one, or where it does not describe this netlist, the words say why not.
    """
    from floorplan.accelerator.command import MANIFEST_FILE

    file = None if netlist is None else netlist.parent / MANIFEST_FILE
    if file is None or not file.is_file():
        return None, _NO_CHIP
    try:
        about, _ = read_toml(file, lambda cause: ProblemError(f"{file.name}: {cause}"))
        return _described(about, problem), f"found by {MANIFEST_FILE} beside the netlist"
    except FloorplanError as error:
        return None, str(error)


def _described(about: Mapping[str, Any], problem: Problem) -> Chip:
    """Return the chip that a manifest describes.

    Raises:
        FloorplanError: it describes no chip, or another netlist than this one.
    """
    from floorplan.accelerator.templates import CHIPS, chip

    template, parameters = about.get("template"), about.get("parameters", {})
    if not isinstance(template, str) or template not in CHIPS:
        raise ProblemError(f"template {template} is not a whole chip: {', '.join(CHIPS)} are")
    if not isinstance(parameters, dict) or about.get("netlist_hash") != problem.netlist.content_hash:
        raise ProblemError("the manifest beside the netlist describes another one")
    made = chip(template, seed=about.get("seed"), **parameters)
    check_same(made, problem)
    return made


def check_same(chip: Chip, problem: Problem) -> None:
    """Check that a problem is that of the chip.

    Raises:
        ProblemError: netlist or canvas is another.
    """
    ours, theirs = chip.problem.canvas, problem.canvas
    if chip.problem.netlist.content_hash != problem.netlist.content_hash:
        raise ProblemError(f"this is not the netlist of chip {chip.name}; parameters that differ are given by --set")
    if max(abs(ours.width_um - theirs.width_um), abs(ours.height_um - theirs.height_um)) > 1e-3:
        raise ProblemError(f"this is not the canvas of chip {chip.name}")
