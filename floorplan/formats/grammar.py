"""The grammar of a protobuf-text netlist: any layout that the format allows, and the place of every mistake.

Grammar: https://protobuf.dev/reference/protobuf/textformat-spec/ for the messages `node`, `attr` and `value` of
TensorFlow's GraphDef, the only ones a netlist uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["NUMBER", "NodeMarks", "RawNode", "TextError", "parse_nodes", "unescape"]

NUMBER = r"-?(?:[0-9]+\.?[0-9]*+|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
"""A decimal number, to be put into a regular expression."""

_MAX_TOKEN = 1 << 20
_SHOWN = 60


class RawNode(NamedTuple):
    """One `node` message: its name, the names in its `input` fields, its attributes."""

    name: str
    inputs: list[str]
    attrs: dict[str, float | str]


class NodeMarks(NamedTuple):
    """Offsets in the text of a node and its fields, for error messages."""

    node: int
    name: int
    inputs: list[int]
    attrs: dict[str, int]


class TextError(Exception):
    """The text breaks the grammar at `offset`; `what` says how."""

    def __init__(self, offset: int, what: str) -> None:
        self.offset = offset
        self.what = what
        super().__init__(what)


# Possessive repeats (*+): what a token has eaten is never given back, so bad input costs linear time and no stack.
_TOKEN = re.compile(
    r"(?P<space>[ \t\n\r\f\v]++)|(?P<comment>#[^\n]*+)"
    r"|(?P<string>\"[^\"\\\n]*+(?:\\[^\n][^\"\\\n]*+)*+\"|'[^'\\\n]*+(?:\\[^\n][^'\\\n]*+)*+')"
    r"|(?P<word>[A-Za-z0-9_.+-]++)|(?P<mark>[{}<>:,;])|(?P<bad>.)",
    re.DOTALL,
)
_NUMBER_WORD = re.compile(rf"(?:{NUMBER})[fF]?|-?(?:inf|infinity|nan)f?", re.IGNORECASE)
_INTEGER_WORD = re.compile(r"-?(?:0[xX][0-9a-fA-F]{1,16}|0[0-7]{1,22}|[0-9]{1,20})")
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_SIMPLE_ESCAPES = {
    "n": b"\n", "t": b"\t", "r": b"\r", "a": b"\a", "b": b"\b", "f": b"\f", "v": b"\v",
    "\\": b"\\", "'": b"'", '"': b'"', "?": b"?",
}  # fmt: skip
_CLOSE = {"{": "}", "<": ">"}


class _Tokens:
    """The tokens of a stretch of text, one at a time; `kind` is "end" after the last."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self._matches = _TOKEN.finditer(text, start, end)
        self._end = end
        self.kind = ""
        self.value = ""
        self.offset = start
        self.advance()

    def advance(self) -> None:
        for m in self._matches:
            kind = m.lastgroup or ""
            if kind in ("space", "comment"):
                continue
            self.kind, self.offset = kind, m.start()
            if m.end() - m.start() > _MAX_TOKEN:
                raise TextError(self.offset, f"word or string of {m.end() - m.start()} characters")
            self.value = m.group()
            if kind == "bad":
                if self.value in "\"'":
                    raise TextError(self.offset, "string does not end on its line")
                raise TextError(self.offset, f"unexpected character {self.value!r}")
            return
        # the last place with something on it: a file that ends too early is wrong there, not on an empty line after it
        last = self._end
        while last > 0 and self._text[last - 1] in " \t\r\n":
            last -= 1
        self.kind, self.value, self.offset = "end", "end of file", max(last - 1, 0)

    def expected(self, what: str) -> TextError:
        if self.kind == "end":
            return TextError(self.offset, f"file ends where {what} is expected")
        shown = self.value if len(self.value) <= _SHOWN else self.value[:_SHOWN] + "..."
        return TextError(self.offset, f"expected {what}, found {shown!r}")

    def skip(self, value: str) -> bool:
        if self.kind == "mark" and self.value == value:
            self.advance()
            return True
        return False

    def open(self, what: str) -> str:
        self.skip(":")
        if self.kind != "mark" or self.value not in _CLOSE:
            raise self.expected(f"'{{' after {what}")
        close = _CLOSE[self.value]
        self.advance()
        return close

    def fields(self, close: str, what: str) -> Iterator[tuple[str, int]]:
        """Yield name and offset of each field up to the closing mark; the caller consumes the field's value."""
        while not self.skip(close):
            if self.kind != "word":
                raise self.expected(f"a field of {what} or {close!r}")
            name, offset = self.value, self.offset
            self.advance()
            yield name, offset
            if not self.skip(","):
                self.skip(";")

    def colon(self, field: str) -> None:
        if not self.skip(":"):
            raise self.expected(f"':' after {field}")

    def string(self, field: str) -> str:
        self.colon(field)
        if self.kind != "string":
            raise self.expected(f"a quoted string for {field}")
        out = ""
        while self.kind == "string":  # neighbours are one string
            body = self.value[1:-1]
            out += unescape(body, self.offset) if "\\" in body else body
            self.advance()
        return out

    def word(self, field: str) -> str:
        self.colon(field)
        if self.kind != "word":
            raise self.expected(f"a value for {field}")
        return self.value


