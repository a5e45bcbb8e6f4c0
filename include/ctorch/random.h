/*
 * ctorch/random.h: generators. The streams are PyTorch's on a CPU (mt19937): the same seed gives the same numbers.
 */
#ifndef CTORCH_RANDOM_H
#define CTORCH_RANDOM_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A source of random numbers: torch.Generator. Reference-counted. Every random operation takes one; NULL is the
 * default generator, which is shared by all threads and locked. A generator of one's own is used by one thread at a time.
 *
 * The default generator begins with seed 67280421310721, that of a new torch.Generator(), so a program without
 * ct_manual_seed gives the same numbers each time it runs. (torch.default_generator begins with a random seed.) */
typedef struct ct_generator ct_generator;

CT_API ct_generator *ct_generator_new(uint64_t seed);
CT_API ct_generator *ct_generator_retain(ct_generator *generator); /* NULL passes through */
CT_API void ct_generator_free(ct_generator *generator);            /* NULL is fine */

CT_API void ct_manual_seed(uint64_t seed); /* the default generator's; torch.manual_seed */
CT_API ct_status ct_generator_manual_seed(ct_generator *generator, uint64_t seed);
/* the last seed, or that of the state that was set */
CT_API uint64_t ct_generator_initial_seed(const ct_generator *generator);

/* The whole state, u8 [5056], byte for byte that of torch.Generator.get_state: states may be passed
 * between the two. set_state checks it and leaves the generator as it was if it is not one. */
CT_API ct_tensor *ct_generator_get_state(ct_generator *generator);
CT_API ct_status ct_generator_set_state(ct_generator *generator, const ct_tensor *state);

/* For programs' own use: 32 random bits, or 64 from two draws (the first is the upper half). 0, and nothing drawn, while an
 * error is pending. */
CT_API uint32_t ct_generator_random32(ct_generator *generator);
CT_API uint64_t ct_generator_random64(ct_generator *generator);

#ifdef __cplusplus
}
#endif
#endif
