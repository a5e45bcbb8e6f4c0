/*
 * replay_impl.h: what the files of the replay share.
 *
 *     replay_file.c   the golden file of an op, stored tensors
 *     replay_args.c   the arguments of a case, and how adapters read them
 *     replay_close.c  comparing
 *     replay_case.c   one case in all its runs
 *     replay.c        all cases of the program's ops; counts
 */
#ifndef CT_PARITY_REPLAY_IMPL_H
#define CT_PARITY_REPLAY_IMPL_H

#include "parity/replay.h"
#include "third_party/yyjson/yyjson.h"

enum { MAX_ARGS = 32, MAX_OUTPUTS = 64, MAX_LEAVES = 64 };

/* ---- replay_file.c ---- */

typedef struct golden {
    const char *op;
    char *bytes;          /* the file, unpacked */
    const char *at[16];   /* elements per ct_dtype */
    int64_t count[16];
    yyjson_doc *header, *index;
    yyjson_val *root, *cases;
} golden;

bool golden_read(golden *g, const char *path, const char *op); /* false: not there, or damaged; says so */
void golden_free(golden *g);

/* A tensor of the file: where its elements lie. */
typedef struct stored {
    ct_dtype dtype;
    int ndim;
    int64_t sizes[CT_MAX_NDIM], strides[CT_MAX_NDIM], numel;
    const char *data;
    bool contiguous, grad;
} stored;
bool golden_tensor(const golden *g, yyjson_val *v, stored *out);
ct_dtype golden_dtype(const char *name); /* CT_DTYPE_NONE if it is none */

/* Goes through the elements of a stored or strided tensor in row-major order: offsets in elements. */
int64_t element_offset(const int64_t *sizes, const int64_t *strides, int ndim, int64_t i);

/* ---- replay_args.c ---- */

typedef enum tensor_layout {
    LAYOUT_STORED,        /* as PyTorch's sample was */
    LAYOUT_CONTIGUOUS,
    LAYOUT_STRIDED,       /* every second element of the last dim of a larger storage; column-major for every second tensor */
} tensor_layout;

typedef struct arg {
    const char *name;
    yyjson_val *value;
    char kind;            /* t tensor, n list of tensors, l list of numbers, i, f, b, s, d dtype, 0 None */
    ct_tensor *tensor, **tensors;
    int64_t count;
    int64_t *ints;
    double *floats;
} arg;

/* One run of one case. */
typedef struct replay {
    golden *file;
    yyjson_val *entry;    /* the case */
    ct_dtype dtype;
    arg args[MAX_ARGS];
    int n_args;
    ct_tensor *const *given;       /* stand in for the leaves, or NULL */
    ct_tensor *leaves[MAX_LEAVES]; /* those marked to require grad, in order */
    int n_leaves;
    tensor_layout layout;

    int wanted, seen;     /* which RESULT is evaluated; how many there were */
    int op;               /* of the one that was evaluated */
    bool in_place, picked, skipped;
    bool pending_error;   /* make an error pending before the call */
    int64_t fail_at;      /* let this allocation fail, counted from the call */
    ct_tensor *self;
    yyjson_val *self_value; /* what it was a copy of */
    ct_tensor *out[MAX_OUTPUTS];
    int n_out;
    ct_status status;
    bool returned_status, returned_true;
    int64_t requests_before; /* of memory, at the call */
    char trouble[256];    /* what is wrong with the adapter itself */
} replay;

/* Makes the tensors; they belong to the innermost scope. with_grad: the marked ones require grad. leaves, unless NULL: these stand for them. */
void args_begin(replay *c, golden *file, yyjson_val *entry, tensor_layout layout, bool with_grad, ct_tensor *const *leaves);
ct_tensor *args_copy(replay *c, const char *name); /* a copy that is no leaf and has the layout of the argument */
void args_end(replay *c);
void args_print(const replay *c);
/* The inputs still have the values of the file. */
bool args_unchanged(const replay *c);
bool self_unchanged(const replay *c);

/* ---- replay_close.c ---- */

typedef struct tolerance { double rtol, atol; } tolerance;
tolerance tolerance_of(const golden *g, const char *key, ct_dtype dtype); /* PyTorch's for the dtype, or the op's own */
/* Writes what differs into text; true if nothing does. */
bool tensor_is_close(const ct_tensor *t, const stored *want, tolerance tol, char *text, size_t size);
ct_tensor *tensor_weights(const ct_tensor *t, int k);

/* ---- replay_case.c ---- */

typedef struct op_counts { int64_t cases, gradients, checks, second_checks, sweeps, failures; } op_counts;
extern op_counts replay_counts[CT__OP_COUNT];

typedef struct totals {
    int64_t cases, runs, failures, shown;
    bool quiet;      /* print nothing */
    char first[400]; /* the first failure: what was checked, and what was found */
} totals;
void case_replay(golden *file, yyjson_val *entry, int number, void (*adapter)(replay *c), totals *t);

#endif
