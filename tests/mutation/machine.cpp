// The harness of the ordinary simulator, on a machine with mutants: one of them, or none, is active.

#include "Vaccelerator.h"
#include "Vaccelerator___024root.h"
#include "select.h"

namespace {
unsigned chosen = 0;
}

struct Mutated : Vaccelerator {
    explicit Mutated(VerilatedContext* context) : Vaccelerator(context) { rootp->SELECT = chosen; }
};

#define Vaccelerator Mutated
#include "harness.cpp"
#undef Vaccelerator

// Which mutant the machines are that are made from now on; 0 is none.
EXPORTED void accel_mutant(uint32_t number) { chosen = number; }
