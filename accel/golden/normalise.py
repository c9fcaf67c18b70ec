"""Batch normalisation (with folding) and local response normalisation, and their gradients."""

from typing import NamedTuple

import numpy as np

from accel.compiled import compiled
from accel.golden.check import floating, like, real, whole
from accel.golden.threads import spread


class BatchStatistics(NamedTuple):
    """What batch_norm_backward needs of batch_norm_training; both [channels].

    Attributes:
        mean: the batch's mean.
        scale: 1 / sqrt(the batch's variance + epsilon).
    """

    mean: np.ndarray
    scale: np.ndarray


def _checked(x, **channels) -> tuple:
    """Check x and what is [channels]; return the axes summed over, and how to broadcast."""
    floating("x", x)
    if x.ndim < 2:
        raise ValueError(f"x must be [batch, channels, ...], not shape {list(x.shape)}")
    for name, values in channels.items():
        like(name, values, x.shape[1:2], x.dtype)
    return (0, *range(2, x.ndim)), (-1, *[1] * (x.ndim - 2))


def batch_norm(x, scale, bias, mean, variance, *, epsilon=1e-5) -> np.ndarray:
    """Inference: y = scale * (x - mean) / sqrt(variance + epsilon) + bias, channel by channel.

    (Ioffe and Szegedy 2015; ONNX's BatchNormalization.)

    Args:
        x: float32 or float64 [batch, channels, height, width], or [batch, channels].
        scale: x's dtype [channels], as are bias, mean and variance.
        bias: see ``scale``.
        mean: the running mean that training left.
        variance: the running variance that training left.
        epsilon: keeps the root from zero.

    Returns:
        x's shape and dtype.

    Raises:
        ValueError: a dtype or shape breaks these rules, or epsilon is negative.
    """
    _, wide = _checked(x, scale=scale, bias=bias, mean=mean, variance=variance)
    factor = scale / np.sqrt(variance + x.dtype.type(real("epsilon", epsilon, 0)))
    return x * factor.reshape(wide) + (bias - mean * factor).reshape(wide)


def batch_norm_training(
    x, scale, bias, mean, variance, *, momentum=0.9, epsilon=1e-5, correction=0
):
    """Training: normalise by the batch's own mean and (biased) variance; update the running ones.

    Args:
        x: as for batch_norm, like the other arrays; at least one element a channel.
        scale: see ``x``.
        bias: see ``x``.
        mean: the running mean before this batch.
        variance: the running variance before this batch.
        momentum: how much of the running statistics stays, 0 to 1.
        epsilon: keeps the root from zero.
        correction: the running variance takes the batch's squared distances divided by the elements
            of a channel less this: 0 is ONNX's rule, 1 PyTorch's, an unbiased estimate of what the
            batch was drawn from.

    Returns:
        (y, saved, new_mean, new_variance): ``saved`` (BatchStatistics) is for the backward pass;
        the new running statistics are momentum * old + (1 - momentum) * batch's (nothing is
        changed in place).

    Raises:
        ValueError: as for batch_norm, or momentum is out of range.
    """
    axes, wide = _checked(x, scale=scale, bias=bias, mean=mean, variance=variance)
    if not 0 <= real("momentum", momentum, 0) <= 1:
        raise ValueError(f"momentum must be a number from 0 to 1, not {momentum!r}")
    if not x.size:
        raise ValueError(f"x must have elements to average, not shape {list(x.shape)}")
    batch_mean = x.mean(axes)
    centred = x - batch_mean.reshape(wide)
    batch_variance = np.square(centred).mean(axes)
    inverse = 1 / np.sqrt(batch_variance + x.dtype.type(real("epsilon", epsilon, 0)))
    y = centred * (scale * inverse).reshape(wide) + bias.reshape(wide)
    elements = x.size // len(batch_mean)
    # One element has no spread, however it is divided.
    estimate = batch_variance * x.dtype.type(elements / max(elements - correction, 1))
    old = x.dtype.type(momentum)
    return (
        y, BatchStatistics(batch_mean, inverse),
        old * mean + (1 - old) * batch_mean, old * variance + (1 - old) * estimate,
    )


