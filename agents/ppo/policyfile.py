"""Policies on disk: safetensors weights that carry their own configuration, checked before they are used."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import tomli_w
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from agents.gnn.instance import Instance
from agents.gnn.policy import make_network
from agents.ppo.config import EnvConfig, NetworkConfig
from floorplan.errors import CheckpointError
from floorplan.files import atomic_write_bytes, atomic_write_text

__all__ = ["PolicyCard", "load_policy", "read_card", "save_policy"]

FORMAT = 1
WEIGHTS = "policy.safetensors"
CARD = "policy.toml"


class PolicyCard(BaseModel):
    """What a stored policy is: enough to build its network and its game, and where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = Field(FORMAT, description="version of this file format")
    network: NetworkConfig = Field(description="the network")
    env: EnvConfig = Field(description="the game it was trained on")
    map_names: tuple[str, ...] = Field(description="channels of the maps it reads, in order")
    node_features: int = Field(ge=1, description="features of a node")
    edge_features: int = Field(ge=1, description="features of an edge")
    scalars: int = Field(ge=0, description="numbers about the state of an episode")
    netlists: tuple[str, ...] = Field((), description="content hashes of the netlists it was trained on")
    episodes: int = Field(0, ge=0, description="complete placements it was trained on")
    best_proxy: float | None = Field(None, description="lowest proxy cost found during training")

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

    def build(self, instance: Instance) -> nn.Module:
        """Return a fresh network bound to `instance`.

        Raises:
            CheckpointError: the features or channels of this version differ from those that the policy was trained on.
        """
        have = (instance.node_feat.shape[1], instance.edge_feat.shape[1])
        if have != (self.node_features, self.edge_features):
            raise CheckpointError(
                f"policy reads {self.node_features} node and {self.edge_features} edge features, "
                f"this version makes {have[0]} and {have[1]}"
            )
        return make_network(self.network, instance, self.map_names, self.scalars)


def save_policy(folder: Path, network: nn.Module, card: PolicyCard) -> None:
    """Write `policy.safetensors`, which holds the card too, and `policy.toml` for people; each file appears whole."""
    folder.mkdir(parents=True, exist_ok=True)
    tree = card.model_dump(mode="json", exclude_none=True)
    tensors = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
    atomic_write_bytes(folder / WEIGHTS, save(tensors, metadata={"card": json.dumps(tree)}))
    atomic_write_text(folder / CARD, tomli_w.dumps(tree))


def _weights_file(path: Path) -> Path:
    """Return the weights file that a run folder, a policy folder or a file name stands for."""
    for candidate in (path, path / WEIGHTS, path / "policy" / WEIGHTS):
        if candidate.is_file():
            return candidate
    raise CheckpointError(f"{path}: no policy here (looked for {WEIGHTS} and policy/{WEIGHTS})")


def read_card(path: Path) -> PolicyCard:
    """Return the card of a policy.

    Raises:
        CheckpointError: no policy at `path`, a damaged file, or a card of another format.
    """
    file = _weights_file(path)
    try:
        with safe_open(file, framework="pt") as f:
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
    load_weights(network, _weights_file(path))
    return network, card


def load_weights(network: nn.Module, file: Path) -> None:
    """Fill a network from a weights file.

    Raises:
        CheckpointError: unreadable, or tensors that are missing, superfluous, of another shape, or not finite.
    """
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
