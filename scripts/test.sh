#!/bin/sh
# test.sh [TIER...]: installs what is missing, builds, runs the tests, ends with one line 'N passed, N failed, N skipped'.
#
#   --full             release build, warnings are errors: quick and full tests (what runs if none is named; at most 15 minutes on 2 cores)
#   --quick            release build: quick tests only
#   --sanitize         ASan and UBSan: quick and full tests
#   --sanitize-quick   ASan and UBSan: quick tests only
#   --tsan             TSan: the tests of what is threaded
#   --isa              the release build's tests with CTORCH_CPU=ref, avx2 and avx512
#   --clang            build with clang, warnings are errors: quick tests
#   --fuzz             every fuzz driver for CTORCH_FUZZ_SECONDS (60) each; needs clang
#   --coverage         line coverage of lib without third_party; less than 90 % is a failure; needs lcov
#   --long             the release build's nightly tests: soak, training to the accuracy that the demo promises
#   --nightly          all of them
#   -R PATTERN         only the tests whose names match, with any of the above
# shellcheck source=common.sh
. "$(dirname -- "$0")/common.sh"

PASSED=0 FAILED=0 SKIPPED=0 PATTERN=.
THREADED='pool|loader|generator|context|alloc|scope|error|platform|backward|threads|training|checkpoint|cache'

# note_failure WHAT: a step that is no test of its own, and failed.
note_failure() { FAILED=$((FAILED + 1)); say "FAILED: $*"; }

# build NAME CMAKE-OPTIONS...: configures and builds in build/NAME.
build() {
    name=$1; shift
    say "building in build/$name"
    cmake -S . -B "build/$name" -G Ninja "$@" >"$LOGS/$name.log" 2>&1 && cmake --build "build/$name" -j "$JOBS" >>"$LOGS/$name.log" 2>&1 && return
    grep -E -A 8 'error|FAILED' "$LOGS/$name.log" | head -n 60 || true
    note_failure "build/$name does not build, see $LOGS/$name.log"
    return 1
}

