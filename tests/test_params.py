import dataclasses
import re

import pytest

from accel.params import ParamError, Params


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Params)])
@pytest.mark.parametrize("value", [-1, 3, 5, 1 << 40, 8.0, "8"])
def test_illegal_values_name_field_and_value(field, value):
    legal = {"addr_bits": (), "timeout_cycles": (), "post_lanes": ()}
    if field in legal and value in legal[field]:
        return
    with pytest.raises(ParamError, match=f"{field} must .*{re.escape(repr(value))}"):
        Params(**{field: value})


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
