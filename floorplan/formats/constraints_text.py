"""One table of a constraints file: its keys and values checked, and the line where each stands."""

from __future__ import annotations

import fnmatch
import math
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from floorplan.errors import ParseError
from floorplan.files import read_toml
from floorplan.netlist import Netlist, NodeKind

__all__ = ["Names", "Table", "read_tables"]

F64 = npt.NDArray[np.float64]

_LINE = re.compile(r"at line (\d+)")


def read_tables(path: Path, keys: Iterable[str], lists: Iterable[str]) -> Table:
    """Return the whole of a TOML file as a table, all of whose keys are known.

    Raises:
        ParseError: the file is missing, is not TOML, or has another key; `lists` are those of arrays of tables.
    """

    def refuse(cause: str) -> ParseError:
        found = _LINE.search(cause)
        return ParseError(path, int(found[1]) if found else 0, cause)

    values, text = read_toml(path, refuse)
    lines = text.splitlines()
    heads = [k for k, line in enumerate(lines) if line.lstrip().startswith("[")]
    top = Table(path, "", values, lines, 0, heads[0] if heads else len(lines))
    top.allow((*keys, *lists))
    for key in lists:
        tables = values.get(key, [])
        if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
            raise top.fault(key, f"must be tables, each headed [[{key}]]")
    return top


