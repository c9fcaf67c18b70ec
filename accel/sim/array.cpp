// The systolic array verilated by itself: a yardstick for the speed of the whole machine.
//
// The array gets a vector every cycle and, every `tile` cycles, a new tile of weights, a row a
// cycle.  ROWS and COLS are defined by the build.  The host computer is assumed to be little-endian.

#include <cstdint>
#include <cstring>

#include "Vaccelerator.h"
#include "verilated.h"

// Simulates `cycles` cycles.  In cycle t the array gets vector t % vectors of `lanes`
// [vectors][ROWS]; tile n of `weights` [tiles][ROWS][COLS] (n modulo tiles) swaps in cycle
// tile * (n + 1) - 1 and works on the vectors from the next cycle on.  `sums` is null, or gets the
// array's outputs of every cycle, [cycles][COLS].
extern "C" __attribute__((visibility("default")))
void array_run(uint64_t cycles, uint32_t tile, const int8_t* lanes, uint32_t vectors,
               const int8_t* weights, uint32_t tiles, int32_t* sums) {
    VerilatedContext context;
    Vaccelerator top(&context);
    top.eval();
    uint32_t vector = 0, phase = 0, number = 0;
    for (uint64_t cycle = 0; cycle < cycles; ++cycle) {
        memcpy(&top.lanes, lanes + vector * ROWS, ROWS);
        if (++vector == vectors) vector = 0;
        // The rows come as early as they may: row r in the cycle after the swap before it, plus r.
        top.weight_valid = phase < ROWS;
        if (phase < ROWS) {
            top.weight_index = phase;
            memcpy(&top.weight_data, weights + (number * ROWS + phase) * COLS, COLS);
        }
        top.swap = phase + 1 == tile;
        if (++phase == tile) {
            phase = 0;
            if (++number == tiles) number = 0;
        }
        // The cycle begins with these inputs.
        top.clk = 1;
        top.eval();
        if (sums) memcpy(sums + cycle * COLS, &top.psums, 4 * COLS);
        top.clk = 0;
        top.eval();
    }
    top.final();
}