# run NAME CTEST-OPTIONS...: runs tests of build/NAME and adds up what they counted. A test that left no counts, because it crashed or
# does not count, is one check.
run() {
    name=$1; shift
    rm -f "build/$name"/counts/*
    log=$LOGS/$name.ctest
    ctest --test-dir "build/$name" -j 2 --output-on-failure --no-tests=error -R "$PATTERN" "$@" </dev/null 2>&1 | tee "$log"
    grep -q '[0-9]*% tests passed' "$log" || note_failure "ctest in build/$name"
    results=$(sed -n 's/^ *[0-9]*\/[0-9]* *Test *#[0-9]*: *\([^ ]*\) \.*\(.*\)$/\1 \2/p' "$log" | awk '
        { result = /Skipped/ ? "skipped" : / Passed/ ? "passed" : "failed"; print $1, result }')
    sums=$(echo "$results" | while read -r test result; do
        counts=$(cat "build/$name/counts/$test" 2>/dev/null || true)
        echo "${counts:-none} $result"
    done | awk '
        $1 == "none" { n[$2]++; next }
        { n["passed"] += $1; n["failed"] += $2; n["skipped"] += $3; if ($4 == "failed" && $2 == 0) n["failed"]++ }
        END { print n["passed"] + 0, n["failed"] + 0, n["skipped"] + 0 }')
    # shellcheck disable=SC2086
    set -- $sums
    PASSED=$((PASSED + $1)) FAILED=$((FAILED + $2)) SKIPPED=$((SKIPPED + $3))
    parity "$name" >>"$LOGS/parity"
    modules "$name" >>"$LOGS/parity"
}

# parity NAME: how many cases of each op were compared with PyTorch, and their sum, from the full programs' counts or else the quick ones'.
parity() {
    files=$(find "build/$1/counts" -name 'parity_*.ops' ! -name '*_quick.ops')
    files=${files:-$(find "build/$1/counts" -name 'parity_*.ops')}
    if [ -z "$files" ]; then return; fi
    # shellcheck disable=SC2086 # a list; our own names have no blanks
    sort $files | awk -v build="$1" '
        { if (!($1 in cases)) ops++; cases[$1] += $2; sum += $2; failed += $7 }
        END {
            for (op in cases) if (!least || cases[op] < cases[least]) least = op
            list = "sort | paste -s -d , - | sed \"s/,/, /g\" | fold -s -w 150"
            for (op in cases) print op, cases[op] | list
            close(list)
            printf "parity (%s): %d ops, smallest %d (%s), %d cases, %s\n", build, ops, cases[least], least, sum, failed ? failed " failures" : "all pass"
        }'
}

# modules NAME: how many cases of modules were compared with PyTorch.
modules() {
    files=$(find "build/$1/counts" -name 'modules_*.modules')
    if [ -z "$files" ]; then return; fi
    # shellcheck disable=SC2086 # a list; our own names have no blanks
    awk -v build="$1" '
        { n++; sum += $2; failed += $NF; if (n == 1 || $2 < cases) { cases = $2; least = $1 } }
        END { printf "parity of modules (%s): %d modules, smallest %d (%s), %d cases, %s\n", build, n, cases, least, sum, failed ? failed " failures" : "all pass" }' $files
}

RELEASE='-DCMAKE_BUILD_TYPE=Release -DCTORCH_WERROR=ON'
ASAN='-DCMAKE_BUILD_TYPE=RelWithDebInfo -DCTORCH_SANITIZE=address,undefined -DCTORCH_SHARED=OFF -DCTORCH_EXAMPLES=OFF -DCTORCH_BENCH=OFF'
TSAN='-DCMAKE_BUILD_TYPE=RelWithDebInfo -DCTORCH_SANITIZE=thread -DCTORCH_SHARED=OFF -DCTORCH_EXAMPLES=OFF -DCTORCH_BENCH=OFF'

# shellcheck disable=SC2086 # the options above are lists
tier() {
    case $1 in
    full) build release $RELEASE && run release -LE nightly ;;
    quick) build release $RELEASE && run release -L quick ;;
    long) build release $RELEASE && run release -L nightly ;;
    sanitize) build asan $ASAN && run asan -LE nightly ;;
    sanitize-quick) build asan $ASAN && run asan -L quick ;;
    tsan) build tsan $TSAN && PATTERN=$THREADED run tsan -LE nightly ;;
    isa)
        build release $RELEASE || return 0
        for isa in ref avx2 avx512; do
            say "CTORCH_CPU=$isa"
            CTORCH_CPU=$isa run release -LE nightly -E '^(layers|exports|snippets|headers|shellcheck|install|valgrind)$'
        done
        ;;
    clang) build clang $RELEASE -DCMAKE_C_COMPILER=clang && run clang -L quick ;;
    fuzz) build fuzz $ASAN -DCMAKE_C_COMPILER=clang -DCTORCH_FUZZ=ON && fuzz ;;
    coverage) build coverage -DCMAKE_BUILD_TYPE=Debug -DCTORCH_COVERAGE=ON -DCTORCH_SHARED=OFF -DCTORCH_EXAMPLES=OFF -DCTORCH_BENCH=OFF && coverage ;;
    esac || true
}

# Each driver is one check. What it finds stays in build/fuzz; a crash belongs into tests/golden/bad afterwards.
fuzz() {
    for driver in build/fuzz/tests/fuzz_*; do
        if [ ! -f "$driver" ]; then continue; fi
        format=${driver##*fuzz_}
        work=build/fuzz/corpus_$format
        mkdir -p "$work"
        set -- "$work"
        for seeds in "tests/fuzz/corpus_$format" "tests/golden/$format" tests/golden/bad; do [ -d "$seeds" ] && set -- "$@" "$seeds"; done
        [ -f "tests/fuzz/$format.dict" ] && set -- "-dict=tests/fuzz/$format.dict" "$@"
        say "fuzzing $format"
        if "$driver" -max_total_time="${CTORCH_FUZZ_SECONDS:-60}" -timeout=20 -rss_limit_mb=4096 -max_len=65536 -print_final_stats=1 \
            -artifact_prefix="build/fuzz/$format-" "$@" >"$LOGS/fuzz_$format.log" 2>&1; then
            PASSED=$((PASSED + 1))
            grep number_of_executed_units "$LOGS/fuzz_$format.log" || true
        else
            note_failure "fuzz_$format"
            tail -n 40 "$LOGS/fuzz_$format.log"
        fi
    done
}

coverage() {
    command -v lcov >/dev/null 2>&1 || { note_failure "coverage needs lcov"; return; }
    lcov -q --zerocounters -d build/coverage
    run coverage -LE nightly
    lcov -q --capture -d build/coverage -o build/coverage/all.info --no-external -b "$ROOT" 2>/dev/null
    lcov -q --extract build/coverage/all.info "$ROOT/lib/*" -o build/coverage/lib.info
    lcov -q --remove build/coverage/lib.info "$ROOT/lib/third_party/*" -o build/coverage/lib.info
    lcov --list build/coverage/lib.info | tee "$LOGS/coverage.txt" | tail -n 1
    percent=$(lcov --summary build/coverage/lib.info 2>&1 | sed -n 's/.*lines\.*: \([0-9.]*\)%.*/\1/p')
    say "line coverage of lib: $percent %"
    if [ "$(printf '%s\n' "$percent" | awk '{ print ($1 >= 90) }')" = 1 ]; then PASSED=$((PASSED + 1)); else note_failure "coverage is below 90 %"; fi
}

tiers='' needs=tests
while [ $# -gt 0 ]; do
    case $1 in
    --full | --quick | --sanitize | --sanitize-quick | --tsan | --isa | --long) tiers="$tiers ${1#--}" ;;
    --clang | --fuzz) tiers="$tiers ${1#--}" needs="$needs clang" ;;
    --coverage) tiers="$tiers coverage" needs="$needs lcov" ;;
    --nightly) tiers="full clang isa sanitize tsan fuzz coverage long" needs="tests clang lcov" ;;
    -R) PATTERN=${2:?-R takes a pattern}; shift ;;
    -h | --help) sed -n '2,/^#   -R/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) die "$1 is no option; --help lists them" ;;
    esac
    shift
done

# shellcheck disable=SC2086
install_missing $needs
LOGS=build/logs
mkdir -p "$LOGS"
: >"$LOGS/parity"
for t in ${tiers:-full}; do tier "$t"; done

cat "$LOGS/parity"
echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
[ "$FAILED" = 0 ] && [ "$PASSED" -gt 0 ]
