"""The sums behind one element of a layer's output, in plain integers, for who looks for an error.

Everything is computed from the files of a dump alone: it explains, and decides nothing.
"""

import numpy as np

#: Most parts of a window, or taps of a kernel, that are listed one by one.
_LISTED = 25


def explain(layer: dict, inputs: list[np.ndarray], parameters: dict, at: tuple) -> list[str]:
    """Lines about the output element ``at`` (image, row, column, channel) of a layer.

    Args:
        layer: its entry in the index.
        inputs: what it reads.
        parameters: its arrays by name.
        at: where.
    """
    if "weights" in parameters:
        return _convolution(layer, inputs[0], parameters, at)
    if layer["op"] in ("max_pool", "average_pool", "copy"):
        return _window(layer, inputs[0], at)
    if len(inputs) == 2 and "requant" in layer["attributes"]:
        return _pair(layer, inputs, parameters, at)
    if "table" in parameters:
        value = int(inputs[0][at])
        return [f"table[{value} + 128] = {int(parameters['table'][value + 128])}"]
    return [f"input {number} has shape {values.shape}" for number, values in enumerate(inputs)]


def _patch(image: np.ndarray, kernel, stride, padding, dilation, at):
    """The rows and columns of a window by their taps, without those in the padding."""
    for ky in range(kernel[0]):
        for kx in range(kernel[1]):
            y = at[1] * stride[0] - padding[0] + ky * dilation[0]
            x = at[2] * stride[1] - padding[1] + kx * dilation[1]
            if 0 <= y < image.shape[0] and 0 <= x < image.shape[1]:
                yield ky, kx, y, x


def _convolution(layer: dict, images: np.ndarray, parameters: dict, at) -> list[str]:
    about, weights = layer["attributes"], parameters["weights"].astype(np.int64)
    image, output = images[at[0]].astype(np.int64), at[3]
    zero = layer["inputs"][0]["zero_point"]
    taps = weights.shape[3]
    first = output // (len(weights) // about["groups"]) * taps
    lines, products = [], 0
    for ky, kx, y, x in _patch(
        image, weights.shape[1:3], about["stride"], about["padding"], about["dilation"], at
    ):
        part = int(((image[y, x, first : first + taps] - zero) * weights[output, ky, kx]).sum())
        products += part
        if len(lines) < _LISTED:
            where = f"tap ({ky}, {kx}), pixel ({y}, {x}), {taps} channels from {first}"
            lines.append(f"{where}: {part}")
    bias = int(parameters["bias"][output])
    total = bias + products
    return [
        *lines,
        f"sum of weight * (input - {zero}) = {products}, bias {bias}, together {total}",
        *_requantised(about["requant"], parameters, output, total),
    ]


def _requantised(requant: dict, parameters: dict, channel: int, total: int) -> list[str]:
    index = channel if len(parameters["multiplier"]) > 1 else 0
    multiplier, shift = (int(parameters[name][index]) for name in ("multiplier", "shift"))
    exact = total * multiplier * 2.0 ** (shift - 31)
    return [
        f"{total} * {multiplier} * 2**({shift} - 31) = {exact:.6f}, "
        f"rounded ({requant['rounding']}), plus zero point {requant['zero_point']}, "
        f"clamped to {requant['lo']} .. {requant['hi']}"
    ]


def _window(layer: dict, images: np.ndarray, at) -> list[str]:
    about = layer["attributes"]
    image = images[at[0]]
    places = list(_patch(image, about["kernel"], about["stride"], about["padding"], (1, 1), at))
    values = [int(image[y, x, at[3]]) for _, _, y, x in places]
    shown = ", ".join(map(str, values[:_LISTED])) + (", ..." if len(values) > _LISTED else "")
    lines = [f"window of {len(values)} elements: {shown}"]
    if layer["op"] == "average_pool":
        zero = about["in_zero"]
        total = sum(values) - zero * len(values)
        multiplier, shift = about["table"][str(len(values))]
        exact = total * multiplier * 2.0 ** (shift - 31)
        lines.append(
            f"sum of (element - {zero}) = {total}; * {multiplier} * 2**({shift} - 31) = "
            f"{exact:.6f}, rounded ({about['rounding']}), plus zero point {about['zero_point']}"
        )
    return lines


def _pair(layer: dict, inputs: list[np.ndarray], parameters: dict, at) -> list[str]:
    about, (a, b) = layer["attributes"], inputs
    zeros = [one["zero_point"] for one in layer["inputs"]]
    places = [tuple(min(i, size - 1) for i, size in zip(at, one.shape, strict=True))
              for one in inputs]  # fmt: skip
    values = [int(a[places[0]]), int(b[places[1]])]
    lines = [f"operands {values[0]} and {values[1]}, zero points {zeros[0]} and {zeros[1]}"]
    if "operands" in about:
        scaled = [
            (value - zero) * 2**20 * multiplier * 2.0 ** (shift - 31)
            for value, zero, (multiplier, shift) in zip(
                values, zeros, about["operands"], strict=True
            )
        ]
        minus, offset = layer["op"] == "sub", about["offset"]
        moved = f", {offset} added to the second" if offset else ""
        lines.append(f"scaled: {scaled[0]:.3f} and {scaled[1]:.3f}, each rounded{moved}; their "
                     f"{'difference' if minus else 'sum'} is")
        first, second = round(scaled[0]), round(scaled[1]) + offset
        total = first - second if minus else first + second
    else:
        total = (values[0] - zeros[0]) * (values[1] - zeros[1])
        lines.append(f"product without zero points: {total}")
    return [*lines, *_requantised(about["requant"], parameters, 0, total)]
