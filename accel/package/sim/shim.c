/* What the testbench needs of C besides the driver: sizes, and the network's ports by number. */
#include PORTS_HEADER

const accel_port *bench_input(unsigned number) { return &INPUTS[number]; }
const accel_port *bench_output(unsigned number) { return &OUTPUTS[number]; }
size_t bench_device_bytes(void) { return sizeof(accel_device); }
