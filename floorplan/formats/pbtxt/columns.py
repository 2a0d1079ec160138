"""Protobuf text in the layout that every tool writes, straight to columns: whole blocks at a time, by numpy.

What stands between two quotation marks is a token, what stands between two tokens one of eight fixed gaps, two of
which hold a number. A gap is told by its words of eight bytes, compared for all gaps at once; every byte outside the
tokens is compared. Here, a file is canonical or it is None: whatever differs (a comment between nodes, an escape, white
space, a mistake) is left to `scanner`, which goes node by node and knows the place of what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.formats.grammar import TextError, parse_nodes, unescape

__all__ = ["NUMBERS", "Columns", "read_columns"]

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
U64 = npt.NDArray[np.uint64]

_BLOCK = 1 << 20
_MAX_BLOCK = 64 << 20  # a clock net of a million sinks is one node
_MAX_TOKEN = 1 << 20
_MAX_NUMBER = 40
_WORD = 8

_FIRST = b"node {\n  name: "
_INPUT_GAP = b"\n  input: "
_ATTR_GAP = b"\n  attr {\n    key: "
_TEXT_GAP = b"\n    value {\n      placeholder: "
_NUMBER_GAP = b"\n    value {\n      f: "
_THEN_ATTR = b"\n    }\n  }" + _ATTR_GAP
_THEN_NODE = b"\n    }\n  }\n}\n" + _FIRST
_BARE_GAP = b"\n}\n" + _FIRST

# what a gap is
_INPUT, _ATTR, _TEXT, _TEXT_ATTR, _TEXT_NODE, _BARE, _NUMBER_ATTR, _NUMBER_NODE = range(8)
# what a token is: the gap before it says so
_NAME, _SINK, _KEY, _VALUE = range(4)
_ROLE_AFTER = np.array([_SINK, _KEY, _VALUE, _KEY, _NAME, _NAME, _KEY, _NAME], np.int8)
_ALLOWED = np.zeros((4, 8), np.bool_)
_ALLOWED[[_NAME, _SINK], :] = np.isin(np.arange(8), [_INPUT, _ATTR, _BARE])
_ALLOWED[_KEY, :] = np.isin(np.arange(8), [_TEXT, _NUMBER_ATTR, _NUMBER_NODE])
_ALLOWED[_VALUE, :] = np.isin(np.arange(8), [_TEXT_ATTR, _TEXT_NODE])

NUMBERS = ("width", "height", "x", "y", "x_offset", "y_offset", "weight")
"""Attributes that are numbers."""
_OWNER = "macro_name"
_TEXTS = ("type", _OWNER, "orientation", "side")
_KEYS = (*NUMBERS, *_TEXTS)
_OF_NUMBERS = b"0123456789.eE+-\n"
_MASK = np.array([(1 << (8 * n)) - 1 for n in range(_WORD + 1)], np.uint64)


@dataclass(frozen=True, eq=False)
class Columns:
    """Nodes of a file, N of them in file order, attribute by attribute.

    Attributes:
        names: (N,) of nodes.
        input_ptr: (N + 1,) offsets into `inputs`.
        inputs: names in `input` fields.
        numbers: attribute -> (N,) values, nan where a node has none.
        types: (N,) number of the node's `type` among those asked for, -1 where it is another or missing.
        orients: likewise of `orientation`, -2 where it is another, -1 where missing.
        sides: likewise of `side`.
        owners: (node, `macro_name`) of each node that has one, rising.
        metadata: attributes of metadata nodes; these are not among the N.
    """

    names: list[str]
    input_ptr: I64
    inputs: list[str]
    numbers: dict[str, F64]
    types: I64
    orients: I64
    sides: I64
    owners: tuple[I64, list[str]]
    metadata: tuple[tuple[str, float | str], ...]


def read_columns(
    data: bytes, types: Sequence[str], orients: Sequence[str], sides: Sequence[str], metadata_node: str
) -> Columns | None:
    """Return the columns of a netlist in the canonical layout, None if it is in any other or says anything twice.

    Args:
        data: the file; comment lines may stand before the first node.
        types: values of `type` to tell apart, in small letters; those in the file may be in large ones.
        orients: values of `orientation` to tell apart.
        sides: values of `side`, in large letters; those in the file may be in small ones.
        metadata_node: name of nodes that hold metadata.
    """
    start = _after_comments(data)
    if start < 0 or b'\\"' in data or b"\r" in data:
        return None
    values = {"type": [*types, *(t.upper() for t in types)], "orientation": list(orients)}
    values["side"] = [*sides, *(s.lower() for s in sides)]
    scan = _Scan(values, metadata_node)
    end = len(data)
    while start < end:
        cut = data.find(b"\n}\n" + _FIRST, min(start + _BLOCK, end)) + 3
        stop = cut if cut >= 3 else end
        block = data[start:stop] if stop < end else data[start:].rstrip() + b"\n"
        if stop - start > _MAX_BLOCK or not scan.block(block):
            return None
        start = stop
    return scan.columns(len(types), len(sides))


def _after_comments(data: bytes) -> int:
    """Return where the first node begins behind lines of comment, -1 where anything else stands first."""
    at = 0
    while data.startswith(b"#", at) or data.startswith(b"\n", at):
        at = data.find(b"\n", at) + 1
        if at == 0:
            return -1
    return at if data.startswith(_FIRST, at) else -1


def _words_of(token: bytes) -> tuple[int, int]:
    """Return the first and the last eight bytes as numbers; a shorter token is filled up with zeros."""
    return int.from_bytes(token[:_WORD], "little"), int.from_bytes(token[-_WORD:].ljust(_WORD, b"\0"), "little")


class _Block:
    """The text of some nodes, to be taken apart; nothing refers to it afterwards."""

    def __init__(self, nodes: bytes) -> None:
        # an open name at the end makes the last node end like all others, padding lets every token be read as words
        self.text = nodes + _FIRST + b'"' + bytes(2 * _WORD)
        self.end = len(nodes)
        self.ascii = self.text.decode("ascii") if self.text.isascii() else None
        self.bytes = np.frombuffer(self.text, np.uint8)
        # every eight neighbouring bytes as one number
        self.words: U64 = np.ndarray((len(self.text) - _WORD + 1,), "<u8", self.text, 0, (1,))
        self._escapes = self.text.count(b"\\")

    def same(self, at: I64, template: bytes) -> npt.NDArray[np.bool_]:
        """Return where `template`, of at least eight bytes, stands at each offset."""
        same = np.ones(len(at), np.bool_)
        for offset in (*range(0, len(template) - _WORD, _WORD), len(template) - _WORD):
            same &= self.words[at + offset] == _words_of(template[offset : offset + _WORD])[0]
        return same

    def which(self, token: I64, length: I64, known: Sequence[str]) -> I64:
        """Return the number in `known` of each token, -1 where it is none of them."""
        head = self.words[token] & _MASK[np.minimum(length, _WORD)]
        tail = self.words[np.maximum(token + length - _WORD, 0)]
        out = np.full(len(token), -1)
        for i, name in enumerate(known):
            word = name.encode()
            same = (length == len(word)) & (head == _words_of(word)[0])
            if len(word) > _WORD:
                same &= tail == _words_of(word)[1]
            out[same] = i
        return out

    def slices(self, start: I64, end: I64) -> list[str]:
        """Return text[start:end] of each pair.

        Raises:
            UnicodeDecodeError: one is not UTF-8.
        """
        spans = zip(start.tolist(), end.tolist(), strict=True)
        text = self.ascii
        if text is not None:
            return [text[a:b] for a, b in spans]
        return [self.text[a:b].decode() for a, b in spans]

    def names(self, start: I64, end: I64) -> list[str]:
        """Return the names at text[start:end], their escapes resolved.

        Raises:
            UnicodeDecodeError: one is not UTF-8.
            TextError: one has an escape that does not exist, or one for a line end.
        """
        names = self.slices(start, end)
        if not self._escapes:
            return names
        self._escapes -= sum(name.count("\\") for name in names)
        names = [unescape(name, 0) if "\\" in name else name for name in names]
        if any("\n" in name for name in names):
            raise TextError(0, "a name holds a line end")
        return names

    def escapes_left(self) -> bool:
        """Return whether there are escapes elsewhere than in the names that were asked for."""
        return self._escapes > 0

    def floats(self, start: I64, end: I64) -> F64:
        """Return the numbers at text[start:end].

        Raises:
            ValueError: one is not a number of the format.
        """
        words = self.slices(start, end)
        joined = "\n".join(words).encode()
        # of words of these characters `float` takes what the format does, but for a sign before the number
        if joined.translate(None, _OF_NUMBERS) or joined.startswith(b"+") or b"\n+" in joined:
            raise ValueError("not a number")
        return np.array(list(map(float, words)), np.float64)

    def lines_add_up(self, kind: npt.NDArray[np.int8]) -> bool:
        """Return whether all line ends stand in gaps: a string cannot span lines."""
        gaps = (_INPUT_GAP, _ATTR_GAP, _TEXT_GAP, _THEN_ATTR, _THEN_NODE, _BARE_GAP)
        lines = [g.count(b"\n") for g in gaps]
        lines += [_NUMBER_GAP.count(b"\n") + lines[_TEXT_ATTR], _NUMBER_GAP.count(b"\n") + lines[_TEXT_NODE]]
        want = _FIRST.count(b"\n") + int(np.bincount(kind, minlength=8) @ np.array(lines))
        return int(np.count_nonzero(self.bytes == ord("\n"))) == want


class _Scan:
    """Collects what blocks hold; node numbers count through."""

    def __init__(self, values: dict[str, list[str]], metadata_node: str) -> None:
        self._values = values
        self._metadata_node = metadata_node
        self._names: list[str] = []
        self._inputs: list[str] = []
        self._fan: list[I64] = []
        self._number: list[tuple[I64, I64, F64]] = []
        self._code: list[tuple[I64, I64, I64]] = []
        self._owners: tuple[list[I64], list[str]] = ([], [])
        self._metadata: list[tuple[int, tuple[tuple[str, float | str], ...]]] = []

    def block(self, nodes: bytes) -> bool:
        """Take whole nodes; return False if they are not canonical, or one has an attribute twice."""
        b = _Block(nodes)
        quotes = np.flatnonzero(b.bytes == ord('"'))
        # the last one is that of the open name
        if len(quotes) < 3 or len(quotes) % 2 == 0 or int(quotes[0]) != len(_FIRST) or not nodes.startswith(_FIRST):
            return False
        token, close = quotes[0:-1:2] + 1, quotes[1::2]
        gap, gap_end = close + 1, quotes[2::2]
        kind = _kinds(b, gap, gap_end - gap)
        if kind is None or not b.lines_add_up(kind):
            return False
        role = np.empty(len(kind), np.int8)
        role[0] = _NAME
        role[1:] = _ROLE_AFTER[kind[:-1]]
        if not _ALLOWED[role, kind].all() or _ROLE_AFTER[kind[-1]] != _NAME or int((close - token).max()) > _MAX_TOKEN:
            return False
        named, sink = role == _NAME, role == _SINK
        node = np.cumsum(named) - 1
        try:
            names = b.names(token[named], close[named])
            inputs = b.names(token[sink], close[sink])
            taken = self._take_attrs(b, (token, close, gap, gap_end), kind, np.flatnonzero(role == _KEY), node)
            if self._metadata_node in names:
                taken &= self._take_metadata(names, np.append(token[named] - 1 - len(_FIRST), b.end), b.text)
        except (ValueError, TextError):  # UnicodeDecodeError is a ValueError
            return False
        self._fan.append(np.bincount(node[sink], minlength=len(names)))
        self._names += names
        self._inputs += inputs
        return taken and not b.escapes_left()

    def _take_attrs(
        self, b: _Block, at: tuple[I64, I64, I64, I64], kind: npt.NDArray[np.int8], keys: I64, node: I64
    ) -> bool:
        """Take the attributes whose keys are the tokens `keys`; `at` is where tokens and gaps begin and end."""
        token, close, gap, gap_end = at
        node = node[keys]
        key = b.which(token[keys], close[keys] - token[keys], _KEYS)
        text = kind[keys] == _TEXT
        known = key >= 0
        if (text[known] != (key[known] >= len(NUMBERS))).any() or _twice(b, token[keys], close[keys], node, key):
            return False
        number = keys[~text]
        tail = np.where(kind[number] == _NUMBER_ATTR, len(_THEN_ATTR), len(_THEN_NODE))
        values = b.floats(gap[number] + len(_NUMBER_GAP), gap_end[number] - tail)
        first = len(self._names)
        known = known[~text]
        self._number.append((first + node[~text][known], key[~text][known], values[known]))
        for i, name in enumerate(_TEXTS):
            mine = key == len(NUMBERS) + i
            value = keys[mine] + 1
            if name == _OWNER:
                self._owners[0].append(first + node[mine])
                self._owners[1].extend(b.names(token[value], close[value]))
            else:
                code = b.which(token[value], close[value] - token[value], self._values[name])
                self._code.append((first + node[mine], np.full(len(code), i), code))
        return True

    def _take_metadata(self, names: list[str], begins: I64, text: bytes) -> bool:
        for i, name in enumerate(names):
            if name == self._metadata_node:
                node = text[int(begins[i]) : int(begins[i + 1])].decode()
                raw, _ = next(parse_nodes(node, 0, len(node)))
                if raw.inputs:
                    return False
                self._metadata.append((len(self._names) + i, tuple(raw.attrs.items())))
        return True

    def columns(self, num_types: int, num_sides: int) -> Columns:
        """Return all that was taken."""
        n = len(self._names)
        node, key, value = (np.concatenate(c) for c in zip(*self._number, strict=True))
        code_node, code_key, code = (np.concatenate(c) for c in zip(*self._code, strict=True))
        owner_node = np.concatenate(self._owners[0])
        numbers = {}
        for i, name in enumerate(NUMBERS):
            column = np.full(n, np.nan)
            column[node[key == i]] = value[key == i]
            numbers[name] = column
        codes = {}
        for i, name in enumerate(_TEXTS):
            column_of = np.full(n, -1)
            mine = code_key == i
            column_of[code_node[mine]] = np.where(code[mine] < 0, -2, code[mine])
            codes[name] = column_of
        types, sides = codes["type"], codes["side"]
        ptr = np.concatenate([[0], np.cumsum(np.concatenate(self._fan))])
        whole = Columns(
            self._names,
            ptr,
            self._inputs,
            numbers,
            np.where(types >= 0, types % num_types, -1),
            codes["orientation"],
            np.where(sides >= 0, sides % num_sides, sides),
            (owner_node, self._owners[1]),
            tuple(entry for _, attrs in self._metadata for entry in attrs),
        )
        return _without(whole, [i for i, _ in self._metadata]) if self._metadata else whole


def _without(c: Columns, nodes: list[int]) -> Columns:
    """Return the columns without some nodes, which have no inputs."""
    keep = np.ones(len(c.names), np.bool_)
    keep[nodes] = False
    number = np.cumsum(keep) - 1
    mine = keep[c.owners[0]]
    owners = [name for name, take in zip(c.owners[1], mine.tolist(), strict=True) if take]
    return Columns(
        [name for name, take in zip(c.names, keep.tolist(), strict=True) if take],
        np.append(c.input_ptr[:-1][keep], c.input_ptr[-1]),
        c.inputs,
        {name: column[keep] for name, column in c.numbers.items()},
        c.types[keep],
        c.orients[keep],
        c.sides[keep],
        (number[c.owners[0][mine]], owners),
        c.metadata,
    )


def _kinds(b: _Block, gap: I64, length: I64) -> npt.NDArray[np.int8] | None:
    """Return what each gap is, None if one is nothing; every byte but those of numbers is compared."""
    if int(length.min()) < len(_INPUT_GAP):
        return None
    word = b.words[gap]
    kind = np.full(len(gap), -1, np.int8)
    for is_, template in (
        (_INPUT, _INPUT_GAP),
        (_ATTR, _ATTR_GAP),
        (_TEXT, _TEXT_GAP),
        (_TEXT_ATTR, _THEN_ATTR),
        (_TEXT_NODE, _THEN_NODE),
        (_BARE, _BARE_GAP),
    ):
        at = np.flatnonzero((word == _words_of(template[:_WORD])[0]) & (length == len(template)))
        kind[at[b.same(gap[at], template)]] = is_
    rest = np.flatnonzero(kind < 0)
    rest = rest[(length[rest] > len(_NUMBER_GAP)) & b.same(gap[rest], _NUMBER_GAP)]
    for is_, template in ((_NUMBER_ATTR, _THEN_ATTR), (_NUMBER_NODE, _THEN_NODE)):
        size = length[rest] - len(_NUMBER_GAP) - len(template)
        at = rest[(size > 0) & (size <= _MAX_NUMBER)]
        kind[at[b.same(gap[at] + length[at] - len(template), template)]] = is_
    return kind if int(kind.min()) >= 0 else None


def _twice(b: _Block, token: I64, close: I64, node: I64, key: I64) -> bool:
    """Return whether a node has a key twice; `key` is -1 for one that nobody asked for."""
    known = key >= 0
    if np.bincount(node[known] * len(_KEYS) + key[known], minlength=1).max() > 1:
        return True
    other = ~known
    if np.bincount(node[other], minlength=1).max() < 2:
        return False
    names = b.slices(token[other], close[other])
    return len(set(zip(node[other].tolist(), names, strict=True))) < len(names)
