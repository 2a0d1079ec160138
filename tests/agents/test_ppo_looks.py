"""Second looks in a training run: which layouts get them, in which order of macros, and when they end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agents.base import Budget
from agents.ppo.config import load_config
from agents.ppo.progress import QuietReporter
from agents.ppo.runfolder import RunFolder
from agents.ppo.trainer import MOST_LOOKS, Trainer
from floorplan.cost import Cost
from floorplan.env import Finished
from floorplan.netlist import Placement
from tests.agents.ppo_cases import TINY, tiny_problem


def trainer_in(folder: Path, looks: int = 1) -> Trainer:
    config = load_config("default", {**TINY, "looks": looks})
    return Trainer(tiny_problem(), config, 3, RunFolder(folder), QuietReporter())


def costing(cost: Cost, proxy: float) -> Cost:
    return replace(cost, proxy=proxy)


@pytest.mark.parametrize(
    ("built", "found", "looked", "best"),
    [
        ([0.9, 0.8], [0.7, 0.6, 0.61], [0.8, 0.7, 0.6], 0.6),  # on while each is the run's best, from what it made
        ([0.8], [0.7, 0.6999], [0.8, 0.7], 0.6999),  # not for a gain that is next to nothing
        ([1.5], [1.2], [1.5], 1.0),  # worse than the run's best before and after: one look
        ([1.5], [0.9, 0.95], [1.5, 0.9], 0.9),  # built worse, yet a look makes it the best
        ([0.9], [0.9 - 0.01 * i for i in range(1, 99)], [0.9 - 0.01 * i for i in range(MOST_LOOKS)], None),
    ],
)
def test_looks_go_on_as_long_as_they_make_the_best(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    built: list[float],
    found: list[float],
    looked: list[float],
    best: float | None,
) -> None:
    trainer = trainer_in(tmp_path)
    trainer.start()
    trainer.run(Budget("e", 4))
    assert trainer.best is not None
    placement, cost = trainer.best.placement, trainer.best.cost
    trainer.counters = replace(trainer.counters, best_proxy=1.0)
    seen: list[float] = []
    numbers: list[int] = []
    proxies = {id(placement): 1.0}
    kept: list[Placement] = []  # so that no id is used twice

    def copy(proxy: float) -> Placement:
        kept.append(placement.replace(x_um=placement.x_um.copy()))
        proxies[id(kept[-1])] = proxy
        return kept[-1]

    def look(start: Placement, number: int = 0) -> tuple[Placement, Cost]:
        seen.append(proxies[id(start)])
        numbers.append(number)
        proxy = found[len(seen) - 1]
        return copy(proxy), costing(cost, proxy)

    monkeypatch.setattr(trainer, "_look_again", look)
    trainer._take([Finished(i, copy(p), costing(cost, p), -p) for i, p in enumerate(built)])
    assert seen == pytest.approx(looked)
    assert len(set(numbers)) == len(numbers)
    assert numbers[0] == trainer.counters.update
    assert trainer.counters.best_proxy == pytest.approx(min(found[: len(looked)]) if best is None else best)


def orders_in(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the numbers of the looks of three updates."""
    numbers: list[int] = []
    plain = trainer._look_again

    def look(start: Placement, number: int = 0) -> tuple[Placement, Cost]:
        numbers.append(number)
        return plain(start, number)

    monkeypatch.setattr(trainer, "_look_again", look)
    trainer.start()
    trainer.run(Budget("e", 12))
    return numbers


def test_every_update_looks_in_an_order_of_its_own_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert orders_in(trainer_in(tmp_path / "none", 0), monkeypatch) == []
    numbers = orders_in(trainer_in(tmp_path / "one", 1), monkeypatch)
    assert {0, 1, 2} <= set(numbers)
    assert len(set(numbers)) == len(numbers)
