// What accel/sim/harness.cpp wants of Verilator's runtime.
#pragma once

class VerilatedContext {};
