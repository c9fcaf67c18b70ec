/* Registers, program image, start and end of a run: see accel.h. */
#include "accel.h"

#include <string.h>

#define POLL_LIMIT 100000000u
#define MILLISECONDS 10000u

static uint32_t get(accel_device *device, uint32_t offset)
{
    return device->io.read(device->io.context, offset);
}

static void set(accel_device *device, uint32_t offset, uint32_t value)
{
    device->io.write(device->io.context, offset, value);
}

uint32_t accel_crc32(const void *data, size_t bytes)
{
    /* Half a byte at a time: a table that a small processor can spare. */
    static const uint32_t table[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
        0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
        0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
    };
    const uint8_t *at = data;
    uint32_t crc = 0xFFFFFFFFu;
    while (bytes--) {
        crc ^= *at++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

int accel_open(accel_device *device, const accel_io *io, void *memory, uint32_t base,
               uint32_t bytes)
{
    if (!device || !io || !io->read || !io->write || !memory)
        return ACCEL_E_ARGUMENT;
    memset(device, 0, sizeof *device);
    device->io = *io;
    device->memory = memory;
    device->base = base;
    device->bytes = bytes;
    device->poll_limit = POLL_LIMIT;
    device->milliseconds = MILLISECONDS;
    if (get(device, ACCEL_REG_ID) != ACCEL_ID_VALUE)
        return ACCEL_E_NO_DEVICE;
    if (get(device, ACCEL_REG_VERSION) != ACCEL_VERSION_VALUE)
        return ACCEL_E_VERSION;
    if (base % ACCEL_BASE_ALIGN)
        return ACCEL_E_ALIGNMENT;
    if (!bytes)
        return ACCEL_E_MEMORY;
    if (bytes - 1 > 0xFFFFFFFFu - base)
        return ACCEL_E_ADDRESS;
    if (accel_busy(device))
        return ACCEL_E_BUSY;
    set(device, ACCEL_REG_BASE, base);
    return get(device, ACCEL_REG_BASE) == base ? ACCEL_OK : ACCEL_E_ADDRESS;
}

static uint32_t word(const uint8_t *bytes, unsigned number)
{
    bytes += 4 * number;
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16
        | (uint32_t)bytes[3] << 24;
}

/* So generous that no memory is too slow, and no flipped bit keeps the machine busy for ever. */
static uint32_t budget(uint32_t cycles)
{
    if (!cycles || cycles > 0xFFFFFFFFu / 2)
        return 0;
    if (cycles > (0xFFFFFFFFu - ACCEL_BUDGET_MORE) / ACCEL_BUDGET_TIMES)
        return 0xFFFFFFFFu;
    return ACCEL_BUDGET_TIMES * cycles + ACCEL_BUDGET_MORE;
}

int accel_load(accel_device *device, const void *image, size_t bytes)
{
    const uint8_t *header = image;
    uint32_t header_bytes, payload_bytes, memory_bytes;
    if (!device || !image)
        return ACCEL_E_ARGUMENT;
    if (accel_busy(device))
        return ACCEL_E_BUSY;
    device->commands = 0;
    if (bytes < 4 || word(header, ACCEL_IMAGE_MAGIC) != ACCEL_IMAGE_MAGIC_VALUE)
        return ACCEL_E_MAGIC;
    if (bytes < 4 * ACCEL_IMAGE_WORDS
        || word(header, ACCEL_IMAGE_FORMAT) != ACCEL_IMAGE_FORMAT_VALUE)
        return ACCEL_E_FORMAT;
    if (word(header, ACCEL_IMAGE_HEADER_CRC) != accel_crc32(header, 4 * ACCEL_IMAGE_HEADER_CRC))
        return ACCEL_E_CHECKSUM;
    if (word(header, ACCEL_IMAGE_MACHINE) != get(device, ACCEL_REG_MACHINE))
        return ACCEL_E_MACHINE;
    header_bytes = word(header, ACCEL_IMAGE_HEADER_BYTES);
    payload_bytes = word(header, ACCEL_IMAGE_PAYLOAD_BYTES);
    memory_bytes = word(header, ACCEL_IMAGE_MEMORY_BYTES);
    if (header_bytes > bytes || payload_bytes > bytes - header_bytes)
        return ACCEL_E_FORMAT;
    if (memory_bytes > device->bytes || payload_bytes > memory_bytes)
        return ACCEL_E_MEMORY;
    if (word(header, ACCEL_IMAGE_PAYLOAD_CRC) != accel_crc32(header + header_bytes, payload_bytes))
        return ACCEL_E_CHECKSUM;
    memcpy(device->memory, header + header_bytes, payload_bytes);
    memset(device->memory + payload_bytes, 0, memory_bytes - payload_bytes);
    if (device->io.clean)
        device->io.clean(device->io.context, device->memory, memory_bytes);
    device->start = word(header, ACCEL_IMAGE_START);
    device->commands = word(header, ACCEL_IMAGE_COMMANDS);
    device->batch = word(header, ACCEL_IMAGE_BATCH);
    device->sum = word(header, ACCEL_IMAGE_SUM);
    device->budget = budget(word(header, ACCEL_IMAGE_CYCLES));
    return ACCEL_OK;
}

int accel_busy(accel_device *device)
{
    return (get(device, ACCEL_REG_STATUS) & ACCEL_STATUS_BUSY_MASK) != 0;
}

int accel_start(accel_device *device)
{
    if (!device)
        return ACCEL_E_ARGUMENT;
    if (!device->commands)
        return ACCEL_E_NOT_LOADED;
    if (accel_busy(device))
        return ACCEL_E_BUSY;
    set(device, ACCEL_REG_BASE, device->base);
    set(device, ACCEL_REG_PROGRAM, device->start);
    set(device, ACCEL_REG_COMMANDS, device->commands);
    set(device, ACCEL_REG_BUDGET, device->budget);
    set(device, ACCEL_REG_CHECKSUM, device->sum);
    set(device, ACCEL_REG_CONTROL, ACCEL_CONTROL_START_MASK);
    return ACCEL_OK;
}

/* How a run ended; the interrupt is cleared. */
static int ended(accel_device *device, uint32_t status)
{
    if (status & ACCEL_STATUS_BUSY_MASK)
        return ACCEL_E_TIMEOUT;
    set(device, ACCEL_REG_CONTROL, ACCEL_CONTROL_CLEAR_MASK);
    if (status & ACCEL_STATUS_ERROR_MASK) {
        int code = (int)((status & ACCEL_STATUS_CODE_MASK) >> ACCEL_STATUS_CODE_SHIFT);
        uint32_t polls;
        /* What was under way on the bus runs to its end; until then memory may be written. */
        for (polls = 0; status & ACCEL_STATUS_OPEN_MASK && code != ACCEL_E_BUS_TIMEOUT
                        && polls < device->poll_limit; ++polls)
            status = get(device, ACCEL_REG_STATUS);
        return code;
    }
    return status & ACCEL_STATUS_DONE_MASK ? ACCEL_OK : ACCEL_E_NOT_STARTED;
}

int accel_wait(accel_device *device)
{
    uint32_t status, polls;
    if (!device)
        return ACCEL_E_ARGUMENT;
    status = get(device, ACCEL_REG_STATUS);
    if (device->io.wait) {
        /* It may come back early, for another's interrupt: STATUS decides. */
        int late = 0;
        while (status & ACCEL_STATUS_BUSY_MASK && !late) {
            late = device->io.wait(device->io.context, device->milliseconds);
            status = get(device, ACCEL_REG_STATUS);
        }
    } else {
        for (polls = 0; status & ACCEL_STATUS_BUSY_MASK && polls < device->poll_limit; ++polls)
            status = get(device, ACCEL_REG_STATUS);
    }
    return ended(device, status);
}

int accel_run(accel_device *device)
{
    int error = accel_start(device);
    return error ? error : accel_wait(device);
}

int accel_abort(accel_device *device)
{
    int error;
    if (!device)
        return ACCEL_E_ARGUMENT;
    set(device, ACCEL_REG_CONTROL, ACCEL_CONTROL_ABORT_MASK);
    error = accel_wait(device);
    /* Ended well just before, or never begun: nothing runs, which is what was wanted. */
    return error == ACCEL_E_BUS_TIMEOUT || error == ACCEL_E_TIMEOUT ? error : ACCEL_OK;
}

uint32_t accel_counter(accel_device *device, unsigned number)
{
    return get(device, ACCEL_REG_COUNTERS + 4 * number);
}

uint32_t accel_where(accel_device *device)
{
    return get(device, ACCEL_REG_WHERE);
}

static const struct {
    int error;
    const char *name, *text;
} errors[] = {
#define ERROR(name, text) {ACCEL_##name, #name, text}
    ERROR(OK, "all is well"),
    ERROR(E_ILLEGAL_OPCODE, "a command is unknown: is the program damaged in memory?"),
    ERROR(E_ILLEGAL_FIELD, "a command is malformed: is the program damaged in memory?"),
    ERROR(E_AXI_READ, "the memory's bus answered a read with an error: is the base address right?"),
    ERROR(E_AXI_WRITE, "the memory's bus answered a write with an error: is it writable there?"),
    ERROR(E_BUS_TIMEOUT, "the memory does not answer: are its clock and reset running?"),
    ERROR(E_DEADLOCK, "the machine stands still with the bus silent: report this"),
    ERROR(E_UNALIGNED_PROGRAM, "the program's start is not aligned to the bus"),
    ERROR(E_ABORTED, "the program was aborted, and the bus is clean"),
    ERROR(E_BUDGET, "the program ran for longer than device.budget: is the memory that slow?"),
    ERROR(E_PARITY, "a bit of the machine's memories has flipped: run again"),
    ERROR(E_SUM, "commands or weights arrived damaged: load the program again"),
    ERROR(E_ARGUMENT, "a null pointer, or an image number that the batch does not have"),
    ERROR(E_NO_DEVICE, "no accelerator at the registers' address"),
    ERROR(E_VERSION, "the registers are of another version: use the driver of its package"),
    ERROR(E_ALIGNMENT, "the memory's bus address must be a multiple of 4096"),
    ERROR(E_ADDRESS, "the memory leaves the machine's address space"),
    ERROR(E_MEMORY, "the memory is smaller than the program needs"),
    ERROR(E_MAGIC, "this is no program image"),
    ERROR(E_FORMAT, "the program image is of another format, or cut off"),
    ERROR(E_CHECKSUM, "the program image is damaged"),
    ERROR(E_MACHINE, "the program was made for another machine"),
    ERROR(E_NOT_LOADED, "no program has been loaded"),
    ERROR(E_BUSY, "a program runs"),
    ERROR(E_NOT_STARTED, "nothing has been started"),
    ERROR(E_TIMEOUT, "the program has not ended in time and still runs: abort it"),
#undef ERROR
};

const char *accel_error_name(int error)
{
    size_t n;
    for (n = 0; n < sizeof errors / sizeof *errors; ++n)
        if (errors[n].error == error)
            return errors[n].name;
    return "unknown";
}

const char *accel_error_text(int error)
{
    size_t n;
    for (n = 0; n < sizeof errors / sizeof *errors; ++n)
        if (errors[n].error == error)
            return errors[n].text;
    return "an error code that this driver does not know";
}
