"""The machine in Amaranth: memory in, im2col, array, accumulate, requantise, pool, memory out.

A folder is a room of the machine; its docstring says what comes in, what goes out, and in which
cycle.  :mod:`accel.rtl.core` is the wires between the rooms and nothing else; :mod:`accel.rtl.top`
puts the host's side before it; :mod:`accel.rtl.interfaces` has every width that two rooms share.

                 host: AXI4-Lite, irq                         memory: one AXI4 port
                         |                                   read |          ^ write
    +--------------------v-------------+                +---------v----------+---------+
    | control   fetch, check, queues,  |<--- program ---| memory   bursts, turns,      |
    |           scoreboard, counters   |                |          read ahead, store   |
    +---+------------------------------+                +--+------+---------------^----+
        | LOAD WEIGHTS EXEC POST                           |      |               |
        | WLOAD WPARAM WINDOW                         rows |      | weights,      |
        v                                                  v      v parameters    |
    each engine's queue     +--------+  R bytes  +-------+  C sums  +------+   +--+---+
                            | im2col |---------->| array |--------->| post |-->| pool |
                            +--------+           +-------+          +------+   +------+
                            +---------------------------------------------------------+
                            | window   the same ways in and out, a unit by itself     |
                            +---------------------------------------------------------+

    parts: what the rooms are built of: queues, register slices, delays, resets, clock gates

Room by room, one vector of R bytes that was issued in cycle 0 of an EXEC command takes:

    cycle   0                  exec: base address and tag         (im2col)
            IM2COL_LATENCY     R bytes at the array's lanes       (im2col -> array)
          + R - 1 + PE_LATENCY + c    column c's sum              (array -> accumulators)
          + 1, behind the last tile   the block is free to read   (accumulators -> post)
          + 1 + ACC_READ_LATENCY + 1 + REQUANT_LATENCY + 2        C int8 (post -> pool or memory)

The constants are named in :mod:`accel.params`; the cycle model (accel.cyclemodel) has a twin of
each block's control, and tests hold both to the same counters.  Nothing between the issue of a
vector and its sum ever stalls; whoever asks memory for data has room for it.
"""
