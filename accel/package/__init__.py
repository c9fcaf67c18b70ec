"""A network as an IP for somebody's own system: Verilog, program, driver, testbench, pages.

    plan        which tensors are the inputs and outputs, and what softmax follows
    image       the program image: header and payload, as .bin, .hex and C
    network_c   NAME.h and NAME.c: ports, scales, tables
    registers   the register map as a C header and as SystemRDL
    memory_map  all of that as JSON
    readme      the page; core_file: FuseSoC
    writer      puts the folder together, whole or not at all
    check       runs a package's own testbench
    driver/     C99: registers, start and end, conversion; bare metal and Linux UIO
    examples/   whole programs; names of the network are put in
    sim/        cocotb: the driver, compiled, on the machine's Verilog
    system/     a RISC-V processor, the machine, a memory: firmware that classifies images

What others' users ask for was the guide: a driver in C and not only in Python, an AXI wrapper that
need not be written by hand, a wait that ends when no interrupt comes, and inputs whose scale and
order are written down.
"""

from accel.package.check import check as check
from accel.package.plan import PackageError as PackageError
from accel.package.writer import package as package
