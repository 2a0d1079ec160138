"""Files in and out: protobuf-text netlists, .plc placements and Bookshelf designs."""

from floorplan.formats.bookshelf.reader import read_bookshelf
from floorplan.formats.pbtxt.reader import read_netlist
from floorplan.formats.pbtxt.writer import write_netlist
from floorplan.formats.plc import PlcFile, read_plc, write_plc
from floorplan.formats.problem import find_placement, read_problem

__all__ = [
    "PlcFile",
    "find_placement",
    "read_bookshelf",
    "read_netlist",
    "read_plc",
    "read_problem",
    "write_netlist",
    "write_plc",
]
