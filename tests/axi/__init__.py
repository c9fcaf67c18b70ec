"""The written Verilog behind verification IP that is not ours: cocotbext-axi's memory and master.

Programs run one after the other on ``accelerator_axi``, the module that users put into a system,
while every channel pauses at random, reads and writes fail at random and resets come at random.
After each run every byte of every stored tensor is compared with the golden model's; a monitor of
the channels checks what cocotbext-axi takes without a word.

    python -m pytest tests/axi                     a sample in Icarus
    python -m pytest -m campaign tests/axi         many programs in Verilator
    python -m tests.axi --programs 500 --seed 1 [--report reports/axi.md]

    programs  random layers and chains, their memory and what golden wants in it
    machine   the host: registers, memory, pauses, monitor
    bench     what is done to the machine; cocotb runs it inside the simulator
    run       build, simulate, collect
"""
