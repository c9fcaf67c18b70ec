/* Registers at an address of the processor: bare metal, or any memory map.  Polling; for the
 * interrupt put a function that sleeps until it (wfi) into `wait`. */
#ifndef ACCEL_MMIO_H
#define ACCEL_MMIO_H

#include "accel.h"

static uint32_t accel_mmio_read(void *context, uint32_t offset)
{
    return *(volatile uint32_t *)((uintptr_t)context + offset);
}

static void accel_mmio_write(void *context, uint32_t offset, uint32_t value)
{
    /* What was written to memory must be there before the machine is told to look. */
#if defined(__GNUC__)
    __sync_synchronize();
#endif
    *(volatile uint32_t *)((uintptr_t)context + offset) = value;
}

static inline accel_io accel_mmio(uintptr_t registers)
{
    accel_io io = {accel_mmio_read, accel_mmio_write, NULL, NULL, NULL, NULL};
    io.context = (void *)registers;
    return io;
}

#endif
