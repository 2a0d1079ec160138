"""Verilog text made simple: comments and attributes out, escaped names made plain, the line of every offset kept."""

from __future__ import annotations

import re
from pathlib import Path

from floorplan.errors import ParseError
from floorplan.files import read_bytes_maybe_compressed
from floorplan.formats.pbtxt.scanner import decode

__all__ = ["NAME", "SHOWN", "Text", "plain"]

SHOWN = 40
"""Characters of a file that a message repeats."""

# An escaped name becomes one plain word: what could not stand in a word is moved into a private block of Unicode.
_SHIFT = 0xE000
NAME = r"[A-Za-z_\ue000-\ue07f][\w$\ue000-\ue07f]*+"
"""A name after `Text` has made escaped ones plain; to be put into a regular expression."""

_SPECIAL = {c: c + _SHIFT for c in range(0x21, 0x7F) if not (chr(c).isalnum() or chr(c) in "_$")}
_BACK = {c + _SHIFT: c for c in range(0x80)}
_SIMPLE = re.compile(r"[A-Za-z_][\w$]*", re.ASCII)
_PRIVATE = re.compile(r"[\ue000-\uf8ff]")
_NOT_END = re.compile(r"[^\n]+")
# each alternative begins with a plain character, which lets the regular expression skip all others quickly
_ODD = re.compile(
    r"""//[^\n]*+|/\*.*?\*/|/\*|\(\*(?!\s*+\)).*?\*\)|\(\*(?!\s*+\))"""
    r"""|\\\S++|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|"|`\w++[^\n]*+|`""",
    re.DOTALL,
)
_SPECIFY = re.compile(r"\bspecify\b(?:.*?\bendspecify\b)?", re.DOTALL)
_WORD = re.compile(r"\w+")
_HARMLESS = ("timescale", "default_nettype", "celldefine", "endcelldefine", "resetall")
_KEYWORDS = frozenset(
    ("module", "endmodule", "input", "output", "inout", "wire", "tri", "wand", "wor", "reg", "supply0", "supply1")
) | frozenset(("assign", "parameter", "localparam", "specparam", "defparam", "specify", "endspecify"))


class Text:
    """A file whose statements end in semicolons, and its names in what no name can hold.

    Attributes:
        path: the file.
        body: its text without comments and attributes, with as many lines as the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        raw = decode(path, read_bytes_maybe_compressed(path))
        if (m := _PRIVATE.search(raw)) is not None:
            raise ParseError(path, raw.count("\n", 0, m.start()) + 1, f"a character that names cannot have ({m[0]!a})")
        odd = any(c in raw for c in '/\\"`') or "(*" in raw
        body = _ODD.sub(lambda m: self._tame(raw, m), raw) if odd else raw
        if "specify" in body:  # timing, of which a floorplan knows nothing
            body = _SPECIFY.sub(lambda m: self._skip(body, m), body)
        self.body = body

    def _tame(self, raw: str, m: re.Match[str]) -> str:
        found = m[0]
        if found[0] == "\\":
            name = found[1:]
            if _SIMPLE.fullmatch(name) and name not in _KEYWORDS:
                return name
            first = ord(name[0])
            head = chr(first + _SHIFT) if first < 0x80 else name[0]
            return head + name[1:].translate(_SPECIAL)
        if found in ("/*", "(*", '"', "`"):
            raise self._raw_fault(raw, m, f"what begins with {found} here does not end")
        if found[0] == '"':
            return '""'
        if found[0] == "`":
            word = _WORD.match(found, 1)
            if word is None or word[0] not in _HARMLESS:
                said = f"{found[:SHOWN]!r} needs a preprocessor, which netlists should have been through"
                raise self._raw_fault(raw, m, said)
        return " " + _NOT_END.sub("", found)

    def _skip(self, raw: str, m: re.Match[str]) -> str:
        if not m[0].endswith("endspecify"):
            raise self._raw_fault(raw, m, "specify has no endspecify")
        return " " + _NOT_END.sub("", m[0])

    def _raw_fault(self, raw: str, m: re.Match[str], what: str) -> ParseError:
        return ParseError(self.path, raw.count("\n", 0, m.start()) + 1, what)

    def line(self, offset: int) -> int:
        """Return the line of an offset in `body`; of the next word, where white space stands there."""
        while offset < len(self.body) and self.body[offset].isspace():
            offset += 1
        return self.body.count("\n", 0, offset) + 1

    def fault(self, offset: int, what: str) -> ParseError:
        """Return the error for what stands at `offset` of the body."""
        return ParseError(self.path, self.line(offset), what)


def plain(name: str) -> str:
    """Return a name as the file has it, without backslash."""
    return name if name.isascii() else name.translate(_BACK)
