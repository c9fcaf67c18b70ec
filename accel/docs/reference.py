"""Pages that the source writes: each is made of what the RTL, the compiler or the command uses."""

import dataclasses
import importlib
import inspect
import io
import re
import textwrap
import tokenize
from collections.abc import Callable, Iterable

import click

import accel
from accel import isa, machines
from accel.machines.fields import TABLES, meaning
from accel.machines.sizes import HOW, SIZES, USES
from accel.registers import REGISTERS
from accel.report import fields, operators, style
from accel.rtl import core

#: The rooms of the machine, in the order of the data.
ROOMS = ("control", "memory", "im2col", "array", "post", "pool", "window", "parts")

#: Letters of a line of a command's help.
_WIDE = 80
#: What is reached through a public class, and is documented with it.
_WITHIN = ("result.LayerResult", "result.Inside", "batch.Batch", "program.Program",
           "program.Placement", "program.Layer", "program.Step", "machines.machine.Machine",
           "sim.engine.Outcome", "isa.Rounding", "isa.Error")  # fmt: skip
#: What a Graph is made of.
_NETWORK = ("tensors", "layers", "movements", "hosted")


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown; bars in cells are text."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def instructions() -> str:
    """The instruction set, from accel.isa: what the RTL decodes and the compiler encodes."""
    parts = ["# Instruction set", inspect.getdoc(isa), "## Commands"]
    told = _comments(inspect.getsource(isa))
    for op, layout in isa.FIELDS.items():
        rows = [
            (f"`{one.name}`", f"{one.low + one.width - 1}:{one.low}", one.width,
             "signed" if one.signed else "", f"{one.range[0]:,} to {one.range[1]:,}")
            for one in layout
        ]  # fmt: skip
        parts += [f"### {op.name} ({int(op)})", told[op.name],
                  table(("field", "bits", "width", "", "values"), rows)]  # fmt: skip
    parts.append("## What fields mean by number")
    for kind in (isa.Rounding, isa.WindowMode, isa.Pool, isa.Error):
        rows = ((int(one), f"`{one.name}`") for one in kind)
        parts += [f"### {kind.__name__}", inspect.getdoc(kind), table(("value", "name"), rows)]
    words = ((number, f"`{name}`") for name, number in isa.RECORD.items())
    parts += ["## A record of counters",
              f"With `mark` a layer's last command writes {isa.RECORD_WORDS} words of 32 bits to "
              "memory when it is complete, and the registers show the same:",
              table(("word", "counter"), words)]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _comments(source: str) -> dict[str, str]:
    """The comment before each command's fields, by the command."""
    found, lines = {}, []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            lines.append(token.string.lstrip("#: "))
        elif token.type == tokenize.NAME and token.line.lstrip().startswith("Op."):
            found.setdefault(token.line.strip()[3:].partition(":")[0], _literal(" ".join(lines)))
            lines = []
        elif token.type not in (tokenize.NL, tokenize.NEWLINE):
            lines = []
    return found


def _literal(text: str) -> str:
    """Prose whose stars are multiplications; what is between backticks is code already."""
    parts = text.split("`")
    for n in range(0, len(parts), 2):
        parts[n] = parts[n].replace("*", "\\*").replace("_", "\\_")
    return "`".join(parts)


def registers() -> str:
    """The registers, from accel.registers: what the RTL answers with."""
    rows = []
    for register, bits in REGISTERS.items():
        for one in bits:
            access = {"r": "read", "w": "write", "rw": "read, write"}[one.access]
            where = f"{one.low + one.width - 1}:{one.low}" if one.width > 1 else str(one.low)
            rows.append((f"{int(register):#04x}", f"`{register.name}`", where, access, one.meaning))
    return "\n\n".join((
        "# Registers",
        "AXI4-Lite, 32 bits wide, at these byte addresses. Other addresses read 0 and ignore "
        "writes; so do other bits. The interrupt is high from the end of a program, or an error, "
        "until it is cleared.",
        table(("address", "register", "bits", "access", "what"), rows),
        "[From Verilog to a system](../tutorials/system.md) starts a program with them.",
    )) + "\n"  # fmt: skip


def machine_file() -> str:
    """A machine's file: every field with what it means, and the machines with names."""
    parts = ["# A machine in a file",
             "`accel machine default` prints such a file with all fields; `--machine FILE.toml` "
             "takes one on every command that has a machine. What a file leaves out is as in "
             "`default`."]  # fmt: skip
    for name, kind in TABLES.items():
        told = meaning(name)
        rows = [(f"`{one.name}`", _default(one.default), told[one.name])
                for one in dataclasses.fields(kind)]  # fmt: skip
        parts += [f"## `[{name}]`", table(("field", "by default", "what"), rows)]
    rows = [(f"`{name}`", USES[name], *_size(name)) for name in machines.names()]
    parts += ["## Machines with names", " ".join(HOW.split()) + ".",
              table(("name", "for", "LUT", "FF", "DSP", "block RAM"), rows),
              "The smallest one with every block, in full:",
              f"```toml\n{machines.written(machines.open_machine('small'))}```"]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _default(value: object) -> str:
    return "follows from the columns" if value is None else f"`{str(value).lower()}`"


