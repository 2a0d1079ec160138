"""Reading the words of a LEF block or a DEF statement one after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from floorplan.errors import ParseError
from floorplan.formats.lefdef.text import shown

__all__ = ["WordCursor"]


class WordCursor(ABC):
    """Words and how far they are read.

    Attributes:
        whole: what the words make up, as error messages call it.
        words: all of them.
        at: number of the next word.
    """

    whole: ClassVar[str]

    def __init__(self, words: list[bytes]) -> None:
        self.words = words
        self.at = 0

    @abstractmethod
    def fault(self, what: str, back: int = 0) -> ParseError:
        """Return the error at the word that comes next, or `back` words before it."""

    def more(self) -> bool:
        """Return whether a word is left."""
        return self.at < len(self.words)

    def peek(self) -> bytes:
        """Return the next word, b"" at the end."""
        return self.words[self.at] if self.at < len(self.words) else b""

    def skip(self, word: bytes) -> bool:
        """Pass over the next word if it is this one."""
        if self.at < len(self.words) and self.words[self.at] == word:
            self.at += 1
            return True
        return False

    def word(self, what: str) -> bytes:
        """Return the next word and pass over it."""
        if self.at >= len(self.words):
            raise self.fault(f"the {self.whole} ends where {what} is expected")
        self.at += 1
        return self.words[self.at - 1]

    def expect(self, word: bytes) -> None:
        """Pass over this word."""
        if not self.skip(word):
            found = shown(self.peek()) if self.more() else f"the end of the {self.whole}"
            raise self.fault(f"expected {shown(word)}, found {found}")
