"""The chip templates by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from floorplan.accelerator.chip import Chip
from floorplan.accelerator.chiplet import Chiplet, chiplet
from floorplan.accelerator.decode_chip import DecodeChip, decode_chip
from floorplan.accelerator.gpu import GpuTile, gpu_tile
from floorplan.accelerator.lpu import SramFirst, sram_first
from floorplan.accelerator.parameters import SystolicTile
from floorplan.accelerator.prefill_chip import PrefillChip, prefill_chip
from floorplan.accelerator.synthetic import synthetic
from floorplan.accelerator.synthetic_parameters import Synthetic
from floorplan.accelerator.systolic import systolic_tile
from floorplan.accelerator.systolic_chip import SystolicChip, systolic_chip
from floorplan.errors import ProblemError, UnknownNameError
from floorplan.netlist import Problem

__all__ = ["CHIPS", "TEMPLATES", "Template", "chip", "generate", "parameter_types", "parameters_of"]


@dataclass(frozen=True)
class Template:
    """A kind of chip: its frozen parameter object and what makes a problem of one.

    Attributes:
        parameters: dataclass whose fields all have defaults; `parameters.variant(seed)` draws one.
        build: parameters -> problem, a pure function.
        about: one line for listings.
    """

    parameters: type[Any]
    build: Callable[[Any], Problem]
    about: str


CHIPS: dict[str, Callable[[Any], Chip]] = {
    "systolic_chip": systolic_chip,
    "gpu_tile": gpu_tile,
    "sram_first": sram_first,
    "prefill_chip": prefill_chip,
    "decode_chip": decode_chip,
    "chiplet": chiplet,
}
"""Templates of whole chips: name -> what makes a chip of their parameters."""


def _chip_template(name: str, parameters: type[Any], about: str) -> Template:
    return Template(parameters, lambda p: CHIPS[name](p).problem, about)


TEMPLATES: dict[str, Template] = {
    "systolic_tile": Template(SystolicTile, systolic_tile, "weight-stationary systolic accelerator tile"),
    "synthetic": Template(Synthetic, synthetic, "modules of SRAM groups, blocks and logic by Rent's rule, to train on"),
    "systolic_chip": _chip_template("systolic_chip", SystolicChip, "TPU-like chip: matrix units, common memory, HBM"),
    "gpu_tile": _chip_template("gpu_tile", GpuTile, "GPU-like chip: tiles, slices of L2, HBM"),
    "sram_first": _chip_template("sram_first", SramFirst, "LPU-like chip: weights in SRAM, no memory PHY"),
    "prefill_chip": _chip_template("prefill_chip", PrefillChip, "prefill chip: much arithmetic, GDDR"),
    "decode_chip": _chip_template("decode_chip", DecodeChip, "decode chip: engines by their HBM, SRAM for KV cache"),
    "chiplet": _chip_template("chiplet", Chiplet, "compute chiplet: HBM on one edge, die-to-die PHYs on the others"),
}


def parameter_types(name: str) -> dict[str, type[Any]]:
    """Return parameter -> type of template `name`.

    Raises:
        UnknownNameError: there is no such template.
    """
    template = TEMPLATES.get(name)
    if template is None:
        raise UnknownNameError("template", name, list(TEMPLATES))
    fields: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(template.parameters)
    return {f.name: _type_of(f.default) for f in fields}


def _type_of(value: object) -> type[Any]:
    return type(value)


def parameters_of(name: str, **params: object) -> Any:
    """Return the parameter object of template `name` with `params` set.

    Raises:
        UnknownNameError: there is no such template.
        ProblemError: it has no such parameter, or a value is of the wrong type or does not fit.
    """
    known = parameter_types(name)
    checked: dict[str, object] = {}
    for key, value in params.items():
        kind = known.get(key)
        if kind is None:
            raise ProblemError(f"template {name} has no parameter {key!r}; known: {', '.join(known)}")
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise ProblemError(f"parameter {key} of {name} must be {kind.__name__}, got {value!r}")
        checked[key] = value
    return TEMPLATES[name].parameters(**checked)


def generate(name: str, **params: object) -> Problem:
    """Generate the problem of template `name` with `params` set (see `parameters_of` for what is refused)."""
    parameters = parameters_of(name, **params)
    return TEMPLATES[name].build(parameters)


def chip(name: str, **params: object) -> Chip:
    """Make the chip of template `name` with `params` set.

    Raises:
        UnknownNameError: there is no such template of a whole chip.
        ProblemError: as `parameters_of` and the template itself say.
    """
    build = CHIPS.get(name)
    if build is None:
        raise UnknownNameError("chip", name, list(CHIPS))
    return build(parameters_of(name, **params))
