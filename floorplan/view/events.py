"""What happens, told to every open page: server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

__all__ = ["Events"]

_KEEP_ALIVE_S = 10.0
_MAX_WAITING = 256
MAX_PAGES = 16


class Events:
    """Hands messages from any thread to the pages that listen."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pages: set[asyncio.Queue[dict[str, Any] | None]] = set()

    @property
    def full(self) -> bool:
        """Whether no further page may listen."""
        return len(self._pages) >= MAX_PAGES

    def tell(self, message: dict[str, Any]) -> None:
        """Hand a message to all pages; a page that reads too slowly misses some."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, message)

    def close(self) -> None:
        """End all streams: the server is going down."""
        self._put(None)

    def _put(self, message: dict[str, Any] | None) -> None:
        for page in self._pages:
            if not page.full():
                page.put_nowait(message)

    async def stream(self, first: dict[str, Any]) -> AsyncIterator[bytes]:
        """Yield events for one page, `first` at once, and a comment now and then so that a lost page is noticed."""
        self._loop = asyncio.get_running_loop()
        page: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(_MAX_WAITING)
        self._pages.add(page)
        try:
            yield b"retry: 1000\n" + _line(first)
            while True:
                try:
                    message = await asyncio.wait_for(page.get(), _KEEP_ALIVE_S)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if message is None:
                    return
                yield _line(message)
        finally:
            self._pages.discard(page)


def _line(message: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(message, allow_nan=False).encode() + b"\n\n"
