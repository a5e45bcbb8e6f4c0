#!/bin/sh
# test_install.sh: the library, installed into an empty folder, serves programs as a user writes them: with pkg-config, with CMake, as C11 and
# as C++17, shared and static. Takes the build from $BUILD, the compilers from $CC and $CXX.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
prefix=$tmp/prefix run=$tmp/run passed=0 failed=0
CC=${CC:-cc} CXX=${CXX:-c++}
command -v python3 >/dev/null 2>&1 || { echo "skipped: there is no python3 to make the data"; exit 77; }

# check TEXT COMMAND...: one check; shows what a failing command printed.
check() {
    what=$1; shift
    if "$@" >"$tmp/output" 2>&1; then passed=$((passed + 1)); echo "ok: $what"
    else failed=$((failed + 1)); echo "FAILED: $what: $*"; tail -n 40 "$tmp/output"
    fi
}

cmake --install "$BUILD" --prefix "$prefix" >"$tmp/output" 2>&1 || { cat "$tmp/output"; exit 1; }
pc=$(find "$prefix" -name ctorch.pc)
lib=$(dirname "$(dirname "$pc")")
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
python3 "$here/make_data.py" "$here/../../examples/data/mnist" "$run" || exit 1
cd "$run" || exit 1

# ---- What lies there ----
no_private_header() { [ -z "$(find "$prefix/include" -type f ! -path "$prefix/include/ctorch/*.h")" ]; }
soname() { readelf -d "$lib/libctorch.so" | grep -q 'SONAME.*\[libctorch\.so\.[0-9]*\]'; }
no_path_inside() { ! readelf -d "$1" | grep -E 'RPATH|RUNPATH'; }
moved() { # nothing in the text files knows where they were installed
    ! grep -rIl "$tmp" "$prefix"
}
check "only public headers are installed" no_private_header
check "the shared library has the major version in its soname" soname
check "the shared library carries no rpath" no_path_inside "$lib/libctorch.so"
check "the installed files may be moved" moved

# ---- pkg-config ----
warnings="-Wall -Wextra -Wpedantic -Werror"
# shellcheck disable=SC2046,SC2086 # lists of flags
{
    check "the training program compiles as C11" "$CC" -std=c11 $warnings "$here/program_train.c" -o train $(pkg-config --cflags --libs ctorch)
    check "the predicting program compiles as C11" "$CC" -std=c11 $warnings "$here/program_predict.c" -o predict $(pkg-config --cflags --libs ctorch)
    check "the training program's twin compiles as C++17" "$CXX" -std=c++17 $warnings "$here/program_train.cc" -o train_cc $(pkg-config --cflags --libs ctorch)
}
check "programs need no rpath" no_path_inside train
not_found() { ! ./train; }
check "without LD_LIBRARY_PATH the loader does not find it in its folder" not_found
export LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
predicts() { "$@" >predicted && cat predicted && grep -q '^accuracy 0\.[0-9]*$' predicted && sed -n 2p predicted | grep -q '^[0-9]$'; }
check "the training program runs" ./train
check "it has written its weights" test -s mnist_cnn.safetensors
check "the predicting program loads them, evaluates, predicts" predicts ./predict
# 12 steps are enough to be far better than one in ten
learned() { awk '/accuracy/ { exit !($2 > 0.5) }' predicted; }
check "the network has learned" learned
cp predicted predicted_shared
mv mnist_cnn.safetensors c.safetensors
check "the C++ twin runs" ./train_cc
check "C and C++ draw the same weights and train to the same bits" cmp c.safetensors mnist_cnn.safetensors

# ---- Static: a prefix without the shared library ----
cp -R "$prefix" "$tmp/static"
find "$tmp/static" -name 'libctorch.so*' -exec rm {} +
static_pc=$tmp/static/${PKG_CONFIG_PATH#"$prefix"/}
# shellcheck disable=SC2046,SC2086
check "pkg-config --static is enough to link statically" \
    "$CC" -std=c11 $warnings "$here/program_predict.c" -o predict_static $(PKG_CONFIG_PATH=$static_pc pkg-config --static --cflags --libs ctorch)
check "the static program predicts" predicts env LD_LIBRARY_PATH= ./predict_static
check "static and shared agree" cmp predicted predicted_shared

# ---- CMake ----
with_cmake() { # LIBRARY
    rm -rf cmake && cmake -S "$here/project" -B cmake -DCMAKE_PREFIX_PATH="$prefix" -DLIBRARY="$1" -DSOURCE="$here/program_predict.c" \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER="$CC" && cmake --build cmake && predicts cmake/predict && cmp predicted predicted_shared
}
check "find_package(ctorch) gives ctorch::ctorch" with_cmake ctorch::ctorch
check "find_package(ctorch) gives ctorch::ctorch_static" with_cmake ctorch::ctorch_static

# ---- examples/template, copied as its reader does ----
cp -R "$here/../../examples/template" my_project
template() { (cd my_project && cmake -B build -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS=-Werror && cmake --build build && build/my_project) >printed; }
template_learned() { awk '/^test accuracy/ { good = $3 > 90 } END { exit !good }' printed; }
killed_and_resumed() { # to the same weights, from wherever it was killed
    mv my_project/out whole && (
        cd my_project || exit 1
        build/my_project & pid=$! tries=0
        while [ ! -s out/checkpoint.safetensors ] && [ $tries -lt 600 ]; do sleep 0.05; tries=$((tries + 1)); done
        kill -9 $pid; wait $pid
        build/my_project --resume && cmp out/model.safetensors ../whole/model.safetensors
    )
}
check "the template builds and runs" template
check "it has learned" template_learned
check "it has written its report" grep -q '</html>' my_project/out/report.html
check "killed and resumed it ends with the same weights" killed_and_resumed

echo "install: $passed passed, $failed failed"
[ -z "${CTORCH_TEST_COUNTS:-}" ] || echo "$passed $failed 0" >"$CTORCH_TEST_COUNTS"
[ "$failed" = 0 ]
