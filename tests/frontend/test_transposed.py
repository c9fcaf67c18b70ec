"""Transposed convolutions as ordinary ones, along one axis, against their definition."""

import numpy as np

from accel.frontend.transposed import Phase, phases, taps


def scattered(values, kernel, stride, dilation, before, outputs):
    """Every input adds the kernel, times itself, to the outputs from its place on."""
    result = np.zeros(outputs, int)
    for i, value in enumerate(values):
        for k, weight in enumerate(kernel):
            place = i * stride + k * dilation - before
            if 0 <= place < outputs:
                result[place] += value * weight
    return result


def gathered(values, kernel, parts: list[Phase], outputs):
    """Each phase as the ordinary convolution that it stands for."""
    result = np.full(outputs, -1)
    for part in parts:
        first, size = part.crop
        padded = np.pad(values[first : first + size], part.padding)
        weights = kernel[list(part.taps)] if part.taps else np.zeros(1, int)
        reach = (len(weights) - 1) * part.dilation + 1
        assert len(padded) - reach + 1 == part.outputs
        made = [sum(padded[n + k * part.dilation] * weight for k, weight in enumerate(weights))
                for n in range(part.outputs)]
        result[part.first :: len(parts)] = made
    return result


def test_phases_give_what_the_definition_gives():
    rng = np.random.default_rng(1)
    for _ in range(400):
        size, reach, stride, dilation = (int(n) for n in rng.integers(1, (8, 6, 5, 4)))
        full = (size - 1) * stride + (reach - 1) * dilation + 1
        before = int(rng.integers(full))
        outputs = int(rng.integers(1, full - before + 3))
        values, kernel = rng.integers(1, 9, size), rng.integers(1, 9, reach)
        parts = phases(size, reach, stride, dilation, before, outputs)
        np.testing.assert_array_equal(
            gathered(values, kernel, parts, outputs),
            scattered(values, kernel, stride, dilation, before, outputs),
            str((size, reach, stride, dilation, before, outputs)),
        )


def test_they_multiply_as_often_but_for_the_borders():
    for size, reach, stride in ((8, 4, 2), (5, 3, 2), (6, 2, 2), (7, 5, 3), (9, 3, 1)):
        parts = phases(size, reach, stride, 1, 0, (size - 1) * stride + reach)
        counts = [len(part.taps) for part in parts]
        assert sum(counts) == reach
        border = sum(count * (count - 1) for count in counts)
        assert sum(part.outputs * len(part.taps) for part in parts) == size * reach + border


def test_one_input_multiplies_no_padding():
    parts = phases(1, 4, 2, 1, 1, 3)
    assert [(part.first, part.outputs, part.taps) for part in parts] == [
        (0, 1, (1,)), (1, 1, (2,)), (2, 1, (3,))
    ]


def test_taps_are_the_kernels_backwards():
    weights = np.arange(2 * 3 * 4 * 1).reshape(2, 3, 4, 1)
    rows, columns = phases(5, 3, 2, 1, 0, 11), phases(5, 4, 3, 1, 0, 16)
    np.testing.assert_array_equal(taps(weights, rows[0], columns[0]),
                                  weights[:, [2, 0]][:, :, [3, 0]])
    nothing = phases(5, 1, 2, 1, 0, 9)[1]
    assert not taps(weights, nothing, columns[0]).any()
