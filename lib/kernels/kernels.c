/*
 * kernels.c: fills the kernel tables, once per process and ISA.
 */
#include "kernels/kernels.h"

#include "base/platform.h"

#define CT__FAMILY(name)                                    \
    void ct__##name##_fill_ref(ct__##name##_kernels *k);      \
    void ct__##name##_fill_baseline(ct__##name##_kernels *k); \
    void ct__##name##_fill_avx2(ct__##name##_kernels *k);     \
    void ct__##name##_fill_avx512(ct__##name##_kernels *k);
#include "kernels/families.def"
#undef CT__FAMILY

static ct__kernels tables[CT__ISA_AVX512 + 1];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill_all(void) {
    for (int isa = CT__ISA_REF; isa <= (int)ct__cpu_isa_max(); isa++) { /* the fill functions themselves use the ISA */
        ct__kernels *t = &tables[isa];
        t->isa = (ct__isa)isa;
#define CT__FAMILY(name)                                                \
    ct__##name##_fill_ref(&t->name);                                    \
    if (isa >= CT__ISA_BASELINE) ct__##name##_fill_baseline(&t->name);  \
    CT__FAMILY_X86(name)
#if defined(__x86_64__)
#define CT__FAMILY_X86(name)                                         \
    if (isa >= CT__ISA_AVX2) ct__##name##_fill_avx2(&t->name);       \
    if (isa >= CT__ISA_AVX512) ct__##name##_fill_avx512(&t->name);
#else
#define CT__FAMILY_X86(name)
#endif
#include "kernels/families.def"
#undef CT__FAMILY
#undef CT__FAMILY_X86
    }
}

const ct__kernels *ct__kern_for(ct__isa isa) {
    pthread_once(&once, fill_all);
    return isa <= ct__cpu_isa_max() ? &tables[isa] : NULL;
}

const ct__kernels *ct__kern(void) {
    static _Atomic(const ct__kernels *) chosen;
    const ct__kernels *k = atomic_load_explicit(&chosen, memory_order_acquire);
    if (CT__UNLIKELY(!k)) {
        k = ct__kern_for(ct__cpu_isa());
        atomic_store_explicit(&chosen, k, memory_order_release);
    }
    return k;
}
