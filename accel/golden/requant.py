"""Requantisation in vectors: what accel.quant.requantise_rows does, several times as fast.

All that depends on the channel alone is computed beforehand, and the rest is a few instructions
for 16 channels at once.  Rounding once is (product + half) >> right, on 64 bits.  Rounding twice is

    first = (product + early) >> before
    (first + half + (less if first < 0 else 0)) >> right

where DOUBLE's first step is its rounding to the product's upper half, and AWAY has none; ``less``
is -1 for both, so that halves go away from zero.  FLOAT multiplies float32, and so does ODD, with
halves to odd.

Where every ``right`` is at least 32, as in nearly every layer, rounding once needs only the upper
halves of its 64 bits, and what follows fits into half as many registers: UPPER.
"""

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from accel import quant
from accel.compiled import compiled
from accel.golden.emit import F32, I8, I32, I64, call, constant, load, loop, pointer, repeat
from accel.graph.ir import Requant
from accel.isa import Rounding

#: The one definition of requantisation, compiled.
requantise_rows = compiled(quant.requantise_rows)

#: Channels that are computed at once: sums and recipes are filled up to a multiple of them.
WIDTH = 16
ONCE, TWICE, FLOAT, UPPER, ODD = range(5)
_WAYS = {"SINGLE": ONCE, "DOUBLE": TWICE, "AWAY": TWICE, "FLOAT": FLOAT, "FLOAT_ODD": ODD}


class Recipe(NamedTuple):
    """Requantisation, ready for compiled code; channels are filled up.

    Attributes:
        way: ONCE, TWICE, FLOAT, UPPER or ODD.
        zero: added to the rounded value.
        lo: of the rounded value, as ``hi``: they keep it, plus zero, in the node's range.
        hi: see ``lo``.
        steps: int64 [6, channels]: multiplier (of FLOAT and ODD the bits of a float32), right,
            half, early, before and less.
    """

    way: int
    zero: int
    lo: int
    hi: int
    steps: np.ndarray


def recipe(need: Requant, places=None) -> Recipe:
    """Compute a Recipe, for the channels ``need[places]`` if given."""
    places = np.arange(len(need.multiplier)) if places is None else places
    places = np.pad(places, (0, -len(places) % WIDTH))
    multiplier, left = (each.astype(np.int64)[places] for each in (need.multiplier, need.shift))
    way = _WAYS[need.rounding.name]
    steps = np.zeros((6, len(places)), np.int64)
    steps[0], steps[1] = multiplier, 31 - left
    if need.rounding == Rounding.DOUBLE:
        two = left < 0  # a left shift leaves nothing to round twice
        steps[1, two] = -left[two]
        steps[3, two], steps[4, two], steps[5, two] = 1 << 30, 31, -1
    elif need.rounding == Rounding.AWAY:
        steps[5] = -1
    elif way in (FLOAT, ODD):
        power = np.ldexp(np.float32(1), left - 31).astype(np.float32)
        steps[0] = (multiplier.astype(np.float32) * power).view(np.int32)
    elif need.rounding == Rounding.SINGLE:
        steps[1, multiplier == 0] = 32  # whose shift means nothing
        way = UPPER if steps[1].min() >= 32 else ONCE
    steps[2] = 1 << (steps[1] - 1)
    zero = int(need.zero_point)
    return Recipe(way, zero, int(need.lo) - zero, int(need.hi) - zero, steps)


def _many(value):
    """Return a constant for all channels."""
    kind = ir.VectorType(value.type, WIDTH)
    return ir.Constant(kind, [value.constant] * WIDTH)


def _between(builder, value, bounds, most, least):
    """Return ``value`` inside of (lo, hi), by LLVM's functions of these names."""
    for name, bound in zip((most, least), bounds, strict=True):
        value = call(builder, name, value.type, value, repeat(builder, bound, WIDTH))
    return value


def _pick(builder, lanes, one, other=None):
    """Return the vector of lanes of ``one`` and then of ``other``."""
    places = ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes))
    other = ir.Constant(one.type, ir.Undefined) if other is None else other
    return builder.shuffle_vector(one, other, places)


