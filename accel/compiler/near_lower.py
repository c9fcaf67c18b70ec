"""Lower layers that stay on the chip (accel.compiler.near chooses them and draws their order)."""

from accel.compiler import window_lower
from accel.compiler.fed import Fed
from accel.compiler.lower import Lowering
from accel.compiler.near_cut import Pair, group_words, near_pitch, reached
from accel.compiler.near_tail import Tail
from accel.compiler.rows import split
from accel.compiler.stream import ARRAY, BESIDE, Stream
from accel.compiler.window import WindowLayer
from accel.compiler.window_tile import WindowTiling


class _Rows:
    """The rows of some groups and one image in the window unit's buffer, one behind the other.

    Each row has the groups side by side.  Between the pixels of two groups, or rows, lies the
    padding right of the one and left of the other, which are filled together.

    Parameters:
        stream: receives the copies that only fill.
        second: the layer that reads them.
        together: groups.
    """

    def __init__(self, stream: Stream, second: WindowLayer, together: int):
        self.stream, self.second, self.ring = stream, second, stream.window_ring
        self.cols, self.together = stream.params.cols, together
        self.group = group_words(second) * self.cols
        self.pitch = near_pitch(second, stream.params, together)
        left, _, right = split(second.columns, 0, second.columns.outputs)
        self.before, self.padded = left * self.cols, left + right > 0
        self.pixels = second.columns.size * self.cols
        self.base = self.start = self.slot = 0
        #: Where the padding below the last rows ends.
        self.end = -1

    def address(self, row: int) -> int:
        """The virtual address of a row's first word of the group, padding or not."""
        return self.base + row * self.pitch + self.slot * self.group

    def look_at(self, channel: int) -> None:
        """From now on, addresses are those of the group with this channel."""
        self.slot = channel // self.cols % self.together

    def place(self, y0: int, y1: int, channel: int) -> dict[str, int]:
        """Find room for the rows ``y0`` to ``y1 - 1`` of a group, the next ones.

        The first group makes room for all, and pads around them.
        """
        self.look_at(channel)
        if self.slot == 0:
            self._make_room(y0, y1)
        place = self.start + self.slot * self.group
        end = place + (y1 - y0 - 1) * self.pitch + self.group
        if self.slot == self.together - 1:
            end = self.start + (y1 - y0) * self.pitch
        return {
            "near": 1, "dst": place % self.ring.size, "pitch_x": self.cols, "pitch_y": self.pitch,
            "wait_window": max(self.ring.wait(end), self.ring.settled(end)),
        }  # fmt: skip

    def _make_room(self, y0: int, y1: int) -> None:
        if y0 == 0:
            lo, hi = self.second.rows.span(0, self.second.rows.outputs)
            if self.end == self.ring.head and self.together == 1:
                # What is below the rows before these is above these.  (Of several groups' rows
                # that is no gain: as measured.)
                self._fill(max(0, self.second.rows.size - hi - lo) * self.pitch)
            else:
                self._fill(self.before - lo * self.pitch)
            self.base = self.ring.head - self.before
        self.start = self.ring.reserve((y1 - y0) * self.pitch)
        if self.padded:
            self._pad(y1 - y0)

    def finish(self) -> None:
        """Pad below the last row."""
        _, hi = self.second.rows.span(0, self.second.rows.outputs)
        self._fill((hi - self.second.rows.size) * self.pitch)
        self.end = self.ring.head

    def _pad(self, rows: int) -> None:
        """Fill what lies behind each group's pixels: group by group, or if those are more, rows."""
        first, inner = self.start + self.pixels, self.group - self.pixels
        others = self.together - 1
        if others <= rows:
            for slot in range(others):
                self._fill(inner, rows, self.pitch, first + slot * self.group)
        else:
            for row in range(rows):
                self._fill(inner, others, self.group, first + row * self.pitch)
        last = others * self.group
        self._fill(self.pitch - last - self.pixels, rows, self.pitch, first + last)

    def _fill(self, size: int, rows: int = 1, pitch: int = 0, at: int | None = None) -> None:
        """Fill the next bytes, or the same part of some rows, with padding."""
        if not size:
            return
        fields = {"src": 0, "rows": rows, "items": 1, "inner": 0, "fill_left": size,
                  "fill_value": self.second.pad}  # fmt: skip
        if rows > 1:
            fields["dst_pitch"] = pitch
        self.stream.wload(fields, (rows - 1) * pitch + size, None, at=at)


