from __future__ import annotations

from pathlib import Path

import pytest

from agents.pretrain.curriculum import draw_round
from agents.pretrain.pool import FileNetlist, GeneratedNetlist, PoolError, load_pool
from tests.agents.pretrain_cases import write_netlists, write_pool

ROOT = Path(__file__).resolve().parents[2]


def pool_file(folder: Path, text: str) -> Path:
    path = folder / "pool.toml"
    path.write_text(text)
    return path


GENERATED = '[[generated]]\ntemplate = "synthetic"\nseeds = [1, 3]\n'


def test_files_folders_and_templates_become_netlists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_netlists(tmp_path / "nets")
    monkeypatch.setenv("WHERE", str(tmp_path / "nets"))
    pool = load_pool(
        pool_file(
            tmp_path,
            '[[netlist]]\npath = "${WHERE}"\nweight = 2\n'
            + GENERATED
            + "[generated.set]\nhard_macros = [9, 12]\nrent_exponent = [0.6, 0.61]\n"
            + "ports = 24\nsram_kinds = [1, 2, 5]\n",
        )
    )
    files, generated = pool.sources
    assert [n.name for n in files.netlists] == ["n0", "n1", "n2"]
    assert files.weight == 2
    assert isinstance(files.netlists[0], FileNetlist)
    assert len(files.netlists[0].build().movable_hard) == 5
    made = [n for n in generated.netlists if isinstance(n, GeneratedNetlist)]
    assert [n.name for n in made] == ["synthetic-1", "synthetic-2", "synthetic-3"]
    for n in made:
        assert 9 <= n.parameters.hard_macros <= 12
        assert 0.6 <= n.parameters.rent_exponent <= 0.61
        assert n.parameters.ports == 24
        assert n.parameters.sram_kinds in (1, 2, 5)
        assert len(n.build().movable_hard) == n.parameters.hard_macros
    assert len({n.parameters.rent_exponent for n in made}) > 1


@pytest.mark.parametrize(
    ("text", "key", "cause"),
    [
        ("[[netlists]]\n", "netlists", "unknown key"),
        ("[[netlist]]\n", "netlist[0].path", "is missing"),
        ('[[netlist]]\npath = "${NO_SUCH_VARIABLE}/x"\n', "netlist[0].path", "NO_SUCH_VARIABLE is not set"),
        ('[[netlist]]\npath = "nowhere"\n', "netlist[0].path", "no such file or folder"),
        ('[[netlist]]\npath = "."\n', "netlist[0].path", "no netlist.pb.txt below"),
        (GENERATED + "weight = 0\n", "generated[0].weight", "greater than 0"),
        (GENERATED + "from = 0.6\nto = 0.5\n", "generated[0].to", "above from"),
        (GENERATED + "from = 0.5\n", "", "nothing to train on from 0 of the budget"),
        (GENERATED + "to = 0.5\n", "", "nothing to train on from 0.5"),
        (GENERATED + "[generated.set]\nmacros = 3\n", "generated[0].set.macros", "no such parameter"),
        (GENERATED + "[generated.set]\nhard_macros = [5, 4]\n", "generated[0].set", "hard_macros: a range"),
        (GENERATED + '[generated.set]\nhard_macros = "many"\n', "generated[0].set", "must be int"),
        ('[[generated]]\ntemplate = "none"\nseeds = [1, 2]\n', "generated[0].template", "unknown"),
        ('[[generated]]\ntemplate = "synthetic"\nseeds = [2, 1]\n', "generated[0].seeds", "[first, last]"),
        (GENERATED + GENERATED + "[generated.set]\nports = 9\n", "", "two netlists are called 'synthetic-1'"),
        ("[settings]\nenvs = 0\n" + GENERATED, "settings.envs", "greater than or equal to 1"),
        ("[settings]\nspeed = 1\n" + GENERATED, "settings.speed", "unknown key"),
        ("", "", "nothing to train on"),
        (GENERATED + '[[held_out]]\ntemplate = "synthetic"\nseeds = [3, 4]\n', "held_out", "also trained on"),
        ("x = = 1", "", "is not TOML"),
    ],
)
def test_errors_name_file_and_key(tmp_path: Path, text: str, key: str, cause: str) -> None:
    path = pool_file(tmp_path, text)
    with pytest.raises(PoolError) as caught:
        load_pool(path)
    assert caught.value.key == key
    assert str(caught.value).startswith(f"{path}: {key}")
    assert cause in str(caught.value)


def test_a_missing_pool_is_named(tmp_path: Path) -> None:
    with pytest.raises(PoolError, match=r"none\.toml: no such file"):
        load_pool(tmp_path / "none.toml")


def test_rounds_follow_weights_and_the_curriculum(tmp_path: Path) -> None:
    text = "[settings]\nnetlists_per_round = 2\nvariants = 3\n"
    families = (("a", "[0, 49]", "to = 0.5\nweight = 3"), ("b", "[50, 99]", ""), ("c", "[100, 101]", "from = 0.5"))
    for name, seeds, more in families:
        text += f'[[generated]]\nname = "{name}"\ntemplate = "systolic_tile"\nseeds = {seeds}\n{more}\n'
    pool = load_pool(pool_file(tmp_path, text))

    def names(spent: float, rounds: int = 400) -> list[str]:
        draws = [d for r in range(rounds) for d in draw_round(pool, 5, r, spent)]
        assert len(draws) == 2 * rounds
        assert {d.variant for d in draws} == {0, 1, 2}
        return [d.netlist.name[0] for d in draws]

    early, late = names(0.1), names(0.9)
    assert set(early) == {"a", "b"}
    assert early.count("a") / len(early) == pytest.approx(0.75, abs=0.05)
    assert set(late) == {"b", "c"}
    assert set(names(1.0, 50)) == {"b", "c"}
    again = draw_round(pool, 5, 7, 0.3)
    assert again == draw_round(pool, 5, 7, 0.3)
    assert again != draw_round(pool, 6, 7, 0.3)
    assert len({d.netlist.name for d in again}) == 2


def test_dropped_netlists_are_not_drawn(tmp_path: Path) -> None:
    pool = load_pool(write_pool(tmp_path))
    assert {d.netlist.name for r in range(20) for d in draw_round(pool, 0, r, 0.0, {"n0"})} == {"second-n1"}
    assert draw_round(pool, 0, 0, 0.0, {"n0", "second-n1"}) == []


@pytest.mark.parametrize("name", ["default", "public"])
def test_shipped_pools_never_hold_a_test_design(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "netlists" / "pools" / f"{name}.toml").read_text()
    for design in ("NanGate45", "ibm03", "ibm06", "systolic"):
        assert design not in text
    for variable in ("FLOORPLAN_BENCHMARKS", "FLOORPLAN_CLUSTERED"):
        monkeypatch.setenv(variable, str(tmp_path))
    for design in ("ct/ASAP7_ariane136", "ct/ASAP7_mempool_tile", "ct/SKY130HD_ariane133", "ibm01", "ibm02", "ibm04"):
        (tmp_path / design).mkdir(parents=True, exist_ok=True)
        (tmp_path / design / "netlist.pb.txt.xz").touch()
    pool = load_pool(ROOT / "netlists" / "pools" / f"{name}.toml")
    assert pool.held_out
    assert len(list(pool.training())) >= 80
