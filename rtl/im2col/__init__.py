"""The im2col line buffer: rows of an image in, a convolution window's vector out, each cycle.

    memory --> load --> place --> entrance --> banks of the buffer --R bytes--> array
               rows,    bytes to    ^            ^
               padding  their banks |            | base address, R row offsets
                         window unit: pixels     |
    EXEC ----> walker ----> exec ----------------+---- tag, swap ---> array, accumulators
               pixel x tile ^
               offsets -----+ the R lanes' row offsets of the next tile

The matrix of im2col is never written down.  The buffer is a ring of bytes in R banks (``banks``
has the address arithmetic, ``buffer`` the memories): pixels lie in it as they lie in the image,
[row, column, channel], with the padding put in by ``load``.  Reduction index i of the pixel at
base b is the byte b + i + (i div seg) * skip * R, where seg = kw * Cin bytes of a kernel row lie
side by side.  The compiler makes rows seg + skip * R apart, modulo the ring, so the R bytes of a
tile lie in R different banks whatever the kernel, the stride and the number of channels.

Comes in: LOAD commands and rows of memory; pixels of the window unit, between the chunks that
copies bring (``entrance``); EXEC commands.  Goes out: R bytes a cycle, and with each
vector a tag (which accumulator, which row of it, first or last tile) and with a tile's first the
swap of weights.

When: a piece of a row is written two cycles after its beat was seen, a beat each cycle; bytes
written in a cycle are seen by reads from the next on.  A vector's bytes are at the lanes
IM2COL_LATENCY = 6 cycles after its issue: address to banks, rotation, memory and its register,
rotation back.  ``exec`` holds a vector back until all that it needs is there, and what it has
issued nothing stops: one vector a cycle, from tile to tile and command to command.
"""
