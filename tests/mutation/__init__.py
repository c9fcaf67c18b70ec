"""Mutants of the RTL's netlist: how many of them the tests' programs notice.

    python -m tests.mutation --count 1000 --seed 1 [--report reports/mutation.md]
        [--results FILE --minutes 8 --prove]

Yosys' ``mutate`` changes one bit of one port of one cell (inverted, stuck at 0 or 1, or inverted
while another bit is 0 or 1), all over the flat netlist.  All mutants are in one netlist, each
active for one value of an input, so that one build of Verilator is enough; then each runs the cases
until one of them ends otherwise than the unchanged machine: another byte in memory, counter or
register, another transaction, a rule of the bus that is broken, another error or none.  Cases in
which the unchanged machine shows that a mutant would never change its bit are left out for it.
What nothing notices may be proved equivalent.

    netlist     the mutants, and the simulator with all of them
    case        a program, and how it ends
    cases       programs: layers, chains, networks, errors, registers; stalls on the bus
    directed    programs for every bit of a requantiser, far addresses, full queues
    counts      programs whose counts have many bits
    singles     commands alone, with their fields at their ends
    rare        what networks and random programs seldom are, of these:
    crowded     results scattered in a slow memory
    beyond      addresses beyond the memory
    waits       each wait of each command, alone
    ties        products a few units from a tie
    scaled      two bytes, brought to numbers of any size
    missed      what all others missed, one by one
    high        programs whose counters begin high, as after billions of cycles
    counters    those counters' registers
    host        hosts that do anything at any time
    campaign    runs mutants
    results     verdicts in a file
    graph, window, equivalent    proofs that a mutant changes nothing, by k-induction
    unreachable the same with invariants that are found
    report      the page
"""
