// The layers of an int8 convolutional network, as loop nests: one function template per kind.
//
// This is the library under every network that `accel hls` exports; it is the same file for all of
// them.  It needs nothing but C++14's <cstdint> and <cmath>: no heap, no recursion, no global
// state, no exceptions, no vendor's headers.  All sizes are compile-time constants, so every loop
// has a fixed trip count and a synthesis tool needs no LOOP_TRIPCOUNT.
//
// Conventions
//   An image is int8 [height][width][channels], channels fastest (HWC).  Names are those of the
//   formula below: x input, w weights, b bias, y output; o filter (output channel), c channel,
//   oy and ox output row and column, ky and kx tap of the kernel.
//   A byte q stands for the real number scale * (q - zero).  Scales never appear: an exporter has
//   turned them into integers (multiplier, shift), a factor of multiplier * 2^(shift - 31).
//   L is a struct of constants that describes one layer; network.h has one for each.
//
// One call computes one image.  The loop over images, the first of the textbook's seven, is the
// caller's (testbench.cpp has it), because on an FPGA it is the host that brings images.
//
// The pragmas are a start, not a tuned design: every innermost loop is pipelined, nothing is
// unrolled, tiled or buffered on chip.  Compilers for processors ignore them.  Loops have labels,
// so that directives can name them.
//
// Assumed of the compiler: >> of a negative number rounds down (all of today's; C++20 requires it).

#ifndef ACCEL_HLS_LAYERS_H
#define ACCEL_HLS_LAYERS_H

#include <cmath>
#include <cstdint>

