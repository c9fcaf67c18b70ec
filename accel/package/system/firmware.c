/* Classifies images by the driver, and prints for each its class, cycles, and how many bytes of the
 * answer differ from what the golden model says.
 *
 * Its exit code is 0 only if none does.  A BOARD's header says where REGISTERS are, how a character
 * goes out, and what must be done before anything else and at the end. */
#include "accel.h"
#include "accel_mmio.h"
#include "NETWORK.h"
#include "vectors.h"
#include BOARD

/* The accelerator's part of the memory. */
static uint8_t arena[NETWORK_CAPITAL_MEMORY_BYTES]
    __attribute__((aligned(ACCEL_BASE_ALIGN), section(".noinit")));
static OUTPUT_TYPE output[NETWORK_CAPITAL_OUTPUT_0_ELEMENTS];

static void text(const char *at)
{
    while (*at)
        board_put(*at++);
}

static void number(uint32_t value)
{
    char digits[11];
    unsigned n = sizeof digits - 1;
    digits[n] = 0;
    do
        digits[--n] = (char)('0' + value % 10);
    while (value /= 10);
    text(digits + n);
}

static int failed(const char *what, int error)
{
    if (error) {
        text(what);
        text(": ");
        text(accel_error_name(error));
        text(": ");
        text(accel_error_text(error));
        text("\n");
    }
    return error;
}

static uint32_t differences(unsigned image)
{
    const uint8_t *found = (const uint8_t *)output, *wanted = vectors_output + image * sizeof output;
    uint32_t differing = 0;
    size_t n;
    for (n = 0; n < sizeof output; ++n)
        differing += found[n] != wanted[n];
    return differing;
}

static int classify(void)
{
    const size_t bytes = NETWORK_CAPITAL_INPUT_0_ELEMENTS * sizeof(INPUT_TYPE);
    accel_io io = accel_mmio(REGISTERS);
    accel_device device;
    uint32_t differing, all = 0;
    unsigned image, n, best;
    if (failed("open", accel_open(&device, &io, arena, (uint32_t)(uintptr_t)arena, sizeof arena))
        || failed("load", accel_load(&device, NETWORK_image, NETWORK_image_bytes)))
        return 1;
    text("NETWORK at ");
    number(device.base);
    text("\n");
    for (image = 0; image < VECTORS_IMAGES; ++image) {
        if (failed("put", accel_put(&device, &NETWORK_inputs[0], 0, vectors_input + image * bytes))
            || failed("run", accel_run(&device))
            || failed("get", accel_get(&device, &NETWORK_outputs[0], 0, output)))
            return 1;
        best = 0;
        for (n = 1; n < NETWORK_CAPITAL_OUTPUT_0_ELEMENTS; ++n)
            if (output[n] > output[best])
                best = n;
        differing = differences(image);
        text("image ");
        number(image);
        text(": class ");
        number(best);
        text(", ");
        number(accel_counter(&device, ACCEL_COUNTER_CYCLES));
        text(" cycles, ");
        number(differing);
        text(" bytes differ\n");
        all += differing;
    }
    return all != 0;
}

int main(void)
{
    int code;
    board_begin();
    code = classify();
    board_end(code);
    return code;
}
