"""Every setting of a training run: one frozen tree, TOML presets, checked bounds.

Nothing here imports torch, so that a command line can be checked before 5 s of imports.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from floorplan.errors import FloorplanError, UnknownNameError

__all__ = [
    "CHOICES",
    "ConfigError",
    "EnvConfig",
    "NetworkConfig",
    "PPOConfig",
    "RunConfig",
    "load_config",
    "merge",
    "preset_names",
]


CHOICES = 64
"""Cells that a policy names for a macro it has lifted; costing one takes a few microseconds."""


class ConfigError(FloorplanError):
    """A configuration file or flag holds an unknown key or a value out of bounds."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EnvConfig(_Frozen):
    """The game that is played."""

    order: Literal["area", "random", "file"] = Field(default="area", description="order in which macros are placed")
    order_file: str | None = Field(default=None, description="file of macro names, one a line, for order = file")
    reward: Literal["dense", "terminal"] = Field(
        default="dense", description="dense: change of the partial cost at each step"
    )
    soft_placer: str | None = Field(default=None, description="soft-macro placer; none given: the package's default")
    soft_start: Literal["outlook", "port_pull", "initial"] = Field(
        default="outlook", description="where soft macros stand at the start"
    )
    outlooks: int = Field(default=1, ge=1, le=64, description="guesses an episode of where soft macros will stand")
    dead_end_reward: float = Field(default=-4.0, ge=-100, le=0, description="reward when a macro has no legal cell")
    wirelength_weight: float = Field(default=1.0, ge=0, le=100, description="weight of wirelength in the proxy cost")
    density_weight: float = Field(default=0.5, ge=0, le=100, description="weight of density in the proxy cost")
    congestion_weight: float = Field(default=0.5, ge=0, le=100, description="weight of congestion in the proxy cost")


