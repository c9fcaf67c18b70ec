"""The DRAM's rules, from the docstring of accel/sim/dram.py, on streams made by hand."""

import pytest

from accel import dram
from accel.dram import CHIPS, numbers
from accel.sim.dram import DramModel
from accel.sim.engine import Memory

NAME = "ddr3-1600x16"
CHIP = CHIPS[NAME]
ROW, BANKS, UNIT = CHIP.row_bytes, CHIP.banks, CHIP.access_bytes
#: A period of 1 ps, so that cycles are times.
OF = (1, *numbers(NAME, 100)[1:])
FIRST_READ = CHIP.rcd + CHIP.cl + CHIP.access_time


def model():
    return DramModel(OF)


def read(m, now, address, size=UNIT):
    """When the last byte of a read has moved."""
    return m.burst(now, "read", address, size).due(size)


def write(m, now, address, size=UNIT):
    return m.burst(now, "write", address, size).due(size)


def test_a_first_read_activates_a_row_and_later_ones_hit_it():
    m = model()
    assert read(m, 0, 64) == FIRST_READ
    assert read(m, 200_000, 128) == 200_000 + CHIP.cl + CHIP.access_time
    assert (m.counts["row_misses"], m.counts["row_hits"]) == (1, 1)


def test_time_begins_with_the_first_burst():
    m = model()
    assert read(m, 123, 64) == 123 + FIRST_READ


def test_reads_of_an_open_row_follow_each_other_without_a_gap():
    m = model()
    first = [read(m, 0, UNIT * number) for number in range(20)]
    assert first == [FIRST_READ + number * CHIP.access_time for number in range(20)]


def test_a_burst_takes_the_units_that_it_touches():
    m = model()
    data = m.burst(0, "read", UNIT - 4, 8)
    assert data.due(4) == FIRST_READ
    assert data.due(8) == FIRST_READ + CHIP.access_time
    assert read(m, 0, 512, 4) == FIRST_READ + 2 * CHIP.access_time


def test_another_row_of_the_bank_waits_for_precharge():
    m = model()
    read(m, 0, 0)
    assert read(m, 0, BANKS * ROW) == CHIP.ras + CHIP.rp + FIRST_READ
    assert m.counts["row_conflicts"] == 1
    late = 200_000
    assert read(m, late, 0) == late + CHIP.rp + FIRST_READ


def test_precharge_waits_for_the_last_read_and_for_a_writes_recovery():
    m = model()
    read(m, 0, 0)
    read(m, 100_000, 0)  # behind ras
    assert read(m, 100_000, BANKS * ROW) == 100_000 + CHIP.rtp + CHIP.rp + FIRST_READ
    m = model()
    end = write(m, 0, 0)
    assert end == CHIP.rcd + CHIP.cwl + CHIP.access_time
    assert read(m, 0, BANKS * ROW) == end + CHIP.wr + CHIP.rp + FIRST_READ


def test_rows_of_other_banks_open_meanwhile_but_not_at_once():
    m = model()
    found = [read(m, 0, bank * ROW) for bank in range(6)]
    opened = [time - FIRST_READ for time in found]
    assert opened[:4] == [number * CHIP.rrd for number in range(4)]
    assert opened[4] == max(4 * CHIP.rrd, CHIP.faw)
    assert opened[5] == max(opened[4] + CHIP.rrd, CHIP.rrd + CHIP.faw)
    assert m.counts["row_misses"] == 6


def test_a_row_that_opens_does_not_hold_up_one_that_is_open():
    """Only for those in front: column commands keep their order."""
    m = model()
    read(m, 0, 0)
    other = read(m, 200_000, ROW)
    assert other == 200_000 + FIRST_READ
    assert read(m, 200_000, 0) == other + CHIP.access_time


def test_the_bus_turns_around():
    m = model()
    read_end = FIRST_READ - CHIP.cl
    read(m, 0, 0)
    written = write(m, 0, UNIT)
    assert written == read_end + CHIP.rtw + CHIP.cwl + CHIP.access_time
    assert read(m, 0, 0) == written + CHIP.wtr + CHIP.cl + CHIP.access_time
    assert write(m, 500_000, 0) == 500_000 + CHIP.cwl + CHIP.access_time
    assert m.counts["turnarounds"] == 3


def test_refreshes_close_all_rows_and_take_their_time():
    m = model()
    read(m, 0, 0)
    read(m, 0, ROW)
    now = CHIP.refi + 1
    opens = CHIP.refi + CHIP.rp + CHIP.rfc
    assert read(m, now, 0) == opens + FIRST_READ
    assert m.counts["refreshes"] == 1 and m.counts["row_misses"] == 3
    # In a long pause each comes when it is due; the last is over by now.
    now = 20 * CHIP.refi - 1000
    assert read(m, now, 0) == now + FIRST_READ
    assert m.counts["refreshes"] == 19


def test_a_refresh_waits_for_the_data_before_it():
    m = model()
    now = CHIP.refi - 1000
    read(m, 0, 0)
    end = read(m, now, 0, 2048)  # goes on behind the time of the refresh
    last = end - CHIP.cl - CHIP.access_time
    again = read(m, CHIP.refi, 0)
    assert again == last + CHIP.rtp + CHIP.rp + CHIP.rfc + FIRST_READ


def test_dues_are_in_cycles_of_the_clock():
    m = DramModel(numbers(NAME, 100))
    moved = FIRST_READ + 3 * CHIP.access_time
    assert m.burst(7, "read", 0, 64).due(64) == 7 + -(-moved // 10_000)


@pytest.mark.parametrize("name", CHIPS)
def test_chips_are_what_their_names_say(name):
    kind, _, bits = name.partition("x")
    chip = CHIPS[name]
    assert chip.data_bits == int(bits) and chip.rate == int(kind.partition("-")[2])
    # A column command's data keeps the pins busy for exactly its beats.
    assert chip.access_time * chip.rate == chip.beats * 1_000_000
    peak = chip.access_bytes * 1_000_000 / chip.access_time  # bytes in a microsecond
    assert chip.bytes_per_cycle(100) == int(peak / 100)
    for size in (chip.access_bytes, chip.row_bytes, chip.banks):
        assert size & (size - 1) == 0
    assert chip.ras >= chip.rcd and chip.faw >= 4 * chip.rrd - chip.rrd and chip.rfc < chip.refi
    vector = numbers(name, 100)
    assert len(vector) == dram.NUMBERS and vector[dram.PERIOD] == 10_000
    assert 1 << vector[dram.ACCESS_SHIFT] == chip.access_bytes
    assert numbers("", 100) == (0,) * dram.NUMBERS


def test_rates():
    assert Memory().rate(16) == 16
    assert Memory(bytes_per_cycle=4).rate(16) == 4
    assert Memory(dram=NAME).rate(16) == 16
    assert Memory(dram=NAME, clock_mhz=400).rate(16) == 8
    assert Memory(dram=NAME, clock_mhz=400, bytes_per_cycle=4).rate(16) == 4
