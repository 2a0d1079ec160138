"""`--live`: a viewer beside the run, that comes and goes with it and is never in its way; what the folder tells it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from agents.ppo import live
from agents.ppo.command import main
from agents.ppo.finetune_command import main as finetune
from tests.agents.ppo_cases import TINY, write_tiny

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tiny(tmp_path: Path) -> list[str]:
    preset = tmp_path / "tiny.toml"
    preset.write_text(tomli_w.dumps({**TINY, "env": {"soft_placer": "none"}}))
    return ["--netlist", str(write_tiny(tmp_path)), "--preset", str(preset)]


def status(run: Path) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads((run / "status.json").read_text())
    return tree


def test_the_folder_says_how_it_was_called_and_how_it_stands(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/floorplan", "train", "--note", "two words"])
    assert main([*tiny, "--budget", "8e", "--out", str(run), "--quiet"]) == 0
    command = "floorplan train --note 'two words'"
    assert tomllib.loads((run / "config.toml").read_text())["run"]["command"] == command
    told = status(run)
    assert told["state"] == "ended"
    assert told["budget"] == {"kind": "e", "amount": 8.0}
    assert told["command"] == command
    assert told["pid"] == os.getpid()
    monkeypatch.setattr(sys, "argv", ["floorplan", "train", "--resume"])
    assert main(["--resume", str(run), "--budget", "12e", "--quiet"]) == 0
    assert status(run)["budget"]["amount"] == 12.0
    assert tomllib.loads((run / "config.toml").read_text())["run"]["command"] == command
    tuned = tmp_path / "tuned"
    monkeypatch.setattr(sys, "argv", ["floorplan", "finetune", "x"])
    assert finetune([str(run), tiny[1], "--budget", "8e", "--out", str(tuned), "--quiet"]) == 0
    assert tomllib.loads((tuned / "config.toml").read_text())["run"]["command"] == "floorplan finetune x"
    assert status(tuned)["state"] == "ended"


def test_a_run_that_fails_says_so(tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("agents.ppo.trainer.Trainer._update", broken)
    assert main([*tiny, "--budget", "8e", "--out", str(tmp_path / "run"), "--quiet"]) == 2
    assert status(tmp_path / "run")["state"] == "failed"


def test_a_viewer_that_does_not_start_leaves_the_run_alone(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/no/such/python")
    args = [*tiny, "--budget", "8e", "--out", str(tmp_path / "run"), "--json", "--live"]
    assert main(args) == 0
    out, err = capfd.readouterr()
    assert "the viewer did not start" in err
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["update", "update", "result"]


def test_a_viewer_that_ends_early_leaves_the_run_alone_and_says_why(tmp_path: Path) -> None:
    said: list[str] = []
    viewer = live.LiveViewer(tmp_path / "no-run", 0, said.append, browser=False)
    end = time.monotonic() + 60
    while not said:
        assert time.monotonic() < end
        time.sleep(0.05)
    viewer.close()
    assert len(said) == 1
    assert "the training goes on" in said[0]
    assert "no-run" in said[0]


@pytest.mark.parametrize("port", ["-1", "70000"])
def test_a_port_that_is_none_is_refused(tiny: list[str], tmp_path: Path, port: str) -> None:
    assert main([*tiny, "--live", f"--live-port={port}", "--out", str(tmp_path / "run")]) == 2
    assert not (tmp_path / "run").exists()


def test_no_browser_without_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert not live.display()
    monkeypatch.setenv("DISPLAY", ":0")
    assert live.display()


def started(tiny: list[str], run: Path, *more: str) -> tuple[subprocess.Popen[str], str]:
    """A run that is watched, and the address."""
    command = [sys.executable, "train.py", *tiny, "--budget", "100000e", "--out", str(run), "--quiet", "--live"]
    process = subprocess.Popen([*command, "--no-browser", *more], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        found = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", line)
        if found:
            return process, found[0]
    raise AssertionError("no address")


def answers(url: str) -> bool:
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(url.partition("/?")[0] + "/api/run", timeout=5):
            return True
    except urllib.error.HTTPError as refused:
        return refused.code == 403  # no token: it is there
    except OSError:
        return False


@pytest.mark.slow  # two processes have to start
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_viewer_ends_with_the_run_however_that_ends(tiny: list[str], tmp_path: Path, how: signal.Signals) -> None:
    process, url = started(tiny, tmp_path / "run")
    assert answers(url)
    process.send_signal(how)
    process.wait(60)
    end = time.monotonic() + 30
    while answers(url):
        assert time.monotonic() < end, "the viewer goes on alone"
        time.sleep(0.1)
    assert status(tmp_path / "run")["state"] == ("ended" if how == signal.SIGTERM else "running")


@pytest.mark.slow  # two processes have to start
def test_a_viewer_that_is_killed_leaves_the_run_going(tiny: list[str], tmp_path: Path) -> None:
    process, _ = started(tiny, tmp_path / "run")
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if not children.exists():
            pytest.skip("children of a process are not listed here")
        viewers = [int(p) for p in children.read_text().split() if b"floorplan.view.beside" in _cmdline(p)]
        assert len(viewers) == 1
        os.kill(viewers[0], signal.SIGKILL)
        assert process.stderr is not None
        assert "the viewer has ended, the training goes on" in process.stderr.readline()
        rows = (tmp_path / "run" / "metrics.jsonl").stat().st_size
        end = time.monotonic() + 30
        while (tmp_path / "run" / "metrics.jsonl").stat().st_size <= rows:
            assert time.monotonic() < end, "the run stands still"
            time.sleep(0.05)
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(60) == 0


def _cmdline(pid: str) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()
