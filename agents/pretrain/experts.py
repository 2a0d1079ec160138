"""Near-best placements and accepted moves that search found, kept in files for a policy to learn from."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.base import Budget
from agents.pretrain.expertfiles import (
    Expert,
    ExpertSet,
    Move,
    Origin,
    Trail,
    number_of,
    read_row,
    remove_expert,
    row_fits,
    rows_of,
    write_expert,
    write_trail,
)
from agents.search.portfolio import PortfolioAgent
from agents.search.start import legal_start
from floorplan.cost import CostOptions
from floorplan.cost.incremental import IncrementalCost
from floorplan.env import MAP_CHANNELS, ConstructBatch, ConstructConfig
from floorplan.errors import ProblemError
from floorplan.interrupt import stop_wanted
from floorplan.netlist import Placement, Problem, check_legality
from floorplan.search import Chain

__all__ = ["Expert", "ExpertProgress", "ExpertSet", "Move", "Origin", "Trail", "collect_experts", "refresh"]

RANDOM_EVERY = 3
"""One search in so many begins from a random placement instead of the initial one, for variety."""

TRAIL_SHARE = 0.06
"""Of the time for a placement, what goes into a trail of single moves."""

DEAD_ENDS = 5
"""Episodes that may fail before the start of a trail is made another way."""

SHARPNESS = (-1.0, 1.5)
"""Bounds of the logarithm of how closely the start of a trail follows the game's estimates."""

TURN = 100
"""Proposals that descent may spend on one macro of a trail."""


@dataclass(frozen=True)
class ExpertProgress:
    """How far a collection is.

    Attributes:
        netlist: whose placement has just been found or was there already.
        proxy: of that placement.
        done: placements that exist.
        total: placements wanted.
    """

    netlist: str
    proxy: float
    done: int
    total: int


def collect_experts(
    problems: Mapping[str, Problem],
    folder: str | Path,
    seconds: float,
    placements_per_netlist: int,
    seed: int,
    progress: Callable[[ExpertProgress], None] | None = None,
    options: CostOptions | None = None,
) -> dict[str, ExpertSet]:
    """Search every problem several times and store what is found under folder/<name>; return all that is stored.

    Placements and trails that are there and belong to the problem are kept and not searched for again, so that an
    interrupted collection goes on where it was. One wish to stop (`floorplan.interrupt`) ends it after the search in
    hand.

    Args:
        problems: by the name of their folder.
        folder: made where it is missing.
        seconds: for all problems together, those placements counted that are there already.
        placements_per_netlist: how many to have of each.
        seed: of all searches.
        progress: is told after every placement.
        options: of the cost.

    Raises:
        ProblemError: seconds or placements_per_netlist are not above 0, or a name cannot be a folder's.
        ParseError: a stored file of this problem is damaged or wrong.
    """
    if not (seconds > 0 and placements_per_netlist > 0):
        raise ProblemError(f"seconds and placements must be above 0, got {seconds} and {placements_per_netlist}")
    root, total = Path(folder), len(problems) * placements_per_netlist
    each = seconds / max(total, 1)
    cost = options or CostOptions()
    for name in problems:
        if name in ("", "..") or Path(name).name != name:
            raise ProblemError(f"{name!r} cannot name a folder of placements")
        (root / name).mkdir(parents=True, exist_ok=True)
    # What a refresh has put in stands for what it pushed out.
    have = {
        n: {number_of(r, ".toml"): r for r in rows_of(root / n, ".toml") if row_fits(r, p)} for n, p in problems.items()
    }
    done = 0
    for number in range(placements_per_netlist):  # every netlist has its first before any has its second
        for name, problem in problems.items():
            if stop_wanted():
                break
            path, there = root / name, have[name]
            if number not in there and len(there) < placements_per_netlist:
                start = "random" if number % RANDOM_EVERY == RANDOM_EVERY - 1 else "auto"
                there[number] = _search(problem, path, number, each * (1 - TRAIL_SHARE), seed + number, start, cost)
            if not row_fits(path / f"{number:03d}.moves.toml", problem):
                write_trail(path, problem, _trail(problem, number, each * TRAIL_SHARE, seed + number, cost))
            done += 1
            if progress is not None:
                row = there[number] if number in there else there[max(there)]
                progress(ExpertProgress(name, float(read_row(row)["cost"]["proxy"]), done, total))
    return {n: ExpertSet.load(root / n, p, options) for n, p in problems.items() if (root / n).is_dir()}


