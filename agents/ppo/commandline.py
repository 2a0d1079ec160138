"""What the commands that train have in common: flags, and how a run is set going, reported on and ended."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from agents.base import Budget
from agents.ppo.config import ConfigError, merge, preset_names
from floorplan.errors import FloorplanError, InfeasibleProblemError

if TYPE_CHECKING:
    from agents.ppo.progress import BarReporter, Reporter
    from agents.ppo.runfolder import RunFolder

__all__ = [
    "add_budget_flags",
    "add_folder_flags",
    "add_live_flags",
    "add_output_flags",
    "add_preset_flag",
    "add_set_flag",
    "as_tree",
    "run_command",
]


class Run(Protocol):
    """A run of training that is ready to go on."""

    @property
    def folder(self) -> RunFolder:
        """Where it leaves what it finds."""

    def run(self, budget: Budget) -> object:
        """Train until the budget is spent."""


R = TypeVar("R", bound=Run)


def add_preset_flag(p: argparse.ArgumentParser) -> None:
    """Add `--preset`."""
    p.add_argument(
        "--preset", default="default", help=f"{', '.join(preset_names())}, or a .toml file (default: %(default)s)"
    )


def add_set_flag(p: argparse.ArgumentParser, example: str) -> None:
    """Add `--set`, whose values `as_tree` reads."""
    p.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help=f"one setting, as in {example}; may be repeated",
    )


def add_budget_flags(p: argparse.ArgumentParser, default: str, forms: str, seeded: str) -> None:
    """Add `--budget` and `--seed`."""
    p.add_argument("--budget", default=default, help=f"{forms}, in total (default: %(default)s)")
    p.add_argument("--seed", type=int, default=0, help=f"seed of {seeded} (default: %(default)s)")


def add_folder_flags(p: argparse.ArgumentParser, subject: str) -> None:
    """Add `--out` and `--resume`, of which one may be given."""
    where = p.add_mutually_exclusive_group()
    where.add_argument("--out", type=Path, help=f"run folder to make (default: runs/<{subject}>-<time>)")
    where.add_argument("--resume", type=Path, metavar="RUN", help="run folder to continue, up to --budget in total")


def add_output_flags(p: argparse.ArgumentParser, unit: str) -> None:
    """Add `--device`, `--quiet` and `--json`."""
    p.add_argument(
        "--device", choices=["cpu", "cuda"], default="cpu", help="where the network runs (default: %(default)s)"
    )
    p.add_argument("--quiet", action="store_true", help="no progress, warnings only")
    p.add_argument(
        "--json", action="store_true", help=f"one JSON object a line on stdout: each {unit}, then the result"
    )


def add_live_flags(p: argparse.ArgumentParser) -> None:
    """Add `--live`, `--live-port` and `--no-browser`."""
    p.add_argument("--live", action="store_true", help="watch the run in the browser, in a process of its own")
    p.add_argument(
        "--live-port", type=int, metavar="N", default=0, help="port of --live on 127.0.0.1; 0: 8765, or any free one"
    )
    p.add_argument("--no-browser", action="store_true", help="with --live: print the address, open no browser")


def as_tree(pairs: Sequence[str]) -> dict[str, Any]:
    """Turn `ppo.epochs=3` into {"ppo": {"epochs": "3"}}; pydantic turns the text into the field's type."""
    tree: dict[str, Any] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign:
            raise ConfigError(f"--set {pair}: must be KEY=VALUE")
        leaf: Any = value
        for part in reversed(key.split(".")):
            leaf = {part: leaf}
        tree = merge(tree, leaf)
    return tree


def run_command(
    program: str,
    args: argparse.Namespace,
    prepare: Callable[[argparse.Namespace], Callable[[Reporter], R]],
    finish: Callable[[R], dict[str, Any]],
    sentence: Callable[[R], str],
    bar: Callable[[], BarReporter] | None = None,
) -> int:
    """Do all that a command that trains does once its line is parsed.

    Args:
        program: as the user calls it, for messages.
        args: with the flags of all `add_..._flags`.
        prepare: checks `args` and returns what makes the run, or reads it from its folder; torch is imported there.
        finish: leaves what a run ends with in its folder and returns the result row.
        sentence: the result in words.
        bar: makes the live progress; None: that of a run on one netlist.

    Returns:
        0 when done, 2 for bad input and 3 for a problem that has no legal placement, with a one-line cause on stderr.
    """
    _set_up_logging(quiet=args.quiet)
    try:
        budget = Budget.parse(args.budget)
        if not 0 <= getattr(args, "live_port", 0) <= 65535:
            raise ConfigError(f"--live-port must be 0 to 65535, got {args.live_port}")
        begin = prepare(args)
        reporter = _reporter(args, bar)
        try:
            reporter.note("loading")
            run = begin(reporter)
            with _watched(run.folder, args, reporter), _told(run.folder, budget):
                run.run(budget)
                result = finish(run)
        finally:
            reporter.close()
    except (FloorplanError, OSError) as e:
        print(f"{program}: {' '.join(str(e).split())}", file=sys.stderr)
        return 3 if isinstance(e, InfeasibleProblemError) else 2
    if args.json:
        print(json.dumps({"event": "result", **result}), flush=True)
    elif not args.quiet:
        print(sentence(run))
    return 0


@contextmanager
def _told(folder: RunFolder, budget: Budget) -> Iterator[None]:
    """Let the folder say what is going on with the run."""
    began = time.time()
    folder.write_status("running", budget, began)
    state = "failed"
    try:
        yield
        state = "ended"
    finally:
        folder.write_status(state, budget, began)


@contextmanager
def _watched(folder: RunFolder, args: argparse.Namespace, reporter: Reporter) -> Iterator[None]:
    """Have the viewer at hand while the run goes on, where `--live` asks for it."""
    if not getattr(args, "live", False):
        yield
        return
    from agents.ppo.live import LiveViewer, display

    def say(text: str) -> None:
        console = getattr(reporter, "console", None)
        if console is None:  # these reporters pass nothing on, but the address was asked for
            print(text, file=sys.stderr, flush=True)
        else:
            console.print(text, highlight=False, soft_wrap=True)  # an address must stay in one piece

    viewer = LiveViewer(folder.path, args.live_port, say, browser=not args.no_browser and display())
    try:
        yield
    finally:
        viewer.close()


def _set_up_logging(*, quiet: bool) -> None:
    """Bring torch's threads and the log to how a run wants them; before torch is imported."""
    # Threads of torch's pool that wait for work spin by default, in the way of the placement kernels and of whatever
    # else runs: on two busy cores that made updates up to ten times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.basicConfig(level=logging.WARNING if quiet else logging.INFO, format="%(levelname)s %(message)s")


def _reporter(args: argparse.Namespace, bar: Callable[[], BarReporter] | None) -> Reporter:
    from agents.ppo.progress import BarReporter, JsonReporter, QuietReporter

    if args.json:
        return JsonReporter()
    return QuietReporter() if args.quiet else (bar or BarReporter)()
