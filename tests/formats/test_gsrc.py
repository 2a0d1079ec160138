"""GSRC/MCNC circuits: what is read, and what each mistake is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import FloorplanError, ParseError, ProblemError
from floorplan.files import write_bytes_by_suffix
from floorplan.formats import read_netlist, write_netlist
from floorplan.formats.design import Design
from floorplan.formats.gsrc.reader import aspect_ranges, read_gsrc
from floorplan.geometry import Orient
from floorplan.netlist import NodeKind, check_legality

CIRCUIT = {
    "c.blocks": """UCSC blocks 1.0
# by hand

NumSoftRectangularBlocks : 1
NumHardRectilinearBlocks : 2
NumTerminals : 3

a hardrectilinear 4 (0, 0) (0, 20) (30, 20) (30, 0)
l hardrectilinear 6 (5, 5) (5, 15) (10,15) (10, 10) (15, 10) (15, 5)
s softrectangular 400 0.25 4.0

p terminal
q terminal
r terminal
""",
    "c.nets": """UCLA nets 1.0
NumNets : 4
NumPins : 9
NetDegree : 3
p B
a B : %-50.0 %25
s B
NetDegree : 2 named
a O
l I : %50 %-50
NetDegree : 2
l B
q B
NetDegree : 2
r B
r B
""",
    "c.pl": """UCLA pl 1.0
