from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from floorplan.bench import SuiteError, load_suite, plan

Write = Callable[..., Path]


def test_a_suite_is_its_product(write_suite: Write, tmp_path: Path) -> None:
    path = write_suite('budgets = ["1m", "5e"]\n', ("seeds = [0, 1]", "seeds = [0, 1, 4]"))
    (tmp_path / "out").mkdir()
    jobs = plan(load_suite(path), tmp_path / "out")
    assert [(j.budget, j.seed) for j in jobs] == [(b, s) for b in ("60s", "5e") for s in (0, 1, 4)]


@pytest.mark.parametrize(
    ("replace", "key", "what"),
    [
        (('name = "tiny"', 'name = "tiny"\nsteps = 3'), "steps", "unknown key"),
        (('name = "two"', 'name = "two"\nnetlst = "x"'), "designs[0].netlst", "unknown key"),
        (('netlist = "design/netlist.pb.txt"', ""), "designs[0].netlist", "is missing"),
        (('"100p"', '"100x"'), "budgets", "'100x' is not of the form"),
        (('"100p"', '"60s", "1m"'), "budgets", "'60s' comes twice"),
        (("[0, 1]", "[1, 1]"), "seeds", "1 comes twice"),
        (("[0, 1]", "[]"), "seeds", "at least 1 item"),
        (("[0, 1]", "[-1]"), "seeds[0]", "greater than or equal to 0, got -1"),
        (('label = "stand"', 'label = "<b>"'), "agents[0].label", "must be 1 to 48 letters"),
        (('name = "tiny"', 'path = "tiny"'), "path", "unknown key"),
        (('name = "tiny"', 'name = "tiny'), "", "is not TOML"),
    ],
)
def test_wrong_suites_name_file_and_key(write_suite: Write, replace: tuple[str, str], key: str, what: str) -> None:
    path = write_suite("", replace)
    with pytest.raises(SuiteError) as e:
        load_suite(path)
    assert e.value.key == key
    assert str(e.value).startswith(f"{path}: ")
    assert what in str(e.value)


@pytest.mark.parametrize(
    ("more", "key", "what"),
    [
        (
            "options = { speed = 3 }",
            "agents[0].options.speed",
            "unknown option; known: mode, only_seed, settings, note, policy",
        ),
        ("options = { only_seed = 'x' }", "agents[0].options.only_seed", "valid integer"),
        (
            "options = { settings = { shift = 1 } }",
            "agents[0].options.settings.shift",
            "unknown option; known: shift_um",
        ),
        ("options = { note = 'gone.txt' }", "agents[0].options.note", "no such file or folder: 'gone.txt'"),
        ("options = { policy = 'runs/x' }", "agents[0].options.policy", "no such file or folder: 'runs/x'"),
        ("options = { note = '${NO_SUCH_VAR}/x' }", "agents[0].options.note", "variable NO_SUCH_VAR is not set"),
        ("options = { mode = 'refuse' }", "agents[0].options", "mode refuse is refused"),
    ],
)
def test_options_are_checked_before_anything_runs(
    write_suite: Write, tmp_path: Path, more: str, key: str, what: str
) -> None:
    with pytest.raises(SuiteError) as e:
        plan(load_suite(write_suite(more)), tmp_path)
    assert e.value.key == key
    assert what in str(e.value)


def test_an_unknown_agent_is_named(write_suite: Write, tmp_path: Path) -> None:
    path = write_suite("", ('agent = "stand"', 'agent = "nobody"'))
    with pytest.raises(SuiteError, match=r"agents\[0\]\.agent: unknown agent 'nobody'; known: .*stand"):
        plan(load_suite(path), tmp_path)


def test_an_unset_variable_in_a_path_is_named(write_suite: Write, tmp_path: Path) -> None:
    path = write_suite("", ("design/netlist", "${NO_SUCH_VAR}/netlist"))
    with pytest.raises(SuiteError, match=r"designs\[0\]\.netlist: the environment variable NO_SUCH_VAR is not set"):
        plan(load_suite(path), tmp_path)


def test_variables_and_files_count(write_suite: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", str(tmp_path / "design"))
    (tmp_path / "note.txt").write_text("one")
    path = write_suite("options = { note = 'note.txt' }", ("design/netlist", "${WHERE}/netlist"))
    first = plan(load_suite(path), tmp_path)[0]
    assert first.netlist_file == "${WHERE}/netlist.pb.txt"
    (tmp_path / "note.txt").write_text("two")
    assert plan(load_suite(path), tmp_path)[0].config_hash != first.config_hash


def test_a_word_stays_a_word_where_a_parameter_takes_words_or_paths(write_suite: Write, tmp_path: Path) -> None:
    from floorplan.bench.options import set_up_agent

    (tmp_path / "p.safetensors").write_text("weights")
    for value, want in (("shipped", "shipped"), ("", ""), ("p.safetensors", tmp_path / "p.safetensors")):
        suite = load_suite(write_suite(f"options = {{ policy = '{value}' }}"))
        setup = set_up_agent(suite.path, "agents[0]", suite.agents[0], suite.cost.options())
        assert setup.arguments["policy"] == want


def test_the_suites_weights_reach_the_agent(write_suite: Write, tmp_path: Path) -> None:
    from floorplan.bench.options import set_up_agent
    from floorplan.cost import CostWeights

    suite = load_suite(write_suite("[cost.weights]\ndensity = 1.0\n"))
    options = suite.cost.options()
    assert options.weights == CostWeights(1.0, 1.0, 0.5)
    setup = set_up_agent(suite.path, "agents[0]", suite.agents[0], options)
    assert setup.optimises
    assert setup.arguments["settings"].cost == options


def test_the_shipped_suites_are_sound() -> None:
    folder = Path(__file__).resolve().parents[2] / "netlists" / "suites"
    suites = {p.stem: load_suite(p) for p in sorted(folder.glob("*.toml"))}
    assert {"ct", "ng45", "smoke", "transfer-zero-shot", "transfer-learning", "transfer-ablations"} <= set(suites)
    assert (folder / suites["smoke"].designs[0].netlist).is_file()
