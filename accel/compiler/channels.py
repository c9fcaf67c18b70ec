"""Cut a convolution's channels into slices and groups of at most C outputs.

A dense convolution is one slice with ceil(Cout / C) groups.  A grouped or depthwise one packs
several of its groups block-diagonally into each array pass.
"""

import numpy as np

from accel.compiler.errors import CompileError
from accel.compiler.layer import Context, Group, Slice
from accel.graph.ir import Conv
from accel.isa import FLOATS
from accel.params import Params

INT32 = 1 << 31


def folded_bias(context: Context, node: Conv) -> np.ndarray:
    """Bias minus the input zero point's share, after checking that no sum can leave int32.

    Where data does not matter, the bias as it is.

    The bound is over every int8 input, padding included.  A left shift happens before the
    multiplication in hardware (not with a float rounding), so the shifted sum must fit as well.
    """
    if not context.data:
        return node.bias
    zero_point = context.graph.tensors[node.input].zero_point
    weights = node.weights.reshape(node.weights.shape[0], -1)
    bias, total = node.bias.astype(np.int64), weights.sum(axis=1, dtype=np.int64)
    left = np.maximum(node.requant.shift.astype(np.int64), 0)
    if node.requant.rounding in FLOATS:
        left = np.zeros_like(left)
    # Few layers are so long that some weights could do it.
    if (int(np.abs(bias).max()) + weights.shape[1] * 128 * 255 << int(left.max())) >= INT32:
        _check_sums(node, zero_point, weights, bias, total, left)
    return bias - zero_point * total


def _check_sums(node: Conv, zero_point: int, weights, bias, total, left) -> None:
    """Raise where a channel's weights (int8), their ``total`` and its bias can leave int32."""
    positive = np.maximum(weights, 0).sum(axis=1, dtype=np.int64)
    negative = total - positive
    high = bias + positive * (127 - zero_point) + negative * (-128 - zero_point)
    low = bias + positive * (-128 - zero_point) + negative * (127 - zero_point)
    for channel in np.flatnonzero((high << left >= INT32) | (low << left < -INT32)):
        raise CompileError(
            f"{node.name}: sums must stay in int32, but output channel {channel} can reach "
            f"{max(high[channel], -low[channel])} with a left shift of {left[channel]}"
        )


def _group(node: Conv, bias: np.ndarray, weights: np.ndarray, first: int, offset: int) -> Group:
    chosen = slice(first, first + weights.shape[0])
    return Group(
        first=first,
        offset=offset,
        weights=weights,
        bias=bias[chosen],
        multiplier=np.asarray(node.requant.multiplier)[chosen],
        shift=np.asarray(node.requant.shift)[chosen],
    )


def _packing(groups: int, cout: int, taps: int, cin: int, params: Params) -> int:
    """Groups to pack into one array pass: the fewest tiles in all, then the fewest groups."""
    most = max(1, min(groups, params.cols // cout))
    return min(
        range(1, most + 1),
        key=lambda p: (-(-groups // p) * -(-taps * p * cin // params.rows), p),
    )


def slices(node: Conv, bias: np.ndarray, params: Params, share: bool) -> tuple[Slice, ...]:
    """All slices of a convolution with the folded ``bias``.

    ``share`` lets the passes of a grouped 1x1 convolution read one common slice of all channels.
    """
    outputs, kh, kw, cin = node.weights.shape
    cout = outputs // node.groups
    if node.groups == 1 or cout > params.cols:
        return tuple(
            Slice(
                group * cin,
                cin,
                tuple(
                    _group(node, bias, node.weights[n : min(n + params.cols, last)], n, 0)
                    for n in range(last - cout, last, params.cols)
                ),
            )
            for group in range(node.groups)
            for last in [(group + 1) * cout]
        )
    pack = _packing(node.groups, cout, kh * kw, cin, params)
    result = []
    for first in range(0, node.groups, pack):
        packed = min(pack, node.groups - first)
        diagonal = np.zeros((packed * cout, kh, kw, packed * cin), np.int8)
        for n in range(packed):
            rows = slice((first + n) * cout, (first + n + 1) * cout)
            diagonal[n * cout : (n + 1) * cout, :, :, n * cin : (n + 1) * cin] = node.weights[rows]
        offset = first * cin if share else 0
        group = _group(node, bias, diagonal, first * cout, offset)
        result.append(Slice(first * cin, packed * cin, (group,)))
    if not share:
        return tuple(result)
    return (Slice(0, node.groups * cin, tuple(s.groups[0] for s in result)),)
