"""Published serving throughput, as the points that the serving model is fitted on and judged by."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

__all__ = ["ROLES", "Configuration", "Measured", "measured"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

ROLES = ("fit", "unseen", "moe")
"""fit: the 70 points of seven dense configurations; unseen: three dense configurations that no fit reads; moe: mixtures
of experts, neither fitted nor tuned for."""


@dataclass(frozen=True)
class Configuration:
    """One column of the published tables.

    Attributes:
        model: key in `MODELS`.
        hardware: key in `HARDWARE`.
        chips: tensor-parallel ranks.
        precision: of the weights; the checkpoints keep an FP8 cache (recalled, not verified).
        role: one of `ROLES`.
    """

    model: str
    hardware: str
    chips: int
    precision: str
    role: str

    def __str__(self) -> str:
        return f"{self.model} {self.hardware} x{self.chips} {self.precision}"


@dataclass(frozen=True, eq=False)
class Measured:
    """Published points of one configuration; P of them, cells that the page leaves empty left out.

    Attributes:
        configuration: what ran.
        input_tokens: (P,) of every request.
        output_tokens: (P,) of every request.
        requests: (P,) in the whole run.
        tokens_per_s: (P,) output tokens per second of all chips together.
    """

    configuration: Configuration
    input_tokens: I64
    output_tokens: I64
    requests: I64
    tokens_per_s: F64


@cache
def measured() -> tuple[Measured, ...]:
    """Return all configurations in the file's order; its head names the source."""
    text = resources.files("floorplan.accelerator.roofline").joinpath("data/trtllm_perf_overview.toml")
    table = tomllib.loads(text.read_text(encoding="utf-8"))
    inputs, outputs, requests = (
        np.array(table[key], np.int64) for key in ("input_tokens", "output_tokens", "requests")
    )
    found = []
    for row in table["configuration"]:
        values = np.array(row["tokens_per_s"], np.float64)
        there = values > 0
        what = Configuration(row["model"], row["hardware"], row["chips"], row["precision"], row["role"])
        found.append(Measured(what, inputs[there], outputs[there], requests[there], values[there]))
    return tuple(found)
