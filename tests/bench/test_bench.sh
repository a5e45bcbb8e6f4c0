#!/bin/sh
# test_bench.sh BENCH_WORKLOADS BENCH_OPS: the benchmark programs run and print what bench/README.md says. Looks at no times.
set -u
passed=0 failed=0
# prints PATTERN COMMAND...: the command succeeds and prints a line that the extended regular expression matches.
prints() {
    pattern=$1
    shift
    output=$("$@" </dev/null 2>&1)
    status=$?
    if [ $status = 0 ] && printf '%s\n' "$output" | grep -Eq "$pattern"; then
        passed=$((passed + 1))
    else
        echo "$*: exit $status, wanted a line like: $pattern"
        printf '%s\n' "$output"
        failed=$((failed + 1))
    fi
}
tab=$(printf '\t')
row="[0-9.]+${tab}[0-9.]+${tab}[0-9]+${tab}-?[0-9.]+\$"
for name in boston_linear_b32 mnist_mlp_b64 mnist_cnn_b1_infer bert_minilm_b1_t32_infer; do
    prints "^$name$tab$row" "$1" --only $name --seconds 0
done
prints '^resnet18_b8_224px$' "$1" --list
prints '^overhead ct_add, 1 element +[0-9]+ ns' "$2" --seconds 0 --only overhead
prints '^adam step, 16 Ki in cache +[0-9.]+ GB/s' "$2" --seconds 0 --only 'in cache'
prints '^linear mnist_mlp_b64 fc1 .* %' "$2" --seconds 0 --only mnist_mlp
prints 'together:  forward [0-9]+ %' "$2" --seconds 0 --only mnist_cnn_b1_infer --channels-last
for script in compare_pytorch torch_reference; do # without PyTorch they can only be parsed
    command -v python3 >/dev/null || continue
    prints '^parsed$' python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read()); print("parsed")' "$(dirname "$0")/../../bench/$script.py"
done
echo "$passed passed, $failed failed"
[ -z "${CTORCH_TEST_COUNTS:-}" ] || echo "$passed $failed 0" >"$CTORCH_TEST_COUNTS"
[ "$failed" = 0 ]
