"""Convolution: three ways against a naive twin, gradients against central differences, errors."""


import numpy as np
import pytest

from accel.golden import conv
from tests.support import gradients, naive_float

#: x, w shapes and options; the naive twin's padding where it is not spelt out on all four sides.
CASES = {
    "plain": ((2, 3, 6, 5), (4, 3, 3, 3), {}),
    "1x1": ((2, 3, 4, 5), (4, 3, 1, 1), {}),
    "1x1 dilation is nothing": ((1, 3, 4, 5), (4, 3, 1, 1), {"dilation": 3}),
    "1x1 groups": ((2, 4, 4, 5), (6, 2, 1, 1), {"groups": 2}),
    "1x1 strided": ((2, 3, 5, 6), (4, 3, 1, 1), {"stride": (1, 2)}),
    "1x1 padded": ((2, 2, 3, 4), (3, 2, 1, 1), {"padding": (1, 1, 1, 1)}),
    **{f"1x1 padded {side}": ((2, 2, 3, 4), (3, 2, 1, 1),
                              {"padding": tuple(int(n == number) for n in range(4))})
       for number, side in enumerate(("above", "left", "below", "right"))},
    "stride": ((1, 2, 8, 9), (3, 2, 3, 2), {"stride": (2, 3)}),
    "rounded down": ((2, 2, 8, 8), (2, 2, 3, 3), {"stride": 2}),
    "padding": ((2, 2, 5, 6), (3, 2, 3, 3), {"padding": (1, 1, 1, 1)}),
    "asymmetric": ((1, 2, 5, 6), (3, 2, 3, 3), {"padding": (0, 2, 1, 3), "stride": 2}),
    "padding beyond the kernel": ((1, 1, 3, 3), (2, 1, 2, 2), {"padding": (4, 3, 3, 4)}),
    "dilation": ((2, 2, 8, 9), (2, 2, 3, 3), {"dilation": (2, 3), "padding": (1, 2, 1, 2)}),
    "groups": ((2, 6, 5, 5), (4, 3, 3, 3), {"groups": 2, "padding": (1, 1, 1, 1)}),
    "depthwise": ((2, 3, 6, 6), (6, 1, 3, 3), {"groups": 3, "stride": 2}),
    "all": ((2, 4, 9, 8), (6, 2, 3, 2),
            {"stride": (2, 1), "padding": (2, 1, 0, 1), "dilation": (1, 2), "groups": 2}),
}  # fmt: skip
WAYS = (conv.conv2d_loops, conv.conv2d_gemm, conv.conv2d)


def pair(value):
    return value if isinstance(value, tuple) else (value, value)


def twin(x, w, b, options):
    return naive_float.conv2d(
        x, w, b, pair(options.get("stride", 1)), options.get("padding", (0,) * 4),
        pair(options.get("dilation", 1)), options.get("groups", 1),
    )


def arrays(case, dtype=np.float64, seed=1):
    x_shape, w_shape, options = CASES[case]
    random = np.random.default_rng(seed)
    draws = (random.standard_normal(shape).astype(dtype) for shape in (x_shape, w_shape,
                                                                       w_shape[:1]))
    return *draws, options


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_equals_the_naive_twin(case, dtype):
    x, w, b, options = arrays(case, dtype)
    expected = twin(x, w, b, options)
    for way in WAYS:
        for bias, result in ((b, expected), (None, expected - b[:, None, None])):
            y = way(x, w, bias, **options)
            assert y.dtype == dtype and y.flags.c_contiguous
            np.testing.assert_allclose(y, result, rtol=0, atol=200 * np.finfo(dtype).eps)


@pytest.mark.parametrize("case", CASES)
def test_int8_is_exact(case):
    x_shape, w_shape, options = CASES[case]
    random = np.random.default_rng(2)
    x = random.integers(-128, 128, x_shape, np.int8)
    w = random.integers(-128, 128, w_shape, np.int8)
    b = random.integers(-(2**20), 2**20, w_shape[:1], np.int32)
    for way in WAYS:
        y = way(x, w, b, **options)
        assert y.dtype == np.int32
        np.testing.assert_array_equal(y, twin(x, w, b, options))
        np.testing.assert_array_equal(way(x, w, **options), y - b[:, None, None])


