"""A problem as a policy plays it: episodes side by side, a network bound to their netlist, and what came of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from agents.gnn.choosing import look, rank, sample
from agents.gnn.instance import Instance
from agents.infer.tally import Tally
from agents.ppo.gameconfig import construct_config
from agents.ppo.policyfile import load_policy, read_card
from floorplan.cost import Cost
from floorplan.env import MAP_CHANNELS, ConstructBatch, StepResult
from floorplan.netlist import Placement, Problem

__all__ = ["NEVER", "Episode", "Game", "Stop", "drawn", "gumbel", "most_probable"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Judge = Callable[[Placement, Cost], tuple[Placement, Cost]]
Stop = Callable[[], bool]

NEVER = -1e7
"""Log probabilities below this are those of cells that are not legal."""

KEPT = 256
"""Episodes whose course is remembered."""


@dataclass(frozen=True, eq=False)
class Episode:
    """A complete episode.

    Attributes:
        proxy: exact cost of the placement.
        actions: (M,) cells in the order of the macros.
        partial: (M,) proxy of the partial placement before each step.
        value: (M,) what the critic said before each step.
        entropy: (M,) nats, of the policy before each step.
    """

    proxy: float
    actions: I64
    partial: F64
    value: F64
    entropy: F64


class Game:
    """Construct episodes of one problem and the network that plays them.

    Attributes:
        batch: the episodes; one that ends begins anew at once.
        best: the best episode so far, None before the first complete one.
        episodes: complete ones, the last `KEPT`.
    """

    def __init__(self, problem: Problem, policy: Path, width: int, seed: int, judge: Judge | None = None) -> None:
        """Load the policy for `width` episodes side by side.

        Args:
            problem: what is placed.
            policy: where the policy is.
            width: B, episodes side by side.
            seed: of random macro orders.
            judge: maps a complete placement and its cost to those that count; None where these do.

        Raises:
            CheckpointError: no policy, damaged, or made for other observations.
        """
        card = read_card(policy)
        self.batch = ConstructBatch(problem, width, construct_config(card.env), seed=seed)
        instance = Instance.of(problem, self.batch.graph)
        scalars = self.batch.obs["scalars"].shape[1]
        self.network, _ = load_policy(policy, instance, tuple(MAP_CHANNELS), scalars)
        self.network.eval()
        self.best: Episode | None = None
        self.episodes: list[Episode] = []
        self._judge = judge
        self._actions = np.zeros((width, self.batch.dims.macros), np.int64)
        self._course = np.zeros((3, width, self.batch.dims.macros))

    @property
    def width(self) -> int:
        """B, episodes side by side."""
        return self.batch.num_envs

    @property
    def length(self) -> int:
        """M, macros to place."""
        return self.batch.dims.macros

    def begin(self) -> None:
        """Let every episode stand at its first macro."""
        if self.batch.steps.any():
            self.batch.reset()

    def go_to(self, actions: I64) -> None:
        """Let every episode stand where these first macros, (T,) cells, are placed."""
        played = np.zeros_like(self._actions)
        played[0, : len(actions)] = actions
        steps = np.zeros(self.width, np.int64)
        steps[0] = len(actions)
        state = {"seed": np.array([self.batch.seed]), "episode": self.batch.episode, "steps": steps, "actions": played}
        self.batch.set_state(state)
        self._actions[0] = played[0]
        self.take(np.zeros(self.width, np.int64))

    def take(self, source: I64) -> None:
        """Let episode b go on from where episode `source[b]` stands."""
        self.batch.take(source)
        self._actions = self._actions[source]
        self._course = self._course[:, source]

    def look(self) -> tuple[torch.Tensor, F64]:
        """Return log probabilities (B, A) of cells, about -1e8 where not legal, and values (B,) of the critic."""
        log_prob, values = look(self.network, self.batch.obs, self.batch.masks)
        value: F64 = values.double().numpy()
        self._note(log_prob, value)
        return log_prob, value

    def rank(self) -> torch.Tensor:
        """Return the log probabilities of `look`; the critic is not asked, and its values in the episode are 0."""
        log_prob = rank(self.network, self.batch.obs, self.batch.masks)
        self._note(log_prob, np.zeros(self.width))
        return log_prob

    def _note(self, log_prob: torch.Tensor, value: F64) -> None:
        at = np.arange(self.width), self.batch.steps
        self._course[0][at] = self.batch.partial[:, 3]
        self._course[1][at] = value
        self._course[2][at] = -(log_prob.exp() * log_prob).sum(dim=1).numpy()

    def step(self, actions: I64, tally: Tally) -> StepResult:
        """Place a macro in every episode and offer what is complete now to `tally`."""
        batch = self.batch
        self._actions[np.arange(self.width), batch.steps] = actions
        result = batch.step(actions)
        tally.ended += int(result.done.sum())
        tally.clock.proposals += self.width
        tally.clock.episodes += len(batch.finished)
        for f in batch.finished:
            placement, cost = (f.placement, f.cost) if self._judge is None else self._judge(f.placement, f.cost)
            tally.offer(placement, cost)
            partial, value, entropy = self._course[:, f.env].copy()
            episode = Episode(cost.proxy, self._actions[f.env].copy(), partial, value, entropy)
            self.episodes = [*self.episodes[1 - KEPT :], episode]
            if self.best is None or episode.proxy < self.best.proxy:
                self.best = episode
        return result

    def play_out(self, pick: Callable[[torch.Tensor], I64], tally: Tally, stop: Stop) -> None:
        """Play until every episode that is under way is over; `stop` breaks off."""
        on = np.ones(self.width, np.bool_)
        while on.any() and not stop():
            on &= ~self.step(pick(self.rank()), tally).done


def most_probable(log_prob: torch.Tensor) -> I64:
    """Return (B,) the most probable cells."""
    out: I64 = log_prob.argmax(dim=1).numpy()
    return out


def gumbel(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """Return Gumbel noise: the largest of log probabilities plus it are a draw without replacement (Kool et al.)."""
    uniform = torch.rand(shape, generator=generator).clamp(1e-12, 1 - 1e-7)
    return -torch.log(-torch.log(uniform))


def drawn(log_prob: torch.Tensor, generator: torch.Generator, temperature: float = 1.0) -> I64:
    """Return (B,) cells drawn from the policy; a temperature below 1 favours the probable ones."""
    tempered = log_prob if temperature == 1.0 else torch.log_softmax(log_prob / temperature, dim=1)
    out: I64 = sample(tempered, generator).numpy()
    return out
