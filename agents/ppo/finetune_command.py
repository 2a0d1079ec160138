"""`floorplan finetune`: train a policy further on one netlist, never to end below what it places at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from agents.ppo.command import add_run_flags, finish, sentence
from agents.ppo.commandline import add_set_flag, as_tree, run_command
from agents.ppo.config import ConfigError, RunConfig, load_config
from agents.ppo.policyfile import find_policy, read_card
from agents.ppo.tuneconfig import TuneConfig
from floorplan.errors import CheckpointError

if TYPE_CHECKING:
    from agents.ppo.finetune import FineTuner
    from agents.ppo.progress import Reporter

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="floorplan finetune",
        description="Train a policy further on one netlist and leave a run folder with the best placement and the best "
        "policy found; neither is worse than what the policy places without training.",
    )
    p.add_argument(
        "checkpoint", nargs="?", metavar="CHECKPOINT", help="run folder or .safetensors file of a policy, or `shipped`"
    )
    p.add_argument("netlist", nargs="?", type=Path, metavar="NETLIST", help="netlist in protobuf text")
    p.add_argument("--placement", type=Path, metavar="INITIAL", help=".plc that gives canvas and ports")
    add_set_flag(p, "ppo.epochs=3 or tune.samples=15")
    add_run_flags(p, "600s")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status, see `run_command`."""
    return run_command("floorplan finetune", _parser().parse_args(argv), _prepare, _finish, sentence)


def _prepare(args: argparse.Namespace) -> Callable[[Reporter], FineTuner]:
    if args.resume is None and (args.checkpoint is None or args.netlist is None):
        raise ConfigError("name a CHECKPOINT and a NETLIST, or a run to --resume")
    if args.resume is not None and (args.checkpoint is not None or args.set):
        raise ConfigError("--resume goes on with what the run was started on; it takes no CHECKPOINT, NETLIST or --set")
    return partial(_resumed if args.resume else _fresh, args)


def _finish(tuner: FineTuner) -> dict[str, Any]:
    return {**finish(tuner), **tuner.summary()}


def _settings(policy: Path, pairs: Sequence[str]) -> tuple[RunConfig, TuneConfig]:
    """Return all settings: network and game of the policy, the preset `finetune`, and what --set changes."""
    card = read_card(policy)
    tree = as_tree(pairs)
    own = tree.pop("tune", {})
    for name in ("network", "env"):
        if name in tree:
            raise ConfigError(f"--set {name}.*: the policy brings its own")
    return card.brought_into(load_config("finetune", tree)), _tune(own)


def _tune(tree: Any) -> TuneConfig:
    try:
        return TuneConfig.model_validate(tree)
    except ValidationError as e:
        causes = "; ".join(f"tune.{'.'.join(map(str, d['loc']))}: {d['msg']}" for d in e.errors())
        raise ConfigError(causes) from None


def _fresh(args: argparse.Namespace, reporter: Reporter) -> FineTuner:
    policy = find_policy(args.checkpoint)
    config, tune = _settings(policy, args.set)

    from agents.ppo.finetune import FineTuner
    from agents.ppo.runfolder import RunFolder, RunSource, default_out
    from floorplan.formats import read_problem

    problem = read_problem(args.netlist, args.placement)
    folder = RunFolder(args.out or default_out(args.netlist.resolve().parent.name))
    source = RunSource(args.netlist, args.placement, args.seed, policy)
    folder.create(config, source, problem, {"tune": tune.model_dump(mode="json")})
    tuner = FineTuner(problem, config, tune, policy, args.seed, folder, reporter, args.device)
    tuner.start()
    return tuner


def _resumed(args: argparse.Namespace, reporter: Reporter) -> FineTuner:
    from agents.ppo.finetune import FineTuner
    from agents.ppo.runfolder import RunFolder

    folder = RunFolder(args.resume)
    config, source, netlist_hash = folder.read()
    table = folder.table("tune")
    if source.policy is None or not table:
        raise CheckpointError(f"{folder.path} is no run of fine-tuning; continue it with `floorplan train --resume`")
    problem = folder.read_problem(source, netlist_hash)
    folder.check_policy(source)
    tuner = FineTuner(problem, config, _tune(table), source.policy, source.seed, folder, reporter, args.device)
    tuner.go_on()
    return tuner


if __name__ == "__main__":
    sys.exit(main())
