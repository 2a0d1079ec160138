"""Which of several files belong together: what makes one design, and what only places another's nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from floorplan.errors import ParseError, ProblemError
from floorplan.files import plain_name
from floorplan.formats.sniff import bookshelf_part, sniff

__all__ = ["Source", "sources_of"]

_CHIP = ("lef", "def", "verilog")
_ENDS = ("", ".xz", ".gz")


@dataclass
class Source:
    """The files of one design.

    Attributes:
        kind: format of the design: protobuf, bookshelf, lefdef, verilog, gsrc, yal or json.
        paths: what to hand to its reader: a file, or for lefdef and verilog the whole set in the order given.
        plc: placement that numbers its nodes.
        places: the one path (a Bookshelf .pl, or Tcl) only places the nodes of another design.
        floorplan: a DEF beside a Verilog netlist, which has no canvas of its own.
    """

    kind: str
    paths: list[Path] = field(default_factory=list)
    plc: Path | None = None
    places: bool = False
    floorplan: bool = False


def sources_of(paths: Sequence[Path]) -> list[Source]:
    """Return the designs among the files in the order of their first file, and what only places another's nodes.

    Raises:
        ParseError: a file is of no known format, given twice, a clustering, a second .plc, or part of a set that is not
            complete.
        ProblemError: there is no design.
    """
    twice = next((path for k, path in enumerate(paths) if path in paths[:k]), None)
    if twice is not None:
        raise ParseError(twice, 0, "is given twice")
    kinds = [(path, sniff(path)) for path in paths]
    out: list[Source] = []
    chip: Source | None = None
    for path, kind in kinds:
        if kind == "groups":
            raise ParseError(path, 0, "says which group each cell is in, and `floorplan cluster --groups` takes it")
        if kind in _CHIP:
            if chip is None:
                chip = Source("lefdef")
                out.append(chip)
            chip.paths.append(path)
        elif kind == "bookshelf":
            _add_bookshelf(out, path)
        elif kind == "gsrc":
            if all(not _same_stem(s.paths[0], path) for s in out if s.kind == kind):
                out.append(Source(kind, [path]))
        elif kind != "plc":
            out.append(Source(kind, [path], places=kind == "tcl"))
    if chip is not None:
        out += _split_chip(chip, dict(kinds))
    _settle_pl(out)
    plcs = [path for path, kind in kinds if kind == "plc"]
    if len(plcs) > 1:
        raise ParseError(plcs[1], 0, f"is a second placement beside {plcs[0]}")
    designs = [s for s in out if not s.places]
    if not designs:
        alone = [*plcs, *(s.paths[0] for s in out)]
        said = f"{alone[0]} is a placement, which needs the netlist that it is of" if alone else "no file is given"
        raise ProblemError(f"no netlist to read: {said}")
    for plc in plcs:
        next((s for s in designs if s.kind == "protobuf"), designs[0]).plc = plc
    return out


def _add_bookshelf(out: list[Source], path: Path) -> None:
    known = next((s for s in out if s.kind == "bookshelf" and not s.places and _same_stem(s.paths[0], path)), None)
    part = bookshelf_part(path)
    if part == "aux":
        if known is None:
            out.append(Source("bookshelf", [path]))
    elif part == "pl":
        out.append(Source("bookshelf", [path], places=True))
    elif known is None:
        out.append(Source("bookshelf", [_aux_beside(path)]))


def _settle_pl(out: list[Source]) -> None:
    """Read the design that a .pl belongs to, where it is the only thing given."""
    if len(out) == 1 and out[0].kind == "bookshelf" and out[0].places:
        out[0] = Source("bookshelf", [_aux_beside(out[0].paths[0])])


def _aux_beside(path: Path) -> Path:
    stem = Path(plain_name(path)).stem
    for end in _ENDS:
        if (path.parent / f"{stem}.aux{end}").is_file():
            return path.parent / f"{stem}.aux{end}"
    raise ParseError(path, 0, f"is a part of a Bookshelf design, and there is no {stem}.aux beside it")


def _split_chip(chip: Source, kinds: dict[Path, str]) -> list[Source]:
    """Make one set of libraries and a Verilog netlist or DEF of the files; each DEF beyond is a design of its own."""
    lefs, defs, verilogs = ([p for p in chip.paths if kinds[p] == kind] for kind in _CHIP)
    if not defs and not verilogs:
        raise ParseError(lefs[0], 0, "is a library of cells; its design, a DEF or a Verilog netlist, is missing")
    if len(verilogs) > 1:
        raise ParseError(verilogs[1], 0, f"is a second Verilog netlist beside {verilogs[0]}; give one file")
    chip.kind = "verilog" if verilogs else "lefdef"
    chip.paths = [*lefs, *(verilogs or defs[:1])]
    rest = defs if verilogs else defs[1:]
    return [Source("lefdef", [*lefs, d], floorplan=bool(verilogs) and k == 0) for k, d in enumerate(rest)]


def _same_stem(a: Path, b: Path) -> bool:
    return a.parent == b.parent and Path(plain_name(a)).stem == Path(plain_name(b)).stem