a 0 0
l 30 0 : E
s 0 20 DIMS = (40, 10) : N
p 0 25
q 40 40 : N
r 20 0
""",
}


def write(folder: Path, circuit: dict[str, str]) -> Path:
    for name, text in circuit.items():
        (folder / name).write_text(text)
    return folder / "c.blocks"


@pytest.fixture
def design(tmp_path: Path) -> Design:
    return read_gsrc(write(tmp_path, CIRCUIT))


def test_blocks_are_hard_macros_and_terminals_ports(design: Design) -> None:
    netlist = design.problem.netlist
    assert netlist.name == "c"
    assert netlist.node_name == ("a", "l", "s", "p", "q", "r")
    assert netlist.node_kind.tolist() == [NodeKind.HARD] * 3 + [NodeKind.PORT] * 3
    assert netlist.node_w_um.tolist() == [30, 10, 40, 0, 0, 0]
    assert netlist.node_h_um.tolist() == [20, 10, 10, 0, 0, 0]


def test_offsets_are_per_cent_of_the_size_from_the_centre(design: Design) -> None:
    netlist = design.problem.netlist
    offsets = dict(zip(netlist.pin_name, zip(netlist.pin_dx_um, netlist.pin_dy_um, strict=True), strict=True))
    assert offsets["a/0"] == (-15, 5)
    assert offsets["l/0"] == (5, -5)
    assert offsets["s/0"] == (0, 0)


def test_a_net_begins_at_its_output_and_one_of_a_single_pin_is_left_out(design: Design) -> None:
    netlist = design.problem.netlist
    nets = [
        [netlist.pin_name[pin] for pin in netlist.net_pin[a:b]]
        for a, b in zip(netlist.net_ptr, netlist.net_ptr[1:], strict=False)
    ]
    assert nets == [["p", "a/0", "s/0"], ["a/1", "l/0"], ["l/1", "q"]]


def test_the_terminals_outline_is_the_canvas(design: Design) -> None:
    problem = design.problem
    assert (problem.canvas.width_um, problem.canvas.height_um) == (40, 40)
    assert problem.initial.placed.all()
    assert problem.initial.x_um.tolist() == [15, 35, 20, 0, 40, 20]
    assert problem.initial.y_um.tolist() == [10, 5, 25, 25, 40, 0]
    assert problem.initial.orient[1] == Orient.E
    assert check_legality(problem, problem.initial).legal


def test_an_outline_too_small_gives_way_to_15_per_cent_of_white_space(tmp_path: Path) -> None:
    circuit = CIRCUIT | {"c.pl": CIRCUIT["c.pl"].replace("q 40 40", "q 10 20")}
    canvas = read_gsrc(write(tmp_path, circuit)).problem.canvas
    assert canvas.width_um == pytest.approx((1.15 * (600 + 100 + 400)) ** 0.5)


def test_white_space_can_be_asked_for_and_terminals_go_along(tmp_path: Path) -> None:
    problem = read_gsrc(write(tmp_path, CIRCUIT), white_space=1.0).problem
    side = (2 * 1100) ** 0.5
    assert problem.canvas.height_um == pytest.approx(side)
    assert problem.initial.x_um[3:].tolist() == pytest.approx([0, side, side / 2])


def test_terminals_below_zero_move_onto_the_canvas(tmp_path: Path) -> None:
    circuit = CIRCUIT | {"c.pl": CIRCUIT["c.pl"].replace("p 0 25", "p -10 25")}
    design = read_gsrc(write(tmp_path, circuit), units_per_um=2.0)
    assert design.origin_um == (-5, 0)
    assert design.problem.canvas.width_um == 25
    assert design.problem.initial.x_um[3:].tolist() == [0, 25, 15]
    assert design.problem.initial.x_um[0] == 7.5 + 5


def test_a_soft_block_takes_the_nearest_shape_in_its_range(tmp_path: Path) -> None:
    circuit = {k: v for k, v in CIRCUIT.items() if k != "c.pl"}
    for aspect, shape in ((1.0, (20, 20)), (2.25, (30, 400 / 30)), (9.0, (40, 10)), (0.01, (10, 40))):
        netlist = read_gsrc(write(tmp_path, circuit), aspect=aspect).problem.netlist
        assert (netlist.node_w_um[2], netlist.node_h_um[2]) == pytest.approx(shape)
        assert aspect_ranges(netlist)[:3].tolist() == [[1.5, 1.5], [1, 1], [0.25, 4]]


def test_the_range_survives_in_protobuf_text(tmp_path: Path, design: Design) -> None:
    write_netlist(tmp_path / "c.pb.txt", design.problem.netlist)
    back, _ = read_netlist(tmp_path / "c.pb.txt")
    assert (aspect_ranges(back)[:3] == aspect_ranges(design.problem.netlist)[:3]).all()


def test_without_positions_terminals_are_spread_and_blocks_not_placed(tmp_path: Path) -> None:
    circuit = {k: v for k, v in CIRCUIT.items() if k != "c.pl"}
    problem = read_gsrc(write(tmp_path, circuit)).problem
    side = problem.canvas.width_um
    assert problem.initial.placed.tolist() == [False] * 3 + [True] * 3
    # thirds of the perimeter: the middles are at 4/6, 2 and 10/3 sides from the lower left corner
    assert problem.initial.x_um[3:].tolist() == pytest.approx([side * 2 / 3, side, 0])
    assert problem.initial.y_um[3:].tolist() == pytest.approx([0, side, side * 2 / 3])


def test_blocks_on_one_spot_are_not_placed(tmp_path: Path) -> None:
    circuit = CIRCUIT | {"c.pl": CIRCUIT["c.pl"].replace("l 30 0 : E", "l 0 0")}
    assert not read_gsrc(write(tmp_path, circuit)).problem.initial.placed[:3].any()


@pytest.mark.parametrize("given", ["c.blocks", "c.nets", "c.pl"])
@pytest.mark.parametrize("suffix", ["", ".xz"])
def test_any_of_the_files_finds_the_others(tmp_path: Path, design: Design, given: str, suffix: str) -> None:
    folder = tmp_path / "packed"
    folder.mkdir()
    for name, text in CIRCUIT.items():
        write_bytes_by_suffix(folder / (name + suffix), text.encode())
    other = read_gsrc(folder / (given + suffix))
    assert other.problem.netlist.content_hash == design.problem.netlist.content_hash
    assert {p.name for p in other.paths} == {name + suffix for name in CIRCUIT}


# file, text, its replacement -> file at fault, line (0 = the whole file), part of the cause
MALFORMED = [
    ("c.blocks", "UCSC blocks", "UCSC nets", "c.blocks", 1, "expected `UCLA blocks 1.0`"),
    ("c.blocks", "NumSoftRectangularBlocks : 1", "NumSoftRectangularBlocks : 2", "c.blocks", 4, "has 1 soft blocks"),
    ("c.blocks", "NumHardRectilinearBlocks : 2", "NumHardRectilinearBlocks : x", "c.blocks", 5, "'x', not a number"),
    ("c.blocks", "NumTerminals : 3", "NumTerminals : 4", "c.blocks", 6, "the file has 3 terminals"),
    ("c.blocks", "l hard", "a hard", "c.blocks", 9, "'a' has a line already (line 8)"),
    ("c.blocks", "4 (0, 0)", "5 (0, 0)", "c.blocks", 8, "has 4 corners, stated are 5"),
    ("c.blocks", "4 (0, 0)", "4 (0, 0) junk", "c.blocks", 8, "expected the corners of 'a'"),
    ("c.blocks", "4 (0, 0)", "four (0, 0)", "c.blocks", 8, "expected the corners of 'a'"),
    ("c.blocks", "(30, 20) (30, 0)", "(0, 20) (0, 0)", "c.blocks", 8, "'a' has no area (0 x 20)"),
    ("c.blocks", "(30, 20)", "(inf, 20)", "c.blocks", 8, "x of a corner is 'inf'"),
    ("c.blocks", "400 0.25 4.0", "400 0.25", "c.blocks", 10, "expected `area min max`"),
    ("c.blocks", "400 0.25 4.0", "400 0 4", "c.blocks", 10, "must be positive"),
    ("c.blocks", "p terminal", "p terminals", "c.blocks", 12, "expected `name hardrectilinear corners`"),
    ("c.nets", "NumNets : 4", "NumNets : 3", "c.nets", 2, "the file has 4 nets"),
    ("c.nets", "NumPins : 9", "NumPins : 8", "c.nets", 3, "the file has 9 pins"),
    ("c.nets", "NetDegree : 3", "NetDegree : 4", "c.nets", 4, "the net has 3 pins, its degree is 4"),
    ("c.nets", "NetDegree : 3", "NetDegree : 2", "c.nets", 7, "the net of line 4 has its 2 pins already"),
    ("c.nets", "NetDegree : 3\n", "", "c.nets", 4, "a pin before the first net"),
    ("c.nets", "NetDegree : 3", "NetDegree 3", "c.nets", 4, "expected `NetDegree : pins name`"),
    ("c.nets", "NetDegree : 3", "NetDegree : -3", "c.nets", 4, "net degree is '-3'"),
    ("c.nets", "\ns B", "\nt B", "c.nets", 7, "pin of 't', which .blocks does not name"),
    ("c.nets", "%-50.0 %25", "-50.0 %25", "c.nets", 6, "x offset is '-50.0'; expected per cent"),
    ("c.nets", "%-50.0 %25", "%-50.0", "c.nets", 6, "expected `node B|I|O : %x %y`"),
    ("c.nets", "%-50.0 %25", "%nan %25", "c.nets", 6, "x offset is 'nan'"),
    ("c.pl", "a 0 0", "b 0 0", "c.pl", 2, "'b' is placed, but .blocks does not name it"),
    ("c.pl", "p 0 25", "a 0 25", "c.pl", 5, "'a' is placed already (line 2)"),
    ("c.pl", "a 0 0", "a 0", "c.pl", 2, "expected `node x y : orientation`"),
    ("c.pl", "a 0 0", "a 0 1e999", "c.pl", 2, "y is '1e999'"),
    ("c.pl", "a 0 0", "a 1e16 0", "c.pl", 2, "x is '1e16', more than 1e+15"),
    ("c.pl", "s 0 20 DIMS = (40, 10) : N", "DIMS = (40, 10)", "c.pl", 4, "expected `node x y : orientation`"),
    ("c.pl", ": E", ": EAST", "c.pl", 3, "orientation 'EAST' is none of"),
    ("c.pl", "(40, 10)", "(40, 11)", "c.pl", 4, "'s' is 40 x 11 here, but its area is 400"),
    ("c.pl", "(40, 10)", "(-40, -10)", "c.pl", 4, "'s' has no area"),
]


@pytest.mark.parametrize(("file", "old", "new", "at_fault", "line", "cause"), MALFORMED)
def test_cause_and_line(tmp_path: Path, file: str, old: str, new: str, at_fault: str, line: int, cause: str) -> None:
    assert old in CIRCUIT[file]
    path = write(tmp_path, CIRCUIT | {file: CIRCUIT[file].replace(old, new, 1)})
    with pytest.raises(ParseError) as caught:
        read_gsrc(path)
    assert caught.value.path == tmp_path / at_fault
    assert (caught.value.line, cause in caught.value.what) == (line, True), str(caught.value)


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    path = write(tmp_path, {"c.blocks": CIRCUIT["c.blocks"]})
    with pytest.raises(ParseError, match=r"no file 'c\.nets' beside it"):
        read_gsrc(path)
    with pytest.raises(ParseError, match=r"end in \.blocks, \.nets and \.pl, not in '\.aux'"):
        read_gsrc(tmp_path / "c.aux")


def test_options_out_of_range_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, CIRCUIT)
    with pytest.raises(ProblemError, match="aspect must be positive"):
        read_gsrc(path, aspect=0.0)
    with pytest.raises(ProblemError, match="units_per_um must be positive"):
        read_gsrc(path, units_per_um=float("nan"))
    with pytest.raises(ProblemError, match="white_space must be >= 0"):
        read_gsrc(path, white_space=-0.1)


WORDS = ["a", "l", "s", "p", "t", "B", "O", ":", "%50", "%1e308", "%", "NetDegree", "2", "-1", "1e308", "nan", "#"]
WORDS += ["hardrectilinear", "softrectangular", "terminal", "4", "(0, 0)", "(9, 9)", "(", "DIMS = (1, 1)", "N", "FE"]


@settings(max_examples=80, deadline=None)
@given(
    file=st.sampled_from(sorted(CIRCUIT)),
    lines=st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join), max_size=4),
    keep=st.integers(0, 16),
    cut=st.binary(max_size=3),
)
def test_junk_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, file: str, lines: list[str], keep: int, cut: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp() / "gsrc_junk"
    folder.mkdir(exist_ok=True)
    path = write(folder, CIRCUIT)
    data = "\n".join([*CIRCUIT[file].split("\n")[:keep], *lines]).encode() + cut
    (folder / file).write_bytes(data)
    design, error = _outcome(path)
    if design is None:
        assert isinstance(error, ParseError)
        assert error.path.name != file or 0 <= error.line <= data.count(b"\n") + 1
    else:
        netlist = design.problem.netlist
        assert (netlist.node_w_um[netlist.hard] > 0).all()
        assert netlist.net_pin.max(initial=0) < netlist.num_pins


def _outcome(path: Path) -> tuple[Design | None, FloorplanError | None]:
    try:
        return read_gsrc(path), None
    except FloorplanError as error:
        return None, error


# blocks, terminals, nets, pins: as published
PUBLISHED = {
    "gsrc/n10": (10, 69, 118, 248),
    "gsrc/n30": (30, 212, 349, 723),
    "gsrc/n50": (50, 209, 485, 1050),
    "gsrc/n100": (100, 334, 885, 1873),
    "gsrc/n200": (200, 564, 1585, 3599),
    "gsrc/n300": (300, 569, 1893, 4358),
    "mcnc/apte": (9, 73, 97, 287),
    "mcnc/xerox": (10, 2, 203, 698),
    "mcnc/hp": (11, 45, 83, 309),
    "mcnc/ami33": (33, 42, 123, 520),
    "mcnc/ami49": (49, 22, 408, 953),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_public_circuits_have_their_published_counts(benchmarks: Path, name: str) -> None:
    problem = read_gsrc(benchmarks / "floorplanning" / f"{name}.blocks").problem
    netlist = problem.netlist
    assert (len(netlist.hard), len(netlist.ports), netlist.num_nets, len(netlist.net_pin)) == PUBLISHED[name]
    area = float((netlist.node_w_um * netlist.node_h_um).sum())
    assert problem.canvas.width_um * problem.canvas.height_um / area == pytest.approx(1.15, abs=0.005)
    x, y = problem.initial.x_um[netlist.ports], problem.initial.y_um[netlist.ports]
    assert 0 <= x.min() <= x.max() <= problem.canvas.width_um
    assert 0 <= y.min() <= y.max() <= problem.canvas.height_um
