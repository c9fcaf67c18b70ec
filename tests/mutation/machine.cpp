// The harness of the ordinary simulator, on a machine with mutants: one of them, or none, is active.
// What goes over the memory's bus is digested; there is a host that does more than run programs; and
// counters may begin high.

#include "Vaccelerator.h"
#include "Vaccelerator___024root.h"
#include "counters.h"
#include "digest.h"
#include "high.h"
#include "select.h"

#include <cstdint>
#include <cstring>

namespace {

unsigned chosen = 0;

// Of the newest machine's transactions.
Digest bus;
// Which mutants would have changed their bit in any of its cycles.
uint32_t infected[(MUTANTS + 31) / 32];

}  // namespace

struct Mutated : Vaccelerator {
    explicit Mutated(VerilatedContext* context) : Vaccelerator(context) {
        rootp->SELECT = chosen;
        bus = Digest{};
        memset(infected, 0, sizeof infected);
    }
    static void add(uint64_t channel, uint64_t length, uint64_t address) {
        bus.add(channel << 48 | length << 32 | address);
    }
    void eval() {
        Vaccelerator::eval();
        if (clk) return;
        begin_high(*rootp);  // in the cycle's second half
        const uint32_t* now = reinterpret_cast<const uint32_t*>(&rootp->INFECTED);
        for (unsigned word = 0; word < sizeof infected / 4; ++word) infected[word] |= now[word];
        if (m_axi_arvalid && m_axi_arready) add(1, m_axi_arlen, m_axi_araddr);
        if (m_axi_awvalid && m_axi_awready) add(2, m_axi_awlen, m_axi_awaddr);
        if (m_axi_wvalid && m_axi_wready) add(3, 0, m_axi_wstrb);
    }
};

#define Vaccelerator Mutated
#include "harness.cpp"
#include "host.h"
#undef Vaccelerator

// Which mutant the machines are that are made from now on; 0 is none.
EXPORTED void accel_mutant(uint32_t number) { chosen = number; }

EXPORTED void accel_infected(uint32_t* words) { memcpy(words, infected, sizeof infected); }

EXPORTED uint64_t accel_bus() { return bus.value; }
