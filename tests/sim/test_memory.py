"""The memory model's rules, from its docstring, one by one."""

import numpy as np
import pytest

from accel.sim.engine import MachineError, Memory
from accel.sim.memory import OUTSTANDING, MemoryModel

BUS = 4
SIZE, INCR = 2, 1


def model(**behaviour):
    memory = np.arange(256, dtype=np.uint8)
    return memory, MemoryModel(memory, BUS, Memory(**{"latency_cycles": 5, **behaviour}))


def cycle(m, ar=None, rready=1, aw=None, w=None, bready=1):
    """One cycle; return what moved: (ar, r, aw, w, b), with r the beat and b the response."""
    m.begin()
    moved = (
        bool(ar and m.arready),
        (m.rdata, m.rresp, m.rlast) if m.rvalid and rready else None,
        bool(aw and m.awready),
        bool(w and m.wready),
        m.bresp if m.bvalid and bready else None,
    )
    m.end(ar, rready, aw, w, bready)
    return moved


def address(first, beats):
    return first, beats - 1, SIZE, INCR


def word(first):
    return int.from_bytes(bytes(range(first, first + BUS)), "little")


def read(m, first, beats, cycles=40, **ready):
    """Take an address in the next cycle; return {cycles later: beat}."""
    got = {0: cycle(m, ar=address(first, beats))[1]}
    got |= {t: cycle(m, **ready)[1] for t in range(1, cycles)}
    return {t: beat for t, beat in got.items() if beat}


def write(m, first, words, strobe=15, cycles=40):
    """Write a burst; return [(cycle of each beat), (cycle, response)] after its address."""
    assert cycle(m, aw=address(first, len(words)))[2]
    beats, answer, words = [], None, list(words)
    for t in range(1, cycles):
        moved = cycle(m, w=(words[0], strobe, int(len(words) == 1)) if words else None)
        if moved[3]:
            beats.append(t)
            words.pop(0)
        if moved[4] is not None:
            answer = t, moved[4]
    return beats, answer


def test_first_beat_comes_latency_cycles_after_the_address_and_then_one_a_cycle():
    _, m = model()
    assert read(m, 16, 3) == {5: (word(16), 0, 0), 6: (word(20), 0, 0), 7: (word(24), 0, 1)}


def test_without_latency_the_first_beat_comes_in_the_next_cycle():
    _, m = model(latency_cycles=0)
    assert list(read(m, 0, 2)) == [1, 2]


def test_bursts_answer_in_order_and_back_to_back():
    _, m = model()
    cycle(m, ar=address(0, 2))
    cycle(m, ar=address(64, 2))
    got = [cycle(m)[1] for _ in range(2, 10)]
    assert got == [None] * 3 + [
        (word(0), 0, 0), (word(4), 0, 1), (word(64), 0, 0), (word(68), 0, 1), None
    ]  # fmt: skip


def test_a_beat_stays_until_it_is_taken():
    _, m = model()
    cycle(m, ar=address(0, 1))
    for _ in range(10):
        cycle(m, rready=0)
    assert m.rvalid
    assert cycle(m)[1] == (word(0), 0, 1)
    assert not m.rvalid


def test_no_more_than_outstanding_bursts_are_taken():
    _, m = model(latency_cycles=1000)
    taken = [cycle(m, ar=address(0, 1))[0] for _ in range(OUTSTANDING + 3)]
    assert sum(taken) == OUTSTANDING
    m = model(dead=True)[1]
    taken = [
        cycle(m, aw=address(0, 1), w=(0, 15, 1))[2] for _ in range(OUTSTANDING + 3)
    ]
    assert sum(taken) == OUTSTANDING


def test_response_comes_latency_cycles_after_the_last_beat_and_the_data_lands_with_it():
    memory, m = model()
    before = memory.copy()
    assert write(m, 32, [0x04030201, 0x08070605], strobe=0b0101, cycles=7) == ([1, 2], None)
    assert (memory == before).all()
    assert cycle(m)[4] == 0
    before[[32, 34, 36, 38]] = 1, 3, 5, 7
    assert (memory == before).all()


def test_data_is_taken_only_after_its_address():
    _, m = model()
    assert [cycle(m, w=(0, 15, 1))[3] for _ in range(5)] == [False] * 5
    assert cycle(m, aw=address(0, 1), w=(0, 15, 1))[2:4] == (True, False)
    assert cycle(m, w=(0, 15, 1))[3]