def _by_integers(builder, way, steps, bounds, sums):
    """Return [WIDTH] int64: rounded and bounded."""
    multiplier, right, half, early, before, less = steps
    wide = half.type
    factor = builder.sext(builder.trunc(multiplier, sums.type), wide)  # 32 bits, LLVM now knows
    value = builder.mul(builder.sext(sums, wide), factor)
    if way == TWICE:
        value = builder.ashr(builder.add(value, early), before)
        sign = builder.ashr(value, _many(constant(63)))
        value = builder.add(value, builder.and_(sign, less))
    value = builder.ashr(builder.add(value, half), right)
    return _between(builder, value, bounds, f"llvm.smax.v{WIDTH}i64", f"llvm.smin.v{WIDTH}i64")


def _by_upper_halves(builder, steps, bounds, sums):
    """Return [WIDTH] int32: rounded and bounded; even and odd channels are multiplied apart."""
    kind = ir.VectorType(I64, WIDTH // 2)
    low = ir.Constant(kind, [32] * (WIDTH // 2))
    pairs = builder.bitcast(sums, kind)
    products = []
    for odd in (0, 1):
        multiplier, half = (_pick(builder, range(odd, WIDTH, 2), steps[i]) for i in (0, 2))
        multiplier = builder.ashr(builder.shl(multiplier, low), low)
        own = builder.ashr(pairs if odd else builder.shl(pairs, low), low)
        products.append(builder.add(builder.mul(own, multiplier), half))
    even, odd = (builder.bitcast(product, sums.type) for product in products)
    upper = [i + 1 if i % 2 == 0 else WIDTH + i for i in range(WIDTH)]
    value = _pick(builder, upper, even, odd)
    right = builder.sub(builder.trunc(steps[1], sums.type), _many(ir.Constant(I32, 32)))
    value = builder.ashr(value, right)
    bounds = [builder.trunc(bound, I32) for bound in bounds]
    return _between(builder, value, bounds, f"llvm.smax.v{WIDTH}i32", f"llvm.smin.v{WIDTH}i32")


def _by_floats(builder, way, steps, bounds, sums):
    """Return [WIDTH] int32: bounded and rounded half to even, or of ODD to odd.

    Compared and selected instead of by LLVM's maxnum and minnum, which would look for NaN.
    """
    kind = ir.VectorType(F32, WIDTH)
    factor = builder.bitcast(builder.trunc(steps[0], sums.type), kind)
    value = builder.fmul(builder.sitofp(sums, kind), factor)
    for order, bound in zip("><", bounds, strict=True):
        bound = repeat(builder, builder.sitofp(bound, F32), WIDTH)
        inside = builder.fcmp_ordered(order, value, bound)
        value = builder.select(inside, value, bound)
    nearest = call(builder, f"llvm.lrint.v{WIDTH}i32.v{WIDTH}f32", sums.type, value)
    if way == FLOAT:
        return nearest
    # What is left of a half to an even number points to the odd one.
    left = builder.fsub(value, builder.sitofp(nearest, kind))
    for half, step in ((0.5, 1), (-0.5, -1)):
        there = builder.fcmp_ordered("==", left, ir.Constant(kind, [half] * WIDTH))
        other = builder.add(nearest, ir.Constant(sums.type, [step] * WIDTH))
        nearest = builder.select(there, other, nearest)
    return nearest


def _store(builder, value, place, count):
    """Store the first ``count`` of a vector's bytes."""
    every = builder.icmp_unsigned(">=", count, constant(WIDTH))
    with builder.if_else(every) as (whole, part):
        with whole:
            builder.store(value, pointer(builder, place, to=value.type)).align = 1
        with part:  # as eight, four, two bytes and one, where the count has these bits
            bits = builder.bitcast(value, ir.IntType(8 * WIDTH))
            for size in (8, 4, 2, 1):
                some = builder.icmp_unsigned("!=", builder.and_(count, constant(size)), constant(0))
                kind = ir.IntType(8 * size)
                with builder.if_then(some):
                    target = pointer(builder, place, to=kind)
                    builder.store(builder.trunc(bits, kind), target).align = 1
                rest = builder.lshr(bits, ir.Constant(bits.type, 8 * size))
                bits = builder.select(some, rest, bits)
                place = builder.add(place, builder.and_(count, constant(size)))


def _emit(builder, way, arguments):
    """Emit a function of ``requantiser``."""
    sums, sums_pitch, rows, steps, steps_pitch, zero, lo, hi, out, out_pitch, count = arguments
    wide, result = ir.VectorType(I64, WIDTH), ir.VectorType(I8, WIDTH)
    steps = [
        load(builder, wide, steps, builder.mul(steps_pitch, constant(i)), align=8)
        for i in range(6)
    ]  # fmt: skip
    zero = repeat(builder, builder.trunc(zero, I8), WIDTH)

    def row(i, carried):
        values = load(builder, ir.VectorType(I32, WIDTH), sums, builder.mul(i, sums_pitch))
        if way in (FLOAT, ODD):
            value = _by_floats(builder, way, steps, (lo, hi), values)
        elif way == UPPER:
            value = _by_upper_halves(builder, steps, (lo, hi), values)
        else:
            value = _by_integers(builder, way, steps, (lo, hi), values)
        value = builder.add(builder.trunc(value, result), zero)
        _store(builder, value, builder.add(out, builder.mul(i, out_pitch)), count)
        return carried

    loop(builder, "row", rows, [], row)


def _requantiser(way: int):
    """Make a function for compiled code: requantise rows of WIDTH int32 sums to int8.

    Its arguments are the addresses of sums, a recipe's steps and the result, with distances in
    bytes from row to row, a recipe's other numbers, and how many of a row's results are stored
    (at least 1; WIDTH or more: all); all are int64.
    """

    @intrinsic
    def compute(
        context, sums, sums_pitch, rows, steps, steps_pitch, zero, lo, hi, out, out_pitch, count
    ):
        def generate(context, builder, signature, values):
            _emit(builder, way, values)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 11), generate

    return compute


_once, _twice, _float, _upper, _odd = map(_requantiser, (ONCE, TWICE, FLOAT, UPPER, ODD))


@compiled
def follow(recipe, channel, sums, rows, out, first, pitch, count):
    """Requantise rows of sums.

    Args:
        recipe: see Recipe.
        channel: of the recipe, for the first column.
        sums: int32 [at least rows, at least count, filled up].
        rows: to requantise, at least 1.
        out: int8, flat.
        first: element of ``out`` to begin at.
        pitch: elements from row to row of it.
        count: columns.
    """
    way, zero, lo, hi, table = recipe
    from_row, from_step = sums.strides[0], table.strides[0]
    for i in range(0, count, WIDTH):
        source, steps = sums.ctypes.data + 4 * i, table.ctypes.data + 8 * (channel + i)
        target, own = out.ctypes.data + first + i, count - i
        if way == UPPER:
            _upper(source, from_row, rows, steps, from_step, zero, lo, hi, target, pitch, own)
        elif way == ONCE:
            _once(source, from_row, rows, steps, from_step, zero, lo, hi, target, pitch, own)
        elif way == TWICE:
            _twice(source, from_row, rows, steps, from_step, zero, lo, hi, target, pitch, own)
        elif way == FLOAT:
            _float(source, from_row, rows, steps, from_step, zero, lo, hi, target, pitch, own)
        else:
            _odd(source, from_row, rows, steps, from_step, zero, lo, hi, target, pitch, own)


@compiled
def follow_alike(recipe, place, sums, out, first, count):
    """Requantise ``count`` sums that lie beside each other, all by one entry of a recipe.

    Args:
        recipe: of ``recipe_alike``.
        place: of the entry.
        sums: int32, flat, filled up to a multiple of WIDTH.
        out: int8, flat.
        first: element of ``out`` to begin at.
        count: sums.
    """
    table, channel, whole = sums.reshape(-1, WIDTH), place * WIDTH, count // WIDTH
    # Numbers that are known while this is compiled would be compiled for, each anew.
    width, rest = table.shape[1], table[whole : whole + 1]
    if whole:
        follow(recipe, channel, table, whole, out, first, width, width)
    if count % WIDTH:
        follow(recipe, channel, rest, len(rest), out, first + whole * width, width, count % width)


def recipe_alike(need: Requant) -> Recipe:
    """Compute a Recipe for ``follow_alike``, whose entries are need's channels."""
    return recipe(need, np.repeat(np.arange(len(need.multiplier)), WIDTH))
