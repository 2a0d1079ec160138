"""`floorplan train` and `python train.py`: the command line of a training run, checked before torch is imported."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.ppo.commandline import (
    add_budget_flags,
    add_folder_flags,
    add_live_flags,
    add_output_flags,
    add_preset_flag,
    add_set_flag,
    as_tree,
    run_command,
)
from agents.ppo.config import ConfigError, RunConfig, load_config
from agents.ppo.policyfile import find_policy, read_card
from floorplan.errors import CheckpointError
from floorplan.shipped import default_netlist

if TYPE_CHECKING:
    from agents.ppo.progress import Reporter
    from agents.ppo.trainer import Trainer

__all__ = ["add_run_flags", "finish", "main", "sentence"]

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
    add_preset_flag(p)
    add_set_flag(p, "ppo.epochs=3")
    add_run_flags(p, "300s")
    return p


def add_run_flags(p: argparse.ArgumentParser, budget: str) -> None:
    """Add what every run on one netlist takes."""
    forms = "60s seconds, 200000p macros placed, 100e episodes"
    add_budget_flags(p, budget, forms, "weights, episodes and shuffling")
    add_folder_flags(p, "netlist")
    add_output_flags(p, "update")
    add_live_flags(p)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status, see `run_command`."""
    return run_command("floorplan train", _parser().parse_args(argv), _prepare, finish, sentence)


def _prepare(args: argparse.Namespace) -> Callable[[Reporter], Trainer]:
    config = load_config(args.preset, as_tree(args.set))
    return lambda reporter: _resumed(args, reporter) if args.resume else _fresh(args, config, reporter)


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
        config = card.brought_into(config)
    problem = read_problem(netlist, args.placement)
    folder = RunFolder(args.out or default_out(netlist.resolve().parent.name))
    folder.create(config, RunSource(netlist, args.placement, args.seed, start), problem)
    trainer = Trainer(problem, config, args.seed, folder, reporter, args.device)
    if start is not None:
        trainer.begin_from(start)
    trainer.start()
    return trainer


def _resumed(args: argparse.Namespace, reporter: Reporter) -> Trainer:
    from agents.ppo.checkpointfiles import list_checkpoints
    from agents.ppo.runfolder import RunFolder
    from agents.ppo.trainer import Trainer

    folder = RunFolder(args.resume)
    config, source, netlist_hash = folder.read()
    if folder.table("tune"):
        raise CheckpointError(f"{folder.path} is a run of fine-tuning; continue it with `floorplan finetune --resume`")
    problem = folder.read_problem(source, netlist_hash)
    trainer = Trainer(problem, config, source.seed, folder, reporter, args.device)
    if source.policy is not None and not list_checkpoints(folder.checkpoints):
        folder.check_policy(source)
        trainer.begin_from(source.policy)
    trainer.go_on()
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


def sentence(trainer: Trainer) -> str:
    """Return in words how a run ended."""
    c = trainer.counters
    best = "none complete" if c.best_proxy is None else f"proxy {c.best_proxy:.6f}"
    return f"{trainer.folder.path}: {c.episodes} episodes in {c.seconds:.0f} s, best placement: {best}"


if __name__ == "__main__":
    sys.exit(main())
