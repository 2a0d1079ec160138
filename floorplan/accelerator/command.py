"""What `floorplan generate` does: a template's netlist, its ports' placement and a manifest, into a folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from floorplan.accelerator.templates import TEMPLATES, parameter_types, parameters_of
from floorplan.errors import ProblemError
from floorplan.files import atomic_write_text
from floorplan.formats import write_netlist, write_plc
from floorplan.netlist import Problem

__all__ = ["MANIFEST_FILE", "NETLIST_FILE", "PLACEMENT_FILE", "manifest", "parse_params", "run"]

NETLIST_FILE = "netlist.pb.txt"
PLACEMENT_FILE = "initial.plc"
MANIFEST_FILE = "MANIFEST.toml"
LICENCE = "Apache-2.0"


def run(template: str, params: Mapping[str, object], seed: int, out: Path) -> dict[str, object]:
    """Generate a netlist into folder `out`: `netlist.pb.txt`, `initial.plc` and `MANIFEST.toml`.

    The same arguments write the same bytes. Files of these names are replaced.

    Args:
        template: key in `TEMPLATES`.
        params: of the template; what is left out keeps its default.
        seed: of everything that is drawn.
        out: folder, made if need be; its name becomes the netlist's.

    Returns:
        The manifest, and under `files` the paths written.

    Raises:
        UnknownNameError: there is no such template.
        ProblemError: a parameter does not exist or does not fit.
        OSError: a file cannot be written.
    """
    if "seed" in params:
        raise ProblemError("the seed is an argument of its own, not one of the parameters")
    parameters = parameters_of(template, **params, seed=seed)
    problem = TEMPLATES[template].build(parameters)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    about = manifest(folder.resolve().name, template, parameters, problem)
    write_netlist(folder / NETLIST_FILE, problem.netlist)
    write_plc(folder / PLACEMENT_FILE, problem, problem.initial)
    atomic_write_text(folder / MANIFEST_FILE, _to_toml(about))
    files = [str(folder / name) for name in (NETLIST_FILE, PLACEMENT_FILE, MANIFEST_FILE)]
    return {**about, "files": files}


def manifest(name: str, template: str, parameters: Any, problem: Problem) -> dict[str, object]:
    """Return what there is to know of a generated netlist: how it was made, its content hash, counts and canvas."""
    nl, cv = problem.netlist, problem.canvas
    area = nl.node_w_um * nl.node_h_um
    canvas_um2 = cv.width_um * cv.height_um
    return {
        "name": name,
        "template": template,
        "seed": parameters.seed,
        "licence": LICENCE,
        "netlist_hash": nl.content_hash,
        "counts": {
            "hard_macros": len(nl.hard),
            "soft_macros": len(nl.soft),
            "ports": len(nl.ports),
            "pins": nl.num_pins,
            "nets": nl.num_nets,
        },
        "canvas": {
            "width_um": cv.width_um,
            "height_um": cv.height_um,
            "columns": cv.columns,
            "rows": cv.rows,
            "hard_utilisation_frac": round(float(area[nl.hard].sum()) / canvas_um2, 4),
            "utilisation_frac": round(float(area.sum()) / canvas_um2, 4),
        },
        "parameters": {k: v for k, v in dataclasses.asdict(parameters).items() if k != "seed"},
    }


def parse_params(template: str, settings: Iterable[str]) -> dict[str, object]:
    """Read `key=value` texts, as a command line gives them, by the types of the template's parameters.

    Raises:
        UnknownNameError: there is no such template.
        ProblemError: a text is not of that form, names no parameter, or its value is of another type.
    """
    kinds = parameter_types(template)
    out: dict[str, object] = {}
    for setting in settings:
        key, equals, text = (part.strip() for part in setting.partition("="))
        if not equals:
            raise ProblemError(f"parameter {setting!r} is not of the form key=value")
        if key not in kinds:
            raise ProblemError(f"template {template} has no parameter {key!r}; known: {', '.join(kinds)}")
        try:
            out[key] = kinds[key](text)
        except ValueError:
            raise ProblemError(f"parameter {key} of {template} must be {kinds[key].__name__}, got {text!r}") from None
    return out


def _to_toml(about: Mapping[str, object]) -> str:
    import tomli_w

    return tomli_w.dumps(about)
