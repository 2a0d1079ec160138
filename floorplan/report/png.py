"""Small pictures with a palette, as PNG in a data URL: one pixel a grid cell."""

from __future__ import annotations

import base64
import struct
import zlib
from functools import cache

import numpy as np
import numpy.typing as npt

__all__ = ["cividis", "data_url", "palette_png"]

F64 = npt.NDArray[np.float64]
U8 = npt.NDArray[np.uint8]


@cache
def cividis() -> U8:
    """Return (256, 3) colours from dark blue to yellow, even for colour-blind eyes and in grey."""
    from matplotlib import colormaps

    rgb: U8 = np.round(colormaps["cividis"](np.arange(256))[:, :3] * 255).astype(np.uint8)
    return rgb


def palette_png(values: F64, top: float, shade: tuple[int, int, int] | None = None) -> bytes:
    """Return a PNG of (rows, columns) values; row 0 is at the bottom.

    Args:
        values: >= 0.
        top: what is brightest, as are values above it.
        shade: one colour for all, from clear at 0 to half opaque at `top`; None goes through `cividis`.
    """
    index = np.clip(np.round(values / top * 255), 0, 255).astype(np.uint8)[::-1]
    rows, columns = index.shape
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), index], axis=1)  # each line begins with its filter: none
    head = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)
    parts = [(b"IHDR", head), (b"PLTE", cividis().tobytes() if shade is None else bytes(shade) * 256)]
    if shade is not None:
        parts.append((b"tRNS", bytes(i // 2 for i in range(256))))
    parts += [(b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


def data_url(png: bytes) -> str:
    """Return a PNG as the URL that holds it."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
