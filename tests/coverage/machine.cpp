// The harness of the ordinary simulator, and a host of any accesses; when a machine ends, its
// counts of coverage are added up.  Its counters may begin high.

#include <cstdint>
#include <vector>

#include "Vaccelerator.h"
#include "Vaccelerator___024root.h"
#include "Vaccelerator__Syms.h"
#include "presets.h"
#include "verilated_cov.h"

// Bits of a counter, and what is added to them.
extern "C" struct Preset {
    uint32_t counter, low, width, value;
};

namespace {

constexpr size_t COUNTS = sizeof(Vaccelerator__Syms::__Vcoverage) / sizeof(uint32_t);
uint64_t totals[COUNTS];
// Of a count in a file, so that sums of some still fit.
constexpr uint64_t MOST = 1u << 24;
std::vector<Preset> presets;

void add(void* counter, const Preset& preset) {
    unsigned char* bytes = static_cast<unsigned char*>(counter);
    uint64_t sum = preset.value;
    for (uint32_t bit = 0; bit < preset.width; ++bit) {
        const uint32_t at = preset.low + bit;
        sum += uint64_t{bytes[at / 8]} >> at % 8 << bit & uint64_t{1} << bit;
    }
    for (uint32_t bit = 0; bit < preset.width; ++bit) {
        const uint32_t at = preset.low + bit;
        const unsigned char mask = static_cast<unsigned char>(1u << at % 8);
        if (sum >> bit & 1) bytes[at / 8] |= mask;
        else bytes[at / 8] &= static_cast<unsigned char>(~mask);
    }
}

}  // namespace

struct Counted : Vaccelerator {
    explicit Counted(VerilatedContext* context) : Vaccelerator(context) {}
    ~Counted() {
        for (size_t number = 0; number < COUNTS; ++number) {
            totals[number] += rootp->vlSymsp->__Vcoverage[number];
        }
    }
    void eval() {
        Vaccelerator::eval();
        // In the second half of the first cycle that is counted: no command has come yet.
        if (clk || presets.empty() || !running(*rootp)) return;
        for (const Preset& preset : presets) add(counter(*rootp, preset.counter), preset);
        presets.clear();
    }
};

#define Vaccelerator Counted
#include "harness.cpp"
#include "host.h"
#undef Vaccelerator

// Write the counts of all machines that have ended into a file of Verilator's.
EXPORTED void accel_counts(const char* path) {
    VerilatedContext context;
    Vaccelerator top{&context};
    for (size_t number = 0; number < COUNTS; ++number) {
        top.rootp->vlSymsp->__Vcoverage[number] = std::min<uint64_t>(totals[number], MOST);
    }
    context.coveragep()->write(path);
}

// What is added to the counters of the next machine, or of this one's next run, at its beginning.
EXPORTED void accel_preset(const Preset* first, uint32_t count) {
    presets.assign(first, first + count);
}
