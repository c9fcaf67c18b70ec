"""Chains of two-way multiplexers instead of parallel ones, and the sign extension of sign.h."""

import ctypes
import subprocess

import numpy as np
import pytest
from amaranth import Module, unsigned
from amaranth.back import rtlil
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from accel.params import Params
from accel.sim.build import _SIGN
from accel.sim.selects import chain_selects
from accel.sim.toolchain import find_compiler, find_verilator
from accel.sim.verilog import emit_simulated

CELL = r"""
  wire width 2 \s
  cell $pmux $procmux$7
    parameter \S_WIDTH 2
    parameter \WIDTH 4
    connect \A \a
    connect \B { \b \c }
    connect \S \s
    connect \Y \y
  end
"""


class Choice(wiring.Component):
    """One of four numbers, as a state machine would choose it."""

    which: In(unsigned(2))
    number: Out(unsigned(8))

    def __init__(self, params: Params):
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        with m.Switch(self.which):
            for value, number in enumerate((7, 200, 31)):
                with m.Case(value):
                    m.d.sync += self.number.eq(self.number ^ number)
        return m


def test_a_cell_becomes_a_chain():
    text = chain_selects(CELL)
    assert "$pmux " not in text
    assert text.count("cell $mux ") == 2
    # What is chosen by bit 0 are the low bits of B; the last of the chain is the output.
    first, second = text.split("cell $mux ")[1:]
    assert r"connect \A \a" in first and "$b [3:0]" in first and "$s [0]" in first
    assert "$y0" in second and "$b [7:4]" in second and "$s [1]" in second
    assert text.rstrip().endswith(r"connect \y $chain$procmux$7$y1")


def test_a_cell_without_a_port_is_named():
    with pytest.raises(ValueError, match=r"the \$pmux cell \$procmux\$7 has no 'S'"):
        chain_selects(CELL.replace("    connect \\S \\s\n", ""))


def test_other_cells_stay():
    text = rtlil.convert(Choice(Params()), name="top", emit_src=False)
    assert chain_selects(text) == text


def test_no_function_is_left_in_the_verilog():
    assert "function" not in emit_simulated(Params(), Choice)


def test_sign_extension_is_verilators(tmp_path):
    source = tmp_path / "both.cpp"
    source.write_text(
        '#include "verilated.h"\n'
        'extern "C" uint64_t theirs(int n, uint32_t a, uint64_t b, int k) {\n'
        "  switch (k) {\n"
        "    case 0: return VL_EXTENDS_II(32, n, a);\n"
        "    case 1: return VL_EXTENDS_QI(64, n, a);\n"
        "    case 2: return VL_EXTENDS_QQ(64, n, b);\n"
        "    case 3: return VL_MULS_III(n, a, a >> 1);\n"
        "    default: return VL_MULS_QQQ(n, b, b >> 1);\n"
        "  }\n}\n"
    )
    include = find_verilator() / "include"
    libraries = []
    for name, flags in (("theirs", []), ("ours", ["-include", str(_SIGN)])):
        path = tmp_path / f"{name}.so"
        subprocess.run(
            [find_compiler(), "-std=gnu++17", "-shared", "-fPIC", "-w", f"-I{include}",
             f"-I{include / 'vltstd'}", "-Wl,--unresolved-symbols=ignore-all", *flags,
             str(source), "-o", str(path)],
            check=True,
        )  # fmt: skip
        libraries.append(ctypes.CDLL(str(path), mode=ctypes.RTLD_LOCAL).theirs)
    for library in libraries:
        library.restype = ctypes.c_uint64
        library.argtypes = (ctypes.c_int, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_int)
    random = np.random.default_rng(1)
    for kind, most in enumerate((32, 32, 63, 32, 63)):
        for bits in range(1, most + 1):
            # Verilator's values have no bits above their width.
            for value in random.integers(0, 1 << bits, 20, np.uint64).tolist():
                theirs, ours = (f(bits, value & 0xFFFFFFFF, value, kind) for f in libraries)
                assert theirs == ours, (kind, bits, value)
