"""Policies on disk: safetensors weights that carry their own configuration, checked before they are used."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open

from agents.ppo.config import EnvConfig, NetworkConfig, RunConfig
from floorplan.errors import CheckpointError
from floorplan.files import atomic_write_bytes, atomic_write_text, sha256_of

if TYPE_CHECKING:
    from torch import Tensor, nn

    from agents.gnn.instance import Instance

__all__ = [
    "SHIPPED",
    "PolicyCard",
    "PretrainingCard",
    "begin_with",
    "find_policy",
    "load_policy",
    "read_card",
    "save_policy",
    "shipped_policy",
    "weights_file",
]

FORMAT = 1
WEIGHTS = "policy.safetensors"
CARD = "policy.toml"
SHIPPED = "shipped"
"""What commands take in place of a path for the policy that comes with the project."""


def shipped_policy() -> Path | None:
    """Return the weights file of the policy that comes with the project, None where it comes without one."""
    file = Path(__file__).resolve().parents[1] / "policies" / "default" / WEIGHTS
    return file if file.is_file() else None


def find_policy(given: str | Path | None) -> Path:
    """Return the weights file of a policy: the shipped one if told nothing or `shipped`, else what a path stands for.

    Raises:
        CheckpointError: there is no such policy; the message says how to come by one.
    """
    if given is not None and str(given) != SHIPPED:
        return weights_file(Path(given))
    found = shipped_policy()
    if found is None:
        raise CheckpointError(
            "no trained policy comes with this installation; train one with `floorplan train` or `floorplan pretrain` "
            "and name its run folder with --policy"
        )
    return found


class PretrainingCard(BaseModel):
    """How a policy came to know more than one netlist; the netlists' hashes stand in the policy's own card."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str = Field(description="how it was trained, as in `ppo`, `clone` or `clone+ppo`")
    seconds: float = Field(ge=0, description="wall clock of training")
    held_out_score: float | None = Field(
        default=None, description="mean over held-out netlists of proxy cost over reference cost; lower is better"
    )
    held_out: tuple[str, ...] = Field(default=(), description="content hashes of the held-out netlists")
    updates: int | None = Field(default=None, ge=0, description="updates after which these weights were taken")
    seed: int | None = Field(default=None, description="of the training run")
    machine: str | None = Field(default=None, description="what it was trained on")
    licence: str | None = Field(default=None, description="under which the weights may be used")


class PolicyCard(BaseModel):
    """What a stored policy is: enough to build its network and its game, and where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = Field(default=FORMAT, description="version of this file format")
    network: NetworkConfig = Field(description="the network")
    env: EnvConfig = Field(description="the game it was trained on")
    map_names: tuple[str, ...] = Field(description="channels of the maps it reads, in order")
    node_features: int = Field(ge=1, description="features of a node")
    edge_features: int = Field(ge=1, description="features of an edge")
    scalars: int = Field(ge=0, description="numbers about the state of an episode")
    netlists: tuple[str, ...] = Field(default=(), description="content hashes of the netlists it was trained on")
    episodes: int = Field(default=0, ge=0, description="complete placements it was trained on")
    best_proxy: float | None = Field(default=None, description="lowest proxy cost found during training")
    pretraining: PretrainingCard | None = Field(default=None, description="how it was pre-trained, if it was")
    started_from: str | None = Field(default=None, description="SHA-256 of the weights file that training started from")

    @classmethod
    def of(cls, network: NetworkConfig, env: EnvConfig, instance: Instance, **known: Any) -> PolicyCard:
        """Return the card of a network made for `instance`."""
        return cls(
            network=network,
            env=env,
            node_features=instance.node_feat.shape[1],
            edge_features=instance.edge_feat.shape[1],
            **known,
        )

    def brought_into(self, config: RunConfig) -> RunConfig:
        """Return settings of a run with the policy's own network and game."""
        return config.model_copy(update={"env": self.env, "network": self.network})

    def build(self, instance: Instance) -> nn.Module:
        """Return a fresh network bound to `instance`.

        Raises:
            CheckpointError: the features or channels of this version differ from those that the policy was trained on.
        """
        from agents.gnn.choosing import make_network

        have = (instance.node_feat.shape[1], instance.edge_feat.shape[1])
        if have != (self.node_features, self.edge_features):
            raise CheckpointError(
                f"policy reads {self.node_features} node and {self.edge_features} edge features, "
                f"this version makes {have[0]} and {have[1]}"
            )
        return make_network(self.network, instance, self.map_names, self.scalars)