def unescape(body: str, offset: int) -> str:
    """Return what the text between two quotation marks stands for.

    Raises:
        TextError: it has an escape that does not exist, or is not UTF-8; its offset is the one given.
    """
    out = bytearray()
    end = 0
    for m in _ESCAPE.finditer(body):
        out += body[end : m.start()].encode()
        end = m.end()
        if m[1] is not None:
            out.append(int(m[1], 8) & 0xFF)
        elif m[2] is not None:
            out.append(int(m[2], 16))
        elif m[3] in _SIMPLE_ESCAPES:
            out += _SIMPLE_ESCAPES[m[3]]
        else:
            raise TextError(offset, f"unknown escape '\\{m[3]}' in a string")
    out += body[end:].encode()
    try:
        return out.decode()
    except UnicodeDecodeError:
        raise TextError(offset, "escapes in a string do not make UTF-8") from None


def parse_nodes(text: str, start: int, end: int) -> Iterator[tuple[RawNode, NodeMarks]]:
    """Yield the nodes of text[start:end] by the grammar, with their places."""
    t = _Tokens(text, start, end)
    while t.kind != "end":
        offset = t.offset
        if t.kind != "word" or t.value != "node":
            raise t.expected("'node'")
        t.advance()
        yield _parse_node(t, offset)
        if not t.skip(","):
            t.skip(";")


def _parse_node(t: _Tokens, offset: int) -> tuple[RawNode, NodeMarks]:
    name: str | None = None
    name_at = offset
    inputs: list[str] = []
    inputs_at: list[int] = []
    attrs: dict[str, float | str] = {}
    attrs_at: dict[str, int] = {}
    for field, at in t.fields(t.open("node"), "a node"):
        if field == "attr":
            key, value = _parse_attr(t, at)
            if key in attrs:
                raise TextError(at, f"attribute {key!r} is given twice")
            attrs[key], attrs_at[key] = value, at
        elif field == "input":
            inputs.append(t.string("input"))
            inputs_at.append(at)
        elif field == "name":
            if name is not None:
                raise TextError(at, "a node has two names")
            name, name_at = t.string("name"), at
        elif field in ("op", "device"):  # fields of every GraphDef node, which a netlist leaves empty
            t.string(field)
        else:
            raise TextError(at, f"a node has no field {field[:_SHOWN]!r}")
    if name is None:
        raise TextError(offset, "a node has no name")
    return RawNode(name, inputs, attrs), NodeMarks(offset, name_at, inputs_at, attrs_at)


def _parse_attr(t: _Tokens, offset: int) -> tuple[str, float | str]:
    key: str | None = None
    value: float | str | None = None
    for field, at in t.fields(t.open("attr"), "an attr"):
        if field == "key" and key is None:
            key = t.string("key")
        elif field == "value" and value is None:
            value = _parse_value(t, at)
        else:
            raise TextError(at, f"an attr has no field {field[:_SHOWN]!r}, or has it twice")
    if key is None or value is None:
        raise TextError(offset, f"an attr has no {'key' if key is None else 'value'}")
    return key, value


def _parse_value(t: _Tokens, offset: int) -> float | str:
    value: float | str | None = None
    for kind, at in t.fields(t.open("value"), "a value"):
        if value is not None:
            raise TextError(at, "a value holds two things")
        if kind in ("placeholder", "s"):
            value = t.string(kind)
            continue
        word = t.word(kind)
        if kind == "f" and _NUMBER_WORD.fullmatch(word):
            value = float(word.rstrip("fF") if word[-1] in "fF" and word[-3:].lower() != "inf" else word)
        elif kind == "i" and _INTEGER_WORD.fullmatch(word):
            digits = word.lstrip("-")
            base = 16 if digits[:2] in ("0x", "0X") else 8 if len(digits) > 1 and digits[0] == "0" else 10
            value = float(int(word, base))
        elif kind == "b" and word in ("true", "false", "t", "f", "True", "False", "0", "1"):
            value = float(word in ("true", "t", "True", "1"))
        elif kind in ("f", "i", "b"):
            raise TextError(t.offset, f"bad number {word[:_SHOWN]!r}")
        else:
            raise TextError(at, f"a value has no field {kind[:_SHOWN]!r}")
        t.advance()
    if value is None:
        raise TextError(offset, "a value is empty")
    return value
