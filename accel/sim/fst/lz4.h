// The two functions of LZ4 that Verilator's FST writer calls: a simple compressor to LZ4 blocks.
//
// A waveform then needs no library (and no header) that a machine with a compiler may not have.
// A block is a row of: a token with two lengths of four bits, longer ones in bytes of up to 255
// behind it; literals; the distance of a match behind them, in two bytes.  Its last five bytes are
// literals, and the last match begins at least twelve bytes before its end.

#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

inline int LZ4_compressBound(int size) { return size + size / 255 + 16; }

namespace accel_lz4 {

inline uint8_t* length(uint8_t* to, int rest) {
    for (; rest >= 255; rest -= 255) *to++ = 255;
    *to++ = static_cast<uint8_t>(rest);
    return to;
}

// Literals, and a match of `match` bytes (0: none, at the end) `distance` bytes back.
inline uint8_t* sequence(uint8_t* to, const uint8_t* literals, int count, int match, int distance) {
    uint8_t* const token = to++;
    const int more = match ? match - 4 : 0;
    *token = static_cast<uint8_t>((count < 15 ? count : 15) << 4 | (more < 15 ? more : 15));
    if (count >= 15) to = length(to, count - 15);
    if (count) std::memcpy(to, literals, count);
    to += count;
    if (!match) return to;
    *to++ = static_cast<uint8_t>(distance);
    *to++ = static_cast<uint8_t>(distance >> 8);
    return more >= 15 ? length(to, more - 15) : to;
}

}  // namespace accel_lz4

inline int LZ4_compress_default(const char* source, char* target, int size, int) {
    constexpr int BITS = 14, FAR = 65535;
    const uint8_t* const from = reinterpret_cast<const uint8_t*>(source);
    uint8_t* to = reinterpret_cast<uint8_t*>(target);
    std::vector<int> latest(1 << BITS, -1);
    int begin = 0;
    for (int at = 0; at < size - 12;) {
        uint32_t word;
        std::memcpy(&word, from + at, 4);
        int& entry = latest[word * 2654435761u >> (32 - BITS)];
        const int before = entry;
        entry = at;
        if (before < 0 || at - before > FAR || std::memcmp(from + before, from + at, 4)) {
            ++at;
            continue;
        }
        int match = 4;
        while (at + match < size - 5 && from[before + match] == from[at + match]) ++match;
        to = accel_lz4::sequence(to, from + begin, at - begin, match, at - before);
        at += match;
        begin = at;
    }
    to = accel_lz4::sequence(to, from + begin, size - begin, 0, 0);
    return static_cast<int>(to - reinterpret_cast<uint8_t*>(target));
}
