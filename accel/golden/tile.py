"""A tile of a matrix product whose sums never leave the processor's vector registers.

Numba's loops are as fast as a processor allows in most places, but not here: LLVM finds neither
the instructions that multiply and add several numbers at a time (VNNI's vpdpbusd, AVX2's vpmaddwd)
nor a blocking that uses every register.  So this one loop is written in LLVM's own language.

A tile is ``rows`` by ``vectors`` sums of one vector each.  A step takes four bytes of every row,
repeats them over a whole vector, and takes ``vectors`` vectors from a *stream*; every lane adds

    BYTES:   four products of unsigned bytes (row) and signed bytes (stream) to an int32,
    PAIRS:   two products of int16 (row) and signed bytes (stream) to an int32, or
    FLOATS:  one product to a float32.

AVX2 can multiply bytes, too (vpmaddubsw), but adds two products in 16 bits, where they saturate:
so pairs, whose products are added in 32, are what is exact there.

For int8, rows are windows of an image and the stream holds filters; for floats, rows are filters
and the stream holds windows: their results are wanted in this order.
"""

from typing import NamedTuple

from llvmlite import ir
from numba import types
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from accel.golden.emit import F32, I8, I16, I32, I64, call, constant, load, loop, pointer, repeat

BYTES, PAIRS, FLOATS = "bytes", "pairs", "floats"


class Blocking(NamedTuple):
    """How a tile uses the processor's registers.

    Attributes:
        lanes: sums in a vector; 0 where the processor has no such instruction.
        rows: rows of a tile.
        vectors: vectors of a tile.
    """

    lanes: int
    rows: int
    vectors: int


def features() -> set[str]:
    """What the processor that Numba compiles for has, in LLVM's names."""
    listed = cpu_target.target_context.codegen().magic_tuple()[2].split(",")
    return {name[1:] for name in listed if name.startswith("+")}


def instructions() -> str:
    """Which of a processor's instructions the golden model uses, in a few words."""
    has, processor = features(), cpu_target.target_context.codegen().magic_tuple()[1]
    lanes = [choose(has).lanes for choose in (byte_blocking, pair_blocking, float_blocking)]
    whole = f"vpdpbusd on {32 * lanes[0]} bits" if lanes[0] else "vpmaddwd on 256 bits"
    return (
        f"compiled for {processor}; int8: {whole if any(lanes[:2]) else 'loops'}, depthwise: "
        f"{f'vpmaddwd on {16 * max(pair_widths(has))} bits' if lanes[1] else 'loops'}; float32: "
        + (f"fused multiply-add on {32 * lanes[2]} bits" if lanes[2] else "loops")
    )


def byte_blocking(has: set[str]) -> Blocking:
    """Use 32 registers of 64 bytes, 16 of 32, or none."""
    if {"avx512vnni", "avx512bw", "avx512vl"} <= has:
        return Blocking(16, 6, 4)
    return Blocking(8, 6, 2) if {"avxvnni", "avx2"} <= has else Blocking(0, 0, 0)


def pair_blocking(has: set[str]) -> Blocking:
    """Use 16 registers of 32 bytes, or none."""
    return Blocking(8, 6, 2) if "avx2" in has else Blocking(0, 0, 0)


def pair_widths(has: set[str]) -> tuple[int, ...]:
    """int16 in the vectors whose pairs can be multiplied and added."""
    return tuple(n for n, needs in ((16, "avx2"), (32, "avx512bw")) if needs in has)


def float_blocking(has: set[str]) -> Blocking:
    """Do what byte_blocking does, for floats."""
    if "avx512f" in has:
        return Blocking(16, 8, 3)
    return Blocking(8, 6, 2) if {"avx2", "fma"} <= has else Blocking(0, 0, 0)


def multiply_pairs(builder, one, other):
    """Return [lanes] int32: products of two [2 * lanes] int16, the neighbours' added."""
    lanes = one.type.count // 2
    name = {8: "avx2.pmadd.wd", 16: "avx512.pmaddw.d.512"}[lanes]
    return call(builder, f"llvm.x86.{name}", ir.VectorType(I32, lanes), one, other)