def dense_tensors(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors as safetensors wants them: on the host, without gradients, in one piece."""
    return {k: v.detach().cpu().contiguous() for k, v in tensors.items()}


def save_policy(folder: Path, network: nn.Module, card: PolicyCard) -> None:
    """Write `policy.safetensors`, which holds the card too, and `policy.toml` for people; each file appears whole."""
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    tree = card.model_dump(mode="json", exclude_none=True)
    tensors = dense_tensors(network.state_dict())
    atomic_write_bytes(folder / WEIGHTS, save(tensors, metadata={"card": json.dumps(tree)}))
    atomic_write_text(folder / CARD, tomli_w.dumps(tree))


def weights_file(path: Path) -> Path:
    """Return the weights file that a run folder, a policy folder or a file name stands for.

    Raises:
        CheckpointError: there is none.
    """
    for candidate in (path, path / WEIGHTS, path / "policy" / WEIGHTS):
        if candidate.is_file():
            return candidate
    raise CheckpointError(f"{path}: no policy here (looked for {WEIGHTS} and policy/{WEIGHTS})")


def read_card(path: Path) -> PolicyCard:
    """Return the card of a policy.

    Raises:
        CheckpointError: no policy at `path`, a damaged file, or a card of another format.
    """
    file = weights_file(path)
    try:
        with safe_open(file, framework="numpy") as f:
            text = (f.metadata() or {}).get("card")
        if text is None:
            raise CheckpointError(f"{file}: holds no policy card")
        tree = json.loads(text)
        if tree.get("format") != FORMAT:
            raise CheckpointError(f"{file}: format {tree.get('format')}, this version reads {FORMAT}")
        return PolicyCard.model_validate(tree)
    except (SafetensorError, OSError, ValueError, ValidationError, tomllib.TOMLDecodeError) as e:
        raise CheckpointError(f"{file}: damaged policy: {e}") from None


def load_policy(
    path: Path, instance: Instance, map_names: tuple[str, ...], scalars: int
) -> tuple[nn.Module, PolicyCard]:
    """Return the network of a stored policy, bound to `instance`, and its card.

    Raises:
        CheckpointError: no policy, damaged, or made for other observations than `map_names` and `scalars`.
    """
    card = read_card(path)
    if card.map_names != map_names or card.scalars != scalars:
        raise CheckpointError(
            f"{path}: policy reads maps {', '.join(card.map_names)} and {card.scalars} scalars, "
            f"this version makes {', '.join(map_names)} and {scalars}"
        )
    network = card.build(instance)
    load_weights(network, weights_file(path))
    return network, card


def begin_with(network: nn.Module, own: PolicyCard, policy: Path) -> PolicyCard:
    """Fill a fresh network from a weights file and return the card of what is trained on from there.

    Args:
        network: of the run.
        own: its card.
        policy: the file.

    Raises:
        CheckpointError: damaged, or made for other observations or by another network than this run's.
    """
    card = read_card(policy)
    for name in ("network", "map_names", "node_features", "edge_features", "scalars"):
        if getattr(card, name) != getattr(own, name):
            raise CheckpointError(f"{policy}: its {name.replace('_', ' ')} are not those of this run")
    load_weights(network, policy)
    return own.model_copy(
        update={
            "netlists": tuple(dict.fromkeys((*card.netlists, *own.netlists))),
            "pretraining": card.pretraining,
            "started_from": sha256_of(policy),
        }
    )


def load_weights(network: nn.Module, file: Path) -> None:
    """Fill a network from a weights file.

    Raises:
        CheckpointError: unreadable, or tensors that are missing, superfluous, of another shape, or not finite.
    """
    import torch

    try:
        with safe_open(file, framework="pt") as f:
            tensors = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118  # safe_open is no mapping
    except (SafetensorError, OSError) as e:
        raise CheckpointError(f"{file}: damaged weights: {e}") from None
    for name, t in tensors.items():
        if not torch.isfinite(t).all():
            raise CheckpointError(f"{file}: tensor {name} is not finite")
    try:
        network.load_state_dict(tensors, strict=True)
    except RuntimeError as e:
        raise CheckpointError(f"{file}: weights do not fit the network: {' '.join(str(e).split())}") from None
