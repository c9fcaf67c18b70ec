"""The memory behind the machine's AXI4 port, cycle by cycle.

This module is the reference of the memory's rules and their implementation in Python, used by
the engine `pysim`.  accel/sim/harness.cpp implements the same rules, draw for draw, for
`verilator`; a test compares the two.

Cycle t is the time between two clock edges; t = 0 is the first cycle after reset.  In every cycle
the memory first drives its outputs, which depend on its state alone; at the clock edge that ends
the cycle it takes the handshakes.

At the start of a cycle, in this order:

1. ``credit = min(credit + bytes_per_cycle, bus_bytes)``; it starts at ``bus_bytes``.
2. If there is a stall seed, the channels AR, R, AW, W, B each draw a number from one xorshift32
   (13, 17, 5) seeded with it; a channel stalls if its number modulo 100 < ``stall_percent``.
3. arready: AR does not stall and fewer than ``OUTSTANDING`` read bursts are unfinished.
4. rvalid, once up, stays up with the same beat until rready.  It rises if R does not stall,
   credit >= bus_bytes, and the oldest burst, whose address was taken in cycle a, has t >= a +
   latency.
5. awready: AW does not stall and fewer than ``OUTSTANDING`` write bursts are unanswered.
6. wready: W does not stall, credit >= bus_bytes, and an address taken in an earlier cycle still
   lacks data.  (A slave may wait for the address; a master must not rely on it or on the
   opposite.)
7. bvalid, once up, stays up until bready.  It rises if B does not stall and the oldest complete
   burst, whose last data was taken in cycle w, has t >= w + latency.

With a DRAM the latency begins in 4. (for each beat) and 7. when accel/sim/dram.py says that the
data has moved; all else is the same.

At the end of the cycle: each beat taken on R or W costs bus_bytes of credit (which may become
negative when both move); a taken address or last beat is first looked at in the next cycle.

*Ordering* is as unhelpful as AXI4 allows: a read returns what the memory held when its address
was taken, and a write is in memory only when its response rises.  A machine that reads before
the response to a write arrived gets the old bytes.

*Responses.*  A beat that does not lie wholly in the memory answers DECERR, reads as 0 and writes
nothing; a beat that holds the byte ``fail_read`` or ``fail_write`` answers SLVERR likewise.  A
write burst answers with its worst beat.  A ``dead`` memory takes addresses and data and answers
none: rvalid and bvalid never rise.

*Violations* raise MachineError: an address that is no multiple of the bus width, a burst type
other than INCR, a beat size other than the bus width, a burst across 4 KiB, WLAST at the wrong
beat, a valid that falls or a payload that changes before ready.
"""

import collections

import numpy as np

from accel.dram import numbers
from accel.sim.dram import COUNTED, DramModel
from accel.sim.engine import MachineError, Memory

#: Bursts each direction holds at once.
OUTSTANDING = 32
#: AXI4 response codes.
OKAY, SLVERR, DECERR = 0, 2, 3

_PAGE = 4096
_INCR = 1


