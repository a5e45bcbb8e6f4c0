#!/bin/sh
# test_arm64.sh [TEST...]: cross-compiles the library for arm64 and runs its kernel tests, or those named, under qemu-user.
#
# For Debian and Ubuntu on another machine than arm64. The compiler and qemu are installed; the arm64 libraries are only unpacked, below build/arm64.
# With emulation the tests take minutes.
# shellcheck source=scripts/common.sh
. "$(dirname -- "$0")/common.sh"

command -v apt-get >/dev/null 2>&1 || die "this script fetches the arm64 libraries with apt-get"
need_command gcc-aarch64-linux-gnu aarch64-linux-gnu-gcc
need_command qemu-user qemu-aarch64
need_command cmake
need_command ninja-build ninja
need_command pkg-config
# shellcheck disable=SC2086 # a list of packages
[ -z "$MISSING" ] || { say "installing$MISSING"; as_root apt-get install -y -qq --no-install-recommends $MISSING </dev/null >/dev/null; }

# ---- arm64 libraries: a package system of its own, in a folder ----
TREE=$ROOT/build/arm64 SYSROOT=$ROOT/build/arm64/sysroot LIBS=usr/lib/aarch64-linux-gnu
if [ ! -e "$SYSROOT/done" ]; then
    say "fetching the arm64 libraries"
    mkdir -p "$TREE/apt/lists/partial" "$TREE/apt/archives/partial" "$SYSROOT"
    : >"$TREE/apt/status"
    cat >"$TREE/apt/apt.conf" <<END
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
Dir::State "$TREE/apt";
Dir::State::status "$TREE/apt/status";
Dir::Cache "$TREE/apt";
Debug::NoLocking "1";
END
    APT_CONFIG=$TREE/apt/apt.conf apt-get update -qq
    APT_CONFIG=$TREE/apt/apt.conf apt-get install -y -qq --download-only libc6-dev libopenblas-dev libpng-dev libjpeg-dev zlib1g-dev check >/dev/null
    for package in "$TREE"/apt/archives/*.deb; do dpkg-deb -x "$package" "$SYSROOT"; done
    touch "$SYSROOT/done"
fi

# ---- build ----
export PKG_CONFIG_SYSROOT_DIR="$SYSROOT" PKG_CONFIG_LIBDIR="$SYSROOT/$LIBS/openblas-pthread/pkgconfig:$SYSROOT/$LIBS/pkgconfig"
[ $# -gt 0 ] || set -- test_kern_conv test_kern_nn test_kern_norm test_kern_pointwise test_kern_pool test_kern_reduce test_kern_rnn test_kern_sparse \
    test_strided test_blas
cmake -S . -B "$TREE/release" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
    -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DCMAKE_SYSROOT="$SYSROOT" -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY \
    -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY -DCTORCH_SHARED=OFF -DCTORCH_EXAMPLES=OFF -DCTORCH_BENCH=OFF -DCTORCH_CURL=OFF >"$TREE/cmake.log" ||
    { cat "$TREE/cmake.log"; die "cmake failed"; }
tail -1 "$TREE/cmake.log"
ninja -C "$TREE/release" "$@" >"$TREE/build.log" || { tail -40 "$TREE/build.log"; die "the build failed"; }

# ---- run ----
export QEMU_LD_PREFIX="$SYSROOT"
failed=0
for test in "$@"; do
    say "$test"
    CK_DEFAULT_TIMEOUT=3600 qemu-aarch64 -E LD_LIBRARY_PATH="/$LIBS/openblas-pthread" "$TREE/release/tests/$test" || failed=$((failed + 1))
done
[ $failed = 0 ] || die "$failed of $# test programs failed"
say "all $# test programs passed"
