/* See accel_uio.h. */
#define _POSIX_C_SOURCE 200809L

#include "accel_uio.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define REGISTERS_BYTES 4096u

static uint32_t uio_read(void *context, uint32_t offset)
{
    accel_uio *uio = context;
    return *(volatile uint32_t *)((char *)uio->registers + offset);
}

static void uio_write(void *context, uint32_t offset, uint32_t value)
{
    accel_uio *uio = context;
    __sync_synchronize();
    *(volatile uint32_t *)((char *)uio->registers + offset) = value;
}

/* The kernel disables the interrupt when it comes; here it is enabled again before each wait.  It
 * is a level, so one that came before is not lost. */
static int uio_wait(void *context, uint32_t milliseconds)
{
    accel_uio *uio = context;
    struct pollfd ready = {uio->registers_file, POLLIN, 0};
    uint32_t word = 1;
    if (write(uio->registers_file, &word, sizeof word) != (ssize_t)sizeof word)
        return 1;
    if (poll(&ready, 1, (int)milliseconds) <= 0)
        return 1;
    return read(uio->registers_file, &word, sizeof word) != (ssize_t)sizeof word;
}

static int number(const char *folder, const char *name, unsigned long long *value)
{
    char path[256];
    FILE *file;
    int found;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return 0;
    file = fopen(path, "r");
    if (!file)
        return 0;
    found = fscanf(file, "%lli", (long long *)value) == 1;
    fclose(file);
    return found;
}

static void *mapped(int file, size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    return at == MAP_FAILED ? NULL : at;
}

static int fail(accel_uio *uio, const char *what)
{
    accel_uio_close(uio);
    uio->failed = what;
    return ACCEL_E_NO_DEVICE;
}

int accel_uio_open(accel_uio *uio, accel_device *device, const char *registers,
                   const char *memory, const char *memory_in_sysfs)
{
    accel_io io = {uio_read, uio_write, uio_wait, NULL, NULL, NULL};
    unsigned long long size = 0;
    if (!uio || !device || !registers || !memory || !memory_in_sysfs)
        return ACCEL_E_ARGUMENT;
    memset(uio, 0, sizeof *uio);
    io.context = uio;
    uio->memory_file = -1;
    uio->registers_file = open(registers, O_RDWR);
    if (uio->registers_file < 0)
        return fail(uio, registers);
    uio->registers = mapped(uio->registers_file, REGISTERS_BYTES);
    if (!uio->registers)
        return fail(uio, registers);
    if (!number(memory_in_sysfs, "phys_addr", &uio->physical)
        || !number(memory_in_sysfs, "size", &size))
        return fail(uio, memory_in_sysfs);
    if (uio->physical + size > 0x100000000ull) {
        accel_uio_close(uio);
        uio->failed = memory_in_sysfs;
        return ACCEL_E_ADDRESS;
    }
    uio->memory_file = open(memory, O_RDWR | O_SYNC);
    if (uio->memory_file < 0)
        return fail(uio, memory);
    uio->memory_bytes = (size_t)size;
    uio->memory = mapped(uio->memory_file, uio->memory_bytes);
    if (!uio->memory)
        return fail(uio, memory);
    return accel_open(device, &io, uio->memory, (uint32_t)uio->physical, (uint32_t)size);
}

void accel_uio_close(accel_uio *uio)
{
    if (uio->memory)
        munmap(uio->memory, uio->memory_bytes);
    if (uio->registers)
        munmap(uio->registers, REGISTERS_BYTES);
    if (uio->memory_file >= 0)
        close(uio->memory_file);
    if (uio->registers_file >= 0)
        close(uio->registers_file);
    uio->memory = uio->registers = NULL;
    uio->memory_file = uio->registers_file = -1;
}

const void *accel_uio_map(const char *path, size_t *bytes)
{
    struct stat about;
    void *at;
    int file = open(path, O_RDONLY);
    if (file < 0)
        return NULL;
    if (fstat(file, &about) || about.st_size <= 0) {
        close(file);
        return NULL;
    }
    *bytes = (size_t)about.st_size;
    at = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    return at == MAP_FAILED ? NULL : at;
}
