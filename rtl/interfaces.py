"""Signatures and layouts that several blocks share; the only place where their widths are typed."""

from amaranth import Cat, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from accel.isa import FIELDS, RECORD_WORDS, Op
from accel.params import BASE_ALIGN, DONE_BITS, MAX_BURST, PARAM_PLANES, PARAM_SLOTS, Params
from accel.rtl.im2col.banks import Banks, im2col_banks

SLOT_BITS = bits_for(PARAM_SLOTS - 1)
PLANE_BITS = bits_for(PARAM_PLANES - 1)


def command_layout(op: Op) -> data.StructLayout:
    """The fields of a command without its opcode, in order."""
    return data.StructLayout(
        {
            field.name: signed(field.width) if field.signed else unsigned(field.width)
            for field in FIELDS[op]
            if field.name != "opcode"
        }
    )


#: Commands each engine has completed since the start.
Done = data.StructLayout(
    dict.fromkeys(("load", "exec", "post", "wload", "window"), DONE_BITS)
)


def waits_met(command, done):
    """Whether everything ``command`` waits for has been done (an Amaranth expression)."""
    fields = command.shape().members
    waits = [name for name in fields if name.startswith("wait_")]
    return Cat(done[name.removeprefix("wait_")] >= command[name] for name in waits).all()


def base_bits(params: Params) -> int:
    """Width of a base address in multiples of BASE_ALIGN."""
    return params.addr_bits - bits_for(BASE_ALIGN - 1)


def based(params: Params, address, base):
    """``address`` counted from ``base``, which is in multiples of BASE_ALIGN (an expression).

    What leaves the address space begins anew at 0.
    """
    low = params.addr_bits - len(base)
    return Cat(address[:low], (address[low:] + base)[: len(base)])


def axi_read(params: Params) -> wiring.Signature:
    """AXI4 read address and data channels, from the master's side (one ID, INCR bursts)."""
    return wiring.Signature(
        {
            "arvalid": Out(1), "arready": In(1), "araddr": Out(params.addr_bits),
            "arlen": Out(8), "arsize": Out(3), "arburst": Out(2),
            "rvalid": In(1), "rready": Out(1), "rdata": In(8 * params.bus_bytes),
            "rresp": In(2), "rlast": In(1),
        }
    )


def axi_write(params: Params) -> wiring.Signature:
    """AXI4 write address, data and response channels, from the master's side."""
    return wiring.Signature(
        {
            "awvalid": Out(1), "awready": In(1), "awaddr": Out(params.addr_bits),
            "awlen": Out(8), "awsize": Out(3), "awburst": Out(2),
            "wvalid": Out(1), "wready": In(1), "wdata": Out(8 * params.bus_bytes),
            "wstrb": Out(params.bus_bytes), "wlast": Out(1),
            "bvalid": In(1), "bready": Out(1), "bresp": In(2),
        }
    )


def writer(params: Params) -> dict[str, wiring.Member]:
    """The members of every block that writes to memory on its own.

    record: the counters, live.  axi: the bus.  halt: announce no further write.
    error: strobe: a write was refused.  outstanding: a burst awaits its response.
    progress: strobe: something moved.  beats: strobe: a beat was written.
    base: added to the addresses, in multiples of BASE_ALIGN; changes only while nothing runs.
    """
    return {
        "record": In(data.ArrayLayout(unsigned(32), RECORD_WORDS)),
        "axi": Out(axi_write(params)),
        "halt": In(1),
        "base": In(base_bits(params)),
        "error": Out(1),
        "outstanding": Out(1),
        "progress": Out(1),
        "beats": Out(1),
    }


def read_request(params: Params) -> data.StructLayout:
    """A burst: the address of its first beat (bus-aligned) and its beats, 1 to MAX_BURST."""
    return data.StructLayout({"addr": params.addr_bits, "beats": bits_for(MAX_BURST)})


