"""`floorplan pretrain`: the command line of a run on many netlists, checked before torch is imported."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.base import Budget
from agents.ppo.command import as_tree, set_up_logging
from agents.ppo.config import load_config, preset_names
from agents.pretrain.folder import METHODS, PretrainFolder, RunStart
from agents.pretrain.pool import load_pool
from floorplan.errors import FloorplanError, InfeasibleProblemError

if TYPE_CHECKING:
    from agents.ppo.progress import Reporter
    from agents.pretrain.trainer import Pretrainer

__all__ = ["main"]

DEFAULT_BUDGET = "30m"


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="floorplan pretrain",
        description="Train one placement policy on a pool of netlists and leave the one that is best on held-out ones.",
    )
    p.add_argument("pool", type=Path, nargs="?", help="pool file: what is trained on, what is held out")
    where = p.add_mutually_exclusive_group()
    where.add_argument("--out", type=Path, help="run folder to make (default: runs/<pool>-<time>)")
    where.add_argument("--resume", type=Path, metavar="RUN", help="run folder to continue, up to --budget in total")
    p.add_argument(
        "--budget", default=DEFAULT_BUDGET, help="30m time or 1000e episodes, in total (default: %(default)s)"
    )
    p.add_argument("--seed", type=int, default=0, help="seed of weights, draws and episodes (default: %(default)s)")
    p.add_argument(
        "--method",
        choices=METHODS,
        default="both",
        help="learn from placements that search finds, from play (ppo), or both (default: %(default)s)",
    )
    p.add_argument(
        "--preset", default="default", help=f"{', '.join(preset_names())}, or a .toml file (default: %(default)s)"
    )
    p.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="one setting, as in ppo.epochs=3 or pool.envs=8; may be repeated",
    )
    p.add_argument(
        "--device", choices=["cpu", "cuda"], default="cpu", help="where the network runs (default: %(default)s)"
    )
    p.add_argument("--quiet", action="store_true", help="no progress, warnings only")
    p.add_argument("--json", action="store_true", help="one JSON object a line on stdout: each round, then the result")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 when done, 2 for bad input and 3 where no netlist can be placed, with a one-line cause on stderr.
    """
    parser = _parser()
    args = parser.parse_args(argv)
    if (args.pool is None) == (args.resume is None):
        parser.error("give a pool file, or --resume with a run that has its own")
    set_up_logging(quiet=args.quiet)
    try:
        return _run(args)
    except (FloorplanError, OSError) as e:
        print(f"floorplan pretrain: {' '.join(str(e).split())}", file=sys.stderr)
        return 3 if isinstance(e, InfeasibleProblemError) else 2


def _run(args: argparse.Namespace) -> int:
    budget = Budget.parse(args.budget)
    reporter = _reporter(args)
    try:
        reporter.note("loading")
        trainer = _resumed(args, reporter) if args.resume else _fresh(args, reporter)
        state = trainer.run(budget)
        result = _finish(trainer)
    finally:
        reporter.close()
    if args.json:
        print(json.dumps({"event": "result", **result}), flush=True)
    elif not args.quiet:
        score = "nothing held out" if state.best_score is None else f"best held-out score {state.best_score:.4f}"
        print(f"{trainer.folder.path}: {state.episodes} episodes in {state.seconds:.0f} s, {score} (1 is greedy)")
    return 0


def _fresh(args: argparse.Namespace, reporter: Reporter) -> Pretrainer:
    tree = as_tree(args.set)
    settings = _typed(tree.pop("pool", {}))
    config = load_config(args.preset, tree)
    pool = load_pool(args.pool, settings)
    from agents.pretrain.trainer import Pretrainer

    folder = PretrainFolder(args.out or Path("runs") / f"{args.pool.stem}-{time.strftime('%Y%m%d-%H%M%S')}")
    start = RunStart(config, args.seed, args.method, settings)
    folder.check_new()
    trainer = Pretrainer(pool, start, folder, reporter, args.device)
    folder.begin(start, pool)  # only now, so that a pool that is refused leaves no folder behind
    return trainer


def _resumed(args: argparse.Namespace, reporter: Reporter) -> Pretrainer:
    from agents.pretrain.trainer import Pretrainer

    folder = PretrainFolder(args.resume)
    start, pool = folder.reopen()
    trainer = Pretrainer(pool, start, folder, reporter, args.device)
    trainer.resume()
    return trainer


def _typed(settings: dict[str, Any]) -> dict[str, Any]:
    """Read the texts of `--set pool.KEY=VALUE` as TOML does, so that the pool's strict types hold."""
    import tomllib

    out: dict[str, Any] = {}
    for key, text in settings.items():
        try:
            out[key] = _typed(text) if isinstance(text, dict) else tomllib.loads(f"v = {text}")["v"]
        except tomllib.TOMLDecodeError:
            out[key] = text
    return out


def _finish(trainer: Pretrainer) -> dict[str, Any]:
    """Draw the curves and return the result row."""
    from agents.pretrain.curves import write_pretrain_png

    folder, s = trainer.folder, trainer.state
    write_pretrain_png(folder.curves_png, folder.read_metrics(), f"{trainer.pool.path.stem}: {s.episodes} episodes")
    return {
        "run": str(folder.path),
        "policy": str(folder.policy),
        "episodes": s.episodes,
        "rounds": s.round,
        "netlists": len(s.seen),
        "held_out": s.best_score,
        "seconds": round(s.seconds, 3),
        "dead_ends": s.dead_ends,
    }


def _reporter(args: argparse.Namespace) -> Reporter:
    from agents.ppo.progress import JsonReporter, QuietReporter
    from agents.pretrain.progress import PretrainBar

    if args.json:
        return JsonReporter()
    return QuietReporter() if args.quiet else PretrainBar()


if __name__ == "__main__":
    sys.exit(main())
