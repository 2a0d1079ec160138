"""The viewer as the process beside a training run: `python -m floorplan.view.beside RUN`, for as long as stdin is open.

`agents.ppo.live` starts it. Its standard input is a pipe that nobody writes to and that ends with the training process,
however that ends.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from floorplan.errors import FloorplanError

__all__ = ["main"]

_LAST_WORDS_S = 1.6
"""So long an open page has to hear how the run ended: a look at the folder is taken every second."""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the address, serve until standard input ends; return 2 where that cannot be done, with the cause."""
    parser = argparse.ArgumentParser(prog="floorplan.view.beside")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--browser", action="store_true")
    args = parser.parse_args(argv)

    threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        from floorplan.view.run import announcer, serve
        from floorplan.view.source import open_path

        serve(open_path(args.folder), args.folder, args.port or None, announcer(browser=args.browser))
    except FloorplanError as error:
        print(" ".join(str(error).split()), flush=True)
        return 2
    except KeyboardInterrupt:
        pass
    return 0


def _end_with_stdin() -> None:
    # not by sys.stdin, whose lock a waiting thread would hold when the interpreter goes down
    while os.read(0, 4096):
        pass
    time.sleep(_LAST_WORDS_S)
    # as Ctrl-C does: the server ends its streams before it goes down
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    sys.exit(main())
