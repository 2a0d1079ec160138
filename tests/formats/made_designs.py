"""Small designs for tests of readers and writers: every kind of node, constraints, a placement with flips."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from floorplan.formats.design import Design
from floorplan.geometry import Orient
from floorplan.netlist import (
    Blockage,
    Canvas,
    NetlistBuilder,
    Placement,
    Problem,
    Region,
    Side,
    Snap,
)

__all__ = ["DEF", "LEF", "VERILOG", "clustered_design", "constrained_design", "flat_design", "same_placement"]

LEF = """VERSION 5.8 ;
UNITS
  DATABASE MICRONS 1000 ;
END UNITS
SITE unit
  CLASS CORE ;
  SIZE 1 BY 2 ;
END unit
MACRO RAM
  CLASS BLOCK ;
  ORIGIN 0 0 ;
  SIZE 20 BY 10 ;
  SYMMETRY X Y ;
  PIN D
    DIRECTION INPUT ;
    PORT
      LAYER m1 ;
        RECT 0 4 1 6 ;
    END
  END D
  PIN Q
    DIRECTION OUTPUT ;
    PORT
      LAYER m1 ;
        RECT 19 4 20 6 ;
    END
  END Q
END RAM
END LIBRARY
"""
DEF = """VERSION 5.8 ;
DIVIDERCHAR "/" ;
BUSBITCHARS "[]" ;
DESIGN top ;
UNITS DISTANCE MICRONS 1000 ;
DIEAREA ( 5000 5000 ) ( 105000 85000 ) ;
COMPONENTS 2 ;
- a RAM + PLACED ( 15000 15000 ) N ;
- b RAM + PLACED ( 55000 15000 ) FN ;
END COMPONENTS
PINS 1 ;
- in + NET n0 + DIRECTION INPUT + LAYER m1 ( -50 -50 ) ( 50 50 ) + PLACED ( 5000 45000 ) N ;
END PINS
NETS 2 ;
- n0 ( PIN in ) ( a D ) ;
- n1 ( a Q ) ( b D ) ;
END NETS
END DESIGN
"""
VERILOG = """module top (in);
  input in;
  wire w;
  RAM a (.D(in), .Q(w));
  RAM b (.D(w), .Q());
