"""`floorplan pretrain`: the command line of a run on many netlists, checked before torch is imported."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.ppo.commandline import (
    add_budget_flags,
    add_folder_flags,
    add_output_flags,
    add_preset_flag,
    add_set_flag,
    as_tree,
    run_command,
)
from agents.ppo.config import ConfigError, load_config
from agents.ppo.policyfile import find_policy, read_card
from agents.ppo.runfolder import default_out
from agents.pretrain.folder import METHODS, PretrainFolder, RunStart
from agents.pretrain.modelcard import write_model_card
from agents.pretrain.pool import load_pool

if TYPE_CHECKING:
    from agents.ppo.progress import BarReporter, Reporter
    from agents.pretrain.trainer import Pretrainer

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="floorplan pretrain",
        description="Train one placement policy on a pool of netlists and leave the one that is best on held-out ones.",
    )
    p.add_argument("pool", type=Path, nargs="?", help="pool file: what is trained on, what is held out")
    add_folder_flags(p, "pool")
    add_budget_flags(p, "30m", "30m time or 1000e episodes", "weights, draws and episodes")
    p.add_argument(
        "--method",
        choices=METHODS,
        default=METHODS[0],
        help="learn by evolution over whole rollouts, from placements that search finds (clone), from play (ppo); "
        "one after the other (default: %(default)s)",
    )
    p.add_argument(
        "--from",
        dest="start",
        metavar="POLICY",
        help="begin with a policy's network and weights (shipped, a run folder, a policy folder or a .safetensors "
        "file); the game is the preset's",
    )
    add_preset_flag(p)
    add_set_flag(p, "ppo.epochs=3 or pool.envs=8")
    add_output_flags(p, "round")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status, see `run_command`."""
    parser = _parser()
    args = parser.parse_args(argv)
    if (args.pool is None) == (args.resume is None):
        parser.error("give a pool file, or --resume with a run that has its own")
    return run_command("floorplan pretrain", args, _prepare, _finish, _sentence, _bar)


def _prepare(args: argparse.Namespace) -> Callable[[Reporter], Pretrainer]:
    return partial(_resumed if args.resume else _fresh, args)


def _fresh(args: argparse.Namespace, reporter: Reporter) -> Pretrainer:
    tree = as_tree(args.set)
    settings = _typed(tree.pop("pool", {}))
    config = load_config(args.preset, tree)
    policy: Path | None = None
    if args.start is not None:
        if "network" in tree:
            raise ConfigError("--set network.*: the policy of --from brings its own")
        policy = find_policy(args.start)
        config = config.model_copy(update={"network": read_card(policy).network})
    pool = load_pool(args.pool, settings)
    from agents.pretrain.trainer import Pretrainer

    folder = PretrainFolder(args.out or default_out(args.pool.stem))
    start = RunStart(config, args.seed, args.method, settings, policy)
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
    """Draw the curves, write the model cards and return the result row."""
    from agents.pretrain.curves import write_pretrain_png

    folder, s = trainer.folder, trainer.state
    metrics = folder.read_metrics()
    write_pretrain_png(folder.curves_png, metrics, f"{trainer.pool.path.stem}: {s.episodes} episodes")
    for policy in (folder.policy, folder.last):
        write_model_card(policy, read_card(policy), folder.read_netlists(), metrics)
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


def _sentence(trainer: Pretrainer) -> str:
    s = trainer.state
    score = "nothing held out" if s.best_score is None else f"best held-out score {s.best_score:.4f}"
    return f"{trainer.folder.path}: {s.episodes} episodes in {s.seconds:.0f} s, {score} (1 is greedy)"


def _bar() -> BarReporter:
    from agents.pretrain.progress import PretrainBar

    return PretrainBar()


if __name__ == "__main__":
    sys.exit(main())
