"""DRAM chips by their public timing figures: what decides when a memory's data really comes.

A DRAM has banks; each keeps one row open.  A burst to the open row is a *hit* and needs a column
command alone; where no row is open (a *miss*) the row is activated first, where another one is open
(a *conflict*) that one is precharged before.  Reads and writes share the chip's data pins, which
take time to turn around, and now and then all banks are refreshed.  accel/sim/memory.py says how
the memory behind the machine keeps these times; here are only the chips.

Names and meanings of the times are JEDEC's; DRAMsim3, Ramulator and LiteDRAM use the same.  All are
whole picoseconds.  Where JEDEC gives the larger of some nanoseconds and some clocks, it is that.
"""

import dataclasses

#: The clock of the machine where nothing is said, in MHz.
CLOCK_MHZ = 100


@dataclasses.dataclass(frozen=True)
class Dram:
    """One chip, or several side by side that work as one.

    Attributes:
        data_bits: width of the data bus.
        beats: data that a column command moves, in beats of that width (the burst length).
        rate: data beats in a microsecond, two a clock (the "1600" of DDR3-1600).
        banks: how many rows can be open, one in each.
        row_bytes: size of a row, over all chips.
        rcd: from activating a row to a column command in it.
        rp: from precharging a bank to activating a row in it.
        ras: from activating a row to precharging it.
        rrd, faw: from one activation to the next, and to the fourth after it, in any banks.
        cl, cwl: from a read's or a write's column command to its first data.
        wr: from a write's last data to precharging its bank.
        rtp: from a read's column command to precharging its bank.
        wtr: from a write's last data to a read's column command.
        rtw: from a read's column command to a write's, beside the time of the read's data.
        refi: from one refresh to the next.
        rfc: what a refresh takes, with all banks precharged.
    """

    data_bits: int
    beats: int
    rate: int
    banks: int
    row_bytes: int
    rcd: int
    rp: int
    ras: int
    rrd: int
    faw: int
    cl: int
    cwl: int
    wr: int
    rtp: int
    wtr: int
    rtw: int
    refi: int
    rfc: int

    @property
    def access_bytes(self) -> int:
        """Bytes that a column command moves."""
        return self.beats * self.data_bits // 8

    @property
    def access_time(self) -> int:
        """What these take on the data bus."""
        return self.beats * 1_000_000 // self.rate

    def bytes_per_cycle(self, clock_mhz: int) -> int:
        """Whole bytes that the data bus moves in a cycle of a machine's clock, at most."""
        return self.data_bits * self.rate // (8 * clock_mhz)


def _ddr3_1600(chips: int) -> Dram:
    """DDR3-1600K (11-11-11) of 4 Gb, x16, ``chips`` side by side.

    JEDEC JESD79-3F: speed bin DDR3-1600K, timings of a 2 KB page, tRFC and tREFI of 4 Gb up to
    85 degrees; the same as Micron's MT41K256M16-125 and DRAMsim3's DDR3_4Gb_x16_1600 (but for tRRD,
    which is 6 clocks for a page of 2 KB).  The clock has 1.25 ns.
    """
    return Dram(
        data_bits=16 * chips, beats=8, rate=1600, banks=8, row_bytes=2048 * chips,
        rcd=13_750, rp=13_750, ras=35_000, rrd=7_500, faw=40_000, cl=11 * 1250, cwl=8 * 1250,
        wr=15_000, rtp=7_500, wtr=7_500, rtw=(11 - 8 + 2) * 1250, refi=7_800_000, rfc=260_000,
    )  # fmt: skip


def _lpddr4_3200(channels: int) -> Dram:
    """LPDDR4-3200, 4 Gb a channel, x16, ``channels`` of the die side by side in lock step.

    JEDEC JESD209-4B: core timings, RL 28 and WL 14 (set A, no DBI), tDQSCK 3.5 ns, all-bank refresh
    of 4 Gb a channel; Ramulator's LPDDR4-3200 has the same.  The clock has 0.625 ns.
    """
    turn = 28 + 6 - 14 + 2  # RL + tDQSCK - WL + tWPRE, and the read's data
    return Dram(
        data_bits=16 * channels, beats=16, rate=3200, banks=8, row_bytes=2048 * channels,
        rcd=18_000, rp=18_000, ras=42_000, rrd=10_000, faw=40_000, cl=28 * 625 + 3500,
        cwl=14 * 625 + 625, wr=18_000, rtp=7_500, wtr=10_000, rtw=turn * 625, refi=3_904_000,
        rfc=180_000,
    )  # fmt: skip


#: Chips by the names that options and machines' files use.
CHIPS: dict[str, Dram] = {
    "ddr3-1600x16": _ddr3_1600(1), "ddr3-1600x32": _ddr3_1600(2),
    "lpddr4-3200x16": _lpddr4_3200(1), "lpddr4-3200x32": _lpddr4_3200(2),
}  # fmt: skip

#: What simulators and cycle model need, as one vector of whole numbers; a period of 0: no DRAM.
(
    PERIOD, ACCESS_SHIFT, ACCESS_TIME, ROW_SHIFT, BANKS, RCD, RP, RAS, RRD, FAW, CL, CWL, WR, RTP,
    WTR, RTW, REFI, RFC, NUMBERS,
) = range(19)  # fmt: skip


def numbers(name: str, clock_mhz: int) -> tuple[int, ...]:
    """The vector for a chip behind a machine with a clock of ``clock_mhz``; zeros without a chip.

    The clock's period is rounded to a picosecond.
    """
    if not name:
        return (0,) * NUMBERS
    chip = CHIPS[name]
    return (
        round(1_000_000 / clock_mhz), chip.access_bytes.bit_length() - 1, chip.access_time,
        chip.row_bytes.bit_length() - 1, chip.banks, chip.rcd, chip.rp, chip.ras, chip.rrd,
        chip.faw, chip.cl, chip.cwl, chip.wr, chip.rtp, chip.wtr, chip.rtw, chip.refi, chip.rfc,
    )  # fmt: skip