def test_a_read_sees_the_memory_as_it_was_when_its_address_was_taken():
    memory, m = model()
    write(m, 0, [0xFFFFFFFF], cycles=3)
    assert read(m, 0, 1) == {5: (word(0), 0, 1)}
    assert read(m, 0, 1) == {5: (0xFFFFFFFF, 0, 1)}


def test_bandwidth_limits_reads():
    _, m = model(bytes_per_cycle=1)
    assert list(read(m, 0, 4)) == [5, 9, 13, 17]


def test_reads_and_writes_share_the_bandwidth():
    _, m = model(latency_cycles=0)
    cycle(m, ar=address(0, 16), aw=address(0, 16))
    beats = 16
    moved = 0
    for _ in range(16):
        _, r, _, w, _ = cycle(m, w=(0, 15, int(beats == 1)))
        beats -= w
        moved += bool(r) + w
    assert moved == 16


def test_stalls_are_the_documented_random_numbers():
    seed, percent = 12345, 40
    _, m = model(stall_seed=seed, stall_percent=percent)
    x = seed
    for _ in range(50):
        draws = []
        for _ in range(5):
            x ^= x << 13
            x &= 0xFFFFFFFF
            x ^= x >> 17
            x ^= x << 5
            x &= 0xFFFFFFFF
            draws.append(x % 100 >= percent)
        m.begin()
        assert (m.arready, m.awready) == (draws[0], draws[2])
        m.end(None, 1, None, None, 1)


def test_out_of_range_answers_decerr():
    memory, m = model()
    before = memory.copy()
    assert read(m, 252, 2) == {5: (word(252), 0, 0), 6: (0, 3, 1)}
    assert write(m, 252, [0, 1])[1] == (7, 3)
    before[252:] = 0
    assert (memory == before).all()


def test_failing_addresses_answer_slverr():
    memory, m = model(fail_read=21, fail_write=22)
    before = memory.copy()
    assert read(m, 16, 3) == {5: (word(16), 0, 0), 6: (0, 2, 0), 7: (word(24), 0, 1)}
    assert write(m, 16, [0, 1, 2])[1] == (8, 2)
    before[16:20] = 0
    before[24:28] = 2, 0, 0, 0
    assert (memory == before).all()


def test_dead_memory_never_answers():
    _, m = model(dead=True)
    assert read(m, 0, 1) == {}
    assert write(m, 0, [0]) == ([1], None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ar": (2, 0, SIZE, INCR)}, "AR address 0x2 is not bus-aligned"),
        ({"aw": (0, 0, 1, INCR)}, "AW has burst type 1 and beat size 2"),
        ({"ar": (0, 0, SIZE, 0)}, "AR has burst type 0 and beat size 4"),
        ({"ar": (4092, 1, SIZE, INCR)}, "AR burst of 2 from 0xffc crosses 4 KiB"),
    ],
)
def test_violations(arguments, message):
    _, m = model()
    with pytest.raises(MachineError, match=f"AXI4 violation in cycle 0: {message}"):
        cycle(m, **arguments)


def test_wlast_must_mark_the_last_beat():
    for last, message in ((1, "WLAST is 1 at beat 1 of 2"), (0, "WLAST is 0 at beat 1 of 1")):
        _, m = model()
        cycle(m, aw=address(0, 1 + last))
        with pytest.raises(MachineError, match=message):
            cycle(m, w=(0, 15, last))


@pytest.mark.parametrize("changed", [None, (1, 15, 1)])
def test_payload_must_stay_until_taken(changed):
    _, m = model()
    cycle(m, w=(0, 15, 1))
    with pytest.raises(MachineError, match="cycle 1: W changed before it was taken"):
        cycle(m, w=changed)


@pytest.mark.parametrize(
    ("field", "value", "limits"),
    [
        ("latency_cycles", -1, "0 to 1048576"),
        ("bytes_per_cycle", 1.5, "0 to 1024"),
        ("stall_seed", -3, "0 to 4294967295"),
        ("stall_percent", 100, "0 to 99"),
    ],
)
def test_behaviour_is_checked(field, value, limits):
    with pytest.raises(ValueError, match=f"{field} must be an integer from {limits}, not {value}"):
        model(**{field: value})
