/* Stands in for the bus: the page's Python answers. */
#include <stdint.h>

uint32_t (*on_read)(uint32_t);
void (*on_write)(uint32_t, uint32_t);

uint32_t read_register(uint32_t offset) { return on_read(offset); }
void write_register(uint32_t offset, uint32_t value) { on_write(offset, value); }
