"""Seconds, MB/s and memory of reading a long DEF; figures only, no assertion on a clock."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from floorplan.formats.lefdef.def_ import read_def
from floorplan.formats.lefdef.reader import read_lefdef

pytestmark = pytest.mark.bench

CELLS, NETS, PINS = 166_000, 170_000, 642_000
# The high-water mark of the process's own memory, beyond what the imports take (Linux).
PEAK = """\
import re, sys
from pathlib import Path
from floorplan.formats.lefdef.reader import read_lefdef
def peak(): return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
before = peak()
read_lefdef(sys.argv[1], sys.argv[2])
print(peak() - before)
"""
RAM_PINS = "".join(
    f"  PIN {p}[{k}] DIRECTION {way} ; PORT LAYER M1 ; RECT {k} 0 {k + 1} 1 ; END END {p}[{k}]\n"
    for p, way in (("D", "INPUT"), ("Q", "OUTPUT"))
    for k in range(39)
)
LIBRARY = """\
MACRO ram CLASS BLOCK ; SIZE 40 BY 30 ; SYMMETRY X Y ;
{pins}END ram
MACRO nand CLASS CORE ; SIZE 0.76 BY 1.4 ;
  PIN A DIRECTION INPUT ; PORT LAYER M1 ; RECT 0 0 0.1 0.1 ; END END A
  PIN Z DIRECTION OUTPUT ; PORT LAYER M1 ; RECT 0.3 0 0.4 0.1 ; END END Z
END nand
""".replace("{pins}", RAM_PINS)


def write_long_def(path: Path, *, routed: bool) -> None:
    """Write a DEF of the size that a routed or placed million-gate block has, with names as synthesis makes them."""
    rng = np.random.default_rng(1)
    names = [f"u_core/u_unit_{i % 211}/u_pipeline_stage_{i % 17}/u_mem_reg\\[{i % 64}\\]_{i}" for i in range(CELLS)]
    lines = [
        'VERSION 5.8 ;\nDIVIDERCHAR "/" ;\nBUSBITCHARS "[]" ;\nDESIGN long ;\nUNITS DISTANCE MICRONS 2000 ;',
        "DIEAREA ( 0 0 ) ( 4000000 4000000 ) ;",
        f"COMPONENTS {CELLS} ;",
    ]
    place = rng.integers(0, 3_900_000, (CELLS, 2)).tolist()
    for i, (name, (x, y)) in enumerate(zip(names, place, strict=True)):
        lines.append(
            f"    - {name} {'ram' if i % 1250 == 0 else 'nand'} + PLACED ( {x} {y} ) {'N' if i % 3 else 'FS'} ;"
        )
    lines += ["END COMPONENTS", f"NETS {NETS} ;"]
    degree = np.full(NETS, PINS // NETS)
    degree[: PINS - int(degree.sum())] += 1
    who = rng.integers(0, CELLS, int(degree.sum())).tolist()
    used: dict[int, int] = {}
    at = 0
    for e, k in enumerate(degree.tolist()):
        joins = []
        for j, i in enumerate(who[at : at + k]):
            pin = "Z" if j == 0 else "A"
            if i % 1250 == 0:
                pin = f"{'Q' if j == 0 else 'D'}[{used.setdefault(i, 0)}]"
                used[i] += 1
            joins.append(f"( {names[i]} {pin} )")
        at += k
        tail = " + USE SIGNAL ;"
        if routed:
            wire = f"metal2 ( 190190 {e} ) ( * {e + 9} ) via2_5\n      NEW metal3 ( {e} 7 ) ( 12 * )"
            tail = f"\n      + ROUTED {wire}{tail}"
        lines.append(f"    - n_{e} {' '.join(joins)}{tail}")
    lines += ["END NETS", "END DESIGN", ""]
    path.write_text("\n".join(lines))


@pytest.mark.parametrize("routed", [False, True])
def test_long_def(tmp_path: Path, capsys: pytest.CaptureFixture[str], routed: bool) -> None:
    path, lef = tmp_path / "long.def", tmp_path / "long.lef"
    write_long_def(path, routed=routed)
    lef.write_text(LIBRARY)
    size_mb = path.stat().st_size / 1e6
    wall_s, cpu_s = {}, {}
    for name, call in (("tables", lambda: read_def(path)), ("design", lambda: read_lefdef(lef, path))):
        wall, cpu = time.perf_counter(), time.process_time()
        got = call()
        wall_s[name], cpu_s[name] = time.perf_counter() - wall, time.process_time() - cpu
    netlist = got.problem.netlist
    assert (netlist.num_nodes, len(netlist.hard)) == (CELLS, 133)
    done = subprocess.run([sys.executable, "-c", PEAK, str(lef), str(path)], capture_output=True, text=True, check=True)
    with capsys.disabled():
        for what, seconds in wall_s.items():
            print(
                f"\nDEF of {size_mb:.1f} MB{', routed' if routed else ''}: {what} {seconds:.2f} s "
                f"({cpu_s[what]:.2f} s of CPU), {size_mb / seconds:.0f} MB/s",
                end="",
            )
        print(f", peak memory {int(done.stdout) / path.stat().st_size:.1f} x the file", end="")
