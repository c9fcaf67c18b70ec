"""Barrel rotation of a row of equal elements: the only data movement between lanes and banks."""

from amaranth import Module, Mux, Signal, Value


def rotated(m: Module, elements, count: int, amount, *, left: bool) -> Signal:
    """Add a combinational barrel rotator to ``m`` and return its output bits.

    Args:
        m: the module that gets one row of multiplexers for every bit of ``amount``.
        elements: ``count`` elements of equal width, side by side (anything that casts to a value).
        count: how many elements; a power of two.
        amount: how far to rotate; exactly log2(count) bits.
        left: True moves element i to i + amount, False moves i + amount to i (modulo ``count``).
    """
    value, amount = Value.cast(elements), Value.cast(amount)
    if count != 1 << len(amount) or len(value) % count:
        raise ValueError(
            f"count must be 2**len(amount) = {1 << len(amount)} and divide the value's "
            f"{len(value)} bits, not {count}"
        )
    unit = len(value) // count
    for bit in range(len(amount)):
        # A signal for every stage: as one nested expression it would double with each stage.
        stage = Signal(len(value), name=f"rotate_{1 << bit}")
        turn = (unit << bit) if left else len(value) - (unit << bit)
        m.d.comb += stage.eq(Mux(amount[bit], value.rotate_left(turn), value))
        value = stage
    return value