class MemoryModel:
    """The memory's state.  Call ``begin``, then ``end`` with the machine's outputs, every cycle.

    After ``begin`` the attributes arready, rvalid, rdata, rresp, rlast, awready, wready, bvalid and
    bresp are what the memory drives in this cycle.
    """

    def __init__(self, memory: np.ndarray, bus_bytes: int, behaviour: Memory):
        self._memory = memory
        self._bus = bus_bytes
        self._behaviour = behaviour
        self._credit = bus_bytes
        self._rate = behaviour.bytes_per_cycle or bus_bytes
        self._random = behaviour.stall_seed
        self._cycle = -1
        # Unfinished reads: [[cycle, data, response] of each beat, in reverse].
        self._reads = collections.deque()
        # Addresses without all data: [address, length, beats so far, response].
        self._open = collections.deque()
        # Answered next: (cycle of the response, [(address, data, strobe), ...], response).
        self._done = collections.deque()
        self._written = []
        self._dram = None
        if behaviour.dram:
            self._dram = DramModel(numbers(behaviour.dram, behaviour.clock_mhz))
        self._bursts = {"read_bursts": 0, "write_bursts": 0}
        self._waiting = {"ar": None, "aw": None, "w": None}
        self.arready = self.rvalid = self.awready = self.wready = self.bvalid = 0
        self.rdata = self.rresp = self.rlast = self.bresp = 0

    @property
    def traffic(self) -> dict[str, int]:
        """What happened so far, by the names of accel.sim.engine.TRAFFIC."""
        return self._bursts | (self._dram.counts if self._dram else dict.fromkeys(COUNTED, 0))

    def begin(self) -> None:
        """Start the next cycle: update what the memory drives."""
        self._cycle += 1
        behaviour, bus = self._behaviour, self._bus
        self._credit = min(self._credit + self._rate, bus)
        stall_ar, stall_r, stall_aw, stall_w, stall_b = self._stalls()
        self.arready = int(not stall_ar and len(self._reads) < OUTSTANDING)
        if not self.rvalid and not stall_r and self._credit >= bus and not behaviour.dead:
            self._raise_read()
        self.awready = int(
            not stall_aw and len(self._open) + len(self._done) < OUTSTANDING
        )
        self.wready = int(not stall_w and self._credit >= bus and bool(self._open))
        if not self.bvalid and not stall_b and not behaviour.dead:
            self._raise_response()

    def end(self, ar, rready, aw, w, bready) -> None:
        """End the cycle.  ``ar``, ``aw``, ``w``: the channel's payload if valid, else None.

        An address payload is (address, length - 1, size, burst type), a write's (data, strobe,
        last).

        Raises:
            MachineError: the machine broke the protocol.
        """
        self._stable("ar", ar, self.arready)
        self._stable("aw", aw, self.awready)
        self._stable("w", w, self.wready)
        if self.rvalid and rready:
            self._credit -= self._bus
            self.rvalid = 0
            if self.rlast:
                self._reads.popleft()
        if w and self.wready:
            self._take_data(*w)
        if self.bvalid and bready:
            self.bvalid = 0
            self._done.popleft()
        if ar and self.arready:
            self._check_address("AR", *ar)
            self._reads.append(self._fetch(ar[0], ar[1] + 1))
        if aw and self.awready:
            self._check_address("AW", *aw)
            self._open.append([aw[0], aw[1] + 1, 0, OKAY])

    def _stalls(self):
        """Draw which of AR, R, AW, W, B stall."""
        if not self._behaviour.stall_seed:
            return (False,) * 5
        stalls = []
        x = self._random
        for _ in range(5):
            x ^= x << 13 & 0xFFFFFFFF
            x ^= x >> 17
            x ^= x << 5 & 0xFFFFFFFF
            stalls.append(x % 100 < self._behaviour.stall_percent)
        self._random = x
        return stalls

    def _fetch(self, address, beats):
        """Read a burst's beats, last one first."""
        burst, bus = [], self._bus
        moved = self._moved("read", address, beats)
        for beat in reversed(range(address, address + beats * self._bus, self._bus)):
            response = self._response(beat, self._behaviour.fail_read)
            data = self._memory[beat : beat + self._bus].tobytes() if response == OKAY else b""
            due = moved(beat - address + bus) + self._behaviour.latency_cycles
            burst.append((due, int.from_bytes(data, "little"), response))
        return burst

    def _moved(self, kind, address, beats):
        """A burst begins: a function from a number of its first bytes to when they have moved."""
        self._bursts[f"{kind}_bursts"] += 1
        if self._dram is None:
            now = self._cycle
            return lambda size: now
        return self._dram.burst(self._cycle, kind, address, beats * self._bus).due

    def _raise_read(self):
        if self._reads and self._cycle >= self._reads[0][-1][0]:
            beats = self._reads[0]
            _, self.rdata, self.rresp = beats.pop()
            self.rlast = int(not beats)
            self.rvalid = 1

    def _raise_response(self):
        if self._done and self._cycle >= self._done[0][0]:
            _, written, self.bresp = self._done[0]
            for address, data, strobe in written:
                new = np.frombuffer(data.to_bytes(self._bus, "little"), np.uint8)
                enable = [bool(strobe >> lane & 1) for lane in range(self._bus)]
                self._memory[address : address + self._bus][enable] = new[enable]
            self.bvalid = 1

    def _take_data(self, data, strobe, last):
        self._credit -= self._bus
        burst = self._open[0]
        address, length, beats, _ = burst
        address += beats * self._bus
        burst[2] += 1
        if last != (burst[2] == length):
            self._violation(f"WLAST is {last} at beat {burst[2]} of {length}")
        response = self._response(address, self._behaviour.fail_write)
        burst[3] = max(burst[3], response)
        if response == OKAY:
            self._written.append((address, data, strobe))
        if last:
            self._open.popleft()
            moved = self._moved("write", burst[0], length)(length * self._bus)
            self._done.append(
                (moved + self._behaviour.latency_cycles, self._written, burst[3])
            )
            self._written = []

    def _response(self, address, failing):
        if address + self._bus > len(self._memory):
            return DECERR
        return SLVERR if address <= failing < address + self._bus else OKAY

    def _stable(self, channel, payload, ready):
        expected = self._waiting[channel]
        if expected is not None and payload != expected:
            self._violation(f"{channel.upper()} changed before it was taken")
        self._waiting[channel] = None if ready else payload

    def _check_address(self, channel, address, length, size, burst):
        if address % self._bus:
            self._violation(f"{channel} address {address:#x} is not bus-aligned")
        if burst != _INCR or 1 << size != self._bus:
            self._violation(f"{channel} has burst type {burst} and beat size {1 << size}")
        if address % _PAGE + (length + 1) * self._bus > _PAGE:
            self._violation(f"{channel} burst of {length + 1} from {address:#x} crosses 4 KiB")

    def _violation(self, what):
        raise MachineError(f"AXI4 violation in cycle {self._cycle}: {what}")
