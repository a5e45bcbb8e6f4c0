/*
 * cpu.h: which instruction sets and algorithms may be used. CTORCH_CPU=ref|baseline|avx2|avx512 lowers the choice; it never raises it above what the
 * machine has. CTORCH_WINOGRAD=0 keeps convolutions direct; =always does not ask whether Winograd's way is the faster one: for tests.
 */
#ifndef CT__CPU_H
#define CT__CPU_H

#include <stdbool.h>

typedef enum ct__isa { CT__ISA_REF, CT__ISA_BASELINE, CT__ISA_AVX2, CT__ISA_AVX512 } ct__isa;
ct__isa ct__cpu_isa(void);        /* chosen once */
ct__isa ct__cpu_isa_max(void);    /* what the machine has, whatever CTORCH_CPU says */
const char *ct__isa_name(ct__isa isa);
bool ct__winograd_enabled(void);  /* chosen once */
bool ct__winograd_always(void);

#endif
