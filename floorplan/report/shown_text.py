"""Names of netlists come from anybody: made harmless before they go into a page."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

__all__ = ["json_script", "shown"]

# controls, lone surrogates, marks that turn the direction of text, separators that end a line of script
_HIDDEN = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ud800-\\udfff\\ufeff\\ufffe\\uffff]"
)


def _visible(text: str) -> str:
    return _HIDDEN.sub(lambda m: f"\\u{ord(m[0]):04x}", text)


def shown(text: object) -> str:
    """Return text for HTML and SVG, in elements and in quoted attributes; what would be invisible is spelled out."""
    return escape(_visible(str(text)))


def json_script(value: Any) -> str:
    """Return JSON that may stand inside a <script> element: no `<`, `>` or `&` in it, and nothing invisible."""
    text = json.dumps(_cleaned(value), separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _visible(value)
    if isinstance(value, dict):
        return {key: _cleaned(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(v) for v in value]
    return value
