"""Number formats of weights, caches and arithmetic, with the bytes that their scales add."""

from __future__ import annotations

from dataclasses import dataclass

from floorplan.errors import UnknownNameError

__all__ = ["PRECISIONS", "Precision", "cache_precision", "precision"]


@dataclass(frozen=True)
class Precision:
    """One number format as it lies in memory and as hardware multiplies it.

    Attributes:
        name: key in `PRECISIONS`.
        element_bits: bits of one element without its scale.
        scale_bits: bits that a group of elements shares.
        group: elements in a group.
        arithmetic: keys of `Hardware.peak_flops` that can multiply it, best first; the later ones unpack it.
        source: where the layout is defined.
    """

    name: str
    element_bits: int
    scale_bits: int
    group: int
    arithmetic: tuple[str, ...]
    source: str

    @property
    def bits_per_element(self) -> float:
        """Bits that one element takes, its share of the scale included."""
        return self.element_bits + self.scale_bits / self.group

    @property
    def bytes_per_element(self) -> float:
        """Bytes that one element takes, its share of the scale included."""
        return self.bits_per_element / 8.0


_SIXTEEN = ("bf16", "fp16")
_MX = "OCP Microscaling Formats (MX) Specification v1.0 (2023), 5.2: blocks of 32, one 8-bit E8M0 scale"
_NV = "NVIDIA, Introducing NVFP4 (developer blog, 2025-06): blocks of 16, one FP8 E4M3 scale; FP32 per tensor neglected"
_INT4 = "Lin et al., AWQ, arXiv 2306.00978, section 5: groups of 128; 16-bit scale and 4-bit zero point each"

PRECISIONS: dict[str, Precision] = {
    p.name: p
    for p in (
        Precision("fp16", 16, 0, 1, ("fp16", "bf16"), "IEEE 754-2008 binary16"),
        Precision("bf16", 16, 0, 1, _SIXTEEN, "Google Cloud TPU documentation: bfloat16"),
        Precision(
            "fp8", 8, 0, 1, ("fp8", *_SIXTEEN), "Micikevicius et al., arXiv 2209.05433; per-tensor scale neglected"
        ),
        Precision("int8", 8, 0, 1, ("int8", *_SIXTEEN), "two's complement; per-channel scale neglected"),
        Precision("int4", 4, 16 + 4, 128, ("int4", *_SIXTEEN, "int8"), _INT4),
        Precision("mxfp4", 4, 8, 32, ("fp4", *_SIXTEEN, "fp8"), _MX),
        Precision("nvfp4", 4, 8, 16, ("fp4", *_SIXTEEN, "fp8"), _NV),
    )
}


def precision(name: str | Precision) -> Precision:
    """Return the number format called `name`, or `name` itself where it is one already.

    Raises:
        UnknownNameError: there is none of this name.
    """
    if isinstance(name, Precision):
        return name
    found = PRECISIONS.get(name)
    if found is None:
        raise UnknownNameError("precision", name, list(PRECISIONS))
    return found


def cache_precision(weights: str | Precision) -> Precision:
    """Return the usual format of a cache beside these weights: the same, but no narrower than fp8.

    Four-bit weights are served with an eight-bit cache (TensorRT-LLM's FP4 checkpoints).

    Raises:
        UnknownNameError: there is no format of this name.
    """
    chosen = precision(weights)
    return chosen if chosen.element_bits >= 8 else PRECISIONS["fp8"]
