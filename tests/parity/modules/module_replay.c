/*
 * module_replay.c: replays the golden files of the modules that the program has adapters for.
 *
 *     test_modules_X [--verbose] [Module...]
 *     CTORCH_MODULES_DIR=folder                replays that folder instead of tests/parity/modules/golden
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parity/modules/module_impl.h"

enum { MAX_MODULES = 200 };

static module_adapter adapters[MAX_MODULES];
static module_counts counts[MAX_MODULES];
static int n_adapters;

module_adapter *module_adapter_named(const char *name) {
    for (int i = 0; i < n_adapters; i++)
        if (strcmp(adapters[i].name, name) == 0) return &adapters[i];
    if (n_adapters == MAX_MODULES) abort();
    adapters[n_adapters].name = name;
    return &adapters[n_adapters++];
}

static bool wanted(const char *name, char **only, int n) {
    for (int i = 0; i < n; i++)
        if (strcmp(only[i], name) == 0) return true;
    return n == 0;
}

static void replay_module(const module_adapter *a, module_counts *n) {
    const char *folder = getenv("CTORCH_MODULES_DIR");
    char path[1024];
    golden g;
    snprintf(path, sizeof path, "%s/%s.safetensors.gz", folder ? folder : TEST_SOURCE_DIR "/parity/modules/golden", a->name);
    if (!golden_read(&g, path, a->name)) {
        printf("FAILED %s: cannot read %s\n", a->name, path);
        n->failures++;
        return;
    }
    for (size_t i = 0; i < yyjson_arr_size(g.cases); i++) module_case_replay(&g, yyjson_arr_get(g.cases, i), (int)i, a, n);
    golden_free(&g);
    if (n->cases == 0) {
        printf("FAILED %s: no cases\n", a->name);
        n->failures++;
    }
    if (n->failures > n->shown) printf("    %s: %lld failures in all\n", a->name, (long long)n->failures);
}

/* One line per module for scripts/check_module_parity.py, beside the counts that each test leaves. */
static void write_counts(int passed, int failed) {
    const char *path = getenv("CTORCH_TEST_COUNTS");
    if (!path) return;
    FILE *f = fopen(path, "w");
    if (f) {
        fprintf(f, "%d %d 0\n", passed, failed);
        fclose(f);
    }
    char modules[1024];
    snprintf(modules, sizeof modules, "%s.modules", path);
    f = fopen(modules, "w");
    if (!f) return;
    for (int i = 0; i < n_adapters; i++) {
        const module_counts *n = &counts[i];
        fprintf(f, "%s %lld %lld %lld %lld\n", adapters[i].name, (long long)n->cases, (long long)n->gradients, (long long)n->initial, (long long)n->failures);
    }
    fclose(f);
}

int module_replay_main(int argc, char **argv) {
    int i = 1, passed = 0, failed = 0, least = -1;
    bool verbose = false;
    for (; i < argc && argv[i][0] == '-'; i++) verbose = verbose || strcmp(argv[i], "--verbose") == 0;
    int64_t cases = 0;
    for (int k = 0; k < n_adapters; k++) {
        if (!wanted(adapters[k].name, argv + i, argc - i)) continue;
        module_counts *n = &counts[k];
        replay_module(&adapters[k], n);
        passed += n->failures == 0;
        failed += n->failures != 0;
        cases += n->cases;
        if (least < 0 || n->cases < counts[least].cases) least = k;
        printf("%-28s %3lld cases, %3lld gradients, %2lld initial states%s\n", adapters[k].name, (long long)n->cases, (long long)n->gradients,
               (long long)n->initial, n->failures ? "  FAILED" : "");
        if (verbose) printf("    %lld texts, %lld sweeps\n", (long long)n->texts, (long long)n->sweeps);
        fflush(stdout);
    }
    ct_scope_clear_root();
    printf("modules %d, smallest %lld (%s), cases %lld: %d passed, %d failed\n", passed + failed, (long long)(least < 0 ? 0 : counts[least].cases),
           least < 0 ? "none" : adapters[least].name, (long long)cases, passed, failed);
    write_counts(passed, failed);
    return failed != 0 || passed == 0;
}
