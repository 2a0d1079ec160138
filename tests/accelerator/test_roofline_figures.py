from __future__ import annotations

import pytest

from floorplan.accelerator.hardware import hardware
from floorplan.accelerator.llm import model
from floorplan.accelerator.roofline import RooflineError, operate
from floorplan.accelerator.roofline.figures import FIGURES, write_figure
from floorplan.accelerator.roofline.paper import FIGURE_3, FIGURE_3_CONTEXTS, figure_2, figure_4
from floorplan.accelerator.workloads import workload
from floorplan.errors import UnknownNameError


@pytest.mark.parametrize(
    ("label", "reading", "per_token", "gigabytes", "millions"),
    [  # accelerator.md 1.2
        ("MHA", 64, 393_216, (1.61, 12.88, 51.54, 103.08, 412.3), (0.20, 0.36, 0.46)),
        ("GQA, 8", 64, 98_304, (0.40, 3.22, 12.88, 25.77, 103.1), (0.81, 1.43, 1.83)),
        ("GQA, 4", 64, 49_152, (0.20, 1.61, 6.44, 12.88, 51.5), (1.63, 2.87, 3.66)),
        ("MLA, latent 256", 64, 27_648, (0.11, 0.91, 3.62, 7.25, 29.0), (2.89, 5.10, 6.51)),
        ("MLA, latent 512", 128, 55_296, (0.23, 1.81, 7.25, 14.50, 58.0), (1.45, 2.55, 3.26)),
        ("MHA", 128, 786_432, (3.22, 25.77, 103.1, 206.2, 824.6), (0.10, 0.18, 0.23)),
    ],
)
def test_figure_3(label, reading, per_token, gigabytes, millions):
    (scheme,) = [s for s in FIGURE_3 if s.label.startswith(label) and s.reading == reading]
    assert scheme.bytes_per_token == per_token
    assert [c * per_token / 1e9 for c in FIGURE_3_CONTEXTS] == pytest.approx(gigabytes, abs=0.05, rel=2e-3)
    assert [scheme.tokens_in(gb * 1e9) / 1e6 for gb in (80, 141, 180)] == pytest.approx(millions, abs=0.006)


def test_figure_3_ratios_hold_in_both_readings():
    for reading in (64, 128):
        mha, gqa, _, mla = (s.bytes_per_token for s in FIGURE_3 if s.reading == reading)
        assert (mha / mla, gqa / mla) == pytest.approx((14.2, 3.6), abs=0.05)


def test_figure_2_tells_the_papers_story():
    bars = {b.workload: b for b in figure_2()}
    b200 = hardware("b200")
    assert b200.memory_bytes is not None
    # most agents exceed one B200, and decoding is far below its ridge while prefill is above it
    over = [n for n, b in bars.items() if b.weight_bytes + b.kv_bytes > b200.memory_bytes.value]
    assert set(over) == {"coding", "web-use"}
    for bar in bars.values():
        assert bar.oi_decode < 8.0 < b200.ridge("bf16") < bar.oi_prefill
    assert bars["coding"].prefill_tokens > 5 * bars["coding"].new_tokens


def test_figure_4_long_contexts_are_cache_and_experts_lower_the_intensity():
    bars = {(b.model.name, b.context, b.batch): b for b in figure_4()}
    long = bars["llama3-70b", 131_072, 16]
    assert long.kv_bytes > 4 * long.weight_bytes
    assert bars["deepseek-v3", 131_072, 16].kv_bytes < long.kv_bytes / 4
    assert bars["llama4-maverick", 8_192, 16].oi_decode < bars["llama3-70b", 8_192, 16].oi_decode / 2


HEADS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.mark.parametrize(
    ("figure", "suffix"),
    [
        ("roofline", ".png"),
        ("kv", ".pdf"),
        pytest.param("agents", ".svg", marks=pytest.mark.slow),
        pytest.param("moe", ".png", marks=pytest.mark.slow),
        pytest.param("serving", ".svg", marks=pytest.mark.slow),
    ],
)
def test_figures_are_written(figure, suffix, tmp_path):
    point = operate(model("llama3-70b"), hardware("h200"), workload("chatbot"), weights="fp8")
    path = tmp_path / f"{figure}{suffix}"
    write_figure(path, figure, point)
    data = path.read_bytes()
    assert data.startswith(HEADS[suffix])
    assert len(data) > 5_000


def test_a_model_that_does_not_fit_is_drawn_so_and_equal_points_give_equal_bytes(tmp_path):
    point = operate(model("llama3-405b"), hardware("h200"), workload("chatbot"))
    assert point.batch_max == 0
    for name in ("a.svg", "b.svg"):
        write_figure(tmp_path / name, "roofline", point)
    data = (tmp_path / "a.svg").read_bytes()
    assert data == (tmp_path / "b.svg").read_bytes()
    assert b"does not fit" in data
    assert b"nan" not in data.lower()


def test_every_figure_has_a_test():
    assert set(FIGURES) == {"roofline", "kv", "agents", "moe", "serving"}


def test_what_cannot_be_drawn(tmp_path):
    point = operate(model("llama3-8b"), hardware("h200"), workload("chatbot"))
    with pytest.raises(RooflineError, match="png"):
        write_figure(tmp_path / "a.gif", "roofline", point)
    with pytest.raises(RooflineError, match="point"):
        write_figure(tmp_path / "a.png", "roofline")
    with pytest.raises(UnknownNameError, match="agents"):
        write_figure(tmp_path / "a.png", "landscape", point)
    assert list(tmp_path.iterdir()) == []