def _size(name: str) -> tuple[str, ...]:
    if name not in SIZES:
        return ("-",) * 4
    return tuple(f"{value:,}" for value in dataclasses.astuple(SIZES[name]))


def report() -> str:
    """report.json, from accel.report.fields, which a test holds against real reports."""
    parts = ["# report.json",
             "What `accel run` and `accel estimate` write, and what `accel.run(...).report` holds. "
             "A field with a question mark is there only where it says something."]  # fmt: skip
    for title, known in (
        ("The report", fields.REPORT), ("A layer: `layers[]`", fields.LAYER),
        ("The timeline: `timeline[]`", fields.EVENT), ("The total: `total`", fields.TOTAL),
    ):  # fmt: skip
        rows = ((f"`{name.removesuffix('?')}`{'?' * name.endswith('?')}", text)
                for name, text in known.items())  # fmt: skip
        parts += [f"## {title}", table(("field", "what"), rows)]
    causes = ((f"`{name}`", text) for name, text in style.MEANING.items())
    parts += ["## What cycles go to", "As reports and plots call it; `useful` and `edge` are busy "
              "cycles, the others idle ones.", table(("what", "the array was"), causes)]
    return "\n\n".join(parts) + "\n"


def commands() -> str:
    """Every command's own help."""
    from accel.cli import main

    parts = ["# Commands", "What each says with `--help`."]
    sizes = {"max_content_width": _WIDE, "terminal_width": _WIDE}
    with click.Context(main, info_name="accel", **sizes) as parent:
        for name in sorted(main.commands):
            for words, command in _below(name, main.commands[name]):
                context = click.Context(command, parent, words, **sizes)
                parts += [f"## accel {words}", f"```text\n{command.get_help(context)}\n```"]
    return "\n\n".join(parts) + "\n"


def _below(words: str, command: click.Command) -> Iterable[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield words, command
        return
    for name, one in sorted(command.commands.items()):
        yield from _below(f"{words} {name}", one)


def interface() -> str:
    """The public names, by what they are; Sphinx reads signatures and docstrings."""
    found: dict[str, list[str]] = {"Functions": [], "Classes": [], "Errors": []}  # in this order
    for name in sorted(accel.__all__):
        thing = getattr(accel, name)
        if not inspect.isclass(thing):
            found["Functions"].append(f".. autofunction:: accel.{name}")
        elif issubclass(thing, BaseException):
            found["Errors"].append(f".. autoexception:: accel.{name}")
        else:
            found["Classes"].append(f".. autoclass:: accel.{name}\n   :members:")
    found["Classes"] += [f".. autoclass:: accel.{name}\n   :members:" for name in _WITHIN]
    found["Networks"] = [f".. automodule:: accel.graph.{name}\n   :members:" for name in _NETWORK]
    parts = ["# Python interface",
             "Everything that `accel` itself has is public; the examples are tests."]  # fmt: skip
    for title, lines in found.items():
        parts += [f"## {title}", "```{eval-rst}\n" + "\n\n".join(lines) + "\n```"]
    return "\n\n".join(parts) + "\n"


def rooms() -> str:
    """The rooms of the machine, as their docstrings draw them."""
    import accel.rtl

    parts = ["# The rooms", "What the source says of each room: `rtl/` has a folder for each.",
             "## The machine", _drawn(accel.rtl)]  # fmt: skip
    for name in ROOMS:
        parts += [f"## {name}", _drawn(importlib.import_module(f"accel.rtl.{name}"))]
    parts += ["## The wires between them", _drawn(core)]
    return "\n\n".join(parts) + "\n"


def _drawn(module) -> str:
    """A docstring: its drawings and tables as they are, its prose as prose."""
    parts: list[tuple[bool, str]] = []
    for block in inspect.getdoc(module).split("\n\n"):
        prose = textwrap.dedent(block)
        drawing = re.search(r"^ |\S   +\S|-->|--\+", prose, re.M) is not None
        block = block if drawing else prose
        if drawing and parts and parts[-1][0]:
            block = f"{parts.pop()[1]}\n\n{block}"
        parts.append((drawing, block))
    return "\n\n".join(f"```text\n{block}\n```" if drawing else _literal(_plain(block))
                       for drawing, block in parts)  # fmt: skip


def _plain(text: str) -> str:
    """Prose with roles and double backticks as Markdown's backticks."""
    return re.sub(r":\w+:`", "`", text).replace("``", "`")


#: The pages by the name of their file.
PAGES: dict[str, Callable[[], str]] = {
    "reference/instructions.md": instructions, "reference/registers.md": registers,
    "reference/machine.md": machine_file, "reference/report.md": report,
    "reports/operators.md": operators.page, "reference/commands.md": commands,
    "reference/python.md": interface, "machine/rooms.md": rooms,
}  # fmt: skip
