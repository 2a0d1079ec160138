"""Words of Tcl: any name quoted so that Tcl reads it back as it was, and a script cut into commands and words.

The rules are the twelve of Tcl's own manual page, Tcl(n): braces take everything literally, a backslash makes the next
character literal, `[` and `$` compute. Nothing is computed here: words that would be are marked so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from floorplan.errors import ParseError

__all__ = ["Command", "Word", "split_commands", "tcl_word"]

_PLAIN = re.compile(r"[A-Za-z0-9_./:+@%^,=~!?|<>*&()-]+")
_BRACED = re.compile(r"[ !-z|~]*")
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\v": "\\v", "\f": "\\f", "\a": "\\a", "\b": "\\b"}
_LONG = {v[1]: k for k, v in _SHORT.items()}
_ESCAPE = re.compile(
    r"\\(?:(\n[ \t]*+)|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|(.))", re.DOTALL
)
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_QUOTED = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_BARE = re.compile(r"(?:[^ \t\r\f\v\n;\\\[]|\\[^\n])++(\[)?|(\[)")
_DULL = re.compile(r'(?:[^\n;\\\[{"]|(?<=[^ \t\r\f\v\n;])[{"]|\\.)++', re.DOTALL)
_MARK = re.compile(r'\\.|[\[\]{"]', re.DOTALL)
_BETWEEN = re.compile(r"(?:[ \t\r\f\v\n;]|\\\n)++")
_SPACE = re.compile(r"(?:[ \t\r\f\v]|\\\n)++")
_COMMENT = re.compile(r"#(?:[^\\\n]|\\.)*+", re.DOTALL)
_MOST_WORDS = 64
_COMPUTED = re.compile(r"\\.|[\[$]", re.DOTALL)


def tcl_word(text: str) -> str:
    """Return `text` as one Tcl word of ASCII characters: bare where that is safe, in braces, or with backslashes."""
    if _PLAIN.fullmatch(text):
        return text
    # A backslash before the closing brace would hide it; elsewhere braces keep backslashes as they are.
    if _BRACED.fullmatch(text) and not text.endswith("\\"):
        return "{" + text + "}"
    return "".join(_escaped(c) for c in text)


def _escaped(c: str) -> str:
    if c in _SHORT:
        return _SHORT[c]
    if c.isascii() and c.isalnum():
        return c
    if " " <= c <= "~":
        return "\\" + c
    return f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}"


@dataclass(frozen=True)
class Word:
    """One word; `computed` where Tcl would put a variable or a command's result into it: then `text` is as written."""

    text: str
    computed: bool


@dataclass(frozen=True)
class Command:
    """The words of one command and the line it begins on."""

    line: int
    words: tuple[Word, ...]


def split_commands(path: Path, text: str, verbs: frozenset[str] | None = None) -> Iterator[Command]:
    """Yield the top-level commands of a script, or those alone whose first word is one of `verbs`.

    Bodies in braces are words, not commands.

    Raises:
        ParseError: a brace, bracket or quotation mark is not closed, a brace or quotation mark is followed by other
            characters, or a command that is yielded has more words than any of those that are read.
    """
    at, line, counted = 0, 1, 0
    while True:
        if m := _BETWEEN.match(text, at):
            at = m.end()
        if at >= len(text):
            return
        if text[at] == "#":
            m = _COMMENT.match(text, at)
            at = m.end() if m else len(text)
            continue
        line += text.count("\n", counted, at)
        counted = at
        words: list[Word] = []
        while at < len(text) and text[at] not in "\n;":
            if words and not (verbs is None or words[0].text in verbs):
                # Of a command that nobody asked for, what cannot open anything is passed over at once.
                m = _DULL.match(text, at)
                at = m.end() if m else _word(path, text, at, line)[1]
                continue
            word, at = _word(path, text, at, line)
            words.append(word)
            if len(words) > _MOST_WORDS and verbs:
                raise ParseError(path, line, f"command {words[0].text[:60]!r} has more than {_MOST_WORDS} words")
            if m := _SPACE.match(text, at):
                at = m.end()
        if verbs is None or words[0].text in verbs:
            yield Command(line, tuple(words))


def _word(path: Path, text: str, at: int, line: int) -> tuple[Word, int]:
    if text[at] in '{"':
        braced = text[at] == "{"
        end = _close(text, at) if braced else _quote_end(text, at)
        if end < 0:
            raise ParseError(path, line, f"the command has a {text[at]} that nothing closes")
        if end < len(text) and not (text[end] in " \t\r\f\v\n;" or text.startswith("\\\n", end)):
            raise ParseError(path, line, f"{text[end]!r} follows a closing {'brace' if braced else 'quotation mark'}")
        inner = text[at + 1 : end - 1]
        if braced:
            return Word(re.sub(r"\\\n[ \t]*+", " ", inner) if "\\\n" in inner else inner, computed=False), end
        return Word(_unescaped(inner), _is_computed(inner)), end
    end = at
    while m := _BARE.match(text, end):
        end = m.end()
        if m.lastindex:
            end = _bracket_end(text, end)
            if end < 0:
                raise ParseError(path, line, "the command has a [ that nothing closes")
    # A lone backslash at the end of the file stands for itself.
    end = max(end, at + 1)
    raw = text[at:end]
    computed = _is_computed(raw)
    return Word(raw if computed else _unescaped(raw), computed), end


def _bracket_end(text: str, at: int) -> int:
    """Return where the command that begins at `at`, after its bracket, ends with one of its own; -1 if nowhere."""
    depth = 1
    while m := _MARK.search(text, at):
        mark, at = m.group(), m.end()
        if mark == "[":
            depth += 1
        elif mark == "]":
            depth -= 1
            if depth == 0:
                return at
        elif mark in '{"' and text[m.start() - 1] in " \t\r\n;[":
            at = _close(text, m.start()) if mark == "{" else _quote_end(text, m.start())
            if at < 0:
                return -1
    return -1


def _close(text: str, at: int) -> int:
    depth = 0
    for m in _BRACE.finditer(text, at):
        mark = m.group()
        if mark == "{":
            depth += 1
        elif mark == "}":
            depth -= 1
            if depth == 0:
                return m.end()
    return -1


def _quote_end(text: str, at: int) -> int:
    m = _QUOTED.match(text, at + 1)
    return m.end() if m else -1


def _is_computed(raw: str) -> bool:
    return any(m.group() in "[$" for m in _COMPUTED.finditer(raw))


def _unescaped(raw: str) -> str:
    return _ESCAPE.sub(_meaning, raw) if "\\" in raw else raw


def _meaning(m: re.Match[str]) -> str:
    newline, x, u, long, octal, other = m.groups()
    if newline:
        return " "
    if octal:
        return chr(int(octal, 8) & 0xFF)
    for digits in (x, u, long):
        if digits:
            code = int(digits, 16)
            return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
    return _LONG.get(other, other)