class NetworkConfig(_Frozen):
    """The policy network; a stored policy carries these and fits only a network built from them."""

    kind: Literal["grid", "alphachip"] = Field(default="grid", description="grid: graph encoder + convolutional head")
    graph_width: int = Field(default=32, ge=4, le=512, description="width of node embeddings")
    graph_layers: int = Field(default=3, ge=1, le=16, description="rounds of message passing")
    channels: int = Field(default=16, ge=4, le=256, description="channels of the convolutional head")
    conv_layers: int = Field(default=4, ge=1, le=32, description="3 x 3 convolutions of the head")
    dilation: int = Field(default=2, ge=1, le=8, description="dilation of every other convolution")
    canvas_channels: int = Field(
        default=4, ge=1, le=64, description="projected channels of each placed macro on the canvas"
    )
    affinity_heads: int = Field(
        default=4, ge=1, le=16, description="heads of attention of the macro in hand to placed macros"
    )
    wirelength_prior: float = Field(
        default=0.0,
        ge=0,
        le=20,
        description="starting weight of -(wirelength change, in standard deviations) in the logits",
    )
    cost_prior: float = Field(
        default=2.0,
        ge=0,
        le=20,
        description="starting weight of -(estimated cost change, in standard deviations) in the logits",
    )
    use_graph: bool = Field(
        default=True,
        description="False: nodes are embedded one by one, without messages and without counts of shared neighbours",
    )
    hide_maps: tuple[str, ...] = Field(
        default=(), description="channels of the maps that the network is shown as zeros; their priors have no effect"
    )

    @field_validator("hide_maps", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """Take `density,edge_x`, as a command line gives it."""
        return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value

    @field_validator("hide_maps")
    @classmethod
    def _known_maps(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if names:
            from floorplan.env.schema import MAP_CHANNELS  # loads numba, which a command line need not wait for

            for name in names:
                if name not in MAP_CHANNELS:
                    raise ValueError(f"unknown map {name!r}; known: {', '.join(MAP_CHANNELS)}")
        return names

    @model_validator(mode="after")
    def _only_grid_is_ablated(self) -> Self:
        if self.kind != "grid" and (self.hide_maps or not self.use_graph):
            raise ValueError(f"use_graph and hide_maps are of kind 'grid'; {self.kind!r} has neither maps nor a choice")
        return self


class PPOConfig(_Frozen):
    """Proximal policy optimisation (Schulman et al. 2017) with masked actions."""

    num_envs: int = Field(default=16, ge=1, le=4096, description="episodes played side by side")
    episodes_per_env: int = Field(default=1, ge=1, le=1024, description="episodes of each environment in one update")
    epochs: int = Field(default=2, ge=1, le=50, description="passes over each batch")
    minibatch: int = Field(default=256, ge=1, le=1_000_000, description="samples of one optimiser step")
    microbatch: int = Field(
        default=1024, ge=1, le=1_000_000, description="samples in memory at once; gradients are summed"
    )
    learning_rate: float = Field(default=1e-3, gt=0, le=1, description="Adam step size")
    learning_rate_half_life: float = Field(
        default=0, ge=0, le=1e9, description="episodes after which the step size has halved; 0: constant"
    )
    step_baseline: bool = Field(
        default=True, description="the critic learns deviations from the mean return of each step, in their own scale"
    )
    warmup: int = Field(
        default=100, ge=0, le=1_000_000, description="episodes over which the step size rises to its value"
    )
    clip: float = Field(default=0.2, gt=0, le=1, description="clipping range of the probability ratio")
    entropy: float = Field(default=0.01, ge=0, le=10, description="entropy bonus at the start")
    entropy_half_life: float = Field(
        default=0, ge=0, le=1e9, description="episodes after which it has halved; 0: constant"
    )
    value: float = Field(default=0.5, ge=0, le=10, description="weight of the value loss")
    gamma: float = Field(default=1.0, gt=0, le=1, description="discount")
    gae_lambda: float = Field(
        default=0.98, ge=0, le=1, description="advantage estimation; 1: plain returns minus value"
    )
    grad_clip: float = Field(default=1.0, gt=0, le=1000, description="largest gradient norm")
    target_kl: float = Field(
        default=0, ge=0, le=10, description="an update ends above 1.5 times this divergence; 0: never"
    )
    adam_eps: float = Field(default=1e-5, gt=0, le=1, description="Adam epsilon")


class RunConfig(_Frozen):
    """All settings of a training run besides netlist, budget and seed."""

    env: EnvConfig = Field(default_factory=EnvConfig, description="the game")
    network: NetworkConfig = Field(default_factory=NetworkConfig, description="the policy network")
    ppo: PPOConfig = Field(default_factory=PPOConfig, description="the learning algorithm")
    looks: int = Field(
        default=1,
        ge=0,
        le=100,
        description="passes of the second look that the best placement of an update gets; 0: construction alone",
    )
    threads: int = Field(default=2, ge=1, le=256, description="threads of torch")
    checkpoint_every_s: float = Field(default=20.0, ge=0, le=86_400, description="least seconds between checkpoints")


def preset_names() -> list[str]:
    """Return the names of the shipped presets."""
    return sorted(p.name.removesuffix(".toml") for p in _presets().iterdir() if p.name.endswith(".toml"))


def load_config(preset: str = "default", overrides: dict[str, Any] | None = None) -> RunConfig:
    """Return a preset, or a file named *.toml on top of its own `preset` (default: default), with overrides on top.

    Raises:
        UnknownNameError: there is no such preset.
        ConfigError: unreadable file, unknown key, or value out of bounds; the message names each.
    """
    if preset.endswith(".toml"):
        path = Path(preset)
        try:
            own = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
            raise ConfigError(f"{path}: {e}") from None
        base = _preset(str(own.pop("preset", "default")))
        tree, source = merge(base, own), str(path)
    else:
        tree, source = _preset(preset), preset
    try:
        return RunConfig.model_validate(merge(tree, overrides or {}))
    except ValidationError as e:
        causes = "; ".join(f"{'.'.join(map(str, d['loc']))}: {d['msg']}" for d in e.errors())
        raise ConfigError(f"{source}: {causes}") from None


def merge(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with the values of `top` laid over it, table by table."""
    out = dict(base)
    for key, value in top.items():
        below = out.get(key)
        out[key] = merge(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return out


def _presets() -> resources.abc.Traversable:
    return resources.files("agents") / "presets"


def _preset(name: str) -> dict[str, Any]:
    if name not in preset_names():
        raise UnknownNameError("preset", name, preset_names())
    return tomllib.loads((_presets() / f"{name}.toml").read_text(encoding="utf-8"))
