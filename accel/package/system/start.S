/* The first instructions: the stack, .data from where it is stored, .bss to zero. */
    .section .start, "ax"
    .global _start
_start:
    la sp, __stack
    la a0, __data_start
    la a1, __data_end
    la a2, __data_source
    beq a0, a2, 2f
1:  bgeu a0, a1, 2f
    lw a3, 0(a2)
    sw a3, 0(a0)
    addi a0, a0, 4
    addi a2, a2, 4
    j 1b
2:  la a0, __bss_start
    la a1, __bss_end
3:  bgeu a0, a1, 4f
    sw zero, 0(a0)
    addi a0, a0, 4
    j 3b
4:  call main
5:  j 5b
