// What JavaScript calls: the harness of the ordinary simulator, cycle by cycle, and looked into.
//
// The harness is used as it is.  It makes a `Vaccelerator`; here that is a class which remembers the
// object, so that its registers can be read.

#include "Vaccelerator.h"
#include "Vaccelerator___024root.h"

namespace {
const Vaccelerator* machine = nullptr;
}

struct Watched : Vaccelerator {
    explicit Watched(VerilatedContext* context) : Vaccelerator(context) { machine = this; }
};

#define Vaccelerator Watched
#include "harness.cpp"
#undef Vaccelerator

#include "probes.h"

// Function-local statics with destructors ask for this; a page never ends.
extern "C" int __cxa_thread_atexit(void (*)(void*), void*, void*) { return 0; }

namespace {

// What a cycle is logged as; mirrored by accel/page/web/machine.js.
enum { ISSUED = 1, SWAP = 2, READ_BEAT = 4, WRITE_BEAT = 8, CAUSE_SHIFT = 4 };
enum { NOTHING, VECTOR, TILE, LAYER };

std::unique_ptr<Run> run;
uint8_t* memory = nullptr;
std::vector<uint8_t> logged;
Causes before;
unsigned char gathered[GATHERED];

// The counters are the machine's own: busy, fill, weight, memory, post, sync.  In every cycle one of
// them has gone up, or none while the machine does not run.
unsigned cause() {
    const Causes now = causes(*machine->rootp);
    unsigned which = 0;
    for (unsigned number = 0; number < now.size(); ++number) {
        if (now[number] != before[number]) which = number + 1;
        before[number] = now[number];
    }
    return which;
}

uint8_t flags() {
    unsigned found = cause() << CAUSE_SHIFT;
    if (issues(*machine->rootp)) found |= ISSUED;
    if (swaps(*machine->rootp)) found |= SWAP;
    if (machine->m_axi_rvalid && machine->m_axi_rready) found |= READ_BEAT;
    if (machine->m_axi_wvalid && machine->m_axi_wready) found |= WRITE_BEAT;
    return found;
}

}  // namespace

// A fresh machine on `bytes` of memory from `start_of_memory` on, and its host about to start the
// `commands` at address `program`.
EXPORTED void page_begin(uint8_t* start_of_memory, uint32_t bytes, uint32_t latency,
                         uint32_t bytes_per_cycle, uint32_t program, uint32_t commands,
                         uint32_t timeout, uint32_t max_cycles) {
    const uint32_t script[][2] = {{PROGRAM, program}, {COMMANDS, commands}, {TIMEOUT, timeout},
                                  {BUDGET, max_cycles}, {CONTROL, 1}};
    Config config{};
    config.memory = memory = start_of_memory;
    config.memory_bytes = bytes;
    config.latency_cycles = config.write_latency_cycles = latency;
    config.bytes_per_cycle = bytes_per_cycle;
    config.fail_read = config.fail_write = -1;
    config.max_cycles = max_cycles;
    for (const auto& [address, value] : script) {
        config.write_address[config.writes] = address;
        config.write_data[config.writes++] = value;
    }
    for (const uint32_t address : RESULTS) config.read_address[config.reads++] = address;
    run.reset();
    run.reset(new Run(config));
    logged.clear();
    before = {};
}

// Simulate up to `cycles` more: to the end of the program, or to the next cycle in which a vector is
// issued, a tile swaps, or the word at `address` is no more 0 (a layer's completion record).
// Returns how many.
EXPORTED uint32_t page_advance(uint32_t cycles, uint32_t until, uint32_t address) {
    uint32_t count = 0;
    while (count < cycles && !run->result().finished) {
        run->advance(1);
        ++count;
        logged.push_back(flags());
        if ((until == VECTOR && logged.back() & ISSUED) || (until == TILE && logged.back() & SWAP)) {
            break;
        }
        if (until == LAYER) {
            uint32_t word;
            memcpy(&word, memory + address, sizeof word);
            if (word) break;
        }
    }
    return count;
}

EXPORTED uint32_t page_cycle() { return static_cast<uint32_t>(run->result().cycles); }
EXPORTED uint32_t page_finished() { return run->result().finished; }
EXPORTED const char* page_error() { return run->result().error; }
// STATUS, WHERE and the counters, as the host read them after the interrupt.
EXPORTED const uint32_t* page_values() { return run->result().values; }
EXPORTED const uint8_t* page_log() { return logged.data(); }
EXPORTED const unsigned char* page_gather() {
    gather(*machine->rootp, gathered);
    return gathered;
}
// The memory's port in this cycle.
EXPORTED uint32_t page_port(uint32_t what) {
    switch (what) {
    case 0: return machine->m_axi_arvalid | machine->m_axi_arready << 1;
    case 1: return machine->m_axi_araddr;
    case 2: return machine->m_axi_arlen + 1;
    case 3: return machine->m_axi_rvalid | machine->m_axi_rready << 1;
    case 4: return machine->m_axi_awvalid | machine->m_axi_awready << 1;
    case 5: return machine->m_axi_awaddr;
    case 6: return machine->m_axi_awlen + 1;
    case 7: return machine->m_axi_wvalid | machine->m_axi_wready << 1;
    default: return machine->m_axi_bvalid | machine->m_axi_bready << 1;
    }
}
