"""What the rooms of the machine are built of; nothing here knows what a convolution is.

    delay     a value some cycles later: how signals that belong together are brought into step
    slice     two registers that cut a stream's paths in both directions; latency 1
    full      whether a FIFO is full, out of a register
    eager     a queue for whom it is told late whether an entry comes
    queue     a deep queue in block RAM with a slice behind it; latency RamQueue.LATENCY
    rotate    a row of equal elements rotated: the only movement between lanes and banks
    compare   comparisons in the form that an FPGA's carry chains do fastest
    forward   members of a block that are those of a block inside it
    reset     a register a block for reset and halt, in a chain, instead of a net across the chip
    rest      blocks whose clock stands still while they have nothing to do

Streams are Amaranth's: valid never waits for ready, and a payload holds until it is taken.
"""
