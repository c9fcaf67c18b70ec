// Counters that begin high; behind counters.h, which is made for the machine and knows its registers.

#include <cstdint>
#include <vector>

// Some bits of a counter, and what is added to them.
extern "C" struct Preset {
    uint32_t counter, low, width, value;
};

namespace {

std::vector<Preset> presets;

// Add a preset's value to bits of a register.
void add(const Place& place, const Preset& preset) {
    unsigned char* bytes = static_cast<unsigned char*>(place.bits);
    uint64_t sum = preset.value;
    for (uint32_t bit = 0; bit < preset.width; ++bit) {
        const uint32_t at = place.low + bit;
        sum += uint64_t{bytes[at / 8]} >> at % 8 << bit & uint64_t{1} << bit;
    }
    for (uint32_t bit = 0; bit < preset.width; ++bit) {
        const uint32_t at = place.low + bit;
        const unsigned char mask = static_cast<unsigned char>(1u << at % 8);
        if (sum >> bit & 1) bytes[at / 8] |= mask;
        else bytes[at / 8] &= static_cast<unsigned char>(~mask);
    }
}

// In the second half of the first cycle that is counted: no command has come yet.
void begin_high(Vaccelerator___024root& root) {
    if (presets.empty() || !running(root)) return;
    for (const Preset& preset : presets) add(place(root, preset.counter, preset.low), preset);
    presets.clear();
}

}  // namespace

// What is added to the counters of the next machine, or of this one's next run, at its beginning.
extern "C" __attribute__((visibility("default"))) void accel_preset(const Preset* first, uint32_t count) {
    presets.assign(first, first + count);
}
