"""`floorplan train` and `python train.py`: the command line of a training run, checked before torch is imported."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.base import Budget
from agents.ppo.config import ConfigError, RunConfig, load_config, merge, preset_names
from agents.ppo.policyfile import find_policy, read_card
from floorplan.errors import CheckpointError, FloorplanError, InfeasibleProblemError
from floorplan.shipped import default_netlist

if TYPE_CHECKING:
    from agents.ppo.progress import Reporter
    from agents.ppo.trainer import Trainer

__all__ = ["add_run_flags", "as_tree", "finish", "main", "make_reporter", "set_up_logging", "tell_result"]

DEFAULT_BUDGET = "300s"

DEFAULT_START = "scratch"
"""What a run starts from if told nothing: `scratch` (fresh weights), `shipped` (the project's policy), or a path."""


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="floorplan train",
        description="Train a placement policy by masked PPO and leave a run folder with the best placement found.",
    )
    p.add_argument("--netlist", type=Path, help="protobuf-text netlist (default: the one that comes with the project)")
    p.add_argument("--placement", type=Path, help=".plc that gives canvas and ports (default: beside the netlist)")
    p.add_argument(
        "--from",
        dest="start",
        metavar="POLICY",
        default=DEFAULT_START,
        help="what to start from: `scratch`, `shipped`, or a run folder or .safetensors file of a policy, whose "
        "network and game it then is (default: %(default)s); `floorplan finetune` is made for that",
    )
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
    add_run_flags(p, DEFAULT_BUDGET)
    return p


def add_run_flags(p: argparse.ArgumentParser, budget: str) -> None:
    """Add what every kind of training run takes."""
    p.add_argument("--budget", help=f"60s seconds, 200000p macros placed, 100e episodes, in total (default: {budget})")
    p.add_argument("--seed", type=int, default=0, help="seed of weights, episodes and shuffling (default: %(default)s)")
    where = p.add_mutually_exclusive_group()
    where.add_argument("--out", type=Path, help="run folder to make (default: runs/<netlist>-<time>)")
    where.add_argument("--resume", type=Path, metavar="RUN", help="run folder to continue, up to --budget in total")
    p.add_argument(
        "--device", choices=["cpu", "cuda"], default="cpu", help="where the network runs (default: %(default)s)"
    )
    p.add_argument("--quiet", action="store_true", help="no progress, warnings only")
    p.add_argument("--json", action="store_true", help="one JSON object a line on stdout: each update, then the result")


def set_up_logging(*, quiet: bool) -> None:
    """Bring torch's threads and the log to how a run wants them; before torch is imported."""
    # Threads of torch's pool that wait for work spin by default, in the way of the placement kernels and of whatever
    # else runs: on two busy cores that made updates up to ten times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.basicConfig(level=logging.WARNING if quiet else logging.INFO, format="%(levelname)s %(message)s")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 when done, 2 for bad input and 3 for a problem that has no legal placement, with a one-line cause on stderr.
    """
    args = _parser().parse_args(argv)
    set_up_logging(quiet=args.quiet)
    try:
        return _run(args)
    except (FloorplanError, OSError) as e:
        print(f"floorplan train: {' '.join(str(e).split())}", file=sys.stderr)
        return 3 if isinstance(e, InfeasibleProblemError) else 2


def _run(args: argparse.Namespace) -> int:
    budget = Budget.parse(args.budget or DEFAULT_BUDGET)
    config = load_config(args.preset, as_tree(args.set))
    reporter = make_reporter(args)
    try:
        reporter.note("loading")
        trainer = _resumed(args, reporter) if args.resume else _fresh(args, config, reporter)
        trainer.run(budget)
        result = finish(trainer)
    finally:
        reporter.close()
    tell_result(args, trainer, result)
    return 0


def tell_result(args: argparse.Namespace, trainer: Trainer, result: dict[str, Any]) -> None:
    """Print how a run ended, as --json and --quiet ask."""
    counters = trainer.counters
    if args.json:
        print(json.dumps({"event": "result", **result}), flush=True)
    elif not args.quiet:
        best = "none complete" if counters.best_proxy is None else f"proxy {counters.best_proxy:.6f}"
        print(
            f"{trainer.folder.path}: {counters.episodes} episodes in {counters.seconds:.0f} s, best placement: {best}"
        )


def _fresh(args: argparse.Namespace, config: RunConfig, reporter: Reporter) -> Trainer:
    from agents.ppo.runfolder import RunFolder, RunSource, default_out
    from agents.ppo.trainer import Trainer
    from floorplan.formats import read_problem

    netlist = args.netlist or default_netlist()
    start: Path | None = None
    if args.start != "scratch":
        start = find_policy(args.start)
        card = read_card(start)
        if any(pair.startswith(("env.", "network.")) for pair in args.set):
            raise ConfigError("--set env.* and network.*: the policy of --from brings its own")
        config = config.model_copy(update={"env": card.env, "network": card.network})
    problem = read_problem(netlist, args.placement)
    folder = RunFolder(args.out or default_out(netlist))
    folder.create(config, RunSource(netlist, args.placement, args.seed, start), problem)
    trainer = Trainer(problem, config, args.seed, folder, reporter, args.device)
    if start is not None:
        trainer.begin_from(start)
    trainer.start()
    return trainer


def _resumed(args: argparse.Namespace, reporter: Reporter) -> Trainer:
    from agents.ppo.checkpoint import list_checkpoints
    from agents.ppo.runfolder import RunFolder
    from agents.ppo.trainer import Trainer
    from floorplan.formats import read_problem

    folder = RunFolder(args.resume)
    config, source, netlist_hash = folder.read()
    problem = read_problem(source.netlist, source.placement)
    if problem.netlist.content_hash != netlist_hash:
        raise CheckpointError(f"{source.netlist} has changed since the run was started")
    if folder.table("tune"):
        raise CheckpointError(f"{folder.path} is a run of fine-tuning; continue it with `floorplan finetune --resume`")
    trainer = Trainer(problem, config, source.seed, folder, reporter, args.device)
    if list_checkpoints(folder.checkpoints):
        trainer.resume()
    else:  # killed before its first checkpoint: the same seed takes the same course from the beginning
        folder.rewind_metrics(-1)
        if source.policy is not None:
            folder.check_policy(source)
            trainer.begin_from(source.policy)
        trainer.start()
    return trainer


def finish(trainer: Trainer) -> dict[str, Any]:
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


def make_reporter(args: argparse.Namespace) -> Reporter:
    """Return what speaks for a run as --json and --quiet ask."""
    from agents.ppo.progress import BarReporter, JsonReporter, QuietReporter

    if args.json:
        return JsonReporter()
    return QuietReporter() if args.quiet else BarReporter()


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


if __name__ == "__main__":
    sys.exit(main())
