/* The network without an operating system: put your own addresses here. */
#include <stdio.h>

#include "accel.h"
#include "accel_mmio.h"
#include "NETWORK.h"

#define REGISTERS 0x43C00000u
#define MEMORY 0x40000000u /* where both the processor and the machine see it */
#define MEMORY_BYTES NETWORK_CAPITAL_MEMORY_BYTES

static INPUT_TYPE input[NETWORK_CAPITAL_INPUT_0_ELEMENTS];
static OUTPUT_TYPE output[NETWORK_CAPITAL_OUTPUT_0_ELEMENTS];

static int check(int error, const char *what)
{
    if (error)
        printf("%s: %s: %s\n", what, accel_error_name(error), accel_error_text(error));
    return error;
}

int main(void)
{
    accel_io io = accel_mmio(REGISTERS);
    accel_device device;
    unsigned n;
    if (check(accel_open(&device, &io, (void *)(uintptr_t)MEMORY, MEMORY, MEMORY_BYTES), "open"))
        return 1;
    if (check(accel_load(&device, NETWORK_image, NETWORK_image_bytes), "load"))
        return 1;
    /* For each image: fill `input`, then */
    if (check(accel_put(&device, &NETWORK_inputs[0], 0, input), "put")
        || check(accel_run(&device), "run")
        || check(accel_get(&device, &NETWORK_outputs[0], 0, output), "get"))
        return 1;
    for (n = 0; n < NETWORK_CAPITAL_OUTPUT_0_ELEMENTS; ++n)
        printf("%u: %g\n", n, (double)output[n]);
    printf("%lu cycles\n", (unsigned long)accel_counter(&device, ACCEL_COUNTER_CYCLES));
    return 0;
}
