"""Mutated files through every reader: a result or a typed error, in little time.

By default a few files a format, the same ones in every run; `FLOORPLAN_FUZZ_EXAMPLES=10000` draws so many new ones,
and repeats more things.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.limits import fault_of
from tests.fuzz.mutations import mutated, packed
from tests.malformed.reading import FORMATS, targets

GIVEN = os.environ.get("FLOORPLAN_FUZZ_EXAMPLES")
SETTINGS = settings(
    max_examples=int(GIVEN or 5),
    derandomize=GIVEN is None,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
SEEDS = st.integers(0, (1 << 32) - 1)


def fault(kind: str, name: str, data: bytes) -> str:
    with tempfile.TemporaryDirectory() as folder:
        return fault_of(Path(folder), kind, name, data)


@pytest.mark.parametrize(("kind", "name"), targets())
@SETTINGS
@given(seed=SEEDS)
def test_a_mutated_file_is_read_or_refused(kind: str, name: str, seed: int) -> None:
    assert fault(kind, name, mutated(FORMATS[kind].files[name].read_bytes(), Random(seed))) == ""


@SETTINGS
@given(seed=SEEDS, target=st.sampled_from(targets()))
def test_a_damaged_compressed_file_is_read_or_refused(seed: int, target: tuple[str, str]) -> None:
    kind, name = target
    draw = Random(seed)
    suffix, data = packed(mutated(FORMATS[kind].files[name].read_bytes(), draw, most=1), draw)
    assert fault("unknown", name + suffix, data) == ""


FEW_UNITS = (b"\n", b"/* ", b'"', b"{")
UNITS = (*FEW_UNITS, *b"( |[ |; |- |a |1 |: |(* |# \n|//|<|\\|\t| |\r\n".split(b"|"))


@pytest.mark.parametrize(("kind", "name"), targets())
def test_one_thing_repeated_takes_little_time(kind: str, name: str) -> None:
    """12 kB of one thing after the first line: what takes the square of its length fails the limit of the readers."""
    data = FORMATS[kind].files[name].read_bytes()
    first = data.find(b"\n") + 1
    for unit in FEW_UNITS if GIVEN is None else UNITS:
        repeated = data[:first] + unit * (12_000 // len(unit))
        assert fault(kind, name, repeated) == "", unit
        assert fault("unknown", name, repeated) == "", unit
