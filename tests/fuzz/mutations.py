"""Changes to a sound file that keep most of its structure: what tools, editors and disks do to files, and worse."""

from __future__ import annotations

import gzip
import lzma
import re
from random import Random

__all__ = ["mutated", "packed"]

_WORD = re.compile(rb"[^\s(){}<>\[\],;:\"']+|[(){}<>\[\],;:\"']")
_EVIL = (
    b"", b"0", b"-1", b"-0", b"1e999", b"-1e999", b"nan", b"inf", b"1e-320", b"0x10", b"1_0", b"+5", b"1.0", b".5",
    b"5.", b"2147483648", b"-2147483649", b"9223372036854775808", b"1099511627777", b"9" * 400, b"1e15",
    b"1e155", b"-1e300", b"1e-300",
    b"4294967296", b"\xff", b"\xc3\xa9", b"\xe2\x80\xa8", b"\xd9\xa3", b"\xef\xbb\xbf", b"\0", b"\x1c", b"\x85",
    b"\r", b"\\", b'"', b"'", b"#", b"//", b"/*", b"*/", b"(*", b"*)", b"`", b";", b" ;", b"+", b"-", b"*", b":",
    b"%", b"END", b"end", b"N", b"FW", b"terminal", b"/FIXED", b"a" * 300, b"{", b"}", b"[", b"]", b"(", b")", b"<",
    b">", b",", b".", b"=", b"null", b"true",
)  # fmt: skip
_NESTS = ((b"{", b"}"), (b"[", b"]"), (b"(", b")"), (b"<", b">"), (b"/*", b"*/"), (b'"', b'"'), (b"node {", b"}"))
_MOST_BYTES = 90_000


def mutated(data: bytes, draw: Random, most: int = 4) -> bytes:
    """Return `data` with one to `most` changes; never more than 90 kB."""
    for _ in range(draw.randint(1, most)):
        data = draw.choice(_CHANGES)(data, draw)[:_MOST_BYTES]
    return data


def packed(data: bytes, draw: Random) -> tuple[str, bytes]:
    """Return a suffix and `data` as it lies in such a file, whole, cut short, or with a byte changed."""
    suffix = draw.choice((".gz", ".xz"))
    out = bytearray(gzip.compress(data, mtime=0) if suffix == ".gz" else lzma.compress(data))
    how = draw.randrange(4)
    if how == 1:
        del out[draw.randrange(len(out)) :]
    elif how == 2:
        out[draw.randrange(len(out))] ^= 1 << draw.randrange(8)
    elif how == 3:
        out += bytes(draw.randrange(256) for _ in range(draw.randint(1, 20)))
    return suffix, bytes(out)


def _words(data: bytes) -> list[tuple[int, int]]:
    return [m.span() for m in _WORD.finditer(data)] or [(0, len(data))]


def _cut(data: bytes, draw: Random) -> bytes:
    at = draw.randint(0, len(data))
    return data[:at] + data[at + draw.choice((1, 2, 5, 20, 100, 1000)) :]


def _end(data: bytes, draw: Random) -> bytes:
    return data[: draw.randint(0, len(data))]


def _repeat(data: bytes, draw: Random) -> bytes:
    at = draw.randint(0, len(data))
    piece = data[at : at + draw.randint(1, 40)]
    return data[:at] + piece * draw.choice((2, 3, 10, 1000)) + data[at:]


def _replace_word(data: bytes, draw: Random) -> bytes:
    start, end = draw.choice(_words(data))
    return data[:start] + draw.choice(_EVIL) + data[end:]


def _swap_words(data: bytes, draw: Random) -> bytes:
    words = _words(data)
    (a, b), (c, d) = sorted((draw.choice(words), draw.choice(words)))
    return data if c < b else data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def _copy_word(data: bytes, draw: Random) -> bytes:
    words = _words(data)
    (a, b), (c, d) = draw.choice(words), draw.choice(words)
    return data[:a] + data[c:d] + data[b:]


def _insert(data: bytes, draw: Random) -> bytes:
    at = draw.randint(0, len(data))
    return data[:at] + draw.choice(_EVIL) + data[at:]


def _flip(data: bytes, draw: Random) -> bytes:
    if not data:
        return data
    at = draw.randrange(len(data))
    return data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :]


def _lines(data: bytes, draw: Random) -> bytes:
    lines = data.split(b"\n")
    i, j = draw.randrange(len(lines)), draw.randrange(len(lines))
    how = draw.randrange(5)
    if how == 0:
        del lines[i]
    elif how == 1:
        lines.insert(j, lines[i])
    elif how == 2:
        lines[i], lines[j] = lines[j], lines[i]
    elif how == 3:
        lines[i:i] = [b""] * draw.choice((1, 10, 3000))
    else:
        lines[i] = lines[i] + b" " + lines[j]
    return b"\n".join(lines)


def _nest(data: bytes, draw: Random) -> bytes:
    opening, closing = draw.choice(_NESTS)
    depth, at = draw.choice((1, 2, 100, 20_000)), draw.randint(0, len(data))
    return data[:at] + opening * depth + closing * draw.choice((0, depth)) + data[at:]


def _line_ends(data: bytes, draw: Random) -> bytes:
    return data.replace(b"\n", draw.choice((b"\r\n", b"\r", b"\n\n", b" ")))


_CHANGES = (
    _cut, _end, _repeat, _replace_word, _replace_word, _replace_word, _swap_words, _swap_words, _copy_word, _copy_word,
    _insert, _insert, _flip, _lines, _lines, _lines, _nest, _line_ends,
)  # fmt: skip
