"""Ctrl-C that lets an agent finish: the first asks it to stop with its best so far, the second stops at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["interruptible", "stop_wanted"]

_STOP = threading.Event()


def stop_wanted() -> bool:
    """Return whether the user has asked to stop: a budget counts as spent then."""
    return _STOP.is_set()


@contextmanager
def interruptible() -> Iterator[None]:
    """Within this, the first SIGINT makes `stop_wanted` true instead of raising; a second one raises as usual.

    Outside the main thread, where signals cannot be handled, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(_signal: int, _frame: FrameType | None) -> None:
        _STOP.set()
        signal.signal(signal.SIGINT, before)

    _STOP.clear()
    signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        _STOP.clear()
