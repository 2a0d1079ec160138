"""The words of one Verilog statement, taken one after the other."""

from __future__ import annotations

import re

from floorplan.errors import ParseError
from floorplan.formats.verilog.text import NAME, SHOWN, Text, plain

__all__ = ["Words", "show"]

_S = r"\s*+"
_BASED = rf"(?:[0-9][0-9_]*+)?+{_S}'{_S}[sS]?[bBoOdDhH]{_S}[0-9a-fA-FxXzZ?_]++"
_TOKEN = re.compile(rf"{_S}(?:({NAME})|({_BASED}|[0-9][0-9_]*+)|(.))", re.DOTALL)
_A_NAME, _NUMBER = 1, 2  # groups of a word
_CLOSE = {"(": ")", "[": "]", "{": "}"}


class Words:
    """Names, numbers and marks of a statement; what is expected and not there is an error at the statement's line.

    Attributes:
        next: the word at hand, empty at the end.
    """

    def __init__(self, text: Text, start: int, statement: str) -> None:
        self._text = text
        self._start = start
        self._rest = _TOKEN.finditer(statement.rstrip())
        self._go_on()

    def _go_on(self) -> None:
        m = next(self._rest, None)
        self._kind = m.lastindex if m is not None else None
        self.next = m[m.lastindex] if m is not None and m.lastindex else ""

    @property
    def number(self) -> bool:
        """Whether the word at hand is a number."""
        return self._kind == _NUMBER

    def take(self) -> str:
        """Return the word at hand and go on."""
        word = self.next
        self._go_on()
        return word

    def skip(self, mark: str) -> bool:
        """Go on if the word at hand is `mark`."""
        if self.next != mark:
            return False
        self._go_on()
        return True

    def want(self, mark: str) -> None:
        """Go on over `mark`."""
        if not self.skip(mark):
            raise self.fault(f"expected {mark!r}, found {self._found()}")

    def name(self, what: str) -> str:
        """Return the name at hand and go on."""
        if self._kind != _A_NAME:
            raise self.fault(f"expected {what}, found {self._found()}")
        return self.take()

    def integer(self) -> int:
        """Return the plain, perhaps negative integer at hand and go on."""
        sign = -1 if self.skip("-") else 1
        word = self.next
        if not (word.isascii() and word.isdigit() and len(word) < 10):
            raise self.fault(f"expected an integer, found {self._found()}")
        self._go_on()
        return sign * int(word)

    def end(self, what: str) -> None:
        """Refuse anything after the word at hand."""
        if self._kind is not None:
            raise self.fault(f"expected {what}, found {self._found()}")

    def balanced(self) -> None:
        """Go over a word, or all that stands in brackets."""
        open_: list[str] = []
        while True:
            word = self.take()
            if not word:
                raise self.fault("a bracket is not closed")
            if word in _CLOSE:
                open_.append(_CLOSE[word])
            elif word in _CLOSE.values() and (not open_ or open_.pop() != word):
                raise self.fault(f"{word!r} closes nothing")
            if not open_:
                return

    def fault(self, what: str) -> ParseError:
        """Return the error for the statement."""
        return self._text.fault(self._start, what)

    def _found(self) -> str:
        return show(self.next) if self._kind is not None else "the statement's end"


def show(name: str) -> str:
    """Return a name for a message: as the file has it, in quotes, cut where it is long."""
    return repr(plain(name)[:SHOWN])
