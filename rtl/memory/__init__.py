"""Memory in and memory out: one AXI4 port, shared by all engines.

In:     ranges of bytes --> ReadSplitter --> bursts --> ReadMaster --> beats --> ReadAhead --> user
                            (read)                      (read)                   (readahead)

    Readers ask as far ahead as they have room, and take each beat in its cycle, so ``rready``
    never falls.  The lowest-numbered reader that asks is served first: fetch, weights, the window
    unit's parameters and rows, the array's rows.  ``records`` reads what WEIGHTS and WPARAM
    commands name, a parameter record and its weight tiles, for the engines of both commands.

    When: a range's first burst is at the master one cycle after the range, on the bus one cycle
    later; a beat is at its reader one cycle after it came.  A burst address and a beat each cycle,
    up to MAX_READS bursts under way.

Out:    vectors --> pieces --> merge --> burst --> (write_arbiter) --> bus
                    cut at     joined    collected, announced on the
                    beats      again     bus when all data is there

    ``store`` is all of that: C bytes of a pixel to dst + x * pitch_x + y * pitch_y, in raster
    order; behind a layer's last pixel, when its writes have arrived, the counters' record.  Post
    and the window unit have a store each; the arbiter lets their bursts through in turn.

    When: a vector takes a cycle for each beat that it touches; a piece leaves merge 3 cycles
    later; a burst ends where the next beat does not follow, and at MAX_BURST beats.
"""
