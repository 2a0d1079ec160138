"""What a file is, told by what stands in it."""

from __future__ import annotations

import gzip
import lzma
import re
import zlib
from pathlib import Path

from floorplan.errors import ParseError
from floorplan.files import plain_name, read_bytes_maybe_compressed

__all__ = ["FORMATS", "bookshelf_part", "head_of", "sniff"]

FORMATS = ("protobuf", "plc", "lef", "def", "verilog", "bookshelf", "gsrc", "yal", "json", "groups", "tcl")
"""What `sniff` can answer: netlists, libraries, placements (plc, tcl), clusterings (groups)."""

_HEAD_BYTES = 1 << 18
_SHOWN = 40
_ENDS = ("", ".xz", ".gz")

_OPENERS: dict[str, type[gzip.GzipFile] | type[lzma.LZMAFile]] = {".gz": gzip.GzipFile, ".xz": lzma.LZMAFile}
_MAGIC = {b"\x1f\x8b": ("gzip", ".gz"), b"\xfd7zXZ\x00": ("xz", ".xz")}
_NOT_TEXT = {
    b"\x00\x06\x00\x02": "a GDSII layout",
    b"%SEMI-OASIS": "an OASIS layout",
    b"\x7fELF": "a program",
    b"PK\x03\x04": "a zip archive",
    b"BZh": "bzip2-compressed",
    b"\x28\xb5\x2f\xfd": "zstd-compressed",
    b"\x89PNG": "a picture",
    b"%PDF": "a PDF document",
}

# Comments and blank lines that may stand above the first word: `#` and `//` to the end of the line, `/* */`.
_PREAMBLE = re.compile(r"(?:\s++|#[^\n]*+(?:\n|$)|//[^\n]*+(?:\n|$)|/\*(?:[^*]|\*(?!/))*+\*/)*+")
_PLC_LINE = re.compile(r"[0-9]+ +\S+ +\S+ +(?:-|F?[NSWE]) +[01] *(?:\n|$)")
_PLC_HEADER = re.compile(r"^# *(?:Columns *:|Placement file for )", re.MULTILINE)
_TCL = re.compile(r"^[ \t]*+(?:place_macro\s+-|(?:set|proc)\s+floorplan_)", re.MULTILINE)
_GROUP_LINES = re.compile(r"(?:-?[0-9]+\s*(?:\n|$))+")
_GROUP_NAMES = re.compile(r"Grp\S*(?:\t[^\t\n]+)*\n")
# The first statement that only one of the two has decides between LEF and DEF.
_LEF_OR_DEF = re.compile(
    r"^[ \t]*+(?:(?P<d>DESIGN|TECHNOLOGY|UNITS\s+DISTANCE|DIEAREA|COMPONENTS|PINS|NETS|ROW|TRACKS|GCELLGRID|HISTORY)"
    r"|(?P<l>UNITS|LAYER|SITE|MACRO|MANUFACTURINGGRID|VIA|VIARULE|PROPERTYDEFINITIONS|USEMINSPACING|CLEARANCEMEASURE"
    r"|SPACING|NOISETABLE|FIXEDMASK|MAXVIASTACK|NOWIREEXTENSIONATPIN|END\s+LIBRARY))\b",
    re.MULTILINE | re.IGNORECASE,
)
_LEF_DEF_START = re.compile(
    r"(?:VERSION|NAMESCASESENSITIVE|BUSBITCHARS|DIVIDERCHAR|DESIGN|UNITS|MACRO|LAYER|SITE|MANUFACTURINGGRID"
    r"|PROPERTYDEFINITIONS|VIA|VIARULE|CLEARANCEMEASURE|USEMINSPACING)\s",
    re.IGNORECASE,
)
_YAL = re.compile(
    r"MODULE\s+[^\s;]+\s*;\s*(?:/\*.*?\*/\s*)*(?:TYPE|DIMENSIONS|IOLIST|NETWORK)\b", re.IGNORECASE | re.DOTALL
)
_VERILOG = re.compile(r"(?:(?:`\w+[^\n]*|\(\*.*?\*\))\s*)*(?:module|macromodule)\s", re.DOTALL)
_UCLA = re.compile(r"(UCLA|UCSC)\s+(\w+)", re.IGNORECASE)
_NAMED_NET = re.compile(r"^[ \t]*+NetDegree\s*:\s*\d+[ \t]+\S", re.MULTILINE)
_ORIENTED = re.compile(r"^[^#\n]*\s:\s*F?[NSWE]\b", re.MULTILINE)


