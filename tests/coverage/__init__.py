"""What of the RTL the campaigns' programs reach: branches, toggles, and points of the command set.

    python -m tests.coverage [--layers 150 --chains 60] [--report reports/coverage.md]

Branches are Amaranth's m.If, m.Switch and Mux, each arm of which must be taken; toggles are bits
that synthesis leaves, each of which must rise and fall.  Both are counted by Verilator.  Points are
what programs, memories and outcomes hold, counted here (tests/coverage/points.py).

    netlist   the machine with its branches, the simulator that counts, the bits that are hardware
    counts    Verilator's counts: branches and toggles with their places
    points    functional coverage
    campaign  programs, run one after the other, their counts added
    report    the page
"""
