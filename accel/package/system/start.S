/* The first instructions: .bss to zero (the stack is set by the processor's own parameter). */
    .section .start, "ax"
    .global _start
_start:
    la a0, __bss_start
    la a1, __bss_end
1:  bgeu a0, a1, 2f
    sw zero, 0(a0)
    addi a0, a0, 4
    j 1b
2:  call main
    li a1, 0x90000004
    sw a0, 0(a1)
3:  j 3b
