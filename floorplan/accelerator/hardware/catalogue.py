"""Figures of accelerators as vendors, benchmarks and reviews publish them: dense peaks, decimal and binary bytes apart.

Where pages disagree a figure carries a `rival`. "recalled" marks what was not checked against any source.
"""

from __future__ import annotations

from functools import partial

from floorplan.accelerator.hardware.spec import Figure, Hardware
from floorplan.errors import UnknownNameError

__all__ = ["HARDWARE", "hardware"]

_RECALLED = "recalled, not verified"


def _of(source: str, date: str) -> partial[Figure]:
    return partial(Figure.stated, source=source, date=date)


def _peaks(source: partial[Figure], **stated: str) -> dict[str, Figure]:
    return {key: source(text, precision=key) for key, text in stated.items()}


_recalled = partial(Figure.stated, source=_RECALLED, date="2026", verified=False)
_a100 = _of("NVIDIA A100 data sheet, as in LLM-Viewer hardware_params.py and calculon systems/a100_80g.json", "2020")
_h100 = _of("NVIDIA H100 data sheet, as on hpctech.co.jp (there with sparsity, halved here)", "2022")
_h200 = _of("glennklockwood.com/garden/processors/h100: H200 is H100 with other memory", "2024")
_mlperf = _of("MLPerf Inference v4.1 system description", "2024-08")
_b200 = _of("glennklockwood.com/garden/processors/B200, HGX variant at 1000 W", "2025")
_gb200 = _of("glennklockwood.com/garden/processors/B200, GB200 variant at 1200 W", "2025")
_rubin = _of("NVIDIA Vera Rubin, as on mirrorfrog.com, megaobzor.com and lapaas", "2026-01")
_cpx = _of("NVIDIA Rubin CPX, as on awesomeagents.ai and particle.news", "2025-09")
_v4, _v5e, _v5p, _v6e, _tpu7x = (
    _of(f"cloud.google.com/tpu/docs/{page}", "2026") for page in ("v4", "v5e", "v5p", "v6e", "tpu7x")
)
_lpu1 = _of("TechPowerUp and awesomeagents.ai on the Groq LPU", "2024")
_lp30 = _of("lapaas and ico-optics on the Groq 3 LP30", "2026")
_mi300x = _of("AMD Instinct MI300X data sheet, as on hmc-tech and jaredwatkins.com", "2023-12")

_HOPPER_PEAKS = {"bf16": "989 TFLOP/s", "fp16": "989 TFLOP/s", "fp8": "1979 TFLOP/s", "int8": "1979 TOP/s"}
_ONE_WAY = "one direction; twice as much is quoted for both"

