"""The system on a ULX3S-85F: LiteX's own for that board, and the accelerator beside its processor.

    0x0000_0000  firmware and the network's image, in block RAM
    0x0100_0000  8 KiB of data and stack, in block RAM
    0x4000_0000  SDRAM, 32 MiB: program, weights, images
    0x8200_0000  LiteX's registers: UART, SDRAM
    0x9000_0000  the accelerator's registers

picorv32 has no caches and LiteX's second-level cache is left out, so processor and accelerator
see the same bytes.  Whoever puts a cache in between fills in `clean` and `invalidate` of accel_io.

The accelerator's AXI4 does not go through LiteX's bus, whose converters would split its bursts,
but straight into LiteDRAM: a port of its own, as wide as the accelerator's bus, by LiteDRAM's
bridge from AXI.
"""

import pathlib
import shutil

from litedram.frontend.axi import LiteDRAMAXI2Native
from litex import soc
from litex.build.lattice.common import LatticeECP5Tristate
from litex.soc.integration.builder import Builder
from litex.soc.integration.soc import SoCRegion
from litex.soc.interconnect import axi
from litex_boards.targets.radiona_ulx3s import BaseSoC
from migen import ClockSignal, Instance, ResetSignal, Signal
from migen.fhdl.specials import Tristate

DEVICE = "LFE5U-85F"
REGISTERS = 0x9000_0000
#: What of AXI4's address channels the accelerator drives, beside valid and ready.
_ADDRESS = ("id", "addr", "len", "size", "burst", "lock", "cache", "prot", "qos")


class System(BaseSoC):
    """LiteX's target ``radiona_ulx3s`` with picorv32, SDRAM, UART, and the accelerator."""

    def __init__(self, verilog, bus_bytes: int, clock: float, rom: bytes, rom_bytes: int):
        words = [int.from_bytes(rom[at : at + 4], "little") for at in range(0, len(rom), 4)]
        super().__init__(
            device=DEVICE, sys_clk_freq=clock, cpu_type="picorv32", l2_size=0,
            integrated_rom_size=rom_bytes, integrated_rom_init=words, with_timer=False,
            with_led_chaser=False, ident_version=False,
        )  # fmt: skip
        # LiteX's pads for Trellis make inputs of the SDRAM's data pins, which only nextpnr takes
        # for pins of both directions; those for Diamond are the same to Yosys, and right Verilog.
        toolchain = self.platform.toolchain
        pads = toolchain.special_overrides
        toolchain.special_overrides = {**pads, Tristate: LatticeECP5Tristate}
        self.platform.add_source(str(verilog))
        registers = axi.AXILiteInterface(data_width=32, address_width=32)
        region = SoCRegion(origin=REGISTERS, size=0x1000, cached=False)
        self.bus.add_slave("accelerator", registers, region)
        memory = axi.AXIInterface(data_width=8 * bus_bytes, address_width=32, id_width=1)
        self.submodules.accelerator_memory = LiteDRAMAXI2Native(
            memory, self.sdram.crossbar.get_port(data_width=8 * bus_bytes),
            base_address=self.bus.regions["main_ram"].origin,
        )  # fmt: skip
        self.specials += Instance(
            "accelerator_axi", i_aclk=ClockSignal("sys"), i_aresetn=~ResetSignal("sys"),
            o_irq=Signal(), **_slave(registers), **_master(memory),
        )  # fmt: skip


def _slave(bus) -> dict:
    """The ports ``s_axi_*``."""
    ports = {}
    for channel in ("aw", "ar"):
        end = getattr(bus, channel)
        ports |= {
            f"i_s_axi_{channel}addr": end.addr[:8], f"i_s_axi_{channel}prot": 0,
            f"i_s_axi_{channel}valid": end.valid, f"o_s_axi_{channel}ready": end.ready,
        }  # fmt: skip
    return ports | {
        "i_s_axi_wdata": bus.w.data, "i_s_axi_wstrb": bus.w.strb,
        "i_s_axi_wvalid": bus.w.valid, "o_s_axi_wready": bus.w.ready,
        "o_s_axi_bresp": bus.b.resp, "o_s_axi_bvalid": bus.b.valid, "i_s_axi_bready": bus.b.ready,
        "o_s_axi_rdata": bus.r.data, "o_s_axi_rresp": bus.r.resp,
        "o_s_axi_rvalid": bus.r.valid, "i_s_axi_rready": bus.r.ready,
    }  # fmt: skip


def _master(bus) -> dict:
    """The ports ``m_axi_*``."""
    ports = {}
    for channel in ("aw", "ar"):
        end = getattr(bus, channel)
        ports |= {f"o_m_axi_{channel}{name}": getattr(end, name) for name in _ADDRESS}
        ports |= {f"o_m_axi_{channel}valid": end.valid, f"i_m_axi_{channel}ready": end.ready}
    return ports | {
        "o_m_axi_wdata": bus.w.data, "o_m_axi_wstrb": bus.w.strb, "o_m_axi_wlast": bus.w.last,
        "o_m_axi_wvalid": bus.w.valid, "i_m_axi_wready": bus.w.ready,
        "i_m_axi_bid": bus.b.id, "i_m_axi_bresp": bus.b.resp,
        "i_m_axi_bvalid": bus.b.valid, "o_m_axi_bready": bus.b.ready,
        "i_m_axi_rid": bus.r.id, "i_m_axi_rdata": bus.r.data, "i_m_axi_rresp": bus.r.resp,
        "i_m_axi_rlast": bus.r.last, "i_m_axi_rvalid": bus.r.valid, "o_m_axi_rready": bus.r.ready,
    }  # fmt: skip


def write(folder, verilog, bus_bytes: int, clock: float, rom: bytes, rom_bytes: int) -> list[str]:
    """Write C headers and ``gateware``: ``ulx3s.lpf`` and Verilog, whose files are returned."""
    system = System(verilog, bus_bytes, clock, rom, rom_bytes)
    builder = Builder(
        system, output_dir=str(folder), compile_software=False, compile_gateware=False
    )
    builder.build(run=False, build_name="ulx3s")
    work = pathlib.Path(folder) / "gateware"
    sources = [pathlib.Path(source) for source, *_ in system.platform.sources]
    for source in sources:  # YoWASP's tools do not see every folder
        if source.parent != work:
            shutil.copy(source, work)
    return [source.name for source in sources]


def include(folder) -> list[pathlib.Path]:
    """Where the C headers are: those that write() made, and LiteX's own."""
    litex = pathlib.Path(soc.__file__).parent
    return [pathlib.Path(folder) / "software/include", litex / "software/include",
            litex / "cores/cpu/picorv32"]  # fmt: skip
