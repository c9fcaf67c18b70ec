/* What the processor computes of a network: quantising, dequantising, softmax.  Needs libm. */
#include "accel.h"

#include <math.h>

int8_t accel_quantise(float value, float scale, int32_t zero_point, int away)
{
    float steps = value / scale;
    steps = (away ? roundf(steps) : rintf(steps)) + (float)zero_point;
    /* A number that is none becomes the least. */
    return (int8_t)(steps > -128.0f ? steps < 127.0f ? steps : 127.0f : -128.0f);
}

float accel_dequantise(int8_t value, float scale, int32_t zero_point)
{
    return (float)(value - zero_point) * scale;
}

size_t accel_elements(const accel_port *port)
{
    return (size_t)port->tensor.height * port->tensor.width * port->tensor.channels;
}

/* Where an element lies from the tensor's beginning, and which of the user's it is. */
static size_t inside(const accel_tensor *t, uint32_t image, uint32_t y, uint32_t x, uint32_t c)
{
    return t->offset + (size_t)image * t->image + (size_t)y * t->row + (size_t)x * t->pixel + c;
}

static size_t outside(const accel_port *port, uint32_t y, uint32_t x, uint32_t c)
{
    const accel_tensor *t = &port->tensor;
    size_t pixel = (size_t)y * t->width + x;
    return port->layout == ACCEL_HWC ? pixel * t->channels + c
                                     : (size_t)c * t->height * t->width + pixel;
}

/* The bytes from an image's first element to its last. */
static size_t span(const accel_tensor *t)
{
    return (size_t)(t->height - 1) * t->row + (size_t)(t->width - 1) * t->pixel + t->channels;
}

/* Why image `number` cannot be moved now, or 0. */
static int refusal(accel_device *device, const accel_port *port, uint32_t number,
                   const void *values)
{
    if (!device || !port || !values)
        return ACCEL_E_ARGUMENT;
    if (!device->commands)
        return ACCEL_E_NOT_LOADED;
    if (number >= device->batch)
        return ACCEL_E_ARGUMENT;
    if (accel_busy(device))
        return ACCEL_E_BUSY;
    return ACCEL_OK;
}

int accel_put(accel_device *device, const accel_port *port, uint32_t number, const void *values)
{
    const accel_tensor *t;
    uint32_t y, x, c;
    int refused = refusal(device, port, number, values);
    if (refused)
        return refused;
    t = &port->tensor;
    for (y = 0; y < t->height; ++y)
        for (x = 0; x < t->width; ++x)
            for (c = 0; c < t->channels; ++c) {
                size_t from = outside(port, y, x, c);
                int8_t q;
                if (port->type == ACCEL_FLOAT32)
                    q = accel_quantise(((const float *)values)[from], t->scale, t->zero_point,
                                       port->away);
                else if (port->type == ACCEL_UINT8)
                    q = (int8_t)(((const uint8_t *)values)[from] - 128);
                else
                    q = ((const int8_t *)values)[from];
                device->memory[inside(t, number, y, x, c)] = (uint8_t)q;
            }
    if (device->io.clean)
        device->io.clean(device->io.context, device->memory + inside(t, number, 0, 0, 0), span(t));
    return ACCEL_OK;
}

static void give(const accel_port *port, size_t at, void *values, int8_t q, float scale,
                 int32_t zero_point)
{
    if (port->type == ACCEL_FLOAT32)
        ((float *)values)[at] = accel_dequantise(q, scale, zero_point);
    else if (port->type == ACCEL_UINT8)
        ((uint8_t *)values)[at] = (uint8_t)(q + 128);
    else
        ((int8_t *)values)[at] = q;
}

/* Upper half of twice a product, rounded half up. */
static int64_t times(int64_t a, int64_t b)
{
    return (a * b + (1 << 30)) >> 31;
}

static int64_t saturated(int64_t value)
{
    const int64_t most = 0x7FFFFFFF;
    return value > most ? most : value < -most - 1 ? -most - 1 : value;
}

