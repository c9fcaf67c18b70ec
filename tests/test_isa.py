import re

import numpy as np
import pytest

from accel import isa


@pytest.mark.parametrize("op", isa.Op)
def test_round_trip(op):
    rng = np.random.default_rng(int(op))
    for _ in range(20):
        values = {
            field.name: int(rng.integers(*field.range, endpoint=True))
            for field in isa.FIELDS[op]
            if field.name != "opcode"
        }
        command = isa.pack(op, **values)
        assert len(command) == isa.COMMAND_BYTES
        assert isa.unpack(command) == (op, values)


@pytest.mark.parametrize("op", isa.Op)
def test_every_field_is_range_checked(op):
    for field in isa.FIELDS[op][1:]:
        low, high = field.range
        for value in (low - 1, high + 1):
            text = f"{op.name}.{field.name} must be from {low} to {high}, not {value}"
            with pytest.raises(isa.EncodingError, match=re.escape(text)):
                isa.pack(op, **{field.name: value})


def test_fields_do_not_overlap():
    for fields in isa.FIELDS.values():
        ends = [0] + [field.low + field.width for field in fields]
        assert [field.low for field in fields] == ends[:-1]


def test_a_record_has_a_name_for_each_of_its_words():
    assert sorted(isa.RECORD.values()) == list(range(isa.RECORD_WORDS))


def test_bad_commands():
    with pytest.raises(isa.EncodingError, match="unknown opcode 10"):
        isa.unpack(bytes([10]) + bytes(63))
    with pytest.raises(isa.EncodingError, match="LOAD: reserved bits are set"):
        isa.unpack(bytes([1]) + bytes(62) + b"\x80")
    with pytest.raises(isa.EncodingError, match="64 bytes, not 3"):
        isa.unpack(b"abc")
    with pytest.raises(isa.EncodingError, match=r"EXEC has no field \['speed'\]"):
        isa.pack(isa.Op.EXEC, speed=1)
