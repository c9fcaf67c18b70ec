"""Post-processing: a block of int32 sums becomes int8 pixels.

    accumulators --> block_reader: normalise --> requantise --> activation --> pool --> memory
                     rows of C      shift        multiply,      a table of     (a room
                     sums, in                    round, zero    256 bytes,     of its own)
                     groups of                   point, clamp   or none
                     post_lanes

``post`` runs POST commands, and TABLE and ACTIVATION, which write the tables that later ones use.
The multiplier and shift of each channel come with the weights, from the parameter slot of the
block.  Four roundings, chosen by the command: LiteRT's double and single, halves away from zero,
and ONNX Runtime's float32; each exact, in integers, for every sum.

Comes in: banks of sums, as they are finished; parameters.  Goes out: C bytes of a pixel, pixels in
raster order, and behind a command's last one a token ``end``; ``bank_free`` and ``slot_free`` when
what was read may be overwritten.

When: a vector leaves ACC_READ_LATENCY + 1 + REQUANT_LATENCY + ACTIVATION_LATENCY + 1 cycles after
its address, and one each C / post_lanes cycles.  That is often enough: a vector is due only every
ceil(K / R) cycles.  An address is given only when its vector has a place, so nothing stalls inside.
"""
