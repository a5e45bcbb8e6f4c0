#!/bin/sh
# demo.sh [EXAMPLE [ARGUMENTS...]]: installs what is missing, builds, and runs an example: mnist_cnn if none is named.
#
#   scripts/demo.sh                       trains the MNIST network on the bundled digits
#   scripts/demo.sh boston_housing
#   scripts/demo.sh mnist_cnn --epochs 5
. "$(dirname -- "$0")/common.sh"

example=${1:-mnist_cnn}
[ $# -gt 0 ] && shift
[ -d "examples/$example" ] || die "there is no example \"$example\"; there are: $(cd examples && ls -d */ | grep -v -e data/ -e common/ | tr -d / | tr '\n' ' ')"

install_missing
build=${CTORCH_BUILD_DIR:-build/demo}
say "building in $build"
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCTORCH_TESTS=OFF -DCTORCH_BENCH=OFF -DCMAKE_INSTALL_PREFIX="$ROOT/$build/prefix" >/dev/null
cmake --build "$build" -j "$JOBS" >/dev/null
exec "$build/examples/$example" "$@"