def _multiply_add(builder, element, total, row, stream):
    """Return ``total`` with the products added."""
    lanes, vector = total.type.count, total.type
    if element == FLOATS:
        return call(builder, f"llvm.fma.v{lanes}f32", vector, row, stream, total)
    if element == BYTES:
        return call(builder, f"llvm.x86.avx512.vpdpbusd.{32 * lanes}", vector, total, row, stream)
    row = builder.bitcast(row, stream.type)
    return builder.add(total, multiply_pairs(builder, row, stream))


def _stream_vector(builder, element, lane, lanes, stream, number):
    """Load vector ``number`` from a stream; bytes of pairs become int16."""
    if element != PAIRS:
        return load(builder, ir.VectorType(lane, lanes), stream, constant(number * 4 * lanes))
    narrow = load(builder, ir.VectorType(I8, 2 * lanes), stream, constant(number * 2 * lanes))
    return builder.sext(narrow, ir.VectorType(I16, 2 * lanes))


def emit(builder, blocking: Blocking, element: str, arguments):
    """Emit a tile; ``arguments`` are those of the function that ``tile`` makes."""
    places, taps, tap_count, depth, stream, start, start_pitch, out, out_pitch = arguments
    lanes, rows, vectors = blocking
    lane = F32 if element == FLOATS else I32
    vector, size = ir.VectorType(lane, lanes), 4 * lanes
    stride = vectors * lanes * (2 if element == PAIRS else 4)
    grid = [(row, v) for row in range(rows) for v in range(vectors)]

    def at(base, pitch, row, v):
        return base, builder.mul(pitch, constant(row)), constant(v * size)

    bases = [load(builder, I64, places, constant(8 * row), align=8) for row in range(rows)]
    sums = [load(builder, vector, *at(start, start_pitch, row, v)) for row, v in grid]

    def tap(number, carried):
        offset = load(builder, I64, taps, builder.mul(number, constant(8)), align=8)
        here = [builder.add(base, offset) for base in bases]

        def step(k, carried):
            *sums, stream = carried
            streams = [
                _stream_vector(builder, element, lane, lanes, stream, v) for v in range(vectors)
            ]
            added, skip = [], builder.mul(k, constant(4))
            for row in range(rows):
                value = repeat(builder, load(builder, lane, here[row], skip, align=1), lanes)
                for v in range(vectors):
                    added.append(_multiply_add(
                        builder, element, sums[row * vectors + v], value, streams[v]
                    ))  # fmt: skip
            return [*added, builder.add(stream, constant(stride))]

        return loop(builder, "step", depth, carried, step)

    *sums, _ = loop(builder, "tap", tap_count, [*sums, stream], tap)
    for (row, v), total in zip(grid, sums, strict=True):
        builder.store(total, pointer(builder, *at(out, out_pitch, row, v), to=vector)).align = 4


def tile(blocking: Blocking, element: str):
    """Make a function for compiled code that computes one tile.

    Its arguments are nine unsigned 64-bit numbers, for addresses and distances in bytes:

        places       address of the rows' addresses, uint64 [rows]
        taps         address of offsets that are added to the rows' addresses, int64 [tap_count]
        tap_count    runs of steps, each with its own offset; at least 1
        depth        steps of each run (a row is read for 4 * depth bytes at a tap); at least 1
        stream       address of [tap_count, depth, vectors, lanes] times four bytes, of PAIRS two
        start        address of what the sums begin with, [rows, vectors, lanes]
        start_pitch  from row to row of it; 0 to begin all rows alike
        out          address of [rows, vectors, lanes], written
        out_pitch    from row to row of it
    """

    @intrinsic
    def compute(
        context, places, taps, tap_count, depth, stream, start, start_pitch, out, out_pitch
    ):
        def generate(context, builder, signature, values):
            emit(builder, blocking, element, values)
            return context.get_dummy_value()

        return types.void(*[types.uint64] * 9), generate

    return compute
