"""Cells of a module that is put together, as Yosys reads it as JSON."""


class Cells:
    """Cells by their names; bits from ``fresh`` on are new ones."""

    def __init__(self, fresh: int):
        self._fresh = fresh
        self._cells: dict[str, dict] = {}

    def _new(self, count: int = 1) -> list[int]:
        self._fresh += count
        return [*range(self._fresh - count, self._fresh)]

    def _gate(self, kind: str, *inputs, width: int = 1, **parameters) -> list[int]:
        """Add a cell that combines; returns its output."""
        output = self._new(width)
        ports = dict(zip("ABS", inputs, strict=False))
        names = {"$mux": {"WIDTH": width}}.get(kind) or {
            f"{port}_{what}": len(bits) if what == "WIDTH" else 0
            for port, bits in ports.items() for what in ("WIDTH", "SIGNED")
        } | {"Y_WIDTH": width}  # fmt: skip
        self._cells[f"new{output[0]}"] = {
            "type": kind, "parameters": names | parameters, "attributes": {},
            "port_directions": dict.fromkeys(ports, "input") | {"Y": "output"},
            "connections": ports | {"Y": output},
        }  # fmt: skip
        return output

    def _unequal(self, one: list, other: list) -> list[int]:
        return self._gate("$ne", list(one), list(other))

    def _any(self, bits: list[list[int]]) -> int:
        return self._gate("$reduce_or", [bit for (bit,) in bits] or ["0"])[0]

    def _all(self, bits: list[list[int]]) -> int:
        return self._gate("$reduce_and", [bit for (bit,) in bits] or ["1"])[0]

    def _buffer(self, source, target: int) -> None:
        self._cells[f"to_{target}"] = {
            "type": "$pos", "parameters": {"A_WIDTH": 1, "A_SIGNED": 0, "Y_WIDTH": 1},
            "attributes": {}, "port_directions": {"A": "input", "Y": "output"},
            "connections": {"A": [source], "Y": [target]},
        }  # fmt: skip

    def _next(self, cell: dict, ports: dict[str, list], kept: list) -> list:
        """A register's next value, if it keeps this one."""
        kind, width = cell["type"], len(ports["D"])
        value = ports["D"]
        clears = [*reversed(_binary(cell["parameters"].get("SRST_VALUE", 0), width))]

        def chosen(port, one, other):
            if port not in ports:
                return one
            asked = ports[port]
            if not int(str(cell["parameters"][f"{port}_POLARITY"]), 2):
                asked = self._gate("$not", asked)
            return self._gate("$mux", one, other, asked, width=width)

        if kind == "$sdffce":
            return chosen("EN", kept, chosen("SRST", value, clears))
        held = chosen("EN", kept, value) if "EN" in ports else value
        return chosen("SRST", held, clears)


def _binary(value, width: int) -> str:
    """A parameter's bits, the highest first."""
    return value.zfill(width) if isinstance(value, str) else f"{value:0{width}b}"
