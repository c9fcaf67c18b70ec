"""A machine's netlist with many mutants in it, chosen by an input that nothing but tests drives."""

import dataclasses
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile

from amaranth.back import rtlil

from accel.page.probes import cpp_name
from accel.params import Params
from accel.rtl.top import Accelerator
from accel.sim.build import Builder, Flavour
from accel.sim.cache import Cache, cache_directory, key_of
from accel.sim.shipped import simulated
from accel.sim.verilog import TOP, Design, fingerprint, wrapped
from accel.sim.yosys import rare_collection
from accel.sim.zeroes import without_zeroes
from tests.mutation import counters

SELECT, BITS = "mutant", 16
#: A wire with a bit for each mutant, whether it would change its bit in this cycle.
INFECTED = "infected"
#: What ``mutate`` makes of a mutant: the comparison with its number, and the choice.
_CHOSEN = re.compile(
    rf"connect \\A \\{SELECT}\n *connect \\B \d+'([01]+)\n *connect \\Y (\S+)\n"
)
_CHOICE = re.compile(
    r"cell \$mux \$auto\$mutate\S+\n(?: *parameter .*\n)*"
    r" *connect \\A (.*)\n *connect \\B (.*)\n *connect \\S (\S+)\n"
)
#: What synthesis removes is no hardware: no mutant is of cells that nothing reads, of bits that are
#: constant, or of names for them.
FLATTEN = """
    read_rtlil machine.il
    proc -norom
    flatten
    opt_clean
    opt -full
    wreduce
    opt_clean -purge
    opt -full
    wreduce
    opt -full
    wreduce
    opt_clean -purge
    wreduce
    opt_clean -purge
    write_rtlil flat.il
    write_json flat.json
"""
#: The mutants' list has one line each; the numbers begin at 1, and 0 is the unchanged machine.
_LIST = """
    read_rtlil flat.il
    mutate -list {count} -seed {seed} -ctrl {select} {bits} 1 -o mutants.ys t:* t:$meminit* %d
"""
_MUTATE = """
    read_rtlil flat.il
    script mutants.ys
    write_rtlil mutated.il
"""
_APPLY = """
    read_rtlil infected.il
    opt_expr
    opt_clean
    memory_collect
    write_verilog -norename -noattr machine.v
"""
_CPP = pathlib.Path(__file__).with_name("machine.cpp")
_HARNESS = pathlib.Path(simulated.__globals__["__file__"]).parent


