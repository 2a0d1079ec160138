"""Entry point of the `floorplan` command: verbs, exit codes and what goes to which stream.

stdout carries results only; logs, progress and errors go to stderr. Exit codes: 0 done (also when the verdict on a
placement is ILLEGAL), 1 a benchmark in which not all is well, 2 bad input, 3 no legal placement found, 130 interrupted.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any, Union

from floorplan.cli.bench import Bench, BenchCompare, BenchReport, BenchRescore
from floorplan.cli.cluster import Cluster
from floorplan.cli.convert import Convert
from floorplan.cli.estimate import Estimate
from floorplan.cli.evaluate import Evaluate
from floorplan.cli.fetch import Fetch
from floorplan.cli.generate import Generate
from floorplan.cli.inspect import Inspect
from floorplan.cli.place import INTERRUPTED, Place
from floorplan.cli.plot import Plot
from floorplan.cli.report import Report
from floorplan.cli.roofline import Roofline
from floorplan.cli.study import Study
from floorplan.cli.view import View
from floorplan.errors import FloorplanError, InfeasibleProblemError
from floorplan.plugins import command_names, load_command

__all__ = ["EXIT_BAD_INPUT", "EXIT_INTERRUPTED", "EXIT_NO_LEGAL_PLACEMENT", "main"]

EXIT_BAD_INPUT = 2
EXIT_NO_LEGAL_PLACEMENT = 3
EXIT_INTERRUPTED = INTERRUPTED

_Verb = (
    Bench
    | Cluster
    | Convert
    | Estimate
    | Evaluate
    | Fetch
    | Generate
    | Inspect
    | Place
    | Plot
    | Report
    | Roofline
    | Study
    | View
)
_VERBS: dict[str, type[_Verb]] = {
    "bench": Bench,
    "cluster": Cluster,
    "convert": Convert,
    "estimate": Estimate,
    "evaluate": Evaluate,
    "fetch": Fetch,
    "generate": Generate,
    "inspect": Inspect,
    "place": Place,
    "plot": Plot,
    "report": Report,
    "roofline": Roofline,
    "study": Study,
    "view": View,
}
_SECOND_VERBS: dict[tuple[str, ...], type[BenchCompare | BenchReport | BenchRescore]] = {
    ("bench", "compare"): BenchCompare,
    ("bench", "report"): BenchReport,
    ("bench", "rescore"): BenchRescore,
}
_DESCRIPTION = "Floorplan: place the macros of a chip and say exactly what the layout costs."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code; `argv` defaults to the command line's arguments."""
    args = list(sys.argv[1:] if argv is None else argv)
    # Read when an OpenMP pool is made: torch's idle threads then sleep and leave the cores to the placement kernels.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        return _run(args)
    except InfeasibleProblemError as error:
        return _fail(error, EXIT_NO_LEGAL_PLACEMENT)
    except (FloorplanError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # The reader of our output has gone (`| head`); nothing more can be said there, not even at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        return _fail(error, EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        print("floorplan: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def _run(args: list[str]) -> int:
    if args and args[0] not in _VERBS and args[0] in command_names():
        return load_command(args[0])(args[1:]) or 0

    import tyro

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    second = _SECOND_VERBS.get(tuple(args[:2]))
    if second is not None:
        chosen = tyro.cli(second, prog=f"floorplan {' '.join(args[:2])}", args=args[2:])
    else:
        chosen = tyro.cli(_parser(), prog="floorplan", description=_DESCRIPTION, args=args)
    code: int = chosen.run()
    sys.stdout.flush()
    return code


def _parser() -> Any:
    """Return the union of all verbs; those of other distributions are listed so that --help shows them."""
    import tyro

    verbs: list[Any] = [Annotated[verb, tyro.conf.subcommand(name, prefix_name=False)] for name, verb in _VERBS.items()]
    for name in command_names():
        if name not in _VERBS:
            text = f"See `floorplan {name} --help`."
            added = type(name.title(), (), {"__doc__": text})
            verbs.append(Annotated[added, tyro.conf.subcommand(name, prefix_name=False, description=text)])
    return Union[tuple(verbs)]  # noqa: UP007  # the members are only known at run time


def _fail(error: Exception, code: int) -> int:
    message = " ".join(str(error).split()) or type(error).__name__
    print(f"floorplan: {message}", file=sys.stderr)
    return code
