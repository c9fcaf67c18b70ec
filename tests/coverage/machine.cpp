// The harness of the ordinary simulator, and a host of any accesses; when a machine ends, its
// counts of coverage are added up.  Its counters may begin high.

#include <cstdint>

#include "Vaccelerator.h"
#include "Vaccelerator___024root.h"
#include "Vaccelerator__Syms.h"
#include "counters.h"
#include "high.h"
#include "verilated_cov.h"

namespace {

constexpr size_t COUNTS = sizeof(Vaccelerator__Syms::__Vcoverage) / sizeof(uint32_t);
uint64_t totals[COUNTS];
// Of a count in a file, so that sums of some still fit.
constexpr uint64_t MOST = 1u << 24;

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
        if (!clk) begin_high(*rootp);
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