def test_int8_is_exact_at_the_extremes_of_long_sums():
    x, w = np.full((1, 4096, 3, 3), -128, np.int8), np.full((2, 4096, 3, 3), -128, np.int8)
    w[1, 0, 0, 0] = 127  # an odd sum, beyond float32's 24 bits
    sums = [4096 * 9 * 128 * 128, (4096 * 9 - 1) * 128 * 128 - 128 * 127]
    for way in WAYS:
        np.testing.assert_array_equal(way(x, w).ravel(), sums)


@pytest.mark.parametrize("case", CASES)
def test_gradients(case):
    x, w, b, options = arrays(case)
    gradients.check(
        lambda: conv.conv2d(x, w, b, **options),
        lambda dy: conv.conv2d_backward(dy, x, w, **options),
        {"x": x, "w": w, "b": b},
    )


def test_a_batch_in_parts_is_the_same(monkeypatch):
    x, w, b, options = arrays("all")
    x = np.concatenate([x, x[::-1], x])
    y = conv.conv2d(x, w, b, **options)
    whole = conv.conv2d_backward(y, x, w, **options)
    monkeypatch.setattr(conv, "PART_BYTES", 1)  # one image at a time
    np.testing.assert_allclose(conv.conv2d(x, w, b, **options), y, rtol=1e-12)
    for part, expected in zip(conv.conv2d_backward(y, x, w, **options), whole, strict=True):
        np.testing.assert_allclose(part, expected, rtol=0, atol=1e-11)


def test_work_large_enough_for_threads_is_the_same():
    random = np.random.default_rng(3)
    x, w = random.standard_normal((2, 8, 96, 96)), random.standard_normal((4, 8, 3, 3))
    y = conv.conv2d_loops(x, w, padding=1)
    np.testing.assert_allclose(conv.conv2d(x, w, padding=1), y, rtol=0, atol=1e-12)
    columns = conv.im2col(x, 3, padding=1)
    back = conv.col2im(columns, x.shape, 3, padding=1)
    inner = np.s_[:, :, 1:-1, 1:-1]  # every element inside lies in nine windows
    np.testing.assert_allclose(back[inner], 9 * x[inner], rtol=1e-14)


def test_the_order_of_columns():
    x = np.arange(2 * 2 * 3 * 3, dtype=np.float64).reshape(2, 2, 3, 3)
    columns = conv.im2col(x, 2)
    assert columns.shape == (2 * 2 * 2, 2 * 2 * 2)
    # Row 5 is channel 1, tap (0, 1); its columns are both images' windows in raster order.
    np.testing.assert_array_equal(columns[5], x[:, 1, 0:2, 1:3].ravel())


def test_same_is_onnx_same_upper():
    x, w = np.ones((1, 1, 6, 7)), np.ones((1, 1, 3, 4))
    # 6 rows, stride 2: 3 windows need 7, one row more, behind; 7 columns: 4 need 10, 1 and 2.
    expected = conv.conv2d(x, w, stride=2, padding=(0, 1, 1, 2))
    np.testing.assert_array_equal(conv.conv2d(x, w, stride=2, padding="same"), expected)
    assert expected.shape == (1, 1, 3, 4)


def test_the_other_forms_of_padding():
    x, w = np.random.default_rng(4).standard_normal((2, 1, 1, 5, 5))
    for short, full in ((1, (1, 1, 1, 1)), ((1, 2), (1, 2, 1, 2)), ("valid", (0, 0, 0, 0))):
        wide = np.pad(x, ((0, 0), (0, 0), (full[0], full[2]), (full[1], full[3])))
        np.testing.assert_allclose(
            conv.conv2d(x, w, padding=short), conv.conv2d_loops(wide, w), atol=1e-14
        )


def test_arrays_need_not_be_contiguous():
    x, w, b, _ = arrays("plain")
    y = conv.conv2d(x, w, b)
    strange = np.asfortranarray(x), np.asfortranarray(w), np.repeat(b, 2)[::2]
    for way in WAYS:
        np.testing.assert_allclose(way(*strange), y, atol=1e-14)
    for own, expected in zip(
        conv.conv2d_backward(np.asfortranarray(y), *strange[:2]),
        conv.conv2d_backward(y, x, w), strict=True,
    ):
        np.testing.assert_allclose(own, expected, atol=1e-12)