HARDWARE: dict[str, Hardware] = {
    h.name: h
    for h in (
        Hardware(
            "a100",
            "hbm",
            _peaks(_a100, bf16="312 TFLOP/s", fp16="312 TFLOP/s", int8="624 TOP/s"),
            memory_bytes=_a100("80 GB"),
            memory_bytes_per_s=_a100("2.039 TB/s"),
            sram_bytes=_a100("40 MB", note="L2"),
            link_bytes_per_s=_recalled("300 GB/s", note=_ONE_WAY),
            tdp_w=_a100("400 W"),
        ),
        Hardware(
            "h100",
            "hbm",
            _peaks(_h100, **_HOPPER_PEAKS),
            memory_bytes=_h100("80 GB"),
            memory_bytes_per_s=_h100("3.35 TB/s", note="SXM5; LLM-Viewer's 3.072 TB/s is on no data sheet"),
            sram_bytes=_h100("50 MB", note="L2"),
            link_bytes_per_s=_h100("450 GB/s", note=_ONE_WAY),
            tdp_w=_h100("700 W"),
        ),
        Hardware(
            "h200",
            "hbm",
            _peaks(_h200, **_HOPPER_PEAKS),
            memory_bytes=_mlperf("141 GB"),
            memory_bytes_per_s=_mlperf("4.8 TB/s"),
            sram_bytes=_h200("50 MB", note="L2"),
            link_bytes_per_s=_h200("450 GB/s", note=_ONE_WAY),
            tdp_w=_mlperf("700 W"),
        ),
        Hardware(
            "b200",
            "hbm",
            _peaks(
                _b200, bf16="2250 TFLOP/s", fp16="2250 TFLOP/s", fp8="4500 TFLOP/s", int8="4500 TOP/s", fp4="9 PFLOP/s"
            ),
            memory_bytes=_of("hmc-tech on B200 and a hardware-economics table on Hugging Face", "2025")(
                "180 GB", note="what systems report of 192 GB fitted", rival=_b200("192 GB")
            ),
            memory_bytes_per_s=_b200("8 TB/s"),
            link_bytes_per_s=_b200("900 GB/s", note=_ONE_WAY),
            tdp_w=_b200("1000 W"),
        ),
        Hardware(
            "gb200",
            "hbm",
            _peaks(_gb200, bf16="2500 TFLOP/s", fp16="2500 TFLOP/s", fp8="5 PFLOP/s", int8="5 POP/s", fp4="10 PFLOP/s"),
            memory_bytes=_mlperf("186 GB", note="per GPU", rival=_gb200("192 GB")),
            memory_bytes_per_s=_gb200("8 TB/s"),
            link_bytes_per_s=_gb200("900 GB/s", note=_ONE_WAY),
            tdp_w=_gb200("1200 W", note="per GPU"),
            note="per GPU of the superchip, which holds two",
        ),
        Hardware(
            "rubin",
            "hbm",
            {
                "fp4": _rubin(
                    "50 PFLOP/s",
                    precision="fp4",
                    note="NVFP4; mirrorfrog calls it sparse, other pages do not",
                    rival=_rubin("25 PFLOP/s", precision="fp4", note="the dense half, should 50 be sparse"),
                ),
                "fp8": _rubin(
                    "16.7 PFLOP/s",
                    precision="fp8",
                    note="1.2 EFLOP/s of FP8 training over 72 packages (megaobzor)",
                    rival=_rubin("12.5 PFLOP/s", precision="fp8", note="half of the 25 that mirrorfrog calls sparse"),
                ),
                "bf16": _recalled(
                    "4 PFLOP/s",
                    precision="bf16",
                    rival=_rubin("6.25 PFLOP/s", precision="bf16", note="half of mirrorfrog's 12.5, taken for sparse"),
                ),
            },
            memory_bytes=_rubin("288 GB"),
            memory_bytes_per_s=_rubin("22 TB/s", note="HBM4; megaobzor's 12 TB/s is that of an earlier announcement"),
            link_bytes_per_s=_of("Vera Rubin NVL72, as on jp.imgtag.co.kr", "2026-01")("1.8 TB/s", note=_ONE_WAY),
            tdp_w=_rubin("1800 W", note="approximate"),
            note="sources conflict on all peaks: NVFP4 50 PFLOP/s dense, or sparse and 25 dense; see ridge_range()",
        ),
        Hardware(
            "rubin-cpx",
            "gddr",
            {
                "fp4": _cpx(
                    "20 PFLOP/s",
                    precision="fp4",
                    note="NVFP4, approximate",
                    rival=_cpx("30 PFLOP/s", precision="fp4", dense=False, note="as announced"),
                )
            },
            memory_bytes=_cpx("128 GB"),
            memory_bytes_per_s=_cpx("2 TB/s", note="GDDR7, approximate"),
            note="announced as 30 PFLOP/s NVFP4, which pages take for the sparse figure of about 20 dense",
        ),
        Hardware(
            "tpu-v4",
            "hbm",
            _peaks(_v4, bf16="275 TFLOP/s", int8="275 TOP/s"),
            memory_bytes=_v4("32 GiB"),
            memory_bytes_per_s=_v4("1.2 TB/s"),
            sram_bytes=_recalled("128 MB", note="CMEM"),
            tdp_w=_v4("192 W", note="largest measured; 90 least, 170 mean"),
        ),
        Hardware(
            "tpu-v5e",
            "hbm",
            _peaks(_v5e, bf16="197 TFLOP/s", int8="393 TOP/s"),
            memory_bytes=_v5e("16 GB"),
            memory_bytes_per_s=_v5e("819 GB/s", rival=_v5e("800 GiB/s", note="an edition of the same page")),
            link_bytes_per_s=_v5e("1600 Gb/s", note="ICI, " + _ONE_WAY),
        ),
        Hardware(
            "tpu-v5p",
            "hbm",
            _peaks(_v5p, bf16="459 TFLOP/s", fp8="459 TFLOP/s"),
            memory_bytes=_v5p("95 GiB", note="of 96 GiB fitted", rival=_v5p("95 GB", note="older edition")),
            memory_bytes_per_s=_v5p("2765 GB/s", note="2575 GiB/s in another edition: the same"),
            link_bytes_per_s=_v5p("4800 Gb/s", note="ICI, " + _ONE_WAY),
        ),
        Hardware(
            "tpu-v6e",
            "hbm",
            _peaks(_v6e, bf16="918 TFLOP/s", int8="1836 TOP/s"),
            memory_bytes=_v6e("32 GB", rival=_tpu7x("32 GiB")),
            memory_bytes_per_s=_tpu7x("1640 GB/s", rival=_v6e("1638 GB/s")),
            link_bytes_per_s=_v6e("400 GB/s", note="ICI, " + _ONE_WAY),
        ),
        Hardware(
            "ironwood",
            "hbm",
            _peaks(_tpu7x, bf16="2307 TFLOP/s", fp8="4614 TFLOP/s"),
            memory_bytes=_tpu7x("192 GiB"),
            memory_bytes_per_s=_of("SemiAnalysis and aiwiki.ai on TPU v7", "2026")(
                "7.37 TB/s", rival=_of("szyunze.com on the launch at Google Cloud Next 2025", "2025-04")("7.2 TB/s")
            ),
            link_bytes_per_s=_of("aiwiki.ai on TPU v7", "2026")("600 GB/s", note="ICI, " + _ONE_WAY),
        ),
        Hardware(
            "groq-lpu1",
            "sram",
            _peaks(_lpu1, int8="750 TOP/s", fp16="188 TFLOP/s"),
            memory_bytes=_lpu1("230 MB", note="no DRAM"),
            memory_bytes_per_s=_lpu1("80 TB/s"),
            sram_bytes=_lpu1("230 MB"),
            sram_bytes_per_s=_lpu1("80 TB/s"),
            tdp_w=_lpu1("300 W", note="approximate"),
        ),
        Hardware(
            "groq-lp30",
            "sram",
            {"fp8": _lp30("1.2 PFLOP/s", precision="fp8", rival=_lp30("1.23 PFLOP/s", precision="fp8"))},
            memory_bytes=_lp30("500 MB", note="no DRAM", rival=_lp30("512 MB")),
            memory_bytes_per_s=_lp30("150 TB/s", note="a rack of 256 is quoted at 128 GB and 40 PB/s"),
            sram_bytes=_lp30("500 MB", rival=_lp30("512 MB")),
            sram_bytes_per_s=_lp30("150 TB/s"),
            link_bytes_per_s=_lp30("2.5 TB/s", note="640 TB/s over a rack of 256; direction not stated"),
        ),
        Hardware(
            "mi300x",
            "hbm",
            _peaks(_mi300x, bf16="1307 TFLOP/s", fp16="1307 TFLOP/s", fp8="2615 TFLOP/s"),
            memory_bytes=_mi300x("192 GB"),
            memory_bytes_per_s=_mi300x("5.3 TB/s"),
            sram_bytes=_recalled("256 MB", note="Infinity Cache"),
            link_bytes_per_s=_of("gpu.blog on the MI300X", "2025")("448 GB/s", note=_ONE_WAY),
            tdp_w=_mi300x("750 W"),
        ),
    )
}


def hardware(name: str) -> Hardware:
    """Return the accelerator called `name`.

    Raises:
        UnknownNameError: the catalogue holds none of this name.
    """
    found = HARDWARE.get(name)
    if found is None:
        raise UnknownNameError("hardware", name, list(HARDWARE))
    return found
