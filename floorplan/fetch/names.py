"""Names of files that come from outside: relative, plain, and the same file on every system."""

from __future__ import annotations

import re

__all__ = ["why_unsafe"]

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*\ud800-\udfff]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_LONGEST, _LONGEST_PART = 1000, 200
"""Bytes; systems take 255 in a part, and this package adds a little to names of its own."""


def why_unsafe(name: str) -> str | None:
    """Return why a relative path may not be written below a folder, None where it may.

    Leading dots are refused as well: parts, locks and temporary files of this package begin with one.
    """
    if not name or name.startswith("/"):
        return "is empty or absolute"
    if _FORBIDDEN.search(name):
        return "holds a character that not every system can store"
    if len(name.encode()) > _LONGEST:
        return "is too long"
    for part in name.split("/"):
        if part in ("", ".", ".."):
            return "leads out of its folder or has an empty part"
        if part.startswith((".", "-")) or part.endswith((".", " ")):
            return f"has a part that begins with a dot or dash or ends with a dot or space ({part!r})"
        if _RESERVED.fullmatch(part) or len(part.encode()) > _LONGEST_PART:
            return f"has a part that not every system can store ({part[:40]!r})"
    return None
