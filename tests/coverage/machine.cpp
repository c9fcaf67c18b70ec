// The harness of the ordinary simulator, and a host of any accesses; when a machine ends, its
// counts of coverage go to a file.  Its counters may be set once, as a debugger would.

#include <cstdint>
#include <string>
#include <vector>

#include "Vaccelerator.h"
#include "Vaccelerator___024root.h"
#include "presets.h"
#include "verilated_cov.h"

// Bits of a counter that get a value.
extern "C" struct Preset {
    uint32_t counter, low, width, value;
};

namespace {

std::string counts;
std::vector<Preset> presets;

void set(void* counter, const Preset& preset) {
    unsigned char* bytes = static_cast<unsigned char*>(counter);
    for (uint32_t bit = 0; bit < preset.width; ++bit) {
        const uint32_t at = preset.low + bit;
        const unsigned char mask = static_cast<unsigned char>(1u << at % 8);
        if (preset.value >> bit & 1) bytes[at / 8] |= mask;
        else bytes[at / 8] &= static_cast<unsigned char>(~mask);
    }
}

}  // namespace

struct Counted : Vaccelerator {
    explicit Counted(VerilatedContext* context) : Vaccelerator(context) {}
    ~Counted() { contextp()->coveragep()->write(counts); }
    void eval() {
        Vaccelerator::eval();
        // In the second half of the first cycle that is counted: no command has come yet.
        if (clk || presets.empty() || !running(*rootp)) return;
        for (const Preset& preset : presets) set(counter(*rootp, preset.counter), preset);
        presets.clear();
    }
};

#define Vaccelerator Counted
#include "harness.cpp"
#include "host.h"
#undef Vaccelerator

// Where the counts of the machines go that end from now on.
EXPORTED void accel_counts(const char* path) { counts = path; }

// What the counters of the next machine, or of this one's next run, begin with.
EXPORTED void accel_preset(const Preset* first, uint32_t count) {
    presets.assign(first, first + count);
}
