# amaranth: UnusedElaboratable=no
"""``accelerator_axi``, the module that users instantiate: its ports, and what tools say of it.

That it computes is shown by the packages' testbenches (tests/package), which drive nothing else.
"""

import re

import pytest

from accel.params import Params
from accel.rtl.top import Accelerator
from accel.sim.lint import icarus_errors
from accel.sim.wrapper import WRAPPER, wrapper
from tests.verilog.engines import call, written
from tests.verilog.test_file import NO_WINDOW, YOSYS, verilator

#: AXI4 and AXI4-Lite as their specification lists a master's and a slave's signals; without
#: optional ones that nobody needs (REGION, USER).
AXI4 = {
    "aw": ("id", "addr", "len", "size", "burst", "lock", "cache", "prot", "qos", "valid", "ready"),
    "ar": ("id", "addr", "len", "size", "burst", "lock", "cache", "prot", "qos", "valid", "ready"),
    "w": ("data", "strb", "last", "valid", "ready"),
    "b": ("id", "resp", "valid", "ready"),
    "r": ("id", "data", "resp", "last", "valid", "ready"),
}
LITE = {
    "aw": ("addr", "prot", "valid", "ready"), "ar": ("addr", "prot", "valid", "ready"),
    "w": ("data", "strb", "valid", "ready"), "b": ("resp", "valid", "ready"),
    "r": ("data", "resp", "valid", "ready"),
}  # fmt: skip
WIDTHS = {"len": "7:0", "size": "2:0", "burst": "1:0", "cache": "3:0", "prot": "2:0", "qos": "3:0",
          "resp": "1:0", "id": "ID_WIDTH-1:0"}  # fmt: skip


def ports(text):
    """Direction and width of every port."""
    head = text[text.index(") (") : text.index("\n);")]
    found = re.findall(r"^  (input|output) (?:\[(.*?)\] )?(\w+),?$", head, re.M)
    return {name: (direction, width) for direction, width, name in found}


def drives(master: bool, channel: str, name: str) -> bool:
    """Whether a side of a channel drives a signal: its source all but READY."""
    source = master == (channel in ("aw", "ar", "w"))
    return source != (name == "ready")


@pytest.mark.parametrize("bus_bytes", [4, 8, 64])
def test_the_ports_are_the_specifications(bus_bytes):
    found = ports(wrapper(Params(rows=8, cols=8, bus_bytes=bus_bytes, addr_bits=31)))
    expected = {"aclk": ("input", ""), "aresetn": ("input", ""), "irq": ("output", "")}
    for prefix, channels, master in (("m_axi_", AXI4, True), ("s_axi_", LITE, False)):
        for channel, names in channels.items():
            for name in names:
                width = WIDTHS.get(name, "")
                if name in ("addr", "data", "strb"):
                    data = 8 * bus_bytes if master else 32
                    bits = {"addr": 31 if master else 8, "data": data, "strb": data // 8}[name]
                    width = f"{bits - 1}:0"
                direction = "output" if drives(master, channel, name) else "input"
                expected[f"{prefix}{channel}{name}"] = (direction, width)
    assert found == expected


def test_the_machines_ports_are_all_connected():
    text = wrapper(NO_WINDOW)
    pins = dict(re.findall(r"\.(\w+)\((!?\w+)\)", text[text.index("accelerator machine(") :]))
    machine = Accelerator(NO_WINDOW)
    wanted = {"_".join(path) for path, _, _ in machine.signature.flatten(machine)}
    assert pins.keys() == wanted | {"clk", "rst"}
    assert pins.pop("clk") == "aclk" and pins.pop("rst") == "!aresetn"
    for pin, port in pins.items():
        assert port == pin.replace("s_axil_", "s_axi_")


def test_tools_have_nothing_to_say(tmp_path):
    text = written(NO_WINDOW)
    assert text.count(f"module {WRAPPER} ") == 1
    for language in ("2005", "2012"):
        assert icarus_errors(text, language) in ("", None)
    (tmp_path / "file.v").write_text(text)
    for options in ((), ("-GID_WIDTH=4", "-GID=4'd9")):
        said = verilator("python", tmp_path, "--top-module", WRAPPER, *options, "file.v")
        assert not re.findall("^%.*", said, re.M)


def test_constants_follow_the_parameters(tmp_path):
    """In a synthesiser: ID 5 of 4 bits, the rest as they are by default."""
    if not YOSYS["python"].exists():
        pytest.skip("no Yosys")
    text = re.sub(r"accelerator machine\(.*?\);", "", wrapper(NO_WINDOW), flags=re.S)
    (tmp_path / "file.v").write_text(text)
    checks = "; ".join(
        f"sat -prove m_axi_a{channel}{name} {value}"
        for channel in "wr"
        for name, value in (("id", 5), ("cache", 3), ("prot", 0), ("qos", 0), ("lock", 0))
    )
    call(
        YOSYS["python"], "-q", "-p",
        f"read_verilog file.v; chparam -set ID_WIDTH 4 -set ID 5 {WRAPPER}; prep -top {WRAPPER}; "
        f"{checks.replace('sat ', 'sat -verify ')}", cwd=tmp_path,
    )  # fmt: skip
