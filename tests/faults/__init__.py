"""Single bit flips in every register and memory of the RTL while a network runs.

    python -m tests.faults --count 10000 --seed 1 [--report reports/faults.md]
    python -m tests.faults [--guarded] --one ELEMENT WORD BIT CYCLE   the same fault again

What a particle, or a flaw of a board, does to a machine: each run of the simulated RTL gets one
flip, in a bit of a register or memory, in a cycle, all three drawn at random (every class of
elements equally often), and ends as one of OUTCOMES.  There are two machines: as they are made by
default, and guarded, with parity on their memories.

    elements   which registers and memories there are, from the Verilog, and the C++ that flips them
    subject    the machine and the network, with everything in it that the machine can do
    campaign   draws faults, runs them, sorts them
    report     the page
"""
