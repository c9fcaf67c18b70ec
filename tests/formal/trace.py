"""A counterexample as a table: a row for every signal, a column for every cycle."""

import re

#: Cycles and signals that a table has at most; the rest is in no one's head anyway.
CYCLES, SIGNALS = 24, 60


def table(vcd: str) -> str:
    """Lay out the value change dump that smtbmc writes; its last time is the end of a cycle."""
    names, changes = _read(vcd)
    cycles = max((time for values in changes.values() for time in values), default=0)
    first = max(0, cycles - CYCLES)
    rows = [("cycle", [str(time) for time in range(first, cycles)])]
    for code, name in sorted(names.items(), key=lambda item: (item[1].count("."), item[1])):
        value, values = "x", []
        for time in range(cycles):
            value = changes.get(code, {}).get(time, value)
            values.append(value)
        rows.append((name, values[first:]))
    broken = [name for name, values in rows if name.startswith("claim_") and values[-1] == "0"]
    rows = [row for row in rows if not row[0].startswith("claim_")][: SIGNALS + 1]
    names_width = max(len(name) for name, _ in rows)
    widths = [max(map(len, column)) for column in zip(*(values for _, values in rows), strict=True)]
    lines = [f"false in the last cycle: {', '.join(broken)}"] if broken else []
    return "\n".join(lines + [
        f"{name:{names_width}}  "
        + " ".join(f"{value:>{width}}" for value, width in zip(values, widths, strict=True))
        for name, values in rows
    ])


def _read(vcd):
    """Names by code, and for each code its values (hexadecimal) by cycle."""
    names, changes, scope, time = {}, {}, [], 0
    for line in vcd.splitlines():
        if found := re.match(r"\$scope module (\S+)", line):
            scope.append(found[1])
        elif line.startswith("$upscope"):
            scope.pop()
        elif found := re.match(r"\$var \S+ \d+ (\S+) (\S+)", line):
            name = ".".join([*scope[2:], found[2]])
            # Yosys' own names, and the memories' cells.
            if not re.search(r"[$<]|^smt_|\bclk$", name):
                names.setdefault(found[1], name)
        elif found := re.match(r"#(\d+)", line):
            time = int(found[1]) // 10
        elif found := re.match(r"b([01x]+) (\S+)", line):
            bits = found[1]
            changes.setdefault(found[2], {})[time] = "x" if "x" in bits else f"{int(bits, 2):x}"
    return names, changes
