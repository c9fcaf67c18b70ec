"""The DRAM behind the memory's port: when the data of each burst moves.

This module is the reference of the rules and their implementation for the engine `pysim`;
accel/sim/dram.h and accel/cyclemodel/dram.py have the same, each on its own; tests compare them.

A controller with one queue gives the DRAM the port's bursts in the order in which a read's address
or a write's last beat was taken, the write first where both are taken in a cycle.  It opens rows
ahead, but column commands keep that order, and writes are not gathered: a simple controller, which
turns the bus around more often than those that gather them.

Time is in picoseconds since the first burst of the run, when all banks are closed; cycle t begins
t - t0 periods of the machine's clock later.  A burst from byte a on, of n bytes, in cycle t:

1. *Refresh.*  As long as a refresh is due (the first after ``refi``, then every ``refi``), all
   banks are precharged and refreshed: it begins when it is due, when every open bank may be
   precharged and every closed one activated; it takes ``rfc``, and ``rp`` before if a bank was
   open.
2. *Row.*  Row r is the bytes from r * row_bytes on; it belongs to bank r modulo the banks.  If it
   is open: a hit.  If another is: a conflict, that one is precharged, not before now nor before
   ``ras`` from its activation, ``rtp`` from its last read command or ``wr`` from its last write's
   data; ``rp`` later the bank can be activated.  If none is: a miss.  An activation comes now or
   later, ``rrd`` from the one before and ``faw`` from the fourth before; column commands ``rcd``
   later.  (A burst of at most MAX_BURST beats lies in one row; of a longer one that does not, the
   row is the first byte's.)
3. *Columns.*  As many column commands as the bytes touch units of ``access_bytes``, back to back.
   The first comes now or later, ``rcd`` from the row's activation, behind the last burst's; a
   read's ``wtr`` from the last write's data, a write's ``rtw`` from the end of the last read's
   commands.
   A read's data begins ``cl`` from the first, a write's ``cwl``; each unit takes ``access_time``.

A read's beat is due in the first cycle that begins when all units it touches have moved, plus the
memory's latency: the way through interconnect and controller.  A write's response likewise, behind
its last unit.  All other rules of the memory stay as they are (accel/sim/memory.py).
"""

from accel.dram import (
    ACCESS_SHIFT,
    ACCESS_TIME,
    BANKS,
    CL,
    CWL,
    FAW,
    PERIOD,
    RAS,
    RCD,
    REFI,
    RFC,
    ROW_SHIFT,
    RP,
    RRD,
    RTP,
    RTW,
    WR,
    WTR,
)

#: What it counts.
COUNTED = ("row_hits", "row_misses", "row_conflicts", "turnarounds", "refreshes")


class _Bank:
    """One bank: its open row, if any, and the soonest times of what may come next."""

    def __init__(self):
        self.row, self.column, self.precharge, self.activate = None, 0, 0, 0


class DramModel:
    """A DRAM with the ``numbers`` of accel.dram, before its first burst."""

    def __init__(self, numbers: tuple[int, ...]):
        self._of = numbers
        self._epoch = None
        self._banks = [_Bank() for _ in range(numbers[BANKS])]
        self._refresh = numbers[REFI]
        self._activations = []
        self._kind = None  # of the last burst
        self._from = {"read": 0, "write": 0}  # soonest column commands
        self.counts = dict.fromkeys(COUNTED, 0)

    def burst(self, cycle: int, kind: str, address: int, size: int) -> "Data":
        """A burst, "read" or "write", of ``size`` bytes reaches the DRAM in ``cycle``."""
        of = self._of
        if self._epoch is None:
            self._epoch = cycle
        now = (cycle - self._epoch) * of[PERIOD]
        while now >= self._refresh:
            self._do_refresh()
        row = address >> of[ROW_SHIFT]
        bank = self._banks[row % of[BANKS]]
        if bank.row == row:
            self.counts["row_hits"] += 1
        else:
            self._open(bank, row, now)
        if self._kind not in (None, kind):
            self.counts["turnarounds"] += 1
        self._kind = kind
        column = max(now, bank.column, self._from[kind])
        units = (address + size - 1 >> of[ACCESS_SHIFT]) - (address >> of[ACCESS_SHIFT]) + 1
        end = column + units * of[ACCESS_TIME]
        if kind == "read":
            self._from = {"read": end, "write": end + of[RTW]}
            bank.precharge = max(bank.precharge, end - of[ACCESS_TIME] + of[RTP])
        else:
            self._from = {"read": end + of[CWL] + of[WTR], "write": end}
            bank.precharge = max(bank.precharge, end + of[CWL] + of[WR])
        first = column + of[CL if kind == "read" else CWL]
        return Data(of, self._epoch, first, address % (1 << of[ACCESS_SHIFT]))

    def _do_refresh(self):
        of = self._of
        is_open = any(bank.row is not None for bank in self._banks)
        ready = [bank.activate if bank.row is None else bank.precharge for bank in self._banks]
        end = max(self._refresh, *ready) + of[RFC] + (of[RP] if is_open else 0)
        for bank in self._banks:
            bank.row, bank.activate = None, end
        self._refresh += of[REFI]
        self.counts["refreshes"] += 1

    def _open(self, bank, row, now):
        of = self._of
        if bank.row is None:
            self.counts["row_misses"] += 1
            times = [now, bank.activate]
        else:
            self.counts["row_conflicts"] += 1
            times = [max(now, bank.precharge) + of[RP], bank.activate]
        if self._activations:
            times.append(self._activations[-1] + of[RRD])
        if len(self._activations) == 4:
            times.append(self._activations[0] + of[FAW])
        time = max(times)
        self._activations = [*self._activations[-3:], time]
        bank.row, bank.column, bank.precharge = row, time + of[RCD], time + of[RAS]


class Data:
    """A burst's data: the first unit's begins at ``first``, ``inside`` bytes of it come before."""

    def __init__(self, numbers, epoch, first, inside):
        self._of, self._epoch, self._first, self._inside = numbers, epoch, first, inside

    def due(self, size: int) -> int:
        """The first cycle that begins when the burst's first ``size`` bytes have moved."""
        units = (self._inside + size - 1 >> self._of[ACCESS_SHIFT]) + 1
        time = self._first + units * self._of[ACCESS_TIME]
        return self._epoch - -time // self._of[PERIOD]
