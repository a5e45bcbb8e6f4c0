#!/bin/sh
# demo.sh [EXAMPLE [ARGUMENTS...]]: installs what is missing, builds, and runs an example: mnist_cnn if none is named.
#
#   scripts/demo.sh                       trains the MNIST network on the bundled digits
#   scripts/demo.sh boston_housing
#   scripts/demo.sh mnist_cnn --epochs 5
#   scripts/demo.sh foundations/tensors
# shellcheck source=common.sh
. "$(dirname -- "$0")/common.sh"

examples() {
    for source in examples/*/*.c; do
        folder=$(basename "$(dirname "$source")") name=$(basename "$source" .c)
        case $folder in "$name") printf ' %s' "$name" ;; foundations) printf ' foundations/%s' "$name" ;; esac
    done
}
example=${1:-mnist_cnn}
[ $# -eq 0 ] || shift
case " $(examples) " in *" $example "*) ;; *) die "there is no example \"$example\"; there are:$(examples)" ;; esac

install_missing building
build=${CTORCH_BUILD_DIR:-build/demo}
say "building in $build"
log=$build.log
mkdir -p "$(dirname -- "$log")"
{ cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCTORCH_TESTS=OFF -DCTORCH_BENCH=OFF && cmake --build "$build" -j "$JOBS"; } >"$log" 2>&1 ||
    { tail -n 30 "$log"; die "it does not build, see $log"; }
exec "$build/examples/$example" "$@"
