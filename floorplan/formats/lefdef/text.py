"""The text of a LEF or DEF file: comments and strings out of the way, statements cut, every offset with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from floorplan.errors import ParseError
from floorplan.files import read_bytes_maybe_compressed

__all__ = ["MAX_STATEMENT", "WHITE", "WORD", "Numbers", "Source", "names", "shown"]

WORD = re.compile(rb"\s*+(\S++)")
_END = re.compile(rb";(?!\S)(?<!\\;)")
"""A semicolon ends a statement where white space follows; most files set it apart, some put it behind a word."""

# what follows is only looked at: it may be the END of something else
_END_WORD = re.compile(rb"END(?=\s++(\S++))")

WHITE = b" \t\r\n\v\f"
_CHUNK = 1 << 20
MAX_STATEMENT = 16 << 20
"""Longer ones are no statement of any tool, nets apart; their words would fill the memory."""
_SHOWN = 60
_BOM = b"\xef\xbb\xbf"
# what must not be seen inside a string: word ends, statement ends, comments
_HARMLESS = bytes.maketrans(b" \t\r\n\v\f;#", b"_" * 8)


class Numbers(dict[bytes, int]):
    """Gives every new word the next number."""

    def __missing__(self, word: bytes) -> int:
        self[word] = number = len(self)
        return number


def names(words: list[bytes]) -> list[str]:
    """Return words, none of which holds white space, as text."""
    return b"\n".join(words).decode().split("\n") if words else []


class Source:
    """The bytes of a file, and the same bytes with comments blanked and strings made one word each.

    Attributes:
        path: the file.
        raw: its content.
        text: as long as `raw`, so that an offset means the same in both; often the same object.
    """

    def __init__(self, path: Path, raw: bytes) -> None:
        self.path = path
        self.raw = raw
        if not raw.isascii():
            try:
                raw.decode()
            except UnicodeDecodeError as e:
                raise self.fault(e.start, f"not UTF-8 text (byte 0x{raw[e.start]:02x})") from None
        self.text = self._masked()

    @classmethod
    def read(cls, path: Path) -> Source:
        """Read a plain, .gz or .xz file.

        Raises:
            ParseError: it cannot be read, is not UTF-8, or a string in it does not end.
        """
        return cls(path, read_bytes_maybe_compressed(path))

    def fault(self, offset: int, what: str) -> ParseError:
        """Return the error for what stands at `offset`; at the end of the file it is the last line with something."""
        if offset >= len(self.raw):
            offset = len(self.raw.rstrip(WHITE))
        return ParseError(self.path, self.raw.count(b"\n", 0, offset) + 1, what)

    def _masked(self) -> bytes:
        data = self.raw
        out = bytearray(data) if data.startswith(_BOM) else None
        if out is not None:
            out[:3] = b"   "
        quote, comment = data.find(b'"'), data.find(b"#")
        while quote >= 0 or comment >= 0:
            is_string = comment < 0 or 0 <= quote < comment
            at = quote if is_string else comment
            if at and data[at - 1] not in WHITE:
                end = at + 1  # within a word
            elif is_string:
                end = self._string_end(at)
                body = data[at + 1 : end - 1]
                harmless = body.translate(_HARMLESS)
                if harmless != body:
                    out = bytearray(data) if out is None else out
                    out[at + 1 : end - 1] = harmless
            else:
                end = data.find(b"\n", at)
                end = len(data) if end < 0 else end
                out = bytearray(data) if out is None else out
                out[at:end] = b" " * (end - at)
            if 0 <= quote < end:
                quote = data.find(b'"', end)
            if 0 <= comment < end:
                comment = data.find(b"#", end)
        return data if out is None else bytes(out)

    def _string_end(self, start: int) -> int:
        end = self.raw.find(b'"', start + 1)
        while end > 0 and self.raw[end - 1] == 0x5C:
            end = self.raw.find(b'"', end + 1)
        if end < 0:
            raise self.fault(start, "a string does not end")
        return end + 1

    def statement_end(self, start: int, what: str) -> int:
        """Return the offset behind the semicolon that ends the statement at `start`."""
        m = _END.search(self.text, start)
        if m is None:
            raise self.fault(start, f"{what} does not end in ' ;'")
        if m.end() - start > MAX_STATEMENT:
            raise self.fault(start, f"a statement of {m.end() - start} bytes")
        return m.end()

    def words(self, start: int, end: int) -> list[bytes]:
        """Return the words of one statement, without the semicolon."""
        words = self.text[start:end].split()
        if words and words[-1][-1:] == b";":
            words[-1] = words[-1][:-1]
            if not words[-1]:
                words.pop()
        return words

    def find_end(self, start: int, name: bytes, before: bytes = b"") -> tuple[int, int]:
        """Return where `END name` begins and ends: the first, or the last before the word `before` where one is given.

        Raises:
            ParseError: there is none; the line is that of `start`.
        """
        limit = len(self.text)
        if before:
            words = re.compile(re.escape(before) + rb"(?!\S)").finditer(self.text, start)
            limit = next((m.start() for m in words if self._begins_word(m.start())), limit)
        found = None
        for m in _END_WORD.finditer(self.text, start, limit):
            if m[1] == name and self._begins_word(m.start()):
                found = m.start(), m.end(1)
                if not before:
                    break
        if found is not None:
            return found
        raise self.fault(start, f"{shown(name)} has no 'END {shown(name)[1:-1]}'")

    def check_last(self, end: re.Match[bytes], name: bytes) -> None:
        """Raise ParseError where `END`, outside of all blocks, does not go before the word that ends the file."""
        after = WORD.match(self.text, end.end())
        if after is None or after[1] != name:
            found = "" if after is None else shown(after[1])[1:-1]
            raise self.fault(end.start(1), f"'END {found}' ends nothing here")

    def extension_end(self, begin: re.Match[bytes]) -> int:
        """Return the offset behind the extension that a word `BEGINEXT` opens.

        Raises:
            ParseError: it does not end.
        """
        at = self.text.find(b"ENDEXT", begin.end())
        if at < 0:
            raise self.fault(begin.start(1), "BEGINEXT without ENDEXT")
        return at + len(b"ENDEXT")

    def _begins_word(self, offset: int) -> bool:
        return offset == 0 or self.text[offset - 1] in WHITE

    def chunks(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield offsets between which whole statements stand, about a megabyte apart."""
        while start < end:
            stop = end
            if end - start > _CHUNK:
                m = _END.search(self.text, start + _CHUNK, end)
                stop = m.end() if m is not None else end
            yield start, stop
            start = stop

    def split(self, start: int, end: int, longest: int = MAX_STATEMENT) -> list[bytes]:
        """Return the statements between two offsets, without their semicolons.

        Raises:
            ParseError: the last one does not end in a semicolon, or one is longer than `longest` bytes.
        """
        parts = _END.split(self.text[start:end])
        rest = parts.pop()
        if rest.strip():
            raise self.fault(end - len(rest.lstrip()), f"{shown(rest)} does not end in ' ;'")
        if end - start > longest and max(map(len, parts), default=0) > longest:
            number = next(k for k, part in enumerate(parts) if len(part) > longest)
            raise self.fault(self.offset(start, end, number), f"a statement of {len(parts[number])} bytes")
        return parts

    def offset(self, start: int, end: int, number: int) -> int:
        """Return the offset of statement `number` (from 0) of those between two offsets."""
        if number:
            for k, m in enumerate(_END.finditer(self.text, start, end), 1):
                start = m.end()
                if k == number:
                    break
        word = WORD.match(self.text, start)
        return word.start(1) if word is not None else start


def shown(word: bytes) -> str:
    """Return a word, or the beginning of a longer text, quoted for an error message."""
    return repr(b" ".join(word[: 4 * _SHOWN].split()).decode(errors="replace")[:_SHOWN])
