"""Parallel multiplexers as chains of two-way ones, which Verilator turns into much shorter C++.

Yosys writes a ``$pmux`` as a function of all its inputs, and of that Verilator evaluates every
input in every cycle; of a chain it evaluates what is chosen.
"""

import re

_CELL = re.compile(r"^  cell \$pmux (?P<name>\S+)\n(?P<body>.*?)^  end\n", re.M | re.S)


def chain_selects(text: str) -> str:
    """Return RTLIL ``text`` with every ``$pmux`` cell as a chain of ``$mux`` cells.

    The inputs that are chosen exclude each other, so that their order does not matter.

    Raises:
        ValueError: a cell without the ports or parameters that it must have.
    """
    return _CELL.sub(lambda cell: _chain(cell["name"], cell["body"]), text)


def _chain(name: str, body: str) -> str:
    parameters = dict(re.findall(r"^    parameter \\(\w+) (\d+)$", body, re.M))
    ports = dict(re.findall(r"^    connect \\(\w) (.*)$", body, re.M))
    try:
        width, inputs = int(parameters["WIDTH"]), int(parameters["S_WIDTH"])
        below, others, selects, output = (ports[port] for port in "ABSY")
    except KeyError as missing:
        raise ValueError(f"the $pmux cell {name} has no {missing}") from None
    # Names that begin with `$` are Yosys's to choose; an `id` behind a `$pmux` is unique.
    base = f"$chain{name}"
    lines = [
        f"wire width {width * inputs} {base}$b", f"connect {base}$b {others}",
        f"wire width {inputs} {base}$s", f"connect {base}$s {selects}",
    ]  # fmt: skip
    for number in range(inputs):
        low, high = width * number, width * (number + 1) - 1
        lines += [
            f"wire width {width} {base}$y{number}",
            f"cell $mux {base}$mux{number}",
            f"  parameter \\WIDTH {width}",
            f"  connect \\A {below}",
            f"  connect \\B {base}$b [{high}:{low}]",
            f"  connect \\S {base}$s [{number}]",
            f"  connect \\Y {base}$y{number}",
            "end",
        ]
        below = f"{base}$y{number}"
    lines.append(f"connect {output} {below}")
    return "".join(f"  {line}\n" for line in lines)
