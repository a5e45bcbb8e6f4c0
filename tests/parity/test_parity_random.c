/* Random tensors against PyTorch's streams: see README.md. The default generator has the seed that PyTorch's had. */
#include "parity/replay.h"

#define DTYPE_GIVEN DTYPE_OR("dtype", CT_DTYPE_NONE)

CALL(rand) { RESULT(rand, ct_rand(INTS("size"), DTYPE_GIVEN, NULL)); }
CALL(randn) { RESULT(randn, ct_randn(INTS("size"), DTYPE_GIVEN, NULL)); }
CALL(randint) { RESULT(randint, ct_randint(I("low"), I("high"), INTS("size"), DTYPE_GIVEN, NULL)); }
CALL(randperm) { RESULT(randperm, ct_randperm(I("n"), DTYPE_GIVEN, NULL)); }
CALL(rand_like) { RESULT(rand_like, ct_rand_like(T("input"), CT_DTYPE_NONE, NULL)); }
CALL(randn_like) { RESULT(randn_like, ct_randn_like(T("input"), CT_DTYPE_NONE, NULL)); }
CALL(randint_like) { RESULT(randint_like, ct_randint_like(T("input"), I("low"), I("high"), CT_DTYPE_NONE, NULL)); }
CALL(normal) {
    if (IS_NUMBER("mean")) RESULT(normal_rscalar, ct_normal_rscalar(F("mean"), T("std"), NULL));
    else if (IS_NUMBER("std")) RESULT(normal_scalar, ct_normal_scalar(T("mean"), F("std"), NULL));
    else RESULT(normal, ct_normal(T("mean"), T("std"), NULL));
}
CALL(normal_float_float) { RESULT(normal_float_float, ct_normal_float_float(F("mean"), F("std"), INTS("size"), DTYPE_GIVEN, NULL)); }
CALL(bernoulli) { RESULT(bernoulli, ct_bernoulli(T("input"), NULL)); }
CALL(multinomial) {
    const ct_multinomial_options options = {.replacement = B("replacement")};
    RESULT(multinomial, ct_multinomial(T("input"), I("num_samples"), &options));
}

CALL(uniform_) { IN_PLACE(uniform_, "input", ct_uniform_(SELF, F("a"), F("b"), NULL)); }
CALL(normal_) { IN_PLACE(normal_, "input", ct_normal_(SELF, F("mean"), F("std"), NULL)); }
CALL(random_) { IN_PLACE(random_, "input", ct_random_(SELF, I("a"), I("b"), NULL)); }
CALL(bernoulli_) { IN_PLACE(bernoulli_, "input", ct_bernoulli_(SELF, F("p"), NULL)); }
CALL(bernoulli_tensor_) { IN_PLACE(bernoulli_tensor_, "input", ct_bernoulli_tensor_(SELF, T("p"), NULL)); }
CALL(exponential_) { IN_PLACE(exponential_, "input", ct_exponential_(SELF, F("lambd"), NULL)); }
CALL(log_normal_) { IN_PLACE(log_normal_, "input", ct_log_normal_(SELF, F("mean"), F("std"), NULL)); }
CALL(cauchy_) { IN_PLACE(cauchy_, "input", ct_cauchy_(SELF, F("median"), F("sigma"), NULL)); }
CALL(geometric_) { IN_PLACE(geometric_, "input", ct_geometric_(SELF, F("p"), NULL)); }

PARITY_MAIN()
