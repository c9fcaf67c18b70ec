"""The columns of the window unit, and what they are told when."""

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from accel.isa import PAIRS, WindowMode
from accel.params import IM2COL_LATENCY, Params
from accel.rtl.im2col.banks import window_banks
from accel.rtl.window.column import WindowColumn, column_latency
from accel.rtl.window.slots import READ_LATENCY, weights_read
from accel.rtl.window.walker import WindowConfig, group_layout


def compute_latency(params: Params) -> int:
    """Cycles from the issue of an output's last group to its sums."""
    return IM2COL_LATENCY + column_latency(params.window_taps)


class WindowCompute(wiring.Component):
    """Brings groups of elements and their weights to the columns.

    Parameters:
        params: the machine.

    Members:
        config: constant while anything is on its way.
        group: a group that is issued in this cycle.
        words: its elements, IM2COL_LATENCY cycles later.
        weights: the port of the weight memory.
        bias_slot, biases: the slot whose biases are read, and what is read.
        biases_used: they are used in this cycle; only with parity.
        sums: an output's sums, in the cycle of
        complete: strobe, ``compute_latency`` cycles after the issue of the output's last group.
        slot, final: of that group.

    One group a cycle; no back-pressure.
    """

    def __init__(self, params: Params):
        self._params, self._banks = params, window_banks(params)
        super().__init__(
            {
                "config": In(WindowConfig),
                "group": In(group_layout(params)),
                "words": In(data.ArrayLayout(signed(8 * params.cols), params.window_taps)),
                "weights": Out(weights_read(params)),
                "bias_slot": Out(1),
                "biases": In(data.ArrayLayout(signed(32), params.cols)),
                "sums": Out(data.ArrayLayout(signed(32), params.cols)),
                "complete": Out(1),
                "slot": Out(1),
                "final": Out(1),
            }
            | ({"biases_used": Out(1)} if params.parity else {})
        )

    def elaborate(self, platform):
        m = Module()
        taps = self._params.window_taps
        stages = self._stages(m)
        latency = compute_latency(self._params)
        mac, largest, pair, smaller = self._modes(m)
        weights = self._weights(m, stages, mac)
        starts = self._starts(m, stages[latency - 2], mac)
        rights = self._rights(stages)
        for c in range(self._params.cols):
            m.submodules[f"column_{c}"] = column = WindowColumn(taps)
            m.d.comb += [
                *(column.x[t].eq(_channel(self.words[t], c)) for t in range(taps)),
                *(column.weights[t].eq(_channel(weights[t], c)) for t in range(taps)),
                column.largest.eq(largest),
                column.pair.eq(pair),
                column.smaller.eq(smaller),
                column.rights.eq(rights),
                column.valid.eq(Cat(stage.valid for stage in stages[IM2COL_LATENCY:latency])),
                column.first.eq(stages[latency - 1].first),
                column.start.eq(starts[c]),
                self.sums[c].eq(column.total),
            ]
        done = stages[latency]
        m.d.comb += [
            self.complete.eq(done.valid & done.last),
            self.slot.eq(done.slot),
            self.final.eq(done.final),
        ]
        return m

    def _modes(self, m):
        """What the columns do: sums with weights, maxima, pairs, minima; returns a bit for each."""
        mode = self.config.mode
        mac, largest, pair, smaller = Signal(), Signal(), Signal(), Signal()
        m.d.sync += [
            mac.eq(mode == WindowMode.MAC),
            largest.eq(mode.matches(WindowMode.MAX, WindowMode.MIN, *PAIRS)),
            pair.eq(mode.matches(*PAIRS)),
            smaller.eq(mode == WindowMode.MIN),
        ]
        return mac, largest, pair, smaller

    def _rights(self, stages):
        """For each node of the columns' trees, whether its right input belongs to the window.

        A node of the tree's level n sees a group n + 2 cycles after its elements came.
        """
        taps = self._params.window_taps
        return Cat(
            stages[IM2COL_LATENCY + 2 + level].taps[tap]
            for level in range(exact_log2(taps))
            for tap in range(1 << level, taps, 2 << level)
        )

    def _stages(self, m):
        """The group in each cycle from its issue to the sums."""
        stages = [self.group]
        for number in range(1, compute_latency(self._params) + 1):
            stage = Signal.like(self.group, name=f"stage_{number}")
            m.d.sync += stage.eq(stages[-1])
            stages.append(stage)
        return stages

    def _weights(self, m, stages, mac):
        """A word of weights for each tap, in the cycle of the elements.

        Taps behind the window have 0 and, without weights, the others 1.
        """
        asked = stages[IM2COL_LATENCY - 1 - READ_LATENCY]
        m.d.comb += [
            self.weights.valid.eq(asked.valid & mac),
            self.weights.slot.eq(asked.slot),
            self.weights.tile.eq(asked.tile),
        ]
        weights = Signal.like(self.weights.words, reset_less=True)
        group, cols = stages[IM2COL_LATENCY - 1], self._params.cols
        ones = int.from_bytes(bytes([1] * cols), "little")
        with m.If(group.valid):
            m.d.sync += [
                weights[tap].eq(
                    Mux(mac, self.weights.words[tap], ones) & group.taps[tap].replicate(8 * cols)
                )
                for tap in range(self._params.window_taps)
            ]
        return weights

    def _starts(self, m, group, mac):
        """Where the sums of an output start, in the cycle after that of its first ``group``."""
        config = self.config
        offset = Signal(signed(len(config.k) + 8), reset_less=True)
        zeroes = Signal(signed(len(offset) + 1), reset_less=True)
        starts = Signal.like(self.biases, reset_less=True)
        m.d.comb += self.bias_slot.eq(group.slot)
        if self._params.parity:
            m.d.comb += self.biases_used.eq(group.valid & group.first & mac)
        m.d.sync += [offset.eq(config.k * config.a_zero), zeroes.eq(-offset)]
        with m.If(group.valid & group.first):
            m.d.sync += [
                starts[c].eq(Mux(mac, self.biases[c], zeroes)) for c in range(self._params.cols)
            ]
        return starts


def _channel(word, c):
    return word[8 * c : 8 * (c + 1)].as_signed()
