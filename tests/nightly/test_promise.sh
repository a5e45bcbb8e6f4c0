#!/bin/sh
# test_promise.sh MNIST_CNN: what scripts/demo.sh promises: for seeds 1 to 3, at least 97.5 % test accuracy on the bundled digits.
set -u
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0
for seed in 1 2 3; do
    "$1" --seed $seed --out "$tmp/$seed" >"$tmp/output" </dev/null || { cat "$tmp/output"; failed=$((failed + 1)); continue; }
    result=$(grep '^test accuracy' "$tmp/output")
    echo "seed $seed: $result"
    if echo "$result" | awk '{ exit !($3 >= 97.5) }'; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
[ -z "${CTORCH_TEST_COUNTS:-}" ] || echo "$passed $failed 0" >"$CTORCH_TEST_COUNTS"
[ "$failed" = 0 ]
