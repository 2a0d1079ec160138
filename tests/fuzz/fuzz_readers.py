"""Coverage-guided fuzzing of one reader with Atheris, an optional package (`pip install atheris`).

    python tests/fuzz/fuzz_readers.py FORMAT[/FILE] [--keep FOLDER] [CORPUS] [libFuzzer options]
    python tests/fuzz/fuzz_readers.py def/valid.def -max_total_time=60

FORMAT is a name in `tests/malformed/reading.py`; FILE is the one of its sound files that is changed, its last one where
none is named. The time is CPU time; CORPUS is a folder that keeps the inputs which reach new code. Half of the inputs
come from `mutations.py`, half are libFuzzer's own. A file that is neither read nor refused, or takes more than 5 s of
CPU time or 1 GiB of memory, is kept under FOLDER, once for each kind of fault, and the search goes on; the exit status
is 1 if there is one.
"""

from __future__ import annotations

import importlib
import math
import os
import pkgutil
import re
import sys
import tempfile
import time
from pathlib import Path
from random import Random

# as tests are run: the folder that holds `tests` and `floorplan`
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import atheris

with atheris.instrument_imports(include=["floorplan.formats", "floorplan.files", "floorplan.fetch"]):
    import floorplan.fetch.catalog
    import floorplan.formats

    # all of them here: what a reader imports when it is called would not be instrumented
    for module in pkgutil.walk_packages(floorplan.formats.__path__, "floorplan.formats."):
        importlib.import_module(module.name)

from tests.fuzz.limits import fault_of, limited_memory
from tests.fuzz.mutations import mutated
from tests.malformed.reading import FORMATS

_MEMORY = Path("/dev/shm")


class Fuzzer:
    """One file of one format, and the faults found in reading changed versions of it."""

    def __init__(self, kind: str, name: str, keep: Path, seconds: float) -> None:
        self._kind, self._name, self._keep = kind, name, keep
        self._sound = FORMATS[kind].files[name].read_bytes()
        self._folder = Path(tempfile.mkdtemp(dir=_MEMORY if _MEMORY.is_dir() else None))
        self._seen: dict[str, int] = {}
        self.runs = 0
        self.began = time.process_time()
        self._seconds = seconds

    def change(self, data: bytes, most: int, seed: int) -> bytes:
        """Return the next input: half of them libFuzzer's own, half of our own making."""
        draw = Random(seed)
        if draw.random() < 0.5:
            out: bytes = atheris.Mutate(data, most)
            return out
        return mutated(data if data and draw.random() < 0.9 else self._sound, draw)[:most]

    def one(self, data: bytes) -> None:
        """Read one input, and keep it if it is the first or the shortest with its fault."""
        self.runs += 1
        if time.process_time() - self.began > self._seconds:
            self.say()
        for old in self._folder.iterdir():
            old.unlink()
        fault = fault_of(self._folder, self._kind, self._name, data)
        if not fault:
            return
        sign = re.sub(r"[^A-Za-z]+", "_", re.sub(r"'[^']*'|\"[^\"]*\"|/\S+", "", fault))[:60].strip("_")
        if sign not in self._seen:
            sys.stderr.write(f"FAULT {self._kind}/{self._name}: {fault}\n")
        if len(data) < self._seen.get(sign, len(data) + 1):
            self._seen[sign] = len(data)
            self._keep.mkdir(parents=True, exist_ok=True)
            (self._keep / f"{self._kind}-{sign}{Path(self._name).suffix}").write_bytes(data)

    def say(self) -> None:
        """Say how much was done, and leave with status 1 if there was a fault."""
        cpu, target = time.process_time() - self.began, f"{self._kind}/{self._name}"
        sys.stderr.write(f"DONE {target}: {self.runs} runs, {cpu:.1f} s of CPU, {len(self._seen)} faults\n")
        sys.stderr.flush()
        os._exit(1 if self._seen else 0)


def main(args: list[str]) -> None:
    """Run libFuzzer until one of its limits is reached."""
    keep = Path("found")
    if "--keep" in args:
        at = args.index("--keep")
        keep = Path(args[at + 1])
        del args[at : at + 2]
    if len(args) < 2 or args[1].partition("/")[0] not in FORMATS:
        sys.exit(f"{__doc__}\nformats: {', '.join(FORMATS)}")
    kind, _, name = args.pop(1).partition("/")
    name = name or list(FORMATS[kind].files)[-1]
    # libFuzzer ends without a word to Python when its time is over, and counts waiting; so time is counted here
    limit = next((float(a.partition("=")[2]) for a in args if a.startswith("-max_total_time=")), math.inf)
    rest = [a for a in args[1:] if not a.startswith("-max_total_time=")]
    if not any(not a.startswith("-") for a in rest):
        rest.append(tempfile.mkdtemp())
    corpus = next(Path(a) for a in rest if not a.startswith("-"))
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / "sound").write_bytes(FORMATS[kind].files[name].read_bytes())
    fuzzer = Fuzzer(kind, name, keep, limit)
    atheris.Setup([args[0], "-max_len=20000", *rest], fuzzer.one, custom_mutator=fuzzer.change)
    limited_memory()
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
