/* Linux, without a kernel module of one's own: registers and interrupt by UIO (driver
 * uio_pdrv_genirq), memory by u-dma-buf or any device that maps physically contiguous memory. */
#ifndef ACCEL_UIO_H
#define ACCEL_UIO_H

#include "accel.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int registers_file, memory_file;
    void *registers, *memory;
    size_t memory_bytes;
    unsigned long long physical; /* the memory's address on the bus */
    const char *failed;          /* what could not be opened; errno says why */
} accel_uio;

/* Open, for example, "/dev/uio0" and "/dev/udmabuf0", whose address and size are in
 * "/sys/class/u-dma-buf/udmabuf0", and the device behind them.  The memory is mapped uncached
 * (O_SYNC), so nothing has to be cleaned. */
int accel_uio_open(accel_uio *uio, accel_device *device, const char *registers,
                   const char *memory, const char *memory_in_sysfs);
void accel_uio_close(accel_uio *uio);

/* A file, a program image for example, mapped to be read; NULL if it cannot be. */
const void *accel_uio_map(const char *path, size_t *bytes);

#ifdef __cplusplus
}
#endif

#endif
