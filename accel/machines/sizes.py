"""How large the machines with names are, as measured; nothing here decides anything."""

import dataclasses

#: How :data:`SIZES` was measured, for who reads it.
HOW = (
    "synthesised for an ECP5 by `accel fpga --machine NAME --no-place` (Yosys 0.23); LUT as\n"
    "nextpnr packs them: a carry is two, a distributed RAM of 16 x 4 bits six"
)


@dataclasses.dataclass(frozen=True)
class Size:
    """What a machine takes of an ECP5 (block RAM of 18 kbit), and whom it is for."""

    lut: int
    ff: int
    dsp: int
    block_ram: int
    use: str


#: By name, from the smallest to the largest.
SIZES = {
    "ecp5": Size(25_605, 24_461, 79, 62, "the core alone, placed by accel fpga"),
    "small": Size(39_791, 34_966, 113, 72, "every network on an FPGA of 85 thousand LUTs"),
}
