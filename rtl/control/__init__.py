"""The host's side, and the way of a program's commands to the engines that run them.

    AXI4-Lite --> registers --> control -- start, halt, reset --> all rooms
                                 ^   ^
                 error, progress |   | finished
    memory --> fetch --> check --> dispatch --> command_queue (one an engine) --> engines
               64-byte   every     a 64-bit     holds the next command           gate: waits
               commands  rule      word a       in a register                    for absolute
                                   cycle                                         counts
    engines -- completed, idle, activity --> scoreboard --> done counts back to all who wait
    exec engine, ports -- busy, waiting for .. --> counters --> registers, completion records

Comes in: register accesses; from memory, the program.  Goes out: commands to seven engines (load,
weights, exec, post; wload, wparam, window), the interrupt, and the counters' record.

When: a command is with its engine some CHECK_LATENCY + 2 cycles behind the one before it
(POOL_LATENCY more where a pooled POST must be divided), and a cycle for each 64-bit word of it; up
to ``queue_depth`` commands wait in front of each engine.  A start resets the core for RESET_CYCLES
and begins as long after that.  A register answers a read after READ_LATENCY cycles.

Commands wait for nothing but absolute counts of completed commands (``wait_load`` and so on), each
named later than what it waits for: no tokens can be lost, and no program can deadlock.  A
malformed command, an error of the bus, a machine that stands still for TIMEOUT cycles, a run of
more than BUDGET cycles or an abort stops the run with a sticky code and the interrupt, and leaves
no bus transaction cut off.
"""
