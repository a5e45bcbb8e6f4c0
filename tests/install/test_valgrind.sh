#!/bin/sh
# test_valgrind.sh IMAGES: the two programs of the design, run one after the other on data sets of so many images, do nothing invalid
# and lose nothing. Takes the library from $BUILD and the compiler from $CC. valgrind makes a call of each lane of each FMA: 256 images are
# a quarter of an hour, and the nightly test; 16 run the same code, one batch an epoch.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$here/../..
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
leave() { echo "skipped: $*"; exit 77; }
command -v python3 >/dev/null 2>&1 || leave "there is no python3 to make the data"
command -v valgrind >/dev/null 2>&1 || leave "there is no valgrind"
grep -q avx2 /proc/cpuinfo || leave "CTORCH_CPU=avx2 needs a processor that has it"

python3 "$here/make_data.py" "$root/examples/data/mnist" "$tmp" "${1:-256}" || exit 1
cd "$tmp" || exit 1
passed=0 failed=0
for program in train predict; do
    "${CC:-cc}" -std=c11 -g "$here/program_$program.c" -I"$root/include" -L"$BUILD" -lctorch -Wl,-rpath,"$BUILD" -o $program || exit 1
    # What is still reachable at the end is what OpenBLAS and the C library keep for the process; the library's own is freed at unload.
    if CTORCH_CPU=avx2 CTORCH_ALLOC=system valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=definite,indirect,possible \
        --errors-for-leak-kinds=definite,indirect,possible --suppressions="$here/valgrind.supp" ./$program; then
        passed=$((passed + 1)); echo "ok: $program"
    else failed=$((failed + 1)); echo "FAILED: $program"
    fi
done
echo "valgrind: $passed passed, $failed failed"
[ -z "${CTORCH_TEST_COUNTS:-}" ] || echo "$passed $failed 0" >"$CTORCH_TEST_COUNTS"
[ "$failed" = 0 ]