/* 1 / (1 + a), by Newton and Raphson, with 31 bits behind the point; bit by bit LiteRT's. */
static int64_t reciprocal(int64_t a)
{
    const int64_t half = (a + ((int64_t)1 << 31)) >> 1;
    int64_t x = 1515870810 + times(half, -1010580540); /* 48/17 - 32/17 * half, 29 bits */
    int n;
    for (n = 0; n < 3; ++n)
        x += saturated(times(x, ((int64_t)1 << 29) - times(half, x)) * 4);
    return saturated(x * 2);
}

/* One pixel's softmax over its channels. */
static void softmax(const accel_port *port, const int8_t *q, uint32_t y, uint32_t x, void *values)
{
    const accel_softmax *s = port->softmax;
    const accel_tensor *t = &port->tensor;
    int32_t most = -128;
    int64_t scale = 0, sum = 0;
    float total = 0.0f;
    int length = 0;
    uint32_t c;
    for (c = 0; c < t->channels; ++c)
        most = q[c] > most ? q[c] : most;
    for (c = 0; c < t->channels; ++c) {
        if (s->kind == ACCEL_SOFTMAX_INTEGER)
            sum += ((int64_t)s->powers[most - q[c]] + (1 << 11)) >> 12;
        else if (s->kind == ACCEL_SOFTMAX_TABLE)
            total += s->raised[most - q[c]];
        else
            total += expf(accel_dequantise(q[c], t->scale, t->zero_point)
                          - accel_dequantise((int8_t)most, t->scale, t->zero_point));
    }
    if (s->kind == ACCEL_SOFTMAX_INTEGER) {
        while (sum >> length)
            ++length;
        scale = reciprocal((sum << (32 - length)) - ((int64_t)1 << 31));
    }
    for (c = 0; c < t->channels; ++c) {
        size_t at = outside(port, y, x, c);
        int8_t r;
        if (s->kind == ACCEL_SOFTMAX_INTEGER) {
            const int bits = length + 3; /* length - (32 - 12) + 31 - 8 */
            int64_t p = times(scale, s->powers[most - q[c]]);
            p = ((p + ((int64_t)1 << (bits - 1))) >> bits) - 128;
            r = (int8_t)(p > 127 ? 127 : p < -128 ? -128 : p);
        } else if (s->kind == ACCEL_SOFTMAX_TABLE) {
            double p = rint((double)s->raised[most - q[c]] * s->steps / total) + s->zero_point;
            r = (int8_t)(p > 127.0 ? 127.0 : p < -128.0 ? -128.0 : p);
        } else {
            float p = expf(accel_dequantise(q[c], t->scale, t->zero_point)
                           - accel_dequantise((int8_t)most, t->scale, t->zero_point))
                / total;
            if (!s->quantised) {
                ((float *)values)[at] = p;
                continue;
            }
            r = accel_quantise(p, s->scale, s->zero_point, 0);
        }
        give(port, at, values, r, s->scale, s->zero_point);
    }
}

int accel_get(accel_device *device, const accel_port *port, uint32_t number, void *values)
{
    const accel_tensor *t;
    const int8_t *memory;
    uint32_t y, x, c;
    int refused = refusal(device, port, number, values);
    if (refused)
        return refused;
    t = &port->tensor;
    memory = (const int8_t *)device->memory;
    if (device->io.invalidate)
        device->io.invalidate(device->io.context, memory + inside(t, number, 0, 0, 0), span(t));
    for (y = 0; y < t->height; ++y)
        for (x = 0; x < t->width; ++x) {
            const int8_t *q = memory + inside(t, number, y, x, 0);
            if (port->softmax)
                softmax(port, q, y, x, values);
            else
                for (c = 0; c < t->channels; ++c)
                    give(port, outside(port, y, x, c), values, q[c], t->scale, t->zero_point);
        }
    return ACCEL_OK;
}
