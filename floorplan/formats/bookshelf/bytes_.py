"""Blocks of lines as columns of words, by numpy: where each word begins, what number it is, which name it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from floorplan.formats.bookshelf.lines import MAX_NUMBER, Body

__all__ = ["Names", "Words", "blocks"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]

_BLOCK = 1 << 20
_LARGEST = 8 << 20  # the columns take some thirty times the memory of their block
_PAD = bytes(16)  # so that every word can be read as two numbers of eight bytes
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r"))
_NOT_WORD = bytes(range(33))
_MASK = np.array([(1 << (8 * n)) - 1 for n in range(9)], np.uint64)
_EXACT = 15  # digits: the integer and the power of ten are exact, so their ratio is the nearest double
_TENS = np.array([float(f"1e{k}") for k in range(_EXACT + 1)])
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_LONGEST = 40


def blocks(body: Body, begin: str = "") -> Iterator[Words | None]:
    """Yield the words of the file behind its counts, about a megabyte at a time.

    Each block begins with a line that begins with `begin`. None stands for one with a comment, with characters that are
    not plain text, or far too large.
    """
    text, start, line = body.text, body.start, body.first
    while start < len(text):
        cut = text.find("\n" + begin, start + _BLOCK)
        end = len(text) if cut < 0 else cut + 1
        if end - start > _LARGEST:
            yield None
            return
        block = text[start:end].encode()
        if b"#" in block or not block.isascii() or len(block.translate(None, _CONTROL)) < len(block):
            yield None
            return
        yield Words(block, line)
        start, line = end, line + block.count(b"\n")


class Words:
    """The words of a block, line by line; lines without a word are left out.

    Attributes:
        count: (L,) words of each line.
        first: (L,) its first word.
        line: (L,) its number.
    """

    def __init__(self, block: bytes, line: int) -> None:
        self._text = block + b"\n" + _PAD
        self._bytes = np.frombuffer(self._text, np.uint8)
        self._eight: U64 = np.ndarray((len(self._text) - 7,), "<u8", self._text, 0, (1,))
        space = self._bytes[: len(block) + 1] <= ord(" ")
        edge = np.flatnonzero(np.diff(space, prepend=True))
        self._start, self._end = edge[::2].astype(np.int64), edge[1::2].astype(np.int64)
        of_line = np.cumsum(self._bytes[: len(block) + 1] == ord("\n"), dtype=np.int32)[self._start]
        count = np.bincount(of_line)
        self.line = line + np.flatnonzero(count)
        self.count = count[count > 0].astype(np.int64)
        self.first = np.cumsum(self.count) - self.count

    def one_of(self, word: I64, marks: Sequence[str]) -> I64:
        """Return which of some marks, of up to 16 characters, each word is; -1 for none of them."""
        low, high, length = self._keys(word)
        out = np.full(len(word), -1)
        for i, mark in enumerate(marks):
            text = mark.encode().ljust(16, b"\0")
            wanted = np.frombuffer(text, "<u8")
            out[(length == len(mark)) & (low == wanted[0]) & (high == wanted[1])] = i
        return out

    def strings(self, word: I64) -> list[str]:
        """Return words as text."""
        text = self._text.decode("ascii")
        return [text[a:b] for a, b in zip(self._start[word].tolist(), self._end[word].tolist(), strict=True)]

    def numbers(self, word: I64) -> F64 | None:
        """Return the numbers that words are, None where one is none, or too large."""
        start, end = self._start[word], self._end[word]
        sign = self._bytes[start]
        negative = sign == ord("-")
        at = start + (negative | (sign == ord("+")))
        value, places = np.zeros(len(word), np.int64), np.zeros(len(word), np.int64)
        digits, dotted = np.zeros(len(word), np.int8), np.zeros(len(word), np.bool_)
        odd = end - start > _LONGEST
        for k in range(min(int((end - start).max(initial=0)), _LONGEST)):
            here = at + k
            live = here < end
            character = self._bytes[np.minimum(here, end)]
            digit = live & (character >= ord("0")) & (character <= ord("9"))
            dot = live & (character == ord("."))
            odd |= (live & ~digit & ~dot) | (dot & dotted) | (digits >= _EXACT)
            dotted |= dot
            value = np.where(digit & ~odd, value * 10 + (character - ord("0")), value)
            places += digit & dotted
            digits += digit
        odd |= digits == 0
        out = np.where(negative, -1.0, 1.0) * value / _TENS[np.minimum(places, _EXACT)]
        rest = np.flatnonzero(odd)
        for i, text in zip(rest.tolist(), self.strings(word[rest]), strict=True):
            if _NUMBER.fullmatch(text) is None:
                return None
            out[i] = float(text)
        return out if (np.abs(out) <= MAX_NUMBER).all() else None

    def counts(self, word: I64) -> I64 | None:
        """Return the whole numbers that words are, None where one is none, or has more than 9 digits."""
        start, length = self._start[word], self._end[word] - self._start[word]
        value = np.zeros(len(word), np.int64)
        if int(length.max(initial=0)) > 9:
            return None
        for k in range(int(length.max(initial=0))):
            live = k < length
            digit = self._bytes[start + k].astype(np.int64) - ord("0")
            if (live & ((digit < 0) | (digit > 9))).any():
                return None
            value = np.where(live, value * 10 + digit, value)
        return value

    def _keys(self, word: I64) -> tuple[U64, U64, I64]:
        """Return the first eight bytes of words, the eight after them, and how long the words are."""
        start, length = self._start[word], self._end[word] - self._start[word]
        low = self._eight[start] & _MASK[np.minimum(length, 8)]
        high = self._eight[np.minimum(start + 8, len(self._eight) - 1)] & _MASK[np.clip(length - 8, 0, 8)]
        return low, high, length

    def find(self, word: I64, names: Names) -> I64:
        """Return the number of each word among names, -1 where it is none of them."""
        if names.short:
            low, high, length = self._keys(word)
            return np.where(length <= 16, names.number(low, high), -1)
        get = names.id.get
        return np.fromiter((get(name, -1) for name in self.strings(word)), np.int64, len(word))


class Names:
    """Names and their numbers; those of up to 16 plain characters are found by numpy, in a table of their bytes.

    Attributes:
        id: number of each name.
        short: whether all are short and plain.
    """

    def __init__(self, ids: dict[str, int]) -> None:
        self.id = ids
        text = "\n".join(ids).encode()
        # a name may hold anything: only words can be found among words
        plain = len(text.translate(None, _NOT_WORD)) == len(text) - max(len(ids) - 1, 0)
        self.short = bool(ids) and plain and text.isascii() and max(map(len, ids)) <= 16 and "" not in ids
        if not self.short:
            return
        words = Words(text, 1)
        self._low, self._high, _ = words._keys(words.first)  # of the same module
        self._of = np.fromiter(ids.values(), np.int64, len(ids))
        bits = max(int(len(ids) * 2).bit_length(), 4)
        self._shift, self._mask = np.uint64(64 - bits), (1 << bits) - 1
        self._slots = np.full(1 << bits, -1)
        left = np.arange(len(ids))
        at = self._slot(self._low, self._high)
        while len(left):  # each round, one name of those that want an empty slot gets it
            empty = self._slots[at] < 0
            self._slots[at[empty]] = left[empty]
            lost = self._slots[at] != left
            left, at = left[lost], (at[lost] + 1) & self._mask

    def number(self, low: U64, high: U64) -> I64:
        """Return the number of the name with each pair of words, -1 where there is none."""
        out = np.full(len(low), -1)
        left, at = np.arange(len(low)), self._slot(low, high)
        while len(left):
            name = self._slots[at]
            same = (name >= 0) & (self._low[name] == low[left]) & (self._high[name] == high[left])
            out[left[same]] = self._of[name[same]]
            on = (name >= 0) & ~same
            left, at = left[on], (at[on] + 1) & self._mask
        return out

    def _slot(self, low: U64, high: U64) -> I64:
        mixed = (low ^ (high * np.uint64(0x9E3779B97F4A7C15))) * np.uint64(0xD6E8FEB86659FD93)
        mixed ^= mixed >> np.uint64(32)
        return ((mixed * np.uint64(0xD6E8FEB86659FD93)) >> self._shift).astype(np.int64)
