"""All pairs of attribute values of every operator of ONNX files, against ONNX Runtime live."""

import dataclasses
import itertools

import numpy as np
import pytest

from tests.support import (
    onnx_pairs,
    onnx_pairs_behind,
    onnx_pairs_bytes,
    onnx_pairs_lines,
    onnx_pairs_moves,
    onnx_pairs_pixels,
    onnx_pairs_pointwise,
    onnx_pairs_two,
    onnx_pairs_weighted,
    onnx_pairs_windows,
)
from tests.support.covering import covering

OPERATORS = (onnx_pairs_weighted.OPERATORS | onnx_pairs_windows.OPERATORS
             | onnx_pairs_pointwise.OPERATORS | onnx_pairs_moves.OPERATORS
             | onnx_pairs_lines.OPERATORS | onnx_pairs_two.OPERATORS
             | onnx_pairs_pixels.OPERATORS | onnx_pairs_behind.OPERATORS
             | onnx_pairs_bytes.OPERATORS)  # fmt: skip


@pytest.mark.parametrize("name", OPERATORS)
def test_operator(name, tmp_path):
    outcome = onnx_pairs.run(OPERATORS[name], tmp_path)
    print(f"{name}: {dict(outcome.counts)} {dict(outcome.refusals)}")
    assert not outcome.faults, "\n".join(outcome.faults[:10])
    assert outcome.counts["compared"] >= OPERATORS[name].least * outcome.counts["rows"]
    assert outcome.counts["exact refused"] <= 1


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(1, 11))
@pytest.mark.parametrize("name", OPERATORS)
def test_other_arrays(name, seed, tmp_path):
    """Other rows with all pairs, and so other triples."""
    outcome = onnx_pairs.run(OPERATORS[name], tmp_path, seed)
    assert not outcome.faults, "\n".join(outcome.faults[:10])


def test_rows_cover_all_pairs():
    options = {"a": [1, 2, 3], "b": "xyz", "c": [False, True], "d": range(5), "e": "pq"}
    rows = covering(options, lambda row: not (row["a"] == 1 and row["b"] == "x"))
    missing = [
        (one, v, other, w) for one, other in itertools.combinations(options, 2)
        for v in options[one] for w in options[other]
        if not any(row[one] == v and row[other] == w for row in rows)
    ]
    assert missing == [("a", 1, "b", "x")]
    assert len(rows) <= 20  # at least 15, of 180


@pytest.mark.parametrize("opset", [11, 13])
def test_an_average_before_a_maximum(opset, tmp_path):
    """Where MaxPool knows no bytes, ONNX Runtime computes the average in front of it in float."""
    row = {"form": "qdq", "dtype": np.int8, "opset": opset, "batch": 1, "size": [9, 8],
           "kernel": [3, 3], "strides": [2, 3], "padding": "pads", "modes": (1, 1),
           "scales": "other", "behind": "MaxPool", "last": None}  # fmt: skip
    average = onnx_pairs_windows.OPERATORS["AveragePool"]
    only = dataclasses.replace(average, options={name: [value] for name, value in row.items()})
    outcome = onnx_pairs.run(only, tmp_path)
    assert not outcome.faults and outcome.counts["rows"] == 1
