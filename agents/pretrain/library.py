"""The netlists of a run: read or generated when they are wanted, with hash and reference cost, and kept apart."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable

from agents.ppo.config import RunConfig
from agents.ppo.progress import Reporter
from agents.pretrain.curriculum import Draw
from agents.pretrain.folder import NetlistRow, PretrainFolder
from agents.pretrain.member import LiveCache, SizedT, reference_cost, variant_of
from agents.pretrain.pool import FileNetlist, Pool, PoolError, PoolNetlist
from floorplan.errors import InfeasibleProblemError, ProblemError
from floorplan.interrupt import stop_wanted
from floorplan.netlist import Problem

__all__ = ["Library", "StoppedError"]

KEPT = 64
"""Netlists kept in memory between rounds, besides those that come from files."""

log = logging.getLogger(__name__)


class StoppedError(Exception):
    """The user asked to stop in the middle of something, which is dropped."""


class Library:
    """The netlists of a pool.

    Attributes:
        rows: what is known of those that the run has met, by name.
    """

    def __init__(self, pool: Pool, folder: PretrainFolder, config: RunConfig, reporter: Reporter) -> None:
        """Read what is held out and what comes from files.

        Raises:
            PoolError: a netlist is held out and trained on, or differs from the one the run was started with.
            FloorplanError: a netlist cannot be read.
        """
        self.pool = pool
        self.folder = folder
        self.config = config
        self.reporter = reporter
        self.rows = folder.read_netlists()
        self._files: dict[str, Problem] = {}
        self._made: OrderedDict[str, Problem] = OrderedDict()
        held: dict[str, str] = {}
        for netlist in pool.held_out:
            held[self._read(netlist)] = netlist.name
        for netlist in pool.training():
            if isinstance(netlist, FileNetlist) and netlist.name not in self._files:
                found = self._read(netlist)
                if found in held:
                    what = f"{held[found]!r} is the same netlist as {netlist.name!r}"
                    raise PoolError(pool.path, "held_out", what)

    def problem(self, netlist: PoolNetlist) -> Problem:
        """Return the problem of a netlist of the pool; what comes from a template is made when it is wanted."""
        if netlist.name in self._files:
            return self._files[netlist.name]
        found = self._made.pop(netlist.name, None) or netlist.build()
        self._made[netlist.name] = found
        if len(self._made) > KEPT:
            self._made.popitem(last=False)
        return found

    def known(self, netlist: PoolNetlist, role: str) -> NetlistRow:
        """Return what is known of a netlist; its reference cost is computed when it is met first.

        Raises:
            StoppedError: the user asked to stop meanwhile.
            PoolError: it is to be trained on and held out.
        """
        row = self.rows.get(netlist.name)
        if row is not None:
            return row
        problem = self.problem(netlist)
        if isinstance(netlist, FileNetlist):
            self.reporter.note(f"greedy placement of {netlist.name}")
        cost: float | None
        try:
            cost = reference_cost(problem, self.config)
        except InfeasibleProblemError as e:
            log.warning("%s is left out: %s", netlist.name, e)
            cost = None
        if stop_wanted():  # greedy placement hurries then, and its cost is another
            raise StoppedError
        cv, found = problem.canvas, problem.netlist.content_hash
        if role == "train" and any(r.hash == found for r in self.rows.values() if r.role == "held_out"):
            raise PoolError(self.pool.path, "held_out", f"{netlist.name!r} is held out and trained on")
        row = NetlistRow(netlist.name, found, role, len(problem.movable_hard), cv.columns, cv.rows, cost)
        self.rows[netlist.name] = row
        self.folder.append_netlist(row)
        return row

    def set_up(self, live: LiveCache[SizedT], draw: Draw, make: Callable[[Problem, float], SizedT]) -> SizedT | None:
        """Return the drawn variant of a netlist set up, or the netlist itself where the variant cannot be played.

        Args:
            live: what is set up already.
            draw: of the netlist.
            make: sets up a problem of a reference cost.

        Returns:
            None where greedy placement cannot finish the netlist.
        """
        name = draw.netlist.name
        reference = self.known(draw.netlist, "train").reference
        if reference is None:
            return None

        def variant(number: int) -> SizedT:
            return make(
                variant_of(self.problem(draw.netlist), self.pool.settings, number, draw.variant_seed), reference
            )

        try:
            return live.get((name, draw.variant), lambda: variant(draw.variant))
        except (InfeasibleProblemError, ProblemError) as e:
            log.info("variant %d of %s cannot be played: %s", draw.variant, name, e)
            return live.get((name, 0), lambda: variant(0))

    def _read(self, netlist: PoolNetlist) -> str:
        """Read a netlist to keep and return its content hash."""
        problem = self._files[netlist.name] = netlist.build()
        found = problem.netlist.content_hash
        known = self.rows.get(netlist.name)
        if known is not None and known.hash != found:
            raise PoolError(self.pool.path, "", f"{netlist.name!r} has changed since the run was started")
        return found