class _Follower:
    """A layer that the window unit feeds, in small blocks between those of the chain's first.

    Parameters:
        lowering: the layer's.
        numbers: of the chain's first layer, and its own.
    """

    def __init__(self, lowering: Lowering, numbers: tuple[int, int]):
        self.lowering, self.numbers, self.fed = lowering, numbers, lowering.fed
        self.strip = lowering.strip(0)
        self.rows = self.strip.shared()
        self.next, self.waiting = 0, []
        #: Rows of its output that are listed.
        self.done = 0

    def reached(self, rows: int) -> None:
        """So many of its input's rows are listed."""
        height, size = self.lowering.tilings[0].height, self.fed.size
        while self.next < size and rows >= min(self.next + height, size):
            end = min(self.next + height, size)
            groups = range(len(self.lowering.layer.slices[0].groups))
            self.waiting += [(self.next, end, group) for group in groups]
            self.next = end

    def some(self, share: int) -> None:
        """Add every ``share``-th of the blocks that wait."""
        self.lowering.stream.works_for(ARRAY, self.numbers[1])
        for _ in range(-(-len(self.waiting) // share)):
            first, end, group = self.waiting.pop(0)
            self.strip.units_of(first, end, group, self.rows)
            if group == len(self.lowering.layer.slices[0].groups) - 1:
                self.done = end
        self.lowering.stream.works_for(ARRAY, self.numbers[0])


class Chain:
    """A pair, and perhaps the layer behind it, on their way into a stream.

    Parameters:
        pair: how it is cut.
        number: of the first layer; the others are the next ones.
        layers: the two, and the third if its blocks come between the first's.
        stream: receives the commands.
        source: where the first's input lies, and when it is ready; None if it is ``fed``.
        target: likewise of the last one's output; None if another layer is fed with it.
        addresses: of the layers' records.
        fed: the first's input where it is on the chip.
        fed_next: where the second's output stays on the chip, for the third or a later layer.
        tail: an addition of the third's output, if its blocks come between the windows.
    """

    def __init__(
        self, pair: Pair, number: int, layers: list, stream: Stream,
        source: window_lower.Where | None, target: window_lower.Where | None, addresses: list,
        fed: Fed | None, fed_next: Fed | None, tail: Tail | None = None,
    ):
        first, second = layers[:2]
        self.tail = tail
        self.pair, self.first, self.second, self.stream = pair, first, second, stream
        self.rows = _Rows(stream, second, pair.together)
        self.lowering = Lowering(
            first, [pair.tiling], stream, source, None, addresses[0], self.rows, fed
        )
        tiling = WindowTiling(second.columns.outputs, second.rows.outputs, self.rows.pitch)
        direct = None if fed_next else target
        self.windows = window_lower.Windows(second, stream, None, direct, addresses[1], tiling)
        self.windows.fed = fed_next
        self.follower = None
        if pair.follower:
            third = Lowering(
                layers[2], [pair.follower], stream, None, target, addresses[2], fed=fed_next
            )
            self.follower = _Follower(third, (number, number + 2))
        stream.works_for(ARRAY, number)
        stream.works_for(BESIDE, number + 1)

    def run(self) -> None:
        """Add the commands."""
        groups, together = len(self.first.slices[0].groups), self.pair.together
        for image in range(self.first.view.images):
            strip = self.lowering.strip(image)
            shared = strip.shared()
            if self.windows.fed and not self.pair.again and not self.lowering.fed:
                lo, hi = self.first.rows.span(0, self.first.rows.outputs)
                for rows in shared:  # so that what is fed does not get between them
                    rows.stays = hi - lo
            for group in range(0, groups, together):
                if group and self.pair.again:
                    shared = strip.shared()
                part = range(group, min(group + together, groups))
                follower = self.follower if part.stop == groups else None
                self._pass(image, strip, shared, part, follower)

    def _pass(self, image: int, strip, shared: list, groups: range, follower) -> None:
        """Some groups go through, from top to bottom, and perhaps a follower behind them."""
        height, size, done = self.pair.tiling.height, self.second.rows.size, 0
        blocks = [(y0, min(y0 + height, size)) for y0 in range(0, size, height)]
        # The next groups read all rows again: those of several chunks would lie apart in two parts.
        again = groups.stop < len(self.first.slices[0].groups) and len(shared) > 1
        for y0, y1 in blocks if again else strip.begun(blocks, len(groups)):
            if y1 == size and not self.pair.by_rows:
                strip.units_of(y0, y1, groups.start, shared)
                self.rows.finish()
                self.windows.near(image, groups.start, (done, self.second.rows.outputs), self.rows)
                return
            ready = reached(self.second.rows, y1)
            for group in groups:
                strip.units_of(y0, y1, group, shared)
                self._windows(image, group, done, ready)
                if follower:
                    follower.some(groups.stop - group)
            if follower:
                follower.reached(done)
            done = ready
            if follower and self.tail:
                self._some_of_tail(follower, done)
        self.rows.finish()
        for group in groups:
            self._windows(image, group, done, self.second.rows.outputs)
        if follower:
            follower.reached(self.second.rows.outputs)
            follower.some(1)
            if self.tail:
                self.tail.rest()

    def _some_of_tail(self, follower: _Follower, done: int) -> None:
        """Add to the tail; windows for the outputs from row ``done`` on are yet to come."""
        pitch = self.rows.pitch
        lowest = self.rows.base + self.second.rows.span(done, done + 1)[0] * pitch
        lowest = min(lowest, self.rows.ring.head)
        self.tail.some(follower.done, lowest, self.pair.tiling.height * pitch)

    def _windows(self, image: int, group: int, first: int, last: int) -> None:
        """A group's outputs from row ``first`` to ``last - 1``, if there are any."""
        if first < last:
            self.rows.look_at(group * self.rows.cols)
            self.windows.near(image, group, (first, last), self.rows)
