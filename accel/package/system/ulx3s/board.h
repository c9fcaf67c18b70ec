/* What firmware.c needs to know of the system in soc.py: LiteX's registers by the headers that it writes. */
#include <generated/soc.h>
#include <generated/mem.h>
#include <generated/sdram_phy.h>

#define REGISTERS ACCELERATOR_BASE

static void board_put(char character)
{
    if (character == '\n')
        board_put('\r');
    while (uart_txfull_read())
        ;
    uart_rxtx_write((uint8_t)character);
}

/* An SDRAM must be told its mode before it is one: by commands that are written into registers.
 * Then the controller has it, and refreshes it. */
static void board_begin(void)
{
    sdram_dfii_control_write(DFII_CONTROL_CKE | DFII_CONTROL_ODT | DFII_CONTROL_RESET_N);
    init_sequence();
    sdram_dfii_control_write(DFII_CONTROL_SEL);
}

static void board_end(int code)
{
    board_put('e'), board_put('x'), board_put('i'), board_put('t'), board_put(' ');
    board_put((char)('0' + code)), board_put('\n');
}
