from __future__ import annotations

from pathlib import Path

import pytest

from agents.ppo.config import ConfigError, NetworkConfig, RunConfig, load_config, preset_names
from floorplan.errors import UnknownNameError


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_valid(name: str) -> None:
    assert isinstance(load_config(name), RunConfig)


def test_alphachip_keeps_the_published_ppo_numbers() -> None:
    c = load_config("alphachip")
    assert (c.ppo.clip, c.ppo.learning_rate, c.ppo.epochs, c.ppo.entropy) == (0.2, 4e-4, 4, 0.01)
    assert (c.ppo.value, c.ppo.gamma, c.ppo.gae_lambda, c.ppo.grad_clip) == (0.5, 1.0, 1.0, 1.0)
    assert (c.ppo.minibatch, c.env.reward, c.env.dead_end_reward) == (1024, "terminal", -4.0)
    assert c.network.kind == "alphachip"


def test_flags_win_over_a_file_and_a_file_over_its_preset(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('preset = "alphachip"\n[ppo]\nepochs = 7\nclip = 0.3\n')
    c = load_config(str(file), {"ppo": {"clip": "0.1"}})
    assert c.ppo.clip == 0.1
    assert c.ppo.epochs == 7
    assert c.ppo.learning_rate == load_config("alphachip").ppo.learning_rate


@pytest.mark.parametrize(
    ("overrides", "cause"),
    [
        ({"ppo": {"epoch": 3}}, "ppo.epoch"),
        ({"ppo": {"clip": 0}}, "ppo.clip"),
        ({"ppo": {"clip": "nan"}}, "ppo.clip"),
        ({"network": {"kind": "mlp"}}, "network.kind"),
        ({"ppo": "fast"}, "ppo"),
        ({"network": {"hide_maps": ["legal", "wirelenght"]}}, r"network.hide_maps.*'wirelenght'.*wl_change"),
        ({"network": {"kind": "alphachip", "use_graph": False}}, "network: .*alphachip"),
    ],
)
def test_a_bad_value_or_unknown_key_is_named(overrides: dict[str, object], cause: str) -> None:
    with pytest.raises(ConfigError, match=cause):
        load_config("default", overrides)


def test_an_unknown_preset_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="alphachip, default"):
        load_config("defualt")


@pytest.mark.parametrize("text", ["[ppo\n", None])
def test_an_unreadable_file_is_named(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "bad.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match=r"bad\.toml"):
        load_config(str(file))


def test_a_stored_network_of_before_the_ablations_reads_as_none() -> None:
    tree = load_config("default").network.model_dump(mode="json", exclude={"use_graph", "hide_maps"})
    assert NetworkConfig.model_validate(tree) == load_config("default").network
    typed = load_config("default", {"network": {"hide_maps": "density, edge_x"}}).network
    assert typed.hide_maps == ("density", "edge_x")
    ablated = load_config("default", {"network": {"use_graph": False, "hide_maps": ["density"]}}).network
    assert NetworkConfig.model_validate_json(ablated.model_dump_json()) == ablated
