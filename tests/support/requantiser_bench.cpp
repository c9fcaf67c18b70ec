// Streams sums through a verilated Requantiser, one a cycle.

#include "Vrequantiser.h"
#include <cstdint>

static void cycle(Vrequantiser &machine) {
  machine.clk = 0;
  machine.eval();
  machine.clk = 1;
  machine.eval();
}

// Returns the number of results written to y, at most `count`.
extern "C" int64_t requantise(const int32_t *x, const uint32_t *multiplier, const int8_t *shift,
                              int64_t count, int rounding, int zero, int lo, int hi, int latency,
                              int8_t *y) {
  VerilatedContext context;
  Vrequantiser machine{&context};
  machine.rst = 0;
  machine.rounding = rounding;
  machine.zero = zero & 255;
  machine.lo = lo & 255;
  machine.hi = hi & 255;
  machine.valid = 0;
  for (int n = 0; n < 4; n++) cycle(machine);
  int64_t results = 0;
  for (int64_t n = 0; n < count + latency; n++) {
    machine.valid = n < count;
    if (n < count) {
      machine.x = x[n];
      machine.multiplier = multiplier[n];
      machine.shift = shift[n] & 255;
    }
    cycle(machine);
    if (machine.valid_out && results < count) y[results++] = int8_t(machine.y);
  }
  machine.final();
  return results;
}
