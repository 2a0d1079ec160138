"""`floorplan place`: let an agent place the macros of a netlist."""

from __future__ import annotations

import inspect
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from floorplan.cli.options import OptionError, need_folders
from floorplan.errors import InfeasibleProblemError
from floorplan.interrupt import interruptible, stop_wanted
from floorplan.plugins import agent_class, parse_budget

if TYPE_CHECKING:
    from floorplan.cost import Cost, CostOptions
    from floorplan.estimate.goal import Goal
    from floorplan.netlist import Problem
    from floorplan.search.term_goal import TermGoal

__all__ = ["INTERRUPTED", "Place"]


INTERRUPTED = 130
"""128 + SIGINT, what shells report for a command stopped by Ctrl-C."""

_PATIENCE_S = 5.0
"""Seconds of silence before a person is told that the machine is compiling."""


@dataclass(frozen=True)
class Place:
    """Place the macros of a netlist and write the result."""

    files: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="NETLIST")]
    """Design in any format that convert reads, as in `netlist.pb.txt` or `cells.lef top.def`."""

    out: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """Where to write the placement: .plc, or any other suffix that convert writes, as in placed.def or macros.tcl."""

    placement: Annotated[Path | None, tyro.conf.arg(metavar="INITIAL")] = None
    """Placement that gives the canvas, the ports and the fixed nodes; without one, the file beside the netlist."""

    constraints: Annotated[Path | None, tyro.conf.arg(metavar="FILE.toml")] = None
    """Fixed macros, halos, spacings, blockages, regions, orientations, snapping and preferred edges, to be kept."""

    agent: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Who places: any installed agent; `policy` where --policy is given, else `portfolio`."""

    set: Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE"), tyro.conf.UseAppendAction] = ()
    """Option of the agent, as in `start=random` or `schedule.hot=0.2`; may be given several times."""

    policy: Annotated[Path | None, tyro.conf.arg(metavar="RUN|FILE")] = None
    """Run folder or .safetensors file of a trained policy; `--agent policy` without one takes the shipped policy."""

    budget: Annotated[str, tyro.conf.arg(metavar="B")] = "60s"
    """What may be spent: 60s (seconds), 200000p (proposals) or 10e (complete placements)."""

    seed: int = 0
    """Seed of everything random."""

    objective: Annotated[str, tyro.conf.arg(metavar="NAME|WEIGHTS")] = "proxy"
    """What to place for: proxy, or with a chip, a model and a workload tokens-per-joule, tokens-per-second,
    tokens-per-joule-second, joules-and-proxy, or weights as in `joules=2,nanoseconds=1,temperature=0.01,limit_c=95`."""

    term: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=WEIGHT"), tyro.conf.UseAppendAction] = ()
    """Cost term of an installed package that is added to the proxy with a weight; may be given several times. Half of
    the budget, which must be in seconds or proposals, then goes to annealing for the sum."""

    chip: Annotated[str | None, tyro.conf.arg(metavar="TEMPLATE")] = None
    """Template that the netlist was generated from, for objectives other than proxy."""

    set_chip: Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE"), tyro.conf.UseAppendAction] = ()
    """Parameter of the template that differs from its default; may be given several times."""

    model: Annotated[str | None, tyro.conf.arg(metavar="M")] = None
    """Language model that the chip serves, as in `llama3-70b`."""

    workload: Annotated[str | None, tyro.conf.arg(metavar="W")] = None
    """What it is asked: chatbot, coding, web-use or computer-use."""

    png: Annotated[Path | None, tyro.conf.arg(metavar="FILE.png")] = None
    """Also draw the placement here."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON object instead of a table."""

    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """Show no progress."""

    def run(self) -> int:
        """Place, write, print; Ctrl-C ends the search early, writes the best placement so far and returns 130.

        Raises:
            OptionError: flags do not go together, or the folder of an output does not exist.
            InfeasibleProblemError: the agent found no legal placement.
        """
        from floorplan.cli.ready import ready_to_place
        from floorplan.cli.result import cost_line, print_json, print_table, result_object
        from floorplan.cost import CostEngine, CostOptions
        from floorplan.formats import write_plc
        from floorplan.formats.read import read_design
        from floorplan.formats.write import OF_CHIP, suffix_of, write_placed
        from floorplan.netlist import check_legality

        need_folders(self.out, self.png)
        if not self.files:
            raise OptionError("place takes at least one file: the design")
        suffix = suffix_of(self.out)
        name = self.agent or ("policy" if self.policy else "portfolio")
        budget = parse_budget(self.budget)
        options = CostOptions()
        agent_class(name)
        design = read_design(*self.files, placement=self.placement, need_canvas=True)
        ready = ready_to_place(design, self.constraints)
        problem = ready.problem
        goal = self._goal(problem, options)
        agent, told = _make(name, self.policy, self.set, goal.surrogate.options if goal else options)
        if budget.kind == "s":
            _get_ready(agent, self.budget, goal, quiet=self.quiet)
        with _progress(name, quiet=self.quiet) as report, interruptible():
            if goal is None:
                done = agent.place(problem, budget, self.seed, report)
            else:
                done, aim = _place_for(goal, agent, budget, self.seed, report)
                aim["agent_told_weights"] = told
            stopped = stop_wanted()

        if design.format in ("lefdef", "verilog") and suffix in OF_CHIP:
            done = replace(done, placement=ready.on_chip_grid(done.placement))
        # What an agent says of itself is not taken on trust: cost and legality are computed here, alike for all agents.
        cost = CostEngine(problem, options).full(done.placement)
        legality = check_legality(problem, done.placement)
        if not legality.legal:
            raise InfeasibleProblemError(f"agent {name!r} returned a placement that is {legality.summary()}")
        final = ready.of_design(done.placement)
        if suffix == ".plc":
            write_plc(self.out, ready.design.problem, final, _plc_costs(cost) if ready.host is None else {})
        else:
            write_placed(self.out, ready.design, final, self.files)
        if self.png:
            from floorplan.report import write_placement_png

            title = f"{problem.netlist.name} placed by {name}\n{cost_line(cost, options)}"
            write_placement_png(self.png, problem, done.placement, title)
        if self.json:
            spent = {"seconds": done.seconds, "proposals": done.proposals, "episodes": done.episodes}
            result = result_object(problem, cost, options, legality)
            ran = {"agent": name, "seed": self.seed, "budget": self.budget, **spent, "out": str(self.out)}
            if ready.host is not None:
                ran["clusters"] = ready.groups
            print_json({**result, **ran, **({"objective": aim} if goal else {})})
        else:
            spent_text = f"{done.seconds:.1f} s, {done.proposals:,} proposals, {done.episodes:,} episodes"
            extra = {"agent": f"{name}, seed {self.seed}", "spent": spent_text, "written": str(self.out)}
            if ready.host is not None:
                extra["clustered"] = f"{len(design.problem.netlist.soft):,} cells into {ready.groups:,} soft macros"
            print_table(problem, cost, options, legality, {**extra, **(_aim_rows(aim) if goal else {})})
        return INTERRUPTED if stopped else 0

    def _goal(self, problem: Problem, options: CostOptions) -> Goal | TermGoal | None:
        """Return what to place for beside the proxy, None for the proxy alone."""
        if self.term:
            if self.objective != "proxy":
                raise OptionError("--term adds to the proxy; leave out --objective")
            from floorplan.search.term_goal import TermGoal
            from floorplan.search.terms import CostTerms

            goal = TermGoal(CostTerms(problem, _term_weights(self.term), options=options))
            goal.polish_share(parse_budget(self.budget).kind)
            return goal
        if self.objective == "proxy":
            return None
        if self.chip is None or self.model is None or self.workload is None:
            raise OptionError(f"--objective {self.objective} needs --chip, --model and --workload")
        from floorplan.accelerator.command import parse_params
        from floorplan.accelerator.llm import model
        from floorplan.accelerator.templates import chip
        from floorplan.accelerator.workloads import workload
        from floorplan.estimate import load_of
        from floorplan.estimate.goal import goal_of

        made = chip(self.chip, **parse_params(self.chip, self.set_chip))
        load = load_of(made, model(self.model), workload(self.workload))
        return goal_of(self.objective, problem, made, load, options)


