"""The numbers of a machine and its memory that the model needs, as one vector.

The latencies that the RTL builds from constants of its own are repeated here; the tests that
compare the model with the RTL hold them together.
"""

import numpy as np

from accel import dram
from accel.cyclemodel.commands import QUEUES
from accel.isa import COMMAND_BYTES, FIELDS, RECORD_BYTES
from accel.params import (
    ACC_READ_LATENCY,
    IM2COL_LATENCY,
    MAX_BURST,
    PE_LATENCY,
    REQUANT_LATENCY,
    Params,
)

#: Cycles from a command's acceptance to its verdict, and how many more a pooled POST takes.
CHECK_LATENCY = 6
POOL_LATENCY = 9
#: Cycles that the done counts take to each engine, through registers of their own.
DONE_EXEC_DELAY, DONE_LOAD_DELAY, DONE_WEIGHTS_DELAY, DONE_POST_DELAY, DONE_WINDOW_DELAY = range(
    1, 6
)
DONE_DELAYS = DONE_WINDOW_DELAY
#: Cycles from a pixel's decision to what follows from it: the issue itself is a cycle later.
COMPLETION_LATENCY = IM2COL_LATENCY + 1
#: Cycles from an accumulator address to its parameters' last use, and to its activations.
PARAMS_READ_LATENCY = ACC_READ_LATENCY + 1
ACTIVATION_LATENCY = 2
READER_LATENCY = PARAMS_READ_LATENCY + REQUANT_LATENCY + ACTIVATION_LATENCY
#: Vectors that the block reader may have under way.
VECTORS = 1 << (READER_LATENCY + 2).bit_length()
#: Cycles from a vector's last sum to the average pooling's queue, and vectors under way there.
AVERAGE_LATENCY = REQUANT_LATENCY + 2
#: Cycles from a group of taps to its sums, without the tree's levels; that additions take longer.
COLUMN_LATENCY = 3
SCALE_LATENCY = 6
#: Bits of the words in which commands travel to their queues.
WORD_BITS = 64
#: Commands that the fetcher's buffer holds, and that one burst brings at most.
PREFETCH = 8
BURST_COMMANDS = 4

#: Places in the vector.
(
    BUS, BUS_SHIFT, CHUNK, CHUNK_SHIFT, LANE_SHIFT, LOAD_BEATS, ROWS, COLS, QUEUE_DEPTH,
    PREFETCH_DEPTH, PREFETCH_BURST, PIECES, BURST_SHIFT, TILE_BYTES, PARAM_BYTES, PARAM_WORDS,
    WORDS_PER_ENTRY, TILE_ENTRIES, WEIGHT_BEATS, ENTRY_BEATS, BLOCK_LATENCY, GROUPS,
    AVERAGE_VECTORS, RECORD_PIECES, LATENCY, RATE, CHECK, CHECK_POOL,
    TAPS, TAP_SHIFT, WINDOW_FILL_SHIFT, WINDOW_CHUNK_SHIFT, WINDOW_TILE_BYTES, WPARAM_BEATS,
    WINDOW_LATENCY, WINDOW_SLOT_LATENCY, WINDOW_PACE, WINDOW_VECTORS, SIZE,
) = range(39)  # fmt: skip
#: Words of a command of each queue, behind the other numbers; then the DRAM's (accel.dram).
WORDS = SIZE
DRAM = SIZE + len(QUEUES)
LENGTH = DRAM + dram.NUMBERS


def _log2(value: int) -> int:
    return value.bit_length() - 1


def _window(params: Params, entry: int) -> dict[int, int]:
    """The numbers of the window unit."""
    taps, bus, lanes = params.window_taps, params.bus_bytes, params.window_taps * params.cols
    groups = params.cols // params.window_lanes
    compute = IM2COL_LATENCY + COLUMN_LATENCY + _log2(taps)
    requantise = 1 + REQUANT_LATENCY + groups
    way = compute + SCALE_LATENCY + requantise + 4
    return {
        TAPS: taps, TAP_SHIFT: _log2(taps), WINDOW_FILL_SHIFT: _log2(lanes),
        WINDOW_CHUNK_SHIFT: _log2(min(bus, lanes // 2)), WINDOW_TILE_BYTES: lanes,
        WPARAM_BEATS: 4 * max(MAX_BURST, entry // bus),
        WINDOW_LATENCY: compute + requantise, WINDOW_SLOT_LATENCY: compute + groups + 1,
        WINDOW_PACE: groups,
        WINDOW_VECTORS: 1 << (way * params.window_lanes // params.cols + 4).bit_length(),
    }  # fmt: skip


def shape(
    params: Params, latency: int, bytes_per_cycle: int, chip: str = "",
    clock_mhz: int = dram.CLOCK_MHZ,
) -> np.ndarray:
    """The vector for a machine and a memory (``bytes_per_cycle`` 0 is the bus width)."""
    bus = params.bus_bytes
    chunk = min(bus, params.rows)
    entry = max(params.cols, bus)
    values = {
        BUS: bus, BUS_SHIFT: _log2(bus), CHUNK: chunk, CHUNK_SHIFT: _log2(chunk),
        LANE_SHIFT: _log2(params.rows), LOAD_BEATS: params.load_beats, ROWS: params.rows,
        COLS: params.cols, QUEUE_DEPTH: params.queue_depth,
        PREFETCH_DEPTH: PREFETCH * COMMAND_BYTES // bus,
        PREFETCH_BURST: min(MAX_BURST, BURST_COMMANDS * COMMAND_BYTES // bus),
        PIECES: max(COMMAND_BYTES // bus, bus // COMMAND_BYTES),
        BURST_SHIFT: _log2(MAX_BURST * bus),
        TILE_BYTES: params.tile_bytes, PARAM_BYTES: params.param_bytes,
        PARAM_WORDS: params.param_words, WORDS_PER_ENTRY: entry // params.cols,
        TILE_ENTRIES: params.tile_bytes // entry,
        WEIGHT_BEATS: max(params.weight_tiles * params.tile_bytes // bus, 4 * MAX_BURST),
        ENTRY_BEATS: entry // bus,
        # A decision becomes a tag a cycle later; the tag passes buffer, array and accumulators.
        BLOCK_LATENCY: 1 + IM2COL_LATENCY + params.rows + PE_LATENCY + params.cols - 1,
        GROUPS: params.cols // params.post_lanes,
        AVERAGE_VECTORS: 2 + (REQUANT_LATENCY + 4) // params.cols,
        RECORD_PIECES: max(1, RECORD_BYTES // bus),
        LATENCY: latency, RATE: bytes_per_cycle or bus, CHECK: CHECK_LATENCY,
        CHECK_POOL: POOL_LATENCY,
    }  # fmt: skip
    vector = np.zeros(LENGTH, np.int64)
    if params.window_taps:
        values |= _window(params, entry)
    for place, value in values.items():
        vector[place] = value
    for number, ops in enumerate(QUEUES.values()):
        bits = max(field.low + field.width for op in ops for field in FIELDS[op])
        vector[WORDS + number] = -(-bits // WORD_BITS)
    vector[DRAM:] = dram.numbers(chip, clock_mhz)
    return vector
