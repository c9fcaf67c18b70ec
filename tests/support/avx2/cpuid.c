/* Answers for the `cpuid` instructions that shadow.py has replaced: those of a processor with AVX2
 * and nothing newer.  Loaded with LD_PRELOAD.
 *
 * Each `cpuid` (0F A2) has become UD0 (0F FF), which every x86 processor refuses with SIGILL and
 * which no compiler writes (they trap with UD2).  The handler below runs the true `cpuid`, takes
 * away what the older processor would not have, and goes on behind the instruction.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

typedef int (*sigaction_function)(int, const struct sigaction *, struct sigaction *);

/* What somebody else wants to do at SIGILL: Python's faulthandler, or a WebAssembly runtime. */
static struct sigaction others;

static sigaction_function true_sigaction(void)
{
    return (sigaction_function)dlsym(RTLD_NEXT, "sigaction");
}

/* Leaf 7, EBX: every bit that begins with AVX512 in Intel's manual. */
#define AVX512 (1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31)

/* `cpuid` as an AVX2 processor would answer; a, b, c and d are EAX to EDX. */
static void older_cpuid(unsigned leaf, unsigned subleaf, unsigned *a, unsigned *b, unsigned *c,
                        unsigned *d)
{
    __cpuid_count(leaf, subleaf, *a, *b, *c, *d);
    if (leaf == 7 && subleaf == 0) {
        *a = 0;        /* there is no further subleaf: AVX-VNNI, AVX-IFMA, AVX10 are announced there */
        *b &= ~AVX512;
        *c = *d = 0;   /* VNNI, VBMI, GFNI, VAES; AMX, AVX512-FP16: all younger than AVX2 */
    } else if (leaf == 7 || leaf == 0x1d || leaf == 0x1e || leaf == 0x24) {
        *a = *b = *c = *d = 0; /* further features, AMX's tiles, AVX10's version */
    } else if (leaf == 0xd && subleaf == 0) {
        *a &= 7;       /* state that the operating system saves: x87, SSE, AVX */
    }
}

static void on_illegal(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *at = (const unsigned char *)registers[REG_RIP];
    unsigned a, b, c, d;
    if (at[0] != 0x0f || at[1] != 0xff) { /* not ours */
        if (others.sa_flags & SA_SIGINFO) {
            others.sa_sigaction(number, info, context);
        } else if (others.sa_handler != SIG_DFL && others.sa_handler != SIG_IGN) {
            others.sa_handler(number);
        } else { /* the instruction is tried again, and now ends the process */
            struct sigaction end;
            memset(&end, 0, sizeof end);
            true_sigaction()(SIGILL, &end, NULL);
            if (info->si_code <= 0) /* it was no instruction: somebody sent the signal */
                raise(SIGILL);
        }
        return;
    }
    older_cpuid((unsigned)registers[REG_RAX], (unsigned)registers[REG_RCX], &a, &b, &c, &d);
    registers[REG_RAX] = a;
    registers[REG_RBX] = b;
    registers[REG_RCX] = c;
    registers[REG_RDX] = d;
    registers[REG_RIP] += 2;
}

/* Stands before the C library's: whoever asks for SIGILL is remembered and called behind us. */
int sigaction(int number, const struct sigaction *wanted, struct sigaction *before)
{
    if (number != SIGILL)
        return true_sigaction()(number, wanted, before);
    struct sigaction old = others;
    if (wanted)
        others = *wanted;
    if (before)
        *before = old;
    return 0;
}

sighandler_t signal(int number, sighandler_t handler)
{
    struct sigaction wanted, before;
    memset(&wanted, 0, sizeof wanted);
    wanted.sa_handler = handler;
    wanted.sa_flags = SA_RESTART;
    if (sigaction(number, &wanted, &before))
        return SIG_ERR;
    return before.sa_handler;
}

__attribute__((constructor)) static void install(void)
{
    struct sigaction ours;
    memset(&ours, 0, sizeof ours);
    ours.sa_sigaction = on_illegal;
    ours.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    true_sigaction()(SIGILL, &ours, NULL);
}