endmodule
"""


def clustered_design() -> Design:
    """Two hard macros (one fixed), a soft one, two ports; weights; sizes that are no whole units."""
    b = NetlistBuilder("clustered")
    b.add_port("in", Side.LEFT)
    b.add_macro("top/ram[0]", 20.125, 10.25)
    b.add_pin("top/ram[0]/d", "top/ram[0]", -10.0, 1.0 / 3.0)
    b.add_pin("top/ram[0]/q", "top/ram[0]", 10.0, 0.1)
    b.add_macro("top/ram[1]", 8.0, 16.0)
    b.add_pin("top/ram[1]/d", "top/ram[1]", 0.0, -8.0)
    b.add_macro("Grp_0", 5.0, 7.0, soft=True)
    b.add_pin("Grp_0/Pinput", "Grp_0")
    b.add_pin("Grp_0/Poutput_single_0", "Grp_0")
    b.add_port("out", Side.RIGHT)
    b.add_net("in", ["top/ram[0]/d", "Grp_0/Pinput"])
    b.add_net("top/ram[0]/q", ["Grp_0/Pinput"], 3.0)
    b.add_net("Grp_0/Poutput_single_0", ["top/ram[1]/d", "out"], 2.0)
    b.metadata.append(("soft_macro_area_bloating_ratio", 1.0))
    placement = Placement(
        np.array([0.0, 20.1, 70.0, 40.7, 100.0]),
        np.array([50.0, 30.2, 60.0, 44.4, 12.5]),
        np.array([0, Orient.FN, Orient.FS, 0, 0]),
        np.ones(5),
    )
    canvas = Canvas(100.0, 80.0, 12, 9, 57.031, 56.818, 39.583, 30.303, 2, 0.004)
    fixed = np.array([False, False, True, False, False])
    return Design(Problem(b.build(), canvas, placement, fixed), "protobuf", (Path("netlist.pb.txt"),))


def constrained_design() -> Design:
    """The clustered one with everything that a problem and a design may say."""
    design = clustered_design()
    halo = np.zeros((5, 4))
    halo[1] = [1.0, 2.0, 0.25, 4.0]
    problem = design.problem.replace(
        allowed_orient=np.array([1, 255, 15, 255, 1]),
        macro_spacing_um=2.0,
        boundary_spacing_um=0.1,
        blockages=(Blockage(0.0, 0.0, 5.0, 5.0), Blockage(1.0, 2.0, 3.0, 4.0, 0.5, hard=False)),
        halo_um=halo,
        regions=(Region("edge", np.array([[0.0, 0.0, 100.0, 40.0], [0.0, 0.0, 50.0, 80.0]]), exclusive=True),),
        region=np.array([-1, 0, -1, -1, -1]),
        snap=Snap(0.19, 1.4, 0.095, 0.0),
    )
    return design.replace(
        problem=problem,
        format="lefdef",
        paths=(Path("top.def"), Path("lib/ram.lef")),
        origin_um=(-10.5, 20.25),
        units_per_um=2000.0,
        master=("", "RAM20", "RAM8", "", ""),
        manufacturing_grid_um=0.005,
        site_um=(0.19, 1.4),
    )


def flat_design() -> Design:
    """Cells that drive several nets, nets out of the order of their sources, one weight, a fixed cell, one unplaced."""
    b = NetlistBuilder("flat")
    b.add_port("p")
    b.add_macro("m", 40.0, 30.0)
    for name in ("m/0", "m/1"):
        b.add_pin(name, "m", 20.0 if name == "m/0" else -20.0, 15.0)
    for name in ("a", "b", "c"):
        b.add_cell(name, 6.0, 10.0)
    for source, sinks in (("a", ["b"]), ("m/1", ["c", "m/0"]), ("p", ["a"])):
        b.add_net(source, sinks)
    one = b.build()
    # the builder holds a pin to one net, as protobuf text does; readers of other formats do not
    pin = {name: i for i, name in enumerate(one.pin_name)}
    nets = [["a", "b"], ["m/1", "c", "m/0"], ["a", "c", "p"], ["p", "a"], ["b", "c"], ["a", "b", "c"]]
    netlist = one.__class__(
        **{
            **{f: getattr(one, f) for f in one.__dataclass_fields__},
            "net_ptr": np.cumsum([0] + [len(n) for n in nets]).astype(np.int32),
            "net_pin": np.array([pin[name] for net in nets for name in net], np.int32),
            "net_weight": np.array([1.0, 1.0, 2.5, 1.0, 3.0, 1.0]),
        }
    )
    placement = Placement(
        np.array([0.5, 60.0, 83.0, 23.0, 0.0]),
        np.array([50.5, 35.0, 5.0, 15.0, 0.0]),
        np.array([0, Orient.E, Orient.FN, 0, 0]),
        np.array([1, 1, 1, 1, 0]),
    )
    canvas = Canvas(100.0, 70.0, 10, 10, 57.031, 56.818, 39.583, 30.303)
    fixed = np.array([True, True, False, True, False])
    return Design(Problem(netlist, canvas, placement, fixed), "bookshelf", (), (10.0, 20.0), 1.0, (), 0.0, (1.0, 10.0))


def same_placement(a: Placement, b: Placement, within_um: float = 0.0) -> bool:
    """Return whether two placements put the same nodes at the same places in the same orientations."""
    there = a.placed
    return (
        np.array_equal(there, b.placed)
        and np.array_equal(a.orient[there], b.orient[there])
        and float(np.abs(a.x_um - b.x_um)[there].max(initial=0.0)) <= within_um
        and float(np.abs(a.y_um - b.y_um)[there].max(initial=0.0)) <= within_um
    )