def refresh(
    experts: ExpertSet,
    problem: Problem,
    placement: Placement,
    seconds: float,
    seed: int,
    keep: int,
    options: CostOptions | None = None,
) -> tuple[ExpertSet, Expert | None]:
    """Search on from a policy's placement; store what is found if there is room or it beats the worst that is stored.

    Args:
        experts: what is stored so far.
        problem: whose placements they are.
        placement: of the policy; legalised where it has to be.
        seconds: for the search.
        seed: of the search.
        keep: placements to store at most.
        options: of the cost.

    Returns:
        the set as it is now, and what came in, or None.
    """
    cost = options or CostOptions()
    given = problem.replace(initial=placement)
    budget = Budget("s", seconds)
    found = PortfolioAgent(start="initial", chains=1, cost=cost).place(given, budget, seed)
    full = len(experts.experts) >= keep
    if full and found.cost.proxy >= experts.worst.cost.proxy:
        return experts, None
    number = max((e.number for e in experts.experts), default=-1) + 1
    new = Expert(number, found.placement, found.cost, Origin(seed, str(budget), "policy"))
    experts.folder.mkdir(parents=True, exist_ok=True)
    write_expert(experts.folder, problem, new)
    stay = list(experts.experts)
    if full:
        remove_expert(experts.folder, stay.pop().number)
    stay.append(new)
    return ExpertSet(experts.folder, tuple(sorted(stay, key=lambda e: e.cost.proxy)), experts.trails), new


def _search(
    problem: Problem, folder: Path, number: int, seconds: float, seed: int, start: str, cost: CostOptions
) -> Path:
    """Search, store what is found, and return its row."""
    budget = Budget("s", seconds)
    found = PortfolioAgent(start=start, cost=cost).place(problem, budget, seed)
    expert = Expert(number, found.placement, found.cost, Origin(seed, str(budget), start))
    return write_expert(folder, problem, expert)


def _trail(problem: Problem, number: int, seconds: float, seed: int, cost: CostOptions) -> Trail:
    """Play the construct game badly, then let descent move macros one by one, each at least once, in the time."""
    start = _middling(problem, seed, cost)
    chain = Chain(problem, start, seed, cost)
    rng = np.random.default_rng(seed)
    exact = IncrementalCost(problem, start, cost)
    moves: list[Move] = []
    ends = time.perf_counter() + seconds
    passes = 0
    while (not passes or time.perf_counter() < ends) and not stop_wanted():
        before = len(moves)
        for node in rng.permutation(problem.movable_hard).tolist():
            if passes and time.perf_counter() > ends:
                break
            was = chain.engine.state.x[node], chain.engine.state.y[node], chain.engine.state.orient[node]
            chain.descend(TURN, np.array([node], np.int64))
            s = chain.engine.state
            if (s.x[node], s.y[node], s.orient[node]) == was:
                continue
            then = exact.cost.proxy
            exact.propose(node, s.x[node], s.y[node], s.orient[node : node + 1])
            gain = then - exact.commit().proxy
            if gain > 0:
                moves.append(Move(node, float(s.x[node]), float(s.y[node]), int(s.orient[node]), gain))
            else:  # two sums of the same numbers may differ in the last bit; such a move teaches nothing
                chain.go_to(exact.placement)
        passes += 1
        if len(moves) == before:
            break
    return Trail(number, start, tuple(moves))


def _middling(problem: Problem, seed: int, cost: CostOptions) -> Placement:
    """Return a legal placement that is neither good nor random: cells drawn by the game's estimate of their cost."""
    rng = np.random.default_rng(seed)
    batch = ConstructBatch(problem, 1, ConstructConfig(cost=cost), seed)
    estimate = batch.obs["maps"][0, MAP_CHANNELS.index("cost_change")].reshape(-1)
    for _ in range(DEAD_ENDS):
        sharpness = math.exp(rng.uniform(*SHARPNESS))
        done = False
        while not done:
            noisy = sharpness * estimate - rng.gumbel(size=estimate.shape)
            result = batch.step(np.array([np.argmin(np.where(batch.masks[0], noisy, np.inf))]))
            done = bool(result.done[0])
        if batch.finished and check_legality(problem, batch.finished[0].placement).legal:
            return batch.finished[0].placement
    return legal_start(problem, "random", cost, seed)