namespace layers {

// ---- Looking inside --------------------------------------------------------------------------

// Called behind every layer with its number, from 1, and its output.  A testbench that defines
// ACCEL_HLS_OBSERVE brings the function along; otherwise it is empty and leaves nothing behind.
#ifdef ACCEL_HLS_OBSERVE
void observe(int number, const int8_t* y);
#else
inline void observe(int, const int8_t*) {}
#endif

// ---- Requantisation: from an int32 sum back to an int8 ---------------------------------------

// How  sum * multiplier * 2^(shift - 31)  becomes a whole number:
enum class Rounding {
    DOUBLE,  // twice: the product's upper half (half up), then the shift (half away from zero):
             // TensorFlow Lite's SaturatingRoundingDoublingHighMul and RoundingDivideByPOT
    SINGLE,  // once, half up
    AWAY,    // once, half away from zero
    FLOAT,   // in float32, half to even: ONNX Runtime.  The multiplier has 24 significant bits
    FLOAT_ODD,  // in float32, half to odd: so ONNX Runtime rounds with an odd zero point added
};

inline int8_t clamp(int64_t value, int lo, int hi) {
    return static_cast<int8_t>(value < lo ? lo : value > hi ? hi : value);
}

// Round value * 2^-right, halves upwards: add one half, then drop `right` bits (at least one).
inline int64_t shift_right_half_up(int64_t value, int right) {
    return (value + (int64_t{1} << (right - 1))) >> right;
}

// The same, halves away from zero: a negative value needs more than one half to go up.
inline int64_t shift_right_half_away(int64_t value, int right) {
    return shift_right_half_up(value < 0 ? value - 1 : value, right);
}

// The multiplier is from 0 to 2^31 - 1, the shift from -31 to 30: 64 bits hold everything.  A layer
// keeps one of the branches, and with it floating point only where it asks for a FLOAT.
template <Rounding rounding>
int64_t scale(int32_t sum, int32_t multiplier, int shift) {
#pragma HLS INLINE
    if (rounding == Rounding::FLOAT || rounding == Rounding::FLOAT_ODD) {
        const float factor = std::ldexp(static_cast<float>(multiplier), shift - 31);  // exact
        const float real = static_cast<float>(sum) * factor;
        const float even = std::rint(real), left = real - even;
        if (rounding == Rounding::FLOAT_ODD && (left == 0.5f || left == -0.5f)) {
            return static_cast<int64_t>(even) + (left > 0 ? 1 : -1);
        }
        return static_cast<int64_t>(even);
    }
    const int64_t product = static_cast<int64_t>(sum) * multiplier;
    if (rounding == Rounding::AWAY) return shift_right_half_away(product, 31 - shift);
    if (rounding == Rounding::DOUBLE && shift < 0) {
        return shift_right_half_away(shift_right_half_up(product, 31), -shift);
    }
    return shift_right_half_up(product, 31 - shift);
}

// One sum to one output byte of layer L.  ReLU and ReLU6 are nothing but bounds lo and hi.
template <typename L>
int8_t requantise(int32_t sum, int32_t multiplier, int shift) {
#pragma HLS INLINE
    return clamp(scale<L::rounding>(sum, multiplier, shift) + L::out_zero, L::lo, L::hi);
}

// ---- Shapes ----------------------------------------------------------------------------------

// Number of windows along an axis: (size + padding - extent of the kernel) / stride + 1.
constexpr int windows(int size, int padding, int kernel, int stride, int dilation) {
    return (size + padding - (dilation * (kernel - 1) + 1)) / stride + 1;
}

template <typename L>
constexpr bool shapes_agree(int dilation_y, int dilation_x) {
    return L::out_height == windows(L::in_height, L::pad_top + L::pad_bottom, L::kernel_height,
                                    L::stride_y, dilation_y) &&
           L::out_width == windows(L::in_width, L::pad_left + L::pad_right, L::kernel_width,
                                   L::stride_x, dilation_x);
}

// Whether a row and a column lie in the image, and not on the padding around it.
template <typename L>
bool inside(int iy, int ix) {
#pragma HLS INLINE
    return 0 <= iy && iy < L::in_height && 0 <= ix && ix < L::in_width;
}

// ---- Layers with weights ---------------------------------------------------------------------

// 2-D convolution (the cross-correlation of the textbooks):
//
//   y[oy][ox][o] = requantise( b[o] + sum over ky, kx, c of
//       w[o][ky][kx][c] * (x[oy * stride_y + ky * dilation_y - pad_top]
//                           [ox * stride_x + kx * dilation_x - pad_left][first + c] - in_zero) )
//
// Outside the image lies in_zero, which stands for 0, so that taps on the padding add nothing.
// In groups, a filter sees in_channels / groups channels, from `first` on; with as many groups as
// channels this is a depthwise convolution.
//
// MACs: out_height * out_width * out_channels * kernel_height * kernel_width * in_channels / groups
//
//   w           int8 [out_channels][kernel_height][kernel_width][in_channels / groups]
//   parameters  int32 [3][out_channels]: bias, multipliers, shifts
template <typename L>
void conv2d(const int8_t* x, const int8_t* w, const int32_t* parameters, int8_t* y) {
    constexpr int depth = L::in_channels / L::groups;
    constexpr int filters_in_group = L::out_channels / L::groups;
    static_assert(depth * L::groups == L::in_channels, "groups divide the channels");
    static_assert(filters_in_group * L::groups == L::out_channels, "groups divide the filters");
    static_assert(shapes_agree<L>(L::dilation_y, L::dilation_x), "output size");
    const int32_t* const b = parameters;
    const int32_t* const multiplier = parameters + L::out_channels;
    const int32_t* const shift = parameters + 2 * L::out_channels;

rows:
    for (int oy = 0; oy < L::out_height; ++oy) {
    columns:
        for (int ox = 0; ox < L::out_width; ++ox) {
        filters:
            for (int o = 0; o < L::out_channels; ++o) {
                const int first = o / filters_in_group * depth;
                int32_t sum = b[o];
            taps_y:
                for (int ky = 0; ky < L::kernel_height; ++ky) {
                taps_x:
                    for (int kx = 0; kx < L::kernel_width; ++kx) {
                        const int iy = oy * L::stride_y + ky * L::dilation_y - L::pad_top;
                        const int ix = ox * L::stride_x + kx * L::dilation_x - L::pad_left;
                        if (!inside<L>(iy, ix)) continue;
                        const int8_t* const pixel = x + (iy * L::in_width + ix) * L::in_channels;
                        const int8_t* const tap =
                            w + ((o * L::kernel_height + ky) * L::kernel_width + kx) * depth;
                    channels:
                        for (int c = 0; c < depth; ++c) {
#pragma HLS PIPELINE II=1
                            sum += (pixel[first + c] - L::in_zero) * tap[c];
                        }
                    }
                }
                y[(oy * L::out_width + ox) * L::out_channels + o] =
                    requantise<L>(sum, multiplier[o], shift[o]);
            }
        }
    }
}

// Fully connected layer, a matrix times a vector:
//
//   y[o] = requantise( b[o] + sum over c of  w[o][c] * (x[c] - in_zero) )
//
// MACs: inputs * outputs.   w int8 [outputs][inputs]; parameters int32 [3][outputs] as above.
template <typename L>
void fully_connected(const int8_t* x, const int8_t* w, const int32_t* parameters, int8_t* y) {
    const int32_t* const b = parameters;
    const int32_t* const multiplier = parameters + L::outputs;
    const int32_t* const shift = parameters + 2 * L::outputs;

outputs:
    for (int o = 0; o < L::outputs; ++o) {
        int32_t sum = b[o];
    inputs:
        for (int c = 0; c < L::inputs; ++c) {
#pragma HLS PIPELINE II=1
            sum += (x[c] - L::in_zero) * w[o * L::inputs + c];
        }
        y[o] = requantise<L>(sum, multiplier[o], shift[o]);
    }
}

// ---- Pools -----------------------------------------------------------------------------------

// Maximum of each window; elements on the padding do not take part.
//
//   y[oy][ox][c] = max over ky, kx of  x[oy * stride_y + ky - pad_top]
//                                       [ox * stride_x + kx - pad_left][c]
template <typename L>
void max_pool(const int8_t* x, int8_t* y) {
    static_assert(shapes_agree<L>(1, 1), "output size");
rows:
    for (int oy = 0; oy < L::out_height; ++oy) {
    columns:
        for (int ox = 0; ox < L::out_width; ++ox) {
        channels:
            for (int c = 0; c < L::channels; ++c) {
                int8_t largest = -128;
            taps_y:
                for (int ky = 0; ky < L::kernel_height; ++ky) {
                taps_x:
                    for (int kx = 0; kx < L::kernel_width; ++kx) {
#pragma HLS PIPELINE II=1
                        const int iy = oy * L::stride_y + ky - L::pad_top;
                        const int ix = ox * L::stride_x + kx - L::pad_left;
                        if (!inside<L>(iy, ix)) continue;
                        const int8_t q = x[(iy * L::in_width + ix) * L::channels + c];
                        if (q > largest) largest = q;
                    }
                }
                y[(oy * L::out_width + ox) * L::channels + c] = clamp(largest, L::lo, L::hi);
            }
        }
    }
}

// Mean of each window.  Dividing by the number of elements is requantising by a factor of its own
// for every number that occurs: at the edges a window may hold fewer.
//
//   parameters  int32 [2][most_elements - least_elements + 1]: multipliers, shifts, by the number
template <typename L>
void average_pool(const int8_t* x, const int32_t* parameters, int8_t* y) {
    static_assert(shapes_agree<L>(1, 1), "output size");
    const int32_t* const multiplier = parameters;
    const int32_t* const shift = parameters + (L::most_elements - L::least_elements + 1);
rows:
    for (int oy = 0; oy < L::out_height; ++oy) {
    columns:
        for (int ox = 0; ox < L::out_width; ++ox) {
        channels:
            for (int c = 0; c < L::channels; ++c) {
                int32_t sum = 0;
                int elements = 0;
            taps_y:
                for (int ky = 0; ky < L::kernel_height; ++ky) {
                taps_x:
                    for (int kx = 0; kx < L::kernel_width; ++kx) {
#pragma HLS PIPELINE II=1
                        const int iy = oy * L::stride_y + ky - L::pad_top;
                        const int ix = ox * L::stride_x + kx - L::pad_left;
                        if (!inside<L>(iy, ix)) continue;
                        sum += x[(iy * L::in_width + ix) * L::channels + c] - L::in_zero;
                        ++elements;
                    }
                }
                const int entry = elements - L::least_elements;
                y[(oy * L::out_width + ox) * L::channels + c] =
                    requantise<L>(sum, multiplier[entry], shift[entry]);
            }
        }
    }
}

// ---- Element by element ----------------------------------------------------------------------

// What follows reads two images of `size` elements, or an image and a number for each channel:
// a_size or b_size numbers, which repeat.

// The index that follows i in an operand.
template <int size>
int following(int i) {
#pragma HLS INLINE
    return i + 1 == size ? 0 : i + 1;
}

// An operand of a sum, brought to the common scale with 20 bits to spare.
inline int64_t operand(int difference, int32_t multiplier, int shift) {
#pragma HLS INLINE
    constexpr int32_t headroom = 1 << 20;
    return scale<Rounding::DOUBLE>(difference * headroom, multiplier, shift);
}

// y[i] = Pair::of(xa[i], xb[i]), each operand from its beginning again behind its last element.
template <typename L, typename Pair>
void pairs(const int8_t* xa, const int8_t* xb, int8_t* y) {
    static_assert(L::size % L::a_size == 0 && L::size % L::b_size == 0, "operands repeat");
    int ka = 0, kb = 0;
elements:
    for (int i = 0; i < L::size; ++i) {
#pragma HLS PIPELINE II=1
        y[i] = Pair::of(xa[ka], xb[kb]);
        ka = following<L::a_size>(ka);
        kb = following<L::b_size>(kb);
    }
}

// Sum (sign 1) or difference (sign -1) of two images with different scales, TensorFlow Lite's way
// in three roundings: bring both to a common scale, add, and requantise.
//
//   y[i] = requantise( ta + sign * (tb + offset) ),
//   ta = rounded twice  (xa[i] - a_zero) * 2^20 * a_multiplier * 2^(a_shift - 31),  a_shift <= 0
template <typename L, int sign>
struct Sum {
    static int8_t of(int a, int b) {
#pragma HLS INLINE
        const int64_t ta = operand(a - L::a_zero, L::a_multiplier, L::a_shift);
        const int64_t tb = operand(b - L::b_zero, L::b_multiplier, L::b_shift) + L::offset;
        return requantise<L>(static_cast<int32_t>(ta + sign * tb), L::multiplier, L::shift);
    }
};

template <typename L>
void add(const int8_t* xa, const int8_t* xb, int8_t* y) {
    pairs<L, Sum<L, 1>>(xa, xb, y);
}

template <typename L>
void subtract(const int8_t* xa, const int8_t* xb, int8_t* y) {
    pairs<L, Sum<L, -1>>(xa, xb, y);
}

// Product of two images:  y[i] = requantise( (xa[i] - a_zero) * (xb[i] - b_zero) )
template <typename L>
struct Product {
    static int8_t of(int a, int b) {
#pragma HLS INLINE
        return requantise<L>((a - L::a_zero) * (b - L::b_zero), L::multiplier, L::shift);
    }
};

template <typename L>
void mul(const int8_t* xa, const int8_t* xb, int8_t* y) {
    pairs<L, Product<L>>(xa, xb, y);
}

// The larger or the smaller byte of two images that are quantised alike.
template <typename L, bool largest>
struct Extreme {
    static int8_t of(int a, int b) {
#pragma HLS INLINE
        return clamp((a > b) == largest ? a : b, L::lo, L::hi);
    }
};

template <typename L>
void larger(const int8_t* xa, const int8_t* xb, int8_t* y) {
    pairs<L, Extreme<L, true>>(xa, xb, y);
}

template <typename L>
void smaller(const int8_t* xa, const int8_t* xb, int8_t* y) {
    pairs<L, Extreme<L, false>>(xa, xb, y);
}

// Any function of one byte (sigmoid, tanh, a change of scale): values[q + 128].
template <typename L>
void table(const int8_t* x, const int8_t* values, int8_t* y) {
elements:
    for (int i = 0; i < L::size; ++i) {
#pragma HLS PIPELINE II=1
        y[i] = values[x[i] + 128];
    }
}

// ---- Bytes that only move --------------------------------------------------------------------

// One part of a concatenation: its channels go into the `channels` of y from `first` on.
template <typename L, int part, int first>
void concat(const int8_t* x, int8_t* y) {
    static_assert(first + part <= L::channels, "parts fill the output");
pixels:
    for (int i = 0; i < L::pixels; ++i) {
    channels:
        for (int c = 0; c < part; ++c) {
#pragma HLS PIPELINE II=1
            y[i * L::channels + first + c] = x[i * part + c];
        }
    }
}

// A part of an image: from byte `first` on, rows `row` and pixels `pixel` bytes apart.
template <typename L>
void slice(const int8_t* x, int8_t* y) {
rows:
    for (int oy = 0; oy < L::height; ++oy) {
    columns:
        for (int ox = 0; ox < L::width; ++ox) {
        channels:
            for (int c = 0; c < L::channels; ++c) {
#pragma HLS PIPELINE II=1
                y[(oy * L::width + ox) * L::channels + c] =
                    x[L::first + oy * L::row + ox * L::pixel + c];
            }
        }
    }
}

// One part of an assembly: the other way round, x is a part of the image y.
template <typename L, int height, int width, int part, int first, int row, int pixel>
void assemble(const int8_t* x, int8_t* y) {
    static_assert(first + (height - 1) * row + (width - 1) * pixel + part <= L::size,
                  "parts lie within the output");
rows:
    for (int iy = 0; iy < height; ++iy) {
    columns:
        for (int ix = 0; ix < width; ++ix) {
        channels:
            for (int c = 0; c < part; ++c) {
#pragma HLS PIPELINE II=1
                y[first + iy * row + ix * pixel + c] = x[(iy * width + ix) * part + c];
            }
        }
    }
}

// An image with a border of its zero point.
template <typename L>
void pad(const int8_t* x, int8_t* y) {
rows:
    for (int oy = 0; oy < L::out_height; ++oy) {
    columns:
        for (int ox = 0; ox < L::out_width; ++ox) {
        channels:
            for (int c = 0; c < L::channels; ++c) {
#pragma HLS PIPELINE II=1
                const int iy = oy - L::pad_top;
                const int ix = ox - L::pad_left;
                y[(oy * L::out_width + ox) * L::channels + c] =
                    inside<L>(iy, ix) ? x[(iy * L::in_width + ix) * L::channels + c]
                                      : static_cast<int8_t>(L::zero);
            }
        }
    }
}

// A tensor that the network gives out twice.
template <int size>
void copy(const int8_t* x, int8_t* y) {
elements:
    for (int i = 0; i < size; ++i) {
#pragma HLS PIPELINE II=1
        y[i] = x[i];
    }
}

}  // namespace layers

#endif