def batch_norm_backward(dy, x, scale, saved: BatchStatistics):
    """Gradients of a loss through batch_norm_training, mean and variance included.

    With h = (x - mean) * saved.scale and m elements a channel (Ioffe and Szegedy 2015, section 3):
    dbias = sum(dy), dscale = sum(dy * h), dx = scale * saved.scale * (dy - dbias/m - h * dscale/m).

    Args:
        dy: gradient by the output, like x.
        x: the layer's input.
        scale: the layer's scale.
        saved: what batch_norm_training returned.

    Returns:
        (dx, dscale, dbias).

    Raises:
        ValueError: a dtype or shape breaks these rules.
    """
    axes, wide = _checked(x, scale=scale, **{"saved.mean": saved.mean, "saved.scale": saved.scale})
    like("dy", dy, x.shape, x.dtype)
    normal = (x - saved.mean.reshape(wide)) * saved.scale.reshape(wide)
    dscale, dbias = (dy * normal).sum(axes), dy.sum(axes)
    count = x.dtype.type(x.size // x.shape[1])
    dx = dy - (dbias / count).reshape(wide) - normal * (dscale / count).reshape(wide)
    dx *= (scale * saved.scale).reshape(wide)
    return dx, dscale, dbias


def fold_batch_norm(w, b, scale, bias, mean, variance, *, epsilon=1e-5):
    """Fold an inference batch_norm into the convolution (or dense layer) before it.

    With f = scale / sqrt(variance + epsilon): w' = f * w, b' = f * (b - mean) + bias
    (Jacob et al. 2018, section 3.2).

    Args:
        w: float32 or float64 weights [filters, ...].
        b: w's dtype [filters], or None for no bias.
        scale: w's dtype [filters], as are bias, mean and variance: batch_norm's.
        bias: see ``scale``.
        mean: see ``scale``.
        variance: see ``scale``.
        epsilon: batch_norm's.

    Returns:
        (w', b') of the one layer that computes both.

    Raises:
        ValueError: a dtype or shape breaks these rules, or epsilon is negative.
    """
    floating("w", w)
    given = {"scale": scale, "bias": bias, "mean": mean, "variance": variance}
    for name, values in given.items() if b is None else (("b", b), *given.items()):
        like(name, values, w.shape[:1], w.dtype)
    factor = scale / np.sqrt(variance + w.dtype.type(real("epsilon", epsilon, 0)))
    folded = w * factor.reshape(-1, *[1] * (w.ndim - 1))
    return folded, (-mean if b is None else b - mean) * factor + bias


@compiled
def neighbour_sums(values, before, after, sums, first, last):
    """Write, for images ``first`` to ``last`` - 1, each channel's sum over its neighbours.

    ``values`` and ``sums`` are [batch, channels, pixels]; the neighbours of channel c are
    c - before .. c + after, as far as they exist.
    """
    _, channels, pixels = values.shape
    for n in range(first, last):
        for c in range(channels):
            sums[n, c] = 0
            for i in range(max(c - before, 0), min(c + after + 1, channels)):
                for p in range(pixels):
                    sums[n, c, p] += values[n, i, p]


def _neighbours(values, before, after) -> np.ndarray:
    flat = np.ascontiguousarray(values).reshape(*values.shape[:2], -1)
    sums = np.empty_like(flat)
    spread(lambda first, last: neighbour_sums(flat, before, after, sums, first, last),
           len(flat), flat.size * (before + after + 1))
    return sums.reshape(values.shape)


def _bases(x, size, alpha, beta, bias) -> tuple:
    """Check LRN's arguments; return (bias + alpha/size * sums of squares, before, after, ...)."""
    floating("x", x, 4)
    before = (whole("size", size, 1) - 1) // 2
    after = size - 1 - before
    share = x.dtype.type(real("alpha", alpha, 0) / size)
    power, bias = x.dtype.type(real("beta", beta, 0)), x.dtype.type(real("bias", bias, 0))
    if not bias:
        raise ValueError(f"bias must be a number above 0, not {float(bias)!r}")
    return bias + share * _neighbours(x * x, before, after), before, after, share, power


def lrn(x, size=5, *, alpha=1e-4, beta=0.75, bias=1.0) -> np.ndarray:
    """Local response normalisation across channels (ONNX's LRN).

    y[c] = x[c] / (bias + alpha / size * sum of x[i]**2 over ``size`` channels around c) ** beta,
    the channels c - floor((size-1)/2) .. c + ceil((size-1)/2) that exist.  AlexNet's paper
    (Krizhevsky et al. 2012, section 3.3) does not divide alpha by size: its n = 5, k = 2,
    alpha = 1e-4, beta = 0.75 are here size=5, bias=2, alpha=5e-4, beta=0.75.

    Args:
        x: float32 or float64 [batch, channels, height, width].
        size: channels in a neighbourhood.
        alpha: weight of the mean square, >= 0.
        beta: exponent, >= 0.
        bias: what is added before the power, > 0.

    Returns:
        x's shape and dtype.

    Raises:
        ValueError: x or an option breaks these rules.
    """
    base, _, _, _, power = _bases(x, size, alpha, beta, bias)
    return x * base**-power


def lrn_backward(dy, x, size=5, *, alpha=1e-4, beta=0.75, bias=1.0) -> np.ndarray:
    """Gradient by lrn's input ``x``.

    With s[c] the sum's base: dx[j] = dy[j] * s[j]**-beta
    - 2 * alpha/size * beta * x[j] * sum of dy[c] * x[c] * s[c]**(-beta-1) over the channels c that
    have j in their neighbourhood: c = j - after .. j + before.

    Args:
        dy: gradient by the output, like x.
        x: the layer's input.
        size: as for lrn, like the other options.
        alpha: see ``size``.
        beta: see ``size``.
        bias: see ``size``.

    Raises:
        ValueError: as for lrn, or dy is not like x.
    """
    base, before, after, share, power = _bases(x, size, alpha, beta, bias)
    direct = like("dy", dy, x.shape, x.dtype) * base**-power
    return direct - 2 * share * power * x * _neighbours(direct * x / base, after, before)