def read_client(params: Params) -> wiring.Signature:
    """A reader's side of the read master: it asks for bursts and must take every beat at once.

    A client asks only for what it has room for, so that data is never held up on the bus.
    """
    return wiring.Signature(
        {
            "request": Out(stream.Signature(read_request(params))),
            "valid": In(1),
            "data": In(8 * params.bus_bytes),
        }
    )


def row_bits(params: Params) -> int:
    """Width of a row number of the im2col buffer's banks."""
    return im2col_banks(params).row_bits


def banks_write(banks: Banks) -> wiring.Signature:
    """Any bytes of a word into each bank, each bank at its own row."""
    return wiring.Signature(
        {
            "enable": Out(banks.lanes),
            "row": Out(data.ArrayLayout(banks.row_bits, banks.count)),
            "data": Out(data.ArrayLayout(8 * banks.word, banks.count)),
        }
    )


def banks_offsets(banks: Banks) -> data.ArrayLayout:
    """A bank-row offset for each word."""
    return data.ArrayLayout(banks.row_bits, banks.count)


def banks_read(banks: Banks) -> wiring.Signature:
    """A vector's base address in words, and one cycle later its words' row offsets."""
    return wiring.Signature(
        {
            "valid": Out(1),
            "base": Out(banks.base_bits),
            "offsets": Out(banks_offsets(banks)),
        }
    )


def buffer_write(params: Params) -> wiring.Signature:
    """One byte into each enabled bank of the im2col buffer, each at its own row."""
    return banks_write(im2col_banks(params))


def offsets_layout(params: Params) -> data.ArrayLayout:
    """A bank-row offset for each lane."""
    return banks_offsets(im2col_banks(params))


def buffer_read(params: Params) -> wiring.Signature:
    """A pixel's base address, and one cycle later (in ``offsets``) the lanes' row offsets."""
    return banks_read(im2col_banks(params))


def near_layout(params: Params) -> data.StructLayout:
    """A pixel's ``cols`` bytes on their way into a buffer of the chip, from byte ``addr`` on."""
    return data.StructLayout(
        {
            "valid": 1,
            "addr": bits_for(max(params.input_bytes, params.window_bytes) - 1),
            "cols": bits_for(params.cols),
            "data": data.ArrayLayout(signed(8), params.cols),
        }
    )


def weight_row(params: Params) -> wiring.Signature:
    """One row of a weight tile into the array's shadow registers."""
    return wiring.Signature(
        {
            "valid": Out(1),
            "index": Out(bits_for(params.rows - 1)),
            "data": Out(data.ArrayLayout(signed(8), params.cols)),
        }
    )


def param_write(params: Params) -> wiring.Signature:
    """One byte plane (0-3 bias, 4-7 multiplier, 8 shift) of a parameter slot, for all columns."""
    return wiring.Signature(
        {
            "valid": Out(1),
            "slot": Out(SLOT_BITS),
            "plane": Out(PLANE_BITS),
            "data": Out(data.ArrayLayout(8, params.cols)),
        }
    )


def tag_layout(params: Params) -> data.StructLayout:
    """What travels with a pixel vector from the exec engine to the accumulators.

    ``first``: start from the bias of ``slot``; otherwise add to the stored sum.  ``done``: the
    last vector of a block.
    """
    return data.StructLayout(
        {
            "valid": 1,
            "first": 1,
            "done": 1,
            "bank": 1,
            "slot": SLOT_BITS,
            "row": bits_for(params.bank_rows - 1),
        }
    )


def acc_read(params: Params) -> wiring.Signature:
    """Post-processing's read port: all columns of one row, ACC_READ_LATENCY cycles later.

    With parity also whether they are ``used``.
    """
    return wiring.Signature(
        {
            **({"used": Out(1)} if params.parity else {}),
            "bank": Out(1),
            "row": Out(bits_for(params.bank_rows - 1)),
            "data": In(data.ArrayLayout(signed(32), params.cols)),
        }
    )


def vector_layout(params: Params) -> data.StructLayout:
    """A pixel's int8 channels, or (``end``) the mark behind the last pixel of a POST command."""
    return data.StructLayout(
        {"data": data.ArrayLayout(signed(8), params.cols), "end": 1}
    )
