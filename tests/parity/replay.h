/*
 * replay.h: what an adapter is written with.
 *
 * An adapter calls the library with the arguments of a stored case. One per golden file; each RESULT in it is one op of ops.def:
 *
 *     // torch.add(input, other, *, alpha=1)
 *     CALL(add) {
 *         if (IS_INT("other")) { RESULT(add_scalar_int, ct_add_scalar_int(T("input"), I("other"))); return; }
 *         RESULT(add_alpha, ct_add_alpha(T("input"), T("other"), F_OR("alpha", 1)));
 *         IN_PLACE(add_alpha_, "input", ct_add_alpha_(SELF, T("other"), F_OR("alpha", 1)));
 *         if (!HAS("alpha")) RESULT(add, ct_add(T("input"), T("other")));
 *     }
 *
 * The replay enters an adapter once per RESULT and run, and evaluates only that one's expression. Arguments are looked up by the names of
 * PyTorch's documentation; one that the case does not give is absent: F_OR("alpha", 1) then is 1.
 */
#ifndef CT_PARITY_REPLAY_H
#define CT_PARITY_REPLAY_H

#include <ctorch/ctorch.h>

#include "ops/op.h"

typedef struct replay replay;

#define CALL(name)                                                                    \
    static void name##_adapter(replay *c);                                            \
    __attribute__((constructor)) static void name##_register(void) { replay_register(#name, name##_adapter); } \
    static void name##_adapter(replay *c)
void replay_register(const char *name, void (*adapter)(replay *c));

#define PARITY_MAIN() \
    int main(int argc, char **argv) { return replay_main(argc, argv); }
int replay_main(int argc, char **argv);

/* ---- Results: of a tensor, a list, a bool or a number, or through OUT(0), OUT(1), ... of a call that returns a status ---- */

#define RESULT(op, expression) do { if (replay_pick(c, CT__OP_##op)) replay_tensor(c, expression); } while (0)
#define RESULT_LIST(op, expression) do { if (replay_pick(c, CT__OP_##op)) replay_list(c, expression); } while (0)
#define RESULT_BOOL(op, expression) do { if (replay_pick(c, CT__OP_##op)) replay_bool(c, expression); } while (0)
#define RESULT_STATUS(op, expression) do { if (replay_pick(c, CT__OP_##op)) replay_status(c, expression, false); } while (0)
/* A form that changes SELF, a copy of the argument `name`; left out where the stored result has another dtype or shape. */
#define IN_PLACE(op, name, expression) do { if (replay_pick_in_place(c, CT__OP_##op, name)) replay_status(c, expression, true); } while (0)
#define SELF replay_self(c)
/* Where a call puts its second, third, ... result: ct_max_dim(.., OUT(1)). Results are compared in PyTorch's order. */
#define OUT(i) replay_out(c, i)

bool replay_pick(replay *c, int op);
bool replay_pick_in_place(replay *c, int op, const char *name);
void replay_tensor(replay *c, ct_tensor *t);
void replay_list(replay *c, ct_list *list);
void replay_bool(replay *c, bool value);
void replay_status(replay *c, ct_status status, bool in_place);
ct_tensor *replay_self(replay *c);
ct_tensor **replay_out(replay *c, int i);

/* ---- Arguments -------------------------------------------------------------------------------------------------- */

#define HAS(name) replay_has(c, name) /* given, and not None */
#define IS_NONE(name) replay_is_none(c, name) /* given as None */
#define IS_TENSOR(name) replay_is(c, name, 't')
#define IS_NUMBER(name) (IS_INT(name) || replay_is(c, name, 'f')) /* int or float, not bool */
#define IS_INT(name) replay_is(c, name, 'i')
#define IS_BOOL(name) replay_is(c, name, 'b')
#define IS_STRING(name) replay_is(c, name, 's')
#define IS_LIST(name) replay_is(c, name, 'l') /* of ints, floats, bools */
#define IS_TENSORS(name) replay_is(c, name, 'n')

#define T(name) replay_get_tensor(c, name, true)
#define OPT_T(name) replay_get_tensor(c, name, false) /* NULL if absent */
#define TENSORS(name) replay_get_tensors(c, name), (int)replay_get_count(c, name) /* pointer and number; elements may be NULL */
#define LEN(name) replay_get_count(c, name)                                      /* of a list of any kind */
#define F(name) replay_get_f64(c, name, NULL)  /* of a float, int or bool */
#define F_OR(name, value) replay_get_f64(c, name, &(double){value})
#define I(name) replay_get_i64(c, name, NULL)  /* of an int or bool */
#define I_OR(name, value) replay_get_i64(c, name, &(int64_t){value})
#define B(name) (I(name) != 0)
#define B_OR(name, value) (I_OR(name, value) != 0)
#define S_OR(name, value) replay_get_string(c, name, value)
#define CHOICE(name, ...) replay_get_choice(c, name, (const char *const[]){__VA_ARGS__, NULL}) /* the string's place in the list; 0 if absent */
#define OPT_F(name) replay_opt_f64(c, name) /* ct_opt_f64, ct_opt_i64 */
#define OPT_I(name) replay_opt_i64(c, name)
#define INTS(name) replay_get_ints(c, name), (int)replay_get_count(c, name) /* pointer and number; one int is a list of one; absent: NULL, 0 */
#define INT_LIST(name) replay_get_ints(c, name)                             /* the pointer alone */
#define FLOAT_LIST(name) replay_get_floats(c, name)
#define DTYPE(name) replay_get_dtype(c, name, CT_DTYPE_NONE)
#define DTYPE_OR(name, value) replay_get_dtype(c, name, value)
#define CASE_DTYPE replay_case_dtype(c) /* the dtype that the case was made for */

bool replay_has(const replay *c, const char *name);
bool replay_is_none(const replay *c, const char *name);
bool replay_is(const replay *c, const char *name, char kind);
ct_tensor *replay_get_tensor(replay *c, const char *name, bool required);
ct_tensor *const *replay_get_tensors(replay *c, const char *name);
int64_t replay_get_count(replay *c, const char *name);
double replay_get_f64(replay *c, const char *name, const double *otherwise);
int64_t replay_get_i64(replay *c, const char *name, const int64_t *otherwise);
const char *replay_get_string(replay *c, const char *name, const char *otherwise);
int replay_get_choice(replay *c, const char *name, const char *const *choices);
ct_opt_f64 replay_opt_f64(replay *c, const char *name);
ct_opt_i64 replay_opt_i64(replay *c, const char *name);
const int64_t *replay_get_ints(replay *c, const char *name);
const double *replay_get_floats(replay *c, const char *name);
ct_dtype replay_get_dtype(replay *c, const char *name, ct_dtype otherwise);
ct_dtype replay_case_dtype(const replay *c);

#endif
