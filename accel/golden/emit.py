"""Words of LLVM's language for the few loops that Numba's own do not make fast.

Addresses and distances are 64-bit numbers, in bytes.
"""

from llvmlite import ir
from numba.core import cgutils

I8, I16, I32, I64 = map(ir.IntType, (8, 16, 32, 64))
F32 = ir.FloatType()


def constant(value) -> ir.Constant:
    """Return a 64-bit number."""
    return ir.Constant(I64, value)


def pointer(builder, base, *offsets, to):
    """Return the sum of addresses as a pointer."""
    for offset in offsets:
        base = builder.add(base, offset)
    return builder.inttoptr(base, to.as_pointer())


def load(builder, kind, base, *offsets, align=4):
    """Return the ``kind`` at the sum of addresses."""
    value = builder.load(pointer(builder, base, *offsets, to=kind))
    value.align = align
    return value


def repeat(builder, value, lanes):
    """Return a vector whose lanes all are ``value``."""
    vector = ir.VectorType(value.type, lanes)
    undefined, places = ir.Constant(vector, ir.Undefined), ir.VectorType(I32, lanes)
    first = builder.insert_element(undefined, value, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(places, None))


def loop(builder, name, count, carried, body):
    """Emit ``for i in range(count)``, at least once, and return what is carried out of it.

    ``body`` takes i and the list of values carried, and returns the list for the next turn.
    """
    before, inside = builder.block, builder.append_basic_block(name)
    builder.branch(inside)
    builder.position_at_end(inside)
    turn = builder.phi(I64)
    turn.add_incoming(constant(0), before)
    phis = [builder.phi(value.type) for value in carried]
    for phi, value in zip(phis, carried, strict=True):
        phi.add_incoming(value, before)
    values = body(turn, phis)
    following = builder.add(turn, constant(1))
    last = builder.block  # not ``inside``, where a loop is in this one
    turn.add_incoming(following, last)
    for phi, value in zip(phis, values, strict=True):
        phi.add_incoming(value, last)
    after = builder.append_basic_block(name + ".after")
    builder.cbranch(builder.icmp_unsigned("<", following, count), inside, after)
    builder.position_at_end(after)
    return values


def call(builder, name, result, *values):
    """Return one of LLVM's own functions of values."""
    kind = ir.FunctionType(result, [value.type for value in values])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), values)