class Table:
    """A table of a file; what is wrong with it is said with the line and the key."""

    def __init__(self, path: Path, name: str, values: dict[str, Any], lines: list[str], begin: int, end: int) -> None:
        """Note the table `name` ("" for the whole file), which stands in lines[begin:end]."""
        self.path = path
        self.name = name
        self.values = values
        self._lines, self._begin, self._end = lines, begin, end

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def allow(self, keys: Iterable[str], needed: Iterable[str] = ()) -> None:
        """Raise ParseError where the table has another key than these, or not all that are needed."""
        known = tuple(keys)
        for key in self.values:
            if key not in known:
                raise self.fault(key, f"is no key here; known: {', '.join(known)}")
        for key in needed:
            if key not in self.values:
                raise self.fault(key, "is missing")

    def tables(self, key: str) -> list[Table]:
        """Return the tables of an array of tables, or of a single one, in the order of the file."""
        values = self.values.get(key, [])
        found = values if isinstance(values, list) else [values]
        head = re.compile(rf"\s*\[\[?\s*{re.escape(key)}\s*\]")
        begin = [k for k, line in enumerate(self._lines) if head.match(line)]
        heads = [k for k, line in enumerate(self._lines) if line.lstrip().startswith("[")]
        out = []
        for k, table in enumerate(found):
            # Tables written inline, all in one line, have no heads.
            at = begin[k] if len(begin) == len(found) else self._line(key) - 1
            end = min((h for h in heads if h > at), default=len(self._lines))
            out.append(Table(self.path, key, table, self._lines, at, end))
        return out

    def fault(self, key: str, what: str) -> ParseError:
        """Return the error that says what is wrong with a key."""
        where = ".".join(part for part in (self.name, key) if part)
        return ParseError(self.path, self._line(key), f"{where}: {what}")

    def _line(self, key: str) -> int:
        pattern = re.compile(rf"\s*[\[{{,]*\s*\"?{re.escape(key)}\"?\s*[\]=.]")
        for k in range(self._begin, min(self._end, len(self._lines))):
            if pattern.match(self._lines[k]):
                return k + 1
        # A key that is a table of its own is not among the lines of the table that holds it.
        heads = re.compile(rf"\s*\[+\s*{re.escape(key)}\s*\]")
        found = [k + 1 for k, line in enumerate(self._lines) if heads.match(line)] if not self.name else []
        return found[0] if found else (self._begin + 1 if self.name else 0)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text that is not empty."""
        value = self.values.get(key, default)
        if not isinstance(value, str) or not value:
            raise self.fault(key, "must be a text")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.fault(key, "must be true or false")
        return value

    def number(self, key: str, default: float, *, least: float = 0.0) -> float:
        """Return a finite number, no less than `least`."""
        value = self.values.get(key, default)
        if not _finite(value):
            raise self.fault(key, "must be a finite number")
        if value < least:
            raise self.fault(key, f"must be >= {least:g}, got {value}")
        return float(value)

    def numbers(self, key: str, counts: tuple[int, ...], *, least: float = -math.inf) -> F64:
        """Return finite numbers, as many as one of `counts`; a single number stands for a list of one."""
        value = self.values[key]
        given = value if isinstance(value, list) else [value]
        wanted = " or ".join(str(n) for n in counts)
        if len(given) not in counts:
            raise self.fault(key, f"must be {wanted} numbers, got {len(given)}")
        if not all(_finite(v) for v in given):
            raise self.fault(key, f"must be {wanted} finite numbers")
        if min(given) < least:
            raise self.fault(key, f"must be >= {least:g}, got {min(given)}")
        return np.array(given, np.float64)

    def texts(self, key: str) -> list[str]:
        """Return one text or more; a single one stands for a list of one."""
        value = self.values.get(key, [])
        given = [value] if isinstance(value, str) else value
        if not isinstance(given, list) or not given or not all(isinstance(v, str) and v for v in given):
            raise self.fault(key, "must be a list of texts")
        return given

    def rects(self, key: str, single: str) -> F64:
        """Return (R, 4) rectangles: those listed under `key`, or the one under `single`."""
        if (key in self) == (single in self):
            raise self.fault(key, f"give either {key} or {single}")
        if single in self:
            return self._checked(single, self.numbers(single, (4,))[None])
        value = self.values[key]
        if not isinstance(value, list) or not value or not all(isinstance(v, list) for v in value):
            raise self.fault(key, "must be a list of rectangles [x0, y0, x1, y1]")
        inner = [Table(self.path, self.name, {key: v}, self._lines, self._begin, self._end) for v in value]
        return self._checked(key, np.stack([t.numbers(key, (4,)) for t in inner]))

    def _checked(self, key: str, rects: F64) -> F64:
        for rect in rects.tolist():
            if not (rect[0] < rect[2] and rect[1] < rect[3]):
                raise self.fault(key, f"{rect} is no rectangle [x0, y0, x1, y1] with an area")
        return rects


def _finite(value: object) -> bool:
    # A whole number too long for a float is as good as infinite.
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and abs(value) <= sys.float_info.max  # type: ignore[arg-type]  # a number, as has just been seen


class Names:
    """Finds nodes by names and glob patterns."""

    def __init__(self, netlist: Netlist) -> None:
        self._name = netlist.node_name
        self._id = {netlist.node_name[i]: int(i) for i in range(netlist.num_nodes)}
        self._kind = netlist.node_kind

    def find(self, table: Table, key: str, patterns: list[str], kinds: tuple[NodeKind, ...]) -> npt.NDArray[np.int64]:
        """Return the nodes of some kinds that patterns name, sorted.

        A name stands for its node even if it holds `*`, `?` or `[`, as names of arrays do.

        Raises:
            ParseError: a pattern names nothing.
        """
        ids = np.flatnonzero(np.isin(self._kind, kinds)).tolist()
        out: set[int] = set()
        what = "hard macro" if kinds == (NodeKind.HARD,) else "macro"
        for pattern in patterns:
            node = self._id.get(pattern)
            if node is not None and self._kind[node] in kinds:
                out.add(node)
                continue
            match = re.compile(fnmatch.translate(pattern)).match
            found = [i for i in ids if match(self._name[i])]
            if not found:
                near = f" (it is a {NodeKind(self._kind[node]).name.lower()} node)" if node is not None else ""
                raise table.fault(key, f"{pattern!r} names no {what}{near}")
            out.update(found)
        return np.array(sorted(out), np.int64)
