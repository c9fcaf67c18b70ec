// A clock for Verilator.
#include <memory>

#include "Vbench.h"
#include "verilated.h"

int main(int count, char** arguments) {
    VerilatedContext context;
    context.commandArgs(count, arguments);
    auto bench = std::make_unique<Vbench>(&context);
    while (!context.gotFinish()) {
        bench->clk = !bench->clk;
        bench->eval();
        context.timeInc(1);
    }
    bench->final();
    return 0;
}
