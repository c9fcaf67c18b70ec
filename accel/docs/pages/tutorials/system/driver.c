/* Runs one program on the machine: bare metal, no library.  Offsets are accel.registers.Reg's. */
#include <stdint.h>

enum { ID = 0x00, CONTROL = 0x08, STATUS = 0x0c, PROGRAM = 0x10, COMMANDS = 0x14, WHERE = 0x1c,
       COUNTERS = 0x40 };
enum { START = 1, CLEAR = 2, BUSY = 1, DONE = 2, ERROR = 4 };

/* On a processor: volatile loads and stores at the machine's base address. */
extern uint32_t read_register(uint32_t offset);
extern void write_register(uint32_t offset, uint32_t value);

/* Returns 0 and the cycles that it took, or the error code of STATUS, or -1: no machine there. */
int accel_run(uint32_t program, uint32_t commands, uint32_t *cycles) {
  if (read_register(ID) != 0x434e4e41) return -1;
  write_register(PROGRAM, program);
  write_register(COMMANDS, commands);
  write_register(CONTROL, START);
  uint32_t status;
  do status = read_register(STATUS); while (!(status & (DONE | ERROR))); /* or sleep until irq */
  *cycles = read_register(COUNTERS);
  write_register(CONTROL, CLEAR);
  return status & ERROR ? (int)(status >> 8 & 0xff) : 0;
}
