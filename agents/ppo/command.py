"""`floorplan train` and `python train.py`: the command line of a training run, checked before torch is imported."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.base import Budget
from agents.ppo.config import RunConfig, load_config, preset_names
from floorplan.errors import FloorplanError, InfeasibleProblemError
from floorplan.shipped import default_netlist

if TYPE_CHECKING:
    from agents.ppo.progress import Reporter
    from agents.ppo.trainer import Trainer

__all__ = ["main"]

DEFAULT_BUDGET = "300s"


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="floorplan train",
        description="Train a placement policy by masked PPO and leave a run folder with the best placement found.",
    )
    p.add_argument("--netlist", type=Path, help="protobuf-text netlist (default: the one that comes with the project)")
    p.add_argument("--placement", type=Path, help=".plc that gives canvas and ports (default: beside the netlist)")
    p.add_argument(
        "--preset", default="default", help=f"{', '.join(preset_names())}, or a .toml file (default: %(default)s)"
    )
    p.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="one setting, as in ppo.epochs=3; may be repeated",
    )
    p.add_argument(
        "--budget", help=f"60s seconds, 200000p macros placed, 100e episodes, in total (default: {DEFAULT_BUDGET})"
    )
    p.add_argument("--seed", type=int, default=0, help="seed of weights, episodes and shuffling (default: %(default)s)")
    where = p.add_mutually_exclusive_group()
    where.add_argument("--out", type=Path, help="run folder to make (default: runs/<netlist>-<time>)")
    where.add_argument("--resume", type=Path, metavar="RUN", help="run folder to continue, up to --budget in total")
    p.add_argument(
        "--device", choices=["cpu", "cuda"], default="cpu", help="where the network runs (default: %(default)s)"
    )
    p.add_argument("--quiet", action="store_true", help="no progress, warnings only")
    p.add_argument("--json", action="store_true", help="one JSON object a line on stdout: each update, then the result")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 when done, 2 for bad input and 3 for a problem that has no legal placement, with a one-line cause on stderr.
    """
    args = _parser().parse_args(argv)
    # Threads of torch's pool that wait for work spin by default, in the way of the placement kernels and of whatever
    # else runs: on two busy cores that made updates up to ten times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.basicConfig(level=logging.WARNING if args.quiet else logging.INFO, format="%(levelname)s %(message)s")
    try:
        return _run(args)
    except (FloorplanError, OSError) as e:
        print(f"floorplan train: {' '.join(str(e).split())}", file=sys.stderr)
        return 3 if isinstance(e, InfeasibleProblemError) else 2


def _run(args: argparse.Namespace) -> int:
    budget = Budget.parse(args.budget or DEFAULT_BUDGET)
    config = load_config(args.preset, _overrides(args.set))
    reporter = _reporter(args)
    try:
        reporter.note("loading")
        trainer = _resumed(args, reporter) if args.resume else _fresh(args, config, reporter)
        counters = trainer.run(budget)
        result = _finish(trainer)
    finally:
        reporter.close()
    if args.json:
        print(json.dumps({"event": "result", **result}), flush=True)
    elif not args.quiet:
        best = "none complete" if counters.best_proxy is None else f"proxy {counters.best_proxy:.6f}"
        print(
            f"{trainer.folder.path}: {counters.episodes} episodes in {counters.seconds:.0f} s, best placement: {best}"
        )
    return 0


def _fresh(args: argparse.Namespace, config: RunConfig, reporter: Reporter) -> Trainer:
    from agents.ppo.runfolder import RunFolder, RunSource
    from agents.ppo.trainer import Trainer
    from floorplan.formats import read_problem

    netlist = args.netlist or default_netlist()
    problem = read_problem(netlist, args.placement)
    out = args.out or Path("runs") / f"{netlist.resolve().parent.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    folder = RunFolder(out)
    folder.create(config, RunSource(netlist, args.placement, args.seed), problem)
    trainer = Trainer(problem, config, args.seed, folder, reporter, args.device)
    trainer.start()
    return trainer


def _resumed(args: argparse.Namespace, reporter: Reporter) -> Trainer:
    from agents.ppo.checkpoint import list_checkpoints
    from agents.ppo.runfolder import RunFolder
    from agents.ppo.trainer import Trainer
    from floorplan.errors import CheckpointError
    from floorplan.formats import read_problem

    folder = RunFolder(args.resume)
    config, source, netlist_hash = folder.read()
    problem = read_problem(source.netlist, source.placement)
    if problem.netlist.content_hash != netlist_hash:
        raise CheckpointError(f"{source.netlist} has changed since the run was started")
    trainer = Trainer(problem, config, source.seed, folder, reporter, args.device)
    if list_checkpoints(folder.checkpoints):
        trainer.resume()
    else:  # killed before its first checkpoint: the same seed takes the same course from the beginning
        folder.rewind_metrics(0)
        trainer.start()
    return trainer


def _finish(trainer: Trainer) -> dict[str, Any]:
    """Draw the pictures and return the result row."""
    from floorplan.formats import read_plc
    from floorplan.report.figures import write_curves_png, write_placement_png

    folder, c = trainer.folder, trainer.counters
    name = trainer.problem.netlist.name
    write_curves_png(folder.curves_png, folder.read_metrics(), f"{name}: {c.episodes} episodes")
    if folder.best.exists() and c.best_proxy is not None:
        placement = read_plc(folder.best, trainer.problem.netlist).placement
        title = f"{name}\nproxy {c.best_proxy:.4f} after {c.episodes} episodes"
        write_placement_png(folder.placement_png, trainer.problem, placement, title)
    return {
        "run": str(folder.path),
        "netlist_hash": trainer.problem.netlist.content_hash,
        "best_proxy": c.best_proxy,
        "episodes": c.episodes,
        "step": c.step,
        "seconds": round(c.seconds, 3),
        "dead_ends": c.dead_ends,
    }


def _reporter(args: argparse.Namespace) -> Reporter:
    from agents.ppo.progress import BarReporter, JsonReporter, QuietReporter

    if args.json:
        return JsonReporter()
    return QuietReporter() if args.quiet else BarReporter()


def _overrides(pairs: Sequence[str]) -> dict[str, Any]:
    """Turn `ppo.epochs=3` into {"ppo": {"epochs": "3"}}; pydantic turns the text into the field's type."""
    from agents.ppo.config import ConfigError, merge

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


if __name__ == "__main__":
    sys.exit(main())
