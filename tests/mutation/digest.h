#pragma once

#include <cstdint>

// Of numbers in their order.
struct Digest {
    uint64_t value = 0;
    void add(uint64_t number) {
        value = (value ^ number) * 0x9E3779B97F4A7C15u;
        value ^= value >> 29;
    }
};
