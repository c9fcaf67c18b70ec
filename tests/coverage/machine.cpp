// The harness of the ordinary simulator; when a machine ends, its counts of coverage go to a file.

#include <string>

#include "Vaccelerator.h"
#include "verilated_cov.h"

namespace {
std::string counts;
}

struct Counted : Vaccelerator {
    explicit Counted(VerilatedContext* context) : Vaccelerator(context) {}
    ~Counted() { contextp()->coveragep()->write(counts); }
};

#define Vaccelerator Counted
#include "harness.cpp"
#undef Vaccelerator

// Where the counts of the machines go that end from now on.
EXPORTED void accel_counts(const char* path) { counts = path; }
