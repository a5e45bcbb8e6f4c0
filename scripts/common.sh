# common.sh: what demo.sh and test.sh share: finding the tree, installing what is missing.
set -eu
ROOT=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$ROOT"
JOBS=$(nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# as_root COMMAND...: as root, or through sudo without questions.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo -n "$@"
    else die "these packages are missing and need root to install: $MISSING
       Run this script as root, let sudo work without a password, or install them by hand."
    fi
}

has_header() { printf '#include <%s>\n' "$1" | cc -E -x c - >/dev/null 2>&1; }

# need TEST-COMMAND... -- PACKAGE: notes the package as missing if the test fails.
MISSING=
need() {
    package=$1; shift
    "$@" >/dev/null 2>&1 || MISSING="$MISSING $package"
}

# Installs what building needs (and with "tests", what testing needs), named as each distribution names it.
install_missing() {
    MISSING=
    if command -v apt-get >/dev/null 2>&1; then
        need gcc command -v cc; need libc6-dev has_header stdlib.h; need cmake command -v cmake; need ninja-build command -v ninja
        need pkg-config command -v pkg-config
        need libopenblas-dev pkg-config --exists openblas; need libpng-dev pkg-config --exists libpng; need zlib1g-dev pkg-config --exists zlib
        if [ "${1:-}" = tests ]; then
            need check pkg-config --exists check; need g++ command -v c++; need python3 command -v python3
            need valgrind command -v valgrind
        fi
        [ -z "$MISSING" ] && return
        say "installing$MISSING"
        export DEBIAN_FRONTEND=noninteractive
        as_root apt-get update -qq
        # shellcheck disable=SC2086
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $MISSING >/dev/null
    elif command -v dnf >/dev/null 2>&1; then
        MISSING=" gcc cmake ninja-build pkgconf openblas-devel libpng-devel zlib-devel"
        [ "${1:-}" = tests ] && MISSING="$MISSING check-devel gcc-c++ python3 valgrind"
        # shellcheck disable=SC2086
        as_root dnf install -y -q $MISSING
    elif command -v pacman >/dev/null 2>&1; then
        MISSING=" gcc cmake ninja pkgconf openblas libpng zlib"
        [ "${1:-}" = tests ] && MISSING="$MISSING check python valgrind"
        # shellcheck disable=SC2086
        as_root pacman -S --needed --noconfirm $MISSING
    elif command -v brew >/dev/null 2>&1; then
        brew install cmake ninja pkg-config openblas libpng check
        PKG_CONFIG_PATH="$(brew --prefix openblas)/lib/pkgconfig:${PKG_CONFIG_PATH:-}"
        export PKG_CONFIG_PATH
    else
        say "no package manager that this script knows; going on with what is there"
    fi
}
