"""The commands that fill post-processing's tables, before the layer that they are for."""

from accel.isa import ACTIVATION_ENTRIES, TABLE_ENTRIES, Op
from accel.params import POOL_TABLE


def pool(table) -> list[tuple[Op, dict[str, int]]]:
    """TABLE commands that write (elements, multiplier, shift) entries."""
    commands = []
    for first in range(0, len(table), TABLE_ENTRIES):
        entries = table[first : first + TABLE_ENTRIES]
        fields = {"entries": len(entries)}
        for n, (count, multiplier, shift) in enumerate(entries):
            fields[f"index{n}"] = count % POOL_TABLE
            fields |= {f"multiplier{n}": multiplier, f"shift{n}": shift}
        commands.append((Op.TABLE, fields))
    return commands


def activations(table) -> list[tuple[Op, dict[str, int]]]:
    """ACTIVATION commands that write a table of 256 values, or none."""
    commands = []
    for first in range(0, 0 if table is None else len(table), ACTIVATION_ENTRIES):
        values = table[first : first + ACTIVATION_ENTRIES]
        fields = {f"value{n}": int(value) for n, value in enumerate(values)}
        commands.append((Op.ACTIVATION, {"first": first} | fields))
    return commands
