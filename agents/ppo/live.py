"""The viewer beside a training run: started in a process of its own, ended with the run, and never in its way."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

__all__ = ["LiveViewer", "display"]

_END_S = 5.0

Say = Callable[[str], None]


def display() -> bool:
    """Return whether there is a screen to open a browser on."""
    if sys.platform.startswith(("win", "darwin")):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("BROWSER"))


class LiveViewer:
    """Shows a run folder in the browser for as long as this process lives, or until `close`.

    The viewer reads files and nothing else of the run; whatever becomes of it, the run goes on.

    Args:
        folder: of the run.
        port: on 127.0.0.1; 0 takes the usual one, or any that is free.
        say: called from another thread, with a sentence that holds the address once it can be opened, and with one
            that says why if the viewer ends before it is asked to.
        browser: open the page.
    """

    def __init__(self, folder: Path, port: int, say: Say, *, browser: bool) -> None:
        self._folder = folder
        self._say = say
        self._ending = False
        self._process: subprocess.Popen[str] | None = None
        command = [sys.executable, "-m", "floorplan.view.beside", str(folder.resolve()), "--port", str(port)]
        # one thread, so that the cores are left to the training
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "FLOORPLAN_THREADS"), "1")
        try:
            self._process = subprocess.Popen(
                command + (["--browser"] if browser else []),
                env={**os.environ, **one},
                # it ends when this pipe does: with this process, however that ends
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                # Ctrl-C in the terminal asks the training to stop, which the viewer is to show to its end
                start_new_session=True,
            )
        except OSError as error:
            say(f"the viewer did not start: {error}")
            return
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def close(self) -> None:
        """Let the open pages know that the run is over, and end the viewer."""
        process, self._ending = self._process, True
        if process is None or process.stdin is None:
            return
        with contextlib.suppress(OSError):  # it has ended before
            process.stdin.close()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        told: deque[str] = deque(maxlen=3)
        shown = False
        for line in process.stdout:
            text = line.strip()
            if not shown and text.startswith("http://127.0.0.1:"):
                shown = True
                self._say(f"watch the run at {text}")
            elif text:
                told.append(text)
        if not self._ending:
            why = f": {told[-1]}" if told else ""
            self._say(f"the viewer has ended, the training goes on{why}")
