"""Runs in processes of their own, which answer jobs one JSON object a line.

A crash of such a process is a failed row, and the next job gets a new process.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from typing import IO, Any

from floorplan.bench.execute import Job, execute, failed_row
from floorplan.bench.rows import Failure, Row
from floorplan.bench.trace import ShowProgress

__all__ = ["Worker", "main"]

_PROGRAM = "from floorplan.bench.worker import main; raise SystemExit(main())"
_SHOWN_EVERY_S = 0.5
_PATIENCE_S = 5.0
_DESERTED = 75


class Worker:
    """A process that does one run at a time, started when first needed.

    Args:
        threads: what kernels in it may use.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._process: subprocess.Popen[str] | None = None
        self.exit_code = 0

    def run(self, job: Job, show: ShowProgress | None = None) -> Row:
        """Do a run in the process and return its row; if the process dies, a row that says so."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(job.model_dump_json() + "\n")
            process.stdin.flush()
            for line in process.stdout:
                message = json.loads(line)
                if "row" in message:
                    return Row.model_validate(message["row"])
                if show is not None:
                    show(message["seconds"], message["spent_frac"], message["best"])
        except (OSError, ValueError) as e:
            logging.getLogger(__name__).info("lost touch with a worker: %s", e)
        self.close()
        code = self.exit_code
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return failed_row(job, None, Failure(type="Crash", message=f"the process of this run ended with {how}"))

    def close(self) -> None:
        """Let the process end; it ends when nothing more is to be read, or is made to."""
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            # what was still to be written to a dead process is lost with it
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        try:
            self.exit_code = process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            self.exit_code = process.wait()

    def kill(self) -> None:
        """End the process now, from whatever thread; a run in it is lost."""
        process = self._process
        if process is not None:
            process.kill()

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            threads = str(self._threads)
            env = os.environ | {"FLOORPLAN_THREADS": threads, "OMP_NUM_THREADS": threads, "NUMBA_NUM_THREADS": threads}
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                env=env,
                # Ctrl-C goes to the parent alone, which closes its workers
                start_new_session=True,
            )
        return self._process


def main() -> int:
    """Answer jobs from stdin until it ends; where that is during a job, leave: whoever wanted it is gone."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what an agent prints must not get between the answers
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    busy = threading.Event()
    threading.Thread(target=_listen, args=(jobs, busy), daemon=True).start()
    while line := jobs.get():
        job = Job.model_validate_json(line)
        row = execute(job, _Sender(answers))
        busy.clear()  # before the answer: the next job, or the end, may follow it at once
        _send(answers, {"row": row.model_dump(mode="json")})
    return 0


def _listen(jobs: queue.SimpleQueue[str], busy: threading.Event) -> None:
    """Hand lines of stdin on, an empty one at its end; leave at once if that comes before the job's answer."""
    # not by sys.stdin, whose lock a waiting thread would hold when the interpreter goes down
    for line in os.fdopen(os.dup(0), encoding="utf-8"):
        busy.set()
        jobs.put(line)
    if busy.is_set():
        os._exit(_DESERTED)
    jobs.put("")


class _Sender:
    def __init__(self, answers: IO[str]) -> None:
        self._answers = answers
        self._next = 0.0

    def __call__(self, seconds: float, spent_frac: float, best: float | None) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _SHOWN_EVERY_S
            _send(self._answers, {"seconds": seconds, "spent_frac": spent_frac, "best": best})


def _send(answers: IO[str], message: dict[str, Any]) -> None:
    answers.write(json.dumps(message, allow_nan=False) + "\n")
    answers.flush()