def _term_weights(given: tuple[str, ...]) -> dict[str, float]:
    """Return NAME=WEIGHT pairs as a table."""
    out: dict[str, float] = {}
    for pair in given:
        name, equals, text = pair.partition("=")
        try:
            out[name.strip()] = float(text)
        except ValueError:
            equals = ""
        if not equals or not name.strip():
            raise OptionError(f"--term takes NAME=WEIGHT, got {pair!r}")
    return out


def _place_for(goal: Any, agent: Any, budget: Any, seed: int, report: Any) -> tuple[Any, dict[str, Any]]:
    """Let an agent place the surrogate of a `Goal` or `TermGoal`, polish, and return result and what is said of it."""
    share = goal.polish_share(budget.kind) * budget.amount
    share = int(share) if budget.kind == "p" else share
    first = agent.place(goal.surrogate.problem, replace(budget, amount=budget.amount - share), seed, report)
    before = goal.reward.score(first.placement)
    limit = {"proposals": share} if budget.kind == "p" else {"seconds": share}
    polished = goal.finish(first.placement, seed, **limit)
    done = replace(
        first,
        placement=polished.placement,
        proposals=first.proposals + polished.proposals,
        seconds=first.seconds + polished.seconds,
    )
    return done, goal.to_dict(polished.scored, before)


