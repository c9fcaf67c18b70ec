import dataclasses
import re

import pytest

from accel.params import ParamError, Params


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Params)])
@pytest.mark.parametrize("value", [-1, 3, 5, 1 << 40, 8.0, "8"])
def test_illegal_values_name_field_and_value(field, value):
    with pytest.raises(ParamError, match=f"{field} must .*{re.escape(repr(value))}"):
        Params(**{field: value})


@pytest.mark.parametrize(
    "cols, taps, kib", [(4, 4, 32), (8, 4, 32), (16, 8, 64), (32, 8, 64), (64, 4, 64), (128, 2, 64)]
)
def test_window_unit_by_default(cols, taps, kib):
    params = Params(cols=cols)
    assert (params.window_taps, params.window_bytes) == (taps, kib * 1024)
    assert Params(cols=cols, window_taps=0).window_taps == 0


def test_window_unit_reads_so_many_bytes_at_most():
    assert Params(cols=16, window_taps=16).window_taps == 16
    with pytest.raises(ParamError, match=r"window_taps \* cols must be at most 256, not 512"):
        Params(cols=64, window_taps=8)


def test_window_buffer_holds_two_rows_of_taps():
    assert Params(cols=16, window_taps=16, window_bytes=512).window_bytes == 512
    with pytest.raises(ParamError, match=r"window_bytes must be at least .* = 512, not 256"):
        Params(cols=16, window_taps=16, window_bytes=256)


def test_bus_must_divide_a_tile():
    with pytest.raises(ParamError, match=r"bus_bytes must divide rows \* cols = 16, not 32"):
        Params(rows=4, cols=4, input_bytes=4096, bus_bytes=32)


@pytest.mark.parametrize(
    "rows, cols, bus, words", [(16, 16, 16, 9), (8, 8, 16, 10), (4, 4, 16, 12), (32, 32, 16, 9)]
)
def test_parameter_record_fills_whole_beats(rows, cols, bus, words):
    params = Params(rows=rows, cols=cols, bus_bytes=bus)
    assert params.param_words == words
    assert params.param_bytes % bus == 0


def test_params_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Params().rows = 8