def available() -> bool:
    """Whether there is a Yosys with ``mutate``: a system's, Amaranth's has none."""
    return shutil.which("yosys") is not None


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A line of the list: what is done to which bit of a cell's port, and the wire there, if known.

    Attributes:
        number: of the mutant; mode: what is done.
        cell, port, bit: where.
        control: the port's bit that decides, with the modes that have one.
        wire: the wire's name and bit, or nothing.
        source: where the cell comes from in the RTL.
    """

    number: int
    mode: str
    cell: str
    port: str
    bit: int
    control: int
    wire: str
    source: str


class Mutants(Builder):
    """Builds the simulator of ``count`` mutants, drawn by ``seed``; none is of a clock.

    Attributes:
        listed: the mutants, once the library was built.
    """

    def __init__(self, count: int, seed: int):
        # What the harness includes, so that a change of it makes another library.
        included = key_of(*(path.read_text() for path in sorted(_CPP.parent.glob("*.h"))))
        super().__init__(flavour=Flavour(
            emit=self._emit,
            verilator=("--no-assert",),  # that one bit of a choice is set: a mutant may differ
            compiler=(f"-I{_HARNESS}", "-DVM_TRACE=0", f"-DINCLUDED={included}"),
            runtime=("verilated", "verilated_threads", "verilated_dpi"), fast="-O1",
            name=f"mutants {count} {seed} {key_of(FLATTEN, _LIST, _MUTATE, _APPLY, 'anywhere')}",
        ))  # fmt: skip
        self._count, self._seed = count, seed

    def _emit(self, params: Params, design: Design) -> str:
        machine = design(params)
        machine._MustUse__silence = True  # only its ports are looked at
        with tempfile.TemporaryDirectory() as name:
            work = pathlib.Path(name)
            shutil.copy(flat(params) / "flat.il", work)
            spare = self._count + self._count // 5 + 10  # some are of clocks, and left out
            yosys(work, _LIST.format(count=spare, seed=self._seed, select=SELECT, bits=BITS))
            listed = [line for line in (work / "mutants.ys").read_text().splitlines()
                      if not re.search(r" -port \S*CLK ", line)][: self._count]  # fmt: skip
            (work / "mutants.ys").write_text("".join(f"{line}\n" for line in listed))
            yosys(work, _MUTATE)
            text = (work / "mutated.il").read_text()
            (work / "infected.il").write_text(
                with_infected(without_zeroes(text), self._numbers(listed))
            )
            yosys(work, _APPLY)
            verilog = (work / "machine.v").read_text()
        verilog = counters.marked(verilog, flat(params))
        # What drives the select is a register that nothing but a test writes.
        verilog = re.sub(r"(?<=[(,] )mutant(?=[,)])|, mutant(?=\))", "", verilog, count=1)
        verilog = re.sub(
            rf"^  input \[\d+:0\] {SELECT};\n  wire (\[\d+:0\]) {SELECT};$",
            rf"  reg \1 {SELECT} /*verilator public_flat_rw*/;", verilog, count=1, flags=re.M,
        )  # fmt: skip
        verilog = re.sub(rf"(  wire \[\d+:0\] {INFECTED});", r"\1 /*verilator public_flat_rd*/;",
                         verilog, count=1)  # fmt: skip
        return "".join(f"// {line}\n" for line in listed) + wrapped(verilog, machine)

    def _verilog(self, params, design, progress):
        text = super()._verilog(params, design, progress)
        self._counters = counters.header(text, flat(params))
        self.listed = [mutant_of(line) for line in re.findall(r"^// (mutate .*)$", text, re.M)]
        return text

    def _verilated(self, work):
        (work / "counters.h").write_text(self._counters)
        (work / "select.h").write_text(
            f"#define SELECT {cpp_name(SELECT)}\n#define INFECTED {cpp_name(INFECTED)}\n"
            f"#define MUTANTS {len(self.listed)}\n"
        )

    def _numbers(self, listed: list[str]) -> list[int]:
        return [mutant_of(line).number for line in listed]

    def simulator(self, params: Params) -> pathlib.Path:
        """The simulator of all mutants, a shared library."""
        return self.build(params, Accelerator, harness=_CPP)


def with_infected(text: str, numbers: list[int]) -> str:
    """RTLIL ``text`` with the wire INFECTED, a bit for each mutant of these numbers."""
    chosen = {wire: int(number, 2) for number, wire in _CHOSEN.findall(text)}
    pairs = {chosen[wire]: (one, other) for one, other, wire in _CHOICE.findall(text)}
    # The first mutant is the lowest bit; Yosys' braces begin with the highest.
    one, other = ("{ " + " ".join(pairs[number][n] for number in reversed(numbers)) + " }"
                  for n in range(2))  # fmt: skip
    count = len(numbers)
    widths = "".join(f"    parameter \\{port}_WIDTH {count}\n" for port in "ABY")
    added = (
        f"  attribute \\keep 1\n  wire width {count} \\{INFECTED}\n"
        f"  cell $xor ${INFECTED}\n    parameter \\A_SIGNED 0\n    parameter \\B_SIGNED 0\n"
        f"{widths}    connect \\A {one}\n    connect \\B {other}\n"
        f"    connect \\Y \\{INFECTED}\n  end\n"
    )
    before, end, behind = text.rpartition("\nend\n")
    return f"{before}\n{added}end\n{behind}"


def flat(params: Params) -> pathlib.Path:
    """The folder with the netlist that mutants are of, flat.il and flat.json."""
    def make(folder):
        with rare_collection():
            text = rtlil.convert(Accelerator(params), name=TOP)
        # Which mutants a seed draws depends on these, and must not on where this folder is.
        text = re.sub(r'(?<=src ")[^"]*?/(?=rtl/|site-packages/)', "/", text)
        (folder / "machine.il").write_text(text)
        yosys(folder, FLATTEN)

    key = key_of(FLATTEN, fingerprint(params), "anywhere")
    return Cache(cache_directory()).entry("flat", key, make)


def yosys(work: pathlib.Path, passes: str) -> None:
    """Run Yosys in a folder."""
    done = subprocess.run(["yosys", "-q", "-p", passes], cwd=work, capture_output=True, text=True,
                          check=False)  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"yosys: {done.stderr or done.stdout}")


def mutant_of(line: str) -> Mutant:
    """What a line of the list says."""
    words = shlex.split(line, posix=False)
    given = dict(zip(words, words[1:], strict=False))
    return Mutant(
        int(words[words.index("-ctrl") + 3]), given["-mode"], given.get("-cell", ""),
        given.get("-port", ""), int(given.get("-portbit", 0)), int(given.get("-ctrlbit", -1)),
        f"{given['-wire']}[{given['-wirebit']}]" if "-wire" in given else "",
        " ".join(after for word, after in zip(words, words[1:], strict=False) if word == "-src"),
    )
