"""`floorplan generate`: make a netlist from a chip template."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from floorplan.errors import ProblemError

__all__ = ["Generate"]


@dataclass(frozen=True)
class Generate:
    """Make the netlist and the initial placement of a chip template; the same call gives the same bytes."""

    template: tyro.conf.Positional[str] = "systolic_tile"
    """Name of the template; `--list` names them all."""

    out: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Folder for netlist.pb.txt, initial.plc and MANIFEST.toml, made if need be; its name becomes the netlist's."""

    seed: int = 1
    """Seed of everything that is drawn."""

    set: Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE"), tyro.conf.UseAppendAction] = ()
    """Parameter of the template that differs from its default, as in `mac_rows=64`; may be given several times."""

    list: tyro.conf.FlagCreatePairsOff[bool] = False
    """List the templates and their parameters instead."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON object instead of a list."""

    def run(self) -> int:
        """Generate, write, print what was made."""
        from floorplan.accelerator import TEMPLATES, parameters_of
        from floorplan.accelerator.command import parse_params, run
        from floorplan.cli.result import print_json

        if self.list:
            for name, template in TEMPLATES.items():
                sys.stdout.write(f"{name}: {template.about}\n")
                sys.stdout.writelines(f"  {key} = {value}\n" for key, value in vars(parameters_of(name)).items())
            return 0
        if self.out is None:
            raise ProblemError("floorplan generate needs --out FOLDER")
        made = run(self.template, parse_params(self.template, self.set), self.seed, self.out)
        if self.json:
            print_json(made)
        else:
            for key, value in made.items():
                sys.stdout.write(f"{key.replace('_', ' '):<13} {_plain(value)}\n")
        return 0


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {v}" for key, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
