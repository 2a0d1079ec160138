"""DEF files (5.3 to 5.8) as tables.

Grammar: LEF/DEF Language Reference, Product Version 5.8. What does not bear on a placement is passed over: vias, routed
wires, special nets, fills, slots, scan chains, properties, extensions.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from floorplan.errors import ParseError
from floorplan.formats.collector import collector_paused
from floorplan.formats.lefdef.def_components import read_components
from floorplan.formats.lefdef.def_nets import read_nets
from floorplan.formats.lefdef.def_sections import (
    read_blockages,
    read_die,
    read_gcells,
    read_groups,
    read_pins,
    read_regions,
    read_row,
    read_tracks,
)
from floorplan.formats.lefdef.def_statement import Statement
from floorplan.formats.lefdef.def_tables import Def, Gcells, Row, Tracks
from floorplan.formats.lefdef.text import WORD, Source, shown

__all__ = ["SECTIONS", "find_sections", "read_def"]

log = logging.getLogger(__name__)

# sections `NAME [count] [;] ... END NAME`; those that are read begin with a count
_READ = (b"COMPONENTS", b"PINS", b"NETS", b"REGIONS", b"GROUPS", b"BLOCKAGES")
SECTIONS = (
    *_READ,
    *b"SPECIALNETS VIAS NONDEFAULTRULES PINPROPERTIES SLOTS FILLS SCANCHAINS STYLES PROPERTYDEFINITIONS".split(),
    *b"CONSTRAINTS ASSERTIONS IOTIMINGS PARTITIONS TIMINGDISABLES FLOORPLANCONSTRAINTS DEFAULTCAP".split(),
)
_STATEMENT_WORDS = frozenset(
    b"VERSION DIVIDERCHAR BUSBITCHARS NAMESCASESENSITIVE DESIGN TECHNOLOGY UNITS HISTORY DIEAREA ROW TRACKS "
    b"GCELLGRID COMPONENTMASKSHIFT CANPLACE CANNOTOCCUPY ARRAY FLOORPLAN".split()
)
_MAX_DBU_PER_UM = 1_000_000


@dataclass
class _Head:
    """What the statements outside the sections say."""

    version: str = ""
    design: str = ""
    divider: str = "/"
    bus_bits: str = "[]"
    dbu_per_um: int = 0
    die: tuple[tuple[int, int], ...] = ()
    rows: list[Row] = field(default_factory=list)
    tracks: list[Tracks] = field(default_factory=list)
    gcells: list[Gcells] = field(default_factory=list)


def read_def(path: str | Path) -> Def:
    """Read a DEF file.

    Args:
        path: plain, .gz or .xz file.

    Raises:
        ParseError: the file is damaged or cut short; it names the line.
    """
    source = Source.read(Path(path))
    head = _Head()
    sections: dict[str, tuple[int, int]] = {}
    counts: dict[str, int] = {}
    with collector_paused():
        for s, span in find_sections(source):
            if span is not None:
                name = s.words[0].decode()
                sections[name] = span
                if len(s.words) == 2:
                    counts[name] = int(s.words[1][:12])
            else:
                _statement(s, head)
        if not head.dbu_per_um:
            raise ParseError(source.path, 0, "has no 'UNITS DISTANCE MICRONS n ;'")
        if not head.die:
            raise ParseError(source.path, 0, "has no DIEAREA")

        def span_of(name: str) -> tuple[int, int]:
            return sections.get(name, (0, 0))

        components = read_components(source, *span_of("COMPONENTS"))
        number = {name.encode(): i for i, name in enumerate(components.name)}
        nets = read_nets(source, *span_of("NETS"), number)
        out = Def(
            path=source.path,
            version=head.version,
            design=head.design,
            divider=head.divider,
            bus_bits=head.bus_bits,
            dbu_per_um=head.dbu_per_um,
            die=head.die,
            rows=tuple(head.rows),
            tracks=tuple(head.tracks),
            gcells=tuple(head.gcells),
            regions=read_regions(source, *span_of("REGIONS")),
            groups=read_groups(source, *span_of("GROUPS")),
            components=components,
            pins=read_pins(source, *span_of("PINS")),
            blockages=read_blockages(source, *span_of("BLOCKAGES")),
            nets=nets,
            source=source,
            sections=sections,
        )
    for name, found in (("COMPONENTS", len(components.name)), ("NETS", len(nets.name))):
        if counts.get(name, found) != found:
            log.warning("%s: %s says %d, and there are %d", source.path, name, counts[name], found)
    return out


def find_sections(source: Source) -> Iterator[tuple[Statement, tuple[int, int] | None]]:
    """Yield the statements outside all sections, and each section's first words with its span.

    Raises:
        ParseError: a word is none of a DEF file, a section does not end or comes twice, or the file ends before
            `END DESIGN`.
    """
    seen: set[bytes] = set()
    at = 0
    while True:
        m = WORD.match(source.text, at)
        if m is None:
            raise source.fault(len(source.raw), "the file ends without 'END DESIGN'")
        word, start = m[1], m.start(1)
        if word == b"END":
            source.check_last(m, b"DESIGN")
            return
        if word == b"BEGINEXT":
            at = source.extension_end(m)
        elif word in SECTIONS:
            if word in seen:
                raise source.fault(start, f"there is a second section {word.decode()}")
            seen.add(word)
            begin = m.end()
            end, at = source.find_end(start, word)
            words = [word]
            if word in _READ:
                begin = source.statement_end(start, word.decode())
                words = source.words(start, begin)
                if len(words) != 2 or not words[1].isdigit() or begin > end:
                    raise source.fault(start, f"expected '{word.decode()} count ;'")
            yield Statement(source, start, words), (begin, end)
        elif word in _STATEMENT_WORDS:
            at = source.statement_end(start, word.decode())
            yield Statement(source, start, source.words(start, at)), None
        else:
            raise source.fault(start, f"{shown(word)} begins no statement of a DEF file")


def _statement(s: Statement, head: _Head) -> None:
    word = s.word("a statement")
    if word == b"ROW":
        head.rows.append(read_row(s))
    elif word == b"TRACKS":
        head.tracks.append(read_tracks(s))
    elif word == b"GCELLGRID":
        head.gcells.append(read_gcells(s))
    elif word == b"DIEAREA":
        head.die = read_die(s)
    elif word == b"UNITS":
        s.expect(b"DISTANCE")
        s.expect(b"MICRONS")
        head.dbu_per_um = s.integer("the number of units in a micron")
        if not 1 <= head.dbu_per_um <= _MAX_DBU_PER_UM:
            raise s.fault(f"{head.dbu_per_um} units to the micron are out of range", 1)
    elif word == b"DESIGN":
        head.design = s.name("the name of the design")
    elif word == b"VERSION":
        head.version = s.name("the version")
    elif word == b"DIVIDERCHAR":
        head.divider = s.text("the divider")
    elif word == b"BUSBITCHARS":
        head.bus_bits = s.text("the characters around a bus bit")
