"""What of the RTL the campaigns' programs reach: branches, toggles, and points of the command set.

    python -m tests.coverage [--layers 20 --chains 10] [--report reports/coverage.md]

Branches are Amaranth's m.If, m.Switch and Mux, each arm of which must be taken; toggles are bits
that synthesis leaves, each of which must rise and fall.  Both are counted by Verilator.  Points are
what commands, memories and outcomes hold, counted here.

    netlist   the machine with its branches, the simulator that counts, the bits that are hardware
    machine   that simulator's harness, a host, and counters that may begin high
    counts    Verilator's counts: branches and toggles with their places
    counting  runs programs on it, and on the ordinary simulator: both must end alike
    campaign  what runs, and what must come out of it
    directed  programs for what others reach rarely
    waits     programs in which one command waits for one thing
    endings   runs that end badly, or are aborted
    ends      single commands with fields at their ends
    features  what can be told of a command alone
    points    functional coverage
    waivers   what cannot be reached, and why (waivers.toml)
    report    the page
"""
