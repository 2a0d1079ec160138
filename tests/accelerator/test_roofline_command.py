from __future__ import annotations

import json
import subprocess
import sys

import pytest

from floorplan.accelerator.hardware import hardware
from floorplan.accelerator.roofline import RooflineError
from floorplan.cli.options import OptionError
from floorplan.cli.roofline import Roofline
from floorplan.errors import UnknownNameError

CONTRACT = {
    "total_params",
    "active_params",
    "kv_bytes_per_token",
    "capacity_footprint_bytes",
    "operational_intensity",
    "ridge",
    "batch_max",
    "bound",
    "tokens_per_s",
}


def result(capsys, *words, **options):
    assert Roofline(*words, json=True, **options).run() == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return json.loads(out)


def test_json_of_a_model_that_does_not_fit(capsys):
    got = result(capsys, "llama3-70b", "h200", "chatbot")
    assert set(got) >= CONTRACT
    assert set(got["operational_intensity"]) == {"prefill", "decode"}
    assert (got["batch_max"], got["bound"], got["tokens_per_s"], got["fits"]) == (0, "capacity", 0.0, False)
    assert got["kv_bytes_per_token"] == 327_680
    assert got["total_params"] == pytest.approx(70.55e9, rel=1e-4)
    assert got["active_params"] == pytest.approx(69.50e9, rel=1e-4)
    assert got["ridge"] == pytest.approx(206, abs=0.5)
    assert got["chips_needed"] == 2


def test_json_of_one_that_does(capsys):
    got = result(capsys, "deepseek-v3", "h200", "coding", chips=8, precision="fp8", kv_precision="bf16")
    assert got["kv_bytes_per_token"] == 70_272
    assert got["bound"] == "bandwidth"
    assert 0 < got["batch"] <= got["batch_max"]
    assert 0 < got["tokens_per_s"] < got["tokens_per_s_roof"]
    assert got["cache_hit_rate"] > 0.9
    assert not got["serving_model"]["validated"]
    fewer = result(capsys, "deepseek-v3", "h200", "coding", chips=8, precision="fp8", kv_precision="bf16", batch=1)
    assert fewer["tokens_per_s"] < got["tokens_per_s"]
    assert fewer["operational_intensity"]["decode"] < got["operational_intensity"]["decode"]


@pytest.mark.parametrize(
    ("chip", "precision", "kv"),
    [
        ("h200", "bf16", "bf16"),
        ("groq-lp30", "fp8", "fp8"),
        ("rubin-cpx", "nvfp4", "fp8"),
        ("groq-lpu1", "fp16", "fp16"),
    ],
)
def test_default_precision_is_one_that_the_chip_multiplies(capsys, chip, precision, kv):
    got = result(capsys, "deepseek-v3", chip, "coding")
    assert (got["precision"], got["kv_precision"]) == (precision, kv)


def test_a_worse_prompt_cache_serves_less(capsys):
    rates = [
        result(capsys, "llama3-70b", "b200", "web-use", chips=4, precision="fp8", cache_hits=share)["tokens_per_s"]
        for share in (1.0, 0.9, 0.0)
    ]
    assert rates[0] > rates[1] > 3 * rates[2] > 0


def test_equal_calls_print_equal_bytes(capsys):
    texts = []
    for _ in range(2):
        Roofline("qwen3-30b-a3b", "b200", "coding", json=True, seed=2).run()
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]


def test_table_says_does_not_fit(capsys):
    assert Roofline("llama3-70b", "h200", "chatbot").run() == 0
    out = capsys.readouterr().out
    assert "does not fit" in out
    assert "capacity" in out
    assert "2 chips would hold one request" in out
    assert "nan" not in out
    assert "inf" not in out.replace("nothing", "")


def test_table_of_a_served_model(capsys):
    assert Roofline("llama3-70b", "h200", "chatbot", precision="fp8").run() == 0
    out = capsys.readouterr().out
    assert "bandwidth; memory ends the batch" in out
    assert "149; 149 fit, no batch reaches the ridge" in out
    assert "extrapolated" not in out
    Roofline("deepseek-v3", "groq-lp30", "chatbot", precision="fp8", chips=2048, stages=256).run()
    assert "extrapolated" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [("llama9", "h200", "chatbot"), ("llama3-8b", "h900", "chatbot"), ("llama3-8b", "h200", "poems")]
)
def test_unknown_names(words):
    with pytest.raises(UnknownNameError, match="known:"):
        Roofline(*words).run()


def test_precision_that_the_chip_lacks():
    assert "fp8" not in hardware("a100").peak_flops
    with pytest.raises(UnknownNameError):
        Roofline("llama3-8b", "h200", "chatbot", precision="fp7").run()
    with pytest.raises(RooflineError):
        Roofline("llama3-8b", "h200", "chatbot", batch=10**7).run()


def test_a_figure_needs_a_file():
    with pytest.raises(OptionError, match="--plot"):
        Roofline("llama3-8b", "h200", "chatbot", figure="kv").run()


def test_tensor_parallelism_that_only_copies_the_cache_is_said_so(capsys):
    Roofline("llama3-70b", "groq-lpu1", "web-use", precision="int8", chips=2000).run()
    assert "keeps the cache 250 times; --stages spreads it" in capsys.readouterr().out


def test_importing_the_package_stays_light():
    code = (
        "import sys, floorplan.accelerator.roofline, floorplan.accelerator.workloads; "
        "print([m for m in ('scipy', 'torch', 'numba', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_claim_is_judged_with_its_reason(capsys):
    words = ("llama3-70b", "h100", "chatbot")
    refused = result(capsys, *words, precision="fp16", batch=1, claim=100.0)["claim"]
    assert refused["tokens_per_s"] == 100.0
    assert "fit" in refused["impossible_because"]
    fine = result(capsys, *words, precision="fp8", chips=2, claim=1000.0)["claim"]
    assert fine["impossible_because"] is None
    assert "claim" not in result(capsys, *words)
    assert Roofline(*words, precision="fp8", chips=2, claim=1e9).run() == 0
    assert "1e+09 tokens/s: " in capsys.readouterr().out