def sniff(path: str | Path) -> str:
    """Return the name of a file's format, one of `FORMATS`, from the first 256 KiB of its content.

    Names do not count, but for compression (.gz, .xz) and for one doubt: a list of nets or of positions may read the
    same in Bookshelf and in GSRC's dialect of it, where the file of blocks or nodes beside it decides.

    Raises:
        ParseError: the file cannot be read, or is of none of the formats; it says what was seen.
    """
    p = Path(path)
    head = _head(p)
    if not head:
        raise ParseError(p, 0, "is empty")
    _check_text(p, head)
    text = _text(head)
    skipped = _PREAMBLE.match(text)
    start = skipped.end() if skipped else 0
    found = _by_first_word(p, text, start)
    if found is None:
        if start >= len(text):
            raise ParseError(p, 0, "holds nothing but comments")
        line = text.count("\n", 0, start) + 1
        raise ParseError(p, line, f"is of no known format ({', '.join(FORMATS)}): it begins {_shown(text[start:])}")
    return found


def bookshelf_part(path: Path) -> str:
    """Return which file of a Bookshelf design one is: aux, nodes, nets, pl, ..."""
    text = head_of(path)
    skipped = _PREAMBLE.match(text)
    m = _UCLA.match(text, skipped.end() if skipped else 0)
    return m[2].lower() if m else "aux"


def head_of(path: Path) -> str:
    """Return the first 256 KiB of a file as text, whatever they are."""
    return _text(_head(path))


def _text(head: bytes) -> str:
    return head.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")


def _head(path: Path) -> bytes:
    try:
        if path.suffix in _OPENERS:
            with _OPENERS[path.suffix](path) as f:
                return f.read(_HEAD_BYTES)
        with path.open("rb") as f:
            return f.read(_HEAD_BYTES)
    except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error):
        # reading all of it fails too, in the words that every reader has for it
        return read_bytes_maybe_compressed(path)[:_HEAD_BYTES]


def _by_first_word(path: Path, text: str, start: int) -> str | None:
    body = text[start : start + 4096]
    if re.match(r"node\s*[{<:]", body):
        return "protobuf"
    if _PLC_LINE.match(body) or (start >= len(text) and _PLC_HEADER.search(text[:start])):
        return "plc"
    if re.match(r"RowBasedPlacement\s*:", body):
        return "bookshelf"
    ucla = _UCLA.match(body)
    if ucla:
        return _ucla(path, ucla[2].lower(), text[start:])
    if body.startswith("{"):
        return "json"
    if _YAL.match(body):
        return "yal"
    if _VERILOG.match(body):
        return "verilog"
    if _LEF_DEF_START.match(body):
        hit = _LEF_OR_DEF.search(text, start)
        return None if hit is None else "def" if hit["d"] else "lef"
    if _TCL.search(text, start):
        return "tcl"
    whole_lines = text[: text.rfind("\n") + 1] or text
    if _GROUP_LINES.fullmatch(whole_lines) or _GROUP_NAMES.match(body):
        return "groups"
    return None


def _ucla(path: Path, kind: str, text: str) -> str | None:
    """Tell Bookshelf from GSRC's dialect, whose blocks stand in place of nodes and whose nets have no names."""
    if kind in ("nodes", "scl", "wts", "route", "shapes"):
        return "bookshelf"
    if kind == "blocks":
        return "gsrc"
    if kind not in ("nets", "pl"):
        return None
    stem = Path(plain_name(path)).stem
    blocks, nodes = (_beside(path, f"{stem}.{other}") for other in ("blocks", "nodes"))
    if blocks != nodes:
        return "gsrc" if blocks else "bookshelf"
    if "%" in text:  # offsets as shares of the block
        return "gsrc"
    return "bookshelf" if (_NAMED_NET if kind == "nets" else _ORIENTED).search(text) else "gsrc"


def _beside(path: Path, name: str) -> bool:
    return any((path.parent / (name + end)).is_file() for end in _ENDS)


def _check_text(path: Path, head: bytes) -> None:
    for magic, (what, suffix) in _MAGIC.items():
        if head.startswith(magic):
            raise ParseError(path, 0, f"is {what}-compressed, which its name must say: end it in {suffix}")
    for magic, what in _NOT_TEXT.items():
        if head.startswith(magic):
            raise ParseError(path, 0, f"is {what}, not one of the formats read here ({', '.join(FORMATS)})")
    if b"\0" in head:
        line = head.count(b"\n", 0, head.index(b"\0")) + 1
        raise ParseError(path, line, "holds a zero byte: it is no text, and all formats read here are")


def _shown(text: str) -> str:
    line = text.split("\n", 1)[0]
    return repr(line if len(line) <= _SHOWN else line[:_SHOWN] + "...")
