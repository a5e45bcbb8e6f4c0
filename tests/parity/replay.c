/*
 * replay.c: replays the golden files of the adapters that the program has.
 *
 *     test_parity_X [--quick] [--verbose] [op...]      --quick: a few cases of each op
 *     CTORCH_PARITY_DIR=folder                         replays that folder instead of tests/parity/golden; files that it lacks are skipped
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parity/replay_impl.h"

enum { MAX_ADAPTERS = 400, QUICK_CASES = 6 };

static struct adapter { const char *name; void (*call)(replay *c); } adapters[MAX_ADAPTERS];
static int n_adapters;

void replay_register(const char *name, void (*adapter)(replay *c)) {
    if (n_adapters < MAX_ADAPTERS) adapters[n_adapters++] = (struct adapter){name, adapter};
}

typedef struct options { bool quick, verbose; const char *folder; char **only; int n_only; } options;

static void replay_all(const golden *g, const struct adapter *a, const options *o, totals *t) {
    size_t n = yyjson_arr_size(g->cases), step = o->quick && n > QUICK_CASES ? n / QUICK_CASES : 1;
    for (size_t i = 0; i < n; i++) {
        yyjson_val *entry = yyjson_arr_get(g->cases, i);
        if (i % step != 0 && !(o->quick && yyjson_obj_get(entry, "check") && i < n / 8)) continue;
        case_replay((golden *)g, entry, (int)i, a->call, t);
    }
}

static bool wanted(const options *o, const char *name) {
    for (int i = 0; i < o->n_only; i++)
        if (strcmp(o->only[i], name) == 0) return true;
    return o->n_only == 0;
}

/* 1 passed, 0 failed, -1 not there. */
static int replay_op(const struct adapter *a, const options *o, totals *sum) {
    char path[1024];
    golden g;
    totals t = {0};
    snprintf(path, sizeof path, "%s/%s.safetensors.gz", o->folder, a->name);
    if (!golden_read(&g, path, a->name)) {
        if (getenv("CTORCH_PARITY_DIR")) return -1;
        printf("FAILED %s: cannot read %s\n", a->name, path);
        return 0;
    }
    replay_all(&g, a, o, &t);
    golden_free(&g);
    if (t.cases == 0) {
        printf("FAILED %s: no cases\n", a->name);
        t.failures++;
    }
    if (t.shown > 4) printf("    %s: %lld failures in all\n", a->name, (long long)t.failures);
    printf("%-32s %4lld cases, %5lld runs%s\n", a->name, (long long)t.cases, (long long)t.runs, t.failures ? "  FAILED" : "");
    sum->cases += t.cases;
    sum->runs += t.runs;
    sum->failures += t.failures;
    return t.failures == 0;
}

/* One line per op for scripts/check_parity.py and scripts/test.sh, beside the counts that each test leaves. */
static void write_counts(int passed, int failed, int skipped) {
    const char *path = getenv("CTORCH_TEST_COUNTS");
    if (!path) return;
    FILE *f = fopen(path, "w");
    if (f) {
        fprintf(f, "%d %d %d\n", passed, failed, skipped);
        fclose(f);
    }
    char ops[1024];
    snprintf(ops, sizeof ops, "%s.ops", path);
    f = fopen(ops, "w");
    if (!f) return;
    for (int op = 0; op < CT__OP_COUNT; op++) {
        const op_counts *n = &replay_counts[op];
        if (n->cases)
            fprintf(f, "%s %lld %lld %lld %lld %lld %lld\n", ct__op_table[op].name, (long long)n->cases, (long long)n->gradients, (long long)n->checks,
                    (long long)n->second_checks, (long long)n->sweeps, (long long)n->failures);
    }
    fclose(f);
}

static int64_t print_ops(bool verbose) {
    int64_t smallest = INT64_MAX;
    int n = 0, least = -1;
    for (int op = 0; op < CT__OP_COUNT; op++) {
        const op_counts *k = &replay_counts[op];
        if (!k->cases) continue;
        n++;
        if (k->cases < smallest) smallest = k->cases, least = op;
        if (verbose)
            printf("    ct_%-30s %4lld cases, %4lld gradients, %2lld gradchecks, %2lld gradgradchecks, %lld sweeps\n", ct__op_table[op].name,
                   (long long)k->cases, (long long)k->gradients, (long long)k->checks, (long long)k->second_checks, (long long)k->sweeps);
    }
    printf("%d ops, smallest %lld (%s)", n, (long long)(n ? smallest : 0), least >= 0 ? ct__op_table[least].name : "none");
    return n;
}

int replay_main(int argc, char **argv) {
    options o = {.folder = getenv("CTORCH_PARITY_DIR") ? getenv("CTORCH_PARITY_DIR") : TEST_SOURCE_DIR "/parity/golden"};
    int i = 1, passed = 0, failed = 0, skipped = 0;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--quick") == 0) o.quick = true;
        if (strcmp(argv[i], "--verbose") == 0) o.verbose = true;
    }
    o.only = argv + i;
    o.n_only = argc - i;
    totals sum = {0};
    for (int k = 0; k < n_adapters; k++) {
        if (!wanted(&o, adapters[k].name)) continue;
        int result = replay_op(&adapters[k], &o, &sum);
        passed += result == 1;
        failed += result == 0;
        skipped += result == -1;
        fflush(stdout);
    }
    ct_scope_clear_root();
    print_ops(o.verbose || o.n_only);
    printf(", %lld cases in %lld runs, %d files: %d passed, %d failed, %d skipped\n", (long long)sum.cases, (long long)sum.runs, passed + failed + skipped,
           passed, failed, skipped);
    write_counts(passed, failed, skipped);
    return failed != 0 || passed == 0;
}
