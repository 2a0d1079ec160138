"""JSON objects as tables of columns: written a column a line, read with every type, length and range checked."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from floorplan.errors import ParseError
from floorplan.files import read_bytes_maybe_compressed

__all__ = ["Table", "json_document", "load_json"]

T = TypeVar("T")
N = TypeVar("N", bound=np.generic)

_SHOWN = 40
_CALLED = {str: "text", list: "a list", dict: "an object", bool: "true or false"}
_RANGE = {np.uint8: (0, 255), np.int32: (-(1 << 31), (1 << 31) - 1)}


def json_document(tables: Mapping[str, Any]) -> str:
    """Return the JSON text of an object, each entry of it and of the objects in it on a line of its own.

    Equal objects of equal order give equal text; numbers are the shortest text that reads back as the same double.
    """
    out = []
    for name, table in tables.items():
        if isinstance(table, dict):
            columns = ",\n".join(f"    {_compact(key)}: {_compact(value)}" for key, value in table.items())
            out.append(f"  {_compact(name)}: {{\n{columns}\n  }}")
        else:
            out.append(f"  {_compact(name)}: {_compact(table)}")
    return "{\n" + ",\n".join(out) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def load_json(path: Path) -> Any:
    """Return the content of a JSON file, plain, .gz or .xz.

    Raises:
        ParseError: it is not JSON; the line is exact but for numbers and names given twice, whose line is not known.
    """
    data = read_bytes_maybe_compressed(path)
    try:
        return json.loads(data, parse_constant=_refuse, object_pairs_hook=_object)
    except json.JSONDecodeError as e:
        raise ParseError(path, e.lineno, f"not JSON: {e.msg[:1].lower()}{e.msg[1:]}") from None
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        raise ParseError(path, line, f"not UTF-8 text (byte 0x{data[e.start]:02x})") from None
    except RecursionError:
        raise ParseError(path, 0, "is nested too deeply") from None
    except ValueError as e:
        raise ParseError(path, 0, str(e).partition(";")[0]) from None


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is not a JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:_SHOWN]!r} stands twice in one object")
    return out


class Table:
    """An object of a JSON file; every complaint names the file, the table and the column."""

    def __init__(self, path: Path, name: str, value: Any) -> None:
        self._path = path
        self._name = name
        if not isinstance(value, dict):
            raise ParseError(path, 0, f"{name or 'the file'} must be an object, found {_seen(value)}")
        self._values: dict[str, Any] = value

    def fault(self, key: str, what: str) -> ParseError:
        """Return the error that a column is at fault."""
        return ParseError(self._path, 0, f"{self._called(key)} {what}")

    def _called(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key

    def allow(self, keys: Collection[str]) -> None:
        """Refuse columns that are not among `keys`."""
        for key in self._values:
            if key not in keys:
                raise self.fault(key[:_SHOWN], "is not known to this version of the format")

    def has(self, key: str) -> bool:
        """Return whether there is such a column."""
        return key in self._values

    def value(self, key: str) -> Any:
        """Return a column of any type."""
        if key not in self._values:
            raise self.fault(key, "is missing")
        return self._values[key]

    def get(self, key: str, kind: type[T]) -> T:
        """Return a column of one type."""
        value = self.value(key)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.fault(key, f"must be {_CALLED.get(kind, kind.__name__)}, found {_seen(value)}")
        return value

    def text(self, key: str) -> str:
        """Return text that can be written in UTF-8."""
        value = self.get(key, str)
        self._check_utf8(key, value)
        return value

    def number(self, key: str) -> float:
        """Return a finite number."""
        value = self.value(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.fault(key, f"must be a number, found {_seen(value)}")
        if isinstance(value, int) and abs(value) > 1 << 1000:
            raise self.fault(key, "is out of range")
        if not math.isfinite(value):
            raise self.fault(key, "is out of range")
        return float(value)

    def whole(self, key: str) -> int:
        """Return a whole number."""
        value = self.value(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.fault(key, f"must be a whole number, found {_seen(value)}")
        return value

    def table(self, key: str) -> Table:
        """Return an object in this one."""
        return Table(self._path, self._called(key), self.value(key))

    def tables(self, key: str) -> list[Table]:
        """Return the objects of a list."""
        return [Table(self._path, f"{self._called(key)}[{i}]", v) for i, v in enumerate(self.get(key, list))]

    def names(self, key: str) -> tuple[str, ...]:
        """Return a list of text."""
        values = self.get(key, list)
        for i, value in enumerate(values):
            if not isinstance(value, str):
                raise self.fault(key, f"must be a list of text, found {_seen(value)} at {i}")
        self._check_utf8(key, "".join(values))
        return tuple(values)

    def array(
        self, key: str, dtype: type[N], length: int | None = None, least: float | None = None, most: float | None = None
    ) -> npt.NDArray[N]:
        """Return a list of numbers as a read-only array; a list of whole numbers where `dtype` is of integers."""
        values = self.get(key, list)
        if length is not None and len(values) != length:
            raise self.fault(key, f"must have {length} entries, it has {len(values)}")
        whole = dtype in _RANGE
        try:
            found = np.array(values)
        except (ValueError, OverflowError):
            found = np.array([None])
        if len(values) and (found.ndim != 1 or found.dtype.kind not in ("iu" if whole else "iuf")):
            raise self.fault(key, f"must be a list of {'whole ' if whole else ''}numbers")
        if not np.isfinite(found.astype(np.float64)).all():
            raise self.fault(key, "holds a number that is out of range")
        low, high = _RANGE.get(dtype, (-math.inf, math.inf))
        low, high = low if least is None else least, high if most is None else most
        bad = (found < low) | (found > high) if len(values) else np.zeros(0, np.bool_)
        if bad.any():
            at = int(np.argmax(bad))
            raise self.fault(key, f"must be {low:g} to {high:g}, found {found[at]:g} at {at}")
        out = found.astype(dtype)
        out.flags.writeable = False
        return out

    def _check_utf8(self, key: str, value: str) -> None:
        try:
            value.encode()
        except UnicodeEncodeError:
            raise self.fault(key, "holds half a surrogate pair, which is no text") from None


def _seen(value: Any) -> str:
    text = json.dumps(value, default=str) if not isinstance(value, (list, dict)) else _CALLED[type(value)]
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
