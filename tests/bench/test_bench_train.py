"""Training speed on a real netlist, and where the time goes; run with `make bench`. Nothing here fails on a clock."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from agents.base import Budget
from agents.ppo.config import load_config
from agents.ppo.progress import QuietReporter
from agents.ppo.runfolder import RunFolder
from floorplan.formats import read_problem

pytestmark = pytest.mark.bench


class Stopwatch:
    """Time spent in wrapped functions, each less what wrapped functions inside it took: the rows add up."""

    def __init__(self) -> None:
        self.rows: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        self._inner = [(0.0, 0.0)]
        self._whole = False

    def wrap(self, owner: Any, name: str, label: str, *, whole: bool = False) -> None:
        """Replace `owner.name` by itself with its wall clock, processor time and calls added to row `label`.

        `whole`: what wrapped functions inside it take counts as its own.
        """
        plain: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            if self._whole:
                return plain(*args, **kwargs)
            self._whole = whole
            wall, cpu = time.perf_counter(), time.process_time()
            self._inner.append((0.0, 0.0))
            try:
                return plain(*args, **kwargs)
            finally:
                self._whole = False
                wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
                inner, outer = self._inner.pop(), self._inner[-1]
                self._inner[-1] = (outer[0] + wall, outer[1] + cpu)
                row = self.rows[label]
                row[0] += wall - inner[0]
                row[1] += cpu - inner[1]
                row[2] += 1

        setattr(owner, name, timed)


def measure(preset: str, updates: int, problem_files: tuple[Path, Path], out: Path) -> tuple[dict[str, Any], list[Any]]:
    """Train in this process, which is the only one that is patched; return figures and rows of the table."""
    import torch

    from agents.gnn import encoder, fused, network, policy
    from agents.ppo import algorithm, buffer
    from agents.ppo.trainer import Trainer
    from agents.ppo.vecenv import ConstructVecEnv
    from floorplan.env import ConstructBatch

    config = load_config(preset)
    trainer = Trainer(read_problem(*problem_files), config, 0, RunFolder(out), QuietReporter())
    trainer.start()
    trainer.run(Budget.parse(f"{config.ppo.num_envs}e"))  # pays for compiling, and plays from fresh weights
    first = trainer.counters
    watch = Stopwatch()
    for owner, name, label in (
        (algorithm.PlacementPPO, "collect_rollouts", "collect: the loop around it"),
        (ConstructBatch, "step", "collect: environment, kernels"),
        (ConstructBatch, "_look", "collect: soft macros guessed anew"),
        (ConstructBatch, "_finish", "collect: soft placer and exact cost at the end"),
        (ConstructVecEnv, "observe", "collect: observations copied"),
        (buffer.PlacementRolloutBuffer, "add", "collect: observations stored"),
        (algorithm.PlacementPPO, "_rebase", "collect: baseline and advantages"),
        (policy, "sample", "collect: actions drawn"),
        (network.GridNetwork, "forward", "both: canvas, conditions, rest of the network forward"),
        (encoder.GraphEncoder, "forward", "both: graph encoder forward"),
        (fused, "conv2d", "both: convolutions forward"),
        (algorithm.PlacementPPO, "train", "learn: the loop around it"),
        (buffer.PlacementRolloutBuffer, "_get_samples", "learn: minibatches gathered"),
        (algorithm, "update_loss", "learn: loss"),
        (torch.autograd, "backward", "learn: backward, elementwise and canvas"),
        (fused, "_weight_gradient", "learn: backward, weights of convolutions"),
        (fused, "_input_gradient", "learn: backward, inputs of convolutions"),
        (torch.optim.Adam, "step", "learn: optimiser"),
        (torch.nn.utils, "clip_grad_norm_", "learn: gradient norm"),
    ):
        watch.wrap(owner, name, label)
    watch.wrap(network.GridNetwork, "_encoder_backward", "learn: backward, graph encoder", whole=True)
    watch.wrap(Trainer, "_look_again", "learn: second looks", whole=True)
    if preset == "alphachip":  # its network is one piece
        from agents.gnn.alphachip import AlphaChipNetwork

        watch.wrap(AlphaChipNetwork, "forward", "both: network forward")
    trainer.run(Budget.parse(f"{(updates + 1) * config.ppo.num_envs}e"))
    rows = trainer.folder.read_metrics()[-updates:]
    episodes = trainer.counters.episodes - first.episodes
    figures = {key: sum(r[key] for r in rows) / episodes * 1e3 for key in ("collect_s", "learn_s")}
    table = [(label, *(v / episodes for v in values)) for label, values in sorted(watch.rows.items())]
    return {**figures, "episodes": episodes, "epochs": sum(r["epochs"] for r in rows) / len(rows)}, table


@pytest.mark.parametrize(("preset", "updates"), [("default", 3), ("alphachip", 1)])
def test_where_every_millisecond_of_training_on_ariane133_goes(
    benchmarks: Path, tmp_path: Path, preset: str, updates: int, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = benchmarks / "ct" / "NanGate45_ariane133"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command sets it; read when torch is loaded
    tmp_path.joinpath("run").mkdir()
    files = (folder / "netlist.pb.txt.xz", folder / "legalized.plc.xz")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        figures, table = pool.submit(measure, preset, updates, files, tmp_path / "run").result()
    collect, learn = figures["collect_s"], figures["learn_s"]
    with capsys.disabled():
        print(
            f"\n{preset}: {1e3 / (collect + learn):.2f} episodes/s collected and learned (goal 4); collect "
            f"{collect:.0f} ms, learn {learn:.0f} ms an episode in {figures['epochs']:.1f} epochs; "
            f"load {os.getloadavg()[0]:.1f}"
        )
        print("| ms an episode | wall | processor | calls |\n|-|-|-|-|")
        for label, wall, cpu, calls in table:
            print(f"| {label} | {wall * 1e3:.1f} | {cpu * 1e3:.1f} | {calls:.1f} |")
    assert figures["episodes"] >= updates * load_config(preset).ppo.num_envs
    measured = sum(wall for _, wall, _, _ in table) * 1e3
    assert measured == pytest.approx(collect + learn, rel=0.1)  # nothing of weight is left out of the table
