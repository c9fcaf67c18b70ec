"""The window unit's requantisers: from C sums to a vector of C bytes, some columns a cycle."""

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from accel.isa import PAIRS, WindowMode
from accel.params import REQUANT_LATENCY, Params
from accel.rtl.parts.delay import Delay
from accel.rtl.post.requantise import Requantiser
from accel.rtl.window.scale import SCALE_LATENCY, ByteScaler, scale_config
from accel.rtl.window.slots import scale_layout
from accel.rtl.window.walker import WindowConfig

#: Lanes that have a scale of their own; then it is shared.
RELAYS = 8


class WindowLanes(wiring.Component):
    """Requantises an output's sums in groups of ``window_lanes`` columns.

    Sums rest in a register that moves the next group to the lanes in every cycle.  What is fed to
    the requantisers is a group itself or, of pairs, the two bytes that it consists of, scaled and
    added, subtracted or multiplied; so pairs take SCALE_LATENCY cycles more.

    Parameters:
        params: the machine.

    Members:
        config: constant from RELAYS cycles before ``load`` until the vector has left.
        load, sums: an output's; C / window_lanes cycles apart at least.
        slot, final: of that output.
        scale_slot, scales: the slot whose multipliers and shifts are read, and what is read.
        scales_used: they are used in this cycle; only with parity.
        slot_free: strobe: the slot of a command with parameters is not used any more.
        valid, vector, last: an output's bytes; ``last``: the command's last one.

    Latency ``lanes_latency(params)`` cycles from ``load``, and SCALE_LATENCY more for pairs;
    no back-pressure.
    """

    def __init__(self, params: Params):
        self._params = params
        self._groups = params.cols // params.window_lanes
        super().__init__(
            {
                "config": In(WindowConfig),
                "load": In(1),
                "sums": In(data.ArrayLayout(signed(32), params.cols)),
                "slot": In(1),
                "final": In(1),
                "scale_slot": Out(1),
                "scales": In(scale_layout(params)),
                "slot_free": Out(1),
                "valid": Out(1),
                "vector": Out(data.ArrayLayout(signed(8), params.cols)),
                "last": Out(1),
            }
            | ({"scales_used": Out(1)} if params.parity else {})
        )

    def elaborate(self, platform):
        m = Module()
        pair, product, minus, mac = Signal(), Signal(), Signal(), Signal()
        m.d.sync += [
            pair.eq(self.config.mode.matches(*PAIRS)),
            product.eq(self.config.mode == WindowMode.MUL),
            minus.eq(self.config.mode == WindowMode.SUB),
            mac.eq(self.config.mode == WindowMode.MAC),
        ]
        held, group, valid, final = self._hold(m, mac)
        scaling = self._scaling(m, valid & pair)
        feed, fed, fed_final = self._feed(m, pair, valid, final)
        if self._params.parity:
            m.d.comb += self.scales_used.eq(feed & mac)
        results = []
        for lane in range(self._params.window_lanes):
            requantiser = Requantiser()
            m.submodules[f"requantiser{lane}"] = requantiser
            x = held.word_select(lane, 32).as_signed()
            both = self._combined(m, lane, x, scaling, product, minus)
            m.d.comb += requantiser.valid.eq(fed)
            with m.If(feed):
                m.d.sync += requantiser.x.eq(Mux(pair, both, x))
                self._scale_by(m, requantiser, lane, group, mac)
            self._configure(m, requantiser)
            results.append(requantiser.y)
        m.submodules.last = last = Delay(1, REQUANT_LATENCY, reset_less=True)
        m.d.comb += [last.i.eq(fed_final), self.last.eq(last.o)]
        self._gather(m, results, requantiser.valid_out)
        return m

    def _hold(self, m, mac):
        """Hold the sums of an output; returns them, and which group is at the lanes."""
        lanes = self._params.window_lanes
        held = Signal(32 * self._params.cols, reset_less=True)
        group, valid, final = Signal(range(self._groups)), Signal(), Signal(reset_less=True)
        last_group = group == self._groups - 1
        with m.If(self.load):
            m.d.sync += [
                held.eq(self.sums),
                group.eq(0),
                valid.eq(1),
                final.eq(self.final),
                self.scale_slot.eq(self.slot),
            ]
        with m.Elif(valid):
            m.d.sync += [
                held.eq(held >> 32 * lanes),
                group.eq((group + 1)[: len(group)]),
                valid.eq(~last_group),
            ]
        m.d.sync += self.slot_free.eq(valid & last_group & final & mac)
        return held, group, valid, final

    def _scaling(self, m, valid):
        """Configure the scalers; returns the configurations and the stages' valid bits."""
        config = self.config
        stages = [valid]
        for number in range(1, SCALE_LATENCY):
            stage = Signal(name=f"scaling_{number}")
            m.d.sync += stage.eq(stages[-1])
            stages.append(stage)
        configs = []
        for name, offset in (("a", 0), ("b", config.offset)):
            fields = (config[f"{name}_{field}"] for field in ("zero", "multiplier", "shift"))
            configs.append(self._relay(m, scale_config(m, *fields, offset, f"scale_{name}")))
        return *configs, Cat(stages)

    def _feed(self, m, pair, valid, final):
        """Find out when a group goes to the requantisers: a ``pair`` after it was scaled.

        Returns whether one may be loaded into the registers in front of them, and what is in
        registers beside those: whether one was, and whether it is ``final``.
        """
        m.submodules.feed = scaled = Delay(2, SCALE_LATENCY)
        fed, fed_final = Signal(), Signal(reset_less=True)
        m.d.comb += scaled.i.eq(Cat(valid & pair, final))
        m.d.sync += [
            fed.eq(Mux(pair, scaled.o[0], valid)),
            fed_final.eq(Mux(pair, scaled.o[1], final)),
        ]
        return valid | scaled.o[0], fed, fed_final

    def _relay(self, m, config):
        """Hand the multiplier on from lane to lane: multipliers lie all over an FPGA."""
        configs, factor = [], config.multiplier
        for number in range(min(RELAYS, self._params.window_lanes)):
            relayed = Signal.like(config, name=f"relayed{number}")
            late = Signal.like(factor, name=f"factor{number}", reset_less=True)
            m.d.sync += late.eq(factor)
            m.d.comb += [relayed.eq(config), relayed.multiplier.eq(late)]
            configs.append(relayed)
            factor = late
        return configs

    def _combined(self, m, lane, x, scaling, product, minus):
        """The sum of the two bytes in ``x``, each scaled; or their difference, or their product.

        The product is the first one's; then the second, with a multiplier of 0, adds nothing.
        """
        *configs, valid = scaling
        scalers = []
        for name, relayed, byte in zip("ab", configs, (x[:8], x[8:16]), strict=True):
            m.submodules[f"scaler_{name}{lane}"] = scaler = ByteScaler()
            m.d.comb += [
                scaler.config.eq(relayed[lane % len(relayed)]),
                scaler.valid.eq(valid),
                scaler.x.eq(byte.as_signed()),
            ]
            scalers.append(scaler)
        first, second = scalers
        m.d.comb += [
            first.product.eq(product), first.other.eq(second.x - second.config.zero),
            second.inverted.eq(minus),
        ]
        # The bits below both numbers carry the 1 of a difference.
        first_y, second_y = (Cat(minus, scaler.y).as_signed() for scaler in scalers)
        return (first_y + second_y) >> 1

    def _scale_by(self, m, requantiser, lane, group, mac):
        """The scale of a lane's sum: that of its column, or the command's."""
        lanes, config = self._params.window_lanes, self.config
        multipliers = self.scales.multiplier.as_value().word_select(group, 32 * lanes)
        shifts = self.scales.shift.as_value().word_select(group, 8 * lanes)
        multiplier, shift = multipliers.word_select(lane, 32), shifts.word_select(lane, 8)
        m.d.sync += [
            requantiser.multiplier.eq(Mux(mac, multiplier, config.multiplier)),
            requantiser.shift.eq(Mux(mac, shift, config.shift).as_signed()),
        ]

    def _configure(self, m, requantiser):
        """Rounding and limits of a lane."""
        config = self.config
        m.d.comb += [
            requantiser.rounding.eq(config.rounding),
            requantiser.zero.eq(config.out_zero),
            requantiser.lo.eq(config.lo),
            requantiser.hi.eq(config.hi),
        ]

    def _gather(self, m, results, valid):
        """Put the vector together from its groups; those before the last wait in a register."""
        group_bits = 8 * self._params.window_lanes
        early = Signal(group_bits * (self._groups - 1), reset_less=True)
        count = Signal(range(self._groups))
        whole = Cat(early, results)
        m.d.comb += [
            self.vector.as_value().eq(whole),
            self.valid.eq(valid & (count == self._groups - 1)),
        ]
        with m.If(valid):
            m.d.sync += [early.eq(whole[group_bits:]), count.eq((count + 1)[: len(count)])]


def lanes_latency(params: Params) -> int:
    """Cycles from an output's sums to its vector."""
    return 1 + REQUANT_LATENCY + params.cols // params.window_lanes
