"""Protobuf text to raw nodes: the layout every tool writes at full speed, any other layout by its grammar.

The text is cut into blocks at lines that begin a top-level node. A block in the canonical layout is taken apart by
one split at its quotation marks, after which everything outside the quotes must be one of a few fixed strings; a block
that differs in anything (comments, escapes, order, white space, a mistake) goes to a tokenizer, which accepts what the
grammar accepts and knows the place of what it rejects.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path

from floorplan.errors import ParseError
from floorplan.formats.grammar import NUMBER, RawNode, TextError, parse_nodes

__all__ = ["MAX_LINE_BYTES", "Scan", "decode", "scan"]

MAX_LINE_BYTES = 64 << 20
"""A longer line is no netlist of any tool; refusing it keeps the time and the memory for bad input small."""

_BLOCK = 1 << 20
_MAX_FAST_BLOCK = 4 * _BLOCK


@dataclass(frozen=True)
class Scan:
    """All nodes of a file, and the means to find a node's line again.

    Attributes:
        path: the file.
        text: its content.
        nodes: in file order.
        blocks: (offset, number of the first node) of each block.
    """

    path: Path
    text: str
    nodes: list[RawNode]
    blocks: list[tuple[int, int]]

    def fault(self, node: int, what: str, *, attr: str | None = None, sink: int | None = None) -> ParseError:
        """Return the error for node number `node`, with the line of its name, attribute or input."""
        k = max(i for i, (_, first) in enumerate(self.blocks) if first <= node)
        start, first = self.blocks[k]
        _, marks = next(itertools.islice(parse_nodes(self.text, start, len(self.text)), node - first, None))
        offset = marks.name
        if sink is not None:
            offset = marks.inputs[sink]
        elif attr is not None:
            offset = marks.attrs.get(attr, offset)
        return ParseError(self.path, _line(self.text, offset), what)


def decode(path: Path, data: bytes) -> str:
    """Return `data` as text whose lines end in a line feed alone.

    Raises:
        ParseError: it is not UTF-8, or a line is longer than `MAX_LINE_BYTES`.
    """
    if len(data) > MAX_LINE_BYTES:
        _check_line_lengths(path, data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        raise ParseError(path, line, f"not UTF-8 text (byte 0x{data[e.start]:02x})") from None
    return text.replace("\r\n", "\n") if "\r" in text else text


def _check_line_lengths(path: Path, data: bytes) -> None:
    start = 0
    while len(data) - start > MAX_LINE_BYTES:
        # the last line end within reach: every line before it is short enough
        end = data.rfind(b"\n", start, start + MAX_LINE_BYTES + 1)
        if end < 0:
            raise ParseError(path, data.count(b"\n", 0, start) + 1, f"line is longer than {MAX_LINE_BYTES} bytes")
        start = end + 1


def scan(path: Path, text: str) -> Scan:
    """Return the nodes of a protobuf-text netlist.

    Raises:
        ParseError: the text breaks the grammar; the error's line is exact.
    """
    nodes: list[RawNode] = []
    blocks: list[tuple[int, int]] = []
    start = 0
    try:
        while start < len(text):
            end = _block_end(text, start)
            blocks.append((start, len(nodes)))
            known = len(nodes)
            if end - start > _MAX_FAST_BLOCK or not _scan_canonical(text[start:end], nodes):
                del nodes[known:]
                nodes.extend(node for node, _ in parse_nodes(text, start, end))
            start = end
    except TextError as e:
        raise ParseError(path, _line(text, e.offset), e.what) from None
    return Scan(path, text, nodes, blocks)


def _block_end(text: str, start: int) -> int:
    """Return where to cut: strings cannot span lines, so a line that begins `node {` after one that is `}` is safe."""
    if len(text) - start <= _BLOCK:
        return len(text)
    at = text.find("\n}\nnode {", start + _BLOCK)
    return len(text) if at < 0 else at + 3


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


# The canonical layout, cut at its quotation marks.
_FIRST = "node {\n  name: "
_INPUT = "\n  input: "
_ATTR = "\n  attr {\n    key: "
_TEXT = "\n    value {\n      placeholder: "
_TEXT_ATTR = "\n    }\n  }" + _ATTR
_TEXT_NODE = "\n    }\n  }\n}\n" + _FIRST
_BARE_NODE = "\n}\n" + _FIRST
_FLOAT = re.compile(
    rf"\n    value \{{\n      f: ({NUMBER})\n    \}}\n  \}}(?:({re.escape(_ATTR)})|\n\}}\n{re.escape(_FIRST)})"
)


def _scan_canonical(block: str, nodes: list[RawNode]) -> bool:
    """Append the nodes of a block in the canonical layout; return False, having appended some or none, if it is not."""
    if not block.startswith(_FIRST) or "\\" in block or "\t" in block:
        return False
    if not block.endswith("\n"):
        block += "\n"
    # an open name at the end makes the last node end like all others
    split = (block + _FIRST + '"').split('"')
    if "\n" in "".join(split[1::2]):
        return False
    number = _FLOAT.fullmatch
    known: dict[str, tuple[float, bool]] = {}  # gap -> value, another attribute follows; many offsets are alike
    pieces = iter(split)
    next(pieces)
    try:
        for name in pieces:
            gap = next(pieces, None)
            if gap is None:
                return name == ""
            inputs: list[str] = []
            attrs: dict[str, float | str] = {}
            while gap == _INPUT:
                inputs.append(next(pieces))
                gap = next(pieces)
            if gap == _ATTR:
                while True:
                    key = next(pieces)
                    if key in attrs:
                        return False
                    gap = next(pieces)
                    if gap == _TEXT:
                        attrs[key] = next(pieces)
                        gap = next(pieces)
                        if gap == _TEXT_ATTR:
                            continue
                        if gap == _TEXT_NODE:
                            break
                        return False
                    hit = known.get(gap)
                    if hit is None:
                        m = number(gap)
                        if m is None:
                            return False
                        hit = known[gap] = float(m[1]), m[2] is not None
                    attrs[key], more = hit
                    if not more:
                        break
            elif gap != _BARE_NODE:
                return False
            nodes.append(RawNode(name, inputs, attrs))
    except StopIteration:
        return False
    return False
