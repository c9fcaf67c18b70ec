"""What the window unit must do, in plain Python: LiteRT's arithmetic, command by command."""

from accel.isa import FIELDS, Op, WindowMode
from tests.rtl.expected import requantise

#: LiteRT's reference ADD shifts its operands left by this much.
LEFT_SHIFT = 20


def doubling_high_mul(a: int, b: int) -> int:
    """LiteRT's SaturatingRoundingDoublingHighMul (C++ division truncates)."""
    if a == b == -(1 << 31):
        return (1 << 31) - 1
    product = a * b
    nudged = product + (1 << 30 if product >= 0 else 1 - (1 << 30))
    return abs(nudged) // (1 << 31) * (1 if nudged >= 0 else -1)


def divide_by_power(x: int, exponent: int) -> int:
    """LiteRT's RoundingDivideByPOT."""
    mask = (1 << exponent) - 1
    remainder, threshold = x & mask, (mask >> 1) + (x < 0)
    return (x >> exponent) + (remainder > threshold)


def scaled(x: int, zero: int, multiplier: int, shift: int) -> int:
    """LiteRT's MultiplyByQuantizedMultiplierSmallerThanOneExp of a shifted operand of ADD."""
    return divide_by_power(doubling_high_mul((x - zero) << LEFT_SHIFT, multiplier), -shift)


def signed(byte: int) -> int:
    """A byte as int8."""
    return (byte ^ 128) - 128


class WindowModel:
    """The unit's buffer, parameters and memory; :meth:`execute` runs a command.

    Attributes:
        image: the memory that is read.
        written: what was written, a byte for each address.
        records: the addresses of the marks.
    """

    def __init__(self, params, image):
        self.params, self.image = params, image
        self.buffer = bytearray(params.window_bytes)
        self.written, self.records = {}, []
        self._parameters = []

    def execute(self, op, command):
        """Run a command; ``command`` holds its fields, absent ones are 0."""
        field = {field.name: 0 for field in FIELDS[op]} | command
        {Op.WLOAD: self._load, Op.WPARAM: self._param, Op.WINDOW: self._window}[op](field)

    def _load(self, field):
        for row in range(field["rows"]):
            place = field["dst"] + row * field["dst_pitch"]
            source = field["src"] + row * field["row_pitch"]
            fill = bytes([field["fill_value"] & 255])
            data = fill * field["fill_left"]
            for item in range(field["items"]):
                start = source + item * field["item_pitch"]
                data += self.image[start : start + field["inner"]]
            for n, byte in enumerate(data + fill * field["fill_right"]):
                self.buffer[(place + n) % len(self.buffer)] = byte

    def _param(self, field):
        self._parameters.append((field["src"], field["tiles"]))

    def _window(self, field):
        cols, taps = self.params.cols, self.params.window_taps
        source = self._parameters.pop(0)[0] if field["mode"] == WindowMode.MAC else None
        for y in range(field["ny"]):
            for x in range(field["nx"]):
                base = field["base"] + x * field["step_x"] + y * field["step_y"]
                places = [
                    base + i * cols + i // field["seg"] * field["seg_skip"] * taps * cols
                    for i in range(field["k"])
                ]
                to = field["dst"] + x * field["pitch_x"] + y * field["pitch_y"]
                for c in range(field["cols"]):
                    values = [signed(self.buffer[(p + c) % len(self.buffer)]) for p in places]
                    assert to + c not in self.written
                    self.written[to + c] = self._output(field, values, source, c) & 255
        if field["mark"]:
            self.records.append(field["mark_addr"])

    def _output(self, field, values, source, channel):
        multiplier, shift = field["multiplier"], field["shift"]
        if field["mode"] == WindowMode.MAC:
            total, multiplier, shift, weights = self._record(source, channel, len(values))
            total += sum(w * v for w, v in zip(weights, values, strict=True))
        elif field["mode"] == WindowMode.SUM:
            total = sum(v - field["a_zero"] for v in values)
        elif field["mode"] == WindowMode.MAX:
            total = max(values)
        elif field["mode"] == WindowMode.MIN:
            total = min(values)
        elif field["mode"] == WindowMode.MUL:
            total = (values[0] - field["a_zero"]) * (values[1] - field["b_zero"])
        else:
            first, second = (
                scaled(v, *(field[f"{name}_{part}"] for part in ("zero", "multiplier", "shift")))
                for name, v in zip("ab", values, strict=True)
            )
            second += field["offset"]
            total = first - second if field["mode"] == WindowMode.SUB else first + second
        return requantise(total, multiplier, shift, field["rounding"], field["out_zero"],
                          field["lo"], field["hi"])  # fmt: skip

    def _record(self, source, channel, count):
        """A channel's bias, multiplier, shift and first ``count`` weights."""
        cols = self.params.cols
        planes = [self.image[source + n * cols + channel] for n in range(9)]
        tiles = source + self.params.param_bytes
        return (
            int.from_bytes(bytes(planes[:4]), "little", signed=True),
            int.from_bytes(bytes(planes[4:8]), "little"),
            signed(planes[8]),
            [signed(self.image[tiles + n * cols + channel]) for n in range(count)],
        )
