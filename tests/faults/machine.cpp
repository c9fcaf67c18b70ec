// The harness of the ordinary simulator, whose machine can be reached from outside.

#include "Vaccelerator.h"
#include "Vaccelerator___024root.h"

namespace {
Vaccelerator* machine = nullptr;
}

struct Exposed : Vaccelerator {
    explicit Exposed(VerilatedContext* context) : Vaccelerator(context) { machine = this; }
};

#define Vaccelerator Exposed
#include "harness.cpp"
#undef Vaccelerator

#include "flipper.h"

// Flip a bit of the newest machine: from here on the next cycles compute with it.
EXPORTED void accel_flip(uint32_t element, uint32_t word, uint32_t bit) {
    flip(*machine->rootp, element, word, bit);
}
