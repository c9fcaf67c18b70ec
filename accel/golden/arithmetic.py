"""The lecture notes' arithmetic: sizes, parameters, MACs and receptive fields, by formula.

Shapes are (channels, height, width), without the batch.  kernel, stride, padding and dilation take
the forms that accel.golden.conv.conv2d takes.  MACs are multiply-accumulates of one image; a bias
is no MAC.
"""

from accel.golden.check import pair, whole
from accel.golden.window import pads
from accel.graph.shapes import out_size


def output_size(size, kernel, stride=1, pad=0, dilation=1, *, floor=False) -> int:
    """Number of windows along one axis: (size - kernel + 2 * pad) / stride + 1.

    Args:
        size: elements of the input.
        kernel: elements of the window; dilation d makes it d * (kernel - 1) + 1 long.
        stride: elements between windows.
        pad: zeros on both sides, or (before, after).
        dilation: elements between a window's taps.
        floor: drop the elements that do not fill a window, instead of refusing the size.

    Raises:
        ValueError: an argument is no whole number, the window does not fit, or (without
            ``floor``) the windows do not cover the input exactly.
    """
    size, kernel = whole("size", size, 1), whole("kernel", kernel, 1)
    stride, dilation = whole("stride", stride, 1), whole("dilation", dilation, 1)
    before, after = pair("pad", pad, 0)
    room = size + before + after - (dilation * (kernel - 1) + 1)
    if room < 0:
        raise ValueError(
            f"kernel must fit the padded size {size + before + after}, not be {kernel} "
            f"with dilation {dilation}"
        )
    if room % stride and not floor:
        raise ValueError(
            f"stride must divide size - kernel + padding = {room} (or ask for floor), not be "
            f"{stride}: the output size {room}/{stride} + 1 is not whole"
        )
    return out_size(size, kernel, stride, (before, after), dilation)


def _volume(shape) -> tuple[int, int, int]:
    if not isinstance(shape, tuple | list) or len(shape) != 3:
        raise ValueError(f"shape must be (channels, height, width), not {shape!r}")
    return tuple(whole("shape", size, 1) for size in shape)


def _windows(shape, kernel, stride, padding, dilation, floor) -> tuple[int, int]:
    kernel, stride, dilation = pair("kernel", kernel), pair("stride", stride), pair("dilation",
                                                                                   dilation)
    top, left, bottom, right = pads(padding, shape[1:], kernel, stride, dilation)
    return (
        output_size(shape[1], kernel[0], stride[0], (top, bottom), dilation[0], floor=floor),
        output_size(shape[2], kernel[1], stride[1], (left, right), dilation[1], floor=floor),
    )


def conv_output_shape(
    shape, filters, kernel, stride=1, padding=0, dilation=1, *, floor=False
) -> tuple[int, int, int]:
    """Shape (filters, out_h, out_w) of a convolution's output; output_size's rule and errors."""
    shape = _volume(shape)
    return whole("filters", filters, 1), *_windows(shape, kernel, stride, padding, dilation, floor)


def conv_parameters(channels, filters, kernel, groups=1, *, bias=True) -> int:
    """Number of weights and biases: filters * (kh * kw * channels / groups + 1).

    Raises:
        ValueError: an argument is no whole number, or groups does not divide the channels.
    """
    channels, filters = whole("channels", channels, 1), whole("filters", filters, 1)
    groups, (high, wide) = whole("groups", groups, 1), pair("kernel", kernel)
    if channels % groups or filters % groups:
        raise ValueError(
            f"groups must divide the {channels} channels and the {filters} filters, not {groups}"
        )
    return filters * (high * wide * channels // groups + bool(bias))


def conv_macs(
    shape, filters, kernel, stride=1, padding=0, dilation=1, groups=1, *, floor=False
) -> int:
    """Multiply-accumulates of a convolution: every weight once for every output pixel.

    Taps on the padding count, as is usual.  Raises ValueErrors as output_size and
    conv_parameters do.
    """
    _, high, wide = conv_output_shape(
        shape, filters, kernel, stride, padding, dilation, floor=floor
    )
    return high * wide * conv_parameters(shape[0], filters, kernel, groups, bias=False)


def pool_output_shape(
    shape, kernel, stride=None, padding=0, *, floor=False, ceil=False
) -> tuple[int, int, int]:
    """Shape (channels, out_h, out_w) of a pool's output; stride None is the kernel's.

    A size that is not whole is an error unless it is to be rounded: ``floor`` down, ``ceil`` up
    (not to a window that sees only padding).
    """
    shape = _volume(shape)
    kernel = pair("kernel", kernel)
    stride = kernel if stride is None else pair("stride", stride)
    rows, columns = _windows(shape, kernel, stride, padding, 1, floor or ceil)
    if ceil:
        top, left, bottom, right = pads(padding, shape[1:], kernel, stride, (1, 1))
        rows = out_size(shape[1], kernel[0], stride[0], (top, bottom), ceil_mode=True)
        columns = out_size(shape[2], kernel[1], stride[1], (left, right), ceil_mode=True)
    return shape[0], rows, columns


def dense_parameters(inputs, outputs, *, bias=True) -> int:
    """Number of weights and biases of a fully connected layer: outputs * (inputs + 1)."""
    return whole("outputs", outputs, 1) * (whole("inputs", inputs, 1) + bool(bias))


def dense_macs(inputs, outputs) -> int:
    """Multiply-accumulates of a fully connected layer: one a weight."""
    return dense_parameters(inputs, outputs, bias=False)


def receptive_field(layers) -> int:
    """Input elements along one axis that one element of the last layer's output depends on.

    Every layer adds (kernel - 1) * dilation steps of the product of the strides before it:
    r = 1 + sum over l of (k_l - 1) * d_l * (s_1 * ... * s_(l-1)).

    Args:
        layers: (kernel, stride) or (kernel, stride, dilation) from the input on; pools too.

    Raises:
        ValueError: a layer has another form.
    """
    field, jump = 1, 1
    for layer in layers:
        if not isinstance(layer, tuple | list) or len(layer) not in (2, 3):
            raise ValueError(f"layers must be (kernel, stride[, dilation]), not {layer!r}")
        kernel, stride, dilation = *layer, *[1] * (3 - len(layer))
        field += (whole("kernel", kernel, 1) - 1) * whole("dilation", dilation, 1) * jump
        jump *= whole("stride", stride, 1)
    return field