def _aim_rows(aim: dict[str, Any]) -> dict[str, str]:
    rows = {"objective": f"{aim['name']}, reward {aim['reward']:.4f} (agent alone {aim['reward_before_polish']:.4f})"}
    for name, value in aim.get("terms", {}).items():
        rows[name] = f"{value:.6g}"
    for key, unit in (("j_per_token", "J"), ("ns_per_token", "ns"), ("temperature_c", "degC")):
        if aim.get(key) is not None:
            rows[key.replace("_", " ")] = f"{aim[key]:.6g} {unit}"
    return rows


def _get_ready(agent: Any, budget: str, goal: Goal | TermGoal | None, *, quiet: bool) -> None:
    """Load and compile what the agent needs before its clock starts; the first time on a machine that takes minutes."""
    from floorplan.bench.warmup import warm_up

    def tell() -> None:
        sys.stderr.write("compiling for this machine, once: may take two minutes, does not count as budget\n")

    late = threading.Timer(_PATIENCE_S, tell)
    if not quiet:
        late.start()
    try:
        # What goes wrong here goes wrong on the real problem too, or is of the small problem's making.
        warm_up(agent, budget)
        if goal is not None:
            goal.get_ready()
    finally:
        late.cancel()


def _make(name: str, policy: Path | None, given: tuple[str, ...], cost: CostOptions) -> tuple[Any, bool]:
    """Return the agent, and whether it takes the weights of the cost."""
    from floorplan.bench.options import set_up_agent
    from floorplan.bench.suite import AgentSpec, SuiteError

    made = agent_class(name)
    options = _table(given)
    if policy is not None and "policy" not in inspect.signature(made).parameters:
        raise OptionError(f"agent {name!r} takes no policy; leave out --policy or use --agent policy")
    try:
        setup = set_up_agent(Path("--set"), "", AgentSpec(label=name, agent=name, options=options), cost)
    except SuiteError as error:
        raise OptionError(f"agent {name!r}: {str(error).replace('--set: .options.', '--set ', 1)}") from None
    return setup.make(**setup.arguments, **({} if policy is None else {"policy": policy})), setup.optimises


def _table(given: tuple[str, ...]) -> dict[str, Any]:
    """Return KEY=VALUE pairs as a table; values are TOML, or else text; dots in a key open inner tables."""
    out: dict[str, Any] = {}
    for pair in given:
        key, equals, text = pair.partition("=")
        names = key.strip().split(".")
        if not equals or not all(names):
            raise OptionError(f"--set takes KEY=VALUE, got {pair!r}")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        inner = out
        for name in names[:-1]:
            inner = inner.setdefault(name, {})
            if not isinstance(inner, dict):
                raise OptionError(f"--set {pair!r}: {name} has a value already")
        inner[names[-1]] = value
    return out


def _plc_costs(cost: Cost) -> dict[str, str]:
    """Return the header fields in which .plc files state costs; shortest text that reads back as the same double."""
    return {
        "Wirelength": repr(cost.wirelength_um),
        "Wirelength cost": repr(cost.wirelength),
        "Congestion cost": repr(cost.congestion),
        "Density cost": repr(cost.density),
    }


@contextmanager
def _progress(name: str, *, quiet: bool) -> Iterator[Callable[[Any], None] | None]:
    """Yield what to call with each `Progress`: it moves a bar on stderr, or prints lines where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    if quiet:
        yield None
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(console, name)
        return
    columns = (
        TextColumn(name),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, refresh_per_second=4) as bar:
        task = bar.add_task("place", total=1.0, figures="")
        yield lambda p: bar.update(task, completed=min(p.spent_frac, 1.0), figures=_figures(p))


class _Lines:
    """Prints a line every 10 s, for logs."""

    def __init__(self, console: Any, name: str) -> None:
        self.console = console
        self.name = name
        self.next_s = time.monotonic() + 10.0

    def __call__(self, p: Any) -> None:
        if time.monotonic() >= self.next_s:
            self.next_s = time.monotonic() + 10.0
            self.console.print(f"{self.name}: {100 * min(p.spent_frac, 1.0):.0f} %  {_figures(p)}", highlight=False)


def _figures(p: Any) -> str:
    best = "none yet" if p.best is None else f"{p.best.proxy:.4f}"
    rate = p.proposals / p.seconds if p.seconds > 0 else 0.0
    parts = (f"best {best}", f"{p.episodes:,} episodes", f"{rate:,.0f} proposals/s", _left(p), p.note)
    return "  ".join(part for part in parts if part)


def _left(p: Any) -> str:
    if not 0 < p.spent_frac < 1:
        return ""
    return f"{p.seconds * (1 - p.spent_frac) / p.spent_frac:,.0f} s left"