def test_an_empty_batch_and_no_bias_gradient():
    x, w = np.ones((0, 2, 4, 4)), np.ones((3, 2, 3, 3))
    assert all(way(x, w).shape == (0, 3, 2, 2) for way in WAYS)
    dx, dw, db = conv.conv2d_backward(np.ones((0, 3, 2, 2)), x, w, bias=False)
    assert dx.shape == x.shape and not dw.any() and db is None


X, W = np.ones((1, 4, 5, 5), np.float32), np.ones((2, 4, 3, 3), np.float32)


@pytest.mark.parametrize(
    "arguments, options, message",
    [
        ((X[0], W), {}, "x must have 4 axes, not shape [4, 5, 5]"),
        ((X.astype(int), W), {}, "x must be an array of float32 or float64 or int8, not int64"),
        (([1.0], W), {}, "x must be an array of float32 or float64 or int8, not list"),
        ((X, W.astype(float)), {}, "w must be an array of float32, not float64"),
        ((X, W[:, :3]), {}, "w must have 4 channels a filter for 4 channels in 1 groups, "
                            "not shape [2, 3, 3, 3]"),
        ((X, W), {"groups": 3}, "groups must divide the 4 channels and the 2 filters, not 3"),
        ((X, W), {"groups": 0}, "groups must be a whole number of at least 1, not 0"),
        ((X, W, np.ones(3, np.float32)), {}, "b must be float32 [2], not float32 [3]"),
        ((X, W, 1.0), {}, "b must be float32 [2], not float"),
        ((X, W), {"stride": 0}, "stride must be a whole number of at least 1, not 0"),
        ((X, W), {"stride": 1.5}, "stride must be a whole number or (vertical, horizontal), "
                                  "not 1.5"),
        ((X, W), {"dilation": (1, True)}, "dilation must be a whole number of at least 1, "
                                          "not True"),
        ((X, W), {"padding": -1}, "padding must be a whole number of at least 0, not -1"),
        ((X, W), {"padding": "all"}, "padding must be a whole number, (vertical, horizontal), "
                                     "(top, left, bottom, right), 'same' or 'valid', not 'all'"),
        ((X, W), {"dilation": 3}, "kernel (3, 3) with dilation (3, 3) must fit the padded image, "
                                  "not 5x5 with padding (0, 0, 0, 0)"),
    ],
)  # fmt: skip
def test_errors(arguments, options, message):
    for way in WAYS:
        with pytest.raises(ValueError) as caught:
            way(*arguments, **options)
        assert str(caught.value) == message


def test_errors_of_the_rest():
    with pytest.raises(ValueError, match=r"^dy must be float32 \[1, 2, 3, 3\], not float32 \[1,"):
        conv.conv2d_backward(X, X, W)
    with pytest.raises(ValueError, match="^x must be an array of float32 or float64, not int8$"):
        conv.conv2d_backward(X, X.astype(np.int8), W)
    with pytest.raises(ValueError, match=r"^columns must be float32 \[36, 9\], not float32 \[36,"):
        conv.col2im(np.ones((36, 8), np.float32), (1, 4, 5, 5), 3)
    w = np.full((1, 1, 400, 400), 127, np.int8)
    with pytest.raises(ValueError, match="^w and b must keep every sum within int32, not reach 26"):
        conv.conv2d(w, w)


def test_the_loop_nest_is_plain_python():
    """Compiled or not, it computes the same; `accel bench golden` compares the times."""
    random = np.random.default_rng(5)
    x, w, b = random.random((1, 4, 10, 10)), random.random((6, 4, 3, 3)), random.random(6)
    y, slow_y = np.empty((2, 1, 6, 8, 8))
    conv.convolve(x, w, b, (1, 1), (0, 0), (1, 1), 1, y)
    conv.convolve.py_func(x, w, b, (1, 1), (0, 0), (1, 1), 1, slow_y)
    np.testing.assert_allclose(y, slow_y, atol=1e-14)
