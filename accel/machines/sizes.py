"""How large the machines with names are, as measured; nothing here decides anything."""

import dataclasses

#: How :data:`SIZES` was measured, for who reads it.
HOW = (
    "synthesised for an ECP5 by `accel fpga --machine NAME --no-place` (Yosys 0.23); LUT as\n"
    "nextpnr packs them: a carry is two, a distributed RAM of 16 x 4 bits six"
)


@dataclasses.dataclass(frozen=True)
class Size:
    """What a machine takes of an ECP5; block RAM of 18 kbit."""

    lut: int
    ff: int
    dsp: int
    block_ram: int


#: Whom each machine is for, by name.
USES = {
    "ecp5": "the core alone, placed by accel fpga",
    "small": "every network on an FPGA of 85 thousand LUTs",
    "default": "simulation: 256 multipliers, what all commands take",
    "large": "simulation: 1,024 multipliers, buffers and bus to match",
}
#: Of those that were synthesised; a dash stands in the list for one that was not.
SIZES = {
    "ecp5": Size(25_605, 24_461, 79, 62),
    "small": Size(39_423, 35_318, 113, 72),
}
