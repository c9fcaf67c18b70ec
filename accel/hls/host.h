// Layers that a processor computes, between the parts of a network that are synthesised.
//
// They work in float32 and want nothing of HLS tools: host.cpp calls them between
// the top functions of network.cpp.  Names and layouts are those of layers.h.  Float results may
// differ from another library's by the last bits of its powers and exponentials, and so a byte by a
// step where a result lies just between two.

#ifndef ACCEL_HLS_HOST_H
#define ACCEL_HLS_HOST_H

#include <cmath>
#include <cstdint>

#include "layers.h"

namespace host {

// Called behind every layer of the host, like layers::observe.  The testbench puts the expected
// bytes in the place of y's, so that a step of difference here is not seen in all layers behind.
#ifdef ACCEL_HLS_OBSERVE
void observe(int number, int8_t* y);
#else
inline void observe(int, int8_t*) {}
#endif

// The real number that a byte stands for.
template <typename L>
float real(int8_t q) {
    return static_cast<float>(q - L::in_zero) * L::in_scale;
}

// The byte that is nearest to a real number, halves to even.
template <typename L>
int8_t quantise(float value) {
    const float steps = std::rint(value / L::out_scale) + static_cast<float>(L::out_zero);
    return static_cast<int8_t>(steps < -128.0f ? -128.0f : steps > 127.0f ? 127.0f : steps);
}

// Local response normalisation (AlexNet's), over `size` neighbouring channels:
//
//   y[c] = x[c] / (bias + share * sum of x[i]^2 over i = c - before .. c + after) ^ beta
template <typename L>
void local_response(const int8_t* x, int8_t* y) {
    for (int pixel = 0; pixel < L::pixels; ++pixel, x += L::channels, y += L::channels) {
        for (int c = 0; c < L::channels; ++c) {
            float sum = 0.0f;
            for (int i = c - L::before; i <= c + L::after; ++i) {
                if (i < 0 || i >= L::channels) continue;
                const float value = real<L>(x[i]);
                sum += value * value;
            }
            y[c] = quantise<L>(real<L>(x[c]) * std::pow(L::bias + L::share * sum, -L::beta));
        }
    }
}

inline int largest(const int8_t* x, int channels) {
    int most = x[0];
    for (int c = 1; c < channels; ++c) most = x[c] > most ? x[c] : most;
    return most;
}

// e^(difference of two bytes), raised.
template <typename L>
float raised(int difference) {
    return static_cast<float>(std::exp((difference + L::raise) * L::in_scale));
}

// Softmax over the channels, in float32: y[c] = e^x[c] / sum of e^x[i].
template <typename L>
void softmax(const int8_t* x, int8_t* y) {
    for (int pixel = 0; pixel < L::pixels; ++pixel, x += L::channels, y += L::channels) {
        const float most = static_cast<float>(largest(x, L::channels) - L::in_zero) * L::in_scale;
        float sum = 0.0f;
        for (int c = 0; c < L::channels; ++c) sum += std::exp(real<L>(x[c]) - most);
        for (int c = 0; c < L::channels; ++c) {
            y[c] = quantise<L>(std::exp(real<L>(x[c]) - most) / sum);
        }
    }
}

// ONNX Runtime's softmax of bytes: powers of e, raised as far as their sum allows; the quotient in
// `steps` parts of 1.
template <typename L>
void softmax_table(const int8_t* x, int8_t* y) {
    for (int pixel = 0; pixel < L::pixels; ++pixel, x += L::channels, y += L::channels) {
        const int most = largest(x, L::channels);
        float sum = 0.0f;
        for (int c = 0; c < L::channels; ++c) sum += raised<L>(x[c] - most);
        for (int c = 0; c < L::channels; ++c) {
            const double power = raised<L>(x[c] - most);
            const double steps = std::rint(power * L::steps / sum);
            y[c] = layers::clamp(static_cast<int64_t>(steps) + L::out_zero, -128, 127);
        }
    }
}

}  // namespace host

#endif
