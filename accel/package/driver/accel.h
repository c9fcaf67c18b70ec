/* Driver of the CNN accelerator: C99, no allocation, no dependency but <stdint.h> and <string.h>.
 *
 *     accel_io io = accel_mmio(0x43C00000u);                      how registers are reached
 *     accel_open(&device, &io, (void *)0x40000000u, 0x40000000u, size);  where memory is
 *     accel_load(&device, NAME_image, NAME_image_bytes);          commands and weights to memory
 *     accel_put(&device, &NAME_inputs[0], 0, pixels);             quantise an image
 *     accel_run(&device);                                         start, wait
 *     accel_get(&device, &NAME_outputs[0], 0, answers);           dequantise, softmax
 *
 * Every function returns ACCEL_OK (0) or one of enum accel_error; accel_error_name tells which, and
 * accel_error_text what to do.  One thread at a time may use a device.
 */
#ifndef ACCEL_H
#define ACCEL_H

#include <stddef.h>
#include <stdint.h>

#include "accel_registers.h"

#ifdef __cplusplus
extern "C" {
#endif

enum accel_error {
    ACCEL_OK = 0,
    /* The machine's own, of its STATUS register. */
    ACCEL_E_ILLEGAL_OPCODE = ACCEL_CODE_ILLEGAL_OPCODE,
    ACCEL_E_ILLEGAL_FIELD = ACCEL_CODE_ILLEGAL_FIELD,
    ACCEL_E_AXI_READ = ACCEL_CODE_AXI_READ,
    ACCEL_E_AXI_WRITE = ACCEL_CODE_AXI_WRITE,
    ACCEL_E_BUS_TIMEOUT = ACCEL_CODE_TIMEOUT,
    ACCEL_E_DEADLOCK = ACCEL_CODE_DEADLOCK,
    ACCEL_E_UNALIGNED_PROGRAM = ACCEL_CODE_UNALIGNED_PROGRAM,
    ACCEL_E_ABORTED = ACCEL_CODE_ABORTED,
    ACCEL_E_BUDGET = ACCEL_CODE_BUDGET,
    ACCEL_E_PARITY = ACCEL_CODE_PARITY,
    ACCEL_E_SUM = ACCEL_CODE_CHECKSUM,
    /* The driver's. */
    ACCEL_E_ARGUMENT = 32, /* a null pointer, an image number that the batch does not have */
    ACCEL_E_NO_DEVICE,     /* no accelerator answers at the registers' address */
    ACCEL_E_VERSION,       /* the registers are of another version than this driver */
    ACCEL_E_ALIGNMENT,     /* the memory's bus address is not a multiple of ACCEL_BASE_ALIGN */
    ACCEL_E_ADDRESS,       /* the memory leaves the machine's address space */
    ACCEL_E_MEMORY,        /* the memory is smaller than the program needs */
    ACCEL_E_MAGIC,         /* this is no program image */
    ACCEL_E_FORMAT,        /* a program image of another format, or cut off */
    ACCEL_E_CHECKSUM,      /* a damaged program image */
    ACCEL_E_MACHINE,       /* a program for another machine */
    ACCEL_E_NOT_LOADED,    /* no program has been loaded */
    ACCEL_E_BUSY,          /* a program runs */
    ACCEL_E_NOT_STARTED,   /* there is nothing to wait for */
    ACCEL_E_TIMEOUT        /* the program has not ended in time: it still runs, see accel_abort */
};

/* How a system reaches registers and memory. */
typedef struct {
    uint32_t (*read)(void *context, uint32_t offset);
    void (*write)(void *context, uint32_t offset, uint32_t value);
    /* Sleep until the interrupt, or for about `milliseconds`; not 0 if the time is over.  NULL: the
     * driver polls STATUS. */
    int (*wait)(void *context, uint32_t milliseconds);
    /* Write caches back before the machine reads, drop them before the processor reads what the
     * machine wrote; NULL where the memory is not cached or the bus is coherent. */
    void (*clean)(void *context, const void *from, size_t bytes);
    void (*invalidate)(void *context, const void *from, size_t bytes);
    void *context;
} accel_io;

/* A program image begins with these, each a little-endian word of 4 bytes. */
enum accel_image_word {
    ACCEL_IMAGE_MAGIC,
    ACCEL_IMAGE_FORMAT,
    ACCEL_IMAGE_HEADER_BYTES,
    ACCEL_IMAGE_MACHINE,
    ACCEL_IMAGE_PAYLOAD_BYTES, /* behind the header: what goes to the memory's beginning */
    ACCEL_IMAGE_MEMORY_BYTES,  /* with the room for tensors behind it */
    ACCEL_IMAGE_START,         /* address of the first command, from the memory's beginning */
    ACCEL_IMAGE_COMMANDS,
    ACCEL_IMAGE_BATCH,        /* images that a run computes */
    ACCEL_IMAGE_PAYLOAD_CRC,  /* CRC-32 as in zlib, Ethernet, PNG */
    ACCEL_IMAGE_CYCLES,       /* that a run takes on the memory it was made for; 0: not known */
    ACCEL_IMAGE_SUM,          /* of what it fetches, for machines that sum that up, too */
    ACCEL_IMAGE_HEADER_CRC = 15, /* of the words before it */
    ACCEL_IMAGE_WORDS = 16
};
#define ACCEL_IMAGE_MAGIC_VALUE 0x504E4E43u /* the bytes CNNP */
#define ACCEL_IMAGE_FORMAT_VALUE 1u

/* The cycles that accel_load allows a run: so many times those of the image, and so many more. */
#define ACCEL_BUDGET_TIMES 16u
#define ACCEL_BUDGET_MORE 100000u

typedef struct {
    accel_io io;
    uint8_t *memory;   /* as the processor sees it */
    uint32_t base;     /* as the machine's bus sees it */
    uint32_t bytes;
    uint32_t poll_limit;   /* reads of STATUS until ACCEL_E_TIMEOUT, without io.wait */
    uint32_t milliseconds; /* until ACCEL_E_TIMEOUT, with io.wait */
    uint32_t start, commands, batch, sum; /* of the program; no commands: none is loaded */
    uint32_t budget; /* cycles until ACCEL_E_BUDGET, for every start; 0: no limit.  accel_load sets
                      * it; set another one behind that for a memory that is slower still */
} accel_device;

/* Find the machine and give it a memory: `bytes` from `memory` on, which the machine sees at bus
 * address `base`, a multiple of ACCEL_BASE_ALIGN.  After ACCEL_E_BUSY (a program of whoever was here
 * before still runs) accel_abort may be called, and then accel_open again. */
int accel_open(accel_device *device, const accel_io *io, void *memory, uint32_t base,
               uint32_t bytes);

/* Check a program image and copy it to the memory, once for any number of runs. */
int accel_load(accel_device *device, const void *image, size_t bytes);

/* Start the loaded program; accel_wait waits for its end and returns how it ended.  After any error
 * of the machine's own but ACCEL_E_BUS_TIMEOUT its bus is silent again. */
int accel_start(accel_device *device);
int accel_wait(accel_device *device);
int accel_run(accel_device *device); /* both */

/* 1 while a program runs: for a main loop that has other things to do. */
int accel_busy(accel_device *device);

/* End a program early, with the bus clean: ACCEL_OK when nothing is under way any more.  If the
 * memory never answers: ACCEL_E_BUS_TIMEOUT; then only a reset of machine and interconnect helps. */
int accel_abort(accel_device *device);

/* A counter of the last run, ACCEL_COUNTER_CYCLES and the like. */
uint32_t accel_counter(accel_device *device, unsigned number);

/* Which command was refused, after ACCEL_E_ILLEGAL_OPCODE and ACCEL_E_ILLEGAL_FIELD. */
uint32_t accel_where(accel_device *device);

const char *accel_error_name(int error);
const char *accel_error_text(int error);

uint32_t accel_crc32(const void *data, size_t bytes);

/* Tensors: `batch` images of height x width pixels of `channels` bytes, in the machine's memory. */
typedef struct {
    uint32_t offset; /* from the memory's beginning */
    uint32_t height, width, channels;
    uint32_t pixel, row, image; /* distances in bytes */
    float scale;                /* a byte q stands for (q - zero_point) * scale */
    int32_t zero_point;
} accel_tensor;

enum accel_type { ACCEL_FLOAT32, ACCEL_INT8, ACCEL_UINT8 };
/* The order of a user's elements: pixel by pixel, or plane by plane. */
enum accel_layout { ACCEL_HWC, ACCEL_CHW };
/* The softmax that follows on the processor. */
enum accel_softmax_kind { ACCEL_SOFTMAX_INTEGER, ACCEL_SOFTMAX_TABLE, ACCEL_SOFTMAX_FLOAT };

typedef struct {
    enum accel_softmax_kind kind;
    const int32_t *powers;      /* INTEGER: e to the power of -n bytes, n = 0 .. 255 */
    const float *raised;        /* TABLE: the same in float, raised */
    float steps;                /* TABLE: of 1 */
    float scale;                /* of the result */
    int32_t zero_point;
    int quantised;              /* FLOAT: whether the result is rounded to bytes */
} accel_softmax;

/* What a network's user gives or gets: an array of `type` in `layout`. */
typedef struct {
    const char *name;
    enum accel_type type;
    enum accel_layout layout;
    int away; /* floats halfway between two bytes: away from zero (LiteRT), not to even (ONNX) */
    accel_tensor tensor;
    const accel_softmax *softmax; /* or NULL */
} accel_port;

/* Elements of one image of a port. */
size_t accel_elements(const accel_port *port);

/* Convert one image, `number` of the batch, and put it into the memory. */
int accel_put(accel_device *device, const accel_port *port, uint32_t number, const void *values);

/* Take one image's result out of the memory and convert it. */
int accel_get(accel_device *device, const accel_port *port, uint32_t number, void *values);

/* Float to byte and back, as the network's own file says. */
int8_t accel_quantise(float value, float scale, int32_t zero_point, int away);
float accel_dequantise(int8_t value, float scale, int32_t zero_point);

#ifdef __cplusplus
}
#endif

#endif
