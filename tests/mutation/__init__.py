"""Mutants of the RTL's netlist: how many of them the tests' networks notice.

    python -m tests.mutation --count 1000 --seed 1 [--report reports/mutation.md]

Yosys' ``mutate`` changes one bit of one port of one cell (inverted, stuck at 0 or 1, or inverted
while another bit is 0 or 1), all over the flat netlist.  All mutants are in one netlist, each
active for one value of an input, so that one build of Verilator is enough; then each runs the cases
until one of them ends otherwise than the unchanged machine: another byte in memory, counter or
register, a rule of the bus that is broken, another error or none.

    netlist   the mutants, and the simulator with all of them
    cases     programs: layers, chains, a whole network, errors, registers; stalls on the bus
    campaign  runs mutants
    report    the page
"""
