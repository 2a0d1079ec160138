"""LEF files (5.3 to 5.8): technology, cells and macros, as far as they bear on a placement.

Grammar: LEF/DEF Language Reference, Product Version 5.8. Vias, via rules, non-default rules, spacing tables,
properties, noise and antenna data, and extensions are passed over.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from floorplan.formats.lefdef.lef_macro import read_macro
from floorplan.formats.lefdef.lef_tables import Lef, LefLayer, LefMacro, LefSite
from floorplan.formats.lefdef.lef_words import Words
from floorplan.formats.lefdef.text import WORD, Source, shown

__all__ = ["read_lef"]

# blocks `KEYWORD name ... END name`, and those that end in their own keyword
_NAMED = frozenset(b"LAYER VIA VIARULE NONDEFAULTRULE SITE ARRAY MACRO".split())
_UNNAMED = frozenset(b"UNITS PROPERTYDEFINITIONS SPACING IRDROP NOISETABLE CORRECTIONTABLE".split())

log = logging.getLogger(__name__)


@dataclass
class _Found:
    """What the files have said so far."""

    dbu_per_um: int = 0
    grid_um: float = 0.0
    sites: dict[str, LefSite] = field(default_factory=dict)
    layers: dict[str, LefLayer] = field(default_factory=dict)
    macros: dict[str, LefMacro] = field(default_factory=dict)


def read_lef(paths: str | Path | Sequence[str | Path]) -> Lef:
    """Read LEF files, technology first or last, as one library.

    A layer, site or macro that is defined twice keeps its first definition, as layout databases have it.

    Args:
        paths: one or several plain, .gz or .xz files.

    Raises:
        ParseError: a file is damaged or cut short; it names the line.
    """
    files = tuple(Path(p) for p in ([paths] if isinstance(paths, str | Path) else paths))
    found = _Found()
    for path in files:
        _read(Source.read(path), found)
    return Lef(files, found.dbu_per_um, found.grid_um, found.sites, found.layers, found.macros)


def _read(source: Source, found: _Found) -> None:
    at = counted = 0
    line = 1
    empty = True
    while (m := WORD.match(source.text, at)) is not None:
        word, start = m[1], m.start(1)
        line += source.raw.count(b"\n", counted, start)
        counted = start
        empty = False
        if word == b"END":
            source.check_last(m, b"LIBRARY")
            return
        if word == b"BEGINEXT":
            at = source.extension_end(m)
        elif word in _NAMED:
            name = WORD.match(source.text, m.end())
            if name is None or name[1] == b";":
                raise source.fault(start, f"{word.decode()} has no name")
            # a pin may have the name of its macro, so that the last END of the name is the macro's
            end, at = source.find_end(name.end(), name[1], b"MACRO" if word == b"MACRO" else b"")
            _block(source, word, line, Words(source, name.start(1), end), found)
        elif word in _UNNAMED:
            end, at = source.find_end(start, word)
            if word == b"UNITS":
                _units(Words(source, m.end(), end), found)
        elif word.isalnum() and word.isupper():
            at = source.statement_end(start, shown(word))
            if word == b"MANUFACTURINGGRID":
                w = Words(source, m.end(), at)
                found.grid_um = w.number("the manufacturing grid")
                if found.grid_um <= 0:
                    raise w.fault("the manufacturing grid is not positive", 1)
        else:
            raise source.fault(start, f"{shown(word)} begins no statement of a LEF file")
    # END LIBRARY has been optional since LEF 5.6
    if empty:
        raise source.fault(0, "the file is empty")


def _block(source: Source, word: bytes, line: int, w: Words, found: _Found) -> None:
    if word == b"MACRO":
        macro = read_macro(source.path, line, w)
        first = found.macros.setdefault(macro.name, macro)
        if first is not macro:
            same = first.w_um == macro.w_um and first.h_um == macro.h_um and first.pins == macro.pins
            log.log(
                logging.INFO if same else logging.WARNING,
                "%s:%d: macro %r is defined again%s; that of %s holds",
                macro.path,
                macro.line,
                macro.name,
                "" if same else " with another size or other pins",
                first.path,
            )
    elif word == b"LAYER":
        layer = _layer(w)
        found.layers.setdefault(layer.name, layer)
    elif word == b"SITE":
        site = _site(w)
        found.sites.setdefault(site.name, site)


def _units(w: Words, found: _Found) -> None:
    while w.more():
        if w.skip(b"DATABASE"):
            w.expect(b"MICRONS")
            value = w.number("the number of units in a micron")
            if not (1 <= value <= 1_000_000 and value == int(value)):
                raise w.fault(f"{value:g} units to the micron are out of range", 1)
            if found.dbu_per_um and found.dbu_per_um != int(value):
                log.warning("%s: %d units to the micron, %d in a file before", w.path, int(value), found.dbu_per_um)
            found.dbu_per_um = found.dbu_per_um or int(value)
        w.to_semicolon()


def _layer(w: Words) -> LefLayer:
    name, kind, direction = w.name("the name of a layer"), "", ""
    pitch, width = (0.0, 0.0), 0.0
    while w.more():
        word = w.word("a statement of the layer")
        if word == b"TYPE":
            kind = w.name("a type")
        elif word == b"DIRECTION":
            direction = w.name("a direction")
        elif word == b"PITCH":
            x = w.number("the pitch")
            pitch = x, x if w.peek() == b";" else w.number("the pitch in y")
            if min(pitch) < 0:
                raise w.fault("a pitch is negative", 1)
        elif word == b"WIDTH":
            width = w.number("the width")
        w.to_semicolon()
    return LefLayer(name, kind, direction, pitch[0], pitch[1], width)


def _site(w: Words) -> LefSite:
    name, kind = w.name("the name of a site"), ""
    size = (0.0, 0.0)
    symmetry: frozenset[str] = frozenset()
    while w.more():
        word = w.word("a statement of the site")
        if word == b"SIZE":
            size = w.size()
        elif word == b"CLASS":
            kind = w.name("a class").upper()
        elif word == b"SYMMETRY":
            symmetry = w.symmetry()
        w.to_semicolon()
    if min(size) <= 0:
        raise w.fault(f"site {name!r} has no SIZE")
    return LefSite(name, size[0], size[1], kind, symmetry)
