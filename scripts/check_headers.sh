#!/bin/sh
# check_headers.sh: every public header compiles alone, included twice, as C11 and as C++17, with each compiler that is there.
set -eu
cd "$(dirname -- "$0")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0

try() { # COMPILER SUFFIX FLAG...
    compiler=$1 file=$tmp/alone.$2
    shift 2
    command -v "$compiler" >/dev/null 2>&1 || return 0
    for header in include/ctorch/*.h include/ctorch/*/*.h; do
        name=${header#include/}
        printf '#include <%s>\n#include <%s>\nint nothing(void);\nint nothing(void) { return 0; }\n' "$name" "$name" >"$file"
        if "$compiler" "$@" -Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only "$file"; then passed=$((passed + 1))
        else failed=$((failed + 1)); echo "$name: not with $compiler $*"
        fi
    done
}
try "${CC:-cc}" c -std=c11
try "${CXX:-c++}" cc -std=c++17
case "${CC:-cc}" in *clang*) ;; *) try clang c -std=c11; try clang++ cc -std=c++17 ;; esac

echo "headers: $passed passed, $failed failed"
[ -z "${CTORCH_TEST_COUNTS:-}" ] || echo "$passed $failed 0" >"$CTORCH_TEST_COUNTS"
[ "$failed" = 0 ]
