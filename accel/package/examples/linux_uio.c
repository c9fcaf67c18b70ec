/* The network on Linux: registers and interrupt by UIO, memory by u-dma-buf.
 *
 *     linux_uio NETWORK.bin INPUT.bin [/dev/uio0 /dev/udmabuf0 /sys/class/u-dma-buf/udmabuf0]
 *
 * Device tree:  accelerator@43c00000 {
 *                   compatible = "generic-uio"; reg = <0x43c00000 0x1000>;
 *                   interrupt-parent = <&intc>; interrupts = <0 29 4>;
 *               };
 * and on the kernel's command line uio_pdrv_genirq.of_id=generic-uio.
 */
#include <stdio.h>

#include "accel.h"
#include "accel_uio.h"
#include "NETWORK.h"

static INPUT_TYPE input[NETWORK_CAPITAL_INPUT_0_ELEMENTS];
static OUTPUT_TYPE output[NETWORK_CAPITAL_OUTPUT_0_ELEMENTS];

static int check(int error, const char *what)
{
    if (error)
        fprintf(stderr, "%s: %s: %s\n", what, accel_error_name(error), accel_error_text(error));
    return error;
}

int main(int count, char **given)
{
    accel_uio uio;
    accel_device device;
    const void *image;
    size_t bytes = 0;
    FILE *file;
    unsigned n;
    if (count != 3 && count != 6) {
        fprintf(stderr, "usage: %s NETWORK.bin INPUT.bin [UIO MEMORY SYSFS]\n", given[0]);
        return 2;
    }
    image = accel_uio_map(given[1], &bytes);
    file = fopen(given[2], "rb");
    if (!image || !file || fread(input, sizeof input, 1, file) != 1) {
        fprintf(stderr, "%s cannot be read\n", image ? given[2] : given[1]);
        return 2;
    }
    fclose(file);
    if (accel_uio_open(&uio, &device, count == 6 ? given[3] : "/dev/uio0",
                       count == 6 ? given[4] : "/dev/udmabuf0",
                       count == 6 ? given[5] : "/sys/class/u-dma-buf/udmabuf0")) {
        perror(uio.failed ? uio.failed : "the machine");
        return 1;
    }
    if (check(accel_load(&device, image, bytes), "load")
        || check(accel_put(&device, &NETWORK_inputs[0], 0, input), "put")
        || check(accel_run(&device), "run")
        || check(accel_get(&device, &NETWORK_outputs[0], 0, output), "get"))
        return 1;
    for (n = 0; n < NETWORK_CAPITAL_OUTPUT_0_ELEMENTS; ++n)
        printf("%u: %g\n", n, (double)output[n]);
    accel_uio_close(&uio);
    return 0;
}
